//! The server's end of the chat: all sessions.
//!
//! # How it is driven
//! Call one `handle_*` (or another method that changes something), then [`ChatServer::poll_action`] until it
//! answers `None`, then [`ChatServer::deadline`] for when to call [`ChatServer::handle_timeout`].
//!
//! # What it promises
//! - Only [`ChatServer::go`] changes a session's state, and only as [`super::table`] allows.
//! - Whoever is there for a message that was accepted sees it once, in the order of the numbers. The answer
//!   `accepted` comes to the sender before its own message does: its client knows the number it will see.
//! - A message to oneself is taken, numbered and shown once.
//! - A message to a parked nickname is taken: its holder reads it on coming back. Notices of who came and went
//!   are not kept for it; it asks for `names`.
//! - What a connection can make the server remember is bounded by a line (32 KiB), the limits, and cursors.
//!
//! # What is where
//! - [`action`]: what the driver is asked for. `session`: what is known of one. `requests`: from a line to its answer.
//!   `messages`: numbering and delivering. `lifecycle`: beginning, parking, ending. `joining`: nicknames, and
//!   coming back. `places`: who has to go when there are no more. `unread`: what waits for slow readers. `closing`:
//!   connections. `timers`: waiting. `operator`: what an operator sees and does.

pub mod action;
mod check;
mod closing;
mod joining;
mod lifecycle;
mod messages;
mod operator;
mod places;
mod requests;
mod session;
mod timers;
mod unread;

pub use action::{Action, ChatEvent, CloseReason, Counters, DropReason};
pub use operator::{Person, StoredBan};

use super::address::{Address, Loopback};
use super::bans::Bans;
use super::frame::{FileEntry, RequestId, ServerFrame, Text, check_text};
use super::history::History;
use super::id::{SessionId, StreamId};
use super::limits::{Limits, MAX_TEXT_BYTES};
use super::nickname::Nickname;
use super::outbox::Sources;
use super::roster::Roster;
use super::shares::{SharedBuckets, Shares};
use super::table::Input;
use crate::hex::Hex;
use crate::queue::{KEPT_BY_ONE, take_first_keeping};
use crate::seed::{Seed, Stream};
use crate::time::{Instant, UnixTime};
use crate::trace::Mark;
use core::net::IpAddr;
use session::{Connection, Session, Token};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::IoSlice;
use std::sync::Arc;
use timers::Timer;

/// What a server is set up with.
#[derive(Clone, Debug)]
pub struct ChatConfig {
    /// How much clients may do. What is outside its range is moved into it; [`Limits::check`] tells beforehand.
    pub limits: Limits,
    /// The message of the day. One that could not be a message is left out; [`check_motd`] tells beforehand.
    pub motd: Option<String>,
    /// The wall clock at the instant given to [`ChatServer::new`].
    pub at: UnixTime,
}

/// Whether `text` can be the message of the day.
pub fn check_motd(text: &str) -> Result<(), super::frame::TextError> {
    // Half of the most that a message may have: the welcome has the limits in it too.
    check_text(text, MAX_TEXT_BYTES / 2)
}

/// All sessions of a server.
#[derive(Debug)]
pub struct ChatServer {
    limits: Limits,
    motd: Option<Text>,
    epoch: Hex<8>,
    /// Where tokens come from.
    token_stream: Stream,
    /// The wall clock's time at an instant.
    wall_clock: (Instant, UnixTime),
    /// The latest instant that was handed in.
    now: Instant,
    connections: BTreeMap<StreamId, Connection>,
    sessions: BTreeMap<SessionId, Session>,
    last_session: u64,
    /// How many of the connections are to be closed.
    closing: usize,
    loopback: Loopback,
    /// How many connections there are from each address that is not exempt.
    connection_shares: Shares,
    /// Number of nicknames that are held from each of those addresses.
    nick_shares: Shares,
    /// For messages, of all sessions of an address.
    shared_messages: SharedBuckets,
    /// For other requests, likewise.
    shared_requests: SharedBuckets,
    /// Bytes that wait for readers beyond what may wait for each, of all together.
    excess: usize,
    /// Every token that is good.
    tokens: BTreeMap<Token, SessionId>,
    roster: Roster,
    /// Who may not come in.
    bans: Bans,
    history: History,
    /// The listing that the driver read last, in the order of the names.
    files: Arc<[FileEntry]>,
    /// Who waits for the listing that the driver reads now.
    waiting_files: VecDeque<(SessionId, Option<RequestId>)>,
    timers: BTreeSet<(Instant, Timer)>,
    actions: VecDeque<Action>,
    /// Connections for which a live frame did not fit; closed before the input is done with.
    overflowed: Vec<StreamId>,
    shutting_down: bool,
    counters: Counters,
    /// Inputs so far, to spread the cost of checking invariants.
    inputs: u64,
}

impl ChatServer {
    /// A server without connections. Its epoch and tokens come from `seed`.
    pub fn new(now: Instant, config: ChatConfig, seed: &Seed) -> Self {
        let limits = config.limits.bounded();
        let history = History::new(usize::try_from(limits.history).unwrap_or(usize::MAX));
        Self {
            limits,
            motd: config.motd.filter(|motd| check_motd(motd).is_ok()).map(Text::from),
            epoch: Hex(seed.stream("epoch").bytes()),
            token_stream: seed.stream("tokens"),
            wall_clock: (now, config.at),
            now,
            connections: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last_session: 0,
            closing: 0,
            loopback: Loopback::default(),
            connection_shares: Shares::default(),
            nick_shares: Shares::default(),
            shared_messages: SharedBuckets::default(),
            shared_requests: SharedBuckets::default(),
            excess: 0,
            tokens: BTreeMap::new(),
            roster: Roster::default(),
            bans: Bans::default(),
            history,
            files: Arc::default(),
            waiting_files: VecDeque::new(),
            timers: BTreeSet::new(),
            actions: VecDeque::new(),
            overflowed: Vec::new(),
            shutting_down: false,
            counters: Counters::default(),
            inputs: 0,
        }
    }

    /// A connection was opened. A `stream` that is open already is passed over.
    pub fn handle_open(&mut self, now: Instant, stream: StreamId, peer: IpAddr) {
        let now = self.begin(now);
        if !self.connections.contains_key(&stream) {
            self.open(now, stream, peer);
        }
        self.settle(now);
    }

    /// Bytes arrived.
    pub fn handle_bytes(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        let now = self.begin(now);
        self.read(now, stream, bytes);
        self.settle(now);
    }

    /// The connection took `count` of the bytes that are [`pending`](Self::pending).
    pub fn handle_taken(&mut self, now: Instant, stream: StreamId, count: usize) {
        let now = self.begin(now);
        self.take(stream, count);
        self.settle(now);
    }

    /// The peer will send nothing more, and may still read: what it asked for is answered, then the connection is
    /// closed. This is how `printf … | nc` ends. A driver that does not tell it from a closed connection calls
    /// [`handle_closed`](Self::handle_closed).
    pub fn handle_finished(&mut self, now: Instant, stream: StreamId) {
        let now = self.begin(now);
        // The end of what is sent ends its last line too, as in every text file that lacks the line feed.
        if self.connections.get(&stream).is_some_and(|it| !it.finished && it.lines.kept_bytes() > 0) {
            self.read(now, stream, b"\n");
        }
        let connection = self.connections.get_mut(&stream);
        let session = connection.and_then(|connection| {
            connection.finished = true;
            connection.session
        });
        if let Some(session) = session {
            self.finish(now, session);
        }
        self.settle(now);
    }

    /// The connection is gone: the peer closed it, or it broke.
    pub fn handle_closed(&mut self, now: Instant, stream: StreamId) {
        let now = self.begin(now);
        let session = self.connections.get(&stream).and_then(|connection| connection.session);
        if let Some(session) = session {
            self.handle_input(now, session, Input::Lost);
        } else {
            self.forget(stream);
        }
        self.settle(now);
    }

    /// The time of [`deadline`](Self::deadline) has come. Calling it early does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        let now = self.begin(now);
        self.expire(now);
        self.settle(now);
    }

    /// The wall clock shows `at`: what messages are stamped with. It decides nothing.
    pub fn handle_wall_clock(&mut self, now: Instant, at: UnixTime) {
        let now = self.begin(now);
        self.wall_clock = (now, at);
    }

    /// The shared folder was read: the answer to [`Action::ListFiles`], for all who wait.
    pub fn handle_files(&mut self, now: Instant, listing: Arc<[FileEntry]>) {
        let now = self.begin(now);
        self.files = if listing.is_sorted_by(|a, b| a.name < b.name) {
            listing
        } else {
            let sorted: BTreeMap<_, _> = listing.iter().map(|entry| (&entry.name, entry)).collect();
            sorted.into_values().cloned().collect()
        };
        self.show_files(now);
        self.settle(now);
    }

    /// Sends a session the answer to its [`Action::Download`]. A session without a connection does not get it; its
    /// client asks again when it has come back.
    pub fn reply(&mut self, now: Instant, session: SessionId, frame: &ServerFrame) {
        let now = self.begin(now);
        if let ServerFrame::Error(error) = frame {
            Counters::count(&mut self.counters.refused, error.code.clone());
        }
        self.send(session, frame);
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.owed = entry.owed.saturating_sub(1);
        }
        self.finish(now, session);
        self.settle(now);
    }

    /// Whether a download runs for a session: then it need not join, and silence is no reason to close it.
    pub fn set_busy(&mut self, now: Instant, session: SessionId, busy: bool) {
        let now = self.begin(now);
        if let Some(entry) = self.sessions.get_mut(&session) {
            if entry.busy && !busy && entry.nick.is_none() {
                entry.since = now;
            }
            entry.busy = busy;
            self.arm_session(now, session);
        }
        self.settle(now);
    }

    /// The server is about to stop: tells everybody `text`, and takes no newcomers from now on.
    pub fn shutdown(&mut self, now: Instant, text: &str) {
        let now = self.begin(now);
        self.shutting_down = true;
        // A text that cannot be sent is no reason to go on.
        let _ = self.announce(now, text);
        self.settle(now);
    }

    /// Closes every connection and ends every session. Nobody is told who leaves: everybody does.
    pub fn close_all(&mut self, now: Instant, reason: CloseReason) {
        let now = self.begin(now);
        let sessions: Vec<SessionId> = self.sessions.keys().copied().collect();
        for session in sessions {
            self.dismiss(now, session, reason, lifecycle::Notice::Untold);
        }
        self.settle(now);
    }

    /// Takes other limits and another message of the day. Waits that have begun keep their length; who is here
    /// stays, and hears of it at the next welcome.
    pub fn set_limits(&mut self, now: Instant, limits: Limits, motd: Option<String>) {
        self.begin(now);
        self.limits = limits.bounded();
        self.recount_all();
        self.motd = motd.filter(|motd| check_motd(motd).is_ok()).map(Text::from);
        self.history.set_capacity(usize::try_from(self.limits.history).unwrap_or(usize::MAX));
    }

    /// Sets, for connections from now on, if limits by address hold for loopback. They do not at first.
    pub fn set_loopback(&mut self, loopback: Loopback) {
        self.loopback = loopback;
    }

    /// Returns the address that the connection of a session is, or was, counted by.
    pub fn address_of(&self, session: SessionId) -> Option<Address> {
        self.sessions.get(&session)?.address
    }

    /// Fills `slices` with the bytes that wait for a connection, front first, and tells how many it filled: 0 when
    /// nothing waits.
    pub fn pending<'a>(&'a self, stream: StreamId, slices: &mut [IoSlice<'a>]) -> usize {
        self.connections.get(&stream).map_or(0, |connection| connection.outbox.pending(slices))
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.first().map(|&(at, _)| at)
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action> {
        take_first_keeping(&mut self.actions, KEPT_BY_ONE)
    }

    /// How often what has happened.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The limits as they are.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// This life of the server.
    pub fn epoch(&self) -> Hex<8> {
        self.epoch
    }

    /// How many connections are open, those that are being closed among them.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// How many nicknames are held.
    pub fn nicknames(&self) -> usize {
        self.roster.len()
    }

    /// The nickname of a session that has joined.
    pub fn nickname_of(&self, session: SessionId) -> Option<&Nickname> {
        self.sessions.get(&session)?.nick.as_ref()
    }

    /// Where a session's connection comes from, or came from.
    pub fn peer(&self, session: SessionId) -> Option<IpAddr> {
        self.sessions.get(&session).map(|entry| entry.peer)
    }

    /// The connection of a session that has one.
    pub fn stream_of(&self, session: SessionId) -> Option<StreamId> {
        self.sessions.get(&session)?.stream
    }

    /// Time as the sessions see it: never going back.
    fn begin(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    /// The wall clock's time.
    fn wall(&self, now: Instant) -> UnixTime {
        let (since, at) = self.wall_clock;
        at.saturating_add(now - since)
    }

    fn event(&mut self, event: ChatEvent) {
        self.actions.push_back(Action::Event(event));
    }

    /// Notes a situation.
    fn mark(&mut self, mark: Mark) {
        self.actions.push_back(Action::Marked(mark));
    }

    /// The connection of `session` with what its lazy items are read from.
    fn outlet(&mut self, session: SessionId) -> Option<(StreamId, &mut Connection, Sources<'_>)> {
        let stream = self.sessions.get(&session)?.stream?;
        let connection = self.connections.get_mut(&stream)?;
        let sources =
            Sources { history: &self.history, roster: &self.roster, files: &self.files, viewer: session };
        Some((stream, connection, sources))
    }

    /// Ends an input: closes who reads too slowly, which may tell others and so make them too slow in turn. Each
    /// connection is closed once, so this ends.
    fn settle(&mut self, now: Instant) {
        loop {
            while let Some(stream) = self.overflowed.pop() {
                let Some(connection) = self.connections.get(&stream) else { continue };
                match connection.session {
                    Some(session) => self.handle_input(now, session, Input::TooSlow),
                    // It is being closed already, and what waits for it is too much even so.
                    None if connection.excess > 0 => self.abandon(stream, CloseReason::TooSlow),
                    None => {}
                }
            }
            if self.excess <= self.limits.unread_bytes as usize {
                break;
            }
            self.overflowed = self.most_unread();
        }
        self.inputs = self.inputs.wrapping_add(1);
        if cfg!(debug_assertions) && check::is_due(self.inputs, self.sessions.len()) {
            self.check_invariants();
        }
    }
}
