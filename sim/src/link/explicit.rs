//! Faults that name their packets.

use core::time::Duration;
use std::collections::BTreeMap;

use backchat_core::time::Instant;
use backchat_core::wire::Kind;

use super::identity::{Identity, PacketRef, Passing};
use super::plan::{Fault, FaultKind, Inject};
use super::schedule::Schedule;

/// What a packet was named for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) drop: bool,
    /// A second copy, so much later: the longest of those that name it.
    pub(super) duplicate: Option<Duration>,
    pub(super) corrupt: bool,
    pub(super) truncate: bool,
    /// The sum of those that name it.
    pub(super) delay: Duration,
    /// It is replayed later.
    pub(super) keep: bool,
}

/// What is done to a packet that is named.
#[derive(Clone, Copy, Debug)]
enum Action {
    Drop,
    Duplicate(Duration),
    Corrupt,
    Truncate,
    Delay(Duration),
    /// The reference with this number is found.
    Keep(usize),
}

#[derive(Clone, Copy, Debug)]
struct Named {
    schedule: Schedule,
    action: Action,
}

/// A name, and how many packets have fitted it.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    identity: Identity,
    seen: u32,
    named: Named,
}

/// All packets that are named, and where in the stream of packets we are.
#[derive(Clone, Debug, Default)]
pub(super) struct Explicit {
    /// By ordinal; `cursor` is the first that may still come.
    ordinals: Vec<(u64, Named)>,
    cursor: usize,
    /// By kind, so that a packet is compared with few.
    identities: BTreeMap<Kind, Vec<Awaited>>,
    /// Which packet each reference of a replay turned out to be.
    found: Vec<Option<u64>>,
}

impl Explicit {
    /// Those that `faults` name. The references of replays get numbers in the order of the faults.
    pub(super) fn new<'a>(faults: impl Iterator<Item = &'a Fault>) -> Self {
        let mut explicit = Self::default();
        for fault in faults {
            let (packets, action) = match &fault.kind {
                FaultKind::Drop(packets) => (packets, Action::Drop),
                FaultKind::Duplicate(packets, by) => (packets, Action::Duplicate(*by)),
                FaultKind::Corrupt(packets) => (packets, Action::Corrupt),
                FaultKind::Truncate(packets) => (packets, Action::Truncate),
                FaultKind::Delay(packets, by) => (packets, Action::Delay(*by)),
                FaultKind::Inject(Inject::Replay(packets), _) => {
                    for &packet in packets {
                        let action = Action::Keep(explicit.found.len());
                        explicit.found.push(None);
                        explicit.add(packet, Named { schedule: Schedule::ALWAYS, action });
                    }
                    continue;
                }
                FaultKind::Blackout | FaultKind::Inject(Inject::Bytes(_) | Inject::Random(_), _) => continue,
            };
            for &packet in packets {
                explicit.add(packet, Named { schedule: fault.schedule, action });
            }
        }
        explicit.ordinals.sort_by_key(|&(ordinal, _)| ordinal);
        explicit
    }

    fn add(&mut self, packet: PacketRef, named: Named) {
        match packet {
            PacketRef::Ordinal(ordinal) => self.ordinals.push((ordinal, named)),
            PacketRef::Identity(identity) => {
                self.identities.entry(identity.kind).or_default().push(Awaited { identity, seen: 0, named });
            }
        }
    }

    /// What the packet that is offered now was named for. Must be asked for every packet, in order.
    pub(super) fn marks(&mut self, now: Instant, ordinal: u64, packet: Option<&Passing>) -> Marks {
        let mut marks = Marks::default();
        while let Some(&(next, named)) = self.ordinals.get(self.cursor)
            && next <= ordinal
        {
            self.cursor += 1;
            if next == ordinal {
                marks.add(now, &named, ordinal, &mut self.found);
            }
        }
        if let Some(packet) = packet
            && let Some(awaited) = self.identities.get_mut(&packet.kind)
        {
            for awaited in awaited {
                if !awaited.identity.fits(packet) {
                    continue;
                }
                awaited.seen = awaited.seen.saturating_add(1);
                if awaited.seen == awaited.identity.nth {
                    marks.add(now, &awaited.named, ordinal, &mut self.found);
                }
            }
        }
        marks
    }

    /// The ordinal of a replay's reference, if it has been offered.
    pub(super) fn found(&self, reference: usize) -> Option<u64> {
        self.found.get(reference).copied().flatten()
    }
}

impl Marks {
    fn add(&mut self, now: Instant, named: &Named, ordinal: u64, found: &mut [Option<u64>]) {
        if !named.schedule.is_active(now) {
            return;
        }
        match named.action {
            Action::Drop => self.drop = true,
            Action::Duplicate(by) => self.duplicate = self.duplicate.max(Some(by)),
            Action::Corrupt => self.corrupt = true,
            Action::Truncate => self.truncate = true,
            Action::Delay(by) => self.delay = self.delay.saturating_add(by),
            Action::Keep(reference) => {
                self.keep = true;
                if let Some(place) = found.get_mut(reference) {
                    *place = Some(ordinal);
                }
            }
        }
    }
}
