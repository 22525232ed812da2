//! How sessions and connections begin and end. `joining` has what is between.

use super::session::{Connection, Session};
use super::{Action, ChatEvent, ChatServer, CloseReason, Counters, messages, timers};
use crate::chat::address::Address;
use crate::chat::frame::{ErrorCode, ErrorFrame, ServerFrame};
use crate::chat::id::{SessionId, StreamId};
use crate::chat::table::{self, Input, Next, State, Step};
use crate::time::Instant;
use crate::trace::Mark;
use core::net::IpAddr;

/// Most connections that are being closed while another is turned away with a word. Beyond it they are closed
/// without one: who opens connections faster than they can be told off is not told.
const MAX_CLOSING: usize = 256;

/// What happens to what waits for a connection that is to be closed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unread {
    /// It is still written.
    Kept,
    /// It is dropped, but for a frame that was begun.
    Dropped,
}

/// Whether the others are told that a nickname is free.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    Told,
    Untold,
}

impl ChatServer {
    /// Takes a connection, or turns it away.
    pub(super) fn open(&mut self, now: Instant, stream: StreamId, peer: IpAddr) {
        let address = Address::counted(peer, self.loopback);
        let refusal = |code, reason: CloseReason| (ErrorFrame::new(None, code, reason.as_str()), reason);
        let refusal = if self.shutting_down {
            Some(refusal(ErrorCode::ShuttingDown, CloseReason::ShuttingDown))
        } else if let Some(ban) = self.bans.of_address(now, peer) {
            Some((self.banned(now, ban), CloseReason::Banned))
        } else {
            self.make_room(now, address).err().map(|(code, reason)| refusal(code, reason))
        };
        if let Some((error, reason)) = refusal {
            return self.turn_away(now, stream, peer, error, reason);
        }
        self.last_session += 1;
        let session = SessionId(self.last_session);
        if let Some(address) = address {
            self.connection_shares.take(address);
        }
        self.connections.insert(stream, Connection::new(Some(session), address));
        self.sessions.insert(session, Session::new(now, stream, peer, address));
        self.arm_session(now, session);
        self.counters.opened += 1;
        self.event(ChatEvent::Opened { stream, session, peer });
    }

    fn turn_away(
        &mut self,
        now: Instant,
        stream: StreamId,
        peer: IpAddr,
        error: ErrorFrame,
        reason: CloseReason,
    ) {
        self.mark(Mark::TurnedAway);
        self.event(ChatEvent::TurnedAway { stream, peer, reason });
        Counters::count(&mut self.counters.refused, error.code.clone());
        self.connections.insert(stream, Connection::new(None, None));
        self.closing += 1;
        if self.closing > MAX_CLOSING {
            return self.abandon(stream, reason);
        }
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.outbox.push(ServerFrame::Error(error).encode());
        }
        self.say_closing(now, stream, reason);
    }

    /// Looks up what `input` does to a session that has no frame to answer, and does it.
    pub(super) fn handle_input(&mut self, now: Instant, session: SessionId, input: Input) {
        let Some(entry) = self.sessions.get(&session) else { return };
        match table::rule_for(entry.state, input).step {
            Step::End => {
                let reason = match (entry.state, input) {
                    (State::Parked, Input::Timeout) => {
                        self.mark(Mark::ParkExpired);
                        CloseReason::TimedOut
                    }
                    (_, Input::Dismissed) => CloseReason::ShuttingDown,
                    _ => CloseReason::Lost,
                };
                self.drop_connection(session);
                self.end(session, input, reason, Notice::Told);
            }
            Step::Close => {
                if input == Input::TooSlow {
                    self.mark(Mark::ReaderTooSlow);
                }
                let (reason, unread) = match input {
                    Input::TooSlow => (CloseReason::TooSlow, Unread::Dropped),
                    _ => (CloseReason::NotJoined, Unread::Kept),
                };
                self.close(now, session, reason, unread);
                self.end(session, input, reason, Notice::Told);
            }
            Step::CloseAndPark => {
                if input == Input::TooSlow {
                    self.mark(Mark::ReaderTooSlow);
                }
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

    /// The operator ends a session, wherever it is.
    pub(super) fn dismiss(&mut self, now: Instant, session: SessionId, reason: CloseReason, notice: Notice) {
        if reason == CloseReason::ShuttingDown {
            self.mark(Mark::ClosedByShutdown);
        }
        self.close(now, session, reason, Unread::Kept);
        self.end(session, Input::Dismissed, reason, notice);
    }

    /// Closes a session for what came from it.
    pub(super) fn close_malformed(&mut self, now: Instant, session: SessionId, reason: CloseReason) {
        self.close(now, session, reason, Unread::Kept);
        self.end(session, Input::Malformed, reason, Notice::Told);
    }

    fn ping_or_close(&mut self, now: Instant, session: SessionId) {
        let after = self.limits.ping_after;
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        let is_silent = entry.last_input + after <= now;
        if is_silent && entry.pinged && !entry.busy {
            self.mark(Mark::PeerSilent);
            self.close(now, session, CloseReason::Silent, Unread::Dropped);
            return self.park(now, session, Input::Timeout, CloseReason::Silent);
        }
        entry.pinged = is_silent;
        if is_silent {
            self.mark(Mark::PeerAsked);
            self.send(session, &ServerFrame::Ping);
        }
        self.arm_session(now, session);
    }

    /// Parks a session that has lost its connection, or ends it if it did not ask for that.
    pub(super) fn park(&mut self, now: Instant, session: SessionId, input: Input, reason: CloseReason) {
        if self.sessions.get(&session).is_none_or(|entry| entry.resume.is_none()) {
            return self.end(session, input, reason, Notice::Told);
        }
        self.go(now, session, input, State::Parked);
        self.mark(Mark::Parked);
        self.counters.parked += 1;
        self.event(ChatEvent::Parked { session, reason });
    }

    /// The one place where a session's state changes, unless it ends.
    pub(super) fn go(&mut self, now: Instant, session: SessionId, input: Input, state: State) {
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
    pub(super) fn end(&mut self, session: SessionId, input: Input, reason: CloseReason, notice: Notice) {
        let Some(entry) = self.sessions.remove(&session) else { return };
        debug_assert!(table::allows(entry.state, input, Next::Gone), "{:?} {input:?} Gone", entry.state);
        self.rearm(timers::Timer::Session(session), entry.timer, None);
        self.stop_waiting(session, entry.waiting_files);
        if let Some(resume) = entry.resume.filter(|_| !mutant!(TokenOutlivesSession)) {
            self.tokens.remove(&resume.token);
            resume.previous.and_then(|previous| self.tokens.remove(&previous));
        }
        self.actions.push_back(Action::SessionEnded(session));
        let Some(nick) = entry.nick else { return };
        if !mutant!(NickNotFreed) {
            self.roster.free(&nick);
        }
        if let Some(address) = entry.address {
            self.nick_shares.give_back(address);
        }
        self.event(ChatEvent::Left { session, nick: nick.clone(), peer: entry.peer, reason });
        if notice == Notice::Told {
            let frame = ServerFrame::Left { nick, reason: reason.to_string().into() }.encode();
            self.broadcast(&frame, messages::To::Joined);
        }
    }
}
