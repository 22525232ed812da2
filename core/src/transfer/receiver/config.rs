//! What a download wants of its server.

use core::time::Duration;

use crate::transfer::SILENCE;
use crate::wire::{CongestionChoice, Recovery, Ticket, TransferId};

/// What a download wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverConfig {
    /// From the ticket.
    pub transfer: TransferId,
    /// The right to it.
    pub ticket: Ticket,
    /// How long the ticket took over the chat's connection.
    pub round_trip: Duration,
    /// How losses shall be recovered.
    pub recovery: Recovery,
    /// How the sender's window shall be set.
    pub congestion: CongestionChoice,
    /// The largest segment that is taken, in bytes of data.
    pub segment: u16,
    /// The length of the prefix that is here already, and was offered to the server.
    pub have: u64,
    /// The file's bytes, if the ticket has said them: a server that then sends another file is not taken at its word.
    pub size: Option<u64>,
    /// The receive window at first, in bytes: what the socket's buffer really holds.
    pub window: u64,
    /// The user's limit on the rate, in bytes a second.
    pub limit_rate: Option<u64>,
    /// Nothing of use heard for so long ends it.
    pub silence: Duration,
    /// Bytes of the file that have to come within each [`silence`](Self::silence); at least 1.
    pub least: u64,
    /// Whether observations are wanted.
    pub trace: bool,
}

impl ReceiverConfig {
    /// The defaults for a ticket.
    pub fn new(transfer: TransferId, ticket: Ticket) -> Self {
        Self {
            transfer,
            ticket,
            round_trip: Duration::ZERO,
            recovery: Recovery::GoBackN,
            congestion: CongestionChoice::Classic,
            segment: 1200,
            have: 0,
            size: None,
            window: 192 << 10,
            limit_rate: None,
            silence: SILENCE,
            least: 1,
            trace: false,
        }
    }
}
