//! What the machines observe about themselves: typed, in order, for people and for checkers.
//!
//! An [`Event`] says what has happened, in the past tense and in the field's terms. Nothing in the core ever reads one.
//! They are made only where a driver asked for them. A trace calls each `category:event`, after the manner of qlog
//! (draft-ietf-quic-qlog-main-schema); the simulator, which writes traces, has the table of those names.
//!
//! What an event can say in one word is a type of its own: each value and its word stand once, in the list that makes the
//! type (`named!`), with the way back from the word for whoever reads a trace. So a checker matches on values, and one
//! that is renamed or added breaks the build of whoever has to know.

#[macro_use]
mod name;

mod dropped;
mod end;
mod event;
mod loss;
mod mark;
mod state;
mod timer;

pub use dropped::DropReason;
pub use end::TransferEnd;
pub use event::Event;
pub use loss::LossCause;
pub use mark::Mark;
pub(crate) use mark::Marks;
#[doc(hidden)]
pub use name::code;
pub use state::TransferState;
pub use timer::TransferTimer;

use crate::time::Instant;
use crate::wire::TransferId;

/// One observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The time at which it was made.
    pub at: Instant,
    /// The download that it is about; `None` for a datagram that belongs to none.
    pub transfer: Option<TransferId>,
    /// The event.
    pub event: Event,
}
