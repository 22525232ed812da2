//! Traces made by hand.

use backchat_core::time::Instant;
use backchat_core::wire::TransferId;

use super::{Checker, Found};
use crate::trace::{Event, Name, Record};

/// The download of every test that has one only.
pub(super) const T: TransferId = TransferId(7);

/// A record at so many milliseconds.
pub(super) fn at(millis: u64, node: &str, event: Event) -> Record {
    Record { at: Instant::from_millis(millis), node: node.into(), event }
}

/// The server gives a ticket for [`T`], a file of 5,000 bytes, at the beginning.
pub(super) fn offered() -> Record {
    let event =
        Event::TransferOffered { transfer: T, session: 1, file: Name::of("f"), size: 5_000, start: 0 };
    at(0, "server", event)
}

/// The server sends a segment of [`T`].
pub(super) fn segment(millis: u64, sent: Sent) -> Record {
    let Sent { start, end, resent, in_flight, cwnd, limit } = sent;
    let event = Event::SegmentsSent {
        transfer: T,
        start,
        end,
        transmission: 1,
        count: 1,
        resent,
        in_flight,
        cwnd,
        limit,
    };
    at(millis, "server", event)
}

/// What a checker may look at in a segment.
#[derive(Clone, Copy)]
pub(super) struct Sent {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) resent: u64,
    pub(super) in_flight: u64,
    pub(super) cwnd: u64,
    pub(super) limit: u64,
}

impl Default for Sent {
    /// The first nine bytes, with room for more.
    fn default() -> Self {
        Self { start: 0, end: 9, resent: 0, in_flight: 9, cwnd: 9, limit: 9_000 }
    }
}

/// What a checker says of a trace.
pub(super) fn verdict(mut checker: impl Checker, records: &[Record]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut found = Found { checker: checker.name(), violations: &mut violations };
    for record in records {
        checker.record(record, &mut found);
    }
    checker.finish(records.last().map_or(Instant::ZERO, |record| record.at), &mut found);
    violations.into_iter().map(|it| format!("{}: {}", it.at, it.message)).collect()
}
