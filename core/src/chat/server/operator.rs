//! What an operator does to a chat: looks at who is here, tells them something, sends them away, keeps them out.

use super::lifecycle::Notice;
use super::{ChatServer, CloseReason, messages};
use crate::chat::bans::{Ban, Bans, OperatorError, Whom};
use crate::chat::frame::{ErrorCode, ErrorFrame, ServerFrame, TextError, check_text};
use crate::chat::id::SessionId;
use crate::chat::limits::MAX_TEXT_BYTES;
use crate::chat::nickname::Nickname;
use crate::chat::table::State;
use crate::time::{Instant, UnixTime};
use core::net::IpAddr;
use core::time::Duration;

/// One session, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The session.
    pub session: SessionId,
    /// Its nickname, if it has joined.
    pub nick: Option<Nickname>,
    /// Where its connection comes from; of one that is parked, where it came from.
    pub peer: IpAddr,
    /// What is going on.
    pub state: State,
    /// Since when.
    pub since: Instant,
}

/// A ban as it can be kept from one server to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBan {
    /// The nickname or the addresses that are banned.
    pub whom: Whom,
    /// When it is over by the calendar; `None` for never.
    pub until: Option<UnixTime>,
    /// The reason that the banned are told.
    pub reason: Option<String>,
}

impl ChatServer {
    /// Every session: those with a nickname first, in the order of the names.
    pub fn people(&self) -> Vec<Person> {
        let person = |(id, session): (&SessionId, &super::Session)| Person {
            session: *id,
            nick: session.nick.clone(),
            peer: session.peer,
            state: session.state,
            since: session.since,
        };
        let named = self.roster.iter().filter_map(|(_, id)| Some(person((&id, self.sessions.get(&id)?))));
        let visiting = self.sessions.iter().filter(|(_, session)| session.nick.is_none()).map(person);
        named.chain(visiting).collect()
    }

    /// How many sessions are in a state.
    pub fn sessions_in(&self, state: State) -> usize {
        self.sessions.values().filter(|session| session.state == state).count()
    }

    /// Every ban that holds.
    pub fn bans(&self, now: Instant) -> impl Iterator<Item = &Ban> {
        self.bans.iter(now)
    }

    /// What the calendar shows at an instant, which may be to come.
    pub fn calendar(&self, at: Instant) -> UnixTime {
        self.wall(at)
    }

    /// Tells everybody who is connected.
    ///
    /// # Errors
    /// The text is none that can be sent.
    pub fn announce(&mut self, now: Instant, text: &str) -> Result<(), TextError> {
        let now = self.begin(now);
        check_text(text, MAX_TEXT_BYTES)?;
        let frame = ServerFrame::Notice { text: text.into() }.encode();
        self.broadcast(&frame, messages::To::Connected);
        self.settle(now);
        Ok(())
    }

    /// Ends the session that has a nickname. Its client may come back, as somebody new.
    ///
    /// # Errors
    /// Nobody has it, or the reason is no text that can be sent.
    pub fn kick(&mut self, now: Instant, nick: &Nickname, reason: Option<&str>) -> Result<(), OperatorError> {
        let now = self.begin(now);
        check_reason(reason)?;
        let session = self.roster.holder(&nick.key()).ok_or_else(|| OperatorError::Nobody(nick.clone()))?;
        let message = with_reason("the operator has ended this session".to_owned(), reason);
        self.send_away(now, session, ErrorFrame::new(None, ErrorCode::Kicked, message), CloseReason::Kicked);
        self.settle(now);
        Ok(())
    }

    /// Keeps somebody out, for a time or for ever, and ends the sessions that this is about.
    /// Tells how many those were.
    ///
    /// # Errors
    /// There are too many bans, or the reason is no text that can be sent.
    pub fn ban(
        &mut self,
        now: Instant,
        whom: Whom,
        lasts: Option<Duration>,
        reason: Option<String>,
    ) -> Result<usize, OperatorError> {
        let now = self.begin(now);
        check_reason(reason.as_deref())?;
        let ban = Ban { whom: whom.clone(), until: lasts.map(|lasts| now + lasts), reason };
        let error = self.banned(now, &ban);
        self.bans.add(now, ban)?;
        let sessions: Vec<SessionId> = match whom {
            Whom::Nick(nick) => self.roster.holder(&nick.key()).into_iter().collect(),
            Whom::Range(network) => {
                let from_there = self.sessions.iter().filter(|(_, it)| network.contains(it.peer));
                from_there.map(|(session, _)| *session).collect()
            }
        };
        for session in &sessions {
            self.send_away(now, *session, error.clone(), CloseReason::Banned);
        }
        self.settle(now);
        Ok(sessions.len())
    }

    /// Lets somebody in again.
    ///
    /// # Errors
    /// There is no such ban.
    pub fn unban(&mut self, now: Instant, whom: Whom) -> Result<(), OperatorError> {
        let now = self.begin(now);
        self.bans.lift(now, whom)
    }

    /// Keeps somebody out as a server before this one did; a ban that is over by the calendar is passed over.
    ///
    /// # Errors
    /// There are too many bans, or the reason is no text that can be sent.
    pub fn restore_ban(&mut self, now: Instant, ban: StoredBan) -> Result<(), OperatorError> {
        let now = self.begin(now);
        check_reason(ban.reason.as_deref())?;
        let wall = self.wall(now).as_millis();
        let until = match ban.until.map(|until| until.as_millis().saturating_sub(wall)) {
            Some(left) if left <= 0 => return Ok(()),
            Some(left) => Some(now + Duration::from_millis(left.unsigned_abs())),
            None => None,
        };
        self.bans.add(now, Ban { whom: ban.whom, until, reason: ban.reason })
    }

    /// What the banned are told: until when, for people and for programs.
    pub(super) fn banned(&self, now: Instant, ban: &Ban) -> ErrorFrame {
        let left = ban.until.map(|until| until - now);
        let mut message = format!("{} is banned", ban.whom);
        if let Some(left) = left {
            message += &format!(" until {}", self.wall(now).saturating_add(left));
        }
        let millis = |left: Duration| u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        let message = with_reason(message, ban.reason.as_deref());
        ErrorFrame { retry_after_ms: left.map(millis), ..ErrorFrame::new(None, ErrorCode::Banned, message) }
    }

    fn send_away(&mut self, now: Instant, session: SessionId, error: ErrorFrame, reason: CloseReason) {
        self.refuse(session, error);
        self.dismiss(now, session, reason, Notice::Told);
    }
}

fn check_reason(reason: Option<&str>) -> Result<(), TextError> {
    reason.map_or(Ok(()), |reason| check_text(reason, Bans::MAX_REASON_BYTES))
}

fn with_reason(what: String, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("{what}: {reason}"),
        None => what,
    }
}
