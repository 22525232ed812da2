//! Frames that wait for slow readers, and the choice of connections that have to go when it is too much.
//!
//! Frames for all are encoded once and shared, but a frame lives until the slowest reader has taken it. Up to
//! [`Limits::slow_reader_bytes`](crate::chat::Limits::slow_reader_bytes) may wait for each; what waits beyond that, the
//! *excess*, is bounded for all together. So one who reads slowly but reads is kept as long as there is memory, however
//! much others say, and many who do not read cannot take all of it.

use super::ChatServer;
use super::session::Connection;
use crate::chat::address::Address;
use crate::chat::id::StreamId;
use core::cmp::Reverse;
use std::collections::BTreeMap;

impl Connection {
    /// Counts its excess again. Tells by how much that of all has grown, and by how much shrunk.
    pub(super) fn recount(&mut self, per_reader: usize, in_all: &mut usize) {
        let excess = self.outbox.live_bytes().saturating_sub(per_reader);
        *in_all = in_all.saturating_sub(self.excess).saturating_add(excess);
        self.excess = excess;
    }
}

impl ChatServer {
    /// Something was put into the queue of a connection, or taken from it.
    pub(super) fn recount(&mut self, stream: StreamId) {
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.recount(self.limits.slow_reader_bytes as usize, &mut self.excess);
        }
    }

    /// The limit has changed.
    pub(super) fn recount_all(&mut self) {
        for connection in self.connections.values_mut() {
            connection.recount(self.limits.slow_reader_bytes as usize, &mut self.excess);
        }
    }

    /// Connections whose excess is to go, so that one eighth of what may wait is free again: otherwise the next frame
    /// would have everybody looked at once more. They are those for which most waits, of the addresses for which most
    /// waits.
    pub(super) fn most_unread(&self) -> Vec<StreamId> {
        let most = self.limits.unread_bytes as usize;
        let mut of_address = BTreeMap::<Address, usize>::new();
        for connection in self.connections.values() {
            if let Some(address) = connection.address {
                *of_address.entry(address).or_default() += connection.excess;
            }
        }
        let reading = self.connections.iter().filter(|(_, connection)| connection.excess > 0);
        let mut all: Vec<(usize, usize, StreamId)> = reading
            .map(|(stream, connection)| {
                let shared = connection.address.and_then(|address| of_address.get(&address)).copied();
                (shared.unwrap_or(connection.excess), connection.excess, *stream)
            })
            .collect();
        all.sort_unstable_by_key(|it| Reverse(*it));
        let mut excess = self.excess;
        let going = all.into_iter().take_while(|(_, theirs, _)| {
            let goes = excess > most - most / 8;
            excess = excess.saturating_sub(*theirs);
            goes
        });
        going.map(|(_, _, stream)| stream).collect()
    }
}
