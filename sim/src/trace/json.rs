//! A trace as lines of JSON: a header, a record a line, and an end.
//!
//! `{"at":15000000,"node":"alice","event":"transfer:packet_sent","transfer":"…","kind":"syn","transmission":1}`.
//! Times are nanoseconds of virtual time; what does not fit JSON's 53 bits (seeds, transfers, hashes) is a text. The end
//! says how many records there are and their hash, so that a trace that was cut short or edited is known.
//!
//! Written by hand into one buffer: a run makes millions of lines.

use std::io::{self, Write};

use backchat_core::hex::Hex;

use super::field::{Value, Visitor};
use super::{FORMAT, Header, Record};

/// Bytes gathered before they are written.
const BLOCK: usize = 64 << 10;

/// Writes a trace to a file, or whatever takes bytes.
#[derive(Debug)]
pub struct Lines<W> {
    to: W,
    block: Vec<u8>,
}

impl<W: Write> Lines<W> {
    /// Begins with the header.
    pub fn new(to: W, header: &Header) -> Self {
        let mut block = Vec::with_capacity(BLOCK + 1024);
        push_header(&mut block, header);
        Self { to, block }
    }

    /// The next record.
    ///
    /// # Errors
    /// The I/O error of the writer.
    pub fn record(&mut self, record: &Record) -> io::Result<()> {
        push_record(&mut self.block, record);
        if self.block.len() >= BLOCK {
            self.to.write_all(&self.block)?;
            self.block.clear();
        }
        Ok(())
    }

    /// There is no end, for the run had none: what was recorded is handed over.
    ///
    /// # Errors
    /// The I/O error of the writer.
    pub fn cut_short(mut self) -> io::Result<W> {
        self.to.write_all(&self.block)?;
        self.to.flush()?;
        Ok(self.to)
    }

    /// The end: how many records there were, and their hash.
    ///
    /// # Errors
    /// The I/O error of the writer.
    pub fn finish(mut self, records: u64, hash: [u8; 32]) -> io::Result<W> {
        push_end(&mut self.block, records, hash);
        self.to.write_all(&self.block)?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Appends the header's line.
pub fn push_header(to: &mut Vec<u8>, header: &Header) {
    let Header { scenario, seed, engine } = header;
    to.extend_from_slice(b"{\"format\":\"backchat-trace\",\"version\":");
    number(to, FORMAT);
    to.extend_from_slice(b",\"time\":\"ns\",\"scenario\":");
    text(to, scenario);
    to.extend_from_slice(b",\"seed\":\"");
    number(to, *seed);
    to.extend_from_slice(b"\",\"engine\":");
    text(to, engine);
    to.extend_from_slice(b"}\n");
}

/// Appends the line of one record.
pub fn push_record(to: &mut Vec<u8>, record: &Record) {
    to.extend_from_slice(b"{\"at\":");
    number(to, record.at.as_nanos());
    to.extend_from_slice(b",\"node\":");
    text(to, &record.node);
    to.extend_from_slice(b",\"event\":\"");
    to.extend_from_slice(record.event.name().as_bytes());
    to.push(b'"');
    record.event.visit(&mut Fields(to));
    to.extend_from_slice(b"}\n");
}

/// Appends the last line.
pub fn push_end(to: &mut Vec<u8>, records: u64, hash: [u8; 32]) {
    to.extend_from_slice(b"{\"end\":\"backchat-trace\",\"records\":");
    number(to, records);
    to.extend_from_slice(format!(",\"hash\":\"{}\"}}\n", Hex(hash)).as_bytes());
}

struct Fields<'a>(&'a mut Vec<u8>);

impl Visitor for Fields<'_> {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        // A field that is not there is left out.
        if value == Value::None {
            return;
        }
        let to = &mut *self.0;
        to.extend_from_slice(b",\"");
        to.extend_from_slice(name.as_bytes());
        to.extend_from_slice(b"\":");
        match value {
            Value::None => {}
            Value::Number(it) => number(to, it),
            Value::Word(it, _) | Value::Text(it) => text(to, it),
            Value::Datagram(it) => {
                to.push(b'"');
                // Memory takes everything.
                let _ = write!(to, "{it}");
                to.push(b'"');
            }
            Value::Flag(flag) => to.extend_from_slice(if flag { b"true" } else { b"false" }),
            Value::Transfer(id) => digits(to, &id.0.to_be_bytes()),
            Value::At(at) => number(to, at.as_nanos()),
            Value::Span(span) => number(to, span.as_nanos()),
            Value::Hash(hash) => digits(to, &hash.0),
        }
    }
}

fn number(to: &mut Vec<u8>, number: impl itoa::Integer) {
    to.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Hexadecimal digits, as a text.
fn digits(to: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    to.push(b'"');
    for byte in bytes {
        to.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    to.push(b'"');
}

/// A text, with what RFC 8259 §7 wants escaped.
fn text(to: &mut Vec<u8>, text: &str) {
    to.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(plain) = rest.iter().position(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\') {
        let (before, from) = rest.split_at(plain);
        to.extend_from_slice(before);
        let Some((byte, after)) = from.split_first() else { break };
        match byte {
            b'"' | b'\\' => to.extend_from_slice(&[b'\\', *byte]),
            b'\n' => to.extend_from_slice(b"\\n"),
            b'\r' => to.extend_from_slice(b"\\r"),
            b'\t' => to.extend_from_slice(b"\\t"),
            control => to.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = after;
    }
    to.extend_from_slice(rest);
    to.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_read_back_by_any_reader(it: String, controls in "[\\x00-\\x1f\"\\\\ü]{0,9}") {
            for it in [it, controls] {
                let mut bytes = Vec::new();
                text(&mut bytes, &it);
                prop_assert_eq!(serde_json::from_slice::<String>(&bytes).expect("JSON"), it);
            }
        }
    }
}
