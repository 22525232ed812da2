//! What a direction does to packets: its properties, its chances, its faults. Data without behaviour.

use core::num::NonZeroU32;
use core::time::Duration;

use backchat_core::time::Instant;

use super::chance::Chance;
use super::codel::Codel;
use super::identity::PacketRef;
use super::policer::Policer;
use super::rate::Rate;
use super::schedule::{Schedule, as_nanos};

/// Everything about one direction of one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What it is like.
    pub profile: Profile,
    /// What is done to it, in the order of the file.
    pub faults: Vec<Fault>,
    /// From here on no fault and no chance has an effect; delay, rate, queue, mtu, policer and batches stay.
    pub heal: Option<Instant>,
}

/// What a direction is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// How long a packet is on its way, one way, without its transmission.
    pub delay: Duration,
    /// Added to it: anything from 0 to this, each equally likely.
    pub jitter: Duration,
    /// What drops packets that exceed a rate, before the queue.
    pub policer: Option<Policer>,
    /// How fast packets get out; `None`: at once.
    pub rate: Option<Rate>,
    /// How many may wait for that. Without a rate nothing waits.
    pub queue: QueueLimit,
    /// What keeps the time short that they wait.
    pub codel: Option<Codel>,
    /// A bottleneck that other directions go through as well.
    pub through: Option<Through>,
    /// The longest packet, in bytes, with [`HEADERS`](super::HEADERS).
    pub mtu: u32,
    /// Which packets never arrive.
    pub loss: Loss,
    /// Which arrive with bits flipped.
    pub corrupt: Runs,
    /// Which arrive shorter.
    pub truncate: Runs,
    /// Which arrive twice.
    pub duplicate: Late,
    /// Which are held back.
    pub reorder: Late,
    /// Packets arrive at multiples of this alone, as over Wi-Fi and cable; zero: as they come.
    pub aggregate: Duration,
}

impl Default for Profile {
    /// A wire without length: nothing happens to any packet of ordinary size.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            policer: None,
            rate: None,
            queue: QueueLimit::default(),
            codel: None,
            through: None,
            mtu: DEFAULT_MTU,
            loss: Loss::default(),
            corrupt: Runs::NEVER,
            truncate: Runs::NEVER,
            duplicate: Late::NEVER,
            reorder: Late::NEVER,
            aggregate: Duration::ZERO,
        }
    }
}

/// A queue, and a rate at which it empties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BottleneckPlan {
    /// How fast packets get out.
    pub rate: Rate,
    /// How many may wait for that.
    pub queue: QueueLimit,
    /// What keeps the time short that they wait.
    pub codel: Option<Codel>,
}

/// That a direction's packets go through a bottleneck which is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Through {
    /// Its place in the topology's list.
    pub bottleneck: usize,
    /// Where it is, seen from the sender.
    pub order: Order,
}

/// Where a shared bottleneck is, seen from the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before the direction's own.
    BeforeOwn,
    /// Behind it.
    BehindOwn,
}

/// Ethernet's.
pub const DEFAULT_MTU: u32 = 1500;

impl Profile {
    /// Whether any packet's fate is drawn.
    pub fn is_random(&self) -> bool {
        !self.loss.is_never()
            || !self.corrupt.chance.is_never()
            || !self.truncate.chance.is_never()
            || !self.duplicate.chance.is_never()
            || !self.reorder.chance.is_never()
            || !self.jitter.is_zero()
    }

    /// The rate and queue of its own.
    pub fn own_bottleneck(&self) -> Option<BottleneckPlan> {
        let Self { queue, codel, .. } = *self;
        self.rate.clone().map(|rate| BottleneckPlan { rate, queue, codel })
    }

    /// Returns true if what becomes of a packet is known only when its turn has come: others share the queue, or the
    /// queue is managed.
    pub const fn is_routed(&self) -> bool {
        self.through.is_some() || (self.codel.is_some() && self.rate.is_some())
    }

    /// When a packet that would arrive at `at` is handed over: with the next batch, where there are batches.
    pub fn handed_over(&self, at: Instant) -> Instant {
        if self.aggregate.is_zero() {
            return at;
        }
        let interval = as_nanos(self.aggregate);
        Instant::from_nanos(at.as_nanos().div_ceil(interval).saturating_mul(interval))
    }
}

/// The most that wait, without the one in transmission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueLimit {
    /// So many packets.
    Packets(u32),
    /// So many bytes, headers included.
    Bytes(u64),
}

impl QueueLimit {
    /// Returns true if a packet of `bytes` may wait behind so many packets with so many bytes.
    pub(super) const fn has_room(self, packets: usize, waiting: u64, bytes: u64) -> bool {
        match self {
            Self::Packets(most) => (packets as u64) < most as u64,
            Self::Bytes(most) => waiting + bytes <= most,
        }
    }
}

impl Default for QueueLimit {
    /// The queue of the QUIC interop runner's links.
    fn default() -> Self {
        Self::Packets(25)
    }
}

/// Which packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Each by itself, in runs that may be bounded.
    Runs(Runs),
    /// Two states: in the good one nothing is lost, in the bad one everything.
    GilbertElliott {
        /// From the good state to the bad one, at each packet.
        enter: Chance,
        /// From the bad state to the good one, at each packet.
        leave: Chance,
        /// The most in a row; `None`: no bound.
        max_burst: Option<NonZeroU32>,
    },
}

impl Default for Loss {
    fn default() -> Self {
        Self::Runs(Runs::NEVER)
    }
}

impl Loss {
    /// Whether nothing is ever lost.
    pub const fn is_never(&self) -> bool {
        match self {
            Self::Runs(runs) => runs.chance.is_never(),
            Self::GilbertElliott { enter, .. } => enter.is_never(),
        }
    }
}

/// A chance for each packet by itself, in runs that may be bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// For each packet.
    pub chance: Chance,
    /// The most in a row; `None`: no bound.
    pub max_burst: Option<NonZeroU32>,
}

impl Runs {
    /// It happens to none.
    pub const NEVER: Self = Self { chance: Chance::NEVER, max_burst: None };
}

/// A chance, and a lateness for those it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// For each packet.
    pub chance: Chance,
    /// A duplicate is up to that late, each lateness equally likely; a packet that is reordered exactly so much.
    pub by: Duration,
}

impl Late {
    /// It happens to none.
    pub const NEVER: Self = Self { chance: Chance::NEVER, by: Duration::ZERO };
}

/// Something that is done to a direction at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When.
    pub schedule: Schedule,
    /// What.
    pub kind: FaultKind,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing gets through.
    Blackout,
    /// These packets are dropped, before the queue.
    Drop(Vec<PacketRef>),
    /// Of these packets a second copy arrives, so much behind the first.
    Duplicate(Vec<PacketRef>, Duration),
    /// Of these packets bits are flipped, in every copy.
    Corrupt(Vec<PacketRef>),
    /// Of these packets the end is cut off, in every copy.
    Truncate(Vec<PacketRef>),
    /// These packets arrive later.
    Delay(Vec<PacketRef>, Duration),
    /// Datagrams that nobody sent arrive.
    Inject(Inject, NonZeroU32),
}

/// What is injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inject {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many random bytes.
    Random(u32),
    /// These packets again, as they were offered.
    Replay(Vec<PacketRef>),
}
