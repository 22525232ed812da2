//! How a visitor becomes somebody: joining, and coming back to a session that was parked.

use super::lifecycle::{Notice, Unread};
use super::messages::whole_millis;
use super::session::{Accepted, Resume, Token};
use super::{ChatEvent, ChatServer, CloseReason, messages};
use crate::chat::frame::client::Join;
use crate::chat::frame::{ErrorCode, ErrorFrame, PROTOCOL, RequestId, ServerFrame, Welcome};
use crate::chat::history::Range;
use crate::chat::id::SessionId;
use crate::chat::nickname::Nickname;
use crate::chat::outbox::Lazy;
use crate::chat::table::{Input, State};
use crate::hex::Hex;
use crate::time::Instant;
use crate::trace::Mark;

impl ChatServer {
    /// A visiting session asks for a nickname, or for the session that its token stands for.
    pub(super) fn join(&mut self, now: Instant, session: SessionId, id: Option<RequestId>, join: &Join) {
        let token = join.token.as_ref().and_then(|token| token.raw().parse::<Token>().ok());
        let owner = token.and_then(|token| Some((token, *self.tokens.get(&token)?)));
        if let Some((token, owner)) = owner.filter(|_| join.resume && !mutant!(ParkedNotResumed)) {
            return self.go_on(now, session, owner, token, id, join);
        }
        if join.token.is_some() {
            self.mark(Mark::TokenUnknown);
        }
        match self.enter(now, session, join) {
            Ok(nick) => {
                let tail = self.history.tail(session, u64::MAX, join.history.unwrap_or(self.limits.backlog));
                self.welcome(session, id, None, false);
                if tail.count > 0 {
                    self.mark(Mark::BacklogShown);
                }
                self.show_range(session, tail.range);
                self.counters.joined += 1;
                if let Some(peer) = self.sessions.get(&session).map(|entry| entry.peer) {
                    self.event(ChatEvent::Joined { session, nick: nick.clone(), peer });
                }
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
        if let Some(theirs) = join.protocol.filter(|theirs| *theirs != PROTOCOL) {
            let message =
                format!("this server speaks version {PROTOCOL} of the protocol, not version {theirs}");
            return Err(refusal(ErrorCode::AnotherVersion, message));
        }
        if self.shutting_down {
            return Err(refusal(ErrorCode::ShuttingDown, CloseReason::ShuttingDown.to_string()));
        }
        let nick =
            Nickname::parse(join.nick.raw()).map_err(|e| refusal(ErrorCode::BadNick, e.to_string()))?;
        let gives_way = self.room_for_nick(session)?;
        self.claim(&nick, session)?;
        if let Some(other) = gives_way {
            self.dismiss_for(now, other);
        }
        self.count_nick(session);
        let token = join.resume.then(|| self.new_token(session));
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.nick = Some(nick.clone());
            entry.pings = join.ping;
            entry.resume = token.map(|token| Resume { token, previous: None, accepted: Accepted::default() });
        }
        self.go(now, session, Input::Join, State::Joined);
        Ok(nick)
    }

    /// Takes a nickname from those that are free and not banned.
    pub(super) fn claim(&mut self, nick: &Nickname, session: SessionId) -> Result<(), ErrorFrame> {
        let now = self.now;
        if let Some(ban) = self.bans.of_nick(now, &nick.key()) {
            return Err(self.banned(now, ban));
        }
        if self.roster.take(nick, session).is_ok() {
            return Ok(());
        }
        let holder = self.roster.holder(&nick.key()).and_then(|holder| self.sessions.get(&holder));
        // Whoever was killed and starts anew meets the session that it left behind: it can be told when that ends.
        let held_until =
            holder.filter(|holder| holder.state == State::Parked).and_then(|holder| holder.timer);
        let wait = held_until.map(|until| until - now);
        let suggestion =
            nick.suggest(|key| self.roster.holder(key).is_some() || self.bans.of_nick(now, key).is_some());
        let mut message = match wait {
            Some(wait) => {
                self.mark(Mark::NickHeld);
                let seconds = wait.as_millis().div_ceil(1000);
                format!("{nick} is held for {seconds} s more, for somebody whose connection was lost")
            }
            None => format!("{nick} is taken"),
        };
        if let Some(free) = &suggestion {
            message.push_str(&format!(", {free} is free"));
        }
        let retry_after_ms = wait.map(whole_millis);
        Err(ErrorFrame { suggestion, retry_after_ms, ..ErrorFrame::new(None, ErrorCode::NickTaken, message) })
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
        let Some(visiting) = self.sessions.get(&visitor) else { return };
        let (Some(stream), peer, address) = (visiting.stream, visiting.peer, visiting.address) else {
            return;
        };
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
        if let Some(before) = self.address_of(session) {
            self.nick_shares.give_back(before);
        }
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.stream = Some(stream);
            entry.peer = peer;
            entry.address = address;
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
                mutant!(PreviousTokenForgotten => self.tokens.remove(&used));
                mutant!(AcceptedForgotten => resume.accepted = Accepted::default());
            }
        }
        self.count_nick(session);
        self.go(now, session, Input::Resume, State::Joined);
        let seen = join.seen.unwrap_or(0).min(self.history.last());
        let missed = self.history.missed_since(seen.saturating_add(1)) * u64::from(!mutant!(GapNotTold));
        self.mark(match missed {
            0 if seen == self.history.last() => Mark::BackWithNothingMissed,
            0 => Mark::BackWithBacklog,
            _ => Mark::BackToGap,
        });
        self.welcome(session, id, (missed > 0).then_some(missed), true);
        let next = seen.saturating_add(1 + u64::from(mutant!(ResumeSkipsOne))).max(self.history.first());
        self.show_range(session, Range { next, end: self.history.next() });
        self.counters.resumed += 1;
        self.event(ChatEvent::Resumed { session, stream, seen, peer });
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
}
