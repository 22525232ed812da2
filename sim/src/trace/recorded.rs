//! A recorded trace, back from its lines. Whoever wrote it: nothing in it is believed unchecked.

use std::io::BufRead;

use backchat_core::time::Instant;
use serde_json::{Map, Value};

use super::value::Field;
use super::{Event, FORMAT, Header, Name, Record};

/// The longest line. A record has a text of 15 KiB at most, which JSON may write six times as long.
const MAX_LINE: usize = 256 << 10;

/// A recorded trace that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which run it is of.
    pub header: Header,
    /// What happened.
    pub records: Vec<Record>,
}

/// What is wrong with a recorded trace, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {found}; expected {expected}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

/// Reads a whole trace.
///
/// # Errors
/// The first line that is none of a trace.
pub fn read(mut from: impl BufRead) -> Result<Recorded, ReadError> {
    let mut lines = Lines { from: &mut from, line: 0, bytes: Vec::new() };
    let Some(first) = lines.next()? else {
        return Err(error(1, "an empty file", "a trace's header: {\"format\":\"backchat-trace\",…}"));
    };
    let header = header(first)?;
    let mut records: Vec<Record> = Vec::new();
    let mut reader = Reader::default();
    while let Some((line, object)) = lines.next()? {
        let record = reader.record(line, object)?;
        if let Some(before) = records.last().filter(|before| before.at > record.at) {
            let found = format!("a record at {} ns", record.at.as_nanos());
            return Err(error(line, &found, &format!("one at {} ns or later", before.at.as_nanos())));
        }
        records.push(record);
    }
    Ok(Recorded { header, records })
}

/// The number of a line, and the object in it.
type Numbered = (usize, Map<String, Value>);

struct Lines<'a, R> {
    from: &'a mut R,
    line: usize,
    bytes: Vec<u8>,
}

impl<R: BufRead> Lines<'_, R> {
    /// The next object and the number of its line.
    fn next(&mut self) -> Result<Option<Numbered>, ReadError> {
        self.bytes.clear();
        self.line += 1;
        let mut bounded = std::io::Read::take(&mut *self.from, MAX_LINE as u64 + 1);
        match bounded.read_until(b'\n', &mut self.bytes) {
            Ok(0) => return Ok(None),
            Ok(_) if self.bytes.len() > MAX_LINE => {
                return Err(error(self.line, "a longer line", &format!("at most {MAX_LINE} bytes")));
            }
            Ok(_) => {}
            Err(problem) => return Err(error(self.line, &problem.to_string(), "a readable file")),
        }
        match serde_json::from_slice(&self.bytes) {
            Ok(Value::Object(object)) => Ok(Some((self.line, object))),
            Ok(_) => Err(error(self.line, "JSON that is no object", "one JSON object a line")),
            Err(problem) => Err(ReadError {
                line: self.line,
                column: problem.column().max(1),
                found: problem.to_string(),
                expected: "one JSON object a line".to_owned(),
            }),
        }
    }
}

fn error(line: usize, found: &str, expected: &str) -> ReadError {
    ReadError { line, column: 1, found: found.to_owned(), expected: expected.to_owned() }
}

fn header((line, mut object): Numbered) -> Result<Header, ReadError> {
    let mut take = |name: &str| object.remove(name).unwrap_or(Value::Null);
    if take("format") != "backchat-trace" {
        return Err(error(line, "another format", "\"format\":\"backchat-trace\""));
    }
    let version = take("version");
    if version.as_u64() != Some(FORMAT) {
        return Err(error(line, &format!("version {version}"), &format!("version {FORMAT}")));
    }
    let text = |value: Value| value.as_str().map(str::to_owned);
    let (scenario, engine) = (text(take("scenario")), text(take("engine")));
    let seed = text(take("seed")).and_then(|seed| seed.parse().ok());
    match (scenario, seed, engine) {
        (Some(scenario), Some(seed), Some(engine)) => Ok(Header { scenario, seed, engine }),
        _ => Err(error(line, "a header without them", "\"scenario\", \"seed\" and \"engine\", each a text")),
    }
}

/// Remembers the nodes, which are few.
#[derive(Default)]
struct Reader {
    nodes: Vec<Name>,
}

impl Reader {
    fn record(&mut self, line: usize, mut object: Map<String, Value>) -> Result<Record, ReadError> {
        let at = object.remove("at").as_ref().and_then(Instant::from_json);
        let node = object.remove("node");
        let event = object.remove("event");
        let at = at.ok_or_else(|| error(line, "no time", "\"at\": a number of nanoseconds"))?;
        let node = node.as_ref().and_then(Value::as_str);
        let node = node.ok_or_else(|| error(line, "no node", "\"node\": a text"))?;
        let event = event.as_ref().and_then(Value::as_str);
        let event = event.ok_or_else(|| error(line, "no event", "\"event\": a text"))?;
        let node = self.node(node);
        let mut fields = Fields { line, event, object: &mut object };
        let event = Event::read(event, &mut fields)?;
        match object.keys().next() {
            Some(unknown) => {
                let found = format!("{unknown:?} in {}", event.name());
                Err(error(line, &found, "only the fields of that event"))
            }
            None => Ok(Record { at, node, event }),
        }
    }

    fn node(&mut self, node: &str) -> Name {
        match self.nodes.iter().find(|known| **known == node) {
            Some(known) => known.clone(),
            None => {
                let node = Name::from(node);
                self.nodes.push(node.clone());
                node
            }
        }
    }
}

/// The fields of one event, taken one by one.
pub(super) struct Fields<'a> {
    line: usize,
    event: &'a str,
    object: &'a mut Map<String, Value>,
}

impl Fields<'_> {
    /// The field called `name`.
    pub(super) fn take<T: Field>(&mut self, name: &str) -> Result<T, ReadError> {
        let found = self.object.remove(name).unwrap_or(Value::Null);
        T::from_json(&found).ok_or_else(|| {
            let found = match &found {
                Value::Null => format!("{} without {name:?}", self.event),
                other => format!("{}: {name:?} is {other}", self.event),
            };
            error(self.line, &found, &format!("{name:?}: {}", T::EXPECTED))
        })
    }

    /// No event is called so.
    pub(super) fn unknown(&self) -> ReadError {
        let near = Event::NAMES.iter().min_by_key(|name| strsim::damerau_levenshtein(name, self.event));
        let expected = near.map_or_else(String::new, |near| format!("a known event, such as {near:?}"));
        error(self.line, &format!("event {:?}", self.event), &expected)
    }
}
