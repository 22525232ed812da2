//! What is always true of a server.

use super::ChatServer;
use crate::chat::table::State;

/// How many sessions are looked at for each input, on average: checking all of them every time would make ten
/// thousand sessions cost ten thousand times as much.
const SESSIONS_PER_INPUT: u64 = 4;

/// Whether the invariants are to be checked after the input with this number.
pub(super) fn is_due(input: u64, sessions: usize) -> bool {
    input.is_multiple_of(1 + sessions as u64 / SESSIONS_PER_INPUT)
}

impl ChatServer {
    /// Panics where the server contradicts itself.
    pub(super) fn check_invariants(&self) {
        let mut waiting_files = 0;
        for (id, session) in &self.sessions {
            let connection = session.stream.and_then(|stream| self.connections.get(&stream));
            assert_eq!(session.state == State::Parked, connection.is_none(), "{id} is parked or connected");
            assert_eq!(
                session.state == State::Visiting,
                session.nick.is_none(),
                "{id} has joined or no name"
            );
            if let Some(connection) = connection {
                assert_eq!(connection.session, Some(*id), "the connection of {id} is its own");
                assert_eq!(connection.hears, session.state == State::Joined, "{id} hears what is said");
            }
            if let Some(nick) = &session.nick {
                assert_eq!(self.roster.holder(&nick.key()), Some(*id), "{id} holds its nickname");
            }
            if let Some(resume) = &session.resume {
                assert_eq!(self.tokens.get(&resume.token), Some(id), "the token of {id} is good");
            }
            assert!(session.state != State::Parked || session.resume.is_some(), "{id} asked to be parked");
            if let Some(at) = session.timer {
                assert!(self.timers.contains(&(at, super::Timer::Session(*id))), "the timer of {id} is set");
            }
            waiting_files += session.waiting_files as usize;
        }
        assert_eq!(waiting_files, self.waiting_files.len(), "who waits for files is a session");
        assert_eq!(
            self.roster.len(),
            self.sessions.values().filter(|session| session.nick.is_some()).count(),
            "every nickname is held by a session"
        );
        let good: usize = self
            .sessions
            .values()
            .filter_map(|session| session.resume.as_ref())
            .map(|resume| 1 + usize::from(resume.previous.is_some()))
            .sum();
        assert_eq!(good, self.tokens.len(), "every token belongs to a session");
        let mut counted = 0;
        for (stream, connection) in &self.connections {
            let holder = connection.session.and_then(|session| self.sessions.get(&session));
            assert_eq!(holder.is_some(), connection.session.is_some(), "the session of {stream} exists");
            assert!(
                holder.is_none_or(|session| session.stream == Some(*stream)),
                "{stream} is its session's"
            );
            assert_eq!(
                connection.timer.is_some(),
                connection.session.is_none(),
                "{stream} is open or has a term"
            );
            connection.outbox.check_invariants();
            let excess =
                connection.outbox.live_bytes().saturating_sub(self.limits.slow_reader_bytes as usize);
            assert_eq!(excess, connection.excess, "what waits for {stream} is counted");
            counted += usize::from(connection.address.is_some());
        }
        let closing = self.connections.values().filter(|connection| connection.session.is_none()).count();
        assert_eq!(closing, self.closing, "the connections to be closed are counted");
        assert_eq!(counted, self.connection_shares.in_all(), "connections are counted by address");
        let named = self.sessions.values().filter(|it| it.nick.is_some() && it.address.is_some()).count();
        assert_eq!(named, self.nick_shares.in_all(), "nicknames are counted by address");
        let excess = self.connections.values().map(|connection| connection.excess).sum::<usize>();
        assert_eq!(excess, self.excess, "what waits beyond the limits is counted");
        let timers = self.sessions.values().filter(|session| session.timer.is_some()).count() + closing;
        assert_eq!(timers, self.timers.len(), "every timer belongs to somebody");
        assert!(self.overflowed.is_empty(), "who reads too slowly has been closed");
        self.history.check_invariants();
    }
}
