//! One record, and what stands above all of them.

use backchat_core::time::Instant;

use super::{Event, Node};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// When, since the run began.
    pub at: Instant,
    /// Where: a host such as `alice`, a direction such as `server->alice`, or `sim` for the run itself.
    pub node: Node,
    /// What.
    pub event: Event,
}

/// Which run a trace is of. It is not hashed: the same packets are the same trace, whatever the file was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The scenario's path, as it was given.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The engine.
    pub engine: String,
}
