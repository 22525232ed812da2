//! What a person has chosen: `client.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use backchat_core::chat::Nickname;
use backchat_core::text::{is_hidden, visible};
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};
use ratatui::style::Color;
use serde::Deserialize;

use super::{Home, home_folder};
use crate::app::input::Mouse;
use crate::app::keymap::Keymap;
use crate::app::settings::{Bell, Settings};
use crate::cli::args::{Environment, When};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::toml_file::{self, Place, locate};
use crate::cli::values::HostPort;
use crate::paths::shown;
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
    /// Whether addresses can be clicked, whatever the terminal seems to be.
    pub links: Option<bool>,
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
    /// The folder where what is shown is logged.
    log: Option<PathBuf>,
    /// What keys do, by their names.
    keys: BTreeMap<String, String>,
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
        text.parse().map(Self).map_err(|_| format!("'{}': {expected}", visible(&text)))
    }
}

impl Home {
    /// The configuration; everything as usual where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or says what makes no sense: with its place in the file.
    pub fn preferences(&self) -> Result<Preferences, Failure> {
        let Some(file) = self.config_file() else { return Ok(Preferences::default()) };
        let file_name = shown(&file);
        let bad = |what: String| Failure::new(Exit::Usage, what);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Preferences::default()),
            Err(error) => return Err(bad(format!("cannot read {file_name}: {error}"))),
        };
        Preferences::parse(&text).map_err(|(place, message)| bad(format!("{file_name}:{place}: {message}")))
    }
}

/// A value that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct BadSetting {
    /// Its key.
    pub key: &'static str,
    /// The key below that, where it is a table.
    pub below: Option<String>,
    /// What is wrong with it, and what was expected.
    pub message: String,
}

impl Preferences {
    /// Reads a file's text.
    ///
    /// # Errors
    /// A place, and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, (Place, String)> {
        let preferences: Self = toml_file::read(text)?;
        preferences.settings().map_err(|error| {
            let path = std::iter::once(error.key).chain(error.below.as_deref());
            (locate(text, &path.collect::<Vec<_>>()), error.to_string())
        })?;
        Ok(preferences)
    }

    /// Times, bell, words.
    ///
    /// # Errors
    /// A format or a zone that there is not, or another value that makes no sense.
    pub fn settings(&self) -> Result<Settings, BadSetting> {
        let default = Settings::default();
        let bad = |key, message: String| BadSetting { key, below: None, message };
        let zone = match self.zone.as_deref() {
            None | Some("local") => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|_| {
                let expected = "expected local, or a name such as Europe/Berlin";
                bad("zone", format!("there is no time zone '{}' here; {expected}", visible(name)))
            })?,
        };
        let time = self.time.clone().unwrap_or(default.time);
        let noon = Timestamp::UNIX_EPOCH.to_zoned(zone.clone());
        let written = strtime::format(&time, &noon).map_err(|_| {
            let expected = "expected a format of strftime such as %H:%M, or nothing for no times";
            bad("time", format!("'{}' is none; {expected}", visible(&time)))
        })?;
        if written.chars().any(is_hidden) {
            return Err(bad("time", "a time has to fit into one line".to_owned()));
        }
        let bell = if self.bell == Some(false) { Bell::Silent } else { Bell::Mentions };
        let mentions = self.mention.iter().map(|word| word.to_lowercase()).collect();
        if let Some(server) = &self.server {
            server.parse::<HostPort>().map_err(|error| bad("server", error.to_string()))?;
        }
        if let Some(nick) = &self.nick {
            Nickname::parse(nick).map_err(|error| bad("nick", error.to_string()))?;
        }
        let scrollback = self.scrollback.unwrap_or(default.scrollback);
        if !SCROLLBACK.contains(&scrollback) {
            let (least, most) = (SCROLLBACK.start(), SCROLLBACK.end());
            return Err(bad("scrollback", format!("{scrollback} lines, expected {least} to {most}")));
        }
        let title = self.title.unwrap_or(default.title);
        let mouse = match self.mouse {
            Some(true) => Mouse::Ours,
            Some(false) => Mouse::Theirs,
            None => default.mouse,
        };
        let keys = Keymap::with(&self.keys).map_err(|error| BadSetting {
            key: "keys",
            below: error.key().map(str::to_owned),
            message: error.to_string(),
        })?;
        if let Some(folder) = &self.log
            && !folder.is_absolute()
            && !folder.starts_with("~")
        {
            let expected = "expected a path from the root or from ~ on, such as \"~/backchat-logs\"";
            return Err(bad("log", format!("'{}': {expected}", shown(folder))));
        }
        let is_logged = self.log.is_some();
        let notify = self.notify.unwrap_or(default.notify);
        Ok(Settings {
            time,
            zone,
            bell,
            mentions,
            mouse,
            title,
            notify,
            scrollback,
            keys,
            is_logged,
            links: default.links,
        })
    }

    /// The folder of the chat's log.
    pub fn log(&self, environment: &Environment) -> Option<PathBuf> {
        let folder = self.log.as_ref()?;
        match folder.strip_prefix("~") {
            Ok(below) => Some(home_folder(environment)?.join(below)),
            Err(_) => Some(folder.clone()),
        }
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
        // Every key is written as a comment, below the table that it belongs to.
        let uncommented = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(key) if key.contains(" = ") => key,
            _ => line,
        });
        let set = read(&uncommented.collect::<Vec<_>>().join("\n")).expect("valid");
        let settings = set.settings().expect("valid");
        assert_eq!((settings.time.as_str(), settings.bell), ("%H:%M", Bell::Mentions));
        assert_eq!(settings.mentions, ["tea", "build"]);
        assert_eq!(settings.keys.of_key("F5"), Some(crate::app::action::Action::Redraw));
        assert!(
            settings.is_logged
                && set.color.is_some()
                && set.colors.nicks.is_some()
                && set.colors.status_background.is_some()
        );
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (text, expected) in [
            ("clour = \"auto\"", "1:1: unknown field `clour`, expected one of `color`"),
            ("color = \"red\"", "1:9: unknown value `red`, expected one of `auto`, `always`, `never`"),
            (
                "[colors]\ndim = \"blurple\"",
                "2:7: 'blurple': expected a colour such as red, lightblue, 123 or #1e90ff",
            ),
            (
                "\nzone = \"Nowhere/Land\"",
                "2:8: zone: there is no time zone 'Nowhere/Land' here; expected local, or a name such as Europe/Berlin",
            ),
            ("time = \"%Q%!\"", "1:8: time: '%Q%!' is none; expected a format of strftime such as %H:%M"),
            ("time = \"%n\"", "1:8: time: a time has to fit into one line"),
            ("nick = \"two words\"", "1:8: nick: "),
            ("server = \"h:x\"", "1:10: server: "),
            ("scrollback = 7", "1:14: scrollback: 7 lines, expected 100 to 1000000"),
            ("bell = ", "1:8: "),
            ("log = \"logs\"", "1:7: log: 'logs': expected a path from the root or from ~ on"),
            (
                "[keys]\nF5 = \"redrow\"",
                "2:6: keys: 'redrow' is nothing that F5 could do, did you mean 'redraw'?",
            ),
            ("[keys]\nF6 = \"redraw\"\nx = \"help\"", "3:5: keys: 'x' types a character"),
            ("[keys]\nEnter = \"none\"", "1:1: keys: no key is left that would send the line"),
        ] {
            let message = read(text).expect_err(text);
            let (_, place) = message.split_once("client.toml:").expect("it names the file");
            assert!(place.starts_with(expected) && !place.contains('\n'), "{text}: {message}");
        }
        assert!(read("").is_ok());
    }

    #[test]
    fn no_word_from_inside_is_in_what_is_said_of_any_key() {
        let documented = include_str!("../../../../docs/client.toml");
        let commented = documented.lines().filter_map(|line| line.strip_prefix("# ")?.split_once(" = "));
        let mut wrong = vec!["colors = 3".to_owned(), "colors = []".to_owned()];
        for (key, _) in commented {
            for value in ["1", "-1", "1.5", "true", "'\\u{1b}'", "[1]", "{ a = 1 }", "1979-05-27"] {
                wrong.push(format!("{key} = {value}"));
                wrong.push(format!("[colors]\n{key} = {value}"));
            }
        }
        for text in wrong {
            let Err(error) = read(&text) else { continue };
            for word in ["struct", "enum", "variant", "sequence", "newtype", "tuple", "Option", "TOML parse"]
            {
                assert!(!error.contains(word), "{text}: {error}");
            }
            assert!(!error.contains(is_hidden), "{text}: {error}");
        }
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
