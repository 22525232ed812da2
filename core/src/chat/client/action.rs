//! What a client is set up with, what it asks of its driver, and what it tells.

use crate::chat::frame::{ErrorFrame, RequestId, ServerFrame, Text, TextError, TicketFrame};
use crate::chat::nickname::Nickname;
use crate::hex::Hex;
use crate::trace::Mark;
use core::fmt;
use core::time::Duration;

/// What a client is set up with.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How to join; without it the client only asks for lists and downloads, and nobody sees it.
    pub join: Option<JoinAs>,
    /// What to do when the connection breaks.
    pub reconnect: Reconnect,
    /// Whether that holds for the very first connection too. A person who mistyped an address wants to know at once;
    /// a client that starts together with its server does not.
    pub retry_first: bool,
}

/// How to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinAs {
    /// The nickname.
    pub nick: Nickname,
    /// How many messages from before to show; `None` leaves it to the server.
    pub history: Option<u32>,
    /// Ask for a token to come back with, and for pings, which find out that the connection broke.
    pub resume: bool,
}

/// What another process knows of a session, so that this one can go on with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comeback {
    /// The token of its welcome.
    pub token: Hex<16>,
    /// The server's life that the welcome named.
    pub epoch: Hex<8>,
    /// Messages up to this number are not shown again.
    pub seen: u64,
    /// Its requests had ids up to this number: an id that comes twice is not carried out twice.
    pub requests: u64,
}

/// What to do when the connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reconnect {
    /// End.
    Never,
    /// Try again for so long, counted from the loss.
    For(Duration),
    /// Try again until it is there, or until the user has had enough.
    Always,
}

/// What is to be done, in the order in which it became necessary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAction {
    /// Connect, and call [`handle_connected`](super::ChatClient::handle_connected) or
    /// [`handle_connect_failed`](super::ChatClient::handle_connect_failed).
    Connect,
    /// Bytes begin to wait. Write what [`pending`](super::ChatClient::pending) shows and report it with
    /// [`handle_taken`](super::ChatClient::handle_taken), until nothing is pending. It is not said again before that.
    Pending,
    /// Close the connection. Whatever comes of it afterwards is of no interest.
    Close,
    /// A download can begin.
    Ticket {
        /// What the request was called.
        id: RequestId,
        /// From sending the request to its answer: a first guess at the time that packets take.
        round_trip: Duration,
        /// What opens it.
        ticket: Box<TicketFrame>,
    },
    /// Something to show. Nothing has to be done.
    Event(ClientChatEvent),
    /// A situation that tests should have been in.
    Marked(Mark),
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientChatEvent {
    /// A frame that a user sees; as it came, so that it can be printed as it came.
    Frame(ServerFrame),
    /// The connection is there.
    Connected,
    /// The server has welcomed us; its frame came just before.
    Joined {
        /// An earlier session goes on.
        resumed: bool,
        /// The server was restarted since: numbers begin again.
        new_epoch: bool,
    },
    /// The server does not let us in. That is the end.
    Refused(ErrorFrame),
    /// The connection is gone, or could not be made.
    Disconnected {
        /// Why.
        reason: DisconnectReason,
    },
    /// It will be tried again.
    Reconnecting {
        /// After how long.
        after: Duration,
    },
    /// It will not be tried again. That is the end.
    GaveUp,
    /// A message was sent, and it is not known whether it was taken. It is not sent again.
    Unconfirmed {
        /// What it was called.
        id: RequestId,
        /// Its text.
        text: Text,
    },
    /// A message was never sent, and will not be.
    Unsent {
        /// What it was called.
        id: RequestId,
        /// Its text.
        text: Text,
    },
    /// A request will not be answered.
    Unanswered {
        /// What it was called.
        id: RequestId,
    },
}

/// Why a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DisconnectReason {
    /// We left.
    Left,
    /// It could not be made.
    CannotConnect,
    /// It broke, or the server closed it without a word.
    Lost,
    /// The server closed it, and said why.
    Closed(Text),
    /// The server let us in neither now nor later.
    NotNow(Text),
    /// Nothing came for too long.
    Silent,
    /// The user wanted another.
    Replaced,
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Left => f.write_str("left"),
            Self::CannotConnect => f.write_str("cannot connect"),
            Self::Lost => f.write_str("connection lost"),
            Self::Closed(reason) => write!(f, "closed by the server: {reason}"),
            Self::NotNow(reason) => write!(f, "refused by the server: {reason}"),
            Self::Silent => f.write_str("nothing was heard from the server"),
            Self::Replaced => f.write_str("connecting again, as asked"),
        }
    }
}

/// Why a command was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// This client does not join.
    #[error("only who has joined may do that")]
    NotJoining,
    /// The client has left, or given up.
    #[error("the chat has ended")]
    Over,
    /// Too much waits to be sent.
    #[error("{waiting} requests wait to be sent already")]
    Full {
        /// How many wait.
        waiting: usize,
    },
    /// The text cannot be a message.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// How often what has happened, since the client began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCounters {
    /// Lines longer than a frame may be.
    pub too_long: u64,
    /// Lines that were no frames.
    pub malformed: u64,
    /// Frames of a type that this version does not know.
    pub unknown: u64,
    /// Messages that had been shown before.
    pub duplicates: u64,
    /// Frames that nothing had asked for, or that came before the welcome.
    pub unexpected: u64,
    /// Messages that the server found too fast, and that were sent again.
    pub held: u64,
    /// Times that a session went on.
    pub resumed: u64,
}
