//! What came of a run, beyond its records.

use backchat_core::time::Instant;

use crate::signature::{Place, Signature};

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
    /// Nodes keep each other busy, and no time goes by.
    #[error("virtual time stands still at {at} s: more than {steps} steps at this instant")]
    StandsStill {
        /// When.
        at: Instant,
        /// How many there may be.
        steps: u64,
    },
    /// There was no end to it.
    #[error("no end after {steps} steps, at {at} s of virtual time")]
    Endless {
        /// The virtual time that the run reached.
        at: Instant,
        /// How many there may be.
        steps: u64,
    },
    /// Nobody wanted more of it.
    #[error("stopped at {at} s of virtual time")]
    Stopped {
        /// The virtual time that the run reached.
        at: Instant,
    },
    /// The simulation itself failed.
    #[error("the simulation failed: {0}")]
    Failed(String),
}

impl RunError {
    /// What it is, as a failure among others.
    pub const fn signature(&self) -> Signature {
        let rule = match self {
            Self::Panicked(_) => "panicked",
            Self::StandsStill { .. } => "time_stands_still",
            Self::Endless { .. } => "no_end",
            Self::Stopped { .. } => "stopped",
            Self::Failed(_) => "broke",
        };
        Signature { checker: "run", rule, place: Place::Run }
    }
}
