//! What will happen, in its order.
//!
//! Everything has a time in nanoseconds, and a number in the order in which it was entered. The order is by time, then by
//! number: total, and a function of what has happened so far.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use backchat_core::time::Instant;

use super::flights::FlightIndex;
use super::streams::ConnectionId;
use crate::engine::faults::Node;
use crate::engine::network::{ClientIndex, Way};

/// Something that will happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A copy of a datagram is at its end.
    Arrival(FlightIndex),
    /// Bytes of a stream, or its end, can be read.
    Readable(ConnectionId, Way),
    /// An attempt to connect reaches the server.
    Knock(ConnectionId),
    /// The answer to it reaches the client.
    Answer(ConnectionId),
    /// A node wanted to be woken.
    Timer(Node),
    /// Something happens to nodes.
    Faults,
    /// A fault makes a datagram appear.
    Injection(ClientIndex, Way),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<Entry>>,
    last: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Instant,
    number: u64,
    what: What,
}

impl Entry {
    const fn key(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Agenda {
    /// `what` happens at `at`, behind everything that was entered for that time before.
    pub(super) fn enter(&mut self, at: Instant, what: What) {
        self.last += 1;
        self.entries.push(Reverse(Entry { at, number: self.last, what }));
    }

    /// When the next one happens.
    pub(super) fn next(&self) -> Option<Instant> {
        self.entries.peek().map(|Reverse(entry)| entry.at)
    }

    /// The next one, if it happens by `now`.
    pub(super) fn take(&mut self, now: Instant) -> Option<What> {
        if self.next()? > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry.what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_at_the_same_time_happens_in_the_order_of_entering() {
        let mut agenda = Agenda::default();
        let at = Instant::from_millis;
        let answers: Vec<What> = (0..100).map(What::Answer).collect();
        for (place, answer) in answers.iter().enumerate() {
            agenda.enter(at(place as u64 % 2), *answer);
        }
        assert_eq!(agenda.next(), Some(at(0)));
        let taken: Vec<What> = std::iter::from_fn(|| agenda.take(at(0))).collect();
        let even: Vec<What> = answers.iter().copied().step_by(2).collect();
        assert_eq!(taken, even);
        assert_eq!(agenda.next(), Some(at(1)));
    }
}
