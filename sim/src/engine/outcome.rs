//! What came of a run, beyond its records.

use backchat_core::time::Instant;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// When, in virtual time.
    pub at: Instant,
    /// How many records there were.
    pub events: u64,
    /// Datagrams that were offered to any link.
    pub datagrams: u64,
    /// The hash of the trace.
    pub hash: [u8; 32],
}

/// Why a run came to no end: a mistake of the simulator or of a driver, not of the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// A task panicked.
    #[error("panicked: {0}")]
    Panicked(String),
    /// The simulation itself failed.
    #[error("the simulation failed: {0}")]
    Failed(String),
}
