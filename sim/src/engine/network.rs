//! The network of a run, as every engine has it: who is where, what each direction does to datagrams, and the records of
//! it. What carries bytes, and wakes whom, is the engine's.
//!
//! - [`Network`]: directions with their links. `datagrams`: what becomes of one that is sent. `injected`: those that
//!   nobody sent. `identity`: what a datagram is called. `nat`: translators of addresses that forget.
//! - [`Arrivals`]: which datagrams are brought together.
//! - [`Sockets`]: addresses, and who can be reached at them.

mod addresses;
mod datagrams;
mod identity;
mod injected;
mod nat;
mod offload;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use backchat_core::seed::Seed;
use backchat_core::time::{Instant, earliest};
use bytes::Bytes;

pub(super) use addresses::{SocketId, Sockets};
pub(super) use datagrams::{Flight, Sent, SentId};
pub(super) use offload::{Arrivals, Offload};

use self::addresses::Bound;
use self::identity::Names;
use self::nat::Nat;
use crate::link::{Link, LinkId, Pipe, Plan, Topology};
use crate::scenario::{self, ClientId, Scenario};
use crate::trace::{Event, NetEvent, Node, Recorder, RunEvent, Sink};

/// Where the server's chat and downloads are reached.
pub(super) const SERVER_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// The port of its downloads, the original's.
pub(super) const UDP_PORT: u16 = 44_000;

/// The port of its chat, the original's.
pub(super) const CHAT_PORT: u16 = 55_000;

/// What Linux gives a socket whose owner asks for more than it allows: `net.core.rmem_max`.
pub(super) const RECEIVE_BUFFER: usize = 212_992;

/// What the system charges for a datagram beyond its bytes: on Linux about as much as a full one.
/// Measured as 4/9 of the buffer for datagrams of 1,228 bytes.
pub(super) const CHARGE: usize = 1_300;

/// Bytes of one direction of a stream that were written and not read before writing has to wait: a send buffer and a
/// receive buffer as Linux has them at first.
pub(super) const STREAM_IN_FLIGHT_MAX: usize = 192 << 10;

/// The most bytes of a stream that one write takes.
pub(super) const STRETCH_MAX: usize = 64 << 10;

/// How long a connection attempt waits before its first packet is sent again (RFC 6298 §2: 1 s).
pub(super) const SYN_AGAIN: core::time::Duration = core::time::Duration::from_secs(1);

/// Which client, by its place in the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientIndex(pub(super) usize);

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Way {
    /// The other one.
    pub(super) const fn back(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }
}

/// One direction of one client's path.
struct Direction {
    name: Node,
    link: LinkId,
    /// What a new connection over it starts from.
    pipe: Pipe,
    injected: u64,
    /// What a fault will replay.
    kept: BTreeMap<u64, Bytes>,
}

impl Direction {
    fn new(name: String, link: LinkId, plan: &Plan) -> Self {
        Self { name: name.into(), link, pipe: Pipe::new(plan), injected: 0, kept: BTreeMap::new() }
    }
}

/// A client, as the network sees it.
struct Client {
    name: Node,
    up: Direction,
    down: Direction,
    names: Names,
    nat: Nat,
}

/// See the module. `S` is what an engine keeps of a socket.
pub(super) struct Network<S> {
    recorder: Recorder,
    topology: Topology,
    clients: Vec<Client>,
    sockets: Sockets<S>,
    offload: Offload,
    datagrams: u64,
    /// When a blackout begins or ends next in any direction, or earlier.
    next_blackout: Option<Instant>,
}

impl<S> Network<S> {
    /// Nothing has happened; the clients are in the scenario's order.
    pub(super) fn new(seed: &Seed, scenario: &Scenario) -> Self {
        let direction = |number: usize, client: &scenario::Client, direction: scenario::Direction| {
            let link = Scenario::link_id(ClientId(number), direction);
            Direction::new(direction.link_name(&client.nick), link, client.plan(direction))
        };
        let clients = scenario.clients().iter().enumerate().map(|(number, client)| Client {
            up: direction(number, client, scenario::Direction::Up),
            down: direction(number, client, scenario::Direction::Down),
            name: client.nick.as_str().into(),
            names: Names::default(),
            nat: Nat::new(client.nat),
        });
        let clients: Vec<Client> = clients.collect();
        let sockets = Sockets::new(clients.len());
        let offload = if scenario.file().transfer.offload { Offload::Batches } else { Offload::Single };
        let (recorder, topology) = (Recorder::new(), scenario.topology(seed));
        Self {
            recorder,
            topology,
            clients,
            sockets,
            offload,
            datagrams: 0,
            next_blackout: Some(Instant::ZERO),
        }
    }

    /// What a client's records are called.
    pub(super) fn client_name(&self, client: ClientIndex) -> Node {
        self.clients.get(client.0).map_or(Node::SIM, |client| client.name)
    }

    /// Something happened.
    pub(super) fn record(&mut self, at: Instant, node: Node, event: impl Into<Event>) {
        self.recorder.add(at, node, event);
    }

    /// What the sockets do.
    pub(super) const fn offload(&self) -> Offload {
        self.offload
    }

    /// Datagrams that were offered to any link.
    pub(super) const fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// Who is where.
    pub(super) const fn sockets(&mut self) -> &mut Sockets<S> {
        &mut self.sockets
    }

    /// Hands on what happened before `before`.
    pub(super) fn settle(&mut self, before: Instant, sink: &mut impl Sink) {
        self.recorder.settle(before, sink);
    }

    /// Hands on everything so far, where nothing earlier can come.
    pub(super) fn hand_on(&mut self, sink: &mut impl Sink) {
        self.recorder.hand_on(sink);
    }

    /// Hands on everything; `flights` are still on their way. Answers how many records there were, and their hash.
    pub(super) fn finish<'a>(
        &mut self,
        now: Instant,
        flights: impl Iterator<Item = &'a Flight>,
        sink: &mut impl Sink,
    ) -> (u64, [u8; 32]) {
        let mut counts: BTreeMap<(ClientIndex, Way), u64> = BTreeMap::new();
        flights.for_each(|flight| *counts.entry((flight.client, flight.way)).or_default() += 1);
        for client in (0..self.clients.len()).map(ClientIndex) {
            for way in [Way::Up, Way::Down] {
                let waiting = self.link(client, way).map_or(0, |link| link.waiting());
                if waiting > 0 {
                    *counts.entry((client, way)).or_default() += waiting;
                }
            }
        }
        for ((client, way), copies) in counts {
            if let Some(direction) = self.direction(client, way) {
                let name = direction.name;
                self.recorder.add(now, name, NetEvent::InFlight { copies });
            }
        }
        self.recorder.hand_on(sink);
        (self.recorder.count(), self.recorder.hash())
    }

    /// Tells of blackouts that begin or end by `now`, before anything else of that time.
    pub(super) fn tell_blackouts(&mut self, now: Instant) {
        if self.next_blackout.is_none_or(|at| at > now) {
            return;
        }
        self.next_blackout = None;
        for client in &self.clients {
            for direction in [&client.up, &client.down] {
                let Some(link) = self.topology.link(direction.link) else { continue };
                while let Some((at, blackout)) = link.poll_blackout(now) {
                    self.recorder.add(at, direction.name, RunEvent::from(blackout));
                }
                self.next_blackout = earliest([self.next_blackout, link.next_blackout()]);
            }
        }
    }

    fn direction(&mut self, client: ClientIndex, way: Way) -> Option<&mut Direction> {
        let client = self.clients.get_mut(client.0)?;
        Some(match way {
            Way::Up => &mut client.up,
            Way::Down => &mut client.down,
        })
    }

    fn link(&mut self, client: ClientIndex, way: Way) -> Option<&mut Link> {
        let id = self.direction(client, way)?.link;
        self.topology.link(id)
    }

    /// A stream over a direction, as it begins.
    pub(super) fn pipe(&mut self, client: ClientIndex, way: Way) -> Option<Pipe> {
        self.direction(client, way).map(|direction| direction.pipe.clone())
    }

    /// A client is behind another address from now on: its sockets keep working and are seen elsewhere.
    pub(super) fn rebind(&mut self, now: Instant, client: ClientIndex, new_ip: bool) {
        let name = self.client_name(client);
        for (from, to) in self.sockets.rebind(client, new_ip) {
            self.recorder.add(now, name, RunEvent::Rebound { from, to });
        }
    }

    /// The address that a socket sends from. One whose mapping was forgotten has another from now on.
    pub(super) fn sends_from(&mut self, now: Instant, socket: SocketId) -> Option<SocketAddrV4> {
        let address = self.sockets.address_of(socket)?;
        let Some(client) = self.sockets.owner(address) else { return Some(address) };
        if self.has_forgotten(now, client) {
            self.rebind(now, client, false);
        }
        if let Some(client) = self.clients.get_mut(client.0) {
            client.nat.on_sent(now);
        }
        self.sockets.address_of(socket)
    }

    /// Who can be reached at an address.
    pub(super) fn reached(&self, now: Instant, address: SocketAddrV4) -> Option<&Bound<S>> {
        let is_forgotten = self.sockets.owner(address).is_some_and(|client| self.has_forgotten(now, client));
        self.sockets.at(address).filter(|_| !is_forgotten)
    }

    fn has_forgotten(&self, now: Instant, client: ClientIndex) -> bool {
        self.clients.get(client.0).is_some_and(|client| client.nat.has_forgotten(now))
    }
}

/// Where the server's socket for downloads is.
pub(super) const fn server_udp() -> SocketAddrV4 {
    SocketAddrV4::new(SERVER_IP, UDP_PORT)
}
