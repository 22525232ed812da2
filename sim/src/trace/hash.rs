//! The hash of a trace.
//!
//! Each record becomes bytes: numbers of fixed width, texts behind their length, a node by its number in the order of
//! first appearance. An event's code says which fields follow, so nothing is said of their types. Blocks of those bytes
//! go to BLAKE3, which is several times slower on small pieces. JSON is not what is hashed: it costs ten times as much
//! to make.

use super::event::Visitor;
use super::{Datagram, Node, NodeMap, Record, Value};

/// Bytes that are hashed at once: whole subtrees of BLAKE3's tree, for which it has no use of a copy.
const BLOCK: usize = 64 << 10;

/// More than all but records with long texts have.
const RECORD: usize = 1 << 10;

/// A BLAKE3 over records.
#[derive(Clone, Debug)]
pub(super) struct TraceHash {
    hasher: blake3::Hasher,
    /// Room for a block and the record at its end, or more once a record was longer than that.
    gathered: Vec<u8>,
    /// How much of it is taken: less than a block between records.
    used: usize,
    nodes: NodeMap<u32>,
    nodes_count: u32,
}

impl TraceHash {
    pub(super) fn new() -> Self {
        let gathered = vec![0; BLOCK + RECORD];
        Self { hasher: blake3::Hasher::new(), gathered, used: 0, nodes: NodeMap::new(), nodes_count: 0 }
    }

    pub(super) fn add(&mut self, record: &Record) {
        let next = self.nodes_count;
        let node = *self.nodes.get_or(record.node, || next);
        let introduced = (node == next).then_some(record.node);
        self.nodes_count += u32::from(introduced.is_some());
        let rest = loop {
            let room = self.gathered.get_mut(self.used..).unwrap_or_default();
            match written(record, node, introduced, room) {
                Some(rest) => break rest,
                None => self.gathered.resize(self.gathered.len() * 2, 0),
            }
        };
        self.used = self.gathered.len() - rest;
        if self.used >= BLOCK {
            self.hash_blocks();
        }
    }

    /// Hashes what is whole blocks, and keeps the rest.
    fn hash_blocks(&mut self) {
        let whole = self.used - self.used % BLOCK;
        self.hasher.update(self.gathered.get(..whole).unwrap_or_default());
        self.gathered.copy_within(whole..self.used, 0);
        self.used -= whole;
    }

    /// Of everything so far.
    pub(super) fn finish(&self) -> [u8; 32] {
        let mut hasher = self.hasher.clone();
        hasher.update(self.gathered.get(..self.used).unwrap_or_default());
        *hasher.finalize().as_bytes()
    }
}

/// Writes a record to the beginning of `room`: a node has a number, and its name at the first time. Answers how much
/// room is left; `None`: it is not enough.
// Inlined into the loop around it, it would load the fields of every event before it looks which one it is.
#[inline(never)]
fn written(record: &Record, node: u32, introduced: Option<Node>, room: &mut [u8]) -> Option<usize> {
    let mut bytes = Bytes(Some(room));
    bytes.put(record.at.as_nanos().to_le_bytes());
    bytes.put(node.to_le_bytes());
    if let Some(node) = introduced {
        bytes.text(&node);
    }
    bytes.put(record.event.code().to_le_bytes());
    record.event.visit(&mut bytes);
    bytes.0.map(|rest| rest.len())
}

/// The room that is left; `None` once it was not enough.
struct Bytes<'a>(Option<&'a mut [u8]>);

// All of it is inlined at each field: nothing is left there but a comparison and the bytes.
impl Bytes<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.0 = self.0.take().and_then(|room| {
            let (place, rest) = room.split_first_chunk_mut()?;
            *place = bytes;
            Some(rest)
        });
    }

    #[inline(always)]
    fn number(&mut self, number: u64) {
        self.put(number.to_le_bytes());
    }

    #[inline(always)]
    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0 = self.0.take().and_then(|room| {
            let (place, rest) = room.split_at_mut_checked(text.len())?;
            place.copy_from_slice(text.as_bytes());
            Some(rest)
        });
    }

    #[inline(always)]
    fn datagram(&mut self, datagram: Datagram) {
        let (tag, kind, nth, download, at) = match datagram {
            Datagram::Packet(it) => (0, it.kind as u8, it.nth, it.download.unwrap_or(0), it.at),
            Datagram::Unknown => (1, 0, 0, 0, None),
            Datagram::Bytes => (2, 0, 0, 0, None),
            Datagram::Replay(of) => (3, 0, 0, 0, Some(of)),
        };
        self.put([tag, kind, u8::from(at.is_some())]);
        self.put(nth.to_le_bytes());
        self.put(download.to_le_bytes());
        self.number(at.unwrap_or(0));
    }
}

impl Visitor for Bytes<'_> {
    #[inline(always)]
    fn field(&mut self, _: &'static str, value: Value<'_>) {
        match value {
            // A length that no text has, and no number that a record holds.
            Value::None => self.number(u64::MAX),
            Value::Number(number) => self.number(number),
            Value::Text(it) => self.text(it),
            Value::Datagram(it) => self.datagram(it),
            Value::Flag(flag) => self.put([u8::from(flag)]),
            Value::Transfer(id) => self.number(id.0),
            Value::At(at) => self.number(at.as_nanos()),
            Value::Span(span) => self.put(span.as_nanos().to_le_bytes()),
            Value::Hash(hash) => self.put(hash.0),
        }
    }
}
