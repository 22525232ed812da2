//! What servers send.

use super::{ErrorCode, FrameError, Head, RequestId, Text, detail, encode, is_unset, leading_kind};
use crate::chat::filename::FileName;
use crate::chat::limits::Limits;
use crate::chat::nickname::Nickname;
use crate::hex::Hex;
use crate::time::UnixTime;
use bytes::Bytes;
use core::net::SocketAddr;

/// One frame of a server.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ServerFrame {
    /// The answer to a join.
    Welcome(Box<Welcome>),
    /// Somebody came.
    Joined {
        /// Who.
        nick: Nickname,
    },
    /// Somebody went.
    Left {
        /// Who.
        nick: Nickname,
        /// Why, for people.
        reason: Text,
    },
    /// Somebody has another name now.
    Renamed {
        /// The request, at who asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The name so far.
        from: Nickname,
        /// The name from now on.
        to: Nickname,
    },
    /// A message to all.
    Message(Message),
    /// A message to one; only the two parties get it.
    Private(Private),
    /// Messages are missing here: no longer kept when they could have been shown.
    Gap {
        /// How many public ones, at least.
        missed: u64,
    },
    /// A page of who is here, in the order of the nicknames.
    Names {
        /// The request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The page.
        names: Vec<NameEntry>,
        /// Another page follows.
        #[serde(default)]
        more: bool,
    },
    /// A page of what can be downloaded, in the order of the names.
    Files {
        /// The request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The page. Names that nobody may ask for are left out.
        #[serde(deserialize_with = "allowed_files")]
        files: Vec<FileEntry>,
        /// Another page follows.
        #[serde(default)]
        more: bool,
    },
    /// The messages asked for have all been shown.
    History {
        /// The request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// How many there were.
        count: u32,
        /// Older ones are kept.
        #[serde(default)]
        more: bool,
    },
    /// A message was taken.
    Accepted {
        /// The request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
        /// The message's number.
        number: u64,
    },
    /// A request was not granted.
    Error(ErrorFrame),
    /// A download can begin.
    Ticket(Box<TicketFrame>),
    /// Answer with a pong.
    Ping,
    /// The answer to a ping.
    Pong {
        /// The request.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<RequestId>,
    },
    /// Something that people should read.
    Notice {
        /// The text.
        text: Text,
    },
    /// The connection will be closed.
    Closing {
        /// Why, for people.
        reason: Text,
    },
}

/// What who joined has to know.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Welcome {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    /// The version of the protocol.
    pub protocol: u32,
    /// The nickname of the session; after resuming it may be another than the one asked for.
    pub nick: Nickname,
    /// The server's life. Numbers and tokens mean nothing in another.
    pub epoch: Hex<8>,
    /// The last number that was given to a message.
    pub number: u64,
    /// Whether an earlier session goes on.
    pub resumed: bool,
    /// What to come back with, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Hex<16>>,
    /// How many public messages after `seen` are no longer kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed: Option<u64>,
    /// The message of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motd: Option<Text>,
    /// How much one may do.
    #[serde(default)]
    pub limits: Limits,
}

/// A message to all.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// Its place in the order of all messages.
    pub number: u64,
    /// When the server took it.
    pub at: UnixTime,
    /// Who said it.
    pub from: Nickname,
    /// The text.
    pub text: Text,
    /// It tells what the sender does.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub action: bool,
    /// It was said before; shown from what is kept.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub backlog: bool,
}

/// A message to one.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Private {
    /// Its place in the order of all messages.
    pub number: u64,
    /// When the server took it.
    pub at: UnixTime,
    /// Who said it.
    pub from: Nickname,
    /// To whom.
    pub to: Nickname,
    /// The text.
    pub text: Text,
    /// It tells what the sender does.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub action: bool,
    /// It was said before; shown from what is kept.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub backlog: bool,
}

/// Somebody who is here.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NameEntry {
    /// The nickname.
    pub nick: Nickname,
}

/// A file that can be downloaded.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FileEntry {
    /// Its name.
    pub name: FileName,
    /// How many bytes it has.
    pub size: u64,
    /// When it was changed last.
    pub modified: UnixTime,
}

/// The entries whose name may be asked for and written here: one that may not is no reason to do without the others.
fn allowed_files<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<FileEntry>, D::Error> {
    #[derive(serde::Deserialize)]
    struct Listed {
        name: String,
        size: u64,
        modified: UnixTime,
    }
    let listed: Vec<Listed> = serde::Deserialize::deserialize(deserializer)?;
    let entries = listed.into_iter().filter_map(|Listed { name, size, modified }| {
        FileName::parse(&name).ok().map(|name| FileEntry { name, size, modified })
    });
    Ok(entries.collect())
}

/// Why a request was not granted.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErrorFrame {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    /// Why, for programs.
    pub code: ErrorCode,
    /// Why, for people.
    pub message: Text,
    /// How long to wait before it makes sense to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// A nickname that is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<Nickname>,
}

/// What opens a download.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TicketFrame {
    /// The request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RequestId>,
    /// The file.
    pub file: FileName,
    /// How many bytes it has.
    pub size: u64,
    /// When it was changed last.
    pub modified: UnixTime,
    /// The first byte that will be sent.
    pub start: u64,
    /// The download's number.
    pub transfer: Hex<8>,
    /// What the first packet has to show.
    pub ticket: Hex<16>,
    /// Where to send it.
    pub udp: SocketAddr,
    /// How long the ticket is good for.
    pub expires_ms: u64,
}

impl ErrorFrame {
    /// A refusal with nothing more to say.
    pub fn new(id: Option<RequestId>, code: ErrorCode, message: impl Into<Text>) -> Self {
        Self { id, code, message: message.into(), retry_after_ms: None, suggestion: None }
    }
}

impl ServerFrame {
    /// The `type` of each frame.
    pub const KINDS: [&str; 17] = [
        "welcome", "joined", "left", "renamed", "message", "private", "gap", "names", "files", "history",
        "accepted", "error", "ticket", "ping", "pong", "notice", "closing",
    ];

    /// A refusal with nothing more to say.
    pub fn error(id: Option<RequestId>, code: ErrorCode, message: impl Into<Text>) -> Self {
        Self::Error(ErrorFrame::new(id, code, message))
    }

    /// The line, with its line feed.
    pub fn encode(&self) -> Bytes {
        encode(self)
    }

    /// The frame in a line without its line feed. [`FrameError::UnknownType`] is what a newer server may send:
    /// ignore it.
    pub fn decode(line: &[u8]) -> Result<Self, FrameError> {
        if let Some(frame) = Self::decode_common(line) {
            return Ok(frame);
        }
        let (kind, _) = Head::decode(line)?;
        let Some(kind) = Self::KINDS.into_iter().find(|known| *known == kind) else {
            return Err(FrameError::UnknownType(super::shorten(&kind).into()));
        };
        serde_json::from_slice(line).map_err(|error| FrameError::Fields { kind, detail: detail(&error) })
    }

    /// The frame in a line of the kinds that come for every word that is said and everybody who comes and goes. Serde
    /// keeps a copy of every field until it knows which kind a frame is of; here that is known beforehand. Whatever is
    /// not as expected is `None`, and left to those who say what is wrong with it.
    fn decode_common(line: &[u8]) -> Option<Self> {
        #[derive(serde::Deserialize)]
        struct Joined {
            nick: Nickname,
        }
        #[derive(serde::Deserialize)]
        struct Left {
            nick: Nickname,
            reason: Text,
        }
        match leading_kind(line)? {
            b"message" => serde_json::from_slice(line).ok().map(Self::Message),
            b"private" => serde_json::from_slice(line).ok().map(Self::Private),
            b"joined" => {
                let Joined { nick } = serde_json::from_slice(line).ok()?;
                Some(Self::Joined { nick })
            }
            b"left" => {
                let Left { nick, reason } = serde_json::from_slice(line).ok()?;
                Some(Self::Left { nick, reason })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_whose_names_may_not_be_written_are_left_out_of_a_list() {
        let entry = |name| format!(r#"{{"name":"{name}","size":1,"modified":"2026-11-22T13:30:00Z"}}"#);
        let names = ["a.txt", "gnp.\u{202e}exe", "../b", "b.txt"].map(entry).join(",");
        let page = format!(r#"{{"type":"files","id":1,"files":[{names}],"more":false}}"#);
        let Ok(ServerFrame::Files { files, .. }) = ServerFrame::decode(page.as_bytes()) else {
            panic!("a page");
        };
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.txt", "b.txt"]);
    }
}
