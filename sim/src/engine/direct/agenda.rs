//! What will happen, in its order.
//!
//! Everything has a time in nanoseconds, and a number in the order in which it was entered. The order is by time, then by
//! number: total, and a function of what has happened so far.
//!
//! What is on its way over links that delay everything alike comes in the order in which it was entered; it waits in a
//! queue, and the rest in a heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use backchat_core::time::{Instant, earliest};

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
    /// Something is decided over datagrams that wait in queues.
    Departures,
    /// A fault makes a datagram appear.
    Injection(ClientIndex, Way),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    /// Arrivals that were entered in the order of their times.
    in_order: VecDeque<Entry>,
    others: BinaryHeap<Reverse<Entry>>,
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
        let entry = Entry { at, number: self.last, what };
        // A timer is far ahead of everything that arrives before it.
        let is_arrival = matches!(what, What::Arrival(_) | What::Readable(..));
        if is_arrival && self.in_order.back().is_none_or(|last| last.at <= at) {
            self.in_order.push_back(entry);
        } else {
            self.others.push(Reverse(entry));
        }
    }

    /// When the next one happens.
    pub(super) fn next(&self) -> Option<Instant> {
        let other = self.others.peek().map(|Reverse(entry)| entry.at);
        let in_order = self.in_order.front().map(|entry| entry.at);
        earliest([in_order, other])
    }

    /// The next one, if it happens by `now`.
    pub(super) fn take(&mut self, now: Instant) -> Option<What> {
        let other = self.others.peek().map(|Reverse(entry)| entry);
        let in_order = self.in_order.front();
        let is_in_order = match (in_order, other) {
            (Some(in_order), Some(other)) => in_order < other,
            (in_order, _) => in_order.is_some(),
        };
        if is_in_order {
            return self.in_order.pop_front_if(|entry| entry.at <= now).map(|entry| entry.what);
        }
        if other?.at > now {
            return None;
        }
        self.others.pop().map(|Reverse(entry)| entry.what)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn everything_happens_by_time_and_then_in_the_order_of_entering(
            entered in prop::collection::vec((0u64..20, 0u8..3), 0..60),
            look_after in 0u32..60,
        ) {
            let mut agenda = Agenda::default();
            let (mut now, mut left, mut taken) = (0, Vec::new(), Vec::new());
            for (number, (delay, what)) in (0u32..).zip(entered) {
                let what = match what {
                    0 => What::Arrival(number),
                    1 => What::Readable(number, Way::Up),
                    _ => What::Answer(number),
                };
                agenda.enter(Instant::from_millis(now + delay), what);
                left.push((now + delay, number, what));
                if number == look_after {
                    // Time goes on, and what is entered from then on lies behind what was taken.
                    now = 10;
                    taken.extend(std::iter::from_fn(|| agenda.take(Instant::from_millis(now))));
                }
            }
            taken.extend(std::iter::from_fn(|| agenda.take(Instant::from_millis(u64::MAX / 1_000_000))));
            left.sort_by_key(|&(at, number, _)| (at, number));
            let expected: Vec<What> = left.into_iter().map(|(_, _, what)| what).collect();
            prop_assert_eq!(taken, expected);
            prop_assert_eq!(agenda.next(), None);
        }
    }

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
