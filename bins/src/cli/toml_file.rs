//! A file of settings that a person wrote in TOML: what it says, or where it is wrong, in words of a file and not of the
//! program that reads it.

use std::fmt;

use backchat_core::text::visible;
use serde::de::DeserializeOwned;
use toml::de::DeTable;

/// Where in a file: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Place {
    /// The place of the byte at `offset`.
    fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// Reads a file's text.
///
/// # Errors
/// A place, and what is wrong there, without a control character.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, (Place, String)> {
    toml::from_str(text).map_err(|error| {
        let place = Place::of(text, error.span().map_or(0, |span| span.start));
        (place, visible(&plain(error.message())).to_string())
    })
}

/// What the parser says, in words of a file and not of the program that reads it.
fn plain(message: &str) -> String {
    let words = [
        ("unknown variant", "unknown value"),
        ("a sequence", "a list"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: table"),
        ("path string", "a path as a string"),
    ];
    words.iter().fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}

/// Where the value of a key stands; the beginning of the file when it is not there.
pub fn locate(text: &str, path: &[&str]) -> Place {
    let start = Place { line: 1, column: 1 };
    let Ok(root) = DeTable::parse(text) else {
        return start;
    };
    let Some((last, tables)) = path.split_last() else {
        return start;
    };
    let mut table = root.get_ref();
    for key in tables {
        match table.get(*key).map(|value| value.get_ref().as_table()) {
            Some(Some(inner)) => table = inner,
            _ => return start,
        }
    }
    table.get(*last).map_or(start, |value| Place::of(text, value.span().start))
}
