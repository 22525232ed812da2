//! A trace as lines of JSON: a header, then a record a line.
//!
//! `{"at":15000000,"node":"alice","event":"transfer:packet_sent","transfer":"…","kind":"syn","transmission":1}`.
//! Times are nanoseconds of virtual time; what does not fit JSON's 53 bits (seeds, transfers, hashes) is a text.

use std::io::{self, Write};

use super::{Event, FORMAT, Header, Record, Value};

/// Writes the header line.
///
/// # Errors
/// What the writer says.
pub fn write_header(to: &mut impl Write, header: &Header) -> io::Result<()> {
    let Header { scenario, seed, engine } = header;
    write!(to, "{{\"format\":\"backchat-trace\",\"version\":{FORMAT},\"time\":\"ns\",\"scenario\":")?;
    text(to, scenario)?;
    write!(to, ",\"seed\":\"{seed}\",\"engine\":")?;
    text(to, engine)?;
    to.write_all(b"}\n")
}

/// Writes one record and a line feed.
///
/// # Errors
/// What the writer says.
pub fn write_record(to: &mut impl Write, record: &Record) -> io::Result<()> {
    write!(to, "{{\"at\":{},\"node\":", record.at.as_nanos())?;
    text(to, &record.node)?;
    write!(to, ",\"event\":\"{}\"", record.event.name())?;
    fields(to, &record.event)?;
    to.write_all(b"}\n")
}

fn fields(to: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut result = Ok(());
    event.visit(&mut |name, value| {
        if result.is_ok() {
            result = field(to, name, value);
        }
    });
    result
}

fn field(to: &mut impl Write, name: &str, value: Value<'_>) -> io::Result<()> {
    // A field that is not there is left out.
    if value == Value::None {
        return Ok(());
    }
    write!(to, ",\"{name}\":")?;
    match value {
        Value::None => Ok(()),
        Value::Number(number) => write!(to, "{number}"),
        Value::Text(it) => text(to, it),
        Value::Flag(flag) => write!(to, "{flag}"),
        Value::Transfer(id) => write!(to, "\"{id}\""),
        Value::At(at) => write!(to, "{}", at.as_nanos()),
        Value::Span(span) => write!(to, "{}", span.as_nanos()),
        Value::Hash(hash) => write!(to, "\"{hash}\""),
    }
}

fn text(to: &mut impl Write, text: &str) -> io::Result<()> {
    serde_json::to_writer(to, text).map_err(io::Error::from)
}
