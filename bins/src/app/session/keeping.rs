//! Downloads that go on by themselves: after a session was lost, and after the question in their middle.

use std::collections::BTreeMap;
use std::time::Duration;

use backchat_core::chat::RequestId;
use backchat_core::node::DownloadId;
use backchat_core::time::Instant;

use super::turns::Turns;
use super::{Asked, Link, Origin, Session};
use crate::app::downloads::{News, Report};
use crate::app::get::GetOptions;
use crate::app::happening::Happening;
use crate::app::request;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::driver::application::{Command, Which};
use crate::files::TargetSpec;

/// How long the question in the middle waits for an answer, as the original's did.
const HALFWAY_WAIT: Duration = Duration::from_secs(15);

/// What is remembered of downloads so that they go on.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    wanted: BTreeMap<DownloadId, Wanted>,
    /// Those that lost their session and wait for another, each with how it ended meanwhile.
    interrupted: Vec<(Wanted, Report)>,
    /// Sessions so far: a download goes on once in each.
    sessions: u64,
    asks_halfway: bool,
    /// Those that wait for their turn, and how many were handed to the loop and not answered.
    pub(super) turns: Turns,
    /// Those that are held in the middle, until when.
    held: BTreeMap<DownloadId, Instant>,
}

/// How a download was asked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) args: Option<GetOptions>,
    id: Option<RequestId>,
    session: u64,
    /// The first byte that the server was to send, once it has said so: what is there beyond it has come since.
    from: Option<u64>,
    was_asked_halfway: bool,
}

impl Keeping {
    pub(super) fn ask_halfway(&mut self) {
        self.asks_halfway = true;
    }

    /// What stays when everything else is over.
    pub(super) fn begin_again(&self) -> Self {
        Self { asks_halfway: self.asks_halfway, ..Self::default() }
    }

    /// The loop has answered to a download.
    pub(super) fn asked_answered(&mut self) {
        self.turns.answered();
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.held.values().min().copied()
    }

    pub(super) fn begin(&mut self, download: DownloadId, args: Option<GetOptions>, id: Option<RequestId>) {
        let wanted = Wanted { args, id, session: self.sessions, from: None, was_asked_halfway: false };
        self.wanted.insert(download, wanted);
    }

    /// The server sends, from this byte on.
    fn started(&mut self, download: DownloadId, from: u64) {
        if let Some(wanted) = self.wanted.get_mut(&download) {
            wanted.from = Some(from);
        }
    }

    pub(super) fn end(&mut self, download: DownloadId) -> Option<Wanted> {
        self.held.remove(&download);
        self.wanted.remove(&download)
    }

    /// Somebody has answered, by holding it, going on with it or stopping it.
    pub(super) fn answered(&mut self, which: Which) {
        match which {
            Which::One(download) => drop(self.held.remove(&download)),
            Which::All => self.held.clear(),
        }
    }
}

impl Session {
    /// Takes the report of a download that will go on out of the way; answers with one that is to be told.
    pub(super) fn keep(&mut self, report: Report, wanted: Option<&Wanted>) -> Option<Report> {
        match &report.news {
            News::Failed(failure) => match wanted.filter(|wanted| self.goes_on(failure, &report, wanted)) {
                Some(wanted) => self.keep_lost(report, wanted.clone()),
                None => Some(report),
            },
            News::Started { resumed_from } => {
                self.keeping.started(report.download, *resumed_from);
                Some(report)
            }
            News::Progress => {
                self.ask_in_the_middle(&report);
                Some(report)
            }
            _ => Some(report),
        }
    }

    /// Whether a download that failed goes on by itself: where its connection was lost; and where nothing came for too
    /// long, if that can be anything but datagrams that never get through. A server that is away says nothing to a
    /// download either, and a download notices first: its silence is shorter than the chat's. A network that was dark,
    /// or a process that was stopped, has its download ended by the server while the chat goes on. Whoever got
    /// something since the last try gets another; so a file is not asked for for ever in vain.
    fn goes_on(&self, failure: &Failure, report: &Report, wanted: &Wanted) -> bool {
        if wanted.args.is_none() || self.end.is_some() || report.state.is_stream {
            return false;
        }
        match failure.exit {
            Exit::Connection => true,
            Exit::TimedOut => {
                let has_progressed = wanted.from.is_some_and(|from| report.state.received > from);
                let is_of_a_session_before = wanted.session < self.keeping.sessions;
                self.link != Link::Up
                    || is_of_a_session_before
                    || report.state.is_of_an_absence
                    || has_progressed
            }
            _ => false,
        }
    }

    fn keep_lost(&mut self, report: Report, wanted: Wanted) -> Option<Report> {
        let (file, received) = (report.state.file.as_str().to_owned(), report.state.received);
        self.tell(Happening::Interrupted { file, received });
        // There may be no other session to wait for: the chat has not noticed anything, and perhaps never will. A request
        // that the server does not hear is sent again in the next one.
        let has_timed_out = matches!(&report.news, News::Failed(failure) if failure.exit == Exit::TimedOut);
        let is_of_a_session_before = wanted.session < self.keeping.sessions;
        self.keeping.interrupted.push((wanted, report));
        if is_of_a_session_before || (has_timed_out && self.link == Link::Up) {
            self.ask_again();
        }
        None
    }

    /// There is a session again.
    pub(super) fn go_on_with_downloads(&mut self) {
        self.keeping.sessions += 1;
        self.ask_again();
    }

    fn ask_again(&mut self) {
        for (wanted, _) in std::mem::take(&mut self.keeping.interrupted) {
            let Some(args) = wanted.args else { continue };
            // What is there already is what it goes on from.
            let args = GetOptions { no_resume: false, ..args };
            match request::of(&args) {
                Ok((_, TargetSpec::Stdout)) => {}
                Ok((request, target)) => {
                    let command = Command::Get { request, target };
                    self.get(Asked { command, id: wanted.id, get: Some(args), origin: Origin::User });
                }
                Err(failure) => {
                    self.tell(Happening::Failed { id: wanted.id, file: Some(args.name), failure });
                }
            }
        }
    }

    /// There will be no session: what was to go on has failed.
    pub(super) fn give_up_downloads(&mut self) {
        for (wanted, report) in std::mem::take(&mut self.keeping.interrupted) {
            let resume = wanted.args.map(|args| self.resume_line(&args));
            self.tell(Happening::Report { report: Box::new(report), resume });
        }
    }

    fn ask_in_the_middle(&mut self, report: &Report) {
        let (received, size) = (report.state.received, report.state.size);
        let is_past_the_middle = received >= size.div_ceil(2) && received < size;
        if !self.keeping.asks_halfway || !is_past_the_middle {
            return;
        }
        let Some(wanted) = self.keeping.wanted.get_mut(&report.download) else { return };
        if std::mem::replace(&mut wanted.was_asked_halfway, true) {
            return;
        }
        self.keeping.held.insert(report.download, self.now + HALFWAY_WAIT);
        self.ask(Command::Pause(Which::One(report.download)), None);
        let file = report.state.file.as_str().to_owned();
        self.tell(Happening::Halfway { file, wait: HALFWAY_WAIT });
    }

    /// Nobody has answered in time.
    pub(super) fn go_on_after_halfway(&mut self) {
        let now = self.now;
        let due: Vec<DownloadId> = self
            .keeping
            .held
            .extract_if(.., |_, until| *until <= now)
            .map(|(download, _)| download)
            .collect();
        for download in due {
            self.ask(Command::Resume(Which::One(download)), None);
        }
    }

    /// The download whose question in the middle waits for an answer, and until when.
    pub fn halfway(&self) -> Option<(DownloadId, Instant)> {
        self.keeping.held.first_key_value().map(|(download, until)| (*download, *until))
    }

    /// Downloads that wait for a session to go on in.
    pub fn interrupted(&self) -> impl Iterator<Item = &Report> {
        self.keeping.interrupted.iter().map(|(_, report)| report)
    }

    /// Something that was asked for and will not be had, while the chat goes on.
    pub(super) fn fail_request(&mut self, failure: Failure, id: Option<RequestId>, file: Option<String>) {
        self.tell(Happening::Failed { id, file, failure });
    }
}

#[cfg(test)]
mod tests;
