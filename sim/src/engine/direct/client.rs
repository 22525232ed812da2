//! A client and its user, over all of their lives.

mod running;

use backchat_core::node::ClientConfig;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;

use self::running::Running;
use super::files::Disk;
use super::outside::Outside;
use super::streams::ConnectionId;
use crate::engine::faults::Node;
use crate::engine::network::{ClientIndex, RECEIVE_BUFFER};
use crate::engine::node::{client_config, entropy};
use crate::engine::script::{Next, Script, Wish};
use crate::engine::user::{Found, Surroundings, User, path};
use crate::scenario::{Client as Description, Role, Scenario, Transfer};
use crate::trace::event::Completion;
use crate::trace::{self, AppEvent, Event, Name, RunEvent};

/// What outlives the program.
pub(super) struct Person {
    index: ClientIndex,
    name: trace::Node,
    role: Role,
    script: Script,
    disk: Disk,
    /// The receive buffer of its sockets.
    room: usize,
    /// The run is ending: the client shall leave.
    is_closing: bool,
}

impl Person {
    const fn node(&self) -> Node {
        Node::Client(self.index)
    }

    fn around<'a>(&'a mut self, out: &'a mut Outside) -> Around<'a> {
        Around { person: self, out }
    }
}

/// What a user sees.
struct Around<'a> {
    person: &'a mut Person,
    out: &'a mut Outside,
}

impl Surroundings for Around<'_> {
    fn next(&mut self, now: Instant) -> Next {
        self.person.script.next(now)
    }

    fn over(&mut self, now: Instant, wish: Wish) {
        self.person.script.over(wish, now);
    }

    fn record(&mut self, at: Instant, event: impl Into<Event>) {
        self.out.network.record(at, self.person.name, event);
    }

    fn look(&mut self, wish: Wish, file: &str) -> Found {
        self.person.disk.look(&path(wish, file), file, &self.out.contents)
    }
}

/// See the module.
pub(super) struct Client {
    person: Person,
    transfer: Transfer,
    config: ClientConfig,
    seed: Seed,
    /// How many lives have begun.
    lives: u64,
    /// Its user has left, and joins again with the next life.
    comes_back: bool,
    /// A crash holds it down.
    is_down: bool,
    stage: Stage,
}

/// Where it is between two lives.
enum Stage {
    /// It starts then, unless something holds it down.
    Waiting(Instant),
    Running(Box<Running>),
    /// It will not start again.
    Finished,
}

impl Client {
    pub(super) fn new(
        scenario: &Scenario,
        index: usize,
        client: &Description,
        script: Script,
        disk: Disk,
        seed: &Seed,
    ) -> Self {
        let transfer = scenario.file().transfer;
        let room = transfer
            .receive_buffer
            .map_or(RECEIVE_BUFFER, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        let person = Person {
            index: ClientIndex(index),
            name: client.nick.as_str().into(),
            role: client.role,
            script,
            disk,
            room,
            is_closing: false,
        };
        Self {
            person,
            transfer,
            config: client_config(client, scenario.file().duration),
            seed: seed.clone(),
            lives: 0,
            comes_back: false,
            is_down: false,
            stage: Stage::Waiting(client.start),
        }
    }

    /// Whether it wants nothing more.
    pub(super) fn is_done(&self) -> bool {
        self.is_finished() || self.person.script.is_done()
    }

    /// Whether it will not start again.
    pub(super) const fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// The run is ending: it shall leave.
    pub(super) fn close(&mut self, out: &mut Outside) {
        self.person.is_closing = true;
        out.wake(self.person.node());
    }

    /// Its connection can be read, or written.
    pub(super) fn stream_ready(&mut self, connection: ConnectionId, out: &mut Outside) {
        if let Stage::Running(running) = &mut self.stage {
            running.stream_ready(connection);
            out.wake(self.person.node());
        }
    }

    /// An attempt to connect was answered.
    pub(super) fn answered(&mut self, connection: ConnectionId, is_taken: bool, out: &mut Outside) {
        if let Stage::Running(running) = &mut self.stage {
            running.answered(connection, is_taken);
            out.wake(self.person.node());
        }
    }

    /// Does everything that can be done now.
    pub(super) fn turn(&mut self, out: &mut Outside) {
        loop {
            match &mut self.stage {
                Stage::Finished => return,
                Stage::Waiting(_) if self.person.is_closing => self.stage = Stage::Finished,
                Stage::Waiting(_) if self.is_down => return out.set_timer(self.person.node(), None),
                Stage::Waiting(begin) if *begin > out.now() => {
                    return out.set_timer(self.person.node(), Some(*begin));
                }
                Stage::Waiting(begin) => {
                    let begin = *begin;
                    self.begin(begin, out);
                }
                Stage::Running(running) => {
                    if running.turn(&mut self.person, out) {
                        return;
                    }
                    self.ended(out);
                }
            }
        }
    }

    fn begin(&mut self, begin: Instant, out: &mut Outside) {
        if core::mem::take(&mut self.comes_back) {
            self.person.script.rejoin(begin);
        }
        let life = self.lives;
        self.lives += 1;
        out.record(self.person.name, RunEvent::Started { life });
        let user = User::new(self.person.name.into(), self.person.role, self.transfer, life);
        let config = self.config.clone();
        let entropy = entropy(&self.seed, &self.person.name, life);
        let running = Running::start(config, entropy, user, &self.person, out.now());
        self.stage = Stage::Running(Box::new(running));
    }

    /// Its life is over in good order.
    fn ended(&mut self, out: &mut Outside) {
        let Stage::Running(running) = core::mem::replace(&mut self.stage, Stage::Finished) else { return };
        out.record(self.person.name, RunEvent::Stopped { outcome: Name::of("left") });
        let end = running.end(&mut self.person, out);
        if let Some(at) = end.starts_again(out.now(), &self.person.script) {
            self.stage = Stage::Waiting(at);
            self.comes_back = self.person.script.is_away();
        }
    }

    /// It is killed.
    pub(super) fn kill(&mut self, power: bool, out: &mut Outside) {
        out.record(self.person.name, RunEvent::Crashed { power });
        out.reset(self.person.node());
        self.is_down = true;
        if power {
            self.person.disk.lose_power();
        }
        let Stage::Running(_) = self.stage else { return };
        let again = Stage::Waiting(out.now());
        let Stage::Running(running) = core::mem::replace(&mut self.stage, again) else { return };
        running.give_up(&self.person, out);
        for wish in self.person.script.killed(out.now()) {
            let outcome = Completion::Killed.into();
            out.record(self.person.name, AppEvent::Answered { wish, outcome, number: None });
        }
    }

    /// Nothing holds it down any more.
    pub(super) fn revive(&mut self, out: &mut Outside) {
        self.is_down = false;
        out.wake(self.person.node());
    }
}
