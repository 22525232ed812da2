//! A chat as its user knows it: who is here, what is shared, which downloads run, what waits for an answer.
//!
//! The one model behind the plain lines, the objects and the window. A [`Message`] goes in, [`Effect`]s come out; it
//! does no I/O and knows nothing of frames on their way: what the protocol needs is below the driver.
//!
//! - `frames`: what the server's frames say. `typing`: from what was typed to a command.
//! - `looking`: what others may look at. `outbox`: what was pasted and waits for its turn.
//! - `keeping`: downloads that go on by themselves, and the question in the middle of one. `turns`: those that wait.

mod frames;
pub(crate) use frames::MAX_FILES;
mod keeping;
mod looking;
mod outbox;
mod turns;
mod typing;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use backchat_core::chat::client::{ClientChatEvent, CommandError, DisconnectReason};
use backchat_core::chat::{FileEntry, Nickname, NicknameKey, RequestId, Text, TextError};
use backchat_core::node::{ClientEvent, DownloadError, DownloadId, FailReason};
use backchat_core::time::Instant;

use self::keeping::Keeping;
use self::outbox::Outbox;
use super::downloads::{Downloads, News, Report};
use super::end::{Connection, End, Overdue};
use super::happening::Happening;
use super::request;
use super::requests::Requests;
use super::roster::Roster;
use crate::app::get::GetOptions;
use crate::app::input::Input;
use crate::driver::application::{Command, Receipt};
use crate::files::TargetEvent;

/// Commands that lead on when the server lets nobody in.
pub(crate) const WAY_ON: &str = "/reconnect tries again, /nick NAME under another name, /quit leaves";

/// What goes into the model.
#[derive(Debug)]
pub enum Message {
    /// The user wants something; a program may call it by an id.
    Input(Input, Option<RequestId>),
    /// Messages to all that were pasted: each goes out when the one before was taken.
    Say(Vec<String>),
    /// Nothing more will be typed.
    EndOfInput,
    /// The user, or the system, wants it to end.
    Interrupted,
    /// Nothing came of it for too long.
    TimedOut(Overdue),
    /// The loop has carried out a command, or not.
    Answered(Box<Asked>, Result<Receipt, DownloadError>),
    /// Something happened in the chat or to a download.
    Client(ClientEvent),
    /// Something happened to the file of a download.
    Target(DownloadId, TargetEvent),
    /// The system's words for why there is no connection.
    CannotConnect(String),
    /// The time of [`Session::deadline`] has come.
    Tick,
}

/// What comes out of the model, in order.
#[derive(Debug)]
pub enum Effect {
    /// Hand this to the loop, and come back with its answer.
    Ask(Box<Asked>),
    /// Tell this.
    Tell(Happening),
    /// End: [`Session::end`] knows how.
    Exit,
}

/// A command on its way, and why.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The command.
    pub command: Command,
    /// What a program called it.
    id: Option<RequestId>,
    /// The options of a download.
    get: Option<GetOptions>,
    origin: Origin,
}

/// Who wants a command carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// The user.
    User,
    /// The model, which wants to know who is here.
    Roster,
    /// The model, which wants to know what is shared.
    Files,
    /// The user, who pasted it: it goes out in its turn.
    Outbox,
}

/// What the model asks the server by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curiosity {
    /// Who is here, and the answer is told: a list of it scrolls by.
    Lines,
    /// Who is here and what is shared, without a word: there are panes for both.
    Panes,
}

/// How the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// On its way for the first time, or again.
    Connecting,
    /// There, and the server has let us in.
    Up,
    /// Gone; tried again at this time.
    Waiting(Instant),
    /// Gone for good.
    Over,
}

/// See the module.
#[derive(Debug)]
pub struct Session {
    curiosity: Curiosity,
    now: Instant,
    nick: Nickname,
    link: Link,
    requests: Requests,
    roster: Roster,
    files: Vec<FileEntry>,
    /// The request whose pages become `files`.
    files_asked: Option<RequestId>,
    pages: Vec<FileEntry>,
    downloads: Downloads,
    keeping: Keeping,
    outbox: Outbox,
    /// Where downloads go; the current folder where nothing was said.
    folder: Option<PathBuf>,
    ignored: BTreeMap<NicknameKey, Nickname>,
    /// Who said something privately last.
    correspondent: Option<Nickname>,
    connection: Connection,
    /// The request whose answer is timed, and when it went out.
    timed: Option<(RequestId, Instant)>,
    round_trips: VecDeque<Duration>,
    /// What was asked for and was not done when its user left.
    left_undone: usize,
    end: Option<End>,
    effects: Vec<Effect>,
}

impl Session {
    /// A chat with `server` under `nick`, which has not begun.
    pub fn new(server: impl Into<String>, nick: Nickname, curiosity: Curiosity) -> Self {
        Self {
            curiosity,
            now: Instant::ZERO,
            nick,
            link: Link::Connecting,
            requests: Requests::default(),
            roster: Roster::default(),
            files: Vec::new(),
            files_asked: None,
            pages: Vec::new(),
            downloads: Downloads::default(),
            keeping: Keeping::default(),
            outbox: Outbox::default(),
            folder: None,
            ignored: BTreeMap::new(),
            correspondent: None,
            connection: Connection::new(server),
            timed: None,
            round_trips: VecDeque::new(),
            left_undone: 0,
            end: None,
            effects: Vec::new(),
        }
    }

    /// The same, but a download is held in its middle and its user asked.
    #[must_use]
    pub fn asking_halfway(mut self) -> Self {
        self.keeping.ask_halfway();
        self
    }

    /// The same, but downloads go to `folder` where nothing else is said.
    #[must_use]
    pub fn downloading_to(mut self, folder: Option<PathBuf>) -> Self {
        self.folder = folder;
        self
    }

    /// The same, but people are told of files from the root on: the current folder is `base`.
    #[must_use]
    pub fn based_at(mut self, base: PathBuf) -> Self {
        self.downloads.begin_at(base);
        self
    }

    /// Takes in what happened; answers with what is to be done.
    pub fn update(&mut self, now: Instant, message: Message) -> Vec<Effect> {
        self.now = self.now.max(now);
        match message {
            Message::Input(input, id) => self.on_input(input, id),
            Message::Say(texts) => self.say_in_turn(texts),
            Message::EndOfInput => {
                self.ask(Command::Finish, None);
                self.end = Some(End::Done);
            }
            Message::Interrupted => {
                self.end = Some(End::Interrupted);
                self.drop_waiting(|_| true, "stopped by the user", &FailReason::Stopped);
                self.ask(Command::Quit, None);
            }
            Message::TimedOut(overdue) => {
                self.end = Some(End::Failed(self.connection.timed_out(overdue)));
                self.drop_waiting(|_| true, "the time was over before its turn came", &FailReason::TimedOut);
                self.ask(Command::Abandon, None);
            }
            Message::Answered(asked, answer) => self.on_answer(*asked, answer),
            Message::Client(ClientEvent::Chat(event)) => self.on_chat(event),
            Message::Client(ClientEvent::Download { download, event }) => {
                if let Some(report) = self.downloads.on_event(self.now, download, &event) {
                    self.on_report(report);
                }
            }
            Message::Target(download, event) => self.downloads.on_target(download, &event),
            Message::CannotConnect(error) => self.connection.on_error(error),
            Message::Tick => {}
        }
        self.go_on_after_halfway();
        self.send_in_turn();
        std::mem::take(&mut self.effects)
    }

    /// Settles how it ends: nobody is there any more who would.
    pub fn set_end(&mut self, end: End) {
        self.end = Some(end);
    }

    /// A new try after it was over, under this nickname. What was said, and who is ignored, stays.
    pub fn begin_again(&mut self, nick: Nickname) {
        let connection = Connection::new(self.connection.server());
        let ignored = std::mem::take(&mut self.ignored);
        let folder = self.folder.take();
        let files = std::mem::take(&mut self.files);
        let keeping = self.keeping.begin_again();
        let mut downloads = Downloads::default();
        downloads.begin_at(self.downloads.base().to_owned());
        *self = Self {
            folder,
            ignored,
            files,
            keeping,
            downloads,
            now: self.now,
            ..Self::new(connection.server(), nick, self.curiosity)
        };
    }

    fn tell(&mut self, happening: Happening) {
        self.effects.push(Effect::Tell(happening));
    }

    fn complain(&mut self, id: Option<RequestId>, code: &'static str, message: impl Into<String>) {
        self.tell(Happening::complaint(id, code, message));
    }

    fn ask(&mut self, command: Command, id: Option<RequestId>) {
        self.ask_for(Asked { command, id, get: None, origin: Origin::User });
    }

    fn ask_for(&mut self, asked: Asked) {
        self.effects.push(Effect::Ask(Box::new(asked)));
    }

    fn on_chat(&mut self, event: ClientChatEvent) {
        let failure = self.connection.on_event(&event);
        match event {
            ClientChatEvent::Frame(frame) => self.on_frame(frame),
            ClientChatEvent::Connected => {
                self.link = Link::Connecting;
                self.tell(Happening::Connected);
            }
            ClientChatEvent::Joined { .. } => self.on_joined(),
            ClientChatEvent::Disconnected { reason } => self.on_disconnected(&reason),
            ClientChatEvent::Reconnecting { after } => {
                self.link = Link::Waiting(self.now + after);
                self.tell(Happening::Reconnecting { after });
            }
            ClientChatEvent::Unconfirmed { id, text } => {
                self.on_lost_message(&id, text, "it is not known whether this was delivered");
            }
            ClientChatEvent::Unsent { id, text } => self.on_lost_message(&id, text, "this was not sent"),
            ClientChatEvent::Unanswered { id } => {
                let _ = self.settle(&id);
            }
            ClientChatEvent::Refused(_) | ClientChatEvent::GaveUp => self.link = Link::Over,
        }
        if let Some(failure) = failure {
            // Before anything else that was to be the end, such as the end of the input.
            self.end = Some(End::Failed(failure));
            self.drop_waiting(|_| true, "the connection was lost before its turn came", &FailReason::Lost);
            self.give_up_downloads();
            self.give_up_outbox();
            self.effects.push(Effect::Exit);
        }
    }

    /// Who came and went meanwhile was not told.
    fn on_joined(&mut self) {
        self.link = Link::Up;
        self.ask_for(Asked { command: Command::Names, id: None, get: None, origin: Origin::Roster });
        if self.curiosity == Curiosity::Panes {
            self.ask_for(Asked { command: Command::Files, id: None, get: None, origin: Origin::Files });
        }
        self.go_on_with_downloads();
    }

    fn on_disconnected(&mut self, reason: &DisconnectReason) {
        self.roster.forget();
        self.timed = None;
        self.link = Link::Connecting;
        if *reason != DisconnectReason::Left {
            let was_there = self.connection.was_there();
            self.tell(Happening::Disconnected { reason: reason.to_string(), was_there });
            if let (DisconnectReason::NotNow(_), Curiosity::Panes) = (reason, self.curiosity) {
                self.tell(Happening::Notice(WAY_ON.to_owned()));
            }
        }
    }

    fn on_lost_message(&mut self, id: &RequestId, text: Text, what: &'static str) {
        let id = self.settle(id);
        self.left_undone += usize::from(self.end.is_some());
        self.tell(Happening::Unconfirmed { id, text, what });
    }

    fn on_answer(&mut self, asked: Asked, answer: Result<Receipt, DownloadError>) {
        let is_download = matches!(asked.command, Command::Get { .. });
        self.carried_out(asked, answer);
        if is_download {
            self.keeping.asked_answered();
            self.begin_waiting();
        }
    }

    fn carried_out(&mut self, asked: Asked, answer: Result<Receipt, DownloadError>) {
        match answer {
            Ok(Receipt::Request(id)) => self.on_request(asked, id),
            Ok(Receipt::Download(id)) => {
                if let Command::Get { request, .. } = asked.command {
                    self.downloads.begin(id, request.file, asked.id.clone());
                    self.keeping.begin(id, asked.get, asked.id);
                }
            }
            Ok(Receipt::Done) => {}
            Err(error) => {
                if asked.origin == Origin::Outbox {
                    self.outbox.failed();
                }
                let code = match error {
                    DownloadError::Chat(CommandError::Text(TextError::TooLong { .. })) => "text-too-long",
                    DownloadError::Chat(CommandError::Text(_)) => "bad-text",
                    _ => "refused",
                };
                self.complain(asked.id, code, format!("not sent: {error}"));
            }
        }
    }

    fn on_request(&mut self, asked: Asked, id: RequestId) {
        if self.link == Link::Up && self.timed.is_none() && self.requests.is_empty() {
            self.timed = Some((id.clone(), self.now));
        }
        match (&asked.command, asked.origin) {
            (Command::Names, Origin::Roster) => self.roster.asked(id.clone()),
            (Command::Files, _) => {
                self.files_asked = Some(id.clone());
                self.pages.clear();
            }
            _ => {}
        }
        let is_message =
            matches!(asked.command, Command::Say { .. } | Command::Tell { .. } | Command::Nick(_));
        if asked.origin == Origin::Outbox {
            self.outbox.handed(id.clone());
        }
        let is_silent = matches!(asked.origin, Origin::Roster | Origin::Files);
        self.requests.insert(id, asked.id, is_message, is_silent);
    }

    fn on_report(&mut self, report: Report) {
        if report.news.is_last() {
            self.begin_waiting();
        }
        // What fails by itself is told, and is the server's answer; what is stopped by leaving has none.
        if matches!(&report.news, News::Failed(failure) if failure.reason == "stopped") {
            self.left_undone += usize::from(self.end == Some(End::Done));
        }
        let wanted = if report.news.is_last() { self.keeping.end(report.download) } else { None };
        let Some(report) = self.keep(report, wanted.as_ref()) else { return };
        let resume = match (&report.news, wanted.and_then(|wanted| wanted.args)) {
            (News::Failed(failure), Some(args))
                if failure.reason == "stopped" && report.state.received > 0 && !report.state.is_stream =>
            {
                Some(self.resume_line(&args))
            }
            _ => None,
        };
        self.tell(Happening::Report { report: Box::new(report), resume });
    }

    /// What goes on with a download: typed here, or for a shell when this is the end.
    fn resume_line(&self, args: &GetOptions) -> String {
        let words = args.words();
        let get = request::quote_all(words.iter().map(String::as_str));
        match self.end {
            None => format!("/get {get}"),
            Some(_) => {
                let server = request::quote_all([self.connection.server()]);
                let sign = if server.starts_with('-') { '=' } else { ' ' };
                format!("backchat-client --server{sign}{server} get {get}")
            }
        }
    }
}
