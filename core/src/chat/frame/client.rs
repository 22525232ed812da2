//! What clients send.

use super::{FrameError, Head, RequestId, Text, detail, encode, is_unset};
use crate::chat::limits::{HASHED_PER_REQUEST, HASHING_REQUESTS_MAX};
use crate::hex::Hex;
use crate::wire::Hash;
use bytes::Bytes;
use core::fmt;

/// A request and what its sender calls it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ClientFrame {
    /// What is asked for.
    #[serde(flatten)]
    pub request: Request,
    /// Comes back in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
}

/// A line that is no frame, with the id it had if that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFrame {
    /// For the answer.
    pub id: Option<RequestId>,
    /// What is wrong.
    pub error: FrameError,
}

impl ClientFrame {
    /// The line, with its line feed.
    pub fn encode(&self) -> Bytes {
        encode(self)
    }

    /// The frame in a line without its line feed.
    pub fn decode(line: &[u8]) -> Result<Self, BadFrame> {
        let (kind, id) = Head::decode(line).map_err(|error| BadFrame { id: None, error })?;
        let Some(kind) = Request::kind_of(&kind) else {
            let error = FrameError::UnknownType(super::shorten(&kind).into());
            return Err(BadFrame { id, error });
        };
        match serde_json::from_slice(line) {
            Ok(request) => Ok(Self { request, id }),
            Err(error) => Err(BadFrame { id, error: FrameError::Fields { kind, detail: detail(&error) } }),
        }
    }
}

/// What a client can ask for. Names and texts are as they came: a wrong one is an answer with a code of its own,
/// not a broken frame.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Request {
    /// Take a nickname and hear what is said.
    Join(Join),
    /// A message to all.
    Say {
        /// The text.
        text: Text,
        /// It tells what the sender does, as in `/me waves`.
        #[serde(default, skip_serializing_if = "is_unset")]
        action: bool,
    },
    /// A message to one.
    Tell {
        /// The nickname of the other.
        to: Text,
        /// The text.
        text: Text,
        /// As in [`Request::Say`].
        #[serde(default, skip_serializing_if = "is_unset")]
        action: bool,
    },
    /// Who is here?
    Names,
    /// What can be downloaded?
    Files,
    /// Take another nickname.
    Nick {
        /// The new one.
        nick: Text,
    },
    /// Show messages from before.
    History {
        /// Only those with a lower number; left out: the last ones.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// How many; left out: as many as who joins is shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<u32>,
    },
    /// Open a download.
    Download {
        /// The name.
        file: Text,
        /// How many bytes of it are there already.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        have: Option<u64>,
        /// Their BLAKE3.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blake3: Option<Hex<32>>,
    },
    /// End a download.
    Stop {
        /// Its number, from the ticket.
        transfer: Hex<8>,
    },
    /// Answer with a pong.
    Ping,
    /// The answer to a ping.
    Pong,
    /// Leave: the connection will be closed, and nothing is kept for coming back.
    Leave,
}

/// How one joins.
#[derive(Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Join {
    /// The nickname.
    pub nick: Text,
    /// The version of the protocol that the client speaks; the first, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// Park the session when the connection breaks, and give a token to come back with.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub resume: bool,
    /// How many messages from before to show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<u32>,
    /// The token of the session to come back to. Whatever is not one counts as a token that has expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Text>,
    /// The highest message number that was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<u64>,
    /// Send pings when nothing comes, and close the connection when they are not answered.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub ping: bool,
}

impl fmt::Debug for Join {
    /// Prints that there is a token, and not which: whoever knows it takes the session over.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join")
            .field("nick", &self.nick)
            .field("protocol", &self.protocol)
            .field("resume", &self.resume)
            .field("history", &self.history)
            .field("token", &self.token.as_ref().map(|_| format_args!("..")))
            .field("seen", &self.seen)
            .field("ping", &self.ping)
            .finish()
    }
}

/// The beginning of a file that is there already, as its holder proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Have {
    /// How many bytes.
    pub length: u64,
    /// Their BLAKE3.
    pub hash: Hash,
}

impl Request {
    /// The `type` of each request.
    pub const KINDS: [&str; 12] = [
        "join", "say", "tell", "names", "files", "nick", "history", "download", "stop", "ping", "pong",
        "leave",
    ];

    /// Returns the number of requests that it counts as: a prefix to be hashed is charged by its bytes.
    pub fn tokens(&self) -> u32 {
        match self {
            Self::Download { have: Some(have), .. } => {
                let more = u32::try_from(have / HASHED_PER_REQUEST).unwrap_or(u32::MAX);
                more.min(HASHING_REQUESTS_MAX) + 1
            }
            _ => 1,
        }
    }

    /// Bytes that a line with this request has at most, when nothing is in it that the request does not need: JSON writes
    /// a character with at most six bytes for each of its own.
    pub fn most_line_bytes(&self) -> usize {
        let texts = match self {
            Self::Join(join) => {
                join.nick.raw().len().saturating_add(join.token.as_ref().map_or(0, |token| token.raw().len()))
            }
            Self::Say { text, .. } => text.raw().len(),
            Self::Tell { to, text, .. } => to.raw().len().saturating_add(text.raw().len()),
            Self::Nick { nick } => nick.raw().len(),
            Self::Download { file, .. } => file.raw().len(),
            Self::Names
            | Self::Files
            | Self::History { .. }
            | Self::Stop { .. }
            | Self::Ping
            | Self::Pong
            | Self::Leave => 0,
        };
        texts.saturating_mul(6).saturating_add(Self::AROUND_BYTES)
    }

    /// Most bytes of a line apart from its texts: an id of 64 bytes, each of which JSON may write with six,
    /// the names of the fields, a hash and numbers, and some white space.
    const AROUND_BYTES: usize = 1024;

    fn kind_of(kind: &str) -> Option<&'static str> {
        Self::KINDS.into_iter().find(|known| *known == kind)
    }
}
