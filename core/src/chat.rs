//! The chat: frames over a reliable stream, and the sessions at both ends as state machines.
//!
//! [`ChatServer`] holds all sessions of a server, [`ChatClient`] the one of a client. Neither opens a socket nor
//! reads a clock: a driver tells what arrived and when, writes what is [`pending`](ChatServer::pending), and
//! reports how much of it was taken. Downloads are only opened here, with a ticket; their bytes go elsewhere.
//!
//! # What is where
//! - [`frame`], [`lines`]: what is on the wire. [`foreign`]: what of it is another protocol's.
//! - [`nickname`], [`filename`], [`limits`], [`bans`], [`address`], [`shares`]: what is allowed.
//! - [`history`], [`roster`], [`outbox`]: what a server keeps.
//! - [`table`]: the states of a session and what each input does in each, as data.
//! - [`server`], [`client`]: the two ends.

pub mod address;
pub mod bans;
pub mod client;
pub mod filename;
pub mod foreign;
pub mod frame;
pub mod history;
pub mod id;
pub mod limits;
pub mod lines;
pub mod nickname;
pub mod outbox;
pub mod range;
pub mod roster;
pub mod server;
pub mod shares;
pub mod table;

pub use crate::hex::Hex;
pub use address::{Address, Loopback, Network};
pub use bans::{Ban, Bans, OperatorError, Whom};
pub use client::{
    ChatClient, ClientAction, ClientChatEvent, ClientConfig, ClientCounters, CommandError, DisconnectReason,
    JoinAs, Reconnect,
};
pub use filename::{FileName, FileNameError};
pub use frame::{
    ClientFrame, ErrorCode, ErrorFrame, FileEntry, FrameError, Have, Message, NameEntry, Private, Request,
    RequestId, ServerFrame, Text, TextError, TicketFrame, Welcome,
};
pub use id::{SessionId, StreamId};
pub use limits::{Bucket, HASHED_PER_REQUEST, HASHING_REQUESTS_MAX, Limits, LimitsError, Rate};
pub use nickname::{Nickname, NicknameError, NicknameKey};
pub use range::{AddressRange, AddressRangeError};
pub use server::{Action, ChatConfig, ChatEvent, ChatServer, CloseReason, Counters, Person, StoredBan};
