//! Places, and the choice of a session that has to go when all are taken.
//!
//! A place is a connection or a nickname. Each address has a share of them, and when they run out for all, whoever comes
//! gets the place of somebody whose address has more: so that some strangers, who have come first, cannot keep everybody
//! else out.

use super::lifecycle::Notice;
use super::session::Session;
use super::{ChatServer, CloseReason};
use crate::chat::address::Address;
use crate::chat::frame::{ErrorCode, ErrorFrame};
use crate::chat::id::SessionId;
use crate::chat::shares::Shares;
use crate::chat::table::State;
use crate::time::Instant;
use core::cmp::Reverse;
use core::time::Duration;

/// A connection that has neither joined nor said anything for so long gives way to another of its address. One-shot
/// commands ask at once.
const IDLE_VISITOR: Duration = Duration::from_secs(10);

/// There is no place.
pub(super) type NoPlace = (ErrorCode, CloseReason);

impl ChatServer {
    /// Makes room for another connection from `address`.
    pub(super) fn make_room(&mut self, now: Instant, address: Option<Address>) -> Result<(), NoPlace> {
        let limits = &self.limits;
        if let Some(address) =
            address.filter(|it| self.connection_shares.is_full(*it, limits.connections_per_address))
        {
            let idle = |it: &Session| {
                it.state == State::Visiting
                    && !it.busy
                    && it.address == Some(address)
                    && it.last_input + IDLE_VISITOR <= now
            };
            let visitors = self.sessions.iter().filter(|(_, it)| idle(it));
            let longest = visitors.min_by_key(|(_, it)| it.last_input).map(|(session, _)| *session);
            let no_place = (ErrorCode::TooManyConnections, CloseReason::TooManyConnections);
            self.dismiss_for(now, longest.ok_or(no_place)?);
        }
        if self.connections.len() - self.closing >= self.limits.clients as usize {
            let connected = |it: &Session| it.stream.is_some() && !it.busy;
            let session = self.who_gives_way(&self.connection_shares, address, connected);
            self.dismiss_for(now, session.ok_or((ErrorCode::Full, CloseReason::Full))?);
        }
        Ok(())
    }

    /// Returns the session that would have to go so that `session` can take a nickname; `None` when none has
    /// to.
    pub(super) fn room_for_nick(&self, session: SessionId) -> Result<Option<SessionId>, ErrorFrame> {
        let address = self.address_of(session);
        let no_room = |code, message: String| ErrorFrame::new(None, code, message);
        let most = self.limits.connections_per_address;
        if let Some(address) = address.filter(|it| self.nick_shares.is_full(*it, most)) {
            let parked = |it: &Session| it.state == State::Parked && it.address == Some(address);
            let parked = self.sessions.iter().filter(|(_, it)| parked(it));
            let longest = parked.min_by_key(|(_, it)| it.since).map(|(session, _)| *session);
            let message = || format!("as many nicknames as one address may have are held from {address}");
            return longest.map(Some).ok_or_else(|| no_room(ErrorCode::TooManyConnections, message()));
        }
        if self.roster.len() < self.limits.clients as usize {
            return Ok(None);
        }
        let named = |it: &Session| it.nick.is_some() && !it.busy;
        let gives_way = self.who_gives_way(&self.nick_shares, address, named);
        gives_way.map(Some).ok_or_else(|| no_room(ErrorCode::Full, CloseReason::Full.to_string()))
    }

    /// Ends a session for another's sake.
    pub(super) fn dismiss_for(&mut self, now: Instant, session: SessionId) {
        self.dismiss(now, session, CloseReason::MadeRoom, Notice::Told);
    }

    /// Of the address that has most of these places, whoever has moved nothing longest: a parked one before those who are
    /// connected, a visitor before those who have joined. Nobody, when no address would keep as many as the newcomer's
    /// would have then.
    fn who_gives_way(
        &self,
        shares: &Shares,
        newcomer: Option<Address>,
        may: impl Fn(&Session) -> bool,
    ) -> Option<SessionId> {
        let theirs = newcomer.map_or(0, |address| shares.held(address));
        let candidates = self.sessions.iter().filter(|(_, it)| may(it)).filter_map(|(session, it)| {
            let held = shares.held(it.address?);
            (held > theirs.saturating_add(1)).then_some((session, held, it))
        });
        let rank = |state| match state {
            State::Parked => 2,
            State::Visiting => 1,
            State::Joined => 0,
        };
        candidates
            .max_by_key(|(_, held, it)| (*held, rank(it.state), Reverse(it.last_input)))
            .map(|(session, ..)| *session)
    }

    /// A session has taken a nickname, or comes from elsewhere: its nickname is counted there.
    pub(super) fn count_nick(&mut self, session: SessionId) {
        if let Some(address) = self.address_of(session) {
            self.nick_shares.take(address);
        }
    }
}
