//! The lives of hosts: what runs on them, from one crash to the next.
//!
//! The server has a turmoil host of its own. All clients share one, for turmoil's cost grows with the cube of the number
//! of hosts: each is a task, and its crash is the end of that task.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use backchat::driver::{ClientParts, Control, Observer, ServerParts, ServerSettings, run_client, serve};
use backchat::files::memory::MemoryDisk;
use backchat::files::{FileTargets, FolderShare};
use backchat_core::node::{ClientConfig, ServerEvent};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use backchat_core::trace::Record;
use tokio::sync::{Notify, mpsc, watch};

use super::clock::{SimClock, SimEntropy, now, sleep_until};
use super::tcp::{ServerPower, SimListener, SimNetwork};
use super::udp::SimUdp;
use super::user::{Desk, Seated};
use super::world::World;
use crate::engine::contents::{Contents, SHARE};
use crate::engine::network::{ClientIndex, RECEIVE_BUFFER, UDP_PORT};
use crate::scenario::Transfer;
use crate::trace::event::Completion;
use crate::trace::{AppEvent, Name, Node, RunEvent};

/// What a server is made of, in each of its lives.
pub(super) struct ServerHost {
    pub(super) world: Arc<World>,
    pub(super) seed: Seed,
    pub(super) disk: MemoryDisk,
    pub(super) settings: ServerSettings,
    pub(super) power: Arc<ServerPower>,
    pub(super) life: AtomicU64,
    /// Where its control comes from: each life has a channel of its own.
    pub(super) control: watch::Sender<Option<mpsc::Sender<Control>>>,
}

impl ServerHost {
    /// Serves until it is told to stop.
    pub(super) async fn live(self: Arc<Self>) -> turmoil::Result {
        let life = self.life.fetch_add(1, Ordering::Relaxed);
        let world = Arc::clone(&self.world);
        let began = now(&world);
        world.record(began, Node::SERVER, RunEvent::Started { life });
        let listener = SimListener::bind(Arc::clone(&world)).await?;
        let udp = SimUdp::bind_server(Arc::clone(&world), UDP_PORT, RECEIVE_BUFFER).await?;
        self.power.up();
        let share = FolderShare::open(self.disk.clone(), SHARE)?;
        let clock = SimClock::new(Arc::clone(&world));
        let entropy = SimEntropy::new(&self.seed, "server", life);
        let parts = ServerParts { listener, udp, share, clock, entropy };
        let (sender, control) = mpsc::channel(4);
        self.control.send_replace(Some(sender));
        let mut observer = Noted(Arc::clone(&world));
        let served = serve(parts, self.settings.clone(), control, &mut observer);
        let outcome = match caught(&world, "server", served).await {
            Some(Ok(_)) => Name::of("stopped"),
            Some(Err(error)) => error.to_string().into(),
            None => return Ok(()),
        };
        world.record(now(&world), Node::SERVER, RunEvent::Stopped { outcome });
        self.control.send_replace(None);
        Ok(())
    }
}

/// Notes what a server tells.
struct Noted(Arc<World>);

impl Observer for Noted {
    fn event(&mut self, now: Instant, event: ServerEvent) {
        self.0.record(now, Node::SERVER, event);
    }

    fn trace(&mut self, record: Record) {
        self.0.record(record.at, Node::SERVER, record);
    }
}

/// What a client is made of, in each of its lives.
pub(super) struct ClientHost {
    pub(super) world: Arc<World>,
    pub(super) seed: Seed,
    pub(super) index: ClientIndex,
    pub(super) start: Instant,
    pub(super) desk: Arc<Desk>,
    pub(super) contents: Arc<Contents>,
    pub(super) transfer: Transfer,
    pub(super) power: Arc<ServerPower>,
    pub(super) config: ClientConfig,
    pub(super) switch: Arc<Switch>,
}

/// Kills a client and lets it live again.
#[derive(Debug, Default)]
pub(super) struct Switch {
    is_off: std::sync::atomic::AtomicBool,
    changed: Notify,
}

impl Switch {
    /// Turns it off, or on.
    pub(super) fn turn(&self, on: bool) {
        self.is_off.store(!on, Ordering::Relaxed);
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    fn is_off(&self) -> bool {
        self.is_off.load(Ordering::Relaxed)
    }

    /// Waits until it is off, or on.
    async fn wait(&self, off: bool) {
        while self.is_off() != off {
            self.changed.notified().await;
        }
    }
}

impl ClientHost {
    /// All of its lives.
    pub(super) async fn live(self) {
        let name = self.desk.name;
        let world = Arc::clone(&self.world);
        let lives = self.lives();
        caught(&world, &name, lives).await;
        // Whatever it came to, nobody need wait for it.
    }

    async fn lives(self) {
        let Self { world, desk, switch, .. } = &self;
        let mut life = 0;
        let mut begin = self.start;
        loop {
            if !self.wait_for(begin).await {
                break;
            }
            switch.wait(false).await;
            if desk.is_closing() {
                break;
            }
            world.record(now(world), desk.name, RunEvent::Started { life });
            let mut user = Seated::new(
                Arc::clone(desk),
                Arc::clone(world),
                Arc::clone(&self.contents),
                self.transfer,
                life,
            );
            let ended = {
                let running = self.run(life, &mut user);
                tokio::select! {
                    biased;
                    () = switch.wait(true) => None,
                    outcome = running => Some(outcome),
                }
            };
            life += 1;
            let now = now(world);
            let Some(outcome) = ended else {
                let lost = desk.script().killed(now);
                for wish in lost {
                    let killed =
                        AppEvent::Answered { wish, outcome: Completion::Killed.into(), number: None };
                    world.record(now, desk.name, killed);
                }
                begin = now;
                continue;
            };
            world.record(now, desk.name, RunEvent::Stopped { outcome });
            user.life_ended(now);
            let starts_again = user.end().starts_again(now, &desk.script());
            let Some(at) = starts_again else { break };
            begin = at;
            if desk.script().is_away() {
                if !self.wait_for(begin).await {
                    break;
                }
                desk.script().rejoin(begin);
            }
        }
        desk.finish();
    }

    /// Waits for a time; `false` when the run ends before.
    async fn wait_for(&self, at: Instant) -> bool {
        loop {
            if self.desk.is_closing() {
                return false;
            }
            let now = now(&self.world);
            if at <= now {
                return true;
            }
            tokio::select! {
                biased;
                () = self.desk.changed.notified() => {}
                () = sleep_until(now, at) => {}
            }
        }
    }

    async fn run(&self, life: u64, user: &mut Seated) -> Name {
        let config = self.config.clone();
        let room = self
            .transfer
            .receive_buffer
            .map_or(RECEIVE_BUFFER, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let world = Arc::clone(&self.world);
        let parts = ClientParts {
            network: SimNetwork { world, client: self.index, power: Arc::clone(&self.power), room },
            targets: FileTargets::new(self.desk.disk.clone(), Box::new(io::sink())),
            clock: SimClock::new(Arc::clone(&self.world)),
            entropy: SimEntropy::new(&self.seed, &self.desk.name, life),
        };
        match run_client(parts, config, user).await {
            Ok(_) => Name::of("left"),
            Err(error) => error.to_string().into(),
        }
    }
}

/// Runs `future`; a panic in it is noted and ends it. turmoil would pass over one in a task of a host.
async fn caught<F: Future>(world: &World, host: &str, future: F) -> Option<F::Output> {
    let future = Caught(Box::pin(future)).await;
    match future {
        Ok(output) => Some(output),
        Err(text) => {
            world.lock().panicked(format!("{host}: {text}"));
            None
        }
    }
}

struct Caught<F>(Pin<Box<F>>);

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.0.as_mut();
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                Poll::Ready(Err(text.unwrap_or("a panic without a text").to_owned()))
            }
        }
    }
}
