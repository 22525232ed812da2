//! What a server knows of one session, and of one connection.

use crate::chat::address::Address;
use crate::chat::frame::RequestId;
use crate::chat::id::{SessionId, StreamId};
use crate::chat::limits::{Bucket, Limits};
use crate::chat::lines::Lines;
use crate::chat::nickname::Nickname;
use crate::chat::outbox::Outbox;
use crate::chat::table::State;
use crate::hex::Hex;
use crate::time::Instant;
use bytes::Bytes;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::VecDeque;

/// What a client comes back with: 128 bits.
pub(super) type Token = Hex<16>;

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    /// Changed by [`super::ChatServer::go`] alone.
    pub(super) state: State,
    /// When it came into its state, or finished being busy.
    pub(super) since: Instant,
    /// From joining on.
    pub(super) nick: Option<Nickname>,
    /// Where its connection comes from, or came from.
    pub(super) peer: IpAddr,
    /// The address that the peer is counted by, unless it is exempt.
    pub(super) address: Option<Address>,
    /// Its connection; none while it is parked.
    pub(super) stream: Option<StreamId>,
    /// If it asked for that when it joined.
    pub(super) resume: Option<Resume>,
    /// Whether it asked for pings when it joined.
    pub(super) pings: bool,
    /// A ping was sent and nothing has come since.
    pub(super) pinged: bool,
    /// A download runs.
    pub(super) busy: bool,
    /// How many requests for downloads have no answer yet.
    pub(super) owed: u32,
    /// When something came from it last.
    pub(super) last_input: Instant,
    /// Lists of files that it waits for, which the driver is reading.
    pub(super) waiting_files: u32,
    pub(super) messages: Bucket,
    pub(super) requests: Bucket,
    pub(super) malformed: Bucket,
    /// For bytes that were for nothing.
    pub(super) waste: Bucket,
    /// Bytes of the line that is being handled.
    pub(super) line_bytes: usize,
    /// Bytes that were for nothing and are not charged yet.
    pub(super) wasted: usize,
    /// Its entry among the timers.
    pub(super) timer: Option<Instant>,
}

/// Cost of a line that was for nothing, beside its bytes: it was looked at, and most are answered.
pub(super) const WASTED_LINE_BYTES: usize = 128;

impl Session {
    /// The line that is being handled was for nothing.
    pub(super) fn waste_line(&mut self) {
        self.wasted = self.wasted.saturating_add(self.line_bytes).saturating_add(WASTED_LINE_BYTES);
    }

    pub(super) fn new(now: Instant, stream: StreamId, peer: IpAddr, address: Option<Address>) -> Self {
        Self {
            state: State::Visiting,
            since: now,
            nick: None,
            peer,
            address,
            stream: Some(stream),
            resume: None,
            pings: false,
            pinged: false,
            busy: false,
            owed: 0,
            last_input: now,
            waiting_files: 0,
            messages: Bucket::default(),
            requests: Bucket::default(),
            malformed: Bucket::default(),
            waste: Bucket::default(),
            line_bytes: 0,
            wasted: 0,
            timer: None,
        }
    }
}

/// What makes coming back possible.
#[derive(Debug)]
pub(super) struct Resume {
    /// The token given last.
    pub(super) token: Token,
    /// The one before. It stays good until a client uses the newer one, for nobody else can tell whether the
    /// welcome that carried the newer one ever arrived: without it a client that loses its connection at that
    /// moment would find its own nickname taken.
    pub(super) previous: Option<Token>,
    /// The last messages taken, by id.
    pub(super) accepted: Accepted,
}

/// The ids of the last messages taken from a session, and their numbers.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    last: VecDeque<(RequestId, u64)>,
}

impl Accepted {
    /// How many are kept. A client that paces itself has a handful unconfirmed at a time.
    pub(super) const KEPT: usize = 256;

    /// The number that the message called `id` was given.
    pub(super) fn number(&self, id: &RequestId) -> Option<u64> {
        self.last.iter().rev().find(|(known, _)| known == id).map(|(_, number)| *number)
    }

    /// A message called `id` was given `number`.
    pub(super) fn remember(&mut self, id: RequestId, number: u64) {
        if self.last.len() >= Self::KEPT {
            self.last.pop_front();
        }
        self.last.push_back((id, number));
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Its session; none once the connection is to be closed, and then what still comes is passed over.
    pub(super) session: Option<SessionId>,
    /// Whose eyes it shows the history to; stays when the session has gone and its list is still being read.
    pub(super) viewer: SessionId,
    /// Its session has joined: it gets what goes to all. Kept here so that a message to all is one walk.
    pub(super) hears: bool,
    /// The peer will send nothing more.
    pub(super) finished: bool,
    /// No line has come yet but empty ones: it may turn out to speak another protocol.
    pub(super) is_new: bool,
    /// What it is counted by, unless it is exempt or was turned away.
    pub(super) address: Option<Address>,
    pub(super) lines: Lines,
    pub(super) outbox: Outbox,
    /// Since when live frames wait in it, for those who count.
    pub(super) waits_since: Option<Instant>,
    /// When it took something last, or something began to wait for it.
    pub(super) progress: Instant,
    /// Bytes that wait beyond what may wait for each, as they were counted last.
    pub(super) excess: usize,
    /// Its entry among the timers: until when it has to have read what was left.
    pub(super) timer: Option<Instant>,
}

/// What an idle client costs, but for its entries in the maps: a server of ten thousand holds ten megabytes.
const _: () = assert!(size_of::<Session>() + size_of::<Connection>() < 1024);

/// Bounds on waiting for a slow reader.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    /// With so much waiting, always.
    pub(super) bytes: usize,
    /// With more, for so long since it took something.
    pub(super) time: Duration,
}

impl Patience {
    /// For what has to be said.
    pub(super) const ENDLESS: Self = Self { bytes: usize::MAX, time: Duration::MAX };

    pub(super) fn of(limits: &Limits) -> Self {
        Self { bytes: limits.slow_reader_bytes as usize, time: limits.slow_reader_timeout }
    }
}

/// What pushing a frame has led to.
pub(super) enum Pushed {
    /// It waits; the driver knows that something does.
    Queued,
    /// It waits, and the driver has to be told.
    Announce,
    /// It does not fit: the reader is too slow.
    TooMuch,
}

impl Connection {
    pub(super) fn new(session: Option<SessionId>, address: Option<Address>) -> Self {
        Self {
            session,
            viewer: session.unwrap_or(SessionId(0)),
            hears: false,
            finished: false,
            is_new: true,
            address,
            lines: Lines::default(),
            outbox: Outbox::default(),
            waits_since: None,
            progress: Instant::ZERO,
            excess: 0,
            timer: None,
        }
    }

    /// Adds a live frame, unless more waits than may and nothing was taken for too long. How much waits is not for the
    /// reader to decide but for those who talk; whether it reads is.
    pub(super) fn push(&mut self, now: Instant, bytes: &Bytes, patience: Patience) -> Pushed {
        let waiting = self.outbox.live_bytes();
        if waiting == 0 {
            self.progress = now;
        }
        let is_much = waiting > 0 && waiting.saturating_add(bytes.len()) > patience.bytes;
        if is_much && self.progress + patience.time <= now && !mutant!(SlowReaderKept) {
            return Pushed::TooMuch;
        }
        self.outbox.push(bytes.clone());
        self.waits_since.get_or_insert(now);
        if self.outbox.announce() { Pushed::Announce } else { Pushed::Queued }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_256_ids_are_known() {
        let mut accepted = Accepted::default();
        for number in 0..300 {
            accepted.remember(RequestId::Number(number), number + 1);
        }
        assert_eq!(accepted.number(&RequestId::Number(43)), None);
        assert_eq!(accepted.number(&RequestId::Number(44)), Some(45));
        assert_eq!(accepted.number(&RequestId::Text("44".into())), None);
    }
}
