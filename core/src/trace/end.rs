//! How the machines of a transfer end.

use crate::transfer::{Outcome, ReceiverFailure};

named! {
    /// How one side of a transfer ended.
    pub enum TransferEnd {
        /// The whole file is there.
        Complete = "complete",
        /// This side ended it.
        Aborted = "aborted",
        /// The other side ended it.
        Reset = "reset",
        /// The ticket was never used.
        Expired = "expired",
        /// Nothing was heard for too long, or nothing new came.
        Silence = "silence",
        /// The file did not have the hash that the server named.
        Integrity = "integrity",
    }
}

impl From<Outcome> for TransferEnd {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Complete => Self::Complete,
            Outcome::Aborted(_) => Self::Aborted,
            Outcome::Reset(_) => Self::Reset,
            Outcome::Expired => Self::Expired,
        }
    }
}

impl From<&ReceiverFailure> for TransferEnd {
    fn from(failure: &ReceiverFailure) -> Self {
        match failure {
            ReceiverFailure::Aborted(_) => Self::Aborted,
            ReceiverFailure::Reset(_) => Self::Reset,
            ReceiverFailure::Silence { .. } | ReceiverFailure::Stalled => Self::Silence,
            ReceiverFailure::Integrity { .. } => Self::Integrity,
        }
    }
}
