//! What a person has chosen: `client.toml`.

use backchat_core::chat::Nickname;
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};
use ratatui::style::Color;
use serde::Deserialize;

use super::Home;
use crate::app::settings::{Bell, Settings};
use crate::cli::args::When;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::values::HostPort;
use crate::tui::theme::Theme;

/// Lines that may be kept: a screen at least, and what a window of some hundred megabytes holds.
const SCROLLBACK: std::ops::RangeInclusive<usize> = 100..=1_000_000;

/// The configuration; what is not in it is as it would be without it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table of settings")]
pub struct Preferences {
    /// As `--color`.
    pub color: Option<When>,
    /// As `--ask-halfway`.
    pub ask_halfway: bool,
    /// As `--server`, for the window: before what was last.
    pub server: Option<String>,
    /// As `--nick`, for the window.
    pub nick: Option<String>,
    /// Whether clicks and the wheel are the window's.
    mouse: Option<bool>,
    /// Whether the terminal's title is set.
    title: Option<bool>,
    /// Whether the terminal notifies.
    notify: Option<bool>,
    /// Lines that are kept.
    scrollback: Option<usize>,
    /// How times are written, as `strftime` has it; empty for none.
    time: Option<String>,
    /// In which zone: `local`, or a name such as `Europe/Berlin`.
    zone: Option<String>,
    /// Whether the terminal is rung for what is meant for us.
    bell: Option<bool>,
    /// Words that stand out beside the nickname.
    mention: Vec<String>,
    colors: Colors,
}

/// Colours by what has them: a name of the terminal's sixteen, a number of its 256, or `#rrggbb`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default, expecting = "a table of settings")]
struct Colors {
    dim: Option<Chosen>,
    notice: Option<Chosen>,
    complaint: Option<Chosen>,
    private: Option<Chosen>,
    mention: Option<Chosen>,
    bar: Option<Chosen>,
    status: Option<Chosen>,
    status_background: Option<Chosen>,
    nicks: Option<Vec<Chosen>>,
}

/// A colour that was read.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Chosen(Color);

impl TryFrom<String> for Chosen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected = "expected a colour such as red, lightblue, 123 or #1e90ff";
        text.parse().map(Self).map_err(|_| format!("'{}': {expected}", backchat_core::text::visible(&text)))
    }
}

impl Home {
    /// The configuration; everything as usual where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or says what makes no sense: with its place in the file.
    pub fn preferences(&self) -> Result<Preferences, Failure> {
        let Some(file) = self.config_file() else { return Ok(Preferences::default()) };
        let bad =
            |what: String| Failure::new(Exit::Usage, format!("{}: {}", file.display(), what.trim_end()));
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Preferences::default()),
            Err(error) => return Err(bad(error.to_string())),
        };
        let preferences: Preferences = toml::from_str(&text).map_err(|error| bad(error.to_string()))?;
        preferences.settings().map_err(bad)?;
        Ok(preferences)
    }
}

impl Preferences {
    /// Times, bell, words.
    ///
    /// # Errors
    /// A format or a zone that there is not.
    pub fn settings(&self) -> Result<Settings, String> {
        let default = Settings::default();
        let zone = match self.zone.as_deref() {
            None | Some("local") => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|error| format!("zone: {error}"))?,
        };
        let time = self.time.clone().unwrap_or(default.time);
        let noon = Timestamp::UNIX_EPOCH.to_zoned(zone.clone());
        let written = strtime::format(&time, &noon).map_err(|error| format!("time: {error}"))?;
        if written.chars().any(backchat_core::text::is_hidden) {
            return Err("time: a time has to fit into one line".to_owned());
        }
        let bell = if self.bell == Some(false) { Bell::Silent } else { Bell::Mentions };
        let mentions = self.mention.iter().map(|word| word.to_lowercase()).collect();
        if let Some(server) = &self.server {
            server.parse::<HostPort>().map_err(|error| format!("server: {error}"))?;
        }
        if let Some(nick) = &self.nick {
            Nickname::parse(nick).map_err(|error| format!("nick: {error}"))?;
        }
        let scrollback = self.scrollback.unwrap_or(default.scrollback);
        if !SCROLLBACK.contains(&scrollback) {
            let (least, most) = (SCROLLBACK.start(), SCROLLBACK.end());
            return Err(format!("scrollback: {scrollback} lines, expected {least} to {most}"));
        }
        let (mouse, title) = (self.mouse.unwrap_or(default.mouse), self.title.unwrap_or(default.title));
        let notify = self.notify.unwrap_or(default.notify);
        Ok(Settings { time, zone, bell, mentions, mouse, title, notify, scrollback })
    }

    /// The colours that were chosen, in place of the usual ones.
    pub fn colour(&self, mut theme: Theme) -> Theme {
        let colors = &self.colors;
        for (style, chosen) in [
            (&mut theme.dim, colors.dim),
            (&mut theme.notice, colors.notice),
            (&mut theme.complaint, colors.complaint),
            (&mut theme.private, colors.private),
            (&mut theme.mention, colors.mention),
            (&mut theme.done, colors.bar),
            (&mut theme.status, colors.status),
        ] {
            if let Some(Chosen(color)) = chosen {
                style.fg = Some(color);
            }
        }
        if let Some(Chosen(color)) = colors.status_background {
            theme.status.bg = Some(color);
        }
        if let Some(nicks) = &colors.nicks {
            theme.nicks = nicks.iter().map(|chosen| chosen.0).collect();
        }
        theme
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Preferences, String> {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("client.toml"), text).expect("written");
        let home = Home { config: Some(folder.path().to_owned()), state: None };
        home.preferences().map_err(|failure| failure.message)
    }

    #[test]
    fn the_documented_configuration_is_one_and_every_key_is_in_it() {
        let text = include_str!("../../../../docs/client.toml");
        let commented = read(text).expect("valid");
        assert!(commented.color.is_none() && commented.mention.is_empty());
        let keys =
            text.lines().filter_map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")));
        let all: Vec<&str> = keys.collect();
        let (colors, top): (Vec<&str>, Vec<&str>) = all.iter().partition(|line| {
            ["dim", "notice", "complaint", "private", "bar", "status", "nicks"]
                .iter()
                .any(|key| line.starts_with(key))
                || line.starts_with("mention = \"")
        });
        let set = read(&format!("{}\n[colors]\n{}\n", top.join("\n"), colors.join("\n"))).expect("valid");
        let settings = set.settings().expect("valid");
        assert_eq!((settings.time.as_str(), settings.bell), ("%H:%M", Bell::Mentions));
        assert_eq!(settings.mentions, ["tea", "build"]);
        assert!(set.color.is_some() && set.colors.nicks.is_some() && set.colors.status_background.is_some());
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (text, part) in [
            ("clour = \"auto\"", "line 1"),
            ("[colors]\ndim = \"blurple\"", "expected a colour"),
            ("zone = \"Nowhere/Land\"", "zone: "),
            ("time = \"%Q%!\"", "time: "),
            ("time = \"%n\"", "one line"),
            ("nick = \"two words\"", "nick: "),
            ("server = \"h:x\"", "server: "),
            ("scrollback = 7", "100 to 1000000"),
        ] {
            let message = read(text).expect_err(text);
            assert!(message.contains(part) && message.contains("client.toml"), "{message}");
        }
        assert!(read("").is_ok());
    }

    #[test]
    fn chosen_colours_replace_the_usual_ones() {
        let preferences = read("[colors]\ncomplaint = \"#102030\"\nnicks = [\"red\"]").expect("valid");
        let theme = preferences.colour(Theme::coloured());
        assert_eq!(theme.complaint.fg, Some(Color::Rgb(0x10, 0x20, 0x30)));
        assert_eq!(theme.nicks, [Color::Red]);
        assert_eq!(theme.dim, Theme::coloured().dim);
    }
}
