//! Sending no faster than the server allows.
//!
//! The client keeps a copy of the server's bucket that never holds more than the server's does: a token is taken
//! off when the *answer* comes, later than the server took it, and until then counts as taken and not growing
//! back. However the network stretches or bunches what is under way, a message that the copy has a token for finds
//! one at the server. So no message is refused while a later one is let through, and order needs no further care.
//! The copy fills a little more slowly than told, for two clocks never agree.

use super::{ChatClient, Phase};
use crate::chat::frame::Request;
use crate::time::Instant;

impl ChatClient {
    /// When the next message may be sent; `None` while none waits or an answer has to come first.
    pub(super) fn next_message_at(&self) -> Option<Instant> {
        if self.messages.iter().all(|message| message.sent) || self.phase != Phase::Up {
            return None;
        }
        let rate = self.limits.messages().eased();
        let needed = self.messages_in_flight() + 1;
        (needed <= rate.burst).then(|| self.message_bucket.holds(needed, rate).max(self.hold_messages))
    }

    /// When the next other request may be sent; `None` while none waits or an answer has to come first.
    pub(super) fn next_ask_at(&self) -> Option<Instant> {
        if self.asks.iter().all(|ask| ask.sent.is_some()) || self.phase != Phase::Up {
            return None;
        }
        let rate = self.limits.requests().eased();
        let needed = self.asked_tokens().saturating_add(1);
        let fits = needed <= rate.burst && self.asks_in_flight() < self.limits.lists_per_session;
        fits.then(|| self.ask_bucket.holds(needed, rate).max(self.hold_asks))
    }

    fn messages_in_flight(&self) -> u32 {
        u32::try_from(self.messages.iter().filter(|message| message.sent).count()).unwrap_or(u32::MAX)
    }

    fn asks_in_flight(&self) -> u32 {
        u32::try_from(self.asks.iter().filter(|ask| ask.sent.is_some()).count()).unwrap_or(u32::MAX)
    }

    /// Returns the number of tokens that the server takes for the requests under way.
    fn asked_tokens(&self) -> u32 {
        let sent = self.asks.iter().filter(|ask| ask.sent.is_some());
        sent.fold(0, |sum, ask| sum.saturating_add(ask.request.tokens()))
    }

    /// Sends the messages that may be sent now.
    pub(super) fn send_messages(&mut self, now: Instant) {
        while self.next_message_at().is_some_and(|at| at <= now) {
            let Some(next) = self.messages.iter_mut().find(|message| !message.sent) else { return };
            next.sent = true;
            let (request, id) = (next.request.clone(), next.id.clone());
            self.send(request, Some(id));
        }
    }

    /// Sends the other requests that may be sent now.
    pub(super) fn send_asks(&mut self, now: Instant) {
        while self.next_ask_at().is_some_and(|at| at <= now) {
            let Some(place) = self.asks.iter().position(|ask| ask.sent.is_none()) else { return };
            let Some(next) = self.asks.get_mut(place) else { return };
            next.sent = Some(now);
            let (request, id) = (next.request.clone(), next.id.clone());
            if matches!(request, Request::Stop { .. }) {
                // It has no answer to wait for, so its token is taken off at once.
                self.asks.remove(place);
                self.charge_ask(now, 1);
            }
            self.send(request, Some(id));
        }
    }

    /// The server has taken a token for a message, by now at the latest.
    pub(super) fn charge_message(&mut self, now: Instant) {
        self.message_bucket.charge(now, self.limits.messages().eased());
    }

    /// The server has taken the tokens of another request, by now at the latest.
    pub(super) fn charge_ask(&mut self, now: Instant, tokens: u32) {
        self.ask_bucket.charge_many(now, tokens, self.limits.requests().eased());
    }
}
