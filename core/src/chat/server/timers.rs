//! What a server waits for. Each session has one timer, named by its state, and so has each connection that is
//! to be closed.

use super::{ChatServer, CloseReason};
use crate::chat::id::{SessionId, StreamId};
use crate::chat::table::{Input, State};
use crate::time::Instant;
use core::time::Duration;

/// Whose time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A session's: to join (visiting), to be pinged or to have answered (joined), to come back (parked).
    Session(SessionId),
    /// A connection's that is to be closed: to have read what was left.
    Flush(StreamId),
}

/// How long a connection that is to be closed has for reading what waits for it.
pub(super) const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

impl ChatServer {
    /// Sets the timer of a session as its state wants it. What comes from a client does not move its ping: the
    /// timer finds out when it fires, so that input costs no timer.
    pub(super) fn arm_session(&mut self, now: Instant, session: SessionId) {
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        let at = match entry.state {
            State::Visiting if entry.busy => None,
            State::Visiting => Some(entry.since + self.limits.join_timeout),
            State::Joined if !entry.pings => None,
            State::Joined if entry.pinged => Some(now + self.limits.ping_after),
            State::Joined => Some((entry.last_input + self.limits.ping_after).max(now)),
            State::Parked if mutant!(ParkedForEver) => None,
            State::Parked => Some(entry.since + self.limits.parked_for),
        };
        let before = core::mem::replace(&mut entry.timer, at);
        self.rearm(Timer::Session(session), before, at);
    }

    /// Sets or stops the timer of a connection.
    pub(super) fn arm_flush(&mut self, stream: StreamId, at: Option<Instant>) {
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        let before = core::mem::replace(&mut connection.timer, at);
        self.rearm(Timer::Flush(stream), before, at);
    }

    /// Moves a timer.
    pub(super) fn rearm(&mut self, timer: Timer, before: Option<Instant>, at: Option<Instant>) {
        if let Some(before) = before {
            self.timers.remove(&(before, timer));
        }
        if let Some(at) = at {
            self.timers.insert((at, timer));
        }
    }

    /// Does what is due. A timer that is set again is set for later than now, so this ends.
    pub(super) fn expire(&mut self, now: Instant) {
        while let Some(&(at, timer)) = self.timers.first() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            match timer {
                Timer::Session(session) => {
                    if let Some(entry) = self.sessions.get_mut(&session) {
                        entry.timer = None;
                    }
                    self.handle_input(now, session, Input::Timeout);
                }
                Timer::Flush(stream) => {
                    if let Some(connection) = self.connections.get_mut(&stream) {
                        connection.timer = None;
                    }
                    self.abandon(stream, CloseReason::NotFlushed);
                }
            }
        }
    }
}
