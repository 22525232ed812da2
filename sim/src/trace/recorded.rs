//! A recorded trace, back from its lines. Whoever wrote it: nothing in it is believed unchecked.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::BufRead;

use backchat_core::hex::Hex;
use backchat_core::text::visible;
use backchat_core::time::Instant;
use backchat_core::wire::Hash;
use serde_json::{Map, Value};

use super::field::Scalar;
use super::hash::TraceHash;
use super::{Event, FORMAT, Header, Node, Record};

/// The longest line. A record has a text of 15 KiB at most, which JSON may write six times as long.
const MAX_LINE: usize = 256 << 10;

/// The most nodes: their names are kept for good. A scenario of 10,000 clients has 30,000.
const MAX_NODES: usize = 1 << 20;

/// How the header and the end of a trace call it.
const NAME: &str = "backchat-trace";

/// A recorded trace that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Which run it is of.
    pub header: Header,
    /// What happened.
    pub records: Vec<Record>,
    /// Where its end says something else than its records: somebody has edited it.
    pub edited: Option<ReadError>,
}

/// What is wrong with a recorded trace, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {}; expected {}", visible(found), visible(expected))]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is there.
    pub found: String,
    /// What should be.
    pub expected: String,
}

/// Reads a whole trace. One that was edited and is still a trace is read; see [`Recorded::edited`].
///
/// # Errors
/// The first line that is none of a trace.
pub fn read(from: impl BufRead) -> Result<Recorded, ReadError> {
    let mut reading = Reading::begin(from)?;
    let mut records = Vec::new();
    while let Some(record) = reading.next_record()? {
        records.push(record);
    }
    let Reading { header, edited, .. } = reading;
    Ok(Recorded { header, records, edited })
}

/// A trace that is read record by record, for whoever need not hold all of it.
pub struct Reading<R> {
    lines: Lines<R>,
    header: Header,
    reader: Reader,
    hash: TraceHash,
    /// How many records were read.
    count: u64,
    /// When the last of them was.
    last: Instant,
    edited: Option<ReadError>,
    is_over: bool,
}

impl<R: BufRead> Reading<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is none.
    pub fn begin(from: R) -> Result<Self, ReadError> {
        let mut lines = Lines { from, number: 0, bytes: Vec::new() };
        let header = match lines.next()? {
            Some((line, mut object)) => header(line, &mut object)?,
            None => {
                let expected = "a trace's header: {\"format\":\"backchat-trace\",…}";
                return Err(lines.behind_the_last().error("an empty file", expected));
            }
        };
        let reader = Reader { nodes: BTreeMap::new() };
        let (hash, last) = (TraceHash::new(), Instant::ZERO);
        Ok(Self { lines, header, reader, hash, count: 0, last, edited: None, is_over: false })
    }

    /// Which run it is of.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Where its end says something else than its records, once that was read.
    pub const fn edited(&self) -> Option<&ReadError> {
        self.edited.as_ref()
    }

    /// The next record; `None` when the end was read, and from then on.
    ///
    /// # Errors
    /// The next line is none of a trace.
    pub fn next_record(&mut self) -> Result<Option<Record>, ReadError> {
        if self.is_over {
            return Ok(None);
        }
        let Some((line, mut object)) = self.lines.next()? else {
            let expected = "a trace's end, {\"end\":\"backchat-trace\",…}: it was cut short";
            return Err(self.lines.behind_the_last().error("the end of the file", expected));
        };
        // A range of bytes has an end too, but no event.
        if object.contains_key("end") && !object.contains_key("event") {
            self.edited = end(line, &mut object, self.count, self.hash.finish())?;
            self.is_over = true;
            return match self.lines.next()? {
                Some((line, _)) => Err(line.error("a line behind the trace's end", "none")),
                None => Ok(None),
            };
        }
        let record = self.reader.record(line, &mut object)?;
        if record.at < self.last {
            let found = format!("a record at {} ns", record.at.as_nanos());
            let expected = format!("one at {} ns or later", self.last.as_nanos());
            return Err(line.error_at("at", &found, &expected));
        }
        self.hash.add(&record);
        (self.count, self.last) = (self.count + 1, record.at);
        Ok(Some(record))
    }
}

/// A file, line by line.
struct Lines<R> {
    from: R,
    number: usize,
    bytes: Vec<u8>,
}

/// One of them.
#[derive(Clone, Copy)]
struct Line<'a> {
    number: usize,
    text: &'a str,
}

/// A line, and the object in it.
type Parsed<'a> = (Line<'a>, Map<String, Value>);

impl<R: BufRead> Lines<R> {
    /// The next line.
    fn next(&mut self) -> Result<Option<Parsed<'_>>, ReadError> {
        self.bytes.clear();
        self.number += 1;
        let mut line = Line { number: self.number, text: "" };
        let mut bounded = std::io::Read::take(&mut self.from, MAX_LINE as u64 + 1);
        match bounded.read_until(b'\n', &mut self.bytes) {
            Ok(0) => return Ok(None),
            Ok(_) if self.bytes.len() > MAX_LINE => {
                return Err(line.error("a longer line", &format!("at most {MAX_LINE} bytes")));
            }
            Ok(_) => {}
            Err(problem) => return Err(line.error(&problem.to_string(), "a file that can be read")),
        }
        let expected = "one JSON object a line";
        line.text =
            std::str::from_utf8(&self.bytes).map_err(|_| line.error("bytes that are not UTF-8", expected))?;
        match serde_json::from_str(line.text) {
            Ok(Value::Object(object)) => Ok(Some((line, object))),
            Ok(_) => Err(line.error("JSON that is no object", expected)),
            Err(problem) => {
                // Its own line is always the first, for it has seen no other.
                let said = problem.to_string();
                let said = said.split(" at line ").next().unwrap_or_default();
                Err(ReadError { column: problem.column().max(1), ..line.error(said, expected) })
            }
        }
    }

    /// Where the next line would be.
    fn behind_the_last(&self) -> Line<'static> {
        Line { number: self.number, text: "" }
    }
}

impl Line<'_> {
    /// Something is wrong with the line as a whole.
    fn error(self, found: &str, expected: &str) -> ReadError {
        let (found, expected) = (found.to_owned(), expected.to_owned());
        ReadError { line: self.number, column: 1, found, expected }
    }

    /// Something is wrong with what stands under a key.
    fn error_at(self, key: &str, found: &str, expected: &str) -> ReadError {
        // No text can hold this: in one, the second quote has a backslash before it.
        let place = self.text.find(&format!("\"{key}\":")).unwrap_or(0);
        let column = self.text.get(..place).map_or(0, |before| before.chars().count()) + 1;
        ReadError { column, ..self.error(found, expected) }
    }
}

fn header(line: Line<'_>, object: &mut Map<String, Value>) -> Result<Header, ReadError> {
    if object.remove("format").unwrap_or_default() != NAME {
        return Err(line.error_at("format", "another format", "\"format\":\"backchat-trace\""));
    }
    let version = object.remove("version").unwrap_or_default();
    if version.as_u64() != Some(FORMAT) {
        let older = version.as_u64().is_some_and(|version| version < FORMAT);
        let whose = if older { ", of an older build" } else { "" };
        let expected = format!(
            "version {FORMAT}: record it again with this build, or read it with the build that wrote it"
        );
        return Err(line.error_at("version", &format!("version {version}{whose}"), &expected));
    }
    let mut text = |name: &str| object.remove(name).and_then(|value| value.as_str().map(str::to_owned));
    let (scenario, engine) = (text("scenario"), text("engine"));
    let seed = text("seed").and_then(|seed| seed.parse().ok());
    match (scenario, seed, engine) {
        (Some(scenario), Some(seed), Some(engine)) => Ok(Header { scenario, seed, engine }),
        _ => Err(line.error("a header without them", "\"scenario\", \"seed\" and \"engine\", each a text")),
    }
}

/// Reads the end. Answers how it contradicts the records.
fn end(
    line: Line<'_>,
    object: &mut Map<String, Value>,
    records: u64,
    hash: [u8; 32],
) -> Result<Option<ReadError>, ReadError> {
    if object.remove("end").unwrap_or_default() != NAME {
        return Err(line.error_at("end", "another end", "\"end\":\"backchat-trace\""));
    }
    let mut fields = Fields { line, event: "the end", object };
    let (said, said_hash) = (fields.take::<u64>("records")?, fields.take::<Hash>("hash")?);
    fields.none_is_left()?;
    if said != records {
        let found = format!("an end of {said} records");
        return Ok(Some(line.error_at(
            "records",
            &found,
            &format!("{records}, as there are: it was edited"),
        )));
    }
    let expected = format!("{}, that of the records: it was edited", Hex(hash));
    let is_right = said_hash.0 == hash;
    Ok((!is_right).then(|| line.error_at("hash", &format!("the hash {said_hash}"), &expected)))
}

/// Remembers the nodes.
struct Reader {
    nodes: BTreeMap<String, Node>,
}

impl Reader {
    fn record(&mut self, line: Line<'_>, object: &mut Map<String, Value>) -> Result<Record, ReadError> {
        let at = object.remove("at").as_ref().and_then(Instant::from_json);
        let node = object.remove("node");
        let event = object.remove("event");
        let at = at.ok_or_else(|| line.error_at("at", "no time", "\"at\": a number of nanoseconds"))?;
        let node = node.as_ref().and_then(Value::as_str);
        let node = node.ok_or_else(|| line.error_at("node", "no node", "\"node\": a text"))?;
        let event = event.as_ref().and_then(Value::as_str);
        let event = event.ok_or_else(|| line.error_at("event", "no event", "\"event\": a text"))?;
        let node = match self.nodes.get(node) {
            Some(node) => *node,
            None if self.nodes.len() >= MAX_NODES => {
                return Err(line.error_at("node", "one more node", &format!("at most {MAX_NODES}")));
            }
            None => *self.nodes.entry(node.to_owned()).or_insert(Node::new(node)),
        };
        let mut fields = Fields { line, event, object };
        let event = Event::read(event, &mut fields)?;
        fields.none_is_left()?;
        Ok(Record { at, node, event })
    }
}

/// The fields of one event, taken one by one.
pub(super) struct Fields<'a> {
    line: Line<'a>,
    event: &'a str,
    object: &'a mut Map<String, Value>,
}

impl Fields<'_> {
    /// The field called `name`.
    pub(super) fn take<T: Scalar>(&mut self, name: &str) -> Result<T, ReadError> {
        self.take_as(name, T::EXPECTED, T::from_json)
    }

    /// The field called `name`, as `from_json` makes it.
    pub(super) fn take_as<T>(
        &mut self,
        name: &str,
        expected: &str,
        from_json: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, ReadError> {
        let found = self.object.remove(name).unwrap_or(Value::Null);
        from_json(&found).ok_or_else(|| {
            let found = match &found {
                Value::Null => format!("{} without {name:?}", self.event),
                other => format!("{}: {name:?} is {other}", self.event),
            };
            self.line.error_at(name, &found, &format!("{name:?}: {expected}"))
        })
    }

    /// Whether there is one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.object.get(name).is_some_and(|it| !it.is_null())
    }

    /// No event is called so.
    pub(super) fn unknown(&self) -> ReadError {
        let near = Event::names().min_by_key(|name| strsim::damerau_levenshtein(name, self.event));
        let expected = near.map_or_else(String::new, |near| format!("a known event, such as {near:?}"));
        self.line.error_at("event", &format!("event {:?}", self.event), &expected)
    }

    fn none_is_left(&self) -> Result<(), ReadError> {
        self.object.keys().next().map_or(Ok(()), |unknown| {
            let found = format!("{unknown:?} in {}", self.event);
            Err(self.line.error_at(unknown, &found, "only the fields of that event"))
        })
    }
}
