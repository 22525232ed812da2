//! The hash of a trace.
//!
//! Each record becomes bytes: how long it is since the record before, a node by its number in the order of first
//! appearance, the code of the event's name, which says what follows, then its fields. Numbers and spans take 4 bytes, and
//! 12 from [`LONG`] on; words are their codes, texts stand behind their length. What is hashed is kept short, for BLAKE3
//! takes several times as long as making it. Blocks of it are hashed at once: small pieces cost several times as much.
//! JSON is not what is hashed: it costs ten times as much to make.

use backchat_core::time::Instant;

use super::field::{Value, Visitor};
use super::{Datagram, NodeMap, Record};

/// Bytes that are hashed at once: whole subtrees of BLAKE3's tree, for which it has no use of a copy.
const BLOCK: usize = 64 << 10;

/// More than all but records with long texts have.
const RECORD: usize = 1 << 10;

/// Numbers from here on are written behind [`IS_LONG`], in 8 bytes.
const LONG: u32 = u32::MAX - 1;

/// Stands where there is no number.
const IS_NONE: u32 = u32::MAX - 1;

/// Stands before a number that does not fit 4 bytes.
const IS_LONG: u32 = u32::MAX;

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
    /// The time of the last record.
    last: Instant,
}

impl TraceHash {
    pub(super) fn new() -> Self {
        let gathered = vec![0; BLOCK + RECORD];
        let (hasher, nodes) = (blake3::Hasher::new(), NodeMap::new());
        Self { hasher, gathered, used: 0, nodes, nodes_count: 0, last: Instant::ZERO }
    }

    pub(super) fn add(&mut self, record: &Record) {
        let next = self.nodes_count;
        let node = *self.nodes.get_or(record.node, || next);
        let mut bytes = Bytes(self.gathered.get_mut(self.used..));
        bytes.number(record.at.as_nanos().wrapping_sub(self.last.as_nanos()));
        bytes.put(node.to_le_bytes());
        if node == next {
            bytes.text(&record.node);
        }
        record.event.visit(&mut bytes);
        let Bytes(Some(rest)) = bytes else { return self.add_with_more_room(record) };
        let rest = rest.len();
        self.used = self.gathered.len() - rest;
        self.nodes_count += u32::from(node == next);
        self.last = record.at;
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
        match u32::try_from(number) {
            Ok(short) if short < LONG => self.put(short.to_le_bytes()),
            _ => self.long(number),
        }
    }

    #[cold]
    fn long(&mut self, number: u64) {
        self.put(IS_LONG.to_le_bytes());
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
    fn event(&mut self, code: u32) {
        self.put(code.to_le_bytes());
    }

    #[inline(always)]
    fn field(&mut self, _: &'static str, value: Value<'_>) {
        match value {
            Value::None => self.put(IS_NONE.to_le_bytes()),
            Value::Number(number) => self.number(number),
            Value::Word(_, code) => self.put(code.to_le_bytes()),
            Value::Text(it) => self.text(it),
            Value::Datagram(it) => self.datagram(it),
            Value::Flag(flag) => self.put([u8::from(flag)]),
            Value::Transfer(id) => self.put(id.0.to_le_bytes()),
            Value::At(at) => self.number(at.as_nanos()),
            Value::Span(span) => self.number(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
            Value::Hash(hash) => self.put(hash.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::trace::code;

    use super::*;
    use crate::trace::RunEvent;

    #[test]
    fn what_is_hashed_is_the_same_however_much_room_a_record_finds() {
        let (mut hash, mut expected) = (TraceHash::new(), Vec::new());
        let short = (0..3 * BLOCK / 100).map(|number| number % 150);
        let lengths = short.chain([RECORD, 3, BLOCK, 2 * BLOCK, 5 * BLOCK + 7, 0, BLOCK - 1]);
        for (number, length) in lengths.enumerate() {
            let (at, node) = (Instant::from_nanos(number as u64), "a".into());
            let event = RunEvent::Stopped { outcome: "x".repeat(length).into() }.into();
            expected.extend(u32::from(number > 0).to_le_bytes());
            expected.extend(0_u32.to_le_bytes());
            if number == 0 {
                expected.extend(1_u32.to_le_bytes());
                expected.extend(b"a");
            }
            expected.extend(code("sim:stopped").to_le_bytes());
            expected.extend((length as u32).to_le_bytes());
            expected.extend(vec![b'x'; length]);
            hash.add(&Record { at, node, event });
        }
        assert_eq!(hash.finish(), *blake3::hash(&expected).as_bytes());
    }

    #[test]
    fn a_number_is_short_up_to_its_bound_and_no_other_looks_like_it() {
        let of = |value: Value<'_>| {
            let mut room = [0; 16];
            let mut bytes = Bytes(Some(&mut room));
            bytes.field("", value);
            let left = bytes.0.expect("room").len();
            room[..room.len() - left].to_vec()
        };
        let long = u64::from(LONG);
        assert_eq!(of(Value::Number(long - 1)), (LONG - 1).to_le_bytes());
        assert_eq!(of(Value::None), IS_NONE.to_le_bytes());
        for number in [long, long + 1, long + 2, u64::MAX] {
            assert_eq!(
                of(Value::Number(number)),
                [&IS_LONG.to_le_bytes()[..], &number.to_le_bytes()].concat()
            );
        }
    }
}
