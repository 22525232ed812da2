//! The chat in lines, or in objects: what is typed goes out, what happens comes in, one event a line.
//!
//! - `typing`: from a line to a command.
//! - `requests`: what programs call their requests, and which messages are not taken yet.
//!
//! # Input
//! Nothing is read before the roster is there, because `to NICK TEXT` must not be said to all for want of it; and
//! nothing while [`MAX_UNTAKEN`] messages wait, so that a file piped in waits in its pipe. At the end of the input the
//! client stays until everything was taken and every download is over; then it leaves.
//!
//! # Output
//! Everything goes to standard output in the order in which it happened, complaints about the input too.

mod requests;
mod typing;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

use backchat_core::chat::client::{ClientChatEvent, CommandError, DisconnectReason};
use backchat_core::chat::{RequestId, ServerFrame, TextError};
use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use self::requests::Requests;
use super::downloads::{Downloads, News, Report};
use super::end::{self, Connection, End};
use super::request;
use super::roster::Roster;
use super::silence::Silence;
use super::voice::{Style, Voice};
use crate::cli::args::GetArgs;
use crate::cli::input::Line;
use crate::cli::render::json::{self, Event};
use crate::cli::render::units;
use crate::cli::signals::Signal;
use crate::cli::values::HostPort;
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::files::TargetEvent;

/// Messages that may wait to be taken by the server while more input is read. A few, so that the input never runs
/// dry; at two a second, more would only be memory.
const MAX_UNTAKEN: usize = 16;

/// Where lines come from: the queue closes at the end of the input.
pub type LineSource = mpsc::Receiver<io::Result<Line>>;

/// The chat.
#[derive(Debug)]
pub struct Chat {
    voice: Voice,
    signals: mpsc::Receiver<Signal>,
    /// `None` once the input has ended.
    lines: Option<LineSource>,
    /// Commands that the loop will be given, in order, each with what a program called it.
    pending: VecDeque<Asked>,
    /// The one that the loop was given last, until it has answered.
    given: Option<Asked>,
    requests: Requests,
    roster: Roster,
    downloads: Downloads,
    /// How each of them was asked for.
    gets: BTreeMap<DownloadId, GetArgs>,
    connection: Connection,
    /// Until the first connection; from then on the core watches.
    silence: Silence,
    end: Option<End>,
}

/// A command on its way, and why.
#[derive(Debug)]
struct Asked {
    command: Command,
    /// What a program called it.
    id: Option<RequestId>,
    /// The options of a download.
    get: Option<GetArgs>,
    origin: Origin,
}

/// Who wants a command carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The user.
    User,
    /// This module, which wants to know who is here.
    Roster,
}

impl Chat {
    /// A chat on `server` that reads `lines` and writes with `voice`.
    /// Gives up when the server is not reached within `timeout`.
    pub fn new(
        server: &HostPort,
        voice: Voice,
        lines: LineSource,
        signals: mpsc::Receiver<Signal>,
        timeout: Duration,
    ) -> Self {
        Self {
            voice,
            signals,
            lines: Some(lines),
            pending: VecDeque::new(),
            given: None,
            requests: Requests::default(),
            roster: Roster::default(),
            downloads: Downloads::default(),
            gets: BTreeMap::new(),
            connection: Connection::new(server.to_string()),
            silence: Silence::new(timeout),
            end: None,
        }
    }

    /// How it ended.
    pub fn end(self) -> End {
        end::of(self.end, &self.voice)
    }

    /// Goes on, unless nobody reads any more.
    fn flow(&self) -> Flow {
        if self.voice.is_broken() { Flow::Exit } else { Flow::Continue }
    }

    fn ask(&mut self, command: Command, id: Option<RequestId>) {
        self.pending.push_back(Asked { command, id, get: None, origin: Origin::User });
    }

    /// Whether input is read now.
    fn is_reading(&self) -> bool {
        self.lines.is_some() && self.roster.is_complete() && self.requests.untaken() < MAX_UNTAKEN
    }

    fn on_chat(&mut self, event: ClientChatEvent) -> Flow {
        let failure = self.connection.on_event(&event);
        match event {
            ClientChatEvent::Frame(frame) => self.on_frame(*frame),
            ClientChatEvent::Connected => {
                self.silence.stop();
                self.voice.event(&Event::Connected);
            }
            // Who came and went meanwhile was not told.
            ClientChatEvent::Joined { .. } => {
                let command = Command::Names;
                self.pending.push_back(Asked { command, id: None, get: None, origin: Origin::Roster });
            }
            ClientChatEvent::Disconnected { reason } => self.on_disconnected(&reason),
            ClientChatEvent::Reconnecting { after } => match self.voice.style() {
                Style::Plain => self.voice.notice(&format!("trying again in {}", units::time(after))),
                Style::Json => self.voice.event(&Event::Reconnecting { after_seconds: json::seconds(after) }),
            },
            ClientChatEvent::Unconfirmed { id, text } => {
                self.on_lost_message(&id, &text, "it is not known whether this was delivered");
            }
            ClientChatEvent::Unsent { id, text } => self.on_lost_message(&id, &text, "this was not sent"),
            ClientChatEvent::Unanswered { id } => {
                let _ = self.requests.settle(&id);
            }
            ClientChatEvent::Refused(_) | ClientChatEvent::GaveUp => {}
        }
        match failure {
            Some(failure) => {
                // Before anything else that was to be the end, such as the end of the input.
                self.end = Some(End::Failed(failure));
                Flow::Exit
            }
            None => self.flow(),
        }
    }

    fn on_disconnected(&mut self, reason: &DisconnectReason) {
        self.roster.forget();
        let was_there = self.connection.was_there();
        if *reason == DisconnectReason::Left || (!was_there && self.voice.style() == Style::Plain) {
            // We know, or the end tells it with more words.
            return;
        }
        let reason = reason.to_string();
        match self.voice.style() {
            Style::Plain => self.voice.notice(&reason),
            Style::Json => self.voice.event(&Event::Disconnected { reason: &reason }),
        }
    }

    fn on_lost_message(&mut self, id: &RequestId, text: &str, what: &str) {
        let id = self.requests.settle(id);
        match self.voice.style() {
            Style::Plain => self.voice.complain(None, "unconfirmed", &format!("{what}: {text}")),
            Style::Json => self.voice.event(&Event::Unconfirmed { id: id.as_ref(), text, message: what }),
        }
    }

    fn on_frame(&mut self, mut frame: ServerFrame) {
        self.roster.on_frame(&frame);
        match &frame {
            ServerFrame::Welcome(welcome) => self.requests.set_text_limit(welcome.limits.text_bytes),
            // Who has left knows why the connection is closed.
            ServerFrame::Closing { .. } if self.end.is_some() && self.voice.style() == Style::Plain => {
                return;
            }
            _ => {}
        }
        let has_more =
            matches!(frame, ServerFrame::Names { more: true, .. } | ServerFrame::Files { more: true, .. });
        let id = json::id_of(&mut frame).and_then(|id| id.as_ref()).and_then(|id| match has_more {
            true => self.requests.name_of(id).cloned(),
            false => self.requests.settle(id),
        });
        self.voice.frame(frame, id);
    }

    fn on_report(&mut self, report: &Report) {
        let args = if report.news.is_last() { self.gets.remove(&report.download) } else { None };
        let again = match (&report.news, args) {
            (News::Failed(failure), Some(args))
                if failure.reason == "stopped" && report.state.received > 0 =>
            {
                Some(self.resume_line(&args))
            }
            _ => None,
        };
        self.voice.report(report, again.as_deref());
    }

    /// What goes on with a download: typed here, or for a shell when this is the end.
    fn resume_line(&self, args: &GetArgs) -> String {
        let words = args.words();
        let get = request::quote_all(words.iter().map(String::as_str));
        match self.end {
            None => format!("/get {get}"),
            Some(_) => {
                let server = request::quote_all([self.connection.server()]);
                format!("backchat-client --server {server} get {get}")
            }
        }
    }
}

impl Application for Chat {
    async fn command(&mut self) -> Command {
        loop {
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
            // Cancel safe: what is received is dealt with before the next time this waits.
            let line = tokio::select! {
                biased;
                Some(_) = self.signals.recv() => {
                    self.end = Some(End::Interrupted);
                    return Command::Quit;
                }
                silence = self.silence.lasts() => {
                    self.end = Some(End::Failed(self.connection.timed_out(silence)));
                    return Command::Quit;
                }
                line = lines => line,
            };
            self.on_line(line);
        }
    }

    fn answered(&mut self, command: Command, answer: Result<Receipt, DownloadError>, _: Instant) -> Flow {
        let Some(asked) = self.given.take() else {
            // A `Quit` after a signal, which nobody asked for.
            return Flow::Continue;
        };
        match answer {
            Ok(Receipt::Request(id)) => {
                if asked.origin == Origin::Roster {
                    self.roster.asked(id.clone());
                }
                let is_message =
                    matches!(command, Command::Say { .. } | Command::Tell { .. } | Command::Nick(_));
                self.requests.insert(id, asked.id, is_message);
            }
            Ok(Receipt::Download(id)) => {
                if let Command::Get { request, .. } = command {
                    self.downloads.begin(id, request.file, asked.id);
                    self.gets.extend(asked.get.map(|args| (id, args)));
                }
            }
            Ok(Receipt::Done) => {}
            Err(error) => {
                let code = match error {
                    DownloadError::Chat(CommandError::Text(TextError::TooLong { .. })) => "text-too-long",
                    DownloadError::Chat(CommandError::Text(_)) => "bad-text",
                    _ => "refused",
                };
                self.voice.complain(asked.id.as_ref(), code, &format!("not sent: {error}"));
            }
        }
        self.flow()
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        match event {
            ClientEvent::Chat(event) => self.on_chat(event),
            ClientEvent::Download { download, event } => {
                if let Some(report) = self.downloads.on_event(download, &event) {
                    self.on_report(&report);
                }
                self.flow()
            }
        }
    }

    fn target(&mut self, download: DownloadId, event: TargetEvent, _: Instant) -> Flow {
        self.downloads.on_target(download, &event);
        Flow::Continue
    }

    fn cannot_connect(&mut self, error: &io::Error, _: Instant) -> Flow {
        self.connection.on_error(error);
        Flow::Continue
    }
}

#[cfg(test)]
mod tests;
