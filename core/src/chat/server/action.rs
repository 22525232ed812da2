//! What a server asks of its driver, and what it tells of itself.

use crate::chat::filename::FileName;
use crate::chat::frame::{ErrorCode, Have, RequestId};
use crate::chat::id::{SessionId, StreamId};
use crate::chat::nickname::Nickname;
use crate::histogram::Histogram;
use crate::trace::Mark;
use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

/// What is to be done, in the order in which it became necessary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Bytes begin to wait for a connection. Write what [`pending`](super::ChatServer::pending) shows and report it
    /// with [`handle_taken`](super::ChatServer::handle_taken), until nothing is pending. It is not said again before
    /// that.
    Pending(StreamId),
    /// Close a connection. [`handle_closed`](super::ChatServer::handle_closed) may follow and need not.
    Close {
        /// Which.
        stream: StreamId,
        /// First write what is pending. If that takes too long another `Close` comes, without this.
        after_flush: bool,
        /// Why.
        reason: CloseReason,
    },
    /// Read the shared folder, and answer with [`handle_files`](super::ChatServer::handle_files).
    ListFiles,
    /// A session asks for a file. Answer with [`reply`](super::ChatServer::reply): a ticket or an error.
    Download {
        /// Who asks.
        session: SessionId,
        /// What the answer has to carry.
        id: Option<RequestId>,
        /// The file.
        file: FileName,
        /// What is there already.
        have: Option<Have>,
    },
    /// A session ends a download. The number comes from the client: it may be another's, or nobody's.
    StopDownload {
        /// Who asks.
        session: SessionId,
        /// The download.
        transfer: u64,
    },
    /// A session has ended; what belongs to it ends too. Its number does not come back.
    SessionEnded(SessionId),
    /// Something to log or trace. Nothing has to be done.
    Event(ChatEvent),
    /// A situation that tests should have been in.
    Marked(Mark),
}

/// What has happened, for logs and traces. No token is in any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChatEvent {
    /// A connection was taken.
    Opened {
        /// The connection.
        stream: StreamId,
        /// Its session, until it resumes another.
        session: SessionId,
        /// From where.
        peer: IpAddr,
    },
    /// A connection was refused.
    TurnedAway {
        /// The connection.
        stream: StreamId,
        /// From where.
        peer: IpAddr,
        /// Why.
        reason: CloseReason,
    },
    /// A connection will be closed by the server, or was closed by the peer.
    Closed {
        /// The connection.
        stream: StreamId,
        /// Why.
        reason: CloseReason,
    },
    /// A session took a nickname.
    Joined {
        /// The session.
        session: SessionId,
        /// Its nickname.
        nick: Nickname,
        /// From where it is connected.
        peer: IpAddr,
    },
    /// A session lost its connection and may come back.
    Parked {
        /// The session.
        session: SessionId,
        /// Why.
        reason: CloseReason,
    },
    /// A session goes on, on another connection.
    Resumed {
        /// The session.
        session: SessionId,
        /// Its connection from now on.
        stream: StreamId,
        /// The last message that its client said it had seen.
        seen: u64,
        /// From where it is connected now.
        peer: IpAddr,
    },
    /// A session gave its nickname back.
    Left {
        /// The session.
        session: SessionId,
        /// The nickname it had.
        nick: Nickname,
        /// From where it was connected.
        peer: IpAddr,
        /// Why.
        reason: CloseReason,
    },
    /// A session has another nickname.
    Renamed {
        /// The session.
        session: SessionId,
        /// The nickname so far.
        from: Nickname,
        /// The nickname from now on.
        to: Nickname,
    },
    /// A message was taken.
    Said {
        /// Whose.
        session: SessionId,
        /// Its number.
        number: u64,
        /// The other party, if it is a private one.
        to: Option<SessionId>,
        /// What its sender calls it.
        id: Option<RequestId>,
    },
    /// A message came again under an id that was taken before: answered, and nothing else.
    Repeated {
        /// Whose.
        session: SessionId,
        /// The number it was given the first time.
        number: u64,
    },
    /// A request was refused.
    Refused {
        /// Whose.
        session: SessionId,
        /// Why.
        code: ErrorCode,
    },
    /// A line was no frame.
    Dropped {
        /// Whose.
        session: SessionId,
        /// Why.
        reason: DropReason,
    },
}

macro_rules! reasons {
    ($(#[$doc:meta])* $type:ident { $($(#[doc = $variant_doc:literal])+ $name:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type {
            $($(#[doc = $variant_doc])+ $name,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// For people.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

reasons! {
    /// Why a connection was closed, or a nickname given back.
    CloseReason {
        /// The client said that it leaves.
        Left = "left",
        /// The peer will send nothing more, and is to come back for nothing.
        Finished = "disconnected",
        /// The connection broke, or the peer closed it.
        Lost = "connection lost",
        /// A parked session did not come back in time.
        TimedOut = "timed out",
        /// It neither joined nor downloaded.
        NotJoined = "did not join in time",
        /// A ping was not answered.
        Silent = "did not answer a ping",
        /// Too many live frames waited for it.
        TooSlow = "reads too slowly",
        /// Too many lines were no frames.
        Malformed = "too many malformed lines",
        /// Too many bytes came that were for nothing.
        Wasteful = "too many bytes for nothing",
        /// Its first line was another protocol's.
        AnotherProtocol = "speaks another protocol",
        /// Its session goes on, on another connection.
        Displaced = "resumed on another connection",
        /// Its address has as many connections as it may.
        TooManyConnections = "too many connections from this address",
        /// The server has as many clients as it takes.
        Full = "the server is full",
        /// Others needed its place, and it had moved nothing longest of those who have most.
        MadeRoom = "made room for others",
        /// The operator has ended its session.
        Kicked = "kicked",
        /// The operator keeps its nickname or its address out.
        Banned = "banned",
        /// The server stops.
        ShuttingDown = "the server is shutting down",
        /// What waited was not read in time after the connection was to be closed.
        NotFlushed = "did not read to the end",
    }
}

reasons! {
    /// Why a line was dropped.
    DropReason {
        /// It is longer than a frame may be.
        TooLong = "line too long",
        /// It is no JSON object with a type.
        NotAFrame = "not a frame",
        /// Its type is unknown.
        UnknownType = "unknown type",
        /// A field is missing or wrong.
        BadFields = "bad fields",
        /// It is another protocol's.
        AnotherProtocol = "another protocol",
    }
}

/// How often what has happened, since the server began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections taken.
    pub opened: u64,
    /// Nicknames given.
    pub joined: u64,
    /// Sessions parked.
    pub parked: u64,
    /// Sessions that went on.
    pub resumed: u64,
    /// Messages taken.
    pub accepted: u64,
    /// Messages that came again.
    pub repeated: u64,
    /// Times in which connections took everything that waited for them, each from the first live frame on.
    pub delivered_in: Histogram,
    /// Connections closed, by reason.
    pub closed: BTreeMap<CloseReason, u64>,
    /// Lines dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// Requests refused, by reason.
    pub refused: BTreeMap<ErrorCode, u64>,
}

impl Counters {
    /// Counts one more of a reason.
    pub(super) fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, reason: K) {
        *counts.entry(reason).or_default() += 1;
    }
}
