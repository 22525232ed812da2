//! The commands that ask or say one thing: `names`, `files`, `say`, `tell`.

use std::time::Duration;

use backchat_core::chat::client::{ClientChatEvent, CommandError, DisconnectReason};
use backchat_core::chat::{FileEntry, NameEntry, RequestId, ServerFrame};
use backchat_core::node::{ClientEvent, DownloadId};
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use super::end::{self, End};
use super::voice::{Style, Voice};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::table;
use crate::cli::signals::Signal;
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::files::TargetEvent;

/// One question or one message, and its answer.
#[derive(Debug)]
pub struct Once {
    voice: Voice,
    signals: mpsc::Receiver<Signal>,
    silence: Silence,
    /// Handed in once.
    command: Option<Command>,
    /// What the answer carries.
    request: Option<RequestId>,
    answer: Answer,
    /// Why the connection is gone.
    lost: Option<DisconnectReason>,
    end: Option<End>,
}

/// What has come of the answer.
#[derive(Debug)]
enum Answer {
    Names(Vec<NameEntry>),
    Files(Vec<FileEntry>),
    Taken,
}

/// How long nothing may happen.
#[derive(Debug)]
struct Silence {
    limit: Duration,
    until: tokio::time::Instant,
}

impl Silence {
    fn new(limit: Duration) -> Self {
        Self { limit, until: tokio::time::Instant::now() + limit }
    }

    fn is_broken(&mut self) {
        self.until = tokio::time::Instant::now() + self.limit;
    }
}

impl Once {
    /// Asks `command` and prints its answer; gives up after `timeout` of silence.
    pub fn new(command: Command, voice: Voice, signals: mpsc::Receiver<Signal>, timeout: Duration) -> Self {
        let answer = match command {
            Command::Names => Answer::Names(Vec::new()),
            Command::Files => Answer::Files(Vec::new()),
            _ => Answer::Taken,
        };
        let silence = Silence::new(timeout);
        Self { voice, signals, silence, command: Some(command), request: None, answer, lost: None, end: None }
    }

    /// How it ended.
    pub fn end(self) -> End {
        end::of(self.end, &self.voice)
    }

    fn finish(&mut self, end: End) -> Flow {
        self.end.get_or_insert(end);
        Flow::Exit
    }

    fn fail(&mut self, failure: Failure) -> Flow {
        self.finish(End::Failed(failure))
    }

    fn on_frame(&mut self, frame: ServerFrame) -> Flow {
        let id = crate::cli::render::json::answered_id(&frame);
        if id.is_none() || id != self.request.as_ref() {
            return Flow::Continue;
        }
        match (frame, &mut self.answer) {
            (ServerFrame::Names { names, more, .. }, Answer::Names(all)) => {
                all.extend(names);
                if more { Flow::Continue } else { self.print() }
            }
            (ServerFrame::Files { files, more, .. }, Answer::Files(all)) => {
                all.extend(files);
                if more { Flow::Continue } else { self.print() }
            }
            (frame @ ServerFrame::Accepted { .. }, Answer::Taken) => {
                if self.voice.style() == Style::Json {
                    self.voice.frame(&frame, None);
                }
                self.finish(End::Done)
            }
            (ServerFrame::Error(error), _) => self.fail(Failure::refused(&error)),
            _ => Flow::Continue,
        }
    }

    fn print(&mut self) -> Flow {
        let lines = match (&self.answer, self.voice.style()) {
            (Answer::Names(names), Style::Plain) => table::names(names),
            (Answer::Names(names), Style::Json) => vec![table::array(names)],
            (Answer::Files(files), Style::Plain) => table::files(files),
            (Answer::Files(files), Style::Json) => vec![table::array(files)],
            (Answer::Taken, _) => Vec::new(),
        };
        for line in lines {
            self.voice.line(&line);
        }
        self.finish(End::Done)
    }
}

impl Application for Once {
    async fn command(&mut self) -> Command {
        if let Some(command) = self.command.take() {
            return command;
        }
        let end = tokio::select! {
            biased;
            Some(_) = self.signals.recv() => End::Interrupted,
            () = tokio::time::sleep_until(self.silence.until) => End::Failed(Failure::new(
                Exit::TimedOut,
                format!("no answer from the server for {}", humantime::format_duration(self.silence.limit)),
            )),
        };
        self.finish(end);
        Command::Quit
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, CommandError>, _: Instant) -> Flow {
        match answer {
            Ok(Receipt::Request(id)) => self.request = Some(id),
            Ok(Receipt::Download(_) | Receipt::Done) => {}
            Err(error) => return self.fail(Failure::command(&error)),
        }
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        self.silence.is_broken();
        match event {
            ClientEvent::Chat(ClientChatEvent::Frame(frame)) => self.on_frame(*frame),
            ClientEvent::Chat(event) => {
                if let ClientChatEvent::Disconnected { reason } = &event {
                    self.lost = Some(reason.clone());
                }
                end::of_event(&event, self.lost.as_ref()).map_or(Flow::Continue, |failure| self.fail(failure))
            }
            ClientEvent::Download { .. } => Flow::Continue,
        }
    }

    fn target(&mut self, _: DownloadId, _: TargetEvent, _: Instant) -> Flow {
        Flow::Continue
    }
}
