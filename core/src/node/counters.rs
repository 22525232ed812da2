//! What a node has counted. For operators and tests; nothing decides by it.

use std::collections::BTreeMap;

use crate::histogram::Histogram;
use crate::trace::DropReason;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that arrived, good or bad.
    pub datagrams_received: u64,
    /// Datagrams that were dropped, by reason.
    pub datagrams_dropped: BTreeMap<&'static str, u64>,
    /// Tickets given.
    pub tickets: u64,
    /// Downloads that ended, by outcome.
    pub downloads_ended: BTreeMap<&'static str, u64>,
    /// Durations of downloads that were complete, from their ticket on; a server's.
    pub downloads_took: Histogram,
    /// Bytes of files sent and acknowledged, or received and written.
    pub bytes: u64,
    /// Bytes in all datagrams of downloads that left, headers and repeats too; a server's.
    pub bytes_on_wire: u64,
    /// Segments sent; on a client, received.
    pub segments: u64,
    /// Segments that carried nothing new.
    pub segments_resent: u64,
    /// Retransmission timers that ran out; a server's.
    pub timeouts: u64,
}

impl Counters {
    pub(super) fn dropped(&mut self, reason: DropReason) {
        *self.datagrams_dropped.entry(reason.name()).or_default() += 1;
    }

    pub(super) fn ended(&mut self, outcome: &'static str) {
        *self.downloads_ended.entry(outcome).or_default() += 1;
    }
}
