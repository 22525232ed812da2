//! The turmoil engine: the drivers that ship, unchanged, on turmoil's hosts, clock, TCP and UDP.
//!
//! turmoil runs hosts a millisecond at a time and carries bytes at its smallest latency. Everything that can go wrong
//! comes from the link model, in nanoseconds, in front of every datagram and every stretch of a stream; turmoil's own
//! faults are not used, nor its randomness.
//!
//! - `world`: what all hosts share. `clock`, `udp`, `tcp`, `stream`: the outside of a driver. `connection`, `inbox`:
//!   what two ends share.
//! - `lives`, `user`: what runs on a host, from one crash to the next.
//! - `faults`: how hosts are killed and moved.

mod clock;
mod connection;
mod faults;
mod inbox;
mod lives;
mod stream;
mod tcp;
mod udp;
mod user;
mod world;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use backchat::driver::{Control, ServerSettings};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use tokio::sync::{mpsc, watch};

use self::faults::Levers;
use self::lives::{ClientHost, ServerHost};
use self::tcp::ServerPower;
use self::user::Desk;
use self::world::World;
use super::contents::Contents;
use super::faults::NodeFaults;
use super::network::ClientIndex;
use super::node::{GRACE, LAST_WORDS, LINGER, client_config};
use super::outcome::{RunEnd, RunError};
use super::script::Script;
use super::shape::{self, longest_round_trip};
use crate::scenario::Scenario;
use crate::trace::event::Ending;
use crate::trace::{Node, RunEvent, Sink};

/// turmoil's name of the server's host.
const SERVER: &str = "server";

/// turmoil's name of the host that all clients share.
const CLIENTS: &str = "clients";

/// turmoil's step, its smallest.
const TICK: Duration = Duration::from_millis(1);

/// Segments that wait in turmoil's queues. Beyond the most that one direction of a stream may have in flight, and the
/// most connections at once.
const TCP_CAPACITY: usize = 65_536;

/// Datagrams that wait in turmoil's queues; our own buffer in front of the socket is the one that is full first.
const UDP_CAPACITY: usize = 65_536;

/// A pair of hosts, and all ticks of a run.
struct Run {
    world: Arc<World>,
    server: Arc<ServerHost>,
    desks: Vec<Arc<Desk>>,
    faults: NodeFaults,
    levers: Levers,
    sim: turmoil::Sim<'static>,
}

/// Runs a scenario, and hands each record to `sink` in its order.
///
/// # Errors
/// A panic, or the simulation itself failed: never what the scenario says or its hosts do.
pub fn run(scenario: &Scenario, seed: u64, sink: &mut impl Sink) -> Result<RunEnd, RunError> {
    Run::new(scenario, seed).finish(scenario, sink)
}

impl Run {
    fn new(scenario: &Scenario, number: u64) -> Self {
        let seed = &Seed::from_number(number);
        let world = World::new(seed, scenario);
        let contents = Arc::new(Contents::new(number, &scenario.file().server.files));
        for (node, event) in shape::records(scenario, &contents) {
            world.record(Instant::ZERO, node, event);
        }
        let mut sim = turmoil::Builder::new()
            .epoch(clock::turmoil_epoch())
            .tick_duration(TICK)
            .min_message_latency(Duration::ZERO)
            .max_message_latency(Duration::ZERO)
            .tcp_capacity(TCP_CAPACITY)
            .udp_capacity(UDP_CAPACITY)
            .ephemeral_ports(1024..=65_535)
            .simulation_duration(Duration::MAX)
            .rng_seed(0)
            .build();
        let power = Arc::new(ServerPower::default());
        let server = Arc::new(ServerHost {
            world: Arc::clone(&world),
            seed: seed.clone(),
            disk: contents.disk(|file| file.bytes().to_vec()),
            settings: ServerSettings {
                limits: scenario.file().server.limits.clone(),
                transfer: scenario.file().server.transfer.clone(),
                trace: true,
                ..ServerSettings::default()
            },
            power: Arc::clone(&power),
            life: AtomicU64::new(0),
            control: watch::Sender::new(None),
        });
        let host = Arc::clone(&server);
        sim.host(SERVER, move || Arc::clone(&host).live());
        let mut desks = Vec::new();
        let mut switches = Vec::new();
        let mut hosts = Vec::new();
        for (index, client) in scenario.clients().iter().enumerate() {
            let steps = scenario.steps().iter().filter(|step| step.client.0 == index);
            let desk = Desk::new(client.nick.as_str().into(), client.role, Script::new(steps));
            let switch = Arc::default();
            hosts.push(ClientHost {
                world: Arc::clone(&world),
                seed: seed.clone(),
                index: ClientIndex(index),
                start: client.start,
                desk: Arc::clone(&desk),
                contents: Arc::clone(&contents),
                transfer: scenario.file().transfer,
                power: Arc::clone(&power),
                config: client_config(client, scenario.file().duration),
                switch: Arc::clone(&switch),
            });
            desks.push(desk);
            switches.push(switch);
        }
        sim.client(CLIENTS, async move {
            let tasks: Vec<_> = hosts.into_iter().map(|host| tokio::task::spawn_local(host.live())).collect();
            for task in tasks {
                task.await?;
            }
            Ok(())
        });
        let disks = desks.iter().map(|desk| desk.disk.clone()).collect();
        let levers = Levers { power, switches, disks };
        Self { world, server, desks, faults: NodeFaults::new(scenario), levers, sim }
    }

    fn finish(mut self, scenario: &Scenario, sink: &mut impl Sink) -> Result<RunEnd, RunError> {
        let end = scenario.end();
        let linger = longest_round_trip(scenario) + LINGER;
        let mut done_since = None;
        let reason = loop {
            let now = self.tick(sink)?;
            // What was said last is to arrive as well.
            let since = if self.is_done(now) { *done_since.get_or_insert(now) } else { end };
            done_since = done_since.filter(|_| since < end);
            if since + linger <= now {
                break Ending::Done;
            }
            if now >= end {
                break Ending::Duration;
            }
        };
        self.world.record(self.now(), Node::SIM, RunEvent::Ending { reason });
        for desk in &self.desks {
            desk.close();
        }
        self.faults.end();
        let last = self.now() + LAST_WORDS;
        while !self.desks.iter().all(|desk| desk.is_finished()) && self.now() < last {
            self.tick(sink)?;
        }
        if let Some(control) = self.control() {
            // It may have ended by itself; then nobody listens.
            let _ = control.try_send(Control::Shutdown { grace: GRACE });
        }
        let last = self.now() + LAST_WORDS;
        while self.control().is_some() && self.now() < last {
            self.tick(sink)?;
        }
        let mut world = self.world.lock();
        let now = world.now();
        world.record(now, Node::SIM, RunEvent::Ended);
        let (events, hash) = world.finish(sink);
        let datagrams = world.datagrams();
        Ok(RunEnd { at: now, events, datagrams, hash })
    }

    fn control(&self) -> Option<mpsc::Sender<Control>> {
        self.server.control.borrow().clone()
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.sim.elapsed()
    }

    /// One millisecond.
    fn tick(&mut self, sink: &mut impl Sink) -> Result<Instant, RunError> {
        let now = self.now();
        self.world.lock().set_now(now);
        while let Some(happening) = self.faults.poll(now) {
            self.levers.carry_out(now, happening, &mut self.sim, &self.world);
        }
        {
            let mut world = self.world.lock();
            world.tell_blackouts(now + TICK);
            world.inject(now);
            world.sweep(now);
        }
        self.sim.step().map_err(|error| RunError::Failed(error.to_string()))?;
        let now = self.now();
        let mut world = self.world.lock();
        world.set_now(now);
        // No host has anything more to send before this time.
        world.depart(now);
        world.settle(now, sink);
        if sink.stops() {
            return Err(RunError::Stopped { at: now });
        }
        match world.first_panic() {
            Some(text) => Err(RunError::Panicked(text.to_owned())),
            None => Ok(now),
        }
    }

    /// Whether everything has been done, and every fault that has an end has ended.
    fn is_done(&self, now: Instant) -> bool {
        self.faults.are_over(now)
            && self.desks.iter().all(|desk| desk.is_finished() || desk.script().is_done())
    }
}
