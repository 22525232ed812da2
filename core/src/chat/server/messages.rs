//! Numbering messages, and handing frames to connections.

use super::session::{Patience, Pushed};
use super::{Action, ChatEvent, ChatServer, Counters};
use crate::chat::frame::{
    ErrorCode, ErrorFrame, Message, Private, RequestId, ServerFrame, Text, TextError, check_text,
};
use crate::chat::id::SessionId;
use crate::chat::nickname::Nickname;
use crate::chat::outbox::Lazy;
use crate::time::Instant;
use crate::trace::Mark;
use bytes::Bytes;
use core::time::Duration;

/// Who gets a frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Who has joined.
    Joined,
    /// Who has joined, but for one.
    Others(SessionId),
    /// Who is connected.
    Connected,
}

/// A message as it was asked for.
pub(super) struct Utterance {
    pub(super) to: Option<Text>,
    pub(super) text: Text,
    pub(super) action: bool,
}

impl ChatServer {
    /// Takes a message, or says why not.
    pub(super) fn speak(&mut self, now: Instant, session: SessionId, id: Option<RequestId>, said: Utterance) {
        if let Some(number) = self.number_of(session, id.as_ref()) {
            self.counters.repeated += 1;
            self.mark(Mark::MessageAgain);
            self.event(ChatEvent::Repeated { session, number });
            return self.send(session, &ServerFrame::Accepted { id, number });
        }
        let party = match self.admit(now, session, &said) {
            Ok(party) => party,
            Err(error) => return self.refuse(session, ErrorFrame { id, ..error }),
        };
        let Some(from) = self.nickname_of(session).cloned() else { return };
        let (number, to) = (self.history.next(), party.as_ref().map(|(to, _)| *to));
        let (live, kept) = self.encode_message(now, from, party.map(|(_, nick)| nick), said);
        self.history.push(session, to, kept);
        if let (Some(id), Some(entry)) = (&id, self.sessions.get_mut(&session))
            && let Some(resume) = &mut entry.resume
        {
            resume.accepted.remember(id.clone(), number);
        }
        self.counters.accepted += 1;
        self.event(ChatEvent::Said { session, number, to, id: id.clone() });
        if let Some(to) = to {
            self.mark_party(session, to);
        }
        self.send(session, &ServerFrame::Accepted { id, number });
        match to.filter(|_| !mutant!(PrivateToAll)) {
            None => self.broadcast(&live, To::Joined),
            Some(to) => {
                self.send_encoded(session, &live);
                if to != session {
                    self.send_encoded(to, &live);
                }
            }
        }
    }

    /// Notes what is special about the one that a private message goes to.
    fn mark_party(&mut self, from: SessionId, to: SessionId) {
        if from == to {
            self.mark(Mark::PrivateToSelf);
        } else if self.stream_of(to).is_none() {
            self.mark(Mark::PrivateToParked);
        }
    }

    /// The number of a message that was taken before, in a session that asked to resume. In others an id means
    /// nothing beyond its answer: a script may well call each of its messages 1.
    fn number_of(&self, session: SessionId, id: Option<&RequestId>) -> Option<u64> {
        mutant!(MessageTakenTwice => return None);
        self.sessions.get(&session)?.resume.as_ref()?.accepted.number(id?)
    }

    /// Whether a message may be taken; and of a private one, the other party.
    fn admit(
        &mut self,
        now: Instant,
        session: SessionId,
        said: &Utterance,
    ) -> Result<Option<(SessionId, Nickname)>, ErrorFrame> {
        self.charge_message(now, session)?;
        check_text(said.text.raw(), self.limits.text_bytes).map_err(|error| {
            let code = match error {
                TextError::TooLong { .. } => {
                    self.mark(Mark::TextTooLong);
                    ErrorCode::TextTooLong
                }
                TextError::Empty | TextError::Control { .. } => ErrorCode::BadText,
            };
            ErrorFrame::new(None, code, error.to_string())
        })?;
        let Some(to) = said.to.as_ref().map(Text::raw) else { return Ok(None) };
        let absent = || match Nickname::parse(to) {
            Ok(to) => ErrorFrame::new(None, ErrorCode::NoSuchNick, format!("nobody here is called {to}")),
            Err(error) => ErrorFrame::new(None, ErrorCode::NoSuchNick, error.to_string()),
        };
        let key = Nickname::parse(to).map_err(|_| absent())?.key();
        let Some(party) = self.roster.holder(&key) else {
            self.mark(Mark::NobodyOfThatName);
            return Err(absent());
        };
        let nick = self.nickname_of(party).cloned().ok_or_else(absent)?;
        Ok(Some((party, nick)))
    }

    /// Takes a token for a message. What is refused afterwards has cost one too: a client that paces itself by the
    /// same count is never wrong by it.
    pub(super) fn charge_message(&mut self, now: Instant, session: SessionId) -> Result<(), ErrorFrame> {
        let rate = self.limits.messages();
        let Some(entry) = self.sessions.get_mut(&session) else { return Ok(()) };
        let of_address = rate.times(self.limits.rates_per_address);
        let taken = entry.messages.take(now, rate).and_then(|()| {
            entry.address.map_or(Ok(()), |address| self.shared_messages.take(now, address, 1, of_address))
        });
        taken.map_err(|wait| too_soon(ErrorCode::TooFast, wait))
    }

    /// A message's frame, and the frame that it will be in the backlog.
    fn encode_message(
        &self,
        now: Instant,
        from: Nickname,
        to: Option<Nickname>,
        said: Utterance,
    ) -> (Bytes, Bytes) {
        let (number, at) = (self.history.next(), self.wall(now));
        let (text, action) = (said.text, said.action);
        match to {
            None => {
                let mut message = Message { number, at, from, text, action, backlog: false };
                let live = ServerFrame::Message(message.clone()).encode();
                message.backlog = true;
                (live, ServerFrame::Message(message).encode())
            }
            Some(to) => {
                let mut message = Private { number, at, from, to, text, action, backlog: false };
                let live = ServerFrame::Private(message.clone()).encode();
                message.backlog = true;
                (live, ServerFrame::Private(message).encode())
            }
        }
    }

    /// Changes a nickname, or says why not.
    pub(super) fn rename(&mut self, now: Instant, session: SessionId, id: Option<RequestId>, nick: &str) {
        let Some(from) = self.nickname_of(session).cloned() else { return };
        match self.admit_nick(now, session, nick) {
            Err(error) => self.refuse(session, ErrorFrame { id, ..error }),
            Ok(to) => {
                if to.key() != from.key() {
                    self.roster.free(&from);
                }
                if let Some(entry) = self.sessions.get_mut(&session) {
                    entry.nick = Some(to.clone());
                }
                self.send(session, &ServerFrame::Renamed { id, from: from.clone(), to: to.clone() });
                if from != to {
                    self.event(ChatEvent::Renamed { session, from: from.clone(), to: to.clone() });
                    let frame = ServerFrame::Renamed { id: None, from, to }.encode();
                    self.broadcast(&frame, To::Others(session));
                }
            }
        }
    }

    fn admit_nick(&mut self, now: Instant, session: SessionId, nick: &str) -> Result<Nickname, ErrorFrame> {
        self.charge_message(now, session)?;
        let nick =
            Nickname::parse(nick).map_err(|e| ErrorFrame::new(None, ErrorCode::BadNick, e.to_string()))?;
        self.claim(&nick, session)?;
        Ok(nick)
    }

    /// Answers with an error.
    pub(super) fn refuse(&mut self, session: SessionId, error: ErrorFrame) {
        // These took no token: without another charge they could come for ever, as fast as the network brings them.
        let is_free = matches!(
            error.code,
            ErrorCode::TooFast | ErrorCode::TooManyRequests | ErrorCode::NotJoined | ErrorCode::AlreadyJoined
        );
        if is_free && let Some(entry) = self.sessions.get_mut(&session) {
            entry.waste_line();
        }
        Counters::count(&mut self.counters.refused, error.code.clone());
        self.event(ChatEvent::Refused { session, code: error.code.clone() });
        self.send(session, &ServerFrame::Error(error));
    }

    /// Sends a frame to a session that has a connection.
    pub(super) fn send(&mut self, session: SessionId, frame: &ServerFrame) {
        self.send_encoded(session, &frame.encode());
    }

    fn send_encoded(&mut self, session: SessionId, frame: &Bytes) {
        let (now, patience) = (self.now, Patience::of(&self.limits));
        let Some((stream, connection, _)) = self.outlet(session) else { return };
        match connection.push(now, frame, patience) {
            Pushed::Queued => {}
            Pushed::Announce => self.actions.push_back(Action::Pending(stream)),
            Pushed::TooMuch => self.overflowed.push(stream),
        }
        self.recount(stream);
    }

    /// Sends what is made into frames later.
    pub(super) fn send_lazy(&mut self, session: SessionId, lazy: Lazy) {
        let Some((stream, connection, sources)) = self.outlet(session) else { return };
        connection.outbox.push_lazy(lazy, sources);
        if connection.outbox.announce() {
            self.actions.push_back(Action::Pending(stream));
        }
    }

    /// Sends a frame, encoded once, to many.
    pub(super) fn broadcast(&mut self, frame: &Bytes, to: To) {
        let patience = Patience::of(&self.limits);
        for (stream, connection) in &mut self.connections {
            let is_meant = match to {
                To::Joined => connection.hears,
                To::Others(session) => connection.hears && connection.session != Some(session),
                To::Connected => connection.session.is_some(),
            };
            if !is_meant {
                continue;
            }
            let pushed = connection.push(self.now, frame, patience);
            connection.recount(patience.bytes, &mut self.excess);
            match pushed {
                Pushed::Queued => {}
                Pushed::Announce => self.actions.push_back(Action::Pending(*stream)),
                Pushed::TooMuch => self.overflowed.push(*stream),
            }
        }
    }
}

/// A refusal that says when to try again. Rounded up: who waits exactly that long is not refused again.
pub(super) fn too_soon(code: ErrorCode, wait: Duration) -> ErrorFrame {
    let millis = whole_millis(wait);
    ErrorFrame {
        retry_after_ms: Some(millis),
        ..ErrorFrame::new(None, code, format!("too much at once, try again in {millis} ms"))
    }
}

/// In milliseconds, rounded up: whoever waits so long has waited long enough.
pub(super) fn whole_millis(wait: Duration) -> u64 {
    u64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
