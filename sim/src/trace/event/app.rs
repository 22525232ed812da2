//! What the user of a client wanted, and was told. The node of a record is the client.

use core::time::Duration;

use backchat_core::chat::ErrorCode;
use backchat_core::named;
use backchat_core::wire::{Hash, TransferId};

use super::table;
use crate::scenario::{ActionKind, Failure};
use crate::trace::Name;

/// What a user wanted, or was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppEvent {
    /// The user wants something.
    Asked {
        /// The wish's number, in the life of the scenario; one that is said again after a crash keeps it.
        wish: u64,
        /// What: the step's `do`.
        what: ActionKind,
        /// The text, the file, the nickname.
        detail: Option<Name>,
    },
    /// The client took a wish: its request, or its download, is called so from now on.
    Taken {
        /// The wish.
        wish: u64,
        /// The request's id, or the download's.
        id: Name,
    },
    /// The client did not take a wish.
    NotTaken {
        /// The wish.
        wish: u64,
        /// Why.
        reason: Name,
    },
    /// A wish that is no download is over.
    Answered {
        /// The wish.
        wish: u64,
        /// How it ended.
        outcome: Answer,
        /// The message's number.
        number: Option<u64>,
    },
    /// The connection is there.
    Connected,
    /// The client could not connect.
    CannotConnect {
        /// What the system said.
        error: Name,
    },
    /// The server has welcomed the client.
    Joined {
        /// As what.
        nick: Name,
        /// An earlier session goes on.
        resumed: bool,
        /// The server was restarted since.
        new_epoch: bool,
    },
    /// The server does not let the client in.
    Refused {
        /// Why.
        code: ErrorCode,
    },
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Why.
        reason: Name,
    },
    /// It will be tried again.
    Reconnecting {
        /// After how long.
        after: Duration,
    },
    /// It will not be tried again.
    GaveUp,
    /// A message to all was shown.
    Message {
        /// Its number.
        number: u64,
        /// Who said it.
        from: Name,
        /// The text.
        text: Name,
        /// It was said before this client came, or before it came back.
        backlog: bool,
    },
    /// A message to one was shown.
    Private {
        /// Its number.
        number: u64,
        /// Who said it.
        from: Name,
        /// To whom.
        to: Name,
        /// The text.
        text: Name,
        /// It was said before this client came, or before it came back.
        backlog: bool,
    },
    /// Messages are missing here, and the client was told.
    Gap {
        /// How many public ones, at least.
        missed: u64,
    },
    /// Somebody came.
    PeerJoined {
        /// Who.
        nick: Name,
    },
    /// Somebody went.
    PeerLeft {
        /// Who.
        nick: Name,
        /// Why.
        reason: Name,
    },
    /// Another frame was shown.
    Shown {
        /// Its type.
        kind: ShownKind,
        /// What it says.
        text: Option<Name>,
    },
    /// A download's handshake is through.
    DownloadStarted {
        /// The wish.
        wish: u64,
        /// The download.
        transfer: TransferId,
        /// The file's bytes.
        size: u64,
        /// The first one that comes; above 0 when resumed.
        start: u64,
    },
    /// A file has its name. What is on the disk was read once more for this.
    DownloadFinished {
        /// The wish.
        wish: u64,
        /// The file.
        file: Name,
        /// Bytes on the disk.
        size: u64,
        /// Their hash.
        blake3: Box<Hash>,
        /// The first byte that differs from the server's file.
        differs_at: Option<u64>,
        /// The first byte that came in this attempt.
        resumed_from: u64,
        /// Segments that arrived.
        segments_received: u64,
        /// Those that brought nothing new.
        duplicates: u64,
    },
    /// A download is over without the file.
    DownloadFailed {
        /// The wish.
        wish: u64,
        /// The file.
        file: Name,
        /// Why, for programs.
        reason: Failure,
        /// Why, for people.
        message: Name,
        /// Bytes that are kept for a later resume.
        kept: u64,
    },
}

named! {
    /// How a wish ended that the server did not refuse.
    pub enum Completion {
        /// The server took the message.
        Accepted = "accepted",
        /// The list of who is here has come.
        Names = "names",
        /// The list of files has come.
        Files = "files",
        /// The client did it at once.
        Done = "done",
        /// The connection was lost, and whether the server has taken it is not known.
        Unconfirmed = "unconfirmed",
        /// It was never sent.
        Unsent = "unsent",
        /// The connection was lost before the answer came.
        Unanswered = "unanswered",
        /// The client left before.
        Left = "left",
        /// The client was killed before.
        Killed = "killed",
    }
}

/// How a wish ended that is no download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was not refused.
    Completed(Completion),
    /// The server answered with an error.
    Error(ErrorCode),
}

impl Answer {
    /// Its word: the code where it is an error.
    pub fn name(&self) -> &str {
        match self {
            Self::Completed(how) => how.name(),
            Self::Error(code) => code.raw(),
        }
    }
}

impl From<&str> for Answer {
    fn from(word: &str) -> Self {
        Completion::of(word).map_or_else(|| Self::Error(word.into()), Self::Completed)
    }
}

impl From<Completion> for Answer {
    fn from(how: Completion) -> Self {
        Self::Completed(how)
    }
}

named! {
    /// A frame that is shown and is no message.
    pub enum ShownKind {
        /// An error, with its code.
        Error = "error",
        /// The server's words for everybody.
        Notice = "notice",
        /// The server stops.
        Closing = "closing",
        /// Somebody has another nickname.
        Renamed = "renamed",
        /// Where the history ends.
        History = "history",
        /// Who is here.
        Names = "names",
        /// What can be downloaded.
        Files = "files",
    }
}

table! {
    AppEvent {
        Asked "app:asked" { wish, what, detail }
        Taken "app:taken" { wish, id }
        NotTaken "app:not_taken" { wish, reason }
        Answered "app:answered" { wish, outcome, number }
        Connected "app:connected" {}
        CannotConnect "app:cannot_connect" { error }
        Joined "app:joined" { nick, resumed, new_epoch }
        Refused "app:refused" { code }
        Disconnected "app:disconnected" { reason }
        Reconnecting "app:reconnecting" { after }
        GaveUp "app:gave_up" {}
        Message "app:message" { number, from, text, backlog }
        Private "app:private" { number, from, to, text, backlog }
        Gap "app:gap" { missed }
        PeerJoined "app:peer_joined" { nick }
        PeerLeft "app:peer_left" { nick, reason }
        Shown "app:shown" { kind, text }
        DownloadStarted "app:download_started" { wish, transfer, size, start }
        DownloadFinished "app:download_finished" { wish, file, size, blake3, differs_at, resumed_from, segments_received, duplicates }
        DownloadFailed "app:download_failed" { wish, file, reason, message, kept }
    }
}
