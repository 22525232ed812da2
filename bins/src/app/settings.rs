//! What a user has chosen about how things look and sound.

use backchat_core::time::UnixTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};

use super::input::Mouse;
use super::keymap::Keymap;
use super::scrollback::MAX_LINES;

/// See the module. [`crate::cli::config`] is the server's; this is a person's.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How times are written, as `strftime` has it; empty for none.
    pub time: String,
    /// In which zone.
    pub zone: TimeZone,
    /// Whether the terminal is rung for what is meant for us.
    pub bell: Bell,
    /// Words that stand out beside our nickname, in lower case.
    pub mentions: Vec<String>,
    /// Whose the mouse is at first.
    pub mouse: Mouse,
    /// Whether the terminal's title says where we are, and how much was meant for us meanwhile.
    pub title: bool,
    /// Whether the terminal is asked to notify (OSC 9) of what is meant for us, while it has not the focus.
    pub notify: bool,
    /// Lines that are kept.
    pub scrollback: usize,
    /// Which key does what.
    pub keys: Keymap,
    /// Whether what is shown is logged on disk.
    pub is_logged: bool,
    /// Whether addresses and saved files can be clicked.
    pub links: Links,
}

/// Whether the terminal is told what addresses lead to (OSC 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Links {
    /// It is not: they are text.
    Plain,
    /// It is.
    Clickable {
        /// This machine's name: a terminal that shows another one's window must not look for the file at home.
        host: String,
    },
}

/// When the terminal is rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bell {
    /// Never.
    Silent,
    /// For a private message or a mention.
    Mentions,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            time: "%H:%M".to_owned(),
            zone: TimeZone::UTC,
            bell: Bell::Mentions,
            mentions: Vec::new(),
            mouse: Mouse::Ours,
            title: true,
            notify: true,
            scrollback: MAX_LINES,
            keys: Keymap::default(),
            is_logged: false,
            links: Links::Plain,
        }
    }
}

impl Settings {
    /// A time of today, as it is written.
    pub fn time_of_day(&self, at: UnixTime) -> String {
        self.format(at, &self.time)
    }

    /// A time of another day.
    pub fn day_and_time(&self, at: UnixTime) -> String {
        if self.time.is_empty() { String::new() } else { self.format(at, &format!("%m-%d {}", self.time)) }
    }

    /// The day of a time.
    pub fn day(&self, at: UnixTime) -> String {
        self.format(at, "%A, %-d %B %Y")
    }

    fn format(&self, at: UnixTime, format: &str) -> String {
        let Ok(at) = Timestamp::from_millisecond(at.as_millis()) else { return String::new() };
        let at = at.to_zoned(self.zone.clone());
        // The format was tried when it was read.
        strtime::format(format, &at).unwrap_or_default()
    }

    /// Whether a text names us, or a word that we listen for.
    pub fn is_mention(&self, text: &str, nick: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '[' | ']');
        let named =
            |word: &str| word.eq_ignore_ascii_case(nick) || self.mentions.contains(&word.to_lowercase());
        // A full stop can be part of a nickname, and can end a sentence.
        text.split(|c: char| !is_part(c) && c != '.')
            .any(|word| named(word) || named(word.trim_end_matches('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_whole_word() {
        let settings = Settings { mentions: vec!["tea".into()], ..Settings::default() };
        for (text, expected) in [
            ("ann: hello", true),
            ("hello, ANN!", true),
            ("I saw ann.", true),
            ("annoying", false),
            ("ann-marie", false),
            ("Tea, anybody?", true),
            ("team", false),
        ] {
            assert_eq!(settings.is_mention(text, "ann"), expected, "{text}");
        }
        assert!(settings.is_mention("ask a.b.", "a.b"));
    }

    #[test]
    fn times_are_written_as_they_were_chosen() {
        let at = UnixTime::from_millis(1_795_348_805_123);
        let mut settings = Settings::default();
        assert_eq!(
            (settings.time_of_day(at), settings.day_and_time(at)),
            ("12:00".into(), "11-22 12:00".into())
        );
        settings.zone = TimeZone::fixed(jiff::tz::offset(2));
        settings.time = "%H:%M:%S".into();
        assert_eq!(settings.time_of_day(at), "14:00:05");
        settings.time = String::new();
        assert_eq!((settings.time_of_day(at), settings.day_and_time(at)), (String::new(), String::new()));
    }
}
