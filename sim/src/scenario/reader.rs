//! Reading tables key by key, with the place of everything at hand.
//!
//! The parser of TOML gives every key and value its span. What is wrong with one is found while that is known, so
//! that no error has to be located afterwards.

use core::ops::{Range, RangeInclusive};
use core::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, ScenarioError};
use super::values::{parse_rate, parse_size, parse_span};
use crate::link::{Chance, ChanceError};

/// A result of reading.
pub(super) type Read<T> = Result<T, ScenarioError>;

/// A table of the file.
#[derive(Clone)]
pub(super) struct Table<'a> {
    text: &'a str,
    /// What errors call it: `[links.default]`.
    name: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
}

/// A value of the file.
#[derive(Clone)]
pub(super) struct Value<'a> {
    text: &'a str,
    /// What errors call it.
    key: String,
    value: &'a Spanned<DeValue<'a>>,
}

/// A type and its article, for messages.
fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn root(text: &'a str, root: &'a Spanned<DeTable<'a>>) -> Self {
        Self { text, name: "the scenario".into(), span: 0..0, entries: root.get_ref() }
    }

    /// Holds the keys against those there are; the first in the file that is none of them is the error.
    pub(super) fn check_keys(&self, known: &'static [&'static str]) -> Read<()> {
        let unknown = self.entries.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            None => Ok(()),
            Some(key) => {
                let problem = Problem::UnknownKey { key: key.get_ref().to_string(), known };
                Err(ScenarioError::at(self.text, &key.span(), problem))
            }
        }
    }

    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &'static str) -> Option<Value<'a>> {
        let value = self.entries.get(key)?;
        Some(Value { text: self.text, key: key.into(), value })
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, key: &'static str, expected: &str) -> Read<Value<'a>> {
        self.get(key).ok_or_else(|| {
            let problem = Problem::Missing { key, table: self.name.clone(), expected: expected.into() };
            ScenarioError::at(self.text, &self.span, problem)
        })
    }

    /// Keys with their values, in the order of the file; each key is also given as a value that errors can point at.
    pub(super) fn entries(&self) -> Vec<(Key<'a>, Value<'a>)> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&'a Spanned<_>, _)| {
            let name: &'a std::borrow::Cow<'a, str> = key.get_ref();
            let found = Key { text: self.text, name, span: key.span() };
            (found, Value { text: self.text, key: name.to_string(), value })
        };
        entries.into_iter().map(entry).collect()
    }

    /// Whether the key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// An error about a key that stands in this table: it does not go with the others.
    pub(super) fn refuse(&self, keys: &[&str], why: &str, expected: &str) -> Read<()> {
        for (key, _) in self.entries() {
            if keys.contains(&key.name) {
                return Err(key.conflict(format!("'{}' {why}", key.name), expected));
            }
        }
        Ok(())
    }

    /// An error about the table as a whole.
    pub(super) fn conflict(&self, found: impl Into<String>, expected: impl Into<String>) -> ScenarioError {
        let problem = Problem::Conflict { found: found.into(), expected: expected.into() };
        ScenarioError::at(self.text, &self.span, problem)
    }
}

/// A key and its place.
#[derive(Clone)]
pub(super) struct Key<'a> {
    text: &'a str,
    pub(super) name: &'a str,
    span: Range<usize>,
}

impl Key<'_> {
    pub(super) fn conflict(&self, found: impl Into<String>, expected: impl Into<String>) -> ScenarioError {
        let problem = Problem::Conflict { found: found.into(), expected: expected.into() };
        ScenarioError::at(self.text, &self.span, problem)
    }

    pub(super) fn unknown(&self, known: Vec<String>) -> ScenarioError {
        let problem = Problem::UnknownName { key: "the name".into(), name: self.name.into(), known };
        ScenarioError::at(self.text, &self.span, problem)
    }
}

impl<'a> Value<'a> {
    fn error(&self, problem: Problem) -> ScenarioError {
        ScenarioError::at(self.text, &self.value.span(), problem)
    }

    /// What errors call it.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// It cannot be this.
    pub(super) fn bad(&self, found: impl Into<String>, expected: impl Into<String>) -> ScenarioError {
        let (found, expected) = (found.into(), expected.into());
        self.error(Problem::Value { key: self.key.clone(), found, expected })
    }

    /// It cannot be the text that it is.
    pub(super) fn bad_text(&self, text: &str, expected: impl Into<String>) -> ScenarioError {
        self.bad(format!("\"{text}\""), expected)
    }

    /// It names nothing.
    pub(super) fn unknown(&self, name: &str, known: Vec<String>) -> ScenarioError {
        self.error(Problem::UnknownName { key: self.key.clone(), name: name.into(), known })
    }

    /// It says too much, or too little, with others.
    pub(super) fn conflict(&self, found: impl Into<String>, expected: impl Into<String>) -> ScenarioError {
        self.error(Problem::Conflict { found: found.into(), expected: expected.into() })
    }

    fn wrong_type(&self, expected: impl Into<String>) -> ScenarioError {
        let found = type_of(self.value.get_ref());
        self.error(Problem::WrongType { key: self.key.clone(), found, expected: expected.into() })
    }

    /// It is of a type that cannot stand here.
    pub(super) fn not(&self, expected: &str) -> ScenarioError {
        self.wrong_type(expected)
    }

    /// A text.
    pub(super) fn text(&self, expected: &str) -> Read<&'a str> {
        self.value.get_ref().as_str().ok_or_else(|| self.wrong_type(expected))
    }

    /// One of a few words.
    pub(super) fn word(&self, known: &[&'static str]) -> Read<&'static str> {
        let text = self.text(&format!("a string: {}", known.join(", ")))?;
        let found = known.iter().find(|word| **word == text);
        found.copied().ok_or_else(|| self.unknown(text, known.iter().map(|&word| word.into()).collect()))
    }

    /// What `parse` makes of a text.
    pub(super) fn parsed<T, E: core::fmt::Display>(
        &self,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Read<T> {
        let text = self.text(expected)?;
        parse(text).map_err(|error| self.bad_text(text, format!("{expected}: {error}")))
    }

    /// A duration.
    pub(super) fn span(&self) -> Read<Duration> {
        let text = self.text("a duration as a string, such as \"15ms\"")?;
        parse_span(text).map_err(|expected| self.bad_text(text, expected))
    }

    /// A duration in which something can happen.
    pub(super) fn positive_span(&self) -> Read<Duration> {
        match self.span()? {
            Duration::ZERO => Err(self.bad("zero", "a duration above zero")),
            span => Ok(span),
        }
    }

    /// A number of bytes: a string with a unit, or an integer.
    pub(super) fn size(&self, range: RangeInclusive<u64>) -> Read<u64> {
        if let DeValue::Integer(_) = self.value.get_ref() {
            return self.integer(range);
        }
        let text = self.text("a size, such as \"64KiB\"")?;
        let bytes = parse_size(text).map_err(|expected| self.bad_text(text, expected))?;
        if range.contains(&bytes) {
            return Ok(bytes);
        }
        let (least, most) =
            (super::values::print_size(*range.start()), super::values::print_size(*range.end()));
        Err(self.bad_text(text, format!("{least} to {most}")))
    }

    /// A rate, in bits a second.
    pub(super) fn rate(&self, range: RangeInclusive<u64>) -> Read<u64> {
        let text = self.text("a rate as a string, such as \"10Mbit/s\"")?;
        let bits = parse_rate(text).map_err(|expected| self.bad_text(text, expected))?;
        if range.contains(&bits) {
            return Ok(bits);
        }
        let (least, most) =
            (super::values::print_rate(*range.start()), super::values::print_rate(*range.end()));
        Err(self.bad_text(text, format!("{least} to {most}")))
    }

    /// A number in a range.
    pub(super) fn integer(&self, range: RangeInclusive<u64>) -> Read<u64> {
        let expected = format!("{} to {}", range.start(), range.end());
        let DeValue::Integer(integer) = self.value.get_ref() else {
            return Err(self.wrong_type(format!("an integer from {expected}")));
        };
        let digits = integer.as_str().replace('_', "");
        let number = u64::from_str_radix(&digits, integer.radix()).ok();
        number.filter(|number| range.contains(number)).ok_or_else(|| self.bad(integer.to_string(), expected))
    }

    /// A number that counts, from `least`.
    pub(super) fn count(&self, least: u32, most: u32) -> Read<u32> {
        let number = self.integer(u64::from(least)..=u64::from(most))?;
        Ok(u32::try_from(number).unwrap_or(most))
    }

    /// Whether it is.
    pub(super) fn boolean(&self) -> Read<bool> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A chance.
    pub(super) fn chance(&self) -> Read<Chance> {
        const EXPECTED: &str = "a chance from 0 to 1";
        let number = match self.value.get_ref() {
            DeValue::Float(float) => float.as_str(),
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str(),
            _ => return Err(self.wrong_type(EXPECTED)),
        };
        number
            .replace('_', "")
            .parse()
            .map_err(|error: ChanceError| self.bad(format!("{number}, {error}"), EXPECTED))
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.get_ref().is_table()
    }

    /// Whether it is an array.
    pub(super) fn is_array(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// Whether it is a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Integer(_) | DeValue::Float(_))
    }

    /// A table; `name` is what errors call it.
    pub(super) fn table(&self, name: impl Into<String>, expected: &str) -> Read<Table<'a>> {
        match self.value.get_ref() {
            DeValue::Table(entries) => {
                Ok(Table { text: self.text, name: name.into(), span: self.value.span(), entries })
            }
            _ => Err(self.wrong_type(expected)),
        }
    }

    /// The values of an array of at most `most`.
    pub(super) fn array(&self, expected: &str, most: usize) -> Read<Vec<Value<'a>>> {
        let DeValue::Array(values) = self.value.get_ref() else { return Err(self.wrong_type(expected)) };
        if values.len() > most {
            return Err(self.bad(format!("an array of {}", values.len()), format!("at most {most}")));
        }
        let value = |(nth, value)| Value { text: self.text, key: format!("{}[{nth}]", self.key), value };
        Ok(values.iter().enumerate().map(value).collect())
    }

    /// A whole number that may also be an ordinal, if it is an integer.
    pub(super) fn is_integer(&self) -> bool {
        self.value.get_ref().is_integer()
    }
}
