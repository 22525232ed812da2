//! `get NAME`: one download, with a bar beside it and a summary behind it.
//!
//! Standard output is the data's when it goes there; else it is JSON's; people read standard error.

use backchat_core::chat::client::{ClientChatEvent, CommandError, DisconnectReason};
use backchat_core::node::{ClientEvent, DownloadId, GetRequest};
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use super::downloads::{Downloads, News, Report};
use super::end::{self, End};
use super::voice::{Style, Voice};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::signals::Signal;
use crate::driver::application::{Application, Command, Flow, Receipt, Which};
use crate::files::{TargetEvent, TargetSpec};

/// One download.
#[derive(Debug)]
pub struct Get {
    voice: Voice,
    signals: mpsc::Receiver<Signal>,
    /// Handed in once.
    command: Option<Command>,
    request: GetRequest,
    /// The command line that goes on where this one stops; `None` where nothing is kept.
    resume: Option<String>,
    downloads: Downloads,
    is_interrupted: bool,
    /// Why the connection is gone.
    lost: Option<DisconnectReason>,
    end: Option<End>,
}

impl Get {
    /// Downloads `request` to `target`. `resume` is the command line that would go on.
    pub fn new(
        request: GetRequest,
        target: TargetSpec,
        resume: String,
        voice: Voice,
        signals: mpsc::Receiver<Signal>,
    ) -> Self {
        let resume = (target != TargetSpec::Stdout).then_some(resume);
        let command = Some(Command::Get { request: request.clone(), target });
        let downloads = Downloads::default();
        Self {
            voice,
            signals,
            command,
            request,
            resume,
            downloads,
            is_interrupted: false,
            lost: None,
            end: None,
        }
    }

    /// How it ended.
    pub fn end(self) -> End {
        end::of(self.end, &self.voice)
    }

    fn finish(&mut self, end: End) -> Flow {
        self.end.get_or_insert(end);
        Flow::Exit
    }

    /// A failure that no report tells.
    fn fail(&mut self, failure: Failure) -> Flow {
        self.finish(End::Failed(failure))
    }

    fn on_report(&mut self, report: &Report) -> Flow {
        let flow = match &report.news {
            News::Done(_) | News::Skipped => self.finish(End::Done),
            News::Failed(_) if self.is_interrupted => self.finish(End::Interrupted),
            News::Failed(failure) => self.fail(failure.clone()),
            News::Started { .. } | News::Progress | News::Paused | News::Resumed => Flow::Continue,
        };
        let resume = self.resume.as_deref().filter(|_| can_resume(report));
        match self.voice.style() {
            Style::Plain => {
                // The bar shows where it begins and how it goes on.
                let words = report.news.is_last().then(|| report.words()).flatten();
                self.voice.bars(report);
                // A failure is told at the end of the program, with the others; what goes on belongs to it.
                match (&report.news, words) {
                    (News::Failed(_), _) | (_, None) => {}
                    (_, Some(words)) => self.voice.line(&words),
                }
                if let Some(resume) = resume {
                    self.voice.line(&format!("to go on: {resume}"));
                }
            }
            Style::Json => self.voice.report(report, resume),
        }
        if self.voice.is_broken() { Flow::Exit } else { flow }
    }
}

/// Whether the same command would go on where this one ended, rather than fail in the same way.
fn can_resume(report: &Report) -> bool {
    match &report.news {
        News::Failed(failure) => {
            report.state.received > 0
                && matches!(failure.exit, Exit::Interrupted | Exit::Connection | Exit::TimedOut)
        }
        _ => false,
    }
}

impl Application for Get {
    async fn command(&mut self) -> Command {
        if let Some(command) = self.command.take() {
            return command;
        }
        match self.signals.recv().await {
            Some(_) if self.downloads.is_empty() => {
                self.finish(End::Interrupted);
                Command::Quit
            }
            Some(_) => {
                self.is_interrupted = true;
                Command::Stop(Which::All)
            }
            None => std::future::pending().await,
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, CommandError>, _: Instant) -> Flow {
        match answer {
            Ok(Receipt::Download(id)) => self.downloads.begin(id, self.request.file.clone(), None),
            Ok(Receipt::Request(_) | Receipt::Done) => {}
            Err(error) => return self.fail(Failure::command(&error)),
        }
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        match event {
            ClientEvent::Download { download, event } => match self.downloads.on_event(download, &event) {
                Some(report) => self.on_report(&report),
                None => Flow::Continue,
            },
            ClientEvent::Chat(event) => {
                if let ClientChatEvent::Disconnected { reason } = &event {
                    self.lost = Some(reason.clone());
                }
                match end::of_event(&event, self.lost.as_ref()) {
                    // The download tells it in its own words, if it runs.
                    Some(failure) if self.downloads.is_empty() => self.fail(failure),
                    _ => Flow::Continue,
                }
            }
        }
    }

    fn target(&mut self, download: DownloadId, event: TargetEvent, _: Instant) -> Flow {
        self.downloads.on_target(download, &event);
        Flow::Continue
    }
}
