//! What is wrong with a scenario, and where: what was found, and what was expected.

use core::fmt;
use core::ops::Range;

/// Where in a file: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The place of the byte at `offset`.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a text is not a scenario: the first reason that was found.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ScenarioError {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: Problem,
}

impl ScenarioError {
    pub(super) fn at(text: &str, span: &Range<usize>, problem: Problem) -> Self {
        Self { place: Place::of(text, span.start), problem }
    }

    /// `file:line:column: what was found; what was expected`.
    pub fn in_file(&self, file: &str) -> String {
        format!("{}:{self}", backchat_core::text::visible(file))
    }
}

/// What is wrong. Prints as `what was found; what was expected`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It is not TOML.
    Syntax {
        /// What the parser found.
        found: String,
        /// What it expected.
        expected: String,
    },
    /// A key that there is not.
    UnknownKey {
        /// The key.
        key: String,
        /// Those there are.
        known: &'static [&'static str],
    },
    /// A key that must be there.
    Missing {
        /// The key.
        key: &'static str,
        /// Where.
        table: String,
        /// What it would say.
        expected: String,
    },
    /// A value of another type.
    WrongType {
        /// The key.
        key: String,
        /// The type that it has, with its article.
        found: &'static str,
        /// The value that it should be.
        expected: String,
    },
    /// A value that cannot be.
    Value {
        /// The key.
        key: String,
        /// The value, or what is wrong with it.
        found: String,
        /// The value that it should be.
        expected: String,
    },
    /// A name that nobody and nothing has.
    UnknownName {
        /// The key.
        key: String,
        /// The name.
        name: String,
        /// Those there are; at most a few of them are shown.
        known: Vec<String>,
    },
    /// Keys that say too little together, or more than one thing.
    Conflict {
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

/// The most names that a message lists.
const MAX_LISTED: usize = 40;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use backchat_core::text::visible;
        match self {
            Self::Syntax { found, expected } | Self::Conflict { found, expected } => {
                write!(f, "{}; expected {}", visible(found), visible(expected))
            }
            Self::UnknownKey { key, known } => {
                write!(f, "unknown key '{}'; {}", visible(key), Choice(key, known))
            }
            Self::Missing { key, table, expected } => {
                write!(f, "{} has no '{key}'; expected {expected}", visible(table))
            }
            Self::WrongType { key, found, expected } => {
                write!(f, "{} is {found}; expected {expected}", visible(key))
            }
            Self::Value { key, found, expected } => {
                write!(f, "{} is {}; expected {}", visible(key), visible(found), visible(expected))
            }
            Self::UnknownName { key, name, known } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                write!(
                    f,
                    "{} is '{}', which is not here; {}",
                    visible(key),
                    visible(name),
                    Choice(name, &known)
                )
            }
        }
    }
}

/// What could have been meant: the nearest, and all there are.
pub(super) struct Choice<'a>(pub(super) &'a str, pub(super) &'a [&'a str]);

impl fmt::Display for Choice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(word, known) = self;
        if known.is_empty() {
            return f.write_str("expected none: there are none");
        }
        f.write_str("expected ")?;
        for (nth, name) in known.iter().take(MAX_LISTED).enumerate() {
            let before = match nth {
                0 => "",
                _ if nth + 1 == known.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}{name}")?;
        }
        if known.len() > MAX_LISTED {
            write!(f, " and {} more", known.len() - MAX_LISTED)?;
        }
        match nearest(word, known) {
            Some(near) => write!(f, "; did you mean '{near}'?"),
            None => Ok(()),
        }
    }
}

/// The name that was probably meant: one slip for every three letters, neighbours swapped counting as one.
fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    /// Longer words are not compared: it would take time, and they are no slips.
    const MAX_COMPARED: usize = 64;
    if word.len() > MAX_COMPARED {
        return None;
    }
    let lower = word.to_ascii_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&lower, &name.to_ascii_lowercase());
    let ranked = known.iter().map(|name| (distance(name), *name));
    let (slips, near) = ranked.min_by_key(|(slips, _)| *slips)?;
    (slips <= 1 + near.chars().count() / 4).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "a = 1\ngrüße = 2\n";
        let place = |offset| Place::of(text, offset).to_string();
        assert_eq!([place(0), place(4), place(6), place(text.len())], ["1:1", "1:5", "2:1", "3:1"]);
        assert_eq!(Place::of(text, text.find('2').unwrap()).to_string(), "2:9");
        assert_eq!(Place::of(text, 9999).to_string(), "3:1");
    }

    #[test]
    fn what_was_probably_meant_is_named() {
        let known = ["delay", "jitter", "rate", "queue"];
        let meant = |word| nearest(word, &known);
        assert_eq!(meant("dealy"), Some("delay"));
        assert_eq!(meant("Delay"), Some("delay"));
        assert_eq!(meant("rat"), Some("rate"));
        assert_eq!(meant("queues"), Some("queue"));
        assert_eq!(meant("bandwidth"), None);
        assert_eq!(meant(&"x".repeat(10_000)), None);
    }
}
