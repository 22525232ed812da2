//! How a client's run ends, and what the end of a connection means for it.

use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};

use super::voice::Voice;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It did what was asked.
    Done,
    /// The user interrupted.
    Interrupted,
    /// It did not.
    Failed(Failure),
}

impl End {
    /// The code that stands for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Done => Exit::Done,
            Self::Interrupted => Exit::Interrupted,
            Self::Failed(failure) => failure.exit,
        }
    }
}

/// The end of a run whose application said `end`, or nothing. An output that is broken comes before both: what could
/// not be written was not done, and what nobody wanted to read is no failure.
pub fn of(end: Option<End>, voice: &Voice) -> End {
    if voice.is_broken() {
        return voice.failure().map_or(End::Done, End::Failed);
    }
    end.unwrap_or_else(|| {
        End::Failed(Failure::new(Exit::Connection, "the connection ended before the server had answered"))
    })
}

/// What an event means for the whole run: only those after which nothing more can come. `lost` is what is known of why
/// the connection ended.
pub fn of_event(event: &ClientChatEvent, lost: Option<&DisconnectReason>) -> Option<Failure> {
    match event {
        ClientChatEvent::Refused(error) => Some(Failure::refused(error)),
        ClientChatEvent::GaveUp => Some(Failure::lost(lost)),
        _ => None,
    }
}
