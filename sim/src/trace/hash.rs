//! The hash of a trace.
//!
//! Each record becomes bytes: numbers of fixed width, texts behind their length, a node by its number in the order of
//! first appearance. An event's code says which fields follow, so nothing is said of their types. Blocks of those bytes
//! go to BLAKE3, which is several times slower on small pieces. JSON is not what is hashed: it costs ten times as much
//! to make.

use super::event::Visitor;
use super::{Datagram, Node, NodeMap, Record, Value};

/// Bytes gathered before they are hashed.
const BLOCK: usize = 64 << 10;

/// More than all but records with long texts have, so that a block rarely grows.
const RECORD: usize = 1 << 10;

/// A BLAKE3 over records.
#[derive(Clone, Debug)]
pub(super) struct TraceHash {
    hasher: blake3::Hasher,
    block: Vec<u8>,
    nodes: NodeMap<u32>,
    nodes_count: u32,
}

impl TraceHash {
    pub(super) fn new() -> Self {
        let block = Vec::with_capacity(BLOCK + RECORD);
        Self { hasher: blake3::Hasher::new(), block, nodes: NodeMap::new(), nodes_count: 0 }
    }

    pub(super) fn add(&mut self, record: &Record) {
        self.block.extend_from_slice(&record.at.as_nanos().to_le_bytes());
        self.node(record.node);
        self.block.extend_from_slice(&record.event.code().to_le_bytes());
        record.event.visit(&mut Bytes(&mut self.block));
        if self.block.len() >= BLOCK {
            self.hasher.update(&self.block);
            self.block.clear();
        }
    }

    /// Its number, and its name at the first time.
    fn node(&mut self, node: Node) {
        let next = self.nodes_count;
        let number = *self.nodes.get_or(node, || next);
        self.block.extend_from_slice(&number.to_le_bytes());
        if number == next {
            self.nodes_count += 1;
            text(&mut self.block, &node);
        }
    }

    /// Of everything so far.
    pub(super) fn finish(&self) -> [u8; 32] {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.block);
        *hasher.finalize().as_bytes()
    }
}

struct Bytes<'a>(&'a mut Vec<u8>);

impl Bytes<'_> {
    #[inline(always)]
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }
}

impl Visitor for Bytes<'_> {
    // Inlined at each field, nothing is left of the value but its bytes.
    #[inline(always)]
    fn field(&mut self, _: &'static str, value: Value<'_>) {
        match value {
            // A length that no text has, and no number that a record holds.
            Value::None => self.number(u64::MAX),
            Value::Number(number) => self.number(number),
            Value::Text(it) => text(self.0, it),
            Value::Datagram(it) => datagram(self.0, it),
            Value::Flag(flag) => self.0.push(u8::from(flag)),
            Value::Transfer(id) => self.number(id.0),
            Value::At(at) => self.number(at.as_nanos()),
            Value::Span(span) => self.0.extend_from_slice(&span.as_nanos().to_le_bytes()),
            Value::Hash(hash) => self.0.extend_from_slice(&hash.0),
        }
    }
}

fn text(block: &mut Vec<u8>, text: &str) {
    block.extend_from_slice(&(text.len() as u64).to_le_bytes());
    block.extend_from_slice(text.as_bytes());
}

fn datagram(block: &mut Vec<u8>, datagram: Datagram) {
    let (tag, kind, nth, download, at) = match datagram {
        Datagram::Packet(it) => (0, it.kind as u8, it.nth, it.download.unwrap_or(0), it.at),
        Datagram::Unknown => (1, 0, 0, 0, None),
        Datagram::Bytes => (2, 0, 0, 0, None),
        Datagram::Replay(of) => (3, 0, 0, 0, Some(of)),
    };
    block.extend_from_slice(&[tag, kind, u8::from(at.is_some())]);
    block.extend_from_slice(&nth.to_le_bytes());
    block.extend_from_slice(&download.to_le_bytes());
    block.extend_from_slice(&at.unwrap_or(0).to_le_bytes());
}
