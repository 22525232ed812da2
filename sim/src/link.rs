//! The link model: one direction of one path, as a machine.
//!
//! [`Link::offer`] takes a datagram's length and the time, and says what becomes of it: dropped and why, or which
//! copies arrive when and in what state. It holds no bytes, sends nothing and reads no clock, so the same model stands
//! in a simulation of whole programs, on a plain heap of events, and in front of a real socket. It is the only source
//! of loss.
//!
//! # The order
//! mtu → packets that faults name → policer → queue and rate → blackout → loss → duplicate → corrupt and truncate, each
//! copy by itself → delay, jitter, reorder → batches. A packet meets blackouts and chances at the moment it leaves the queue, so what is
//! lost has used its bandwidth; what a fault drops by name has not. A named packet that shall be duplicated,
//! corrupted, truncated or delayed is, where that would happen by chance.
//!
//! # Randomness
//! No generator is shared: see `draws`. What becomes of a packet is a function of seed, link, direction, ordinal, copy
//! and kind of fault; bursts are folds over those draws.
//!
//! # What is where
//! - [`Plan`]: what a direction is like, and what is done to it.
//! - [`Link`], [`Offered`]: packets. [`Pipe`]: streams over the same direction. [`Topology`]: all directions of a run, and
//!   the bottlenecks that several go through.
//! - `draws`, `burst`: chance. `policer`, `bottleneck`, `rate`, `transmitter`: what is dropped or waits for want of room
//!   on the wire. `router`, `codel`: the same where it is decided when a packet's turn has come. `blackouts`. `explicit`, `inject`: faults that name packets or
//!   make them. [`Names`]: what packets are called.
//! - [`Damage`]: what bytes have suffered. [`Counters`]: where every datagram went.

mod blackouts;
mod bottleneck;
mod burst;
mod chance;
mod codel;
mod counters;
mod damage;
mod draws;
mod explicit;
mod identity;
mod inject;
mod names;
mod pipe;
mod plan;
mod policer;
mod rate;
mod router;
mod schedule;
mod topology;
mod transmitter;
mod verdict;

#[cfg(test)]
mod tests;

use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;

pub use blackouts::Blackout;
pub use chance::{Chance, ChanceError};
pub use codel::Codel;
pub use counters::Counters;
pub use damage::{Damage, MAX_FLIPS};
pub use identity::{Identity, IdentityError, PacketRef, Passing};
pub use inject::{Injected, InjectedWhat};
pub use names::Names;
pub use pipe::Pipe;
pub use plan::{
    BottleneckPlan, DEFAULT_MTU, Fault, FaultKind, Inject, Late, Loss, Order, Plan, Profile, QueueLimit,
    Runs, Through,
};
pub use policer::Policer;
pub use rate::{BitsPerSecond, MAX_RATE_STEPS, Rate, RateStep, RateSteps, RateStepsError};
pub use schedule::Schedule;
pub use topology::{Departure, LinkId, Topology};
pub use verdict::{Copies, Copy, DropReason, MAX_COPIES, Offered, Verdict};

use blackouts::Blackouts;
use bottleneck::Bottleneck;
use burst::{LossState, Run};
use draws::{Block, Draws, up_to, up_to_by_word};
use explicit::{Explicit, Marks};
use inject::Injections;
use pipe::healed;
use policer::TokenBucket;
use schedule::{NEVER, as_nanos};

/// Bytes of the IPv4 and UDP headers. They count for mtu, queue and rate.
pub const HEADERS: u32 = 28;

/// One direction of one path, with what it has done so far.
#[derive(Clone, Debug)]
pub struct Link {
    profile: Profile,
    is_random: bool,
    heal: Instant,
    blackouts: Blackouts,
    explicit: Explicit,
    injections: Injections,
    policer: Option<TokenBucket>,
    bottleneck: Option<Bottleneck>,
    draws: Draws,
    loss: LossState,
    corrupt: Run,
    truncate: Run,
    ordinal: u64,
    /// Of packets that wait in routers, by their ordinals: what decides over them when they leave.
    queued: BTreeMap<u64, Entered>,
    is_routed: bool,
    counters: Counters,
}

impl Link {
    /// The link and direction called `name`, such as `server->alice`, which decides its randomness.
    pub fn new(seed: &Seed, name: &str, plan: &Plan) -> Self {
        let faults: Vec<Fault> = plan.faults.iter().map(|fault| healed_fault(fault, plan.heal)).collect();
        let blackouts = faults.iter().filter(|fault| matches!(fault.kind, FaultKind::Blackout));
        Self {
            is_random: plan.profile.is_random(),
            heal: plan.heal.unwrap_or(NEVER),
            blackouts: Blackouts::new(blackouts.map(|fault| fault.schedule)),
            explicit: Explicit::new(faults.iter()),
            injections: Injections::new(seed, name, faults.iter()),
            policer: plan.profile.policer.map(TokenBucket::new),
            bottleneck: plan
                .profile
                .own_bottleneck()
                .filter(|_| !plan.profile.is_routed())
                .map(|own| Bottleneck::new(own.rate, own.queue)),
            draws: Draws::new(seed, name),
            loss: LossState::default(),
            corrupt: Run::default(),
            truncate: Run::default(),
            ordinal: 0,
            queued: BTreeMap::new(),
            is_routed: plan.profile.is_routed(),
            counters: Counters::default(),
            profile: plan.profile.clone(),
        }
    }

    /// A datagram of `length` bytes is sent at `now`; `packet` is what it is, as far as the caller can tell, for the
    /// faults that name packets by what they are.
    ///
    /// Each copy that arrives has to be reported, to [`Self::on_delivered`] or [`Self::on_undelivered`].
    pub fn offer(&mut self, now: Instant, length: usize, packet: Option<&Passing>) -> Offered {
        self.ordinal += 1;
        self.counters.offered += 1;
        let ordinal = self.ordinal;
        // Drawn for every packet, dropped ones too: the folds depend on nothing else, and nothing has to be sought.
        let block = if self.is_random { self.draws.block(ordinal, 0) } else { Block::ZERO };
        let is_lost = self.loss.draw(&self.profile.loss, block.loss());
        let is_hit = Hits {
            corrupt: self.corrupt.draw(&self.profile.corrupt, block.corrupt()),
            truncate: self.truncate.draw(&self.profile.truncate, block.truncate()),
        };
        let marks = self.explicit.marks(now, ordinal, packet);
        let entered = Entered { length, is_lost, is_hit, marks };
        let (departed, verdict) = match self.departs(now, length, &marks) {
            Err(reason) => (now, Verdict::Dropped(reason)),
            Ok(Some(departed)) => (departed, self.pass(ordinal, &entered, departed, &block)),
            Ok(None) => {
                self.queued.insert(ordinal, entered);
                (now, Verdict::Queued)
            }
        };
        self.count(&verdict);
        debug_assert!(self.counters.is_conserved(), "{:?}", self.counters);
        Offered { ordinal, departed, keep: marks.keep, verdict }
    }

    /// A packet that was queued was sent and is out at `departed`, or was dropped, for `outcome`'s reason, at that time.
    /// Answers what becomes of it; `None`: there is no such packet.
    fn dequeued(
        &mut self,
        ordinal: u64,
        departed: Instant,
        is_marked: bool,
        outcome: Result<(), DropReason>,
    ) -> Option<Verdict> {
        let entered = self.queued.remove(&ordinal)?;
        let verdict = match outcome {
            Err(reason) => Verdict::Dropped(reason),
            Ok(()) => {
                self.counters.marked += u64::from(is_marked);
                let block = if self.is_random { self.draws.block(ordinal, 0) } else { Block::ZERO };
                self.pass(ordinal, &entered, departed, &block)
            }
        };
        self.counters.queued -= 1;
        self.count(&verdict);
        Some(verdict)
    }

    /// Packets that wait in queues whose decisions come later.
    pub fn waiting(&self) -> u64 {
        self.queued.len() as u64
    }

    fn count(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Dropped(reason) => self.counters.count_dropped(*reason),
            Verdict::Passed(copies) => {
                self.counters.duplicated += copies.len() as u64 - 1;
                self.counters.queued += copies.len() as u64;
            }
            Verdict::Queued => self.counters.queued += 1,
        }
    }

    /// A copy, or a datagram that was injected, arrived and was taken.
    pub fn on_delivered(&mut self) {
        self.arrived();
        self.counters.delivered += 1;
    }

    /// A copy, or a datagram that was injected, arrived, and was not taken.
    pub fn on_undelivered(&mut self, reason: DropReason) {
        self.arrived();
        self.counters.count_dropped(reason);
    }

    fn arrived(&mut self) {
        debug_assert!(self.counters.queued > 0, "more arrived than was sent");
        self.counters.queued = self.counters.queued.saturating_sub(1);
    }

    /// When [`Self::poll_injection`] has something next.
    pub fn next_injection(&self) -> Option<Instant> {
        self.injections.next()
    }

    /// The next datagram that nobody sent and that has arrived by `now`. Ask until there is none. It has to be
    /// reported as a copy is.
    pub fn poll_injection(&mut self, now: Instant) -> Option<Injected> {
        let injected = self.injections.poll(now, &self.explicit)?;
        self.counters.injected += 1;
        self.counters.queued += 1;
        Some(injected)
    }

    /// When a blackout begins or ends next, and that is to be told.
    pub fn next_blackout(&self) -> Option<Instant> {
        self.blackouts.next()
    }

    /// The next blackout that has begun or ended by `now`, for a trace: they hold whether anybody asks or not. Ask
    /// until there is none. Of one that comes again and again the first thousand are told.
    pub fn poll_blackout(&mut self, now: Instant) -> Option<(Instant, Blackout)> {
        self.blackouts.poll(now)
    }

    /// Where every datagram went.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// When a packet leaves the queue, or why it does not; `None`: that is for routers to say.
    fn departs(&mut self, now: Instant, length: usize, marks: &Marks) -> Result<Option<Instant>, DropReason> {
        let bytes = (length as u64).saturating_add(u64::from(HEADERS));
        if bytes > u64::from(self.profile.mtu) {
            return Err(DropReason::Mtu);
        }
        if marks.drop {
            return Err(DropReason::Explicit);
        }
        if self.policer.as_mut().is_some_and(|policer| !policer.admits(now, bytes)) {
            return Err(DropReason::Policed);
        }
        match &mut self.bottleneck {
            None => Ok((!self.is_routed).then_some(now)),
            Some(bottleneck) => bottleneck.accept(now, bytes).map(Some).ok_or(DropReason::QueueFull),
        }
    }

    /// What becomes of a packet that has left the queue.
    #[inline]
    fn pass(&mut self, ordinal: u64, entered: &Entered, departed: Instant, block: &Block) -> Verdict {
        let Entered { length, is_lost, is_hit, marks } = *entered;
        let is_healed = departed >= self.heal;
        if self.blackouts.is_active(departed) {
            return Verdict::Dropped(DropReason::Blackout);
        }
        if is_lost && !is_healed {
            return Verdict::Dropped(DropReason::Loss);
        }
        let sent = Sent { ordinal, length, departed, is_healed, marks };
        Verdict::Passed(self.copies(&sent, block, is_hit))
    }

    /// The copies of a packet that gets through.
    #[inline]
    fn copies(&mut self, sent: &Sent, block: &Block, is_hit: Hits) -> Copies {
        let first = self.copy(sent, 0, block, is_hit, Duration::ZERO);
        let mut copies = Copies::of(first);
        let duplicate = self.profile.duplicate;
        if !sent.is_healed && duplicate.chance.hits(block.duplicate()) {
            let late = up_to_by_word(as_nanos(duplicate.by), block.duplicate_delay());
            copies.push(self.further_copy(sent, 1, Duration::from_nanos(late)));
        }
        if let Some(by) = sent.marks.duplicate {
            copies.push(self.further_copy(sent, 2, by));
        }
        copies
    }

    /// A copy with draws of its own. A bound on runs does not hold it: runs are of packets, and a fold over copies
    /// would depend on which packets were duplicated and which of those were lost.
    fn further_copy(&mut self, sent: &Sent, number: u8, late: Duration) -> Copy {
        let is_drawn = self.is_random || sent.marks.corrupt || sent.marks.truncate;
        let block = if is_drawn { self.draws.block(sent.ordinal, u64::from(number)) } else { Block::ZERO };
        let is_hit = Hits {
            corrupt: self.profile.corrupt.chance.hits(block.corrupt()),
            truncate: self.profile.truncate.chance.hits(block.truncate()),
        };
        self.copy(sent, number, &block, is_hit, late)
    }

    /// When a copy arrives, and in what state.
    #[inline]
    fn copy(&mut self, sent: &Sent, number: u8, block: &Block, is_hit: Hits, late: Duration) -> Copy {
        let profile = &self.profile;
        let corrupt = sent.marks.corrupt || (is_hit.corrupt && !sent.is_healed);
        let truncate = sent.marks.truncate || (is_hit.truncate && !sent.is_healed);
        // A clean link has drawn nothing yet for a packet that a fault names.
        let is_sought = number == 0 && !self.is_random && (corrupt || truncate);
        let block = if is_sought { &self.draws.block(sent.ordinal, 0) } else { block };
        let mut damage = Damage::NONE;
        if truncate && sent.length > 0 {
            // Of `length` bytes 1 to all are missing.
            let most = u16::try_from(sent.length - 1).unwrap_or(u16::MAX - 1);
            let kept = up_to_by_word(u64::from(most), block.truncate_length());
            damage.cut(most + 1 - u16::try_from(kept).unwrap_or(most));
        }
        if corrupt {
            damage.flip(block.corrupt_count(), block.corrupt_bits());
        }
        let mut at = sent.departed + profile.delay + late + sent.marks.delay;
        if !sent.is_healed {
            if !profile.jitter.is_zero() {
                at += Duration::from_nanos(up_to(as_nanos(profile.jitter), block.jitter()));
            }
            if profile.reorder.chance.hits(block.reorder()) {
                at += profile.reorder.by;
            }
        }
        Copy { number, at: profile.handed_over(at), damage }
    }
}

/// A packet that has entered the queue: what chance and faults have in store for it.
#[derive(Clone, Copy, Debug)]
struct Entered {
    length: usize,
    is_lost: bool,
    is_hit: Hits,
    marks: Marks,
}

/// Which chances hit a copy, by its draws and their folds.
#[derive(Clone, Copy, Debug)]
struct Hits {
    corrupt: bool,
    truncate: bool,
}

/// A packet that left the queue and was not lost.
struct Sent {
    ordinal: u64,
    length: usize,
    departed: Instant,
    is_healed: bool,
    marks: Marks,
}

fn healed_fault(fault: &Fault, heal: Option<Instant>) -> Fault {
    Fault { schedule: healed(&fault.schedule, heal), kind: fault.kind.clone() }
}
