//! Colours: the sixteen of the terminal, so that they fit whatever it is set to, or none.

use ratatui::style::{Color, Modifier, Style};

use backchat_core::chat::Nickname;

/// What has a colour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theme {
    /// Times, and who came and went.
    pub dim: Style,
    /// What the program says.
    pub notice: Style,
    /// What went wrong.
    pub complaint: Style,
    /// What was said to one.
    pub private: Style,
    /// What names us.
    pub mention: Style,
    /// Titles of panes.
    pub title: Style,
    /// The status line.
    pub status: Style,
    /// The part of a bar that is done.
    pub done: Style,
    /// A question.
    pub question: Style,
    /// Lines of the inspector, in order.
    pub series: [Style; 3],
    /// Nicknames; without any they are bold.
    pub nicks: Vec<Color>,
}

impl Theme {
    /// With colours.
    pub fn coloured() -> Self {
        let fg = |color| Style::new().fg(color);
        Self {
            dim: fg(Color::DarkGray),
            notice: fg(Color::Gray),
            complaint: fg(Color::Red),
            private: fg(Color::Magenta),
            mention: Style::new().add_modifier(Modifier::BOLD).fg(Color::Yellow),
            title: Style::new().add_modifier(Modifier::BOLD),
            status: Style::new().fg(Color::White).bg(Color::DarkGray),
            done: fg(Color::Green),
            question: Style::new().add_modifier(Modifier::BOLD).fg(Color::Yellow),
            series: [fg(Color::Green), fg(Color::Cyan), fg(Color::Yellow)],
            nicks: vec![
                Color::Cyan,
                Color::Green,
                Color::Yellow,
                Color::Blue,
                Color::LightCyan,
                Color::LightGreen,
                Color::LightMagenta,
                Color::LightBlue,
                Color::LightYellow,
                Color::LightRed,
            ],
        }
    }

    /// Without: bold, dim and reversed are all there is.
    pub fn plain() -> Self {
        let with = |modifier| Style::new().add_modifier(modifier);
        Self {
            dim: with(Modifier::DIM),
            notice: Style::new(),
            complaint: with(Modifier::BOLD),
            private: with(Modifier::UNDERLINED),
            mention: with(Modifier::BOLD),
            title: with(Modifier::BOLD),
            status: with(Modifier::REVERSED),
            done: Style::new(),
            question: with(Modifier::BOLD),
            series: [Style::new(); 3],
            nicks: Vec::new(),
        }
    }

    /// The colour of a nickname: the same in every run, and however it is written.
    pub fn nick(&self, nick: &Nickname) -> Style {
        // FNV-1a, for it is short and spreads names well; the standard library's hashes may change.
        let hash = nick.as_str().bytes().fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
        });
        let place = hash as usize % self.nicks.len().max(1);
        match self.nicks.get(place) {
            Some(color) => Style::new().fg(*color),
            None => Style::new().add_modifier(Modifier::BOLD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nickname_has_its_colour_however_it_is_written() {
        let nick = |name: &str| Nickname::parse(name).expect("a nickname");
        let theme = Theme::coloured();
        assert_eq!(theme.nick(&nick("Ann")), theme.nick(&nick("ann")));
        assert_ne!(theme.nick(&nick("ann")), theme.nick(&nick("bob")));
        assert_eq!(Theme::plain().nick(&nick("ann")), Theme::plain().nick(&nick("bob")));
    }
}
