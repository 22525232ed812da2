//! Colours, or none.
//!
//! Of the terminal's 256, those that nobody sets otherwise, and of these such as can be read on a light ground and on a dark
//! one: which of the two a terminal has is not told to programs. The first sixteen are what a person has chosen for them,
//! blue often one that is lost on black, and yellow on white.

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

const GRAY: Color = Color::Indexed(102);
const SLATE: Color = Color::Indexed(66);
const RED: Color = Color::Indexed(167);
const MAGENTA: Color = Color::Indexed(164);
const ORANGE: Color = Color::Indexed(166);
const GREEN: Color = Color::Indexed(64);
const AZURE: Color = Color::Indexed(31);

/// Colours of nicknames, around the circle of hues. None is that of a complaint, or of what was said to one.
const NICKS: [u8; 16] = [130, 166, 100, 64, 28, 29, 30, 31, 32, 67, 63, 99, 135, 133, 162, 168];

impl Theme {
    /// With colours.
    pub fn coloured() -> Self {
        let fg = |color| Style::new().fg(color);
        Self {
            dim: fg(GRAY),
            notice: fg(SLATE),
            complaint: fg(RED),
            private: fg(MAGENTA),
            mention: Style::new().add_modifier(Modifier::BOLD).fg(ORANGE),
            title: Style::new().add_modifier(Modifier::BOLD),
            status: Style::new().fg(Color::Indexed(255)).bg(Color::Indexed(240)),
            done: fg(GREEN),
            question: Style::new().add_modifier(Modifier::BOLD).fg(ORANGE),
            series: [fg(GREEN), fg(AZURE), fg(ORANGE)],
            nicks: NICKS.map(Color::Indexed).to_vec(),
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

    /// The contrast of a colour of the cube with black and with white (WCAG 2.2, relative luminance).
    fn contrasts(color: Color) -> (f64, f64) {
        let Color::Indexed(index @ 16..=231) = color else { panic!("{color:?} is not of the cube") };
        let level = |place: u8| [0.0, 95.0, 135.0, 175.0, 215.0, 255.0][usize::from(place)] / 255.0;
        let linear = |it: f64| if it <= 0.03928 { it / 12.92 } else { ((it + 0.055) / 1.055_f64).powf(2.4) };
        let [red, green, blue] =
            [(index - 16) / 36, (index - 16) / 6 % 6, (index - 16) % 6].map(|place| linear(level(place)));
        let luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        ((luminance + 0.05) / 0.05, 1.05 / (luminance + 0.05))
    }

    #[test]
    fn every_colour_can_be_read_on_a_light_ground_and_on_a_dark_one() {
        let theme = Theme::coloured();
        let styles = [
            theme.dim,
            theme.notice,
            theme.complaint,
            theme.private,
            theme.mention,
            theme.done,
            theme.question,
        ];
        let colors = styles
            .iter()
            .chain(&theme.series)
            .filter_map(|style| style.fg)
            .chain(theme.nicks.iter().copied());
        for color in colors {
            let (dark, light) = contrasts(color);
            // 3 is what WCAG asks of large text, and 4.58 the best that any colour has with both.
            assert!(dark >= 3.5 && light >= 3.5, "{color:?}: {dark:.1} with black, {light:.1} with white");
        }
    }

    #[test]
    fn a_nickname_has_its_colour_however_it_is_written() {
        let nick = |name: &str| Nickname::parse(name).expect("a nickname");
        let theme = Theme::coloured();
        assert_eq!(theme.nick(&nick("Ann")), theme.nick(&nick("ann")));
        assert_ne!(theme.nick(&nick("ann")), theme.nick(&nick("bob")));
        assert_eq!(Theme::plain().nick(&nick("ann")), Theme::plain().nick(&nick("bob")));
    }
}
