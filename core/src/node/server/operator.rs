//! What an operator asks of a server that runs, and what it is answered.
//!
//! A console, or whatever else stands in front of an operator, holds no state of the protocol: it sends an [`Order`]
//! and shows the [`Answer`].

use core::time::Duration;

use super::Server;
use super::downloads::Download;
use crate::chat::table::State;
use crate::chat::{Ban, Counters as ChatCounters, Nickname, OperatorError, Person, StoredBan, Whom};
use crate::node::Counters;
use crate::time::{Instant, UnixTime};

/// What an operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Who is here?
    Who,
    /// Who may not come in?
    Bans,
    /// End the session that has a nickname.
    Kick {
        /// The nickname.
        nick: Nickname,
        /// What its user is told.
        reason: Option<String>,
    },
    /// Keep somebody out, in place of an earlier ban, and end their sessions.
    Ban {
        /// Whom.
        whom: Whom,
        /// For how long; `None` for ever.
        lasts: Option<Duration>,
        /// What they are told.
        reason: Option<String>,
    },
    /// Let somebody in again.
    Unban(Whom),
    /// Tell everybody who is connected.
    Say(String),
}

/// What an operator is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Who is here: those with a nickname first, in the order of the names.
    Present(Vec<Present>),
    /// Who may not come in: nicknames first, and when each ban is over by the calendar.
    Bans(Vec<(Ban, Option<UnixTime>)>),
    /// Somebody is kept out from now on.
    Banned {
        /// Number of sessions that this has ended.
        ended: usize,
        /// When it is over by the calendar; `None` for never.
        until: Option<UnixTime>,
    },
    /// It was done, and has ended so many sessions.
    Done {
        /// How many.
        ended: usize,
    },
}

/// Somebody who is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Who, and from where.
    pub person: Person,
    /// For how long they are in this state.
    pub lasts: Duration,
    /// Downloads of theirs that are not over.
    pub downloads: usize,
}

/// What a server has counted, and what there is of it at the moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// What the chat has counted.
    pub chat: ChatCounters,
    /// What was counted of downloads and datagrams, those that run included.
    pub transfer: Counters,
    /// Connections, those that are being closed among them.
    pub connections: usize,
    /// Sessions without a nickname.
    pub visiting: usize,
    /// Sessions with a nickname and a connection.
    pub joined: usize,
    /// Sessions whose nickname is held until they come back.
    pub parked: usize,
    /// Downloads that are not over, offered ones included.
    pub downloads: usize,
    /// Bans that hold.
    pub bans: usize,
}

impl Server {
    /// Does what an operator asks for.
    ///
    /// # Errors
    /// It cannot be done; nothing was changed.
    pub fn handle_order(&mut self, now: Instant, order: Order) -> Result<Answer, OperatorError> {
        let done = |ended| Answer::Done { ended };
        let answer = match order {
            Order::Who => Ok(Answer::Present(self.present(now))),
            Order::Bans => {
                let end = |ban: &Ban| ban.until.map(|until| self.chat.calendar(until));
                Ok(Answer::Bans(self.chat.bans(now).map(|ban| (ban.clone(), end(ban))).collect()))
            }
            Order::Kick { nick, reason } => self.chat.kick(now, &nick, reason.as_deref()).map(|()| done(1)),
            Order::Ban { whom, lasts, reason } => {
                let until = lasts.map(|lasts| self.chat.calendar(now + lasts));
                self.chat.ban(now, whom, lasts, reason).map(|ended| Answer::Banned { ended, until })
            }
            Order::Unban(whom) => self.chat.unban(now, whom).map(|()| done(0)),
            Order::Say(text) => Ok(self.chat.announce(now, &text).map(|()| done(0))?),
        };
        self.settle(now);
        answer
    }

    /// Keeps somebody out as a server before this one did.
    ///
    /// # Errors
    /// There are too many bans, or the reason is no text that can be sent.
    pub fn restore_ban(&mut self, now: Instant, ban: StoredBan) -> Result<(), OperatorError> {
        self.chat.restore_ban(now, ban)
    }

    /// What was counted, and what there is. Its cost grows with the sessions and downloads that there are.
    pub fn stats(&self, now: Instant) -> Stats {
        let mut transfer = self.counters.clone();
        for download in self.downloads.values() {
            download.add_to(&mut transfer);
        }
        Stats {
            chat: self.chat.counters().clone(),
            transfer,
            connections: self.chat.connections(),
            visiting: self.chat.sessions_in(State::Visiting),
            joined: self.chat.sessions_in(State::Joined),
            parked: self.chat.sessions_in(State::Parked),
            downloads: self.downloads.values().filter(|it| !it.is_over()).count(),
            bans: self.chat.bans(now).count(),
        }
    }

    fn present(&self, now: Instant) -> Vec<Present> {
        let mut running = std::collections::BTreeMap::<_, usize>::new();
        for Download { session, .. } in self.downloads.values().filter(|it| !it.is_over()) {
            *running.entry(*session).or_default() += 1;
        }
        let present = |person: Person| Present {
            lasts: now - person.since,
            downloads: running.get(&person.session).copied().unwrap_or_default(),
            person,
        };
        self.chat.people().into_iter().map(present).collect()
    }
}
