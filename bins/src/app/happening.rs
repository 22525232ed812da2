//! What a user is told, before anybody decides how: a line, an object, or a pane of a window.

use std::time::Duration;

use backchat_core::chat::{RequestId, ServerFrame, Text};

use super::downloads::Report;
use crate::cli::failure::Failure;

/// Something that a user is told.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The connection is there.
    Connected,
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Why, in words.
        reason: String,
        /// Whether it was ever there: people are told of the first failure by the end of the program.
        was_there: bool,
    },
    /// It will be tried again.
    Reconnecting {
        /// After how long.
        after: Duration,
    },
    /// A frame of the server.
    Frame {
        /// As it came.
        frame: ServerFrame,
        /// What a program called the request that it answers.
        id: Option<RequestId>,
    },
    /// The server closes the connection because we have left, which people know.
    Farewell(ServerFrame),
    /// A message that was not confirmed.
    Unconfirmed {
        /// What a program called it.
        id: Option<RequestId>,
        /// Its text.
        text: Text,
        /// What is known of it.
        what: &'static str,
    },
    /// News of a download.
    Report {
        /// What there is to tell.
        report: Box<Report>,
        /// What goes on with a download that stopped.
        resume: Option<String>,
    },
    /// A download lost its session, or its server or network for a while. It goes on by itself when they are back.
    Interrupted {
        /// The file.
        file: String,
        /// Bytes that are kept.
        received: u64,
    },
    /// Half of a file is here, and the download is held until somebody answers or `wait` is over.
    Halfway {
        /// The file.
        file: String,
        /// After this it goes on by itself.
        wait: Duration,
    },
    /// The commands of the chat, or one of them, are to be explained.
    Help(Option<String>),
    /// Something worth knowing.
    Notice(String),
    /// Something that cannot be done, with its word for programs.
    Complaint {
        /// What a program called it.
        id: Option<RequestId>,
        /// The word.
        code: &'static str,
        /// For people.
        message: String,
    },
    /// Something that was asked for and will not be had.
    Failed {
        /// What a program called it.
        id: Option<RequestId>,
        /// The file, of a download.
        file: Option<String>,
        /// Why.
        failure: Failure,
    },
}

impl Happening {
    /// A complaint about what the user typed.
    pub fn complaint(id: Option<RequestId>, code: &'static str, message: impl Into<String>) -> Self {
        Self::Complaint { id, code, message: message.into() }
    }
}

/// Where a frame has the id of the request that it answers, if its kind can have one.
pub fn id_of(frame: &mut ServerFrame) -> Option<&mut Option<RequestId>> {
    match frame {
        ServerFrame::Welcome(welcome) => Some(&mut welcome.id),
        ServerFrame::Error(error) => Some(&mut error.id),
        ServerFrame::Ticket(ticket) => Some(&mut ticket.id),
        ServerFrame::Renamed { id, .. }
        | ServerFrame::Names { id, .. }
        | ServerFrame::Files { id, .. }
        | ServerFrame::History { id, .. }
        | ServerFrame::Accepted { id, .. }
        | ServerFrame::Pong { id } => Some(id),
        ServerFrame::Joined { .. }
        | ServerFrame::Left { .. }
        | ServerFrame::Message(_)
        | ServerFrame::Private(_)
        | ServerFrame::Gap { .. }
        | ServerFrame::Ping
        | ServerFrame::Notice { .. }
        | ServerFrame::Closing { .. } => None,
    }
}
