//! The user of a simulated client: does what the script says, and notes what it is told.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backchat::driver::{Application, Command, Flow, Receipt, Which};
use backchat::files::memory::MemoryDisk;
use backchat::files::{Existing, Partial, Place, TargetEvent, TargetSpec};
use backchat_core::chat::{ClientChatEvent, RequestId, ServerFrame};
use backchat_core::node::{ClientEvent, DownloadError, DownloadEvent, DownloadId, GetRequest};
use backchat_core::time::Instant;
use backchat_core::trace::Record;
use backchat_core::wire::Hash;
use tokio::sync::Notify;

use super::clock::{now, sleep_until};
use super::world::World;
use crate::engine::contents::Contents;
use crate::engine::script::{Next, Script, Wish};
use crate::engine::shape::detail;
use crate::scenario::{Action, Transfer};
use crate::trace::{Event, Name, convert};

/// Where a client's downloads are.
pub(super) const DOWNLOADS: &str = "/downloads";

/// What the engine and all lives of one client share.
pub(super) struct Desk {
    pub(super) name: Name,
    pub(super) disk: MemoryDisk,
    script: Mutex<Script>,
    /// Something of the above has changed: look again.
    pub(super) changed: Notify,
    state: Mutex<DeskState>,
}

/// What the engine wants of a client.
#[derive(Clone, Copy, Debug, Default)]
struct DeskState {
    /// The run is ending.
    is_closing: bool,
    /// Its life is over.
    is_finished: bool,
}

impl Desk {
    pub(super) fn new(name: Name, script: Script) -> Arc<Self> {
        let disk = MemoryDisk::new();
        disk.add_folder(DOWNLOADS);
        Arc::new(Self {
            name,
            disk,
            script: Mutex::new(script),
            changed: Notify::new(),
            state: Mutex::default(),
        })
    }

    pub(super) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, DeskState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run is ending: the client shall leave.
    pub(super) fn close(&self) {
        self.state().is_closing = true;
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    pub(super) fn is_closing(&self) -> bool {
        self.state().is_closing
    }

    /// Its last life is over.
    pub(super) fn finish(&self) {
        self.state().is_finished = true;
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state().is_finished
    }

    /// Where the file of a wish goes: to a path of its own, the same after a crash.
    fn path(wish: Wish, file: &str) -> PathBuf {
        PathBuf::from(DOWNLOADS).join(format!("{wish:05}-{file}"))
    }
}

/// How a life of the client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LifeEnd {
    /// The user left.
    Left,
    /// The server did not let it in; a user would try again.
    Refused,
    /// It was of no use any more.
    GaveUp,
}

/// One life of the user.
pub(super) struct User {
    pub(super) desk: Arc<Desk>,
    pub(super) world: Arc<World>,
    pub(super) contents: Arc<Contents>,
    pub(super) transfer: Transfer,
    /// The wish that was handed in and not answered yet.
    current: Option<Current>,
    requests: BTreeMap<RequestId, Wish>,
    downloads: BTreeMap<DownloadId, Download>,
    is_leaving: bool,
    /// The nickname that the server welcomed it under.
    nick: Name,
    /// Whether steps may be taken. Somebody who starts a client again waits until it is in: its nickname may still be
    /// held for the one that was killed.
    may_begin: bool,
    pub(super) end: LifeEnd,
}

struct Download {
    wish: Wish,
    file: Name,
}

/// A wish on its way into the client, with the file where it is a download.
struct Current {
    wish: Wish,
    file: Option<Name>,
}

impl User {
    pub(super) fn new(
        desk: Arc<Desk>,
        world: Arc<World>,
        contents: Arc<Contents>,
        transfer: Transfer,
        life: u64,
    ) -> Self {
        Self {
            may_begin: life == 0,
            nick: desk.name.clone(),
            desk,
            world,
            contents,
            transfer,
            current: None,
            requests: BTreeMap::new(),
            downloads: BTreeMap::new(),
            is_leaving: false,
            end: LifeEnd::Left,
        }
    }

    /// The client's life is over in good order, and with it everything that was wanted of it.
    pub(super) fn life_ended(&mut self, now: Instant) {
        let current = self.current.take().map(|current| current.wish);
        let open: Vec<Wish> = self.requests.values().copied().chain(current).collect();
        self.requests.clear();
        for wish in open {
            self.record(now, Event::Answered { wish, outcome: Name::of("left"), number: None });
            self.over(now, wish);
        }
    }

    fn record(&self, at: Instant, event: Event) {
        self.world.record(at, &self.desk.name, event);
    }

    /// A wish is over.
    fn over(&self, now: Instant, wish: Wish) {
        self.desk.script().over(wish, now);
        self.desk.changed.notify_one();
    }

    fn answered_with(&mut self, now: Instant, id: &RequestId, outcome: Name, number: Option<u64>) {
        if let Some(wish) = self.requests.remove(id) {
            self.record(now, Event::Answered { wish, outcome, number });
            self.over(now, wish);
        }
    }

    /// The command that a wish is.
    fn command_of(&self, wish: Wish, action: &Action) -> Command {
        let which = |file: &Option<backchat_core::chat::FileName>| match file {
            None => Which::All,
            // The last download of that file that was asked for and is not over.
            Some(file) => {
                let of_file = |(_, download): &(&DownloadId, &Download)| download.file == *file.as_str();
                self.downloads.iter().rfind(of_file).map_or(Which::All, |(id, _)| Which::One(*id))
            }
        };
        match action {
            Action::Get(file) => {
                let place = Place::Path(Desk::path(wish, file.as_str()));
                Command::Get {
                    request: GetRequest {
                        recovery: self.transfer.recovery,
                        congestion: self.transfer.congestion,
                        segment: Some(self.transfer.segment),
                        ..GetRequest::new(file.clone())
                    },
                    target: TargetSpec::File { place, existing: Existing::Refuse, partial: Partial::Resume },
                }
            }
            Action::Say(text) => Command::Say { text: text.clone(), action: false },
            Action::Tell { to, text } => Command::Tell { to: to.clone(), text: text.clone(), action: false },
            Action::Names => Command::Names,
            Action::Files => Command::Files,
            Action::Pause(file) => Command::Pause(which(file)),
            Action::Resume(file) => Command::Resume(which(file)),
            Action::Stop(file) => Command::Stop(which(file)),
            // Who is here already, and joins, has joined.
            Action::Join => Command::Names,
            Action::Leave => Command::Quit,
        }
    }

    fn frame(&mut self, now: Instant, frame: ServerFrame) {
        let event = match frame {
            ServerFrame::Message(it) => {
                let (from, text) = (it.from.as_str().into(), it.text.into());
                Event::Message { number: it.number, from, text, backlog: it.backlog }
            }
            ServerFrame::Private(it) => {
                let (from, to, text) = (it.from.as_str().into(), it.to.as_str().into(), it.text.into());
                Event::Private { number: it.number, from, to, text, backlog: it.backlog }
            }
            ServerFrame::Gap { missed } => Event::Gap { missed },
            ServerFrame::Joined { nick } => Event::PeerJoined { nick: nick.as_str().into() },
            ServerFrame::Left { nick, reason } => {
                Event::PeerLeft { nick: nick.as_str().into(), reason: reason.into() }
            }
            ServerFrame::Accepted { id, number } => {
                if let Some(id) = id {
                    self.answered_with(now, &id, Name::of("accepted"), Some(number));
                }
                return;
            }
            ServerFrame::Error(error) => {
                let code: Name = error.code.as_str().into();
                self.record(now, Event::Shown { kind: Name::of("error"), text: Some(code.clone()) });
                if let Some(id) = error.id {
                    self.answered_with(now, &id, code, None);
                }
                return;
            }
            ServerFrame::Names { id, names, more } => {
                let list: Vec<&str> = names.iter().map(|it| it.nick.as_str()).collect();
                self.list(now, "names", id, &list, more);
                return;
            }
            ServerFrame::Files { id, files, more } => {
                let list: Vec<&str> = files.iter().map(|it| it.name.as_str()).collect();
                self.list(now, "files", id, &list, more);
                return;
            }
            ServerFrame::Notice { text } => {
                Event::Shown { kind: Name::of("notice"), text: Some(text.into()) }
            }
            ServerFrame::Closing { reason } => {
                Event::Shown { kind: Name::of("closing"), text: Some(reason.into()) }
            }
            ServerFrame::Welcome(welcome) => {
                self.nick = welcome.nick.as_str().into();
                return;
            }
            ServerFrame::Renamed { from, to, .. } => {
                Event::Shown { kind: Name::of("renamed"), text: Some(format!("{from} {to}").into()) }
            }
            ServerFrame::History { .. } => Event::Shown { kind: Name::of("history"), text: None },
            ServerFrame::Ticket(_) | ServerFrame::Ping | ServerFrame::Pong { .. } => return,
        };
        self.record(now, event);
    }

    /// A page of a list; its last one ends the wish.
    fn list(&mut self, now: Instant, kind: &'static str, id: Option<RequestId>, items: &[&str], more: bool) {
        let text = Some(items.join(" ").into());
        self.record(now, Event::Shown { kind: Name::of(kind), text });
        if let Some(id) = id.filter(|_| !more) {
            self.answered_with(now, &id, Name::of(kind), None);
        }
    }

    fn chat(&mut self, now: Instant, event: ClientChatEvent) -> Flow {
        match event {
            ClientChatEvent::Frame(frame) => {
                self.frame(now, *frame);
            }
            ClientChatEvent::Connected => self.record(now, Event::Connected {}),
            ClientChatEvent::Joined { resumed, new_epoch } => {
                self.may_begin = true;
                let nick = self.nick.clone();
                self.record(now, Event::Joined { nick, resumed, new_epoch });
            }
            ClientChatEvent::Refused(error) => {
                self.record(now, Event::Refused { code: error.code.as_str().into() });
                self.end = LifeEnd::Refused;
                return Flow::Exit;
            }
            ClientChatEvent::Disconnected { reason } => {
                self.record(now, Event::Disconnected { reason: reason.to_string().into() });
            }
            ClientChatEvent::Reconnecting { after } => self.record(now, Event::Reconnecting { after }),
            ClientChatEvent::GaveUp => {
                self.record(now, Event::GaveUp {});
                if !self.is_leaving {
                    self.end = LifeEnd::GaveUp;
                }
                return Flow::Exit;
            }
            ClientChatEvent::Unconfirmed { id, text: _ } => {
                self.answered_with(now, &id, Name::of("unconfirmed"), None);
            }
            ClientChatEvent::Unsent { id, text: _ } => {
                self.answered_with(now, &id, Name::of("unsent"), None);
            }
            ClientChatEvent::Unanswered { id } => {
                self.answered_with(now, &id, Name::of("unanswered"), None);
            }
        }
        Flow::Continue
    }

    fn download(&mut self, now: Instant, id: DownloadId, event: DownloadEvent) {
        let Some(Download { wish, file }) = self.downloads.get(&id) else { return };
        let (wish, file) = (*wish, file.clone());
        match event {
            DownloadEvent::Started { transfer, size, start, .. } => {
                self.record(now, Event::DownloadStarted { wish, transfer, size, start });
            }
            DownloadEvent::Progress { .. } | DownloadEvent::Paused | DownloadEvent::Resumed => {}
            DownloadEvent::Finished(summary) => {
                let bytes = self.desk.disk.read(Desk::path(wish, &file)).unwrap_or_default();
                let finished = Event::DownloadFinished {
                    wish,
                    size: bytes.len() as u64,
                    blake3: Hash(*blake3::hash(&bytes).as_bytes()),
                    differs_at: self.contents.differs_at(&file, &bytes),
                    file,
                    resumed_from: summary.resumed_from,
                    segments_received: summary.segments_received,
                    duplicates: summary.duplicates,
                };
                self.record(now, finished);
                self.downloads.remove(&id);
                self.over(now, wish);
            }
            DownloadEvent::Failed { reason, message, kept } => {
                let (reason, message) = (Name::of(reason.name()), message.into());
                self.record(now, Event::DownloadFailed { wish, file, reason, message, kept });
                self.downloads.remove(&id);
                self.over(now, wish);
            }
        }
    }
}

impl Application for User {
    async fn command(&mut self) -> Command {
        loop {
            if self.desk.is_closing() && !self.is_leaving {
                self.is_leaving = true;
                return Command::Quit;
            }
            let now = now(&self.world);
            let next = if self.is_leaving || self.current.is_some() || !self.may_begin {
                Next::Nothing
            } else {
                self.desk.script().next(now)
            };
            let at = match next {
                Next::Do(wish, action) => {
                    self.is_leaving |= *action == Action::Leave;
                    let detail = detail(&action);
                    let file = if let Action::Get(_) = &*action { detail.clone() } else { None };
                    let what = Name::of(action.name());
                    self.current = Some(Current { wish, file });
                    self.record(now, Event::Asked { wish, what, detail });
                    return self.command_of(wish, &action);
                }
                Next::At(at) => Some(at),
                Next::Nothing => None,
            };
            let due = async {
                match at {
                    Some(at) => sleep_until(now, at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.desk.changed.notified() => {}
                () = due => {}
            }
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        let Some(Current { wish, file }) = self.current.take() else { return Flow::Continue };
        match answer {
            Ok(Receipt::Request(id)) => {
                self.record(now, Event::Taken { wish, id: id.to_string().into() });
                self.requests.insert(id, wish);
            }
            Ok(Receipt::Download(id)) => {
                self.record(now, Event::Taken { wish, id: format!("download-{}", id.0).into() });
                self.downloads.insert(id, Download { wish, file: file.unwrap_or(Name::of("")) });
            }
            Ok(Receipt::Done) => {
                self.record(now, Event::Answered { wish, outcome: Name::of("done"), number: None });
                self.over(now, wish);
            }
            Err(error) => {
                self.record(now, Event::NotTaken { wish, reason: error.to_string().into() });
                self.over(now, wish);
            }
        }
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        match event {
            ClientEvent::Chat(event) => self.chat(now, event),
            ClientEvent::Download { download, event } => {
                self.download(now, download, event);
                Flow::Continue
            }
        }
    }

    fn target(&mut self, _: DownloadId, _: TargetEvent, _: Instant) -> Flow {
        Flow::Continue
    }

    fn cannot_connect(&mut self, error: &io::Error, now: Instant) -> Flow {
        self.record(now, Event::CannotConnect { error: error.kind().to_string().into() });
        Flow::Continue
    }

    fn trace(&mut self, record: Record) {
        let at = record.at;
        self.record(at, convert::core(record));
    }
}
