//! How long what is left to do may take. It is generous by design, for a protocol that is merely slow is no violation; what
//! it says is that nothing hangs:
//! - for each client with work left, [`RECOVERY`]: what it may take until a failure is noticed, or a connection made
//!   anew;
//! - for each download that is open or still to come, a handshake: ten round trips and a first RTO;
//! - for the bytes left, whatever is longer: eight times what the rate would take, or a round trip for every four
//!   segments, for each segment where jitter reorders; a window of fewer than four is its own measure, and segments
//!   are as long as the longest that was sent;
//! - where a client's socket has overflowed, or a queue before a window that never gives way, four round trips and 130 ms
//!   for each segment instead: of what was sent at once as little as the first may have had room, and with fewer than
//!   three behind it the loss of the second shows by a timer alone. That is a round trip, and an RTO of three (SRTT and
//!   four times RTTVAR, which is half of it after the first sample; later ones Karn's rule may keep out) or 100 ms, and
//!   the receiver's 25 ms and a few ticks;
//! - where a queue has overflowed before a window that gives way, five round trips and 160 ms for every two segments: one
//!   such turn, and one of a window so narrow that nothing of it is lost;
//! - for each message left half a second, the server's pace.

use core::time::Duration;

use backchat_core::transfer::SILENCE;
use backchat_core::wire::DATA_HEADER_LEN;

use crate::link::HEADERS;
use crate::scenario::ActionKind;

/// What it may take until a failure is noticed, and until a client is back: a minute of silence, or a nickname that is
/// held for 30 s and attempts that are 8 s apart, and a margin.
const RECOVERY: Duration = Duration::from_secs(75);
const _: () = assert!(RECOVERY.as_secs() > SILENCE.as_secs() + 10 && RECOVERY.as_secs() > 30 + 2 * 8);

/// The first RTO at its longest.
const FIRST_RTO: Duration = Duration::from_secs(1);

/// The server's pace for messages.
const PER_MESSAGE: Duration = Duration::from_millis(500);

/// Bytes of a segment, until one has been sent; longer ones are counted as this, for a sender may fall back to it.
const SEGMENT: u64 = 1_200;

/// All headers of a segment.
const HEADERS_LEN: u64 = HEADERS as u64 + DATA_HEADER_LEN as u64;

/// A client's path, both directions together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Path {
    pub(super) round_trip: Duration,
    pub(super) rate: Option<u64>,
    pub(super) reorders: bool,
    /// Something found no room in the client's socket; in a queue.
    pub(super) overflows: bool,
    pub(super) queue_overflows: bool,
}

/// How far a sender comes in a round trip, from the longest segment and the widest window that any had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stride {
    segment: Option<u64>,
    cwnd: u64,
    /// The window has been another one.
    has_changed: bool,
}

impl Stride {
    pub(super) fn lengthened(self, segment: u64, cwnd: u64) -> Self {
        let has_changed = self.has_changed || (self.segment.is_some() && cwnd != self.cwnd);
        Self { segment: self.segment.max(Some(segment)), cwnd: self.cwnd.max(cwnd), has_changed }
    }

    /// Whether a loss does not make the window narrower, as far as one can see.
    pub(super) const fn is_fixed(self) -> bool {
        self.segment.is_some() && !self.has_changed
    }

    /// Bytes of a segment.
    fn segment(self) -> u64 {
        self.segment.map_or(SEGMENT, |it| it.clamp(1, SEGMENT))
    }

    /// So many bytes of a file with the headers of their segments, which can be longer than what they carry.
    fn on_the_wire(self, bytes: u64) -> u64 {
        bytes.saturating_add(bytes.div_ceil(self.segment()).saturating_mul(HEADERS_LEN))
    }

    /// The bytes of so many segments, if the window was ever as wide; at least of one.
    fn bytes_of(self, segments: u64) -> u64 {
        let all = segments * self.segment();
        if self.segment.is_some() { all.min(self.cwnd).max(self.segment()) } else { all }
    }
}

/// What a client has left to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    pub(super) downloads: u64,
    pub(super) bytes: u64,
    pub(super) requests: u64,
}

impl Left {
    pub(super) fn add(&mut self, what: ActionKind, size: u64, times: u64) {
        if what == ActionKind::Get {
            self.downloads += times;
            self.bytes = self.bytes.saturating_add(size.saturating_mul(times));
        } else {
            self.requests += times;
        }
    }

    /// How long that may take on a path.
    pub(super) fn needs(&self, path: Path, stride: Stride) -> Duration {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let by_rate = path.rate.map_or(Duration::ZERO, |rate| {
            let bytes = stride.on_the_wire(self.bytes);
            let nanos = u128::from(bytes) * 8 * 8 * 1_000_000_000 / u128::from(rate.max(1));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        });
        let clean = path.round_trip + Duration::from_millis(30);
        let lossy = path.round_trip * 4 + Duration::from_millis(130);
        let (segments, turn) = if path.overflows || (path.queue_overflows && stride.is_fixed()) {
            (1, lossy)
        } else if path.queue_overflows {
            (2, lossy + clean)
        } else {
            (4, clean)
        };
        let each = stride.bytes_of(if path.reorders { 1 } else { segments });
        let by_turns = turn.saturating_mul(count(self.bytes.div_ceil(each)));
        let handshake = (path.round_trip * 10 + FIRST_RTO).saturating_mul(count(self.downloads));
        let messages = (PER_MESSAGE + path.round_trip).saturating_mul(count(self.requests));
        RECOVERY.saturating_add(by_rate.max(by_turns)).saturating_add(handshake).saturating_add(messages)
    }
}
