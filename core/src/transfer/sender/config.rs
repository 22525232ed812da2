//! What the server allows a transfer, and what it offers.

use core::time::Duration;

use crate::transfer::SILENCE;
use crate::wire::{FileVersion, Hash, MAX_SEGMENT, ProofKey, Ticket, TransferId};

/// What the server allows a transfer. The same for all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SenderConfig {
    /// The largest segment it sends, in bytes of data.
    pub segment: u16,
    /// The most that `fixed:N` may ask for, in segments; more is cut to it, and the `SYN-ACK` says so.
    pub fixed_cap: u16,
    /// How long a ticket is good for.
    pub ticket_lifetime: Duration,
    /// Nothing heard for so long ends it.
    pub silence: Duration,
    /// Bytes of the file that may be in memory at first; see [`Sender::set_budget`](super::Sender::set_budget).
    pub memory: u64,
    /// The most segments in one batch: what the driver's socket sends in one call.
    pub max_segments: usize,
    /// Whether observations are wanted.
    pub trace: bool,
}

impl Default for SenderConfig {
    fn default() -> Self {
        Self {
            segment: MAX_SEGMENT,
            fixed_cap: 1024,
            ticket_lifetime: Duration::from_secs(30),
            silence: SILENCE,
            memory: 8 << 20,
            max_segments: 1,
            trace: false,
        }
    }
}

/// What is offered: the file as it was opened, and the right to it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The id of the transfer.
    pub transfer: TransferId,
    /// The right to it.
    pub ticket: Ticket,
    /// The file's bytes.
    pub size: u64,
    /// Which state of the file it is.
    pub version: FileVersion,
    /// Its hash, if known. An empty file's must be.
    pub hash: Option<Hash>,
    /// The key of the proofs in acknowledgments.
    pub proofs: ProofKey,
    /// The first byte to send: the length of the client's prefix, if it was found right, else 0.
    pub start: u64,
}
