//! The chat in lines, or in objects: what is typed goes out, what happens comes in, one event a line.
//!
//! What the chat *is* stands in [`crate::app::session`]; here it is read from a pipe and written to one.
//!
//! # Input
//! Nothing is read before the roster is there, because `to NICK TEXT` must not be said to all for want of it; and
//! nothing while [`MAX_UNTAKEN`] messages wait, so that a file piped in waits in its pipe. At the end of the input the
//! client stays until everything was taken and every download is over; then it leaves.
//!
//! # Output
//! Everything goes to standard output in the order in which it happened, complaints about the input too.

use std::collections::VecDeque;
use std::io;

use backchat_core::chat::RequestId;
use backchat_core::chat::client::ClientChatEvent;
use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use super::silence::Silence;
use super::voice::{Style, Voice};
use crate::app::end::End;
use crate::app::happening::Happening;
use crate::app::session::{Asked, Effect, Message, Session};
use crate::cli::input::{Input, JsonInput, Line, read_line, read_object};
use crate::cli::signals::Signal;
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::files::TargetEvent;
use crate::net::{Clock as _, SystemClock};

/// Messages that may wait to be taken by the server while more input is read. A few, so that the input never runs
/// dry; at two a second, more would only be memory.
const MAX_UNTAKEN: usize = 16;

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
    /// Commands that the loop will be given, in order.
    pending: VecDeque<Asked>,
    /// The one that the loop was given last, until it has answered.
    given: Option<Asked>,
    /// Until the first connection; from then on the core watches.
    silence: Silence,
    /// The loop was told that this ends: telling it again would end it before its files are closed.
    has_ended: bool,
    /// The loop's.
    clock: SystemClock,
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
            pending: VecDeque::new(),
            given: None,
            silence,
            has_ended: false,
            clock,
        }
    }

    /// How it ended.
    pub fn end(self) -> End {
        self.voice.end_of(self.session.end().cloned())
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
        // There is no use in going on when nobody reads any more.
        if self.voice.is_broken() { Flow::Exit } else { flow }
    }

    /// Whether input is read now.
    fn is_reading(&self) -> bool {
        self.lines.is_some() && self.session.roster().is_complete() && self.session.untaken() < MAX_UNTAKEN
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
        }
        let _ = self.update(self.clock.now(), Message::Input(input, id));
    }

    fn end_of_input(&mut self) {
        if self.lines.take().is_some() {
            let _ = self.update(self.clock.now(), Message::EndOfInput);
        }
    }

    fn complain(&mut self, id: Option<RequestId>, code: &'static str, message: impl Into<String>) {
        self.voice.tell(Happening::complaint(id, code, message));
    }
}

impl Application for Chat {
    async fn command(&mut self) -> Command {
        loop {
            // A line that was read below may have broken the output, and nothing else need happen after it.
            if self.voice.is_broken() && !std::mem::replace(&mut self.has_ended, true) {
                return Command::Quit;
            }
            if let Some(asked) = self.pending.pop_front() {
                let command = asked.command.clone();
                self.given = Some(asked);
                return command;
            }
            let is_reading = self.is_reading();
            let lines = async {
                match &mut self.lines {
                    Some(lines) if is_reading => lines.recv().await,
                    _ => std::future::pending().await,
                }
            };
            let (clock, due) = (self.clock, self.session.deadline());
            // Cancel safe: what is received is dealt with before the next time this waits.
            let message = tokio::select! {
                biased;
                Some(_) = self.signals.recv() => Some(Message::Interrupted),
                overdue = self.silence.lasts() => Some(Message::TimedOut(overdue)),
                () = sleep_until(clock, due) => Some(Message::Tick),
                line = lines => {
                    self.on_line(line);
                    None
                }
            };
            if let Some(message) = message {
                let _ = self.update(self.clock.now(), message);
            }
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        match self.given.take() {
            Some(asked) => self.take(now, Message::Answered(Box::new(asked), answer)),
            None => Flow::Continue,
        }
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        if event == ClientEvent::Chat(ClientChatEvent::Connected) {
            self.silence.stop();
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

/// Sleeps until then, or for ever.
async fn sleep_until(clock: SystemClock, at: Option<Instant>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
