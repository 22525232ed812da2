//! Why datagrams are dropped.

use crate::wire::DecodeError;

named! {
    /// Why a datagram was dropped: its name in traces, and the one that it is counted under.
    pub enum DropReason {
        /// It is none of our packets: too short for its kind.
        TooShort = "too_short",
        /// It is none of our packets: longer than its kind allows.
        TooLong = "too_long",
        /// It is of another version of the protocol.
        Version = "version",
        /// The CRC-32C does not match: damaged on the way, or not ours at all.
        Checksum = "checksum",
        /// It is of a kind that this version does not have.
        Kind = "kind",
        /// A number in it is out of its bounds.
        OutOfBounds = "out_of_bounds",
        /// No download has this id, or no longer.
        UnknownTransfer = "unknown_transfer",
        /// The ticket is not the one that was given.
        WrongTicket = "wrong_ticket",
        /// The nonce is not the one that was sent to that address.
        WrongNonce = "wrong_nonce",
        /// This side, or this state, has no use for its kind.
        Unexpected = "unexpected",
        /// It acknowledges what was never sent.
        AckBeyondMax = "ack_beyond_max",
        /// It carries bytes above the receiver's limit.
        BeyondLimit = "beyond_limit",
        /// It carries bytes behind the file's end.
        BeyondSize = "beyond_size",
        /// An `END` or `SYN-ACK` that contradicts what was said before.
        Contradiction = "contradiction",
        /// To the client, from another address than the server's.
        ForeignAddress = "foreign_address",
        /// The answer would be more than the address has sent: it is not proven.
        Amplification = "amplification",
        /// An acknowledgment that is older than one already taken.
        Stale = "stale",
        /// An acknowledgment without the proof that what it acknowledges has arrived.
        Unproven = "unproven",
    }
}

impl From<DecodeError> for DropReason {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooShort { .. } => Self::TooShort,
            DecodeError::TooLong { .. } => Self::TooLong,
            DecodeError::Version(_) => Self::Version,
            DecodeError::Checksum => Self::Checksum,
            DecodeError::Kind(_) => Self::Kind,
            DecodeError::OutOfBounds { .. } => Self::OutOfBounds,
        }
    }
}
