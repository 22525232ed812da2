//! Writing a scenario file, table by table.

use core::fmt::Write as _;
use core::time::Duration;

use super::values::print_span;

/// The text of a file as it grows.
#[derive(Debug, Default)]
pub(super) struct Writer(String);

impl Writer {
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// Begins a table: `[clients.alice]`, `[[steps]]`.
    pub(super) fn table(&mut self, header: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(header);
        self.0.push('\n');
    }

    /// A key with a value that is TOML already.
    pub(super) fn raw(&mut self, key: &str, value: impl core::fmt::Display) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{key} = {value}");
    }

    /// A key with a text.
    pub(super) fn text(&mut self, key: &str, value: impl core::fmt::Display) {
        self.raw(key, quoted(&value.to_string()));
    }

    /// A key with a duration.
    pub(super) fn span(&mut self, key: &str, value: Duration) {
        self.text(key, print_span(value));
    }

    /// The same, if it is not zero.
    pub(super) fn span_above_zero(&mut self, key: &str, value: Duration) {
        if !value.is_zero() {
            self.span(key, value);
        }
    }
}

/// A text as TOML's basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            hidden if backchat_core::text::is_hidden(hidden) => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(hidden));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

/// Values that are TOML already, as an inline array.
pub(super) fn array(values: impl Iterator<Item = String>) -> String {
    format!("[{}]", values.collect::<Vec<_>>().join(", "))
}

/// Keys with values that are TOML already, as an inline table.
pub(super) fn inline(entries: &[(&str, Option<String>)]) -> String {
    let set =
        entries.iter().filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} = {value}")));
    format!("{{ {} }}", set.collect::<Vec<_>>().join(", "))
}
