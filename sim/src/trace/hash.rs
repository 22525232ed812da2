//! The hash of a trace.
//!
//! Each record becomes bytes of fixed width, texts behind their length; blocks of them go to BLAKE3, which is several
//! times slower on small pieces. JSON is not what is hashed: it costs ten times as much to make.

use super::{Event, Record, Value};

/// Bytes gathered before they are hashed.
const BLOCK: usize = 64 << 10;

/// A BLAKE3 over records.
#[derive(Clone, Debug)]
pub(super) struct TraceHash {
    hasher: blake3::Hasher,
    block: Vec<u8>,
}

impl TraceHash {
    pub(super) fn new() -> Self {
        Self { hasher: blake3::Hasher::new(), block: Vec::with_capacity(BLOCK + 1024) }
    }

    pub(super) fn add(&mut self, record: &Record) {
        let block = &mut self.block;
        block.extend_from_slice(&record.at.as_nanos().to_le_bytes());
        text(block, &record.node);
        block.extend_from_slice(&record.event.code().to_le_bytes());
        event(block, &record.event);
        if self.block.len() >= BLOCK {
            self.hasher.update(&self.block);
            self.block.clear();
        }
    }

    /// Of everything so far.
    pub(super) fn finish(&self) -> [u8; 32] {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.block);
        *hasher.finalize().as_bytes()
    }
}

fn event(block: &mut Vec<u8>, event: &Event) {
    event.visit(&mut |_, value| match value {
        Value::None => block.push(0),
        Value::Number(number) => tagged(block, 1, number),
        Value::Text(it) => {
            block.push(2);
            text(block, it);
        }
        Value::Flag(flag) => block.extend_from_slice(&[3, u8::from(flag)]),
        Value::Transfer(id) => tagged(block, 4, id.0),
        Value::At(at) => tagged(block, 5, at.as_nanos()),
        Value::Span(span) => {
            block.push(6);
            block.extend_from_slice(&span.as_nanos().to_le_bytes());
        }
        Value::Hash(hash) => {
            block.push(7);
            block.extend_from_slice(&hash.0);
        }
    });
}

fn tagged(block: &mut Vec<u8>, tag: u8, number: u64) {
    block.push(tag);
    block.extend_from_slice(&number.to_le_bytes());
}

fn text(block: &mut Vec<u8>, text: &str) {
    block.extend_from_slice(&(text.len() as u64).to_le_bytes());
    block.extend_from_slice(text.as_bytes());
}
