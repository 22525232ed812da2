//! The commands that ask or say one thing: `names`, `files`, `say`, `tell`.

use std::io;
use std::task::{Context, Poll, ready};

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::{FileEntry, NameEntry, RequestId, ServerFrame};
use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use super::silence::Silence;
use super::voice::{Style, Voice};
use crate::app::end::{Connection, End};
use crate::app::happening::id_of;
use crate::app::roster::MAX_NAMES;
use crate::app::session::MAX_FILES;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::render::table;
use crate::cli::signals::Signal;
use crate::cli::values::HostPort;
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
    connection: Connection,
    end: Option<End>,
}

/// What has come of the answer.
#[derive(Debug)]
enum Answer {
    Names(Vec<NameEntry>),
    Files(Vec<FileEntry>),
    Taken,
}

impl Once {
    /// Asks `command` of `server` and prints its answer; gives up after `silence`.
    pub fn new(
        command: Command,
        server: &HostPort,
        voice: Voice,
        signals: mpsc::Receiver<Signal>,
        silence: Silence,
    ) -> Self {
        let answer = match command {
            Command::Names => Answer::Names(Vec::new()),
            Command::Files => Answer::Files(Vec::new()),
            _ => Answer::Taken,
        };
        Self {
            voice,
            signals,
            silence,
            command: Some(command),
            request: None,
            answer,
            connection: Connection::new(server.to_string()),
            end: None,
        }
    }

    /// How it ended.
    pub fn end(self) -> End {
        self.voice.end_of(self.end)
    }

    /// The names that the server has listed, whether or not that was all of them.
    pub fn listed(self) -> Vec<String> {
        match self.answer {
            Answer::Names(names) => names.iter().map(|entry| entry.nick.to_string()).collect(),
            Answer::Files(files) => files.iter().map(|entry| entry.name.to_string()).collect(),
            Answer::Taken => Vec::new(),
        }
    }

    fn finish(&mut self, end: End) -> Flow {
        self.end.get_or_insert(end);
        Flow::Exit
    }

    fn fail(&mut self, failure: Failure) -> Flow {
        self.finish(End::Failed(failure))
    }

    fn on_frame(&mut self, mut frame: ServerFrame) -> Flow {
        let id = id_of(&mut frame).and_then(|id| id.as_ref());
        if id.is_none() || id != self.request.as_ref() {
            return Flow::Continue;
        }
        match (frame, &mut self.answer) {
            (ServerFrame::Names { names, more, .. }, Answer::Names(all)) => {
                let before = all.len();
                all.extend(names.into_iter().take(MAX_NAMES + 1 - before));
                let has_grown = all.len() > before;
                self.on_page(more, has_grown, before, "nicknames", MAX_NAMES)
            }
            (ServerFrame::Files { files, more, .. }, Answer::Files(all)) => {
                let before = all.len();
                all.extend(files.into_iter().take(MAX_FILES + 1 - before));
                let has_grown = all.len() > before;
                self.on_page(more, has_grown, before, "files", MAX_FILES)
            }
            (frame @ ServerFrame::Accepted { .. }, Answer::Taken) => {
                if self.voice.style() == Style::Json {
                    self.voice.frame(frame);
                }
                self.finish(End::Done)
            }
            (ServerFrame::Error(error), _) => self.fail(Failure::refused(&error)),
            _ => Flow::Continue,
        }
    }

    /// A page was added to a list that had `before` entries.
    fn on_page(&mut self, more: bool, has_grown: bool, before: usize, of: &str, most: usize) -> Flow {
        let length = match &self.answer {
            Answer::Names(names) => names.len(),
            Answer::Files(files) => files.len(),
            Answer::Taken => before,
        };
        if length > most {
            let text =
                format!("{} lists more than {most} {of}, which nobody takes in", self.connection.server());
            return self.fail(Failure::new(Exit::Refused, text));
        }
        if !more {
            return self.print();
        }
        if has_grown {
            self.silence.begin_again();
        }
        Flow::Continue
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
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        if let Some(command) = self.command.take() {
            return Poll::Ready(command);
        }
        if let Poll::Ready(Some(_)) = self.signals.poll_recv(cx) {
            self.finish(End::Interrupted);
            return Poll::Ready(Command::Quit);
        }
        let overdue = ready!(self.silence.poll(cx));
        self.finish(End::Failed(self.connection.timed_out(overdue)));
        Poll::Ready(Command::Abandon)
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, _: Instant) -> Flow {
        match answer {
            Ok(Receipt::Request(id)) => self.request = Some(id),
            Ok(Receipt::Download(_) | Receipt::Done) => {}
            Err(error) => return self.fail(Failure::command(&error)),
        }
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        match event {
            ClientEvent::Chat(ClientChatEvent::Frame(frame)) => self.on_frame(frame),
            ClientEvent::Chat(event) => {
                if matches!(event, ClientChatEvent::Connected | ClientChatEvent::Joined { .. }) {
                    self.silence.begin_again();
                }
                self.connection.on_event(&event).map_or(Flow::Continue, |failure| self.fail(failure))
            }
            ClientEvent::Download { .. } => Flow::Continue,
        }
    }

    fn target(&mut self, _: DownloadId, _: TargetEvent, _: Instant) -> Flow {
        Flow::Continue
    }

    fn cannot_connect(&mut self, error: &io::Error, _: Instant) -> Flow {
        self.connection.on_error(error.to_string());
        Flow::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{self, Written, frame, give_up, next, take};
    use super::*;
    use backchat_core::chat::client::DisconnectReason;
    use std::time::Duration;

    struct Bench {
        once: Once,
        signals: mpsc::Sender<Signal>,
        written: Written,
    }

    fn bench(command: Command, style: Style) -> Bench {
        let (signals, signalled) = mpsc::channel(4);
        let written = Written::default();
        let silence = Silence::new(Duration::from_secs(60));
        let once = Once::new(command, &bench::server(), written.voice(style), signalled, silence);
        Bench { once, signals, written }
    }

    fn hello() -> Command {
        Command::Say { text: "hello".into(), action: false }
    }

    #[tokio::test]
    async fn a_list_is_printed_when_its_last_page_has_come() {
        for (style, expected) in
            [(Style::Plain, vec!["ann", "bob"]), (Style::Json, vec![r#"[{"nick":"ann"},{"nick":"bob"}]"#])]
        {
            let Bench { mut once, written, signals: _signals } = bench(Command::Names, style);
            take(&mut once, 3);
            let page = r#"{"type":"names","id":3,"names":[{"nick":"ann"}],"more":true}"#;
            assert_eq!(frame(&mut once, page), Flow::Continue);
            let other = r#"{"type":"names","id":4,"names":[{"nick":"eve"}],"more":false}"#;
            assert_eq!(frame(&mut once, other), Flow::Continue);
            let page = r#"{"type":"names","id":3,"names":[{"nick":"bob"}],"more":false}"#;
            assert_eq!(frame(&mut once, page), Flow::Exit);
            assert_eq!(written.take(), expected);
            assert_eq!(once.end(), End::Done);
        }
    }

    #[tokio::test]
    async fn a_message_is_done_when_the_server_has_taken_it() {
        let Bench { mut once, written, signals: _signals } = bench(hello(), Style::Json);
        assert!(matches!(take(&mut once, 3), Command::Say { .. }));
        // Our own message, which may come before.
        let own = r#"{"type":"message","number":7,"at":"2026-11-22T13:30:00Z","from":"ann","text":"hello"}"#;
        assert_eq!(frame(&mut once, own), Flow::Continue);
        assert_eq!(frame(&mut once, r#"{"type":"accepted","id":3,"number":7}"#), Flow::Exit);
        assert_eq!(written.take(), [r#"{"type":"accepted","number":7}"#]);
        assert_eq!(once.end(), End::Done);
    }

    #[tokio::test]
    async fn each_failure_has_its_code() {
        for (code, exit) in [("no-such-nick", 3), ("refused", 4)] {
            let Bench { mut once, signals: _signals, .. } = bench(hello(), Style::Plain);
            take(&mut once, 3);
            let error = format!(r#"{{"type":"error","id":3,"code":"{code}","message":"no"}}"#);
            assert_eq!(frame(&mut once, &error), Flow::Exit);
            assert_eq!(once.end().exit().code(), exit);
        }
        let Bench { mut once, signals: _signals, .. } = bench(hello(), Style::Plain);
        take(&mut once, 3);
        assert_eq!(give_up(&mut once, DisconnectReason::Lost), Flow::Exit);
        assert_eq!(once.end().exit(), Exit::Connection);

        let Bench { mut once, signals, .. } = bench(hello(), Style::Plain);
        take(&mut once, 3);
        signals.try_send(Signal::End).expect("room");
        assert!(matches!(next(&mut once), Some(Command::Quit)));
        assert_eq!(once.end().exit(), Exit::Interrupted);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it() {
        let Bench { mut once, signals: _signals, .. } = bench(Command::Files, Style::Plain);
        take(&mut once, 3);
        assert!(matches!(once.command().await, Command::Abandon));
        assert_eq!(once.end().exit(), Exit::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn only_what_was_asked_for_puts_the_end_off() {
        let Bench { mut once, signals: _signals, .. } = bench(Command::Files, Style::Plain);
        take(&mut once, 3);
        let began = tokio::time::Instant::now();
        for (after, line) in [
            (
                20,
                r#"{"type":"files","id":3,"files":[{"name":"a","size":1,"modified":"2026-11-22T13:30:00Z"}],"more":true}"#,
            ),
            (40, r#"{"type":"notice","text":"soon"}"#),
            (60, r#"{"type":"files","id":3,"files":[],"more":true}"#),
            (70, r#"{"type":"files","id":4,"files":[],"more":true}"#),
        ] {
            let until = began + Duration::from_secs(after);
            assert!(tokio::time::timeout_at(until, once.command()).await.is_err(), "{line}");
            assert_eq!(frame(&mut once, line), Flow::Continue);
        }
        assert!(matches!(once.command().await, Command::Abandon));
        assert_eq!(began.elapsed(), Duration::from_secs(80));
        assert_eq!(once.end().exit(), Exit::TimedOut);
    }

    #[tokio::test]
    async fn a_list_has_an_end() {
        let Bench { mut once, written, signals: _signals } = bench(Command::Names, Style::Plain);
        take(&mut once, 3);
        let names: Vec<String> = (0..1000).map(|n| format!(r#"{{"nick":"n{n}"}}"#)).collect();
        let page = format!(r#"{{"type":"names","id":3,"names":[{}],"more":true}}"#, names.join(","));
        for _ in 0..MAX_NAMES / 1000 {
            assert_eq!(frame(&mut once, &page), Flow::Continue);
        }
        assert_eq!(frame(&mut once, &page), Flow::Exit);
        assert_eq!(written.take(), [""; 0]);
        assert_eq!(once.end().exit(), Exit::Refused);
    }
}
