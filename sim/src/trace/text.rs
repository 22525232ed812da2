//! A trace for people: time, node and event in fixed columns, then the fields by name.
//!
//! ```text
//!     0.115000000  server           recovery:went_back      transfer=1f2e… from=4800 to=0 cause=duplicate_acks
//! ```

use core::fmt;

use super::Record;
use super::field::{Value, Visitor};

/// A record, as a line without its end.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(pub &'a Record);

/// The longest node name that keeps its column: `server->` and a nickname of usual length.
const NODE: usize = 15;

/// The longest name of an event.
const EVENT: usize = 26;

/// Digits of a transfer that are shown: enough to tell those of one run apart.
const TRANSFER_DIGITS: usize = 8;

/// Digits of a hash that are shown.
const HASH_DIGITS: usize = 16;

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { at, node, event } = self.0;
        let at = at.to_string();
        let name = event.name();
        write!(f, "{at:>15}  {node:<NODE$}  {name}")?;
        // Nothing stands behind the last word: it would be in every snapshot and seen in none.
        let gap = EVENT.saturating_sub(name.len()) + 1;
        let mut fields = Fields { f, gap, result: Ok(()) };
        event.visit(&mut fields);
        fields.result
    }
}

struct Fields<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    /// Blanks before the next field.
    gap: usize,
    result: fmt::Result,
}

impl Visitor for Fields<'_, '_> {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        if self.result.is_ok() && value != Value::None {
            let gap = self.gap;
            self.result = write!(self.f, "{:gap$}{name}=", "").and_then(|()| show(self.f, value));
            self.gap = 1;
        }
    }
}

fn show(f: &mut fmt::Formatter<'_>, value: Value<'_>) -> fmt::Result {
    match value {
        Value::None => Ok(()),
        Value::Number(number) => write!(f, "{number}"),
        Value::Text(text) if text.is_empty() || text.contains(|c: char| !c.is_ascii_graphic()) => {
            write!(f, "{text:?}")
        }
        Value::Word(text, _) | Value::Text(text) => f.write_str(text),
        Value::Datagram(it) => write!(f, "{it}"),
        Value::Flag(flag) => f.write_str(if flag { "yes" } else { "no" }),
        Value::Transfer(id) => f.write_str(id.to_string().get(..TRANSFER_DIGITS).unwrap_or_default()),
        Value::At(at) => write!(f, "{at}"),
        Value::Span(span) => write!(f, "{span:?}"),
        Value::Hash(hash) => f.write_str(hash.to_string().get(..HASH_DIGITS).unwrap_or_default()),
    }
}
