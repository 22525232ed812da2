//! The client's end of the chat.
//!
//! # How it is driven
//! [`ChatClient::start`], then one `handle_*` or command at a time, each followed by [`ChatClient::poll_action`] until
//! it answers `None` and by [`ChatClient::deadline`] for when to call [`ChatClient::handle_timeout`].
//!
//! # What it promises
//! - Messages are sent in the order in which they were given, and paced so that the server has no reason to refuse
//!   one: whoever pipes a thousand lines in loses none.
//! - When the connection breaks and the session goes on, unconfirmed messages are sent again under the same ids,
//!   which the server recognises: nothing is lost, nothing doubled. When the session does not go on they are not
//!   sent again, since they may have been delivered: each is reported as [`ClientChatEvent::Unconfirmed`].
//!   Messages that were never sent stay in the queue and go out.
//! - A message is shown once, recognised by its number within an epoch.
//! - The server is trusted with nothing: a line has a bound, what is no frame is counted and dropped.

pub mod action;
mod commands;
mod link;
mod outgoing;
mod pace;
mod receive;

pub use action::{
    ClientAction, ClientChatEvent, ClientConfig, ClientCounters, Comeback, CommandError, DisconnectReason,
    JoinAs, Reconnect,
};

use super::frame::{FrameError, Request, RequestId, ServerFrame, Text};
use super::limits::{Bucket, Limits};
use super::lines::Lines;
use crate::hex::Hex;
use crate::queue::take_first;
use crate::seed::{Seed, Stream};
use crate::time::{Instant, earliest};
use crate::trace::Mark;
use outgoing::Outgoing;
use std::collections::VecDeque;
use std::io::IoSlice;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not started.
    New,
    /// The driver is connecting.
    Connecting,
    /// Connected, and the join is not answered yet.
    Joining,
    /// Connected; joined, if that is what the client is for.
    Up,
    /// Not connected; will try again.
    Waiting,
    /// Not connected, for nothing is asked: the next request connects. Only of a client that does not join.
    Resting,
    /// Said that it leaves; the server closes.
    Leaving,
    /// Nothing more will happen.
    Over,
}

/// A message, or a change of nickname: what the server counts as one.
#[derive(Clone, Debug)]
struct Queued {
    id: RequestId,
    request: Request,
    /// Sent on this connection, and not answered.
    sent: bool,
}

/// Another request that waits for its answer.
#[derive(Clone, Debug)]
struct Asked {
    id: RequestId,
    request: Request,
    /// When it was sent on this connection.
    sent: Option<Instant>,
}

/// What makes coming back possible.
#[derive(Clone, Copy, Debug)]
struct Token {
    token: Hex<16>,
    epoch: Hex<8>,
}

/// The session of a client.
#[derive(Debug)]
pub struct ChatClient {
    config: ClientConfig,
    phase: Phase,
    now: Instant,
    /// When the phase has lasted too long: to try again, to give up on an answer.
    timer: Option<Instant>,
    /// When something came last.
    last_input: Instant,
    /// When the connection became good.
    up_since: Instant,
    /// Where the jitter of reconnecting comes from.
    jitter: Stream,
    /// Attempts since the connection was last good.
    attempts: u32,
    /// When reconnecting ends; set by the first loss.
    give_up_at: Option<Instant>,
    /// The server said that there is no sense in coming back before.
    not_before: Instant,
    /// A welcome has come, in this run.
    has_joined: bool,
    /// A join went unanswered: the server may hold the nickname for a session of ours that we know nothing of.
    has_ghost: bool,
    /// The last join was refused because the nickname is somebody else's.
    is_nick_taken: bool,
    join_id: Option<RequestId>,
    comeback: Option<Token>,
    /// The server's life that `seen` counts in.
    epoch: Option<Hex<8>>,
    /// The highest number of a message that was shown.
    seen: u64,
    limits: Limits,
    last_id: u64,
    /// In the order in which they were given.
    messages: VecDeque<Queued>,
    asks: VecDeque<Asked>,
    /// What the server's buckets hold at least.
    message_bucket: Bucket,
    ask_bucket: Bucket,
    /// Not before this, said the server.
    hold_messages: Instant,
    hold_asks: Instant,
    lines: Lines,
    outgoing: Outgoing,
    /// Downloads run that end with the connection.
    is_busy: bool,
    /// Why the server is about to close the connection.
    closing: Option<Text>,
    actions: VecDeque<ClientAction>,
    counters: ClientCounters,
}

impl ChatClient {
    /// A client that does nothing yet.
    pub fn new(config: ClientConfig, seed: &Seed) -> Self {
        Self {
            config,
            phase: Phase::New,
            now: Instant::ZERO,
            timer: None,
            last_input: Instant::ZERO,
            up_since: Instant::ZERO,
            jitter: seed.stream("reconnect"),
            attempts: 0,
            give_up_at: None,
            not_before: Instant::ZERO,
            has_joined: false,
            has_ghost: false,
            is_nick_taken: false,
            join_id: None,
            comeback: None,
            epoch: None,
            seen: 0,
            limits: Limits::default(),
            last_id: 0,
            messages: VecDeque::new(),
            asks: VecDeque::new(),
            message_bucket: Bucket::default(),
            ask_bucket: Bucket::default(),
            hold_messages: Instant::ZERO,
            hold_asks: Instant::ZERO,
            lines: Lines::default(),
            outgoing: Outgoing::default(),
            is_busy: false,
            closing: None,
            actions: VecDeque::new(),
            counters: ClientCounters::default(),
        }
    }

    /// Goes on with the session of another process, before [`start`](Self::start). Where the server does not know it any
    /// more, a new one begins.
    pub fn come_back(&mut self, comeback: &Comeback) {
        self.comeback = Some(Token { token: comeback.token, epoch: comeback.epoch });
        self.epoch = Some(comeback.epoch);
        self.seen = comeback.seen;
        self.last_id = self.last_id.max(comeback.requests);
    }

    /// Begins: asks the driver to connect. Once.
    pub fn start(&mut self, now: Instant) {
        self.begin(now);
        if self.phase == Phase::New {
            self.connect();
        }
    }

    /// The driver has connected.
    pub fn handle_connected(&mut self, now: Instant) {
        let now = self.begin(now);
        if self.phase == Phase::Connecting {
            self.greet(now);
        }
        self.settle(now);
    }

    /// The driver could not connect.
    pub fn handle_connect_failed(&mut self, now: Instant) {
        let now = self.begin(now);
        if self.phase == Phase::Connecting {
            self.lose(now, DisconnectReason::CannotConnect);
        }
        self.settle(now);
    }

    /// Bytes arrived.
    pub fn handle_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.handle_bytes_with(now, bytes, ServerFrame::decode);
    }

    /// As [`handle_bytes`](Self::handle_bytes), for a simulator whose clients all read the same lines: `decode` answers
    /// what [`ServerFrame::decode`] does, and may remember it.
    pub fn handle_bytes_with(
        &mut self,
        now: Instant,
        bytes: &[u8],
        decode: impl FnMut(&[u8]) -> Result<ServerFrame, FrameError>,
    ) {
        let now = self.begin(now);
        self.read(now, bytes, decode);
        self.settle(now);
    }

    /// The connection took `count` of the bytes that are [`pending`](Self::pending).
    pub fn handle_taken(&mut self, now: Instant, count: usize) {
        let now = self.begin(now);
        self.outgoing.take(count);
        self.settle(now);
    }

    /// Whether downloads run that end with the connection. A client that does not join, has asked nothing and runs no
    /// download has nothing to lose with it: the server closes a connection on which nobody joins, and a download's target
    /// may take longer than that to be hashed. Such a loss is told nobody, and the next request connects again.
    pub fn set_busy(&mut self, busy: bool) {
        self.is_busy = busy;
    }

    /// The connection is gone. After [`ClientAction::Close`] it need not be told.
    pub fn handle_closed(&mut self, now: Instant) {
        let now = self.begin(now);
        match self.phase {
            Phase::Up if self.may_rest() => self.rest(),
            Phase::Joining | Phase::Up | Phase::Leaving => {
                let reason = self.closing.take().map_or(DisconnectReason::Lost, DisconnectReason::Closed);
                self.lose(now, reason);
            }
            Phase::New | Phase::Connecting | Phase::Waiting | Phase::Resting | Phase::Over => {}
        }
        self.settle(now);
    }

    /// The time of [`deadline`](Self::deadline) has come. Calling it early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.begin(now);
        if let Some(due) = self.timer.filter(|&at| at <= now) {
            self.timer = None;
            self.expire(now, due);
        }
        self.settle(now);
    }

    /// Fills `slices` with the bytes that wait for the connection, front first, and tells how many it filled: 0 when
    /// nothing waits.
    pub fn pending<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.outgoing.pending(slices)
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        earliest([self.timer, self.next_message_at(), self.next_ask_at()])
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<ClientAction> {
        take_first(&mut self.actions)
    }

    /// Whether nothing waits to be sent or to be answered.
    pub fn is_idle(&self) -> bool {
        self.messages.is_empty() && self.asks.is_empty()
    }

    /// Whether nothing more will happen.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether the client is connected and, if it is to join, has joined.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// When something came from the server last, whatever it was.
    pub fn last_heard(&self) -> Instant {
        self.last_input
    }

    /// The server's limits, as its welcome told them.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How often what has happened.
    pub fn counters(&self) -> &ClientCounters {
        &self.counters
    }

    fn begin(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn next_id(&mut self) -> RequestId {
        self.last_id += 1;
        RequestId::Number(self.last_id)
    }

    fn event(&mut self, event: ClientChatEvent) {
        self.actions.push_back(ClientAction::Event(event));
    }

    /// Notes a situation.
    fn mark(&mut self, mark: Mark) {
        self.actions.push_back(ClientAction::Marked(mark));
    }

    fn show(&mut self, frame: ServerFrame) {
        self.event(ClientChatEvent::Frame(frame));
    }

    /// Ends an input: sends what may be sent now.
    fn settle(&mut self, now: Instant) {
        if self.phase == Phase::Up {
            self.send_messages(now);
            self.send_asks(now);
        }
        if self.outgoing.announce() {
            self.actions.push_back(ClientAction::Pending);
        }
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }

    /// Panics where the client contradicts itself.
    fn check_invariants(&self) {
        assert!(self.messages.len() <= commands::MAX_MESSAGES, "no more messages than may wait");
        assert!(self.asks.len() <= commands::MAX_ASKS, "no more requests than may wait");
        let connected = matches!(self.phase, Phase::Joining | Phase::Up | Phase::Leaving);
        assert!(connected || self.outgoing.is_empty(), "nothing waits for a connection that is not there");
        assert!(self.phase != Phase::Over || self.is_idle(), "what was left over has been reported");
        assert!(self.phase != Phase::Resting || self.is_idle(), "who rests has asked nothing");
        assert!(self.phase != Phase::Waiting || self.timer.is_some(), "who waits knows how long");
        self.outgoing.check_invariants();
    }
}
