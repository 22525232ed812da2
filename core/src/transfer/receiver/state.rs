//! The states of a receiver.

use crate::trace::TransferState;
use crate::wire::ResetCode;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// `SYN` was said.
    SynSent,
    /// `CONFIRM` was said; no data yet.
    Confirming,
    /// Data comes.
    Receiving,
    /// `END` came; the file is being written, checked and named.
    Finishing,
    /// It is done; a repeated `END` is still answered.
    Done,
    /// It was ended before its end; late packets are answered with the reason, if it was our doing.
    Aborted(Option<ResetCode>),
    /// Nothing is answered any more.
    Closed,
}

impl State {
    /// The state as traces have it.
    pub(crate) const fn traced(self) -> TransferState {
        match self {
            Self::SynSent => TransferState::SynSent,
            Self::Confirming => TransferState::Confirming,
            Self::Receiving => TransferState::Receiving,
            Self::Finishing => TransferState::Finishing,
            Self::Done => TransferState::Done,
            Self::Aborted(_) => TransferState::Aborted,
            Self::Closed => TransferState::Closed,
        }
    }
}

/// How far the file is once everything has arrived. Each step is asked for once, and its answer taken once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// Not all of it is written.
    Writing,
    /// Its hash was asked for.
    Hashing,
    /// Its hash is right, and its name was asked for.
    Naming,
}
