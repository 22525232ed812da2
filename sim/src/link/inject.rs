//! Datagrams that nobody sent: what somebody on the path, or far away with a forged address, makes arrive.
//!
//! They appear at the receiver's end, at the time of the fault: no queue, no delay, no chance touches them, and they
//! have no ordinal.

use backchat_core::seed::{Seed, Stream};
use backchat_core::time::Instant;

use super::explicit::Explicit;
use super::plan::{Fault, FaultKind, Inject};
use super::schedule::Schedule;

/// A datagram that arrives now and was sent by nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// When it arrives.
    pub at: Instant,
    /// What it is.
    pub what: InjectedWhat,
}

/// What is injected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InjectedWhat {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The bytes that were offered under this ordinal, and kept as [`Offered::keep`](super::Offered::keep) said.
    Replay(u64),
}

/// One fault's injections, and how far they are.
#[derive(Clone, Debug)]
struct Source {
    schedule: Schedule,
    kind: SourceKind,
    /// Datagrams at each occurrence.
    each: u64,
    /// Which occurrence comes next, and which datagram of it.
    occurrence: u64,
    sent: u64,
}

#[derive(Clone, Debug)]
enum SourceKind {
    Bytes(Vec<u8>),
    Random(u32, Box<Stream>),
    /// The first reference's number, and how many there are.
    Replay(usize, u64),
}

/// All injections of a direction.
#[derive(Clone, Debug, Default)]
pub(super) struct Injections(Vec<Source>);

impl Injections {
    /// Those of `faults`; random bytes come from streams of the link called `name`.
    pub(super) fn new<'a>(seed: &Seed, name: &str, faults: impl Iterator<Item = &'a Fault>) -> Self {
        let mut sources: Vec<Source> = Vec::new();
        let mut references = 0;
        for fault in faults {
            let FaultKind::Inject(inject, count) = &fault.kind else { continue };
            let mut each = u64::from(count.get());
            let kind = match inject {
                Inject::Bytes(bytes) => SourceKind::Bytes(bytes.clone()),
                Inject::Random(length) => {
                    // Named by when and how much, so that another fault in the file changes nothing; twins by number.
                    let twins = sources.iter().filter(|other| {
                        other.schedule.at == fault.schedule.at
                            && matches!(&other.kind, SourceKind::Random(bytes, _) if bytes == length)
                    });
                    let (at, twin) = (fault.schedule.at, twins.count());
                    let stream =
                        seed.stream(&format!("inject {name} at {at} of {length} bytes, twin {twin}"));
                    SourceKind::Random(*length, Box::new(stream))
                }
                Inject::Replay(packets) => {
                    let first = references;
                    references += packets.len();
                    each *= packets.len() as u64;
                    SourceKind::Replay(first, packets.len() as u64)
                }
            };
            sources.push(Source { schedule: fault.schedule, kind, each, occurrence: 0, sent: 0 });
        }
        Self(sources)
    }

    /// When the next one arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().filter_map(Source::next).min()
    }

    /// The next one that has arrived by `now`. What shall be replayed and was never offered is left out.
    pub(super) fn poll(&mut self, now: Instant, explicit: &Explicit) -> Option<Injected> {
        loop {
            let at = self.next().filter(|&at| at <= now)?;
            let source = self.0.iter_mut().find(|source| source.next() == Some(at))?;
            if let Some(what) = source.take(explicit) {
                return Some(Injected { at, what });
            }
        }
    }
}

impl Source {
    fn next(&self) -> Option<Instant> {
        self.schedule.start(self.occurrence)
    }

    fn take(&mut self, explicit: &Explicit) -> Option<InjectedWhat> {
        let nth = self.sent;
        self.sent += 1;
        if self.sent >= self.each {
            self.sent = 0;
            self.occurrence += 1;
        }
        match &mut self.kind {
            SourceKind::Bytes(bytes) => Some(InjectedWhat::Bytes(bytes.clone())),
            SourceKind::Random(length, stream) => {
                let mut bytes = Vec::with_capacity(*length as usize);
                while bytes.len() < *length as usize {
                    let more = (*length as usize - bytes.len()).min(8);
                    bytes.extend(stream.next_u64().to_le_bytes().into_iter().take(more));
                }
                Some(InjectedWhat::Bytes(bytes))
            }
            SourceKind::Replay(first, count) => {
                let reference = *first + usize::try_from(nth % (*count).max(1)).unwrap_or_default();
                explicit.found(reference).map(InjectedWhat::Replay)
            }
        }
    }
}
