//! The chat in lines, or in objects: what is typed goes out, what happens comes in, one event a line.
//!
//! What the chat *is* stands in [`crate::app::session`]; here it is read from a pipe and written to one.
//!
//! # Input
//! Nothing is read before the roster is there, because `to NICK TEXT` must not be said to all for want of it; and
//! nothing while [`MAX_UNTAKEN`] messages or [`MAX_WAITING`] downloads wait, so that a file piped in waits in its pipe. One
//! line is read ahead, so that the end of the input is noticed while the server is away. There the client stays until
//! everything was taken and every download is over; then it leaves. `/quit` waits for what was said before it, and for no
//! download. What was asked for and not done by then makes the exit code.
//!
//! # Output
//! Everything goes to standard output in the order in which it happened, complaints about the input too.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use backchat_core::chat::RequestId;
use backchat_core::chat::client::ClientChatEvent;
use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use super::silence::Silence;
use super::voice::{Style, Voice};
use crate::app::end::End;
use crate::app::happening::Happening;
use crate::app::input::Input;
use crate::app::session::{Asked, Effect, Message, Session};
use crate::cli::exit::Exit;
use crate::cli::input::{JsonInput, Line, read_line, read_object};
use crate::cli::signals::Signal;
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::driver::sockets::Alarm;
use crate::files::TargetEvent;
use crate::net::{Clock as _, SystemClock};

/// Messages that may wait to be taken by the server while more input is read. A few, so that the input never runs
/// dry; at two a second, more would only be memory.
const MAX_UNTAKEN: usize = 16;

/// Downloads that may wait for their turn while more input is read.
const MAX_WAITING: usize = 16;

/// Where lines come from: the queue closes at the end of the input.
pub type LineSource = mpsc::Receiver<io::Result<Line>>;

/// The chat.
#[derive(Debug)]
pub struct Chat {
    session: Session,
    voice: Voice,
    signals: mpsc::Receiver<Signal>,
    /// `None` once the input has ended.
    lines: Option<LineSource>,
    /// A line that was read ahead.
    ahead: Option<io::Result<Line>>,
    /// It was known who is here: from then on the end of the input means something.
    was_ready: bool,
    is_connected: bool,
    leaving: Leaving,
    /// The input could not be read.
    is_unreadable: bool,
    waits_for: WaitsFor,
    /// Commands that the loop will be given, in order.
    pending: VecDeque<Asked>,
    /// The one that the loop was given last, until it has answered.
    given: Option<Asked>,
    /// Runs while the server has its turn.
    silence: Silence,
    /// The loop was told that this ends: telling it again would end it before its files are closed.
    has_ended: bool,
    /// The loop's.
    clock: SystemClock,
    /// Runs until the model wants to be told the time.
    tick: Alarm,
}

/// How the chat is about to end, if it is.
#[derive(Debug)]
enum Leaving {
    /// It goes on.
    No,
    /// The input has ended. Downloads may wait for their turn still.
    AtTheEnd,
    /// The model was told so.
    Told,
    /// `/quit`, which a program calls so, and what was said before it is not taken yet.
    Quit(Option<RequestId>),
}

/// What the server owes us. Only when that changes has it brought anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitsFor {
    Connection,
    /// Who is here.
    Roster,
    /// So many answers, and nothing else is left to do.
    Answers(usize),
    Nothing,
}

impl Chat {
    /// A chat that reads `lines` and writes with `voice`, at the time of `clock`, which is the loop's.
    /// Gives up after `silence`: when the server is not reached, does not say who is here, or at the end of the input does
    /// not take what was said.
    pub fn new(
        session: Session,
        voice: Voice,
        lines: LineSource,
        signals: mpsc::Receiver<Signal>,
        clock: SystemClock,
        silence: Silence,
    ) -> Self {
        Self {
            session,
            voice,
            signals,
            lines: Some(lines),
            ahead: None,
            was_ready: false,
            is_connected: false,
            leaving: Leaving::No,
            is_unreadable: false,
            waits_for: WaitsFor::Connection,
            pending: VecDeque::new(),
            given: None,
            silence,
            has_ended: false,
            clock,
            tick: Alarm::default(),
        }
    }

    /// How it ended.
    pub fn end(self) -> End {
        match self.voice.end_of(self.session.end().cloned()) {
            End::Done if self.is_unreadable => End::Told(Exit::Local),
            End::Done if self.session.left_undone() > 0 => End::Told(Exit::Other),
            end => end,
        }
    }

    /// Hands on what the loop has brought.
    fn take(&mut self, now: Instant, message: Message) -> Flow {
        let flow = self.update(now, message);
        self.has_ended |= flow == Flow::Exit;
        flow
    }

    /// Hands a message to the model and does what follows.
    fn update(&mut self, now: Instant, message: Message) -> Flow {
        let mut flow = Flow::Continue;
        for effect in self.session.update(now, message) {
            match effect {
                Effect::Ask(asked) => self.pending.push_back(*asked),
                Effect::Tell(happening) => self.voice.tell(happening),
                Effect::Exit => flow = Flow::Exit,
            }
        }
        self.was_ready |= self.session.roster().is_complete();
        self.watch();
        // There is no use in going on when nobody reads any more.
        if self.voice.is_broken() { Flow::Exit } else { flow }
    }

    /// Whether input is dealt with now.
    fn is_reading(&self) -> bool {
        self.session.roster().is_complete()
            && self.session.untaken() < MAX_UNTAKEN
            && self.session.waiting_downloads() < MAX_WAITING
    }

    /// Lets silence begin anew when the server has brought something, and end when it owes us nothing: the core watches
    /// over a connection that is there, and over downloads.
    fn watch(&mut self) {
        let is_ending = !matches!(self.leaving, Leaving::No);
        let waits_for = match self.is_connected {
            false if self.was_ready => WaitsFor::Nothing,
            false => WaitsFor::Connection,
            true if !self.session.roster().is_complete() => WaitsFor::Roster,
            true if is_ending && self.session.waits_for_answers_alone() => {
                WaitsFor::Answers(self.session.unanswered())
            }
            true => WaitsFor::Nothing,
        };
        if waits_for != std::mem::replace(&mut self.waits_for, waits_for) {
            match waits_for {
                WaitsFor::Nothing => self.silence.stop(),
                _ => self.silence.begin_again(),
            }
        }
    }

    /// What the end of the input, or `/quit`, comes to now.
    fn take_leave(&mut self) -> Option<Message> {
        match std::mem::replace(&mut self.leaving, Leaving::No) {
            // Before that nothing was read, and nothing of it is done.
            Leaving::AtTheEnd if self.was_ready && self.session.waiting_downloads() == 0 => {
                self.leaving = Leaving::Told;
                Some(Message::EndOfInput)
            }
            Leaving::Quit(id) if self.session.untaken() == 0 || !self.is_connected => {
                Some(Message::Input(Input::Quit, id))
            }
            // The server is away, and there is nothing to come back for.
            Leaving::Told if !self.is_connected && self.session.has_nothing_left() => {
                Some(Message::Input(Input::Quit, None))
            }
            other => {
                self.leaving = other;
                None
            }
        }
    }

    fn on_line(&mut self, line: Option<io::Result<Line>>) {
        match line {
            Some(Ok(Line::Text(text))) => self.on_text(&text),
            Some(Ok(Line::TooLong(bytes))) => {
                let limit = self.session.text_limit();
                let text = format!("a line of {bytes} bytes was not sent, at most {limit} fit");
                self.complain(None, "text-too-long", text);
            }
            Some(Ok(Line::NotText)) => {
                self.complain(None, "bad-text", "a line was not sent because it is not UTF-8");
            }
            Some(Err(error)) => {
                self.complain(None, "local", format!("cannot read standard input: {error}"));
                self.is_unreadable = true;
                self.end_of_input();
            }
            None => self.end_of_input(),
        }
    }

    fn on_text(&mut self, text: &str) {
        match self.voice.style() {
            Style::Plain => match read_line(text, |nick| self.session.roster().presence(nick)) {
                Ok(input) => self.on_input(input, None),
                Err(error) => self.complain(None, "bad-input", error.to_string()),
            },
            Style::Json => match read_object(text) {
                None => {}
                Some(Ok(JsonInput { id, input })) => self.on_input(input, id),
                Some(Err(bad)) => self.complain(bad.id, bad.code, bad.message),
            },
        }
    }

    fn on_input(&mut self, input: Input, id: Option<RequestId>) {
        if input == Input::Quit {
            self.lines = None;
            self.leaving = Leaving::Quit(id);
            return self.watch();
        }
        let _ = self.update(self.clock.now(), Message::Input(input, id));
    }

    fn end_of_input(&mut self) {
        if self.lines.take().is_some() {
            self.leaving = Leaving::AtTheEnd;
            self.watch();
        }
    }

    fn complain(&mut self, id: Option<RequestId>, code: &'static str, message: impl Into<String>) {
        self.voice.tell(Happening::complaint(id, code, message));
    }
}

impl Chat {
    /// The next thing that happens here: a message for the model, or a line that was read ahead.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        if let Poll::Ready(Some(_)) = self.signals.poll_recv(cx) {
            return Poll::Ready(Some(Message::Interrupted));
        }
        if let Poll::Ready(overdue) = self.silence.poll(cx) {
            return Poll::Ready(Some(Message::TimedOut(overdue)));
        }
        let due = self.session.deadline().and_then(|at| self.clock.to_tokio(at));
        if self.tick.poll(cx, due).is_ready() {
            return Poll::Ready(Some(Message::Tick));
        }
        let Some(lines) = self.lines.as_mut().filter(|_| self.ahead.is_none()) else { return Poll::Pending };
        match ready!(lines.poll_recv(cx)) {
            Some(line) => self.ahead = Some(line),
            None => self.end_of_input(),
        }
        Poll::Ready(None)
    }
}

impl Application for Chat {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        loop {
            // A line that was read below may have broken the output, and nothing else need happen after it.
            if self.voice.is_broken() && !std::mem::replace(&mut self.has_ended, true) {
                return Poll::Ready(Command::Quit);
            }
            if let Some(asked) = self.pending.pop_front() {
                let command = asked.command.clone();
                self.given = Some(asked);
                return Poll::Ready(command);
            }
            let message = if let Some(message) = self.take_leave() {
                message
            } else if self.is_reading()
                && let Some(line) = self.ahead.take()
            {
                self.on_line(Some(line));
                continue;
            } else {
                match ready!(self.poll_event(cx)) {
                    Some(message) => message,
                    None => continue,
                }
            };
            let _ = self.update(self.clock.now(), message);
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        match self.given.take() {
            Some(asked) => self.take(now, Message::Answered(Box::new(asked), answer)),
            None => Flow::Continue,
        }
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        match event {
            ClientEvent::Chat(ClientChatEvent::Connected) => self.is_connected = true,
            ClientEvent::Chat(ClientChatEvent::Disconnected { .. }) => self.is_connected = false,
            _ => {}
        }
        self.take(now, Message::Client(event))
    }

    fn target(&mut self, download: DownloadId, event: TargetEvent, now: Instant) -> Flow {
        self.take(now, Message::Target(download, event))
    }

    fn cannot_connect(&mut self, error: &io::Error, now: Instant) -> Flow {
        self.take(now, Message::CannotConnect(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
