//! The hash of a trace.
//!
//! Each record becomes bytes: numbers of fixed width, texts behind their length, a node by its number in the order of
//! first appearance. An event's code says which fields follow, so nothing is said of their types. Blocks of those bytes
//! go to BLAKE3, which is several times slower on small pieces. JSON is not what is hashed: it costs ten times as much
//! to make.

use super::event::Visitor;
use super::{Datagram, NodeMap, Record, Value};

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
    /// Of how many the names are written.
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
        let mut bytes = Bytes(self.gathered.get_mut(self.used..));
        bytes.put(record.at.as_nanos().to_le_bytes());
        bytes.put(node.to_le_bytes());
        if node == next {
            bytes.text(&record.node);
        }
        bytes.put(record.event.code().to_le_bytes());
        record.event.visit(&mut bytes);
        let Bytes(Some(rest)) = bytes else { return self.add_with_more_room(record) };
        let rest = rest.len();
        self.used = self.gathered.len() - rest;
        self.nodes_count += u32::from(node == next);
        if self.used >= BLOCK {
            self.hash_blocks();
        }
    }

    /// For a record that found no room. No loop in [`Self::add`]: it would load the fields of every event before it looks
    /// which one it is.
    #[cold]
    #[inline(never)]
    fn add_with_more_room(&mut self, record: &Record) {
        self.gathered.resize(self.gathered.len() * 2, 0);
        self.add(record);
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
            Value::Absent => {}
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

#[cfg(test)]
mod tests {
    use backchat_core::time::Instant;

    use super::*;
    use crate::trace::Event;

    #[test]
    fn what_is_hashed_is_the_same_however_much_room_a_record_finds() {
        let (mut hash, mut expected) = (TraceHash::new(), Vec::new());
        let short = (0..3 * BLOCK / 100).map(|number| number % 150);
        let lengths = short.chain([RECORD, 3, BLOCK, 2 * BLOCK, 5 * BLOCK + 7, 0, BLOCK - 1]);
        for (number, length) in lengths.enumerate() {
            let (at, node) = (Instant::from_nanos(number as u64), "a".into());
            let event = Event::Refused { code: "x".repeat(length).into() };
            expected.extend(at.as_nanos().to_le_bytes());
            expected.extend(0_u32.to_le_bytes());
            if number == 0 {
                expected.extend(1_u64.to_le_bytes());
                expected.extend(b"a");
            }
            expected.extend(event.code().to_le_bytes());
            expected.extend((length as u64).to_le_bytes());
            expected.extend(vec![b'x'; length]);
            hash.add(&Record { at, node, event });
        }
        assert_eq!(hash.finish(), *blake3::hash(&expected).as_bytes());
    }
}
