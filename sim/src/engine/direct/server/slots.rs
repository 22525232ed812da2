//! The streams of one life of the server, found by their numbers: every message looks for every stream.

use backchat_core::chat::StreamId;

use crate::engine::direct::streams::ConnectionId;

/// Streams, in the order in which they were opened.
#[derive(Debug, Default)]
pub(super) struct Slots {
    /// The first is stream 1.
    all: Vec<Option<Slot>>,
}

/// One stream.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) connection: ConnectionId,
    pub(super) is_queued: bool,
}

impl Slots {
    /// A connection was accepted as `stream`, one more than the last.
    pub(super) fn open(&mut self, stream: StreamId, connection: ConnectionId) {
        debug_assert_eq!(place(stream), self.all.len(), "streams are counted");
        self.all.push(Some(Slot { connection, is_queued: false }));
    }

    /// A stream is given up.
    pub(super) fn close(&mut self, stream: StreamId) -> Option<Slot> {
        self.all.get_mut(place(stream))?.take()
    }

    pub(super) fn get(&self, stream: StreamId) -> Option<&Slot> {
        self.all.get(place(stream))?.as_ref()
    }

    pub(super) fn get_mut(&mut self, stream: StreamId) -> Option<&mut Slot> {
        self.all.get_mut(place(stream))?.as_mut()
    }

    /// Those that are open.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.all.iter().flatten()
    }
}

fn place(stream: StreamId) -> usize {
    usize::try_from(stream.0.wrapping_sub(1)).unwrap_or(usize::MAX)
}
