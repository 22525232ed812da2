//! What the client wants done, and what its user is told.

use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::chat::client::{ClientChatEvent, CommandError};
use crate::chat::{FileName, Text};
use crate::node::{Close, Transmit};
use crate::time::{Instant, UnixTime};
use crate::trace::Record;
use crate::transfer::ReceiverView;
use crate::wire::{CongestionChoice, FileVersion, Hash, Recovery, TransferId};

/// One download of this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DownloadId(pub u64);

/// What the client wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientOutput {
    /// Open a stream to the server: [`super::Client::handle_connected`] or
    /// [`super::Client::handle_connect_failed`] follows.
    Connect,
    /// Bytes wait for the stream: take them with [`super::Client::stream_pending`] and tell with
    /// [`super::Client::handle_stream_taken`], until none are left.
    Stream,
    /// Close the stream. Nothing more need be told about it.
    CloseStream(Close),
    /// Send a datagram. A client sends no segments.
    Transmit(Transmit),
    /// Do something with the file that a download becomes.
    Target(TargetRequest),
    /// For the user.
    Event(ClientEvent),
    /// An observation.
    Trace(Record),
    /// Nothing more now. Call [`super::Client::handle_timeout`] at this time, if there is one.
    Timeout(Option<Instant>),
}

/// What shall be done with the file that a download becomes. Requests of one download are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetRequest {
    /// Open it, locked, as the application that asked for the download wants it. Answered by
    /// [`super::Client::handle_opened`]: with what an earlier attempt has left, if that shall be resumed.
    Open {
        /// Under this id from now on.
        download: DownloadId,
        /// The file's name on the server.
        file: FileName,
    },
    /// Copy these bytes of the datagrams that were just handed in; always in order and without holes. Answered by
    /// [`super::Client::handle_written`], once for as many as the driver likes.
    Write {
        /// Of this download.
        download: DownloadId,
        /// Where in the file.
        offset: u64,
        /// Which of the datagrams.
        datagram: usize,
        /// Which bytes of it.
        payload: Range<usize>,
    },
    /// Do this with it, once it is open.
    Op {
        /// Of this download.
        download: DownloadId,
        /// This.
        op: TargetOp,
    },
}

/// What shall be done with a file that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetOp {
    /// Throw away what is there and begin at 0. Not answered; a failure comes as
    /// [`super::Client::handle_write_failed`].
    Restart,
    /// Everything is written: what is its hash? Answered by [`super::Client::handle_digest`].
    Digest,
    /// The hash is right: sync the file and give it its name, and sync its folder. Answered by
    /// [`super::Client::handle_committed`]; closes the file where that succeeds.
    Commit {
        /// When the server's file was last changed.
        modified: UnixTime,
    },
    /// Remove what is there: nothing of it is worth keeping. The last about this download.
    Discard,
    /// Close what is there, for a later resume. The last about this download.
    Keep,
}

/// What a user wants to download, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRequest {
    /// Which file of the share.
    pub file: FileName,
    /// How losses are recovered.
    pub recovery: Recovery,
    /// How the sender's window is set.
    pub congestion: CongestionChoice,
    /// At most so many bytes a second.
    pub limit_rate: Option<u64>,
    /// At least so many bytes a second, on average over [`ClientConfig::silence`](super::ClientConfig::silence): less ends
    /// the download. One byte in that time without a word.
    pub min_rate: Option<u64>,
    /// The largest segment, in bytes of data; without a word 1,200, and 16,000 over loopback.
    pub segment: Option<u16>,
}

impl GetRequest {
    /// With the defaults: Go-Back-N, `classic`, no limit, segments as the path allows.
    pub const fn new(file: FileName) -> Self {
        Self {
            file,
            recovery: Recovery::GoBackN,
            congestion: CongestionChoice::Classic,
            limit_rate: None,
            min_rate: None,
            segment: None,
        }
    }
}

/// Why a download was not begun, or a command about one not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// This build does not have it. Never replaced by something else.
    #[error("this build does not have {0}")]
    NotBuilt(&'static str),
    /// More downloads than a client runs at once.
    #[error("{running} downloads are running or waiting, at most {most} may")]
    TooMany {
        /// How many are.
        running: usize,
        /// How many may.
        most: usize,
    },
    /// There is no such download, or it is over.
    #[error("there is no such download, or it is over")]
    NoSuchDownload,
    /// The chat did not take the request.
    #[error(transparent)]
    Chat(#[from] CommandError),
}

/// What the driver could not do with the target, by what a user can do about it. Text that names path and remedy is
/// the driver's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// Another process downloads the same file to the same place.
    #[error("another process is downloading to the same place")]
    Locked,
    /// The file is there already.
    #[error("the file exists already")]
    Exists,
    /// The disk, or a quota, is full.
    #[error("no space is left")]
    NoSpace,
    /// It may not be written.
    #[error("it may not be written")]
    Denied,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// Something that a user is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Of the chat: frames, and how the connection is.
    Chat(ClientChatEvent),
    /// Of a download.
    Download {
        /// Which.
        download: DownloadId,
        /// What.
        event: DownloadEvent,
    },
}

/// What happens to a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadEvent {
    /// The server has given a ticket: from here on the two talk over UDP, and the download watches for silence itself.
    Admitted,
    /// The handshake is through.
    Started {
        /// The transfer's id, as the server's log has it.
        transfer: TransferId,
        /// The whole file's bytes.
        size: u64,
        /// The first byte that comes; above 0 when resumed.
        start: u64,
        /// Which state of the file it is.
        version: FileVersion,
        /// As agreed.
        congestion: CongestionChoice,
        /// As agreed: bytes of data in a segment.
        segment: u16,
    },
    /// More of it is written. At most ten times a second, and at the end.
    Progress {
        /// Bytes written, those of earlier attempts too.
        written: u64,
        /// The whole file's bytes.
        size: u64,
        /// Bytes a second, since the start of this attempt.
        rate: u64,
        /// The transfer from inside, for whoever watches it.
        view: Box<ReceiverView>,
    },
    /// The user's pause began.
    Paused,
    /// It ended.
    Resumed,
    /// The file is there, checked, under its name.
    Finished(Summary),
    /// It is over without the file.
    Failed {
        /// Why, for programs.
        reason: FailReason,
        /// Why, for people: a server's words or ours.
        message: Text,
        /// Bytes that are kept for a later resume.
        kept: u64,
        /// While it waited, the server said nothing in the chat either, or this process did not run: a timeout then
        /// tells of one of the two being away, and not of datagrams that do not get through.
        away: bool,
    },
}

/// A finished download in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The whole file's bytes.
    pub size: u64,
    /// The first byte that came in this attempt.
    pub resumed_from: u64,
    /// From the request to the file under its name.
    pub took: Duration,
    /// Segments that arrived, all of them.
    pub segments_received: u64,
    /// Those that brought nothing new: copies, and what was sent again without need.
    pub duplicates: u64,
    /// Those thrown away because they came behind a gap; each was sent again.
    pub discarded: u64,
    /// The round-trip time of the handshake, if it could be measured.
    pub round_trip: Option<Duration>,
    /// The file's BLAKE3.
    pub hash: Hash,
}

impl Summary {
    /// Bits of the file a second, of what came in this attempt.
    pub fn goodput(&self) -> u64 {
        let bits = u128::from(self.size - self.resumed_from) * 8 * 1_000_000_000;
        u64::try_from(bits / self.took.as_nanos().max(1)).unwrap_or(u64::MAX)
    }
}

/// Why a download failed. Each has its word in scenario files and JSON, and its exit code in the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailReason {
    /// The server has no such file.
    NotFound,
    /// The server refused, or could not go on.
    Refused,
    /// The connection, or the server, was lost.
    Lost,
    /// Nothing was heard for too long.
    TimedOut,
    /// The file did not have the hash that the server named.
    Integrity,
    /// The file could not be written.
    Local(LocalError),
    /// The user stopped it.
    Stopped,
}

impl FailReason {
    /// Its word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Refused => "refused",
            Self::Lost => "lost",
            Self::TimedOut => "timed-out",
            Self::Integrity => "integrity",
            Self::Local(LocalError::Exists) => "exists",
            Self::Local(_) => "local",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for FailReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
