//! What a direction says of a packet that was offered.

use core::fmt;

use backchat_core::time::Instant;

use super::damage::Damage;

/// The answer to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its number among all that were offered to this direction, counted from 1.
    pub ordinal: u64,
    /// When it left the queue: what came then met the blackouts and chances of that time. The time it was offered,
    /// if it got no further or there is no rate.
    pub departed: Instant,
    /// Whether a fault will replay it: keep its bytes under its ordinal.
    pub keep: bool,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does not arrive.
    Dropped(DropReason),
    /// These copies arrive.
    Passed(Copies),
    /// It waits where its fate is not decided before its turn has come:
    /// [`Topology::poll_departure`](super::Topology::poll_departure) will say.
    Queued,
}

/// The most copies of one packet: itself, one by chance, one by an explicit fault.
pub const MAX_COPIES: usize = 3;

/// The copies of a packet that arrive: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    list: [Copy; MAX_COPIES],
    count: u8,
}

impl Copies {
    pub(super) const fn of(copy: Copy) -> Self {
        Self { list: [copy; MAX_COPIES], count: 1 }
    }

    pub(super) fn push(&mut self, copy: Copy) {
        if let Some(place) = self.list.get_mut(usize::from(self.count)) {
            *place = copy;
            self.count += 1;
        }
    }
}

impl core::ops::Deref for Copies {
    type Target = [Copy];

    fn deref(&self) -> &[Copy] {
        self.list.get(..usize::from(self.count)).unwrap_or_default()
    }
}

/// One copy of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy {
    /// 0 for the packet itself, 1 for its duplicate by chance, 2 for the one by an explicit fault.
    pub number: u8,
    /// When it arrives.
    pub at: Instant,
    /// In what state.
    pub damage: Damage,
}

/// Why a packet, or a copy of it, did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DropReason {
    /// Longer than the path carries.
    Mtu,
    /// A fault named it.
    Explicit,
    /// It exceeded the rate and the burst of a policer.
    Policed,
    /// The queue before the bottleneck was full.
    QueueFull,
    /// The queue's management dropped it: packets had waited for too long.
    Codel,
    /// There was a blackout when it left the queue.
    Blackout,
    /// By chance.
    Loss,
    /// It was there, and the receiving socket's buffer was full.
    ReceiveBuffer,
    /// It was there, and nobody was: the host was down, or had moved to another address.
    Unreachable,
}

impl DropReason {
    /// Every reason, in the order in which a packet meets them.
    pub const ALL: [Self; 9] = [
        Self::Mtu,
        Self::Explicit,
        Self::Policed,
        Self::QueueFull,
        Self::Codel,
        Self::Blackout,
        Self::Loss,
        Self::ReceiveBuffer,
        Self::Unreachable,
    ];

    /// Its name in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mtu => "mtu",
            Self::Explicit => "explicit",
            Self::Policed => "policed",
            Self::QueueFull => "queue_full",
            Self::Codel => "codel",
            Self::Blackout => "blackout",
            Self::Loss => "loss",
            Self::ReceiveBuffer => "receive_buffer",
            Self::Unreachable => "unreachable",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
