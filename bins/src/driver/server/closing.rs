//! Connections on their way out.
//!
//! Closing a socket that holds unread bytes resets the connection, and a reset makes the peer's system throw away
//! what it had not read yet: our last words. So a connection is shut down first, and what still comes is read and
//! thrown away until the peer has closed too, or has had its time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use backchat_core::chat::StreamId;
use backchat_core::time::Instant;

/// How long the peer may take to close after us. A round trip across the world and back is less.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// How long the last of them may take when the server has nothing else left to do.
pub(super) const LAST_LINGER: Duration = Duration::from_millis(500);

/// Connections that linger. With more, the oldest goes early: they are not counted among the clients.
const LINGERING_MAX: usize = 1_024;

/// Bytes that are thrown away of a connection on its way out. Whoever sends more does not stop for our last words, and a
/// reset is the answer: reading on at full speed for as long as it may linger would be a gigabyte.
pub(super) const DISCARDED_MAX: usize = 256 * 1024;

/// Whether a connection on its way out is still worth waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It is.
    Left,
    /// It has sent more than is thrown away.
    Over,
}

/// What is left to be done with a connection. One that is not here is open both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The peer sends nothing more; it still reads.
    Finished,
    /// It is to be shut down when everything that waits was taken. Input is thrown away.
    Flushing,
    /// It is shut down. Input is thrown away.
    Lingering,
}

/// The connections that are not open both ways.
#[derive(Debug, Default)]
pub(super) struct Closing {
    phases: BTreeMap<StreamId, Phase>,
    /// Bytes thrown away of each so far.
    discarded: BTreeMap<StreamId, usize>,
    /// Those that linger, by the time that they have. All have the same, so the first is the oldest.
    lingering: VecDeque<(Instant, StreamId)>,
}

impl Closing {
    /// How far a connection is; `None`: open both ways.
    pub(super) fn phase(&self, stream: StreamId) -> Option<Phase> {
        self.phases.get(&stream).copied()
    }

    /// A connection has come so far.
    pub(super) fn set(&mut self, stream: StreamId, phase: Phase) {
        self.phases.insert(stream, phase);
    }

    /// A connection is shut down. Tells which one has to go for it, if any.
    pub(super) fn linger(&mut self, now: Instant, stream: StreamId) -> Option<StreamId> {
        self.phases.insert(stream, Phase::Lingering);
        self.lingering.push_back((now + LINGER, stream));
        if self.lingering.len() > LINGERING_MAX {
            self.lingering.pop_front().map(|(_, stream)| stream)
        } else {
            None
        }
    }

    /// So many bytes of a connection were thrown away.
    pub(super) fn discard(&mut self, stream: StreamId, bytes: usize) -> Patience {
        let discarded = self.discarded.entry(stream).or_default();
        *discarded = discarded.saturating_add(bytes);
        if *discarded > DISCARDED_MAX { Patience::Over } else { Patience::Left }
    }

    /// A connection is gone.
    pub(super) fn forget(&mut self, stream: StreamId) {
        self.phases.remove(&stream);
        self.discarded.remove(&stream);
        // It is looked for from the front and most leave in order; what is left over is harmless.
        while let Some((_, oldest)) = self.lingering.front()
            && !self.phases.contains_key(oldest)
        {
            self.lingering.pop_front();
        }
    }

    /// A connection whose time is over, if there is one.
    pub(super) fn expired(&mut self, now: Instant) -> Option<StreamId> {
        self.lingering.front().filter(|(at, _)| *at <= now)?;
        self.lingering.pop_front().map(|(_, stream)| stream)
    }

    /// When the next one's time is over.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lingering.front().map(|(at, _)| *at)
    }

    /// Whether none lingers.
    pub(super) fn is_quiet(&self) -> bool {
        self.lingering.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_too_many_linger_or_its_time_is_over() {
        let mut closing = Closing::default();
        for number in 0..LINGERING_MAX as u64 {
            assert_eq!(closing.linger(Instant::from_millis(number), StreamId(number)), None);
        }
        assert_eq!(closing.linger(Instant::from_millis(5_000), StreamId(9_999)), Some(StreamId(0)));
        closing.forget(StreamId(0));
        assert_eq!(closing.expired(Instant::ZERO + LINGER), None);
        assert_eq!(closing.expired(Instant::from_millis(1) + LINGER), Some(StreamId(1)));
    }

    #[test]
    fn who_sends_on_for_ever_is_not_waited_for() {
        let mut closing = Closing::default();
        closing.linger(Instant::ZERO, StreamId(1));
        let pieces = DISCARDED_MAX / 1024;
        assert!((0..pieces).all(|_| closing.discard(StreamId(1), 1024) == Patience::Left));
        assert_eq!(closing.discard(StreamId(1), 1), Patience::Over);
        closing.forget(StreamId(1));
        assert!(closing.discarded.is_empty());
    }

    #[test]
    fn who_is_gone_has_no_deadline() {
        let mut closing = Closing::default();
        closing.linger(Instant::ZERO, StreamId(1));
        closing.linger(Instant::from_millis(1), StreamId(2));
        closing.forget(StreamId(1));
        assert_eq!(closing.deadline(), Some(Instant::from_millis(1) + LINGER));
        closing.forget(StreamId(2));
        assert!(closing.is_quiet());
    }
}
