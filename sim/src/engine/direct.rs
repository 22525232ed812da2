//! The direct engine: core's machines on a list of what will happen, in exact virtual time.
//!
//! No runtime, no ticks, no threads: the next entry of the agenda says what time it is. The link model, the scenario's
//! scripts, the users' records and the faults are those of every engine; the loops around the machines do what the shipped
//! ones do in the same order, which a test of both engines' outcomes and one of payloads as bytes hold to it.
//!
//! # The order
//! At each instant first everything of the agenda happens that is due, by time and then in the order in which it was
//! entered: datagrams come into the sockets' buffers, bytes into streams, faults begin and end. Then the nodes that this
//! concerns have their turns, in the order in which they were woken; what they do at this instant comes behind. So
//! datagrams that arrive together meet a receive buffer that nobody has emptied meanwhile, as they do on a machine.
//!
//! - `agenda`: what will happen. `environment`: what nodes share. `departures`, `flights`, `streams`: datagrams in queues,
//!   datagrams and connections on their way.
//! - `lines`: frames out of lines that many clients read. `pace`: whether a run gets anywhere.
//! - `server`, `client`: the nodes. `files`: what they read and write, as ranges or as bytes.

mod agenda;
mod client;
mod departures;
mod environment;
mod files;
mod flights;
mod lines;
mod pace;
mod server;
mod streams;

use std::panic::AssertUnwindSafe;

use backchat_core::seed::Seed;
use backchat_core::time::Instant;

use self::agenda::What;
use self::client::Client;
pub use self::environment::Payloads;
use self::environment::{Environment, ServerHost};
use self::files::Disk;
use self::pace::Going;
use self::server::{STOPPED, Serving};
use super::contents::Contents;
use super::faults::{Happening, Node, NodeFaults};
use super::network::{ClientIndex, Network, Way};
use super::node::{LAST_WORDS, LINGER};
use super::outcome::{RunEnd, RunError};
use super::script::Script;
use super::shape::{self, longest_round_trip};
use crate::scenario::{ClientStep, Scenario};
use crate::trace::event::Ending;
use crate::trace::{self, RunEvent, Sink};

/// Runs a scenario, and hands each record to `sink` in its order.
///
/// # Errors
/// A panic, or nodes that keep each other busy without end: a mistake of the core or of the engine, whatever the
/// scenario says.
pub fn run(
    scenario: &Scenario,
    seed: u64,
    payloads: Payloads,
    sink: &mut impl Sink,
) -> Result<RunEnd, RunError> {
    let whole = AssertUnwindSafe(|| Run::new(scenario, seed, payloads)?.finish(sink));
    std::panic::catch_unwind(whole).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(RunError::Panicked(text.unwrap_or("a panic without a text").to_owned()))
    })
}

struct Run<'a> {
    scenario: &'a Scenario,
    seed: Seed,
    env: Environment,
    clients: Vec<Client>,
    /// Which of them want nothing more, and how many do.
    are_done: Vec<bool>,
    busy: usize,
    server: Option<Box<Serving>>,
    server_lives: u64,
    faults: NodeFaults,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, number: u64, payloads: Payloads) -> Result<Self, RunError> {
        let seed = Seed::from_number(number);
        let contents = Contents::new(number, &scenario.file().server.files);
        let mut env = Environment::new(Network::new(&seed, scenario), contents, payloads);
        for (node, event) in shape::records(scenario, &env.contents) {
            env.record(node, event);
        }
        let mut steps: Vec<Vec<&ClientStep>> = vec![Vec::new(); scenario.clients().len()];
        for step in scenario.steps() {
            if let Some(its) = steps.get_mut(step.client.0) {
                its.push(step);
            }
        }
        let clients = scenario.clients().iter().zip(steps).enumerate().map(|(index, (client, steps))| {
            let (script, disk) = (Script::new(steps), Disk::new(payloads));
            Client::new(scenario, index, client, script, disk, &seed)
        });
        let clients: Vec<Client> = clients.collect();
        let mut run = Self {
            scenario,
            seed,
            are_done: vec![false; clients.len()],
            busy: clients.len(),
            clients,
            server: None,
            server_lives: 0,
            faults: NodeFaults::new(scenario),
            env,
        };
        run.begin()?;
        Ok(run)
    }

    /// Everything that happens by itself is entered, and the server starts.
    fn begin(&mut self) -> Result<(), RunError> {
        if let Some(at) = self.faults.next() {
            self.env.agenda.enter(at, What::Faults);
        }
        self.start_server()?;
        for client in (0..self.clients.len()).map(ClientIndex) {
            for way in [Way::Up, Way::Down] {
                self.env.enter_injection(client, way);
            }
            self.env.wake(Node::Client(client));
        }
        Ok(())
    }

    fn start_server(&mut self) -> Result<(), RunError> {
        let life = self.server_lives;
        self.server_lives += 1;
        let serving = Serving::start(self.scenario, &self.seed, life, &mut self.env);
        let serving = serving.map_err(|error| RunError::Failed(error.to_string()))?;
        self.server = Some(Box::new(serving));
        self.env.server = ServerHost::Serving;
        self.env.wake(Node::Server);
        Ok(())
    }

    fn finish(mut self, sink: &mut impl Sink) -> Result<RunEnd, RunError> {
        let end = self.scenario.end();
        let linger = longest_round_trip(self.scenario) + LINGER;
        let mut done_since = None;
        self.env.network.tell_blackouts(self.env.now());
        let reason = loop {
            self.instant(sink)?;
            let now = self.env.now();
            done_since = if self.is_done() { done_since.or(Some(now)) } else { None };
            // What was said last is to arrive as well.
            let done = done_since.map(|since| since + linger).filter(|at| *at <= end);
            if done.is_some_and(|at| at <= now) {
                break Ending::Done;
            }
            if now >= end {
                break Ending::Duration;
            }
            // Faults of links end without an entry of their own.
            let links_end = Some(self.faults.links_end()).filter(|at| *at > now);
            let until = done.unwrap_or(end).min(links_end.unwrap_or(end));
            self.advance(until);
        };
        self.env.record(trace::Node::SIM, RunEvent::Ending { reason });
        for client in &mut self.clients {
            client.close(&mut self.env);
        }
        self.faults.end();
        self.until(|run| run.clients.iter().all(Client::is_finished), sink)?;
        if let Some(server) = &mut self.server {
            server.stop();
            self.env.wake(Node::Server);
        }
        self.until(|run| run.server.is_none(), sink)?;
        self.env.record(trace::Node::SIM, RunEvent::Ended);
        let (events, hash) = self.env.finish(sink);
        let datagrams = self.env.network.datagrams();
        Ok(RunEnd { at: self.env.now(), events, datagrams, hash })
    }

    /// Goes on until something is so, or has taken too long.
    fn until(&mut self, is_so: impl Fn(&Self) -> bool, sink: &mut impl Sink) -> Result<(), RunError> {
        let last = self.env.now() + LAST_WORDS;
        loop {
            self.instant(sink)?;
            if is_so(self) || self.env.now() >= last {
                return Ok(());
            }
            self.advance(last);
        }
    }

    /// Time goes on, to what happens next or to `until`, whichever comes first.
    fn advance(&mut self, until: Instant) {
        let to = self.env.agenda.next().map_or(until, |at| at.min(until));
        self.env.advance(to);
        self.env.network.tell_blackouts(to);
    }

    /// Everything that happens now. See the overview.
    ///
    /// Nothing is recorded for another time than now, so records are handed on after each turn: what a thousand clients
    /// see at one instant never waits all together.
    fn instant(&mut self, sink: &mut impl Sink) -> Result<(), RunError> {
        loop {
            while let Some(what) = self.env.agenda.take(self.env.now()) {
                self.happens(what)?;
                if self.env.step() == Going::Nowhere {
                    return self.env.pace.check();
                }
            }
            self.env.network.hand_on(sink);
            let Some(node) = self.env.next_woken() else { return Ok(()) };
            if sink.stops() {
                return Err(RunError::Stopped { at: self.env.now() });
            }
            self.turn(node);
            self.env.pace.check()?;
        }
    }

    fn happens(&mut self, what: What) -> Result<(), RunError> {
        match what {
            What::Arrival(flight) => self.env.arrive(flight),
            What::Readable(connection, way) => self.readable(connection, way),
            What::Knock(connection) => self.env.knock(connection),
            What::Answer(connection) => {
                if let Some((client, is_taken)) = self.env.answer(connection)
                    && let Some(client) = self.clients.get_mut(client.0)
                {
                    client.answered(connection, is_taken, &mut self.env);
                }
            }
            What::Timer(node) => self.env.timer(node),
            What::Departures => self.env.depart(),
            What::Injection(client, way) => self.env.inject(client, way),
            What::Faults => {
                while let Some(happening) = self.faults.poll(self.env.now()) {
                    self.carry_out(happening)?;
                }
                if let Some(at) = self.faults.next() {
                    self.env.agenda.enter(at, What::Faults);
                }
            }
        }
        Ok(())
    }

    fn readable(&mut self, connection: streams::ConnectionId, way: Way) {
        let Some(it) = self.env.connection(connection) else { return };
        let (client, stream) = (it.client, it.stream);
        match way {
            Way::Up => {
                if let (Some(server), Some(stream)) = (&mut self.server, stream) {
                    server.queue(stream);
                    self.env.wake(Node::Server);
                }
            }
            Way::Down => {
                if let Some(client) = self.clients.get_mut(client.0) {
                    client.stream_ready(connection, &mut self.env);
                }
            }
        }
    }

    fn turn(&mut self, node: Node) {
        match node {
            Node::Server => {
                let Some(server) = &mut self.server else { return };
                let outcome = match server.turn(&mut self.env) {
                    Ok(true) => return,
                    Ok(false) => STOPPED,
                    Err(error) => error.to_string().into(),
                };
                self.env.record(trace::Node::SERVER, RunEvent::Stopped { outcome });
                if let Some(server) = self.server.take() {
                    server.end(&mut self.env);
                }
                self.env.server = ServerHost::Refusing;
            }
            Node::Client(client) => {
                let Some(it) = self.clients.get_mut(client.0) else { return };
                it.turn(&mut self.env);
                self.note(client);
            }
        }
    }

    /// Notes whether a client wants nothing more.
    fn note(&mut self, client: ClientIndex) {
        let Some(it) = self.clients.get(client.0) else { return };
        let is_done = it.is_done();
        let Some(was_done) = self.are_done.get_mut(client.0) else { return };
        match (core::mem::replace(was_done, is_done), is_done) {
            (false, true) => self.busy -= 1,
            (true, false) => self.busy += 1,
            (true, true) | (false, false) => {}
        }
    }

    fn carry_out(&mut self, happening: Happening) -> Result<(), RunError> {
        let now = self.env.now();
        match happening {
            Happening::Healed => self.env.record(trace::Node::SIM, RunEvent::Healed),
            Happening::Rebind(client, addr) => self.env.network.rebind(now, client, addr),
            Happening::Kill { node: Node::Server, power } => {
                self.env.record(trace::Node::SERVER, RunEvent::Crashed { power });
                self.env.reset(Node::Server);
                self.env.server = if power { ServerHost::Silent } else { ServerHost::Refusing };
                if let Some(server) = self.server.take() {
                    server.end(&mut self.env);
                }
            }
            Happening::Revive(Node::Server) => self.start_server()?,
            Happening::Kill { node: Node::Client(client), power } => {
                if let Some(it) = self.clients.get_mut(client.0) {
                    it.kill(power, &mut self.env);
                }
                self.note(client);
            }
            Happening::Revive(Node::Client(client)) => {
                if let Some(it) = self.clients.get_mut(client.0) {
                    it.revive(&mut self.env);
                }
            }
        }
        Ok(())
    }

    /// Whether everything has been done, and every fault that has an end has ended.
    fn is_done(&self) -> bool {
        self.busy == 0 && self.faults.are_over(self.env.now())
    }
}
