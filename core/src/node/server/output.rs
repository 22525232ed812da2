//! What the server wants done, and the news of files that it takes in return.

use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::chat::{Address, ChatEvent, ErrorCode, FileName, SessionId, StreamId};
use crate::node::{Close, Transmit};
use crate::time::{Instant, UnixTime};
use crate::trace::Record;
use crate::transfer::{Outcome, SenderStats};
use crate::wire::{FileVersion, Hash, TransferId};

/// What the server wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerOutput {
    /// Bytes wait for a stream: take them with [`super::Server::stream_pending`] and tell with
    /// [`super::Server::handle_stream_taken`], until none are left.
    Stream(StreamId),
    /// Close a stream. Nothing more is said about it.
    CloseStream {
        /// Which.
        stream: StreamId,
        /// How.
        how: Close,
    },
    /// Send datagrams.
    Transmit(Transmit),
    /// Do something with the share.
    Share(ShareRequest),
    /// For the operator.
    Event(ServerEvent),
    /// An observation.
    Trace(Record),
    /// After [`super::Server::handle_shutdown`]: everything was said, downloads are over.
    Stopped,
    /// Nothing more now. Call [`super::Server::handle_timeout`] at this time, if there is one.
    Timeout(Option<Instant>),
}

/// What shall be done with the shared folder. Requests of one transfer are answered in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareRequest {
    /// List it: regular files that are not hidden and whose name is a [`FileName`], sorted by name. Answered by
    /// [`super::Server::handle_listing`].
    List,
    /// Open a file of it, and nothing beside it. Answered by [`super::Server::handle_opened`].
    Open {
        /// Under this id from now on.
        transfer: TransferId,
        /// Which.
        name: FileName,
        /// The session that takes turns with others, when there is much to be hashed.
        asker: Asker,
    },
    /// Hash its first bytes. At most once, before any `Read`. Answered by [`super::Server::handle_prefix_hashed`].
    HashPrefix {
        /// Of this file.
        transfer: TransferId,
        /// How many bytes.
        length: u64,
    },
    /// Bring bytes into memory. Each goes on where the one before ended, the first at 0 or at the end of the hashed prefix;
    /// or it begins anew further back, where bytes that were dropped are needed again, and what is in memory then is of
    /// no more use. Several may be under way. Answered in order by [`super::Server::handle_read`].
    Read {
        /// Of this file.
        transfer: TransferId,
        /// Which bytes.
        range: Range<u64>,
    },
    /// Bytes below are not asked for again.
    Forget {
        /// Of this file.
        transfer: TransferId,
        /// Below this offset.
        below: u64,
    },
    /// Close it. Always the last; answers that still come are passed over.
    Close {
        /// This file.
        transfer: TransferId,
    },
}

/// The origin of a request that costs the server much. Work for different addresses, and for different
/// sessions of one, takes turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Where from.
    pub address: Address,
    /// In which session.
    pub session: SessionId,
}

/// A file as it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileMeta {
    /// Its bytes.
    pub size: u64,
    /// When it was last changed.
    pub modified: UnixTime,
    /// A digest of device, inode, size and times: another state of the file has another.
    pub version: FileVersion,
    /// Its hash, if the driver knows it for this version.
    pub hash: Option<Hash>,
}

/// A range that is in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadDone {
    /// Which bytes, as asked.
    pub range: Range<u64>,
    /// The hash of the whole file, with the range that ends it.
    pub hash: Option<Hash>,
}

/// Why a file could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is none of that name.
    #[error("there is no such file")]
    NotFound,
    /// It is a folder, a device, a FIFO, or leads out of the share.
    #[error("it is not a regular file of the share")]
    NotAFile,
    /// It may not be read.
    #[error("it may not be read")]
    Denied,
    /// It became another one, or shorter, while it was sent.
    #[error("it changed while it was sent")]
    Changed,
    /// The server has no descriptor or memory left for it. Later it may.
    #[error("the server has too many files and connections open, try again later")]
    Exhausted,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

/// What an operator wants to read in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerEvent {
    /// Of the chat.
    Chat(ChatEvent),
    /// Of downloads.
    Transfer(TransferEvent),
}

/// What an operator wants to know of downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransferEvent {
    /// A ticket was given.
    Offered {
        /// To this session.
        session: SessionId,
        /// The download.
        transfer: TransferId,
        /// Of this file.
        file: FileName,
        /// Its bytes.
        size: u64,
        /// The first one that will be sent.
        start: u64,
    },
    /// A request was refused.
    Refused {
        /// Of this session.
        session: SessionId,
        /// For this file.
        file: FileName,
        /// Why.
        code: ErrorCode,
    },
    /// A download is over.
    Served {
        /// Of this session.
        session: SessionId,
        /// The download.
        transfer: TransferId,
        /// Of this file.
        file: FileName,
        /// How.
        outcome: Outcome,
        /// Acknowledged bytes, from the first that was sent.
        bytes: u64,
        /// What it took.
        stats: Box<SenderStats>,
        /// The round-trip time at the end, if measured.
        round_trip: Option<Duration>,
        /// From the ticket to the end.
        took: Duration,
    },
}

impl fmt::Display for ServerEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chat(event) => write!(f, "{event:?}"),
            Self::Transfer(event) => event.fmt(f),
        }
    }
}

impl fmt::Display for TransferEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offered { session, transfer, file, size, start } => {
                write!(
                    f,
                    "session {} may download {file}: {size} bytes from {start}, as {transfer}",
                    session.0
                )
            }
            Self::Refused { session, file, code } => {
                write!(f, "session {} may not download {file}: {code}", session.0)
            }
            Self::Served { session, transfer, file, outcome, bytes, stats, round_trip, took } => {
                let name = outcome.name();
                write!(f, "session {}: {file} as {transfer} is {name} after {took:?}: ", session.0)?;
                write!(f, "{bytes} bytes, {} segments, ", stats.segments_sent)?;
                write!(f, "{} of them again, {} timeouts", stats.segments_resent, stats.timeouts)?;
                round_trip.map_or(Ok(()), |it| write!(f, ", round trip {it:?}"))?;
                match outcome {
                    Outcome::Aborted(code) | Outcome::Reset(code) => write!(f, " ({code})"),
                    Outcome::Complete | Outcome::Expired => Ok(()),
                }
            }
        }
    }
}
