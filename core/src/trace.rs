//! What the machines observe about themselves: typed, in order, for people and for checkers.
//!
//! An [`Event`] says what has happened, in the past tense and in the field's terms, under a name after the manner
//! of qlog (draft-ietf-quic-qlog-main-schema): `category:event`. Nothing in the core ever reads one. They are made
//! only where a driver asked for them.

mod mark;

use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::time::Instant;
use crate::wire::{Kind, TransferId};
pub use mark::Mark;
pub(crate) use mark::Marks;

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When.
    pub at: Instant,
    /// Of which download; `None` for a datagram that belongs to none.
    pub transfer: Option<TransferId>,
    /// What.
    pub event: Event,
}

/// What was observed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A machine went from one state to another.
    StateChanged {
        /// From this one.
        from: &'static str,
        /// To that one.
        to: &'static str,
    },
    /// A packet without data was sent.
    PacketSent {
        /// Its kind.
        kind: Kind,
        /// Its number.
        transmission: u64,
    },
    /// A packet was received and belongs to a download. A segment that the receiver takes in is told of by what became
    /// of it instead.
    PacketReceived {
        /// Its kind.
        kind: Kind,
        /// Its number.
        transmission: u64,
    },
    /// Segments were sent.
    SegmentsSent {
        /// The file's bytes.
        range: Range<u64>,
        /// The first one's number.
        transmission: u64,
        /// How many segments.
        count: usize,
        /// How many bytes of them had been sent before.
        resent: u64,
        /// Outstanding with them, in bytes.
        in_flight: u64,
        /// The congestion window, in bytes.
        cwnd: u64,
        /// The receiver's limit.
        limit: u64,
    },
    /// A segment came in order and was kept.
    SegmentReceived {
        /// Those bytes of it that were new.
        range: Range<u64>,
    },
    /// A segment came out of order and was thrown away; or one that was here already.
    SegmentDiscarded {
        /// Its bytes.
        range: Range<u64>,
        /// What was waited for.
        rcv_nxt: u64,
    },
    /// An acknowledgment was taken.
    Acknowledged {
        /// Everything below is acknowledged.
        una: u64,
        /// The receiver's limit.
        limit: u64,
        /// Still outstanding, in bytes.
        in_flight: u64,
    },
    /// A round trip was measured.
    RttUpdated {
        /// The sample.
        latest: Duration,
        /// Smoothed.
        srtt: Duration,
        /// Its variation.
        rttvar: Duration,
        /// What follows for the timer.
        rto: Duration,
    },
    /// Go-Back-N: the sender went back and sends everything outstanding again.
    WentBack {
        /// `nxt` was here,
        from: u64,
        /// and is here now.
        to: u64,
        /// Why.
        cause: LossCause,
    },
    /// The congestion window changed.
    WindowChanged {
        /// Bytes.
        cwnd: u64,
    },
    /// A timer was set, or set anew.
    TimerSet {
        /// Which.
        timer: &'static str,
        /// For when.
        at: Instant,
    },
    /// A timer was stopped.
    TimerStopped {
        /// Which.
        timer: &'static str,
    },
    /// A timer ran out.
    TimerExpired {
        /// Which.
        timer: &'static str,
    },
    /// The user paused, or the pause ended.
    Paused(
        /// Whether it is paused now.
        bool,
    ),
    /// A challenge went to a new address.
    PathChallenged,
    /// A new address proved itself and is used from now on.
    PathValidated,
    /// A datagram was dropped.
    Dropped {
        /// Why.
        reason: DropReason,
    },
    /// It is over.
    Ended {
        /// How.
        outcome: &'static str,
    },
    /// A situation that tests should have been in.
    Marked(
        /// Which.
        Mark,
    ),
}

impl Event {
    /// `category:event`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::StateChanged { .. } => "transfer:state_changed",
            Self::PacketSent { .. } => "transfer:packet_sent",
            Self::PacketReceived { .. } => "transfer:packet_received",
            Self::SegmentsSent { .. } => "transfer:segments_sent",
            Self::SegmentReceived { .. } => "transfer:segment_received",
            Self::SegmentDiscarded { .. } => "transfer:segment_discarded",
            Self::Acknowledged { .. } => "recovery:acknowledged",
            Self::RttUpdated { .. } => "recovery:rtt_updated",
            Self::WentBack { .. } => "recovery:went_back",
            Self::WindowChanged { .. } => "recovery:window_changed",
            Self::TimerSet { .. } => "recovery:timer_set",
            Self::TimerStopped { .. } => "recovery:timer_stopped",
            Self::TimerExpired { .. } => "recovery:timer_expired",
            Self::Paused(_) => "transfer:paused",
            Self::PathChallenged => "path:challenged",
            Self::PathValidated => "path:validated",
            Self::Dropped { .. } => "transfer:packet_dropped",
            Self::Ended { .. } => "transfer:ended",
            Self::Marked(_) => "core:marked",
        }
    }
}

/// What told the sender that something was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossCause {
    /// The receiver threw away segments behind a gap (RFC 5681 §3.2, fast retransmit).
    DuplicateAcks,
    /// The retransmission timer ran out (RFC 6298 §5.4).
    Timeout,
    /// The path changed, and what was on the old one is taken as gone.
    PathChange,
}

impl LossCause {
    /// Its name in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DuplicateAcks => "duplicate_acks",
            Self::Timeout => "timeout",
            Self::PathChange => "path_change",
        }
    }
}

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// It is not one of our packets; which of the decoder's reasons.
    Malformed(&'static str),
    /// No download has this id, or no longer.
    UnknownTransfer,
    /// The ticket is not the one that was given.
    WrongTicket,
    /// The nonce is not the one that was sent to that address.
    WrongNonce,
    /// A kind of packet that this side, or this state, has no use for.
    Unexpected(Kind),
    /// It acknowledges what was never sent.
    AckBeyondMax,
    /// It carries bytes above the receiver's limit.
    BeyondLimit,
    /// It carries bytes behind the file's end.
    BeyondSize,
    /// An `END` or `SYN-ACK` that contradicts what was said before.
    Contradiction,
    /// To the client, from another address than the server's.
    ForeignAddress,
    /// The answer would be more than the address has sent: it is not proven.
    Amplification,
    /// An acknowledgment that is older than one already taken.
    Stale,
    /// An acknowledgment without the proof that what it acknowledges has arrived.
    Unproven,
}

impl DropReason {
    /// The name under which it is counted.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed(reason) => reason,
            Self::UnknownTransfer => "unknown_transfer",
            Self::WrongTicket => "wrong_ticket",
            Self::WrongNonce => "wrong_nonce",
            Self::Unexpected(_) => "unexpected",
            Self::AckBeyondMax => "ack_beyond_max",
            Self::BeyondLimit => "beyond_limit",
            Self::BeyondSize => "beyond_size",
            Self::Contradiction => "contradiction",
            Self::ForeignAddress => "foreign_address",
            Self::Amplification => "amplification",
            Self::Stale => "stale",
            Self::Unproven => "unproven",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
