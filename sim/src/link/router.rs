//! A bottleneck that decides over a packet when its turn comes.
//!
//! Packets of several directions may meet in it, and its queue may be managed ([`Codel`](super::Codel)): then what comes
//! later matters to what waits, and what is dropped at the head lets those behind it go sooner. So nothing is computed
//! ahead. The router is a small machine of two kinds of events, in the order of their times:
//!
//! 1. the transmitter is free and something waits: the head is sent, or the queue's management drops it;
//! 2. a packet comes: it is sent, waits, or finds the queue full (tail drop).
//!
//! At one instant a turn comes before an arrival, as in a [`Bottleneck`](super::bottleneck::Bottleneck), and arrivals keep
//! the order in which they were announced. An arrival can be announced ahead of its time, and in any order, as long as
//! nothing later than it was carried out.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::time::Instant;

use super::codel::{Judgment, Management};
use super::plan::{BottleneckPlan, QueueLimit};
use super::topology::LinkId;
use super::transmitter::Transmitter;
use super::verdict::DropReason;

/// A packet on its way through routers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parcel {
    pub(super) link: LinkId,
    pub(super) ordinal: u64,
    /// Headers included.
    pub(super) bytes: u64,
    /// How many routers it has passed.
    pub(super) passed: usize,
    /// A router has marked it.
    pub(super) is_marked: bool,
}

/// What a router has decided over a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// When.
    pub(super) at: Instant,
    pub(super) parcel: Parcel,
    /// When it is out, or why it is not sent.
    pub(super) outcome: Result<Instant, DropReason>,
}

/// A queue with a transmitter, packet by packet.
#[derive(Clone, Debug)]
pub(super) struct Router {
    transmitter: Transmitter,
    limit: QueueLimit,
    management: Option<Management>,
    /// Announced, by their times and then in the order in which they were announced.
    arriving: BTreeMap<(Instant, u64), Parcel>,
    announced: u64,
    /// Since when each waits.
    waiting: VecDeque<(Instant, Parcel)>,
    waiting_bytes: u64,
}

impl Router {
    pub(super) fn new(bottleneck: &BottleneckPlan) -> Self {
        Self {
            transmitter: Transmitter::new(bottleneck.rate.clone()),
            limit: bottleneck.queue,
            management: bottleneck.codel.map(Management::new),
            arriving: BTreeMap::new(),
            announced: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// A packet will come at `at`.
    pub(super) fn announce(&mut self, at: Instant, parcel: Parcel) {
        self.announced += 1;
        self.arriving.insert((at, self.announced), parcel);
    }

    /// When something happens next.
    pub(super) fn next(&self) -> Option<Instant> {
        let arrival = self.arriving.first_key_value().map(|((at, _), _)| *at);
        self.next_turn().into_iter().chain(arrival).min()
    }

    /// Carries out what happens next, and adds what was decided to `decided`.
    pub(super) fn step(&mut self, decided: &mut Vec<Decision>) {
        let turn = self.next_turn();
        let arrival = self.arriving.first_entry();
        match (turn, arrival) {
            (Some(turn), None) => self.take_turn(turn, decided),
            (Some(turn), Some(arrival)) if turn <= arrival.key().0 => self.take_turn(turn, decided),
            (_, Some(arrival)) => {
                let ((at, _), parcel) = arrival.remove_entry();
                self.arrive(at, parcel, decided);
            }
            (None, None) => {}
        }
    }

    /// When the head's turn comes.
    fn next_turn(&self) -> Option<Instant> {
        self.waiting.front().map(|(since, _)| self.transmitter.free_at().max(*since))
    }

    fn arrive(&mut self, now: Instant, parcel: Parcel, decided: &mut Vec<Decision>) {
        let is_busy = self.transmitter.free_at() > now;
        if is_busy && !self.limit.has_room(self.waiting.len(), self.waiting_bytes, parcel.bytes) {
            decided.push(Decision { at: now, parcel, outcome: Err(DropReason::QueueFull) });
            return;
        }
        self.waiting.push_back((now, parcel));
        self.waiting_bytes += parcel.bytes;
        if !is_busy {
            self.take_turn(now, decided);
        }
    }

    fn take_turn(&mut self, now: Instant, decided: &mut Vec<Decision>) {
        while let Some((since, mut parcel)) = self.waiting.pop_front() {
            self.waiting_bytes -= parcel.bytes;
            let judgment = self.management.as_mut().map_or(Judgment::Send, |it| {
                it.judge(now, now.saturating_since(since), parcel.bytes, self.waiting_bytes)
            });
            match judgment {
                Judgment::Drop => {
                    decided.push(Decision { at: now, parcel, outcome: Err(DropReason::Codel) });
                    continue;
                }
                Judgment::Mark => parcel.is_marked = true,
                Judgment::Send => {}
            }
            let out = self.transmitter.transmit(now, parcel.bytes);
            decided.push(Decision { at: now, parcel, outcome: Ok(out) });
            return;
        }
        if let Some(management) = &mut self.management {
            management.on_empty();
        }
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::link::bottleneck::Bottleneck;
    use crate::link::{Codel, Rate};

    fn parcel(ordinal: u64, bytes: u64) -> Parcel {
        Parcel { link: LinkId(0), ordinal, bytes, passed: 0, is_marked: false }
    }

    fn rate(bits: u64) -> Rate {
        Rate::Constant(NonZeroU64::new(bits).unwrap())
    }

    fn router(bits: u64, queue: QueueLimit, codel: Option<Codel>) -> Router {
        Router::new(&BottleneckPlan { rate: rate(bits), queue, codel })
    }

    /// Everything that happens up to `until`.
    fn run(router: &mut Router, until: Instant) -> Vec<Decision> {
        let mut decided = Vec::new();
        while router.next().is_some_and(|at| at <= until) {
            router.step(&mut decided);
        }
        decided
    }

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// Packets of 1250 bytes, two each millisecond into 10 Mbit/s, which sends one.
    fn twice_too_many(router: &mut Router, millis: u64) -> Vec<Decision> {
        for nth in 0..millis {
            router.announce(ms(nth), parcel(2 * nth, 1250));
            router.announce(ms(nth), parcel(2 * nth + 1, 1250));
        }
        run(router, ms(millis))
    }

    #[test]
    fn a_managed_queue_drops_at_the_head_and_those_behind_it_go_sooner() {
        let mut it = router(10_000_000, QueueLimit::Packets(1_000), Some(Codel::default()));
        let decided = twice_too_many(&mut it, 400);
        let dropped: Vec<_> = decided.iter().filter(|it| it.outcome.is_err()).collect();
        assert!(dropped.len() > 3 && dropped.iter().all(|it| it.outcome == Err(DropReason::Codel)));
        // Packet n's turn would come at n ms; behind each that is dropped a millisecond sooner.
        let mut gone = 0;
        for decision in &decided {
            match decision.outcome {
                Err(_) => gone += 1,
                Ok(out) => assert_eq!(out, ms(decision.parcel.ordinal + 1 - gone)),
            }
        }
        assert!(decided.is_sorted_by_key(|it| it.at));
    }

    #[test]
    fn a_queue_that_marks_drops_nothing_and_says_which() {
        let codel = Codel { ecn: true, ..Codel::default() };
        let mut it = router(10_000_000, QueueLimit::Packets(1_000), Some(codel));
        let decided = twice_too_many(&mut it, 400);
        assert!(decided.iter().all(|it| it.outcome.is_ok()));
        let marked = decided.iter().filter(|it| it.parcel.is_marked).count();
        assert!((4..40).contains(&marked), "{marked}");
    }

    #[test]
    fn a_managed_queue_is_full_at_its_limit_all_the_same() {
        let mut it = router(10_000_000, QueueLimit::Packets(3), Some(Codel::default()));
        let decided = twice_too_many(&mut it, 50);
        assert!(decided.iter().any(|it| it.outcome == Err(DropReason::QueueFull)));
    }

    #[test]
    fn what_is_announced_first_comes_first_at_one_instant() {
        let mut it = router(10_000_000, QueueLimit::Packets(1), None);
        it.announce(ms(5), parcel(1, 1250));
        it.announce(ms(0), parcel(2, 1250));
        it.announce(ms(5), parcel(3, 1250));
        it.announce(ms(5), parcel(4, 1250));
        let order: Vec<_> =
            run(&mut it, ms(9)).iter().map(|it| (it.parcel.ordinal, it.outcome.is_ok())).collect();
        assert_eq!(order, [(2, true), (1, true), (4, false), (3, true)]);
    }

    proptest! {
        #[test]
        fn without_management_it_is_a_bottleneck(
            bits in 1_000u64..1 << 34,
            limit in prop_oneof![
                (0u32..6).prop_map(QueueLimit::Packets),
                (0u64..9_000).prop_map(QueueLimit::Bytes)
            ],
            packets in prop::collection::vec((prop_oneof![Just(0), 0u64..3_000_000], 28u64..1_500), 1..100),
        ) {
            let mut it = router(bits, limit, None);
            let mut bottleneck = Bottleneck::new(rate(bits), limit);
            let (mut now, mut expected) = (Instant::ZERO, Vec::new());
            for (ordinal, (gap, bytes)) in packets.into_iter().enumerate() {
                now += Duration::from_nanos(gap);
                it.announce(now, parcel(ordinal as u64, bytes));
                expected.push(bottleneck.accept(now, bytes).ok_or(DropReason::QueueFull));
            }
            let mut decided = run(&mut it, Instant::from_nanos(u64::MAX));
            decided.sort_by_key(|it| it.parcel.ordinal);
            let outcomes: Vec<_> = decided.iter().map(|it| it.outcome).collect();
            prop_assert_eq!(outcomes, expected);
        }
    }
}
