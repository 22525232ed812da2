//! A user between the shipped client's loop and the script.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use backchat::driver::{Application, Command, Flow, Receipt};
use backchat::files::TargetEvent;
use backchat::files::memory::MemoryDisk;
use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use backchat_core::trace::Record;
use tokio::sync::Notify;

use super::clock::{now, sleep_until};
use super::world::World;
use crate::engine::contents::Contents;
use crate::engine::script::{Next, Script, Wish};
use crate::engine::user::{DOWNLOADS, Found, LifeEnd, Surroundings, User, Wanted, path};
use crate::scenario::{Role, Transfer};
use crate::trace::{AppEvent, Event, Node};

/// What the engine and all lives of one client share.
pub(super) struct Desk {
    pub(super) name: Node,
    role: Role,
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
    pub(super) fn new(name: Node, role: Role, script: Script) -> Arc<Self> {
        let disk = MemoryDisk::new();
        disk.add_folder(DOWNLOADS);
        Arc::new(Self {
            name,
            role,
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
}

/// One life of a user, at its desk.
pub(super) struct Seated {
    user: User,
    desk: Arc<Desk>,
    world: Arc<World>,
    contents: Arc<Contents>,
    /// What waits for the desk: it has to live for as long as its task shall be woken.
    waiting: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// What a user sees from its desk.
struct Around<'a> {
    desk: &'a Desk,
    world: &'a World,
    contents: &'a Contents,
}

impl Surroundings for Around<'_> {
    fn next(&mut self, now: Instant) -> Next {
        self.desk.script().next(now)
    }

    fn over(&mut self, now: Instant, wish: Wish) {
        self.desk.script().over(wish, now);
        self.desk.changed.notify_one();
    }

    fn record(&mut self, at: Instant, event: impl Into<Event>) {
        self.world.record(at, self.desk.name, event);
    }

    fn look(&mut self, wish: Wish, file: &str) -> Found {
        let bytes = self.desk.disk.read(path(wish, file)).unwrap_or_default();
        self.contents.compare(file, &bytes)
    }
}

impl Seated {
    pub(super) fn new(
        desk: Arc<Desk>,
        world: Arc<World>,
        contents: Arc<Contents>,
        transfer: Transfer,
        life: u64,
    ) -> Self {
        Self {
            user: User::new(desk.name.into(), desk.role, transfer, life),
            desk,
            world,
            contents,
            waiting: None,
        }
    }

    /// How this life ended, once it has.
    pub(super) fn end(&self) -> LifeEnd {
        self.user.end()
    }

    /// The client's life is over in good order.
    pub(super) fn life_ended(&mut self, now: Instant) {
        let (user, mut around) = self.parts();
        user.life_ended(now, &mut around);
    }

    fn parts(&mut self) -> (&mut User, Around<'_>) {
        let around = Around { desk: &self.desk, world: &self.world, contents: &self.contents };
        (&mut self.user, around)
    }
}

/// Waits until something of a desk has changed, or until a time.
async fn changed_or(desk: Arc<Desk>, now: Instant, at: Option<Instant>) {
    let due = async {
        match at {
            Some(at) => sleep_until(now, at).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = desk.changed.notified() => {}
        () = due => {}
    }
}

impl Application for Seated {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        loop {
            let now = now(&self.world);
            let is_closing = self.desk.is_closing();
            let (user, mut around) = self.parts();
            let at = match user.next(now, is_closing, &mut around) {
                Wanted::Now(command) => return Poll::Ready(command),
                Wanted::At(at) => Some(at),
                Wanted::Nothing => None,
            };
            // The one before goes first: it hands on what it was told, and the other way round both would for ever.
            self.waiting = None;
            let mut waiting = Box::pin(changed_or(Arc::clone(&self.desk), now, at));
            let changed = waiting.as_mut().poll(cx);
            self.waiting = changed.is_pending().then_some(waiting as _);
            ready!(changed);
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        let (user, mut around) = self.parts();
        user.answered(now, answer, &mut around);
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        let (user, mut around) = self.parts();
        user.event(now, event, &mut around)
    }

    fn target(&mut self, _: DownloadId, _: TargetEvent, _: Instant) -> Flow {
        Flow::Continue
    }

    fn cannot_connect(&mut self, error: &io::Error, now: Instant) -> Flow {
        let (_, mut around) = self.parts();
        around.record(now, AppEvent::CannotConnect { error: error.kind().to_string().into() });
        Flow::Continue
    }

    fn trace(&mut self, record: Record) {
        let (_, mut around) = self.parts();
        around.record(record.at, record);
    }
}
