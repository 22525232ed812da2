//! What stands above the client's loop: lines on a terminal, JSON, a one-shot command, a scenario's script.
//!
//! An [`Application`] holds no protocol state. It hands in what the user wants and is told what happened; when
//! and how that reaches the server is decided below it.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use backchat_core::chat::{Nickname, RequestId};
use backchat_core::node::{ClientEvent, DownloadError, DownloadId, GetRequest};
use backchat_core::time::Instant;
use backchat_core::trace::Record;

use crate::files::{TargetEvent, TargetSpec};

/// The user's side of a client.
///
/// The loop asks for one command at a time and answers each before it asks for the next, so an application that
/// waits for an answer just leaves [`poll_command`](Self::poll_command) pending.
pub trait Application {
    /// The next thing that the user wants, if there is one: as [`Future::poll`], the task of `cx` is woken when that
    /// changes.
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command>;

    /// Waits for the next thing that the user wants.
    fn command(&mut self) -> impl Future<Output = Command> {
        poll_fn(|cx| self.poll_command(cx))
    }

    /// `command` was handed to the client, or refused; called before any event that follows from it. What the chat
    /// refused comes as `DownloadError::Chat`, whatever the command was.
    fn answered(&mut self, command: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow;

    /// Something happened in the chat or to a download.
    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow;

    /// Something happened to the file of a download. `Opened` precedes every `ClientEvent::Download` that speaks of
    /// bytes; `Committed`, `Skipped` and `Failed` precede the one that ends it, `Kept`, `Discarded` and `Closed` follow
    /// it.
    fn target(&mut self, download: DownloadId, event: TargetEvent, now: Instant) -> Flow;

    /// The server could not be reached, and this is what the system said. A `ClientEvent` that says what follows
    /// from it comes next.
    fn cannot_connect(&mut self, error: &io::Error, now: Instant) -> Flow {
        let _ = (error, now);
        Flow::Continue
    }

    /// An observation; only where `ClientConfig::trace` asks for them.
    fn trace(&mut self, record: Record) {
        let _ = record;
    }
}

/// What a user can want.
#[derive(Clone, Debug)]
pub enum Command {
    /// A message to all.
    Say {
        /// Its text, unescaped.
        text: String,
        /// Whether it is an action (`/me waves`).
        action: bool,
    },
    /// A message to one.
    Tell {
        /// The nickname it goes to.
        to: Nickname,
        /// Its text, unescaped.
        text: String,
        /// Whether it is an action.
        action: bool,
    },
    /// Who is here. The answer comes as a frame.
    Names,
    /// What can be downloaded. The answer comes as a frame.
    Files,
    /// A new nickname.
    Nick(Nickname),
    /// What was said before, at most so many messages. They come as frames marked as backlog.
    History(u32),
    /// Download a file.
    Get {
        /// Which file, and how.
        request: GetRequest,
        /// What becomes of it.
        target: TargetSpec,
    },
    /// Hold downloads; the server sends nothing more until they are resumed.
    Pause(Which),
    /// Go on with downloads that are held.
    Resume(Which),
    /// End downloads and keep what they have: `ClientEvent::Download` follows with the reason `Stopped`.
    Stop(Which),
    /// Another connection at once, without waiting for the next attempt.
    Reconnect,
    /// As [`Quit`](Self::Quit), when everything that was said is confirmed and no download is left: what the end of
    /// piped input means.
    Finish,
    /// As [`Quit`](Self::Quit), without waiting for the goodbye of a server that does not answer.
    Abandon,
    /// Stop all downloads and keep what they have, say goodbye and end. A second one ends at once.
    Quit,
}

/// Which downloads a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(DownloadId),
    /// Every one that runs.
    All,
}

/// What a command that was taken is called from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// A request to the server, whose answer carries this id.
    Request(RequestId),
    /// A download, whose events carry this id.
    Download(DownloadId),
    /// Nothing that anybody could refer to.
    Done,
}

/// What the loop does after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// End: stop what still runs, say goodbye and return, as after [`Command::Quit`].
    Exit,
}
