//! Connecting, coming back, and giving up.

use super::{ChatClient, ClientAction, ClientChatEvent, DisconnectReason, Phase, Reconnect, receive};
use crate::chat::frame::client::Join;
use crate::chat::frame::{ErrorCode, ErrorFrame, Request};
use crate::chat::limits::Bucket;
use crate::chat::lines::Lines;
use crate::time::Instant;
use crate::trace::Mark;
use crate::transfer::ASLEEP;
use core::time::Duration;

/// How long the answer to a join may take.
const JOIN_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the server may take to close after we left.
pub(super) const LEAVE_TIMEOUT: Duration = Duration::from_secs(5);

/// How much longer than two of the server's pings silence may last.
const SILENCE_MARGIN: Duration = Duration::from_secs(10);

/// How long a connection has to last for its loss to be the first of a row: a server that lets everybody in and
/// closes at once is not tried for ever.
const GOOD_AFTER: Duration = Duration::from_secs(5);

/// The first wait before connecting again is between half of this and all of it: no less than a second, so that a
/// server which was restarted comes up in peace.
const FIRST_BACKOFF: Duration = Duration::from_secs(2);

/// Doubled until it would be more than this, which is as long as a session is parked.
const LAST_BACKOFF: Duration = Duration::from_secs(30);
const MAX_DOUBLINGS: u32 = 4;
const _: () = assert!(FIRST_BACKOFF.as_millis() << MAX_DOUBLINGS >= LAST_BACKOFF.as_millis());

impl ChatClient {
    /// Asks the driver to connect.
    pub(super) fn connect(&mut self) {
        self.phase = Phase::Connecting;
        self.timer = None;
        self.actions.push_back(ClientAction::Connect);
    }

    /// The connection is there: says who we are, if anybody.
    pub(super) fn greet(&mut self, now: Instant) {
        self.last_input = now;
        self.closing = None;
        self.event(ClientChatEvent::Connected);
        let Some(join) = self.config.join.clone() else {
            self.phase = Phase::Up;
            self.up_since = now;
            for ask in &mut self.asks {
                ask.sent = None;
            }
            self.ask_bucket = Bucket::default();
            return;
        };
        let id = self.next_id();
        let comeback = self.comeback;
        let request = Request::Join(Join {
            protocol: None,
            nick: join.nick.as_str().into(),
            resume: join.resume,
            history: join.history,
            token: comeback.map(|comeback| comeback.token.to_string().into()),
            seen: comeback.filter(|comeback| Some(comeback.epoch) == self.epoch).map(|_| self.seen),
            ping: join.resume,
        });
        self.join_id = Some(id.clone());
        self.phase = Phase::Joining;
        self.timer = Some(now + JOIN_ANSWER_TIMEOUT);
        self.send(request, Some(id));
    }

    /// Sets the timer that finds out that nothing comes any more.
    pub(super) fn watch(&mut self) {
        let asked_for_pings = self.config.join.as_ref().is_some_and(|join| join.resume);
        let silence = self.limits.ping_after * 2 + SILENCE_MARGIN;
        self.timer = asked_for_pings.then(|| self.last_input + silence);
    }

    /// The phase has lasted too long; its time was up at `due`.
    pub(super) fn expire(&mut self, now: Instant, due: Instant) {
        if now - due >= ASLEEP && matches!(self.phase, Phase::Joining | Phase::Up) {
            // This process did not run. What the server said meanwhile waits to be read, and is not silence.
            self.timer = Some(now + SILENCE_MARGIN);
            return;
        }
        match self.phase {
            Phase::Waiting => self.connect(),
            Phase::Joining => self.break_off(now, DisconnectReason::Silent),
            Phase::Up => {
                self.watch();
                if self.timer.is_some_and(|at| at <= now) {
                    self.mark(Mark::ServerSilent);
                    self.break_off(now, DisconnectReason::Silent);
                }
            }
            Phase::Leaving => self.break_off(now, DisconnectReason::Left),
            Phase::New | Phase::Connecting | Phase::Resting | Phase::Over => {}
        }
    }

    /// Whether the connection may go without a word: see [`set_busy`](Self::set_busy).
    pub(super) fn may_rest(&self) -> bool {
        self.config.join.is_none() && !self.is_busy && self.is_idle()
    }

    /// The connection is gone, and not missed.
    pub(super) fn rest(&mut self) {
        self.drop_connection();
        self.closing = None;
        self.phase = Phase::Resting;
    }

    /// Closes the connection and goes on as if it had been lost.
    pub(super) fn break_off(&mut self, now: Instant, reason: DisconnectReason) {
        self.actions.push_back(ClientAction::Close);
        self.lose(now, reason);
    }

    /// Tries again at once, in place of the connection that is there, if one is.
    pub(super) fn connect_again(&mut self) {
        self.attempts = 0;
        match self.phase {
            Phase::Waiting | Phase::Resting => self.connect(),
            Phase::Joining | Phase::Up => {
                self.actions.push_back(ClientAction::Close);
                self.has_ghost |= self.phase == Phase::Joining;
                self.drop_connection();
                self.event(ClientChatEvent::Disconnected { reason: DisconnectReason::Replaced });
                self.connect();
            }
            // One is on its way, or none is wanted.
            Phase::New | Phase::Connecting | Phase::Leaving | Phase::Over => {}
        }
    }

    /// The connection is gone: tries again, or ends.
    pub(super) fn lose(&mut self, now: Instant, reason: DisconnectReason) {
        if self.phase == Phase::Leaving {
            return self.end(DisconnectReason::Left);
        }
        self.has_ghost |= self.phase == Phase::Joining;
        if self.phase == Phase::Up && now - self.up_since >= GOOD_AFTER {
            self.attempts = 0;
            self.give_up_at = None;
        }
        self.drop_connection();
        let is_first = !self.has_joined && !self.has_ghost && reason == DisconnectReason::CannotConnect;
        self.event(ClientChatEvent::Disconnected { reason });
        match self.config.reconnect {
            _ if is_first && !self.config.retry_first => self.give_up(),
            Reconnect::Never => self.give_up(),
            Reconnect::For(patience) => {
                let give_up_at = *self.give_up_at.get_or_insert(now + patience);
                self.back_off(now, Some(give_up_at));
            }
            Reconnect::Always => self.back_off(now, None),
        }
    }

    fn drop_connection(&mut self) {
        self.timer = None;
        self.join_id = None;
        self.lines = Lines::default();
        self.outgoing.clear();
    }

    /// Waits before trying again: twice as long each time, and by a part of it that chance decides, so that the
    /// clients of a server that was restarted do not all come at once. The last attempt is at `give_up_at`.
    fn back_off(&mut self, now: Instant, give_up_at: Option<Instant>) {
        let longest = (FIRST_BACKOFF * (1 << self.attempts.min(MAX_DOUBLINGS))).min(LAST_BACKOFF);
        self.attempts = self.attempts.saturating_add(1);
        let half = longest / 2;
        let spread = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
        let after = half + Duration::from_nanos(self.jitter.below(spread));
        // When the server says so, not earlier.
        let at_least = self.not_before - now;
        let left = give_up_at.map(|end| end - now);
        if left.is_some_and(|left| left.is_zero() || left < at_least) {
            return self.give_up();
        }
        let after = left.map_or(after, |left| after.min(left)).max(at_least);
        self.phase = Phase::Waiting;
        self.timer = Some(now + after);
        self.event(ClientChatEvent::Reconnecting { after });
    }

    fn give_up(&mut self) {
        self.report();
        self.event(ClientChatEvent::GaveUp);
    }

    /// We left.
    pub(super) fn end(&mut self, reason: DisconnectReason) {
        self.drop_connection();
        self.report();
        self.event(ClientChatEvent::Disconnected { reason });
    }

    /// The server does not let us in: for ever, or it may do so later.
    pub(super) fn refused(&mut self, now: Instant, error: ErrorFrame) {
        self.is_nick_taken = error.code == ErrorCode::NickTaken;
        let may_change = match error.code {
            // With a time to come back at it is held for somebody whose connection was lost: perhaps for us, before this
            // program was started.
            ErrorCode::NickTaken => {
                self.has_joined
                    || self.has_ghost
                    || error.retry_after_ms.is_some_and(|millis| self.outlasts(now, millis))
            }
            ErrorCode::Full | ErrorCode::TooManyConnections | ErrorCode::ShuttingDown => self.has_joined,
            ErrorCode::TooManyRequests | ErrorCode::TooFast => true,
            _ => false,
        };
        if may_change && self.config.reconnect != Reconnect::Never {
            self.mark(Mark::NotNow);
            self.not_before = error.retry_after_ms.map_or(now, |millis| now + receive::wait(millis));
            let had_ghost = self.has_ghost;
            self.break_off(now, DisconnectReason::NotNow(error.message));
            // This join was answered.
            self.has_ghost = had_ghost;
            return;
        }
        self.actions.push_back(ClientAction::Close);
        self.drop_connection();
        self.report();
        self.event(ClientChatEvent::Refused(error));
    }

    /// Whether we will still be trying in so many milliseconds.
    fn outlasts(&self, now: Instant, millis: u64) -> bool {
        match self.config.reconnect {
            Reconnect::Never => false,
            Reconnect::Always => true,
            Reconnect::For(patience) => {
                now + Duration::from_millis(millis) <= self.give_up_at.unwrap_or(now + patience)
            }
        }
    }

    /// Nothing more will happen: tells of everything that is left over.
    fn report(&mut self) {
        self.phase = Phase::Over;
        for message in core::mem::take(&mut self.messages) {
            let id = message.id;
            let event = match (message.request, message.sent) {
                (Request::Say { text, .. } | Request::Tell { text, .. }, true) => {
                    self.mark(Mark::LeftUnconfirmed);
                    ClientChatEvent::Unconfirmed { id, text }
                }
                (Request::Say { text, .. } | Request::Tell { text, .. }, false) => {
                    ClientChatEvent::Unsent { id, text }
                }
                _ => ClientChatEvent::Unanswered { id },
            };
            self.event(event);
        }
        for ask in core::mem::take(&mut self.asks) {
            self.event(ClientChatEvent::Unanswered { id: ask.id });
        }
    }
}
