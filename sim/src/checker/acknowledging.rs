//! Acknowledging: what the receiver owes, and what the sender may make of it.
//!
//! - A segment that is kept is acknowledged within [`ACK_DELAY`] (RFC 5681 §4.2).
//! - The sender takes a loss for granted, and goes back, when it can have heard of [`DUPLICATE_ACKS`] segments that were
//!   thrown away behind the gap (RFC 5681 §3.2): no sooner.
//! - What the receiver allows is not taken back (RFC 9293 §3.8.6 calls it shrinking the window).

use core::time::Duration;
use std::collections::VecDeque;

use backchat_core::time::Instant;
use backchat_core::trace::LossCause;
use backchat_core::wire::{Kind, TransferId};

use super::{Checker, Found, Wrong};
use crate::trace::{
    CoreEvent, Direction, Event, NetEvent, Node, NodeMap, Record, RunEvent, TransferEvent, TransferMap,
};

/// The longest that an acknowledgment may be held back.
const ACK_DELAY: Duration = Duration::from_millis(25);

/// Hosts on turmoil are woken by the millisecond, and so is what they do at the same time.
const TICKS: Duration = Duration::from_millis(2);

/// Segments behind a gap that are a loss.
const DUPLICATE_ACKS: usize = 3;

/// How many gaps of a receiver are remembered: a sender hears of them a round trip later.
const GAPS: usize = 16;

/// See the module.
#[derive(Debug, Default)]
pub struct Acknowledging {
    receivers: TransferMap<Receiver>,
    /// What each sender was last allowed.
    limits: TransferMap<u64>,
    /// The first of those that owe an acknowledgment, and since when: all wait equally long.
    owed: VecDeque<(Instant, TransferId)>,
    /// How long a datagram takes at least from each client to the server.
    delays: NodeMap<Duration>,
}

#[derive(Debug)]
struct Receiver {
    node: Node,
    /// Since when the oldest kept segment waits to be acknowledged.
    owes_since: Option<Instant>,
    /// Where its last gaps began, and when segments behind each were thrown away.
    gaps: VecDeque<(u64, Vec<Instant>)>,
}

impl Receiver {
    const fn new(node: Node) -> Self {
        Self { node, owes_since: None, gaps: VecDeque::new() }
    }

    fn discarded(&mut self, now: Instant, rcv_nxt: u64) {
        match self.gaps.back_mut().filter(|(gap, _)| *gap == rcv_nxt) {
            // More than a loss needs is not counted.
            Some((_, times)) if times.len() >= DUPLICATE_ACKS => {}
            Some((_, times)) => times.push(now),
            None => {
                if self.gaps.len() == GAPS {
                    self.gaps.pop_front();
                }
                self.gaps.push_back((rcv_nxt, vec![now]));
            }
        }
    }

    /// How many segments behind the gap at `una` a sender can have heard of that hears what is `delay` old. `None` where
    /// the gap is forgotten.
    fn heard_of(&self, now: Instant, una: u64, delay: Duration) -> Option<usize> {
        let forgotten = self.gaps.len() == GAPS && self.gaps.front().is_some_and(|(gap, _)| *gap > una);
        if forgotten {
            return None;
        }
        let gap = self.gaps.iter().find(|(gap, _)| *gap == una);
        Some(gap.map_or(0, |(_, times)| times.iter().filter(|at| **at + delay <= now).count()))
    }
}

impl Acknowledging {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    fn went_back(&mut self, now: Instant, transfer: TransferId, una: u64) -> Option<Wrong> {
        let it = self.receivers.get_mut(transfer)?;
        let delay = self.delays.get(it.node).copied().unwrap_or_default();
        let count = it.heard_of(now, una, delay)?;
        (count < DUPLICATE_ACKS).then(|| {
            let said = format!(
                "went back to {una} for duplicate acknowledgments, and {count} segments behind it were thrown away"
            );
            ("lost_too_soon", said)
        })
    }

    fn limited(&mut self, transfer: TransferId, limit: u64) -> Option<Wrong> {
        let before = self.limits.get_mut(transfer)?;
        let fell = limit < *before;
        let said = fell.then(|| ("limit_went_back", format!("the limit went back from {before} to {limit}")));
        *before = limit.max(*before);
        said
    }
}

impl Checker for Acknowledging {
    const NAME: &'static str = "acknowledging";

    fn time_moves_on(&mut self, now: Instant, found: &mut Found<'_, Self>) {
        // Who has owed an acknowledgment for too long?
        while let Some((since, transfer)) = self.owed.front().copied() {
            if now - since <= ACK_DELAY + TICKS {
                return;
            }
            self.owed.pop_front();
            let Some(it) = self.receivers.get_mut(transfer) else { continue };
            if it.owes_since.take_if(|at| *at == since).is_some() {
                let node = it.node;
                let said = format!("what was kept at {since} is not acknowledged");
                found.add_of(now, &node, transfer, ("ack_held_back", said));
            }
        }
    }

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        let wrong = match event {
            Event::Run(RunEvent::LinkShaped { delay, .. }) => {
                if let Some(Direction::Up(client)) = node.direction() {
                    *self.delays.get_or(client, Duration::default) = *delay;
                }
                return;
            }
            // What somebody repeats to the server comes at once.
            Event::Net(NetEvent::Injected { .. }) => {
                if let Some(Direction::Up(client)) = node.direction() {
                    *self.delays.get_or(client, Duration::default) = Duration::ZERO;
                }
                return;
            }
            Event::Transfer(TransferEvent::Offered { transfer, start, .. }) => {
                self.limits.insert(*transfer, *start);
                return;
            }
            // Whatever a receiver goes on with, it owes no acknowledgment: an answer to the end, or a reset, says it all.
            Event::Core(Some(transfer), CoreEvent::StateChanged { .. }) if *node != Node::SERVER => {
                let it = self.receivers.get_or(*transfer, || Receiver::new(*node));
                it.owes_since = None;
                return;
            }
            Event::Core(Some(transfer), CoreEvent::SegmentReceived { .. }) => {
                let Some(it) = self.receivers.get_mut(*transfer) else { return };
                if it.owes_since.is_none() {
                    it.owes_since = Some(*at);
                    self.owed.push_back((*at, *transfer));
                }
                return;
            }
            Event::Core(Some(transfer), CoreEvent::PacketSent { kind: Kind::Ack, .. }) => {
                if let Some(it) = self.receivers.get_mut(*transfer).filter(|it| it.node == *node) {
                    it.owes_since = None;
                }
                return;
            }
            Event::Core(Some(transfer), CoreEvent::SegmentDiscarded { range, rcv_nxt, .. })
                if range.start > *rcv_nxt =>
            {
                if let Some(it) = self.receivers.get_mut(*transfer) {
                    it.discarded(*at, *rcv_nxt);
                }
                return;
            }
            Event::Run(RunEvent::Crashed { .. }) => {
                self.receivers.retain(|it| it.node != *node);
                return;
            }
            Event::Core(Some(transfer), CoreEvent::WentBack { to, cause: LossCause::DuplicateAcks, .. }) => {
                (transfer, self.went_back(*at, *transfer, *to))
            }
            Event::Core(
                Some(transfer),
                CoreEvent::Acknowledged { limit, .. } | CoreEvent::SegmentsSent { limit, .. },
            ) => (transfer, self.limited(*transfer, *limit)),
            _ => return,
        };
        if let (transfer, Some(wrong)) = wrong {
            found.add_of(*at, node, *transfer, wrong);
        }
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::trace::TransferState;

    use super::*;
    use crate::checker::testing::{at, core, offered, verdict};

    fn begin() -> Vec<Record> {
        let (delay, jitter) = (Duration::from_millis(15), Duration::ZERO);
        let to = TransferState::Receiving;
        vec![
            at(0, "ann->server", RunEvent::LinkShaped { delay, jitter, rate: None, impairs: false }),
            offered(),
            core(0, "ann", CoreEvent::StateChanged { from: TransferState::Confirming, to }),
        ]
    }

    fn kept(millis: u64) -> Record {
        core(millis, "ann", CoreEvent::SegmentReceived { range: 0..1_000 })
    }

    fn acks(millis: u64) -> Record {
        core(millis, "ann", CoreEvent::PacketSent { kind: Kind::Ack, transmission: 1 })
    }

    fn thrown_away(millis: u64, start: u64) -> Record {
        let end = start + 1_000;
        core(millis, "ann", CoreEvent::SegmentDiscarded { range: start..end, rcv_nxt: 1_000 })
    }

    fn went_back(millis: u64) -> Record {
        let cause = LossCause::DuplicateAcks;
        core(millis, "server", CoreEvent::WentBack { from: 5_000, to: 1_000, cause })
    }

    fn allowed(millis: u64, limit: u64) -> Record {
        core(millis, "server", CoreEvent::Acknowledged { una: 0, limit, in_flight: 0 })
    }

    fn said(records: &[Record]) -> Vec<String> {
        verdict(Acknowledging::new(), &[begin(), records.to_vec()].concat())
    }

    #[test]
    fn a_segment_is_acknowledged_in_time_or_it_is_said() {
        assert_eq!(
            said(&[kept(10), kept(20), acks(35), kept(40), acks(65), allowed(99, 9)]),
            Vec::<String>::new()
        );
        let wrong = said(&[kept(10), kept(20), allowed(38, 9), acks(39)]);
        assert_eq!(wrong.len(), 1);
        assert!(wrong[0].ends_with("what was kept at 0.010000000 is not acknowledged"), "{wrong:?}");
    }

    #[test]
    fn three_behind_a_gap_are_a_loss_once_the_sender_can_know() {
        let three = [thrown_away(10, 2_000), thrown_away(11, 3_000), thrown_away(12, 4_000)];
        assert_eq!(said(&[&three[..], &[went_back(27)]].concat()), Vec::<String>::new());
        let wrong = said(&[&three[..], &[went_back(26)]].concat());
        assert!(wrong[0].ends_with("and 2 segments behind it were thrown away"), "{wrong:?}");
        let what = "replay:1".parse().expect("a datagram");
        let repeated = at(26, "ann->server", NetEvent::Injected { ordinal: 1 << 32, length: 50, what });
        assert_eq!(said(&[&three[..], &[repeated, went_back(26)]].concat()), Vec::<String>::new());
    }

    #[test]
    fn a_limit_that_goes_back_is_found() {
        assert_eq!(said(&[allowed(1, 2_000), allowed(2, 2_000), allowed(3, 2_001)]), Vec::<String>::new());
        assert!(said(&[allowed(1, 2_000), allowed(2, 1_999)])[0].ends_with("went back from 2000 to 1999"));
    }
}
