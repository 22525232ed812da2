//! Texts: how frames hold them, and what a message may say.

use crate::from_text::from_text;
use crate::text::{Visible, visible};
use core::convert::Infallible;
use core::fmt;
use std::sync::Arc;

/// A text that somebody else chose, as it came. It can only be shown: `Display` and `Debug` spell out whatever a terminal
/// would act on, line feeds too, as [`visible`] does, and nothing turns it into a `str` but [`raw`](Self::raw). So a
/// text of a peer reaches a terminal unspelt only where somebody wrote so.
///
/// A copy of it is the same text: who reads for a thousand clients at once holds it once.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Text(Arc<str>);

impl Text {
    /// The text as it came: for the wire, for JSON (which escapes), for a search. Not for a terminal.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Its lines, each made visible: for what may have several, such as a greeting.
    pub fn lines(&self) -> impl Iterator<Item = Visible<'_>> {
        self.0.lines().map(visible)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<Arc<str>> for Text {
    fn from(text: Arc<str>) -> Self {
        Self(text)
    }
}

impl From<Text> for Arc<str> {
    fn from(text: Text) -> Self {
        text.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        visible(&self.0).fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl serde::Serialize for Text {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| Ok::<_, Infallible>(text.into()))
    }
}

/// Why a text is not accepted as a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// There is nothing in it.
    #[error("text is empty")]
    Empty,
    /// More bytes than the limit.
    #[error("text is {bytes} bytes, at most {limit} fit")]
    TooLong {
        /// How many bytes it is.
        bytes: usize,
        /// How many fit.
        limit: u32,
    },
    /// A control character other than tab and line feed.
    #[error("text has the control character U+{:04X}; only tab and line feed are allowed", u32::from(*character))]
    Control {
        /// The first such character.
        character: char,
    },
}

/// Whether `text` can be a message where `limit` bytes fit.
pub fn check_text(text: &str, limit: u32) -> Result<(), TextError> {
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
        return Err(TextError::TooLong { bytes: text.len(), limit });
    }
    match text.chars().find(|c| c.is_control() && !matches!(c, '\t' | '\n')) {
        Some(character) => Err(TextError::Control { character }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_shows_nothing_that_a_terminal_acts_on() {
        let text = Text::from("a\u{1b}]52;c;eA==\u{7}\n\u{202e}b\u{200b}");
        let shown = "a\\u{1b}]52;c;eA==\\u{7}\\n\\u{202e}b\\u{200b}";
        assert_eq!((text.to_string().as_str(), format!("{text:?}")), (shown, format!("\"{shown}\"")));
        let lines: Vec<String> = text.lines().map(|line| line.to_string()).collect();
        assert_eq!(lines, ["a\\u{1b}]52;c;eA==\\u{7}", "\\u{202e}b\\u{200b}"]);
        assert_eq!(serde_json::to_value(&text).unwrap(), text.raw());
    }

    #[test]
    fn tab_and_line_feed_are_the_only_controls() {
        assert_eq!(check_text("a\tb\nc ü 👋", 4096), Ok(()));
        for character in ['\0', '\r', '\u{1b}', '\u{7f}', '\u{9b}'] {
            assert_eq!(check_text(&format!("a{character}"), 4096), Err(TextError::Control { character }));
        }
    }

    #[test]
    fn the_limit_counts_bytes_and_nothing_is_nothing() {
        assert_eq!(check_text("üü", 4), Ok(()));
        assert_eq!(check_text("üü", 3), Err(TextError::TooLong { bytes: 4, limit: 3 }));
        assert_eq!(check_text("", 3), Err(TextError::Empty));
    }
}
