//! How a connection parts from its session, and is closed.

use super::lifecycle::Unread;
use super::session::{Patience, Pushed};
use super::{Action, ChatEvent, ChatServer, CloseReason, Counters, timers};
use crate::chat::address::Address;
use crate::chat::frame::ServerFrame;
use crate::chat::id::{SessionId, StreamId};
use crate::time::Instant;

impl ChatServer {
    /// Parts a session from its connection.
    fn detach(&mut self, session: SessionId) -> Option<StreamId> {
        let entry = self.sessions.get_mut(&session)?;
        let stream = entry.stream.take()?;
        entry.pinged = false;
        let waiting = core::mem::take(&mut entry.waiting_files);
        self.stop_waiting(session, waiting);
        let connection = self.connections.get_mut(&stream)?;
        connection.session = None;
        connection.hears = false;
        self.closing += 1;
        let address = connection.address.take();
        if let Some(address) = address {
            self.release(address);
        }
        Some(stream)
    }

    fn release(&mut self, address: Address) {
        mutant!(AddressNotReleased => return);
        self.connection_shares.give_back(address);
    }

    pub(super) fn stop_waiting(&mut self, session: SessionId, waiting: u32) {
        if waiting > 0 {
            self.waiting_files.retain(|(waits, _)| *waits != session);
        }
    }

    /// Closes the connection of a session, if it has one, after a word.
    pub(super) fn close(&mut self, now: Instant, session: SessionId, reason: CloseReason, unread: Unread) {
        let Some(stream) = self.detach(session) else { return };
        if let Some(connection) = self.connections.get_mut(&stream)
            && unread == Unread::Dropped
        {
            connection.outbox.cut();
            self.recount(stream);
        }
        self.say_closing(now, stream, reason);
    }

    /// Says why a connection is closed, and has it closed when that was read.
    pub(super) fn say_closing(&mut self, now: Instant, stream: StreamId, reason: CloseReason) {
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        let frame = ServerFrame::Closing { reason: reason.to_string().into() }.encode();
        if let Pushed::Announce = connection.push(now, &frame, Patience::ENDLESS) {
            self.actions.push_back(Action::Pending(stream));
        }
        self.recount(stream);
        Counters::count(&mut self.counters.closed, reason);
        self.event(ChatEvent::Closed { stream, reason });
        self.actions.push_back(Action::Close { stream, after_flush: true, reason });
        self.arm_flush(stream, Some(now + timers::FLUSH_TIMEOUT));
    }

    /// The connection of a session is gone.
    pub(super) fn drop_connection(&mut self, session: SessionId) {
        if let Some(stream) = self.detach(session) {
            Counters::count(&mut self.counters.closed, CloseReason::Lost);
            self.event(ChatEvent::Closed { stream, reason: CloseReason::Lost });
            self.forget(stream);
        }
    }

    /// Closes a connection without a word.
    pub(super) fn abandon(&mut self, stream: StreamId, reason: CloseReason) {
        Counters::count(&mut self.counters.closed, reason);
        self.actions.push_back(Action::Close { stream, after_flush: false, reason });
        self.forget(stream);
    }

    /// Forgets a connection that has no session.
    pub(super) fn forget(&mut self, stream: StreamId) {
        if self.connections.get(&stream).is_some_and(|connection| connection.session.is_none()) {
            self.arm_flush(stream, None);
            let excess = self.connections.remove(&stream).map_or(0, |connection| connection.excess);
            self.excess = self.excess.saturating_sub(excess);
            self.closing -= 1;
        }
    }
}
