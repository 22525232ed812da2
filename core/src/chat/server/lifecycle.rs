//! How sessions and connections begin and end.

use super::session::{Accepted, Address, Connection, Pushed, Resume, Session, Token};
use super::{Action, ChatEvent, ChatServer, CloseReason, Counters, messages, timers};
use crate::chat::frame::client::Join;
use crate::chat::frame::{ErrorCode, ErrorFrame, PROTOCOL, RequestId, ServerFrame, Welcome};
use crate::chat::history::Range;
use crate::chat::id::{SessionId, StreamId};
use crate::chat::nickname::Nickname;
use crate::chat::outbox::Lazy;
use crate::chat::table::{self, Input, Next, State, Step};
use crate::hex::Hex;
use crate::time::Instant;
use core::net::IpAddr;

/// Most connections that are being closed while another is turned away with a word. Beyond it they are closed
/// without one: who opens connections faster than they can be told off is not told.
const MAX_CLOSING: usize = 256;

/// What happens to what waits for a connection that is to be closed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unread {
    /// It is still written.
    Kept,
    /// It is dropped, but for a frame that was begun.
    Dropped,
}

/// Whether the others are told that a nickname is free.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notice {
    Told,
    Untold,
}

impl ChatServer {
    /// Takes a connection, or turns it away.
    pub(super) fn open(&mut self, now: Instant, stream: StreamId, peer: IpAddr) {
        let address = Address::of(peer);
        let from_there = address.and_then(|address| self.addresses.get(&address)).copied().unwrap_or(0);
        let refusal = if self.shutting_down {
            Some((ErrorCode::ShuttingDown, CloseReason::ShuttingDown))
        } else if from_there >= self.limits.connections_per_address {
            Some((ErrorCode::TooManyConnections, CloseReason::TooManyConnections))
        } else if self.connections.len() - self.closing >= self.limits.clients as usize {
            Some((ErrorCode::Full, CloseReason::Full))
        } else {
            None
        };
        if let Some((code, reason)) = refusal {
            return self.turn_away(now, stream, peer, code, reason);
        }
        self.last_session += 1;
        let session = SessionId(self.last_session);
        if let Some(address) = address {
            *self.addresses.entry(address).or_default() += 1;
        }
        self.connections.insert(stream, Connection::new(Some(session), address));
        self.sessions.insert(session, Session::new(now, stream));
        self.arm_session(now, session);
        self.counters.opened += 1;
        self.event(ChatEvent::Opened { stream, session, peer });
    }

    fn turn_away(
        &mut self,
        now: Instant,
        stream: StreamId,
        peer: IpAddr,
        code: ErrorCode,
        reason: CloseReason,
    ) {
        self.event(ChatEvent::TurnedAway { stream, peer, reason });
        Counters::count(&mut self.counters.refused, code.clone());
        self.connections.insert(stream, Connection::new(None, None));
        self.closing += 1;
        if self.closing > MAX_CLOSING {
            return self.abandon(stream, reason);
        }
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.outbox.push(ServerFrame::error(None, code, reason.as_str()).encode());
        }
        self.say_closing(now, stream, reason);
    }

    /// Looks up what `input` does to a session that has no frame to answer, and does it.
    pub(super) fn handle_input(&mut self, now: Instant, session: SessionId, input: Input) {
        let Some(entry) = self.sessions.get(&session) else { return };
        match table::rule_for(entry.state, input).step {
            Step::End => {
                let reason = match (entry.state, input) {
                    (State::Parked, Input::Timeout) => CloseReason::TimedOut,
                    (_, Input::Dismissed) => CloseReason::ShuttingDown,
                    _ => CloseReason::Lost,
                };
                self.drop_connection(session);
                self.end(session, input, reason, Notice::Told);
            }
            Step::Close => {
                let (reason, unread) = match input {
                    Input::TooSlow => (CloseReason::TooSlow, Unread::Dropped),
                    _ => (CloseReason::NotJoined, Unread::Kept),
                };
                self.close(now, session, reason, unread);
                self.end(session, input, reason, Notice::Told);
            }
            Step::CloseAndPark => {
                let (reason, unread) = match input {
                    Input::TooSlow => (CloseReason::TooSlow, Unread::Dropped),
                    _ => (CloseReason::Finished, Unread::Kept),
                };
                self.close(now, session, reason, unread);
                self.park(now, session, input, reason);
            }
            Step::Park => {
                self.drop_connection(session);
                self.park(now, session, input, CloseReason::Lost);
            }
            Step::Leave => {
                let reason = if input == Input::Leave { CloseReason::Left } else { CloseReason::Finished };
                self.close(now, session, reason, Unread::Kept);
                self.end(session, input, reason, Notice::Told);
            }
            Step::PingOrClose => self.ping_or_close(now, session),
            _ => {}
        }
    }

    /// The peer of a session may have finished: if everything it asked for is answered, its session ends.
    pub(super) fn finish(&mut self, now: Instant, session: SessionId) {
        let Some(entry) = self.sessions.get(&session) else { return };
        let stream = entry.stream.and_then(|stream| self.connections.get(&stream));
        if stream.is_some_and(|connection| connection.finished) && entry.owed == 0 && entry.waiting_files == 0
        {
            self.handle_input(now, session, Input::Finished);
        }
    }

    /// The operator closes all.
    pub(super) fn dismiss(&mut self, now: Instant, session: SessionId, reason: CloseReason) {
        self.close(now, session, reason, Unread::Kept);
        self.end(session, Input::Dismissed, reason, Notice::Untold);
    }

    /// Closes a session for too many lines that were no frames.
    pub(super) fn close_malformed(&mut self, now: Instant, session: SessionId) {
        self.close(now, session, CloseReason::Malformed, Unread::Kept);
        self.end(session, Input::Malformed, CloseReason::Malformed, Notice::Told);
    }

    fn ping_or_close(&mut self, now: Instant, session: SessionId) {
        let after = self.limits.ping_after;
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        let is_silent = entry.last_input + after <= now;
        if is_silent && entry.pinged && !entry.busy {
            self.close(now, session, CloseReason::Silent, Unread::Dropped);
            return self.park(now, session, Input::Timeout, CloseReason::Silent);
        }
        entry.pinged = is_silent;
        if is_silent {
            self.send(session, &ServerFrame::Ping);
        }
        self.arm_session(now, session);
    }

    /// A visiting session asks for a nickname, or for the session that its token stands for.
    pub(super) fn join(&mut self, now: Instant, session: SessionId, id: Option<RequestId>, join: &Join) {
        let token = join.token.as_deref().and_then(|token| token.parse::<Token>().ok());
        let owner = token.and_then(|token| Some((token, *self.tokens.get(&token)?)));
        if let Some((token, owner)) = owner.filter(|_| join.resume && !mutant!(ParkedNotResumed)) {
            return self.go_on(now, session, owner, token, id, join);
        }
        match self.enter(now, session, join) {
            Ok(nick) => {
                let tail = self.history.tail(session, u64::MAX, join.history.unwrap_or(self.limits.backlog));
                self.welcome(session, id, None, false);
                self.show_range(session, tail.range);
                self.counters.joined += 1;
                self.event(ChatEvent::Joined { session, nick: nick.clone() });
                let frame = ServerFrame::Joined { nick }.encode();
                self.broadcast(&frame, messages::To::Joined);
            }
            Err(mut error) => {
                error.id = id;
                self.refuse(session, error);
            }
        }
    }

    /// Gives a nickname to a visiting session.
    fn enter(&mut self, now: Instant, session: SessionId, join: &Join) -> Result<Nickname, ErrorFrame> {
        let refusal = |code, message: String| ErrorFrame::new(None, code, message);
        if self.shutting_down {
            return Err(refusal(ErrorCode::ShuttingDown, CloseReason::ShuttingDown.to_string()));
        }
        let nick = Nickname::parse(&join.nick).map_err(|e| refusal(ErrorCode::BadNick, e.to_string()))?;
        if self.roster.len() >= self.limits.clients as usize {
            return Err(refusal(ErrorCode::Full, CloseReason::Full.to_string()));
        }
        self.claim(&nick, session)?;
        let token = join.resume.then(|| self.new_token(session));
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.nick = Some(nick.clone());
            entry.pings = join.ping;
            entry.resume = token.map(|token| Resume { token, previous: None, accepted: Accepted::default() });
        }
        self.go(now, session, Input::Join, State::Joined);
        Ok(nick)
    }

    /// Takes a nickname from those that are free.
    pub(super) fn claim(&mut self, nick: &Nickname, session: SessionId) -> Result<(), ErrorFrame> {
        if self.roster.take(nick, session).is_ok() {
            return Ok(());
        }
        let suggestion = nick.suggest(|key| self.roster.holder(key).is_some());
        let message = match &suggestion {
            Some(free) => format!("{nick} is taken, {free} is free"),
            None => format!("{nick} is taken"),
        };
        Err(ErrorFrame { suggestion, ..ErrorFrame::new(None, ErrorCode::NickTaken, message) })
    }

    /// A session that was parked, or whose old connection lingers, goes on with the connection of `visitor`.
    fn go_on(
        &mut self,
        now: Instant,
        visitor: SessionId,
        session: SessionId,
        used: Token,
        id: Option<RequestId>,
        join: &Join,
    ) {
        let Some(stream) = self.sessions.get(&visitor).and_then(|entry| entry.stream) else { return };
        self.close(now, session, CloseReason::Displaced, Unread::Dropped);
        // The visitor's session ends; its connection stays, and changes hands between these lines.
        if let Some(entry) = self.sessions.get_mut(&visitor) {
            entry.stream = None;
        }
        self.end(visitor, Input::Join, CloseReason::Displaced, Notice::Untold);
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.session = Some(session);
            connection.viewer = session;
        }
        let token = self.new_token(session);
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.stream = Some(stream);
            entry.pings = join.ping;
            entry.pinged = false;
            entry.last_input = now;
            if let Some(resume) = &mut entry.resume {
                let known = [Some(resume.token), resume.previous];
                for dead in known.into_iter().flatten().filter(|known| *known != used) {
                    self.tokens.remove(&dead);
                }
                resume.previous = Some(used);
                resume.token = token;
            }
        }
        self.go(now, session, Input::Resume, State::Joined);
        let seen = join.seen.unwrap_or(0).min(self.history.last());
        let missed = self.history.missed_since(seen.saturating_add(1));
        self.welcome(session, id, (missed > 0).then_some(missed), true);
        let next = seen.saturating_add(1 + u64::from(mutant!(ResumeSkipsOne))).max(self.history.first());
        self.show_range(session, Range { next, end: self.history.next() });
        self.counters.resumed += 1;
        self.event(ChatEvent::Resumed { session, stream, seen });
    }

    fn new_token(&mut self, session: SessionId) -> Token {
        let token = Hex(self.token_stream.bytes());
        self.tokens.insert(token, session);
        token
    }

    fn welcome(&mut self, session: SessionId, id: Option<RequestId>, missed: Option<u64>, resumed: bool) {
        let Some(entry) = self.sessions.get(&session) else { return };
        let Some(nick) = entry.nick.clone() else { return };
        let frame = ServerFrame::Welcome(Box::new(Welcome {
            id,
            protocol: PROTOCOL,
            nick,
            epoch: self.epoch,
            number: self.history.last(),
            resumed,
            token: entry.resume.as_ref().map(|resume| resume.token),
            missed,
            motd: self.motd.clone(),
            limits: self.limits.clone(),
        }));
        self.send(session, &frame);
    }

    /// Shows messages from before.
    pub(super) fn show_range(&mut self, session: SessionId, range: Range) {
        if range.next < range.end {
            self.send_lazy(session, Lazy::History(range));
        }
    }

    /// Parks a session that has lost its connection, or ends it if it did not ask for that.
    fn park(&mut self, now: Instant, session: SessionId, input: Input, reason: CloseReason) {
        if self.sessions.get(&session).is_none_or(|entry| entry.resume.is_none()) {
            return self.end(session, input, reason, Notice::Told);
        }
        self.go(now, session, input, State::Parked);
        self.counters.parked += 1;
        self.event(ChatEvent::Parked { session, reason });
    }

    /// The one place where a session's state changes, unless it ends.
    fn go(&mut self, now: Instant, session: SessionId, input: Input, state: State) {
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        debug_assert!(
            table::allows(entry.state, input, Next::To(state)),
            "{:?} {input:?} {state:?}",
            entry.state
        );
        entry.state = state;
        entry.since = now;
        if let Some(connection) = entry.stream.and_then(|stream| self.connections.get_mut(&stream)) {
            connection.hears = state == State::Joined;
        }
        self.arm_session(now, session);
    }

    /// The one place where a session ends: its nickname, tokens and timer go, and whoever serves its downloads is
    /// told. Its connection has been closed before.
    fn end(&mut self, session: SessionId, input: Input, reason: CloseReason, notice: Notice) {
        let Some(entry) = self.sessions.remove(&session) else { return };
        debug_assert!(table::allows(entry.state, input, Next::Gone), "{:?} {input:?} Gone", entry.state);
        self.rearm(timers::Timer::Session(session), entry.timer, None);
        self.stop_waiting(session, entry.waiting_files);
        if let Some(resume) = entry.resume {
            self.tokens.remove(&resume.token);
            resume.previous.and_then(|previous| self.tokens.remove(&previous));
        }
        self.actions.push_back(Action::SessionEnded(session));
        let Some(nick) = entry.nick else { return };
        self.roster.free(&nick);
        self.event(ChatEvent::Left { session, nick: nick.clone(), reason });
        if notice == Notice::Told {
            let frame = ServerFrame::Left { nick, reason: reason.to_string() }.encode();
            self.broadcast(&frame, messages::To::Joined);
        }
    }

    /// Parts a session from its connection.
    fn detach(&mut self, session: SessionId) -> Option<StreamId> {
        let entry = self.sessions.get_mut(&session)?;
        let stream = entry.stream.take()?;
        entry.pinged = false;
        let waiting = core::mem::take(&mut entry.waiting_files);
        self.stop_waiting(session, waiting);
        let connection = self.connections.get_mut(&stream)?;
        connection.session = None;
        connection.hears = false;
        self.closing += 1;
        let address = connection.address.take();
        if let Some(address) = address {
            self.release(address);
        }
        Some(stream)
    }

    fn release(&mut self, address: Address) {
        if let Some(count) = self.addresses.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    fn stop_waiting(&mut self, session: SessionId, waiting: u32) {
        if waiting > 0 {
            self.waiting_files.retain(|(waits, _)| *waits != session);
        }
    }

    /// Closes the connection of a session, if it has one, after a word.
    fn close(&mut self, now: Instant, session: SessionId, reason: CloseReason, unread: Unread) {
        let Some(stream) = self.detach(session) else { return };
        if let Some(connection) = self.connections.get_mut(&stream)
            && unread == Unread::Dropped
        {
            connection.outbox.cut();
        }
        self.say_closing(now, stream, reason);
    }

    /// Says why a connection is closed, and has it closed when that was read.
    fn say_closing(&mut self, now: Instant, stream: StreamId, reason: CloseReason) {
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        let frame = ServerFrame::Closing { reason: reason.to_string() }.encode();
        if let Pushed::Announce = connection.push(&frame, usize::MAX) {
            self.actions.push_back(Action::Pending(stream));
        }
        Counters::count(&mut self.counters.closed, reason);
        self.event(ChatEvent::Closed { stream, reason });
        self.actions.push_back(Action::Close { stream, after_flush: true, reason });
        self.arm_flush(stream, Some(now + timers::FLUSH_TIMEOUT));
    }

    /// The connection of a session is gone.
    fn drop_connection(&mut self, session: SessionId) {
        if let Some(stream) = self.detach(session) {
            Counters::count(&mut self.counters.closed, CloseReason::Lost);
            self.event(ChatEvent::Closed { stream, reason: CloseReason::Lost });
            self.forget(stream);
        }
    }

    /// Closes a connection without a word.
    pub(super) fn abandon(&mut self, stream: StreamId, reason: CloseReason) {
        Counters::count(&mut self.counters.closed, reason);
        self.actions.push_back(Action::Close { stream, after_flush: false, reason });
        self.forget(stream);
    }

    /// Forgets a connection that has no session.
    pub(super) fn forget(&mut self, stream: StreamId) {
        if self.connections.get(&stream).is_some_and(|connection| connection.session.is_none()) {
            self.arm_flush(stream, None);
            self.connections.remove(&stream);
            self.closing -= 1;
        }
    }
}
