//! Nicknames: parsed once, then trusted.
//!
//! ASCII on purpose: of two names that look alike one could be an impostor, and Unicode offers thousands of
//! such pairs. Names are shown as they were typed and compared without regard to case.

use crate::from_text::from_text;
use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

/// 1 to 32 characters, ASCII letters, digits and `_ - . [ ]`. A copy of it is the same text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Nickname(Arc<str>);

/// What two nicknames have in common when they differ in case alone. Names are unique by it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NicknameKey(Box<str>);

/// Why a text is not a nickname.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NicknameError {
    /// There is nothing in it.
    #[error("a nickname has at least one character")]
    Empty,
    /// More than [`Nickname::MAX_LENGTH`] characters.
    #[error("nickname has {length} characters, at most {} fit", Nickname::MAX_LENGTH)]
    TooLong {
        /// How many characters were given.
        length: usize,
    },
    /// A character outside the alphabet.
    #[error("nickname has {character:?}; letters a-z, digits and _ - . [ ] are allowed")]
    Character {
        /// The first such character.
        character: char,
    },
}

impl Nickname {
    /// Most characters in a nickname, each one byte: it has to fit beside a message on a narrow terminal.
    pub const MAX_LENGTH: usize = 32;

    /// How many numbers are tried for a [`suggestion`](Self::suggest).
    const MAX_SUGGESTIONS: u32 = 1000;

    /// The nickname that `text` is.
    pub fn parse(text: &str) -> Result<Self, NicknameError> {
        if text.is_empty() {
            return Err(NicknameError::Empty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']');
        if let Some(character) = text.chars().find(|&c| !allowed(c)) {
            return Err(NicknameError::Character { character });
        }
        if text.len() > Self::MAX_LENGTH {
            return Err(NicknameError::TooLong { length: text.len() });
        }
        Ok(Self(text.into()))
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What this name is compared by.
    pub fn key(&self) -> NicknameKey {
        NicknameKey(self.0.to_ascii_lowercase().into())
    }

    /// A name like this one that is not taken: `ann2`, `ann3`, cut where 32 characters would not hold it.
    pub fn suggest(&self, is_taken: impl Fn(&NicknameKey) -> bool) -> Option<Self> {
        (2..=Self::MAX_SUGGESTIONS).find_map(|number| {
            let digits = number.to_string();
            let kept = self.0.len().min(Self::MAX_LENGTH - digits.len());
            let stem = self.0.get(..kept)?;
            let candidate = Self(format!("{stem}{digits}").into());
            (!is_taken(&candidate.key())).then_some(candidate)
        })
    }
}

impl From<Nickname> for Arc<str> {
    fn from(nickname: Nickname) -> Self {
        nickname.0
    }
}

impl FromStr for Nickname {
    type Err = NicknameError;
    fn from_str(text: &str) -> Result<Self, NicknameError> {
        Self::parse(text)
    }
}

impl fmt::Display for Nickname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Nickname {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Nickname {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, Self::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_the_alphabet_is_named() {
        assert_eq!(Nickname::parse(""), Err(NicknameError::Empty));
        assert_eq!(Nickname::parse("a b"), Err(NicknameError::Character { character: ' ' }));
        assert_eq!(Nickname::parse("аnn"), Err(NicknameError::Character { character: 'а' }));
        assert_eq!(Nickname::parse(&"x".repeat(33)), Err(NicknameError::TooLong { length: 33 }));
        assert!(Nickname::parse(&"x".repeat(32)).is_ok());
        assert!(Nickname::parse("_A-1.[x]").is_ok());
    }

    #[test]
    fn names_that_differ_in_case_alone_share_a_key() {
        assert_eq!(Nickname::parse("Ann").unwrap().key(), Nickname::parse("aNN").unwrap().key());
        assert_ne!(Nickname::parse("Ann").unwrap().key(), Nickname::parse("Anne").unwrap().key());
    }

    #[test]
    fn a_suggestion_is_free_and_never_too_long() {
        let ann = Nickname::parse("ann").unwrap();
        assert_eq!(ann.suggest(|_| false).unwrap().as_str(), "ann2");
        let taken = [Nickname::parse("ANN2").unwrap().key()];
        assert_eq!(ann.suggest(|key| taken.contains(key)).unwrap().as_str(), "ann3");
        let long = Nickname::parse(&"x".repeat(32)).unwrap();
        assert_eq!(long.suggest(|_| false).unwrap().as_str(), format!("{}2", "x".repeat(31)));
        assert_eq!(ann.suggest(|_| true), None);
    }
}
