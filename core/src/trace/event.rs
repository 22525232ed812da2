//! Every event that the machines of a transfer, and the nodes around them, can observe.

use core::ops::Range;
use core::time::Duration;

use super::{DropReason, LossCause, Mark, TransferEnd, TransferState, TransferTimer};
use crate::time::Instant;
use crate::wire::Kind;

/// An observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A machine went from one state to another.
    StateChanged {
        /// The state before.
        from: TransferState,
        /// The state from now on.
        to: TransferState,
    },
    /// A packet without data was sent.
    PacketSent {
        /// Its kind.
        kind: Kind,
        /// Its number among those that this side has sent.
        transmission: u64,
    },
    /// A packet was received and belongs to a download. A segment that the receiver takes in is told of by what became
    /// of it instead.
    PacketReceived {
        /// Its kind.
        kind: Kind,
        /// The number that its sender gave it.
        transmission: u64,
    },
    /// Segments were sent.
    SegmentsSent {
        /// The file's bytes.
        range: Range<u64>,
        /// The first one's number.
        transmission: u64,
        /// The number of segments.
        count: u64,
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
        /// The reason.
        cause: LossCause,
    },
    /// The congestion window changed.
    WindowChanged {
        /// Bytes.
        cwnd: u64,
    },
    /// A timer was set, or set anew.
    TimerSet {
        /// The timer.
        timer: TransferTimer,
        /// The time at which it runs out.
        due: Instant,
    },
    /// A timer was stopped.
    TimerStopped {
        /// The timer.
        timer: TransferTimer,
    },
    /// A timer ran out.
    TimerExpired {
        /// The timer.
        timer: TransferTimer,
    },
    /// The user paused, or the pause ended.
    Paused {
        /// Whether it is paused now.
        paused: bool,
    },
    /// A challenge went to a new address.
    PathChallenged,
    /// A new address proved itself and is used from now on.
    PathValidated,
    /// A datagram was dropped.
    Dropped {
        /// The reason.
        reason: DropReason,
    },
    /// A machine is done.
    Ended {
        /// How it ended.
        outcome: TransferEnd,
    },
    /// A situation that tests should have been in.
    Marked {
        /// The situation.
        mark: Mark,
    },
}
