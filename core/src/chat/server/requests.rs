//! From a line to its answer.

use super::messages::{Utterance, too_soon};
use super::{Action, ChatEvent, ChatServer, CloseReason, Counters, DropReason};
use crate::chat::filename::FileName;
use crate::chat::foreign::{BEGINNING_BYTES, Foreign};
use crate::chat::frame::client::BadFrame;
use crate::chat::frame::{
    ClientFrame, ErrorCode, ErrorFrame, FrameError, Have, Request, RequestId, ServerFrame,
};
use crate::chat::id::{SessionId, StreamId};
use crate::chat::lines::{Line, MAX_LINE_BYTES};
use crate::chat::outbox::Lazy;
use crate::chat::table::{self, Input, Step};
use crate::hex::Hex;
use crate::time::Instant;
use crate::wire::Hash;

impl ChatServer {
    /// Reads the lines that end in `bytes`. The session is looked up for each: a line may end it, or hand the
    /// connection over to another.
    pub(super) fn read(&mut self, now: Instant, stream: StreamId, mut bytes: &[u8]) {
        loop {
            let Some(connection) = self.connections.get_mut(&stream) else { return };
            let Some(session) = connection.session else { return };
            if connection.is_new {
                let mut beginning = [0; BEGINNING_BYTES];
                let length = connection.lines.peek(bytes, &mut beginning);
                let foreign = Foreign::of_beginning(beginning.get(..length).unwrap_or_default());
                if let Some(foreign) = foreign {
                    return self.close_foreign(now, session, foreign);
                }
            }
            let line = connection.lines.next_line(&mut bytes);
            let skipped = connection.lines.take_skipped();
            let is_first = connection.is_new;
            connection.is_new &= match &line {
                None => true,
                Some(Line::Whole(line)) => line.is_empty(),
                Some(Line::TooLong) => false,
            };
            if let Some(entry) = self.sessions.get_mut(&session).filter(|_| !mutant!(HeardAndSilent)) {
                entry.last_input = now;
                entry.pinged = false;
            }
            if let Some(entry) = self.sessions.get_mut(&session) {
                entry.wasted = skipped;
                entry.line_bytes = match &line {
                    Some(Line::Whole(line)) => line.len(),
                    Some(Line::TooLong) | None => 0,
                };
            }
            let is_last = line.is_none();
            match line {
                None => {}
                // Who types by hand presses return twice now and then.
                Some(Line::Whole(line)) if line.is_empty() => self.waste_line(session),
                Some(Line::Whole(line)) => {
                    if is_first && let Some(foreign) = Foreign::of_line(&line) {
                        return self.close_foreign(now, session, foreign);
                    }
                    match ClientFrame::decode(&line) {
                        Ok(frame) => self.handle_frame(now, session, frame),
                        Err(bad) => self.handle_bad_frame(now, session, bad),
                    }
                }
                Some(Line::TooLong) => {
                    let message = format!("line is longer than {MAX_LINE_BYTES} bytes");
                    let error = ErrorFrame::new(None, ErrorCode::FrameTooLong, message);
                    self.handle_malformed(now, session, DropReason::TooLong, error);
                }
            }
            self.charge_waste(now, session);
            if is_last {
                return;
            }
        }
    }

    /// The line that is being handled was for nothing.
    fn waste_line(&mut self, session: SessionId) {
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.waste_line();
        }
    }

    /// Charges what came for nothing; when it is too much, closes.
    fn charge_waste(&mut self, now: Instant, session: SessionId) {
        let rate = self.limits.wasted();
        let Some(entry) = self.sessions.get_mut(&session).filter(|entry| entry.wasted > 0) else { return };
        let wasted = u32::try_from(core::mem::take(&mut entry.wasted)).unwrap_or(u32::MAX);
        entry.waste.charge_many(now, wasted, rate);
        if entry.waste.is_overdrawn(now, rate) {
            let message = "too many bytes that are no frames, or came too fast, or that no field needs";
            self.refuse(session, ErrorFrame::new(None, ErrorCode::Wasteful, message));
            self.close_malformed(now, session, CloseReason::Wasteful);
        }
    }

    /// Tells a connection that its side is no client of the chat, and reads no further.
    fn close_foreign(&mut self, now: Instant, session: SessionId, foreign: Foreign) {
        let reason = DropReason::AnotherProtocol;
        Counters::count(&mut self.counters.dropped, reason);
        self.event(ChatEvent::Dropped { session, reason });
        let message = format!("this is a chat, one JSON object a line, and was spoken to in {foreign}");
        self.refuse(session, ErrorFrame::new(None, ErrorCode::AnotherProtocol, message));
        self.close_malformed(now, session, CloseReason::AnotherProtocol);
    }

    fn handle_bad_frame(&mut self, now: Instant, session: SessionId, bad: BadFrame) {
        let (reason, code) = match &bad.error {
            FrameError::Json(_) | FrameError::NoType => (DropReason::NotAFrame, ErrorCode::BadFrame),
            FrameError::UnknownType(_) => (DropReason::UnknownType, ErrorCode::UnknownType),
            FrameError::Fields { .. } => (DropReason::BadFields, ErrorCode::BadFrame),
        };
        let error = ErrorFrame::new(bad.id, code, bad.error.to_string());
        self.handle_malformed(now, session, reason, error);
    }

    /// Answers a line that is no frame; when there are too many, closes.
    fn handle_malformed(&mut self, now: Instant, session: SessionId, reason: DropReason, error: ErrorFrame) {
        Counters::count(&mut self.counters.dropped, reason);
        self.event(ChatEvent::Dropped { session, reason });
        self.waste_line(session);
        self.refuse(session, error);
        let rate = self.limits.malformed();
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        if entry.malformed.take(now, rate).is_err() {
            self.close_malformed(now, session, CloseReason::Malformed);
        }
    }

    /// Looks up what a frame does in the session's state, and does it.
    fn handle_frame(&mut self, now: Instant, session: SessionId, frame: ClientFrame) {
        let ClientFrame { request, id } = frame;
        let Some(entry) = self.sessions.get_mut(&session) else { return };
        let excess = entry.line_bytes.saturating_sub(request.most_line_bytes());
        entry.wasted = entry.wasted.saturating_add(excess);
        entry.line_bytes = entry.line_bytes.saturating_sub(excess);
        // It takes no token, and one for each ping is far from what is put up with.
        if request == Request::Pong {
            entry.waste_line();
        }
        let input = Input::of(&request);
        let step = table::rule_for(entry.state, input).step;
        if let Step::Refuse(refusal) = step {
            let message = format!("{} is not possible here: {}", kind(&request), refusal.code());
            return self.refuse(session, ErrorFrame::new(id, refusal.code(), message));
        }
        if is_charged(step)
            && let Err(error) = self.charge_request(now, session, request.tokens())
        {
            return self.refuse(session, ErrorFrame { id, ..error });
        }
        match (step, request) {
            (Step::Enter, Request::Join(join)) => self.join(now, session, id, &join),
            (Step::Say, Request::Say { text, action }) => {
                self.speak(now, session, id, Utterance { to: None, text, action });
            }
            (Step::Tell, Request::Tell { to, text, action }) => {
                self.speak(now, session, id, Utterance { to: Some(to), text, action });
            }
            (Step::Rename, Request::Nick { nick }) => self.rename(now, session, id, nick.raw()),
            (Step::ShowHistory, Request::History { before, count }) => {
                self.show_history(session, id, before, count);
            }
            (Step::ListNames | Step::ListFiles, _) => self.list(session, id, step),
            (Step::OpenDownload, Request::Download { file, have, blake3 }) => {
                self.open_download(session, id, file.raw(), have, blake3);
            }
            (Step::StopDownload, Request::Stop { transfer }) => {
                self.actions.push_back(Action::StopDownload { session, transfer: transfer.into() });
            }
            (Step::AnswerPing, _) => self.send(session, &ServerFrame::Pong { id }),
            (Step::Leave, _) => self.handle_input(now, session, input),
            // The rest of the table concerns inputs that are no requests.
            _ => {}
        }
    }

    /// Takes the tokens of a request, if there is one at all: what it costs more is owed.
    fn charge_request(&mut self, now: Instant, session: SessionId, tokens: u32) -> Result<(), ErrorFrame> {
        let rate = self.limits.requests();
        let Some(entry) = self.sessions.get_mut(&session) else { return Ok(()) };
        let of_address = rate.times(self.limits.rates_per_address);
        let shared = &mut self.shared_requests;
        let taken = entry.requests.take(now, rate).and_then(|()| {
            entry.address.map_or(Ok(()), |address| shared.take(now, address, tokens, of_address))
        });
        taken.map_err(|wait| too_soon(ErrorCode::TooManyRequests, wait))?;
        entry.requests.charge_many(now, tokens.saturating_sub(1), rate);
        Ok(())
    }

    /// Whether a session may wait for one more list.
    fn admit_list(&self, session: SessionId, id: Option<&RequestId>) -> Result<(), ErrorFrame> {
        let Some(entry) = self.sessions.get(&session) else { return Ok(()) };
        let connection = entry.stream.and_then(|stream| self.connections.get(&stream));
        let lists = connection.map_or(0, |connection| connection.outbox.lists());
        let waiting = lists.saturating_add(entry.waiting_files);
        if waiting < self.limits.lists_per_session {
            return Ok(());
        }
        let message = format!("{waiting} lists are being waited for already");
        Err(ErrorFrame::new(id.cloned(), ErrorCode::Busy, message))
    }

    fn show_history(
        &mut self,
        session: SessionId,
        id: Option<RequestId>,
        before: Option<u64>,
        count: Option<u32>,
    ) {
        if let Err(error) = self.admit_list(session, id.as_ref()) {
            return self.refuse(session, error);
        }
        let count = count.unwrap_or(self.limits.backlog);
        let tail = self.history.tail(session, before.unwrap_or(u64::MAX), count);
        self.show_range(session, tail.range);
        self.send(session, &ServerFrame::History { id, count: tail.count, more: tail.more });
    }

    fn list(&mut self, session: SessionId, id: Option<RequestId>, what: Step) {
        if let Err(error) = self.admit_list(session, id.as_ref()) {
            return self.refuse(session, error);
        }
        if what == Step::ListNames {
            return self.send_lazy(session, Lazy::Names { id, after: None });
        }
        if self.waiting_files.is_empty() {
            self.actions.push_back(Action::ListFiles);
        }
        self.waiting_files.push_back((session, id));
        if let Some(entry) = self.sessions.get_mut(&session) {
            entry.waiting_files += 1;
        }
    }

    /// The listing is there: shows it to all who wait.
    pub(super) fn show_files(&mut self, now: Instant) {
        for (session, id) in core::mem::take(&mut self.waiting_files) {
            if let Some(entry) = self.sessions.get_mut(&session) {
                entry.waiting_files -= 1;
            }
            self.send_lazy(session, Lazy::Files { id, after: None });
            self.finish(now, session);
        }
    }

    fn open_download(
        &mut self,
        session: SessionId,
        id: Option<RequestId>,
        file: &str,
        have: Option<u64>,
        blake3: Option<Hex<32>>,
    ) {
        let have = match (have, blake3) {
            (Some(length), Some(Hex(blake3))) => Some(Have { length, hash: Hash(blake3) }),
            (None, None) => None,
            _ => {
                let message = "download: have and blake3 go together";
                return self.refuse(session, ErrorFrame::new(id, ErrorCode::BadFrame, message));
            }
        };
        match FileName::parse(file) {
            Ok(file) => {
                if let Some(entry) = self.sessions.get_mut(&session) {
                    entry.owed += 1;
                }
                self.actions.push_back(Action::Download { session, id, file, have });
            }
            Err(error) => self.refuse(session, ErrorFrame::new(id, ErrorCode::BadName, error.to_string())),
        }
    }

    /// The connection took some bytes.
    pub(super) fn take(&mut self, stream: StreamId, count: usize) {
        let Some(connection) = self.connections.get_mut(&stream) else { return };
        let sources = super::Sources {
            history: &self.history,
            roster: &self.roster,
            files: &self.files,
            viewer: connection.viewer,
        };
        connection.outbox.take(count, sources);
        if connection.outbox.is_empty()
            && let Some(since) = connection.waits_since.take()
        {
            self.counters.delivered_in.add(self.now - since);
        }
        if count > 0 {
            connection.progress = self.now;
        }
        connection.recount(self.limits.slow_reader_bytes as usize, &mut self.excess);
        if connection.session.is_none() && connection.outbox.is_empty() {
            self.forget(stream);
        }
    }
}

/// Whether a step takes a token for requests. Messages have a bucket of their own; a pong and a farewell are free.
fn is_charged(step: Step) -> bool {
    matches!(
        step,
        Step::Enter
            | Step::ShowHistory
            | Step::ListNames
            | Step::ListFiles
            | Step::OpenDownload
            | Step::StopDownload
            | Step::AnswerPing
    )
}

/// The `type` of a request.
fn kind(request: &Request) -> &'static str {
    match request {
        Request::Join(_) => "join",
        Request::Say { .. } => "say",
        Request::Tell { .. } => "tell",
        Request::Names => "names",
        Request::Files => "files",
        Request::Nick { .. } => "nick",
        Request::History { .. } => "history",
        Request::Download { .. } => "download",
        Request::Stop { .. } => "stop",
        Request::Ping => "ping",
        Request::Pong => "pong",
        Request::Leave => "leave",
    }
}
