//! What a receiver wants done, and what it tells of itself.

use core::ops::Range;

use crate::trace::Event;
use crate::wire::{CongestionChoice, FileVersion, Hash, Packet, ResetCode};

/// What the receiver wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReceiverOutput {
    /// Send this datagram to the server.
    Packet(Packet),
    /// The server has another file, or another state of it: throw away the prefix and begin at 0.
    Restart,
    /// The handshake is through; data will come.
    Started {
        /// The whole file's bytes.
        size: u64,
        /// The first byte that comes.
        start: u64,
        /// Which state of the file it is.
        version: FileVersion,
        /// As agreed.
        congestion: CongestionChoice,
        /// As agreed: bytes of data in a segment.
        segment: u16,
    },
    /// Write these bytes of the datagram that was just handed in, at this offset of the file.
    Write {
        /// Where in the file.
        offset: u64,
        /// Which bytes of the datagram's payload, counted from the payload's beginning.
        payload: Range<usize>,
    },
    /// Everything is written: what is its hash?
    Digest,
    /// The hash is right: give the file its name.
    Commit,
    /// The hash is wrong: throw the file away. Comes before `Failed`.
    Discard,
    /// It is over, and the file has its name.
    Finished,
    /// It is over.
    Failed(ReceiverFailure),
    /// An observation. [`Event::Dropped`] is always told, the others where they are wanted.
    Trace(Event),
}

/// Why a download ended without its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiverFailure {
    /// We ended it; why.
    Aborted(ResetCode),
    /// The server ended it; why.
    Reset(ResetCode),
    /// Nothing was heard for too long; of anything, or since the beginning.
    Silence {
        /// Whether anything was heard at all.
        ever: bool,
    },
    /// The server spoke, but for too long nothing came of what it was asked for.
    Stalled,
    /// The file's hash is not the one that the server named.
    Integrity {
        /// What was received.
        found: Hash,
        /// What the server named.
        expected: Hash,
    },
}

/// What a receiver has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverStats {
    /// Segments that arrived, all of them.
    pub segments_received: u64,
    /// Segments that brought nothing new.
    pub duplicates: u64,
    /// Segments thrown away because they came out of order.
    pub discarded: u64,
    /// Acknowledgments sent.
    pub acks_sent: u64,
}
