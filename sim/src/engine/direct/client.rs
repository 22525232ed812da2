//! A client and its user, over all of their lives.

mod outside;

use std::task::{Context, Poll, Waker};

use backchat::driver::{ClientLoop, Turn};
use backchat_core::node::{self, ClientConfig};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;

use self::outside::{ClientSide, Life};
use super::environment::Environment;
use super::files::Disk;
use super::pace::Going;
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

    fn around<'a>(&'a mut self, env: &'a mut Environment) -> Around<'a> {
        Around { person: self, env }
    }
}

/// What a user sees.
struct Around<'a> {
    person: &'a mut Person,
    env: &'a mut Environment,
}

impl Surroundings for Around<'_> {
    fn next(&mut self, now: Instant) -> Next {
        self.person.script.next(now)
    }

    fn over(&mut self, now: Instant, wish: Wish) {
        self.person.script.over(wish, now);
    }

    fn record(&mut self, at: Instant, event: impl Into<Event>) {
        self.env.network.record(at, self.person.name, event);
    }

    fn look(&mut self, wish: Wish, file: &str) -> Found {
        self.person.disk.look(&path(wish, file), file, &self.env.contents)
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

/// One life: the loop that ships, and its outside.
struct Running {
    turns: ClientLoop,
    life: Life,
}

impl Running {
    /// Does everything that can be done now. `false`: it has ended.
    fn turn(&mut self, person: &mut Person, env: &mut Environment) -> bool {
        // Nobody need be woken: the environment gives a turn to whoever something happens to.
        let mut cx = Context::from_waker(Waker::noop());
        while env.step() == Going::On {
            let mut side = ClientSide { life: &mut self.life, person, env };
            match self.turns.poll_turn(&mut side, &mut cx) {
                Poll::Ready(Turn::Again) => {}
                Poll::Ready(Turn::Ended(())) => return false,
                Poll::Pending => {
                    env.set_timer(person.node(), self.life.deadline());
                    break;
                }
            }
        }
        true
    }
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
    pub(super) fn close(&mut self, env: &mut Environment) {
        self.person.is_closing = true;
        env.wake(self.person.node());
    }

    /// Its connection can be read, or written.
    pub(super) fn stream_ready(&mut self, connection: ConnectionId, env: &mut Environment) {
        if let Stage::Running(running) = &mut self.stage {
            running.life.stream_ready(connection);
            env.wake(self.person.node());
        }
    }

    /// An attempt to connect was answered.
    pub(super) fn answered(&mut self, connection: ConnectionId, is_taken: bool, env: &mut Environment) {
        if let Stage::Running(running) = &mut self.stage {
            running.life.answered(connection, is_taken);
            env.wake(self.person.node());
        }
    }

    /// Does everything that can be done now.
    pub(super) fn turn(&mut self, env: &mut Environment) {
        loop {
            match &mut self.stage {
                Stage::Finished => return,
                Stage::Waiting(_) if self.person.is_closing => self.stage = Stage::Finished,
                Stage::Waiting(_) if self.is_down => return env.set_timer(self.person.node(), None),
                Stage::Waiting(begin) if *begin > env.now() => {
                    return env.set_timer(self.person.node(), Some(*begin));
                }
                Stage::Waiting(begin) => {
                    let begin = *begin;
                    self.begin(begin, env);
                }
                Stage::Running(running) => {
                    if running.turn(&mut self.person, env) {
                        return;
                    }
                    self.ended(env);
                }
            }
        }
    }

    fn begin(&mut self, begin: Instant, env: &mut Environment) {
        if core::mem::take(&mut self.comes_back) {
            self.person.script.rejoin(begin);
        }
        let life = self.lives;
        self.lives += 1;
        env.record(self.person.name, RunEvent::Started { life });
        let user = User::new(self.person.name.into(), self.person.role, self.transfer, life);
        let config = self.config.clone();
        let entropy = entropy(&self.seed, &self.person.name, life);
        let core = node::Client::new(config, &Seed::from_entropy(entropy));
        let turns = ClientLoop::new(env.now(), core);
        let life = Life::new(user, &self.person.disk);
        self.stage = Stage::Running(Box::new(Running { turns, life }));
    }

    /// Its life is over in good order.
    fn ended(&mut self, env: &mut Environment) {
        let Stage::Running(running) = core::mem::replace(&mut self.stage, Stage::Finished) else { return };
        env.record(self.person.name, RunEvent::Stopped { outcome: Name::of("left") });
        let Running { mut life, .. } = *running;
        let end = life.user.end();
        life.user.life_ended(env.now(), &mut self.person.around(env));
        life.give_up(&self.person, env);
        if let Some(at) = end.starts_again(env.now(), &self.person.script) {
            self.stage = Stage::Waiting(at);
            self.comes_back = self.person.script.is_away();
        }
    }

    /// It is killed.
    pub(super) fn kill(&mut self, power: bool, env: &mut Environment) {
        env.record(self.person.name, RunEvent::Crashed { power });
        env.reset(self.person.node());
        self.is_down = true;
        if power {
            self.person.disk.lose_power();
        }
        let Stage::Running(_) = self.stage else { return };
        let again = Stage::Waiting(env.now());
        let Stage::Running(running) = core::mem::replace(&mut self.stage, again) else { return };
        running.life.give_up(&self.person, env);
        for wish in self.person.script.killed(env.now()) {
            let outcome = Completion::Killed.into();
            env.record(self.person.name, AppEvent::Answered { wish, outcome, number: None });
        }
    }

    /// Nothing holds it down any more.
    pub(super) fn revive(&mut self, env: &mut Environment) {
        self.is_down = false;
        env.wake(self.person.node());
    }
}
