//! `get NAME`: one download, with a bar beside it and a summary behind it.
//!
//! Standard output is the data's when it goes there; else it is JSON's; people read standard error.

use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::node::{ClientEvent, DownloadError, DownloadEvent, DownloadId, GetRequest};
use backchat_core::text::visible;
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use super::silence::Silence;
use super::suggestion::{Seen, Suggestion};
use super::voice::{Style, Voice};
use crate::app::downloads::{Downloads, News, Report};
use crate::app::end::{self, Connection, End};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::json;
use crate::cli::signals::Signal;
use crate::cli::values::HostPort;
use crate::driver::application::{Application, Command, Flow, Receipt, Which};
use crate::driver::sockets::Alarm;
use crate::files::{TargetEvent, TargetSpec};
use crate::net::{Clock as _, SystemClock};

/// How long the names of the files there are may take, when there is none of the name that was asked for.
const SUGGESTION_WAIT: Duration = Duration::from_secs(5);

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
    /// The output is there: until then it is not the server that is waited for.
    is_open: bool,
    connection: Connection,
    /// Runs while the connection is made, and from the request to its answer: from then on the core watches, which can tell
    /// a blocked port from a server that says nothing. Our own disk is not waited for with it.
    silence: Silence,
    /// There is no such file: told once it is known which one may have been meant.
    missing: Option<(Box<Report>, Suggestion)>,
    end: Option<End>,
    /// The loop's.
    clock: SystemClock,
    /// Runs until the bar shows another second.
    tick: Alarm,
}

impl Get {
    /// Downloads `request` from `server` to `target`; gives up after `silence`. `resume` is the command line that would go
    /// on.
    pub fn new(
        (request, target): (GetRequest, TargetSpec),
        server: &HostPort,
        resume: String,
        voice: Voice,
        signals: mpsc::Receiver<Signal>,
        silence: Silence,
        clock: SystemClock,
    ) -> Self {
        Self {
            voice,
            signals,
            resume: (target != TargetSpec::Stdout).then_some(resume),
            command: Some(Command::Get { request: request.clone(), target }),
            request,
            downloads: Downloads::default(),
            is_interrupted: false,
            is_open: false,
            connection: Connection::new(server.to_string()),
            silence,
            missing: None,
            end: None,
            clock,
            tick: Alarm::default(),
        }
    }

    /// How it ended.
    pub fn end(self) -> End {
        // A reader who has gone does not make a download that failed a good one.
        match self.voice.failure() {
            Some(failure) => End::Failed(failure),
            None => self.end.unwrap_or_else(end::unanswered),
        }
    }

    fn finish(&mut self, end: End) -> Flow {
        self.end.get_or_insert(end);
        Flow::Exit
    }

    /// A failure that no report tells.
    fn fail(&mut self, failure: Failure) -> Flow {
        self.finish(End::Failed(failure))
    }

    /// The connection is there, or the file is open: with both, the server has its turn. Hashing what is there already takes
    /// its time.
    fn wait_for_the_answer(&mut self) {
        match self.is_open {
            true => self.silence.begin_again(),
            false => self.silence.stop(),
        }
    }

    fn on_report(&mut self, report: &mut Report) -> Flow {
        self.silence.stop();
        if let (News::Failed(failure), Some(End::Failed(why))) = (&mut report.news, &self.end) {
            // It was stopped, but not by its user.
            *failure = why.clone();
            self.end = None;
        }
        if let News::Failed(failure) = &mut report.news
            && failure.exit == Exit::Connection
            && self.connection.is_over()
        {
            // The download knows that its connection is gone, the connection knows why.
            *failure = self.connection.failure();
        }
        let is_missing = matches!(&report.news, News::Failed(failure) if failure.exit == Exit::NotFound);
        if is_missing && !self.is_interrupted {
            let suggestion = Suggestion::of(self.request.file.as_str());
            self.missing = Some((Box::new(report.clone()), suggestion));
            self.command = Some(Command::Files);
            self.silence = Silence::new(SUGGESTION_WAIT);
            return Flow::Continue;
        }
        self.conclude(report)
    }

    /// Tells that there is no such file, and which one may have been meant.
    fn conclude_missing(&mut self) -> Flow {
        let Some((mut report, suggestion)) = self.missing.take() else { return Flow::Continue };
        if let (News::Failed(failure), Some(name)) = (&mut report.news, suggestion.name()) {
            failure.message = format!("{}; did you mean '{}'?", failure.message, visible(name));
        }
        self.conclude(&report)
    }

    /// Tells a report, and ends with the last one.
    fn conclude(&mut self, report: &Report) -> Flow {
        let resume = self.resume.as_deref().filter(|_| can_resume(report));
        match self.voice.style() {
            Style::Json => {
                self.voice.bars(self.clock.now(), report);
                json::report(report, resume, |event| self.voice.event(event));
            }
            Style::Plain => {
                // The bar shows how it begins and goes on.
                self.voice.bars(self.clock.now(), report);
                if report.news.is_last()
                    && !report.state.is_unread
                    && let Some(words) = report.words()
                {
                    let is_error =
                        matches!(&report.news, News::Failed(failure) if failure.exit != Exit::Interrupted);
                    let error = if is_error { "error: " } else { "" };
                    self.voice.line(&format!("{error}{words}"));
                }
                if let Some(resume) = resume {
                    self.voice.line(&format!("to go on: {resume}"));
                }
            }
        }
        match &report.news {
            News::Done(_) | News::Skipped => self.finish(End::Done),
            News::Failed(_) if self.is_interrupted => self.finish(End::Told(Exit::Interrupted)),
            News::Failed(failure) => self.finish(End::Told(failure.exit)),
            // Whether somebody reads of it or not: the file is what was asked for.
            News::Started { .. } | News::Progress | News::Paused | News::Resumed => Flow::Continue,
        }
    }
}

/// Whether the same command would go on where this one ended, rather than fail in the same way.
fn can_resume(report: &Report) -> bool {
    match &report.news {
        News::Failed(failure) => {
            report.state.received > 0
                // Refused in the middle: the file changed, or the server is going.
                && matches!(failure.exit, Exit::Interrupted | Exit::Connection | Exit::TimedOut | Exit::Refused)
        }
        _ => false,
    }
}

impl Application for Get {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        if let Some(command) = self.command.take() {
            return Poll::Ready(command);
        }
        if let Poll::Ready(Some(_)) = self.signals.poll_recv(cx) {
            if self.downloads.is_empty() {
                self.finish(End::Interrupted);
                return Poll::Ready(Command::Quit);
            }
            self.is_interrupted = true;
            return Poll::Ready(Command::Stop(Which::All));
        }
        if let Poll::Ready(overdue) = self.silence.poll(cx) {
            let _ = match self.missing {
                Some(_) => self.conclude_missing(),
                None => self.fail(self.connection.timed_out(overdue)),
            };
            return Poll::Ready(Command::Abandon);
        }
        loop {
            let due = self.voice.next_second(self.clock.now()).and_then(|at| self.clock.to_tokio(at));
            ready!(self.tick.poll(cx, due));
            self.voice.tick(self.clock.now());
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, _: Instant) -> Flow {
        match answer {
            Ok(Receipt::Download(id)) => self.downloads.begin(id, self.request.file.clone(), None),
            Ok(Receipt::Request(id)) => {
                if let Some((_, suggestion)) = &mut self.missing {
                    suggestion.asked(id);
                }
            }
            Ok(Receipt::Done) => {}
            Err(_) if self.missing.is_some() => return self.conclude_missing(),
            Err(error) => return self.fail(Failure::command(&error)),
        }
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        match event {
            ClientEvent::Download { download, event } => {
                if event == DownloadEvent::Admitted {
                    self.silence.stop();
                }
                match self.downloads.on_event(now, download, &event) {
                    Some(mut report) => self.on_report(&mut report),
                    None => Flow::Continue,
                }
            }
            ClientEvent::Chat(ClientChatEvent::Frame(frame)) if self.missing.is_some() => {
                let seen = self.missing.as_mut().map(|(_, suggestion)| suggestion.on_frame(&frame));
                if seen == Some(Seen::Last) { self.conclude_missing() } else { Flow::Continue }
            }
            ClientEvent::Chat(event) => {
                if matches!(event, ClientChatEvent::Connected) {
                    self.wait_for_the_answer();
                }
                match self.connection.on_event(&event) {
                    Some(_) if self.missing.is_some() => self.conclude_missing(),
                    // The download tells it in its own words, if the connection was there at all.
                    Some(failure) if self.downloads.is_empty() || !self.connection.was_there() => {
                        self.fail(failure)
                    }
                    _ => Flow::Continue,
                }
            }
        }
    }

    fn target(&mut self, download: DownloadId, event: TargetEvent, _: Instant) -> Flow {
        self.downloads.on_target(download, &event);
        if let TargetEvent::Opened { partial, .. } = &event {
            // A pipe may have waited for its reader, too.
            self.is_open = true;
            // What is kept nowhere cannot be gone on from.
            self.resume = self.resume.take().filter(|_| partial.is_some());
            if self.connection.was_there() {
                self.wait_for_the_answer();
            }
        }
        Flow::Continue
    }

    fn cannot_connect(&mut self, error: &io::Error, _: Instant) -> Flow {
        self.connection.on_error(error.to_string());
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;
    use backchat_core::chat::client::DisconnectReason;
    use backchat_core::node::FailReason;
    use backchat_core::wire::{CongestionChoice, FileVersion, TransferId};

    use super::super::bench::{self, Written, download, give_up, next};
    use super::*;

    const ID: DownloadId = DownloadId(1);

    struct Bench {
        get: Get,
        signals: mpsc::Sender<Signal>,
        written: Written,
    }

    fn bench(style: Style) -> Bench {
        let (signals, signalled) = mpsc::channel(4);
        let written = Written::default();
        let request = GetRequest::new(FileName::parse("book.bin").expect("a name"));
        let what = (request, TargetSpec::folder("."));
        let (server, silence) = (bench::server(), Silence::new(Duration::from_secs(60)));
        let silence = silence.within(Some(Duration::from_secs(5000)));
        let get = Get::new(
            what,
            &server,
            "get it again".into(),
            written.voice(style),
            signalled,
            silence,
            SystemClock::new(),
        );
        Bench { get, signals, written }
    }

    fn begun(style: Style) -> Bench {
        let mut bench = bench(style);
        let command = next(&mut bench.get).expect("a command");
        bench.get.answered(command, Ok(Receipt::Download(ID)), Instant::ZERO);
        let path = "book.bin".into();
        bench.get.target(
            ID,
            TargetEvent::Opened { path, partial: Some(".book.bin.part".into()), resumed_from: 0 },
            Instant::ZERO,
        );
        let started = DownloadEvent::Started {
            transfer: TransferId(1),
            size: 1000,
            start: 0,
            version: FileVersion([0; 16]),
            congestion: CongestionChoice::Classic,
            segment: 1200,
        };
        assert_eq!(download(&mut bench.get, ID, started), Flow::Continue);
        bench
    }

    fn failed(reason: FailReason, kept: u64) -> DownloadEvent {
        DownloadEvent::Failed { reason, message: "book.bin: it is over".into(), kept, away: false }
    }

    #[tokio::test]
    async fn an_interrupt_keeps_what_there_is_and_says_how_to_go_on() {
        let Bench { mut get, signals, written } = begun(Style::Plain);
        signals.try_send(Signal::End).expect("room");
        assert!(matches!(next(&mut get), Some(Command::Stop(Which::All))));
        assert_eq!(download(&mut get, ID, failed(FailReason::Stopped, 500)), Flow::Exit);
        assert_eq!(written.take(), ["book.bin: it is over", "to go on: get it again"]);
        assert_eq!(get.end().exit(), Exit::Interrupted);
    }

    #[tokio::test]
    async fn a_failure_is_told_once_and_only_what_can_go_on_says_how() {
        let Bench { mut get, signals: _signals, written } = begun(Style::Json);
        written.take();
        assert_eq!(download(&mut get, ID, failed(FailReason::Integrity, 0)), Flow::Exit);
        assert_eq!(
            written.take(),
            [
                r#"{"type":"failed","file":"book.bin","reason":"integrity","exit_code":7,"message":"book.bin: it is over"}"#
            ]
        );
        assert_eq!(get.end(), End::Told(Exit::Integrity));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_told_in_the_connections_words() {
        let Bench { mut get, signals: _signals, .. } = bench(Style::Plain);
        let command = next(&mut get).expect("a command");
        get.answered(command, Ok(Receipt::Download(ID)), Instant::ZERO);
        get.cannot_connect(&io::Error::other("connection refused"), Instant::ZERO);
        assert_eq!(give_up(&mut get, DisconnectReason::CannotConnect), Flow::Exit);
        let End::Failed(failure) = get.end() else { panic!("a failure") };
        assert!(failure.message.starts_with("cannot connect to h:7: connection refused"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_not_there_is_told_with_the_one_that_may_have_been_meant() {
        let page = |names: &str| format!(r#"{{"type":"files","id":9,"files":[{names}],"more":false}}"#);
        let near = page(r#"{"name":"Book.bin","size":1,"modified":"2026-11-22T13:30:00Z"}"#);
        for (answer, expected) in [
            (
                Some(near),
                "error: book.bin: it is over; 'files' lists what there is; did you mean 'Book.bin'?",
            ),
            (Some(page("")), "error: book.bin: it is over; 'files' lists what there is"),
            // The server says nothing more.
            (None, "error: book.bin: it is over; 'files' lists what there is"),
        ] {
            let Bench { mut get, signals: _signals, written } = begun(Style::Plain);
            assert_eq!(download(&mut get, ID, failed(FailReason::NotFound, 0)), Flow::Continue);
            assert!(matches!(bench::take(&mut get, 9), Command::Files));
            match answer {
                Some(answer) => assert_eq!(bench::frame(&mut get, &answer), Flow::Exit),
                None => assert!(matches!(get.command().await, Command::Abandon)),
            }
            assert_eq!(written.take(), [expected]);
            assert_eq!(get.end(), End::Told(Exit::NotFound));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_its_time_here_is_not_the_servers_silence() {
        let Bench { mut get, signals: _signals, .. } = bench(Style::Plain);
        let command = next(&mut get).expect("a command");
        get.answered(command, Ok(Receipt::Download(ID)), Instant::ZERO);
        bench::tell(&mut get, ClientChatEvent::Connected);
        let waited = tokio::time::timeout(Duration::from_secs(1000), get.command()).await;
        assert!(waited.is_err(), "a pipe without a reader, or a large file that is hashed");
        get.target(
            ID,
            TargetEvent::Opened { path: "p".into(), partial: None, resumed_from: 0 },
            Instant::ZERO,
        );
        assert!(matches!(get.command().await, Command::Abandon));
        assert_eq!(get.end().exit(), Exit::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it_until_the_data_flows() {
        let Bench { mut get, signals: _signals, .. } = bench(Style::Plain);
        let command = next(&mut get).expect("a command");
        get.answered(command, Ok(Receipt::Download(ID)), Instant::ZERO);
        assert!(matches!(get.command().await, Command::Abandon));
        assert_eq!(get.end().exit(), Exit::TimedOut);
        let Bench { mut get, signals: _signals, .. } = begun(Style::Plain);
        let waited = tokio::time::timeout(Duration::from_secs(999), get.command()).await;
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn neither_our_disk_nor_a_blocked_port_is_the_servers_silence() {
        let Bench { mut get, signals: _signals, .. } = bench(Style::Plain);
        let command = next(&mut get).expect("a command");
        get.answered(command, Ok(Receipt::Download(ID)), Instant::ZERO);
        // The partial file is being hashed.
        bench::tell(&mut get, ClientChatEvent::Connected);
        assert!(tokio::time::timeout(Duration::from_secs(300), get.command()).await.is_err());
        let path = "book.bin".into();
        get.target(ID, TargetEvent::Opened { path, partial: None, resumed_from: 0 }, Instant::ZERO);
        assert!(tokio::time::timeout(Duration::from_secs(59), get.command()).await.is_err());
        // From here on the core knows better.
        assert_eq!(download(&mut get, ID, DownloadEvent::Admitted), Flow::Continue);
        assert!(tokio::time::timeout(Duration::from_secs(300), get.command()).await.is_err());
        let message = "no answer over UDP".into();
        let failed = DownloadEvent::Failed { reason: FailReason::TimedOut, message, kept: 0, away: false };
        assert_eq!(download(&mut get, ID, failed), Flow::Exit);
        assert_eq!(get.end(), End::Told(Exit::TimedOut));
    }

    #[tokio::test(start_paused = true)]
    async fn a_download_that_takes_too_long_in_all_is_kept_and_goes_on_later() {
        let Bench { mut get, signals: _signals, written } = begun(Style::Plain);
        assert!(matches!(get.command().await, Command::Abandon));
        assert_eq!(download(&mut get, ID, failed(FailReason::Stopped, 500)), Flow::Exit);
        assert_eq!(
            written.take(),
            [
                "error: book.bin: h:7: not done within 1h 23m 20s, as long as it may take",
                "to go on: get it again"
            ]
        );
        assert_eq!(get.end().exit(), Exit::TimedOut);
    }
}
