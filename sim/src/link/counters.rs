//! Where every datagram went: conservation.

use super::verdict::DropReason;

/// Counts of one direction. Every datagram and every copy is in exactly one place:
/// `offered + duplicated + injected = delivered + dropped + queued`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that were offered.
    pub offered: u64,
    /// Further copies that the link made of them.
    pub duplicated: u64,
    /// Datagrams that nobody sent.
    pub injected: u64,
    /// Those that arrived and were taken.
    pub delivered: u64,
    /// On their way, or in a queue.
    pub queued: u64,
    /// Datagrams that a queue has marked and let out: congestion was experienced (RFC 3168).
    pub marked: u64,
    dropped: [u64; DropReason::ALL.len()],
}

impl Counters {
    /// How many were dropped for this reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or_default()
    }

    /// How many were dropped.
    pub fn all_dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// Whether every datagram is in exactly one place.
    pub fn is_conserved(&self) -> bool {
        self.offered + self.duplicated + self.injected == self.delivered + self.all_dropped() + self.queued
    }

    pub(super) fn count_dropped(&mut self, reason: DropReason) {
        if let Some(count) = self.dropped.get_mut(reason as usize) {
            *count += 1;
        }
    }
}
