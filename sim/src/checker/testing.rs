//! Traces made by hand.

use backchat_core::chat::{FileName, Nickname, SessionId};
use backchat_core::time::Instant;
use backchat_core::wire::TransferId;

use super::{Checker, Found, Violations};
use crate::trace::{ChatEvent, CoreEvent, Event, Record, TransferEvent};

/// The download of every test that has one only.
pub(super) const T: TransferId = TransferId(7);

/// A record at so many milliseconds.
pub(crate) fn at(millis: u64, node: &str, event: impl Into<Event>) -> Record {
    Record { at: Instant::from_millis(millis), node: node.into(), event: event.into() }
}

/// A record of what a machine of [`T`] observed.
pub(crate) fn core(millis: u64, node: &str, event: CoreEvent) -> Record {
    at(millis, node, Event::Core(Some(T), event))
}

/// The server says that a session took a nickname.
pub(crate) fn took(millis: u64, session: u64, nick: &str) -> Record {
    let nick = Nickname::parse(nick).expect(nick);
    at(millis, "server", ChatEvent::Joined { session: SessionId(session), nick, peer: [10, 0, 0, 2].into() })
}

/// The server gives a ticket for [`T`], a file of 5,000 bytes, at the beginning.
pub(super) fn offered() -> Record {
    let (session, file) = (SessionId(1), FileName::parse("f").expect("a name"));
    let event = TransferEvent::Offered { transfer: T, session, file, size: 5_000, start: 0 };
    at(0, "server", event)
}

/// The server sends a segment of [`T`].
pub(super) fn segment(millis: u64, sent: Sent) -> Record {
    let Sent { start, end, resent, in_flight, cwnd, limit } = sent;
    let event = Event::Core(
        Some(T),
        CoreEvent::SegmentsSent {
            range: start..end,
            transmission: 1,
            count: 1,
            resent,
            in_flight,
            cwnd,
            limit,
        },
    );
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

/// Shows a checker the beginning of a trace. Answers when that ends, and what it found.
pub(super) fn show<C: Checker>(checker: &mut C, records: &[Record]) -> (Instant, Violations) {
    let (mut now, mut violations) = (Instant::ZERO, Violations::default());
    for record in records {
        if record.at > now {
            now = record.at;
            checker.time_moves_on(now, &mut Found::new(&mut violations));
        }
        checker.record(record, &mut Found::new(&mut violations));
    }
    (now, violations)
}

/// What a checker says of a trace.
pub(super) fn verdict<C: Checker>(mut checker: C, records: &[Record]) -> Vec<String> {
    let (end, mut violations) = show(&mut checker, records);
    checker.finish(end, &mut Found::new(&mut violations));
    violations.into_vec().into_iter().map(|it| format!("{}: {}", it.at, it.message)).collect()
}
