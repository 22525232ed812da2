//! What comes from the server.

use super::{ChatClient, ClientAction, ClientChatEvent, Phase, Token};
use crate::chat::frame::{
    ErrorCode, ErrorFrame, FrameError, PROTOCOL, Request, RequestId, ServerFrame, TicketFrame, Welcome,
};
use crate::chat::limits::Bucket;
use crate::chat::lines::Line;
use crate::time::Instant;
use crate::trace::Mark;
use core::time::Duration;

/// While more than this waits to be sent, pings are not answered: a server that asks without reading is not owed
/// memory.
const MAX_WAITING_FOR_PONG: usize = 64 * 1024;

/// The wait after a message that was too fast, from a server that does not say how long.
const DEFAULT_RETRY_AFTER_MS: u64 = 500;

/// Longest wait that a server can impose with `retry_after_ms`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long a server that says so many milliseconds is waited for.
pub(super) fn wait(millis: u64) -> Duration {
    Duration::from_millis(millis).min(MAX_RETRY_AFTER)
}

impl ChatClient {
    /// Reads the lines that end in `bytes`.
    pub(super) fn read(
        &mut self,
        now: Instant,
        mut bytes: &[u8],
        mut decode: impl FnMut(&[u8]) -> Result<ServerFrame, FrameError>,
    ) {
        loop {
            if !matches!(self.phase, Phase::Joining | Phase::Up | Phase::Leaving) {
                return;
            }
            self.last_input = now;
            match self.lines.next_line(&mut bytes) {
                None => return,
                Some(Line::TooLong) => self.counters.too_long += 1,
                Some(Line::Whole(line)) => match decode(&line) {
                    Ok(frame) => self.handle_frame(now, frame),
                    Err(FrameError::UnknownType(_)) => self.counters.unknown += 1,
                    Err(_) => self.counters.malformed += 1,
                },
            }
        }
    }

    fn handle_frame(&mut self, now: Instant, frame: ServerFrame) {
        match frame {
            ServerFrame::Ping => {
                if self.outgoing.bytes() < MAX_WAITING_FOR_PONG {
                    self.send(Request::Pong, None);
                }
            }
            ServerFrame::Pong { .. } => {}
            ServerFrame::Closing { ref reason } => {
                self.closing = Some(reason.clone());
                self.show(frame);
            }
            ServerFrame::Error(error) => self.handle_error(now, error),
            ServerFrame::Welcome(welcome) if self.phase == Phase::Joining => {
                self.handle_welcome(now, *welcome);
            }
            ServerFrame::Welcome(_) => self.counters.unexpected += 1,
            ServerFrame::Notice { .. } => self.show(frame),
            _ if self.phase == Phase::Joining => self.counters.unexpected += 1,
            ServerFrame::Message(ref message) => {
                let (number, backlog) = (message.number, message.backlog);
                self.show_message(number, backlog, frame);
            }
            ServerFrame::Private(ref message) => {
                let (number, backlog) = (message.number, message.backlog);
                self.show_message(number, backlog, frame);
            }
            ServerFrame::Accepted { ref id, .. } => {
                self.confirm_message(now, id.as_ref());
                self.show(frame);
            }
            ServerFrame::Renamed { ref id, ref to, .. } => {
                if self.confirm_message(now, id.as_ref())
                    && let Some(join) = &mut self.config.join
                {
                    join.nick = to.clone();
                }
                self.show(frame);
            }
            ServerFrame::Names { ref id, more, .. } | ServerFrame::Files { ref id, more, .. } => {
                if !more {
                    self.answered(now, id.as_ref());
                }
                self.show(frame);
            }
            ServerFrame::History { ref id, .. } => {
                self.answered(now, id.as_ref());
                self.show(frame);
            }
            ServerFrame::Ticket(ticket) => self.handle_ticket(now, ticket),
            ServerFrame::Joined { .. } | ServerFrame::Left { .. } | ServerFrame::Gap { .. } => {
                self.show(frame);
            }
        }
    }

    /// The server let us in: an earlier session goes on, or a new one begins.
    fn handle_welcome(&mut self, now: Instant, welcome: Welcome) {
        if welcome.protocol != PROTOCOL {
            let message = format!(
                "the server speaks version {} of the protocol and this client version {PROTOCOL}; another client is needed",
                welcome.protocol
            );
            return self.refused(now, ErrorFrame::new(None, ErrorCode::AnotherVersion, message));
        }
        let new_epoch = self.epoch.is_some_and(|epoch| epoch != welcome.epoch);
        let resumed = welcome.resumed && !new_epoch;
        if new_epoch {
            self.mark(Mark::NewEpoch);
            self.seen = if mutant!(OldNumbersKept) { self.seen } else { 0 };
        }
        self.phase = Phase::Up;
        self.has_joined = true;
        self.has_ghost = false;
        self.is_nick_taken = false;
        self.epoch = Some(welcome.epoch);
        self.comeback = welcome.token.map(|token| Token { token, epoch: welcome.epoch });
        self.limits = welcome.limits.clone().bounded();
        if let Some(join) = &mut self.config.join {
            join.nick = welcome.nick.clone();
        }
        self.up_since = now;
        self.watch();
        let missed = welcome.missed;
        self.show(ServerFrame::Welcome(Box::new(welcome)));
        self.event(ClientChatEvent::Joined { resumed, new_epoch });
        if let Some(missed) = missed {
            // A hole at the beginning of what follows is told like one in its middle.
            self.show(ServerFrame::Gap { missed });
        }
        if resumed {
            self.counters.resumed += 1;
            self.send_again(now);
        } else {
            self.begin_anew(now);
        }
    }

    /// The session goes on: what was not answered is sent again, under the same ids. The server may or may not have
    /// counted it; it counts as counted.
    fn send_again(&mut self, now: Instant) {
        mutant!(NotSaidAgain => return);
        if self.messages.iter().any(|message| message.sent) {
            self.mark(Mark::SaidAgain);
        }
        let (messages, asks) = (self.limits.messages().eased(), self.limits.requests().eased());
        for message in self.messages.iter_mut().filter(|message| message.sent) {
            message.sent = false;
            mutant!(SaidAgainFree => continue);
            self.message_bucket.charge(now, messages);
        }
        for ask in self.asks.iter_mut().filter(|ask| ask.sent.is_some()) {
            ask.sent = None;
            self.ask_bucket.charge(now, asks);
        }
    }

    /// A new session begins: messages that were sent to the old one may have been delivered and are not sent again.
    /// Requests are: to answer them twice does no harm.
    fn begin_anew(&mut self, now: Instant) {
        self.message_bucket = Bucket::default();
        self.ask_bucket = Bucket::default();
        // The join was a request, of this session too.
        self.charge_ask(now, 1);
        for mut message in core::mem::take(&mut self.messages) {
            match message.request {
                Request::Say { text, .. } | Request::Tell { text, .. } if message.sent => {
                    self.mark(Mark::LeftUnconfirmed);
                    self.event(ClientChatEvent::Unconfirmed { id: message.id, text });
                }
                _ => {
                    message.sent = false;
                    self.messages.push_back(message);
                }
            }
        }
        for ask in &mut self.asks {
            ask.sent = None;
        }
    }

    /// Shows a message unless it was shown before. Numbers only grow, but for what a request for history brings.
    fn show_message(&mut self, number: u64, backlog: bool, frame: ServerFrame) {
        let is_history =
            |ask: &super::Asked| ask.sent.is_some() && matches!(ask.request, Request::History { .. });
        if number > self.seen {
            self.seen = number;
        } else if !(backlog && self.asks.iter().any(is_history)) {
            self.counters.duplicates += 1;
            return;
        }
        self.show(frame);
    }

    /// A message was taken, or a nickname changed. Whether it was one of ours.
    fn confirm_message(&mut self, now: Instant, id: Option<&RequestId>) -> bool {
        let place = self.messages.iter().position(|message| Some(&message.id) == id && message.sent);
        let Some(place) = place else { return false };
        self.messages.remove(place);
        self.charge_message(now);
        true
    }

    /// A request was answered. When it was sent, if it was one of ours.
    fn answered(&mut self, now: Instant, id: Option<&RequestId>) -> Option<Instant> {
        let place = self.asks.iter().position(|ask| Some(&ask.id) == id && ask.sent.is_some())?;
        let ask = self.asks.remove(place)?;
        self.charge_ask(now, ask.request.tokens());
        ask.sent
    }

    fn handle_ticket(&mut self, now: Instant, ticket: Box<TicketFrame>) {
        let is_download = |ask: &&super::Asked| {
            Some(&ask.id) == ticket.id.as_ref() && matches!(ask.request, Request::Download { .. })
        };
        let asked = self.asks.iter().find(is_download).map(|ask| ask.id.clone());
        let sent = asked.as_ref().and_then(|id| self.answered(now, Some(id)));
        let (Some(id), Some(sent)) = (asked, sent) else {
            self.counters.unexpected += 1;
            return;
        };
        self.actions.push_back(ClientAction::Ticket { id, round_trip: now - sent, ticket });
    }

    fn handle_error(&mut self, now: Instant, error: ErrorFrame) {
        let turned_away =
            matches!(error.code, ErrorCode::Full | ErrorCode::TooManyConnections | ErrorCode::ShuttingDown);
        if self.phase == Phase::Joining && (error.id.is_none() || error.id == self.join_id) {
            return self.refused(now, error);
        }
        // The operator's word, whatever else is going on; nobody is to come back from it by itself.
        if error.id.is_none() && matches!(error.code, ErrorCode::Kicked | ErrorCode::Banned) {
            return self.refused(now, error);
        }
        if error.id.is_none() && turned_away && self.config.join.is_none() && self.phase == Phase::Up {
            return self.refused(now, error);
        }
        let wait = wait(error.retry_after_ms.unwrap_or(DEFAULT_RETRY_AFTER_MS));
        match error.code {
            ErrorCode::TooFast if self.hold_message(now + wait, error.id.as_ref()) => {}
            // Without a time to come back at it is an answer, such as to one download too many.
            ErrorCode::TooManyRequests
                if error.retry_after_ms.is_some() && self.hold_ask(now + wait, error.id.as_ref()) => {}
            _ => {
                if !self.confirm_message(now, error.id.as_ref()) {
                    self.answered(now, error.id.as_ref());
                }
                self.show(ServerFrame::Error(error));
            }
        }
    }

    /// A message was too fast after all: it keeps its place and is sent again at `until`, before all others.
    fn hold_message(&mut self, until: Instant, id: Option<&RequestId>) -> bool {
        let held = self.messages.iter_mut().find(|message| Some(&message.id) == id && message.sent);
        let Some(message) = held else { return false };
        message.sent = false;
        self.hold_messages = self.hold_messages.max(until);
        self.counters.held += 1;
        true
    }

    /// As [`Self::hold_message`], for other requests.
    fn hold_ask(&mut self, until: Instant, id: Option<&RequestId>) -> bool {
        let held = self.asks.iter_mut().find(|ask| Some(&ask.id) == id && ask.sent.is_some());
        let Some(ask) = held else { return false };
        ask.sent = None;
        self.hold_asks = self.hold_asks.max(until);
        self.counters.held += 1;
        true
    }
}
