//! Names of files that may be asked for, and written: parsed once, then trusted.
//!
//! A name that a stranger sends becomes a path on somebody's disk. What passes here is one component that stays
//! one component on every system, does not hide, names no device, and is shown as it is: no bidi control makes
//! `exe.txt` of `txt.exe`, no invisible character two files of one name. Neither side asks for, shares or writes others.

use crate::from_text::from_text;
use crate::text::first_hidden;
use core::fmt;
use core::str::FromStr;

/// One path component that is safe to ask for and to write.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileName(Box<str>);

/// Why a text is not a [`FileName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// There is nothing in it.
    #[error("the file name is empty")]
    Empty,
    /// More than [`FileName::MAX_BYTES`] bytes.
    #[error("the file name is {bytes} bytes long, at most {} fit", FileName::MAX_BYTES)]
    TooLong {
        /// How many bytes were given.
        bytes: usize,
    },
    /// A slash or backslash: it is a path.
    #[error("the file name has {separator:?} in it; only names within the shared folder can be asked for")]
    Separator {
        /// The first separator.
        separator: char,
    },
    /// NUL or another control character.
    #[error("the file name has the control character U+{:04X} in it", u32::from(*character))]
    Control {
        /// The first such character.
        character: char,
    },
    /// A character that is not shown, or that reorders its neighbours: a bidi control, a zero-width space. What joins emoji
    /// may stay.
    #[error("the file name has the invisible character U+{:04X} in it", u32::from(*character))]
    Invisible {
        /// The first such character.
        character: char,
    },
    /// It starts with a dot: hidden, or `.` and `..`.
    #[error("the file name starts with a dot; hidden files are not shared")]
    Hidden,
    /// It starts with a drive, as in `C:x`.
    #[error("the file name starts with a drive")]
    Drive,
    /// It ends in a dot or a space, which some systems cut off: two names would be one file.
    #[error("the file name ends in {character:?}")]
    Ending {
        /// The last character.
        character: char,
    },
    /// It is a device on some systems whatever follows the dot: `CON`, `nul.txt`, `COM1`.
    #[error("the file name is that of a device on some systems")]
    Device,
}

impl FileName {
    /// Most bytes of UTF-8 in a name: NAME_MAX of POSIX systems.
    pub const MAX_BYTES: usize = 255;

    /// The name that `text` is.
    pub fn parse(text: &str) -> Result<Self, FileNameError> {
        let Some(last) = text.chars().next_back() else { return Err(FileNameError::Empty) };
        if text.len() > Self::MAX_BYTES {
            return Err(FileNameError::TooLong { bytes: text.len() });
        }
        for character in text.chars() {
            match character {
                '/' | '\\' => return Err(FileNameError::Separator { separator: character }),
                control if control.is_control() => return Err(FileNameError::Control { character }),
                _ => {}
            }
        }
        if let Some(character) = first_hidden(text) {
            return Err(FileNameError::Invisible { character });
        }
        if text.starts_with('.') {
            return Err(FileNameError::Hidden);
        }
        let mut beginning = text.chars();
        if beginning.next().is_some_and(|c| c.is_ascii_alphabetic()) && beginning.next() == Some(':') {
            return Err(FileNameError::Drive);
        }
        if matches!(last, '.' | ' ') {
            return Err(FileNameError::Ending { character: last });
        }
        if is_device(text) {
            return Err(FileNameError::Device);
        }
        Ok(Self(text.into()))
    }

    /// The name as it came: for the wire and the disk. Not for a terminal, for which there is `Display`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether Windows would open a device: the part before the first dot decides, in any case, spaces cut off.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    if matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") {
        return true;
    }
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    numbered.is_some_and(|number| {
        let mut digits = number.chars();
        let digit = digits.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
        digit && digits.next().is_none()
    })
}

impl FromStr for FileName {
    type Err = FileNameError;
    fn from_str(text: &str) -> Result<Self, FileNameError> {
        Self::parse(text)
    }
}

impl AsRef<str> for FileName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::text::visible(&self.0).fmt(f)
    }
}

impl serde::Serialize for FileName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for FileName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        use FileNameError::{Device, Drive, Empty, Ending, Hidden, Separator};
        let wrong = [
            ("", Empty),
            ("../x", Separator { separator: '/' }),
            ("/etc/passwd", Separator { separator: '/' }),
            ("a/b", Separator { separator: '/' }),
            ("a\\b", Separator { separator: '\\' }),
            (".", Hidden),
            ("..", Hidden),
            (".ssh", Hidden),
            ("C:x", Drive),
            ("c:", Drive),
            ("a.", Ending { character: '.' }),
            ("a ", Ending { character: ' ' }),
            ("nul", Device),
            ("CON.txt", Device),
            ("com1", Device),
            ("LPT9 .tar.gz", Device),
        ];
        for (name, error) in wrong {
            assert_eq!(FileName::parse(name), Err(error), "{name:?}");
        }
        assert_eq!(FileName::parse("a\0b"), Err(FileNameError::Control { character: '\0' }));
        assert_eq!(FileName::parse("a\u{9b}b"), Err(FileNameError::Control { character: '\u{9b}' }));
        assert_eq!(FileName::parse(&"x".repeat(300)), Err(FileNameError::TooLong { bytes: 300 }));
    }

    #[test]
    fn a_name_is_shown_as_it_is() {
        for (name, character) in [
            ("gnp.\u{202e}exe", '\u{202e}'),
            ("pay\u{2066}roll.pdf", '\u{2066}'),
            ("book\u{200b}.bin", '\u{200b}'),
            ("\u{feff}book.bin", '\u{feff}'),
            ("book.bin\u{3164}", '\u{3164}'),
            ("a\u{200d}b", '\u{200d}'),
        ] {
            assert_eq!(FileName::parse(name), Err(FileNameError::Invisible { character }), "{name:?}");
        }
    }

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "👩‍👩‍👧‍👦.jpg",
            "שלום.txt",
            "❤️.png",
            "book.bin",
            "grüße.txt",
            "a b",
            "-rf",
            "12:30.log",
            "com10",
            "console",
            "…",
            "x",
        ] {
            assert!(FileName::parse(name).is_ok(), "{name:?}");
        }
        assert!(FileName::parse(&"x".repeat(255)).is_ok());
    }
}
