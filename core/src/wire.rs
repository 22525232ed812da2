//! The UDP packets, byte by byte. All integers are big-endian.
//!
//! Every length and every number is checked once, here: what [`decode`] lets through can be computed with
//! without a thought of overflow. Whether a packet makes sense *now* is for [`crate::transfer`] to say.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +---------------+---------------+-------------------------------+
//! |  version (1)  |     kind      |             flags             |
//! +---------------+---------------+-------------------------------+
//! |         CRC-32C of the datagram without this field            |
//! +---------------------------------------------------------------+
//! |                  transfer (64 bits, unguessable)              |
//! |                                                               |
//! +---------------------------------------------------------------+
//! |     transmission (64 bits, counts this side's datagrams)      |
//! |                                                               |
//! +---------------------------------------------------------------+
//! |                     body, by kind ...
//! ```
//!
//! | kind | body |
//! |---|---|
//! | 1 `SYN` | ticket 16 · recovery 1 · congestion 1 · parameter 2 · segment 2 · zero 2 · round trip µs 4 · zero padding to [`SYN_LEN`] |
//! | 2 `SYN-ACK` | nonce 8 · size 8 · version 16 · start 8 · hash 32 · recovery 1 · congestion 1 · parameter 2 · segment 2 · zero 2 |
//! | 3 `CONFIRM` | nonce 8 · an acknowledgment |
//! | 4 `DATA` | proof 2 · offset 6 · the file's bytes |
//! | 5 `ACK` | an acknowledgment: proof 2 · ack 6 · limit 8 · seen 8 · discarded 4 · delay µs 4 · ECN counts 12, zero in version 1 |
//! | 6 `PROBE` | nxt 8 |
//! | 7 `END` | size 8 · hash 32 |
//! | 8 `END-ACK` | |
//! | 9 `RESET` | code 2 · zero 2 |
//! | 10 `PATH-CHALLENGE`, 11 `PATH-RESPONSE` | nonce 8 |
//!
//! A CRC finds accidents, not attackers. What somebody on the path can do is in docs/PROTOCOL.md.

mod agreed;
mod checksum;
mod header;
mod id;
mod micros;
mod packet;
mod proof;
mod reset;
mod segment;

pub use agreed::{CongestionChoice, Recovery};
pub use checksum::{is_sealed, seal};
pub use header::{HEADER_LEN, Header, Kind, VERSION};
pub use id::{FileVersion, Hash, Nonce, Ticket, TransferId};
pub use micros::Micros;
pub use packet::{
    Ack, Body, DATA_HEADER_LEN, MAX_OFFSET, MAX_SEGMENT, MIN_SEGMENT, Packet, SYN_LEN, Syn, SynAck, decode,
    parse,
};
pub use proof::{Proof, ProofKey};
pub use reset::ResetCode;
pub use segment::SegmentBatch;

/// Why a datagram is not one of our packets. Each is a reason to drop it and count it, no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum DecodeError {
    /// Too short for its kind.
    #[error("{length} bytes, at least {expected} are needed")]
    TooShort {
        /// How long it is.
        length: usize,
        /// How long it would have to be.
        expected: usize,
    },
    /// Longer than its kind allows.
    #[error("{length} bytes, at most {expected} are allowed")]
    TooLong {
        /// How long it is.
        length: usize,
        /// How long it may be.
        expected: usize,
    },
    /// A version of the protocol that this is not.
    #[error("version {0}, this is version 1")]
    Version(u8),
    /// The CRC-32C does not match: damaged on the way, or not ours at all.
    #[error("the checksum does not match")]
    Checksum,
    /// A kind that version 1 does not have.
    #[error("kind {0} is unknown")]
    Kind(u8),
    /// A number out of its bounds.
    #[error("{field} is out of bounds")]
    OutOfBounds {
        /// Which number.
        field: &'static str,
    },
}
