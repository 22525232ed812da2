//! What all hosts of a run share: time for those who cannot ask, the trace, the links, who is where, and what is on
//! its way.
//!
//! turmoil carries the bytes, at its smallest latency. When they may be seen, and whether, is decided here, by the
//! link model, in nanoseconds: each carried datagram and each stretch of a stream has a time before which its
//! receiver does not look at it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backchat_core::time::Instant;
use backchat_core::wire::{self, TransferId};
use bytes::Bytes;

use super::connection::Connections;
use super::inbox::Inbox;
use crate::link::{DropReason, Identity, InjectedWhat, Link, Offered, Passing, Pipe, Plan, Verdict};
use crate::trace::event::INJECTED;
use crate::trace::record::SIM;
use crate::trace::{Event, Name, Recorder, Sink};

/// Where the server's chat and downloads are reached.
pub(super) const SERVER_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// The port of its downloads, the original's.
pub(super) const UDP_PORT: u16 = 44_000;

/// The port of its chat, the original's.
pub(super) const CHAT_PORT: u16 = 55_000;

/// The first port of a client's sockets.
const FIRST_PORT: u16 = 50_000;

/// How long after its time a datagram that no socket has taken is given up: turmoil needs two ticks at most.
const GRACE_NANOS: u64 = 3_000_000;

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

/// A datagram that turmoil carries.
pub(super) type FlightId = u64;

/// One direction of one client's path.
struct Direction {
    name: Name,
    link: Link,
    /// What a new connection over it starts from.
    pipe: Pipe,
    injected: u64,
    /// What a fault will replay.
    kept: BTreeMap<u64, Bytes>,
}

/// A client, as the network sees it.
struct Client {
    name: Name,
    up: Direction,
    down: Direction,
    /// Downloads of this path, in the order of their first packets.
    downloads: Vec<TransferId>,
    /// How often each packet was sent so far, in both directions.
    sent: BTreeMap<(Way, Identity), u32>,
    /// Its address now.
    ip: Ipv4Addr,
    /// Addresses and ports that it has had.
    addresses: u8,
    ports: u16,
}

/// A socket that is bound.
#[derive(Clone)]
struct Bound {
    /// Where turmoil reaches it.
    carrier: SocketAddr,
    /// What reaches it without turmoil.
    inbox: Arc<Inbox>,
    /// Which of the sockets it is: an address may be used again.
    socket: u64,
}

/// A datagram on its way.
struct Flight {
    client: ClientIndex,
    way: Way,
    ordinal: u64,
    copy: u8,
    from: SocketAddr,
    to: SocketAddr,
}

/// Shared by everything in a run.
pub(super) struct World(Mutex<State>);

/// See [`World`].
pub(super) struct State {
    now: Instant,
    recorder: Recorder,
    clients: Vec<Client>,
    sockets: BTreeMap<SocketAddr, Bound>,
    last_socket: u64,
    flights: BTreeMap<FlightId, Flight>,
    /// By when they should have been taken.
    due: BTreeMap<(Instant, FlightId), ()>,
    last_flight: FlightId,
    pub(super) connections: Connections,
    /// Tasks that panicked, and what they said.
    panics: Vec<String>,
    datagrams: u64,
}

/// A datagram to be handed to turmoil.
pub(super) struct Carried {
    pub(super) flight: FlightId,
    pub(super) due: Instant,
    pub(super) to: Option<SocketAddr>,
    pub(super) bytes: Bytes,
}

/// A client as it is described to the world.
pub(super) struct NewClient {
    pub(super) name: Name,
    pub(super) up: Plan,
    pub(super) down: Plan,
}

impl World {
    /// Nothing has happened; the clients are in the scenario's order.
    pub(super) fn new(seed: &backchat_core::seed::Seed, clients: Vec<NewClient>) -> Arc<Self> {
        let clients = clients.into_iter().enumerate().map(|(index, client)| {
            let direction = |name: String, plan: &Plan| Direction {
                link: Link::new(seed, &name, plan),
                pipe: Pipe::new(plan),
                name: name.into(),
                injected: 0,
                kept: BTreeMap::new(),
            };
            Client {
                up: direction(format!("{}->server", client.name), &client.up),
                down: direction(format!("server->{}", client.name), &client.down),
                name: client.name,
                downloads: Vec::new(),
                sent: BTreeMap::new(),
                ip: address(index, 1),
                addresses: 1,
                ports: 0,
            }
        });
        Arc::new(Self(Mutex::new(State {
            now: Instant::ZERO,
            recorder: Recorder::new(),
            clients: clients.collect(),
            sockets: BTreeMap::new(),
            last_socket: 0,
            flights: BTreeMap::new(),
            due: BTreeMap::new(),
            last_flight: 0,
            connections: Connections::default(),
            panics: Vec::new(),
            datagrams: 0,
        })))
    }

    /// What is shared. Held for a few lines at a time and never across a wait; a panic elsewhere has left it whole.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub(super) fn record(&self, at: Instant, node: &Name, event: Event) {
        self.lock().recorder.add(at, node.clone(), event);
    }
}

/// The `number`th address of a client.
fn address(client: usize, number: u8) -> Ipv4Addr {
    let client = u16::try_from(client + 1).unwrap_or(u16::MAX);
    let [high, low] = client.to_be_bytes();
    Ipv4Addr::new(10, 128 | high, low, number)
}

impl State {
    /// The time of the last tick; for those who are dropped outside of one.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    pub(super) fn client_name(&self, client: ClientIndex) -> Name {
        self.clients.get(client.0).map_or(SIM, |client| client.name.clone())
    }

    /// Something happened.
    pub(super) fn record(&mut self, at: Instant, node: Name, event: Event) {
        self.recorder.add(at, node, event);
    }

    /// A task panicked.
    pub(super) fn panicked(&mut self, text: String) {
        self.panics.push(text);
    }

    /// The first panic.
    pub(super) fn first_panic(&self) -> Option<&str> {
        self.panics.first().map(String::as_str)
    }

    /// Datagrams that were offered to any link.
    pub(super) fn datagrams(&self) -> u64 {
        self.datagrams
    }

    /// Hands on what happened before `before`.
    pub(super) fn settle(&mut self, before: Instant, sink: &mut impl Sink) {
        self.recorder.settle(before, sink);
    }

    /// Hands on everything. Answers how many records there were, and their hash.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> (u64, [u8; 32]) {
        let now = self.now;
        let flights: BTreeMap<(ClientIndex, Way), u64> =
            self.flights.values().fold(BTreeMap::new(), |mut counts, flight| {
                *counts.entry((flight.client, flight.way)).or_default() += 1;
                counts
            });
        for ((client, way), copies) in flights {
            if let Some(direction) = self.direction(client, way) {
                let name = direction.name.clone();
                self.recorder.add(now, name, Event::InFlight { copies });
            }
        }
        self.recorder.finish(sink);
        (self.recorder.count(), self.recorder.hash())
    }

    fn direction(&mut self, client: ClientIndex, way: Way) -> Option<&mut Direction> {
        let client = self.clients.get_mut(client.0)?;
        Some(match way {
            Way::Up => &mut client.up,
            Way::Down => &mut client.down,
        })
    }

    /// A stream over a direction, as it begins.
    pub(super) fn pipe(&mut self, client: ClientIndex, way: Way) -> Option<Pipe> {
        self.direction(client, way).map(|direction| direction.pipe.clone())
    }

    /// Which client has this address, or had it.
    fn owner(&self, address: SocketAddr) -> Option<ClientIndex> {
        let SocketAddr::V4(address) = address else { return None };
        let [ten, high, low, _] = address.ip().octets();
        let index = usize::from(u16::from_be_bytes([high & 0x7f, low])).checked_sub(1)?;
        (ten == 10 && high & 0x80 != 0 && index < self.clients.len()).then_some(ClientIndex(index))
    }

    /// The address of a client's next chat connection.
    pub(super) fn chat_address(&mut self, client: ClientIndex) -> SocketAddr {
        self.free_address(client)
    }

    fn free_address(&mut self, client: ClientIndex) -> SocketAddr {
        let Some(client) = self.clients.get_mut(client.0) else { return unspecified() };
        client.ports = client.ports.wrapping_add(1) % 10_000;
        SocketAddr::from((client.ip, FIRST_PORT + client.ports))
    }

    /// A socket of a client is bound, and turmoil reaches it at `carrier`. Answers its name and its address.
    pub(super) fn bind_client(
        &mut self,
        client: ClientIndex,
        carrier: SocketAddr,
        inbox: Arc<Inbox>,
    ) -> (u64, SocketAddr) {
        let address = self.free_address(client);
        (self.bind(address, carrier, inbox), address)
    }

    /// The server's socket is bound.
    pub(super) fn bind_server(&mut self, carrier: SocketAddr, inbox: Arc<Inbox>) -> (u64, SocketAddr) {
        let address = SocketAddr::from((SERVER_IP, UDP_PORT));
        (self.bind(address, carrier, inbox), address)
    }

    fn bind(&mut self, address: SocketAddr, carrier: SocketAddr, inbox: Arc<Inbox>) -> u64 {
        self.last_socket += 1;
        self.sockets.insert(address, Bound { carrier, inbox, socket: self.last_socket });
        self.last_socket
    }

    /// A socket is gone.
    pub(super) fn unbind(&mut self, socket: u64) {
        self.sockets.retain(|_, bound| bound.socket != socket);
    }

    /// The address that a socket has now.
    pub(super) fn address_of(&self, socket: u64) -> Option<SocketAddr> {
        self.sockets.iter().find(|(_, bound)| bound.socket == socket).map(|(address, _)| *address)
    }

    /// A client is behind another address from now on: its sockets keep working and are seen elsewhere.
    pub(super) fn rebind(&mut self, now: Instant, client: ClientIndex, new_ip: bool) {
        let old: Vec<SocketAddr> =
            self.sockets.keys().copied().filter(|address| self.owner(*address) == Some(client)).collect();
        if let Some(it) = self.clients.get_mut(client.0).filter(|_| new_ip) {
            it.addresses = it.addresses.wrapping_add(1).max(1);
            it.ip = address(client.0, it.addresses);
        }
        let name = self.client_name(client);
        for from in old {
            let to = self.free_address(client);
            if let Some(bound) = self.sockets.remove(&from) {
                self.sockets.insert(to, bound);
            }
            let (from, to) = (from.to_string().into(), to.to_string().into());
            self.recorder.add(now, name.clone(), Event::Rebound { from, to });
        }
    }

    /// A datagram is sent. What gets through is to be handed to turmoil.
    pub(super) fn send(
        &mut self,
        now: Instant,
        from: SocketAddr,
        to: SocketAddr,
        datagram: &[u8],
    ) -> Vec<Carried> {
        let (client, way) = match (self.owner(from), self.owner(to)) {
            (Some(client), _) => (client, Way::Up),
            (None, Some(client)) => (client, Way::Down),
            // Nobody in this world was ever there.
            (None, None) => return Vec::new(),
        };
        self.datagrams += 1;
        let Some(it) = self.clients.get_mut(client.0) else { return Vec::new() };
        let passing = it.passing(datagram);
        let what = it.name_of(way, passing);
        let direction = match way {
            Way::Up => &mut it.up,
            Way::Down => &mut it.down,
        };
        let offered = direction.link.offer(now, datagram.len(), passing.as_ref());
        let Offered { ordinal, keep, verdict, .. } = offered;
        if keep {
            direction.kept.insert(ordinal, Bytes::copy_from_slice(datagram));
        }
        let node = direction.name.clone();
        let length = datagram.len() as u64;
        self.recorder.add(now, node.clone(), Event::Offered { ordinal, length, what });
        let copies = match verdict {
            Verdict::Dropped(reason) => {
                let reason = Name::of(reason.name());
                self.recorder.add(now, node, Event::NetDropped { ordinal, copy: 0, reason });
                return Vec::new();
            }
            Verdict::Passed(copies) => copies,
        };
        if copies.len() > 1 {
            let extra = copies.len() as u64 - 1;
            self.recorder.add(now, node.clone(), Event::Duplicated { ordinal, extra });
        }
        let carrier = self.sockets.get(&to).map(|bound| bound.carrier);
        let mut carried = Vec::with_capacity(copies.len());
        for copy in copies.iter() {
            let mut bytes = datagram.to_vec();
            if !copy.damage.is_none() {
                copy.damage.apply(&mut bytes);
                let how = Name::of(if copy.damage.is_truncated() { "truncate" } else { "corrupt" });
                let length = bytes.len() as u64;
                let damaged = Event::Damaged { ordinal, copy: u64::from(copy.number), how, length };
                self.recorder.add(now, node.clone(), damaged);
            }
            self.last_flight += 1;
            let flight = self.last_flight;
            self.flights.insert(flight, Flight { client, way, ordinal, copy: copy.number, from, to });
            self.due.insert((copy.at, flight), ());
            carried.push(Carried { flight, due: copy.at, to: carrier, bytes: bytes.into() });
        }
        carried
    }

    /// A carried datagram is there and its time has come: whether `socket` may take it, and from whom it is.
    pub(super) fn arrive(
        &mut self,
        now: Instant,
        (due, flight): (Instant, FlightId),
        socket: u64,
        length: usize,
        has_room: bool,
    ) -> Option<SocketAddr> {
        self.due.remove(&(due, flight));
        let flight = self.flights.remove(&flight)?;
        let is_here = self.sockets.get(&flight.to).is_some_and(|bound| bound.socket == socket);
        let result = match (is_here, has_room) {
            (true, true) => Ok(length),
            (true, false) => Err(DropReason::ReceiveBuffer),
            (false, _) => Err(DropReason::Unreachable),
        };
        self.arrived(now, &flight, result);
        result.is_ok().then_some(flight.from)
    }

    fn arrived(&mut self, now: Instant, flight: &Flight, result: Result<usize, DropReason>) {
        let (ordinal, copy) = (flight.ordinal, u64::from(flight.copy));
        let Some(direction) = self.direction(flight.client, flight.way) else { return };
        let event = match result {
            Ok(length) => {
                direction.link.on_delivered();
                Event::Delivered { ordinal, copy, length: length as u64 }
            }
            Err(reason) => {
                direction.link.on_undelivered(reason);
                Event::NetDropped { ordinal, copy, reason: Name::of(reason.name()) }
            }
        };
        let name = direction.name.clone();
        self.recorder.add(now, name, event);
    }

    /// Gives up what no socket has taken: its receiver is down, or elsewhere.
    pub(super) fn sweep(&mut self, now: Instant) {
        while let Some((&(due, flight), ())) = self.due.first_key_value() {
            if due.as_nanos().saturating_add(GRACE_NANOS) > now.as_nanos() {
                break;
            }
            self.due.remove(&(due, flight));
            if let Some(flight) = self.flights.remove(&flight) {
                self.arrived(now, &flight, Err(DropReason::Unreachable));
            }
        }
    }

    /// Puts what faults inject into the sockets it is for.
    pub(super) fn inject(&mut self, now: Instant) {
        for client in 0..self.clients.len() {
            for way in [Way::Up, Way::Down] {
                self.inject_into(now, ClientIndex(client), way);
            }
        }
    }

    fn inject_into(&mut self, now: Instant, client: ClientIndex, way: Way) {
        loop {
            let Some(direction) = self.direction(client, way) else { return };
            if direction.link.next_injection().is_none_or(|at| at > now) {
                return;
            }
            let Some(injected) = direction.link.poll_injection(now) else { return };
            direction.injected += 1;
            let ordinal = INJECTED + direction.injected;
            let (bytes, what): (Bytes, Name) = match injected.what {
                InjectedWhat::Bytes(bytes) => (bytes.into(), Name::of("bytes")),
                InjectedWhat::Replay(of) => {
                    let bytes = direction.kept.get(&of).cloned().unwrap_or_default();
                    (bytes, format!("replay:{of}").into())
                }
            };
            let name = direction.name.clone();
            let length = bytes.len() as u64;
            self.recorder.add(now, name.clone(), Event::Injected { ordinal, length, what });
            let (from, bound) = self.ends(client, way);
            let reason = match bound {
                None => Some(DropReason::Unreachable),
                Some(bound) if bound.inbox.put(from, bytes) => None,
                Some(_) => Some(DropReason::ReceiveBuffer),
            };
            let Some(direction) = self.direction(client, way) else { return };
            let event = match reason {
                None => {
                    direction.link.on_delivered();
                    Event::Delivered { ordinal, copy: 0, length }
                }
                Some(reason) => {
                    direction.link.on_undelivered(reason);
                    Event::NetDropped { ordinal, copy: 0, reason: Name::of(reason.name()) }
                }
            };
            self.recorder.add(now, name, event);
        }
    }

    /// Where a datagram of this direction would come from, and the socket it would go to.
    fn ends(&self, client: ClientIndex, way: Way) -> (SocketAddr, Option<Bound>) {
        let server = SocketAddr::from((SERVER_IP, UDP_PORT));
        let its = self.sockets.iter().find(|(address, _)| self.owner(**address) == Some(client));
        match way {
            Way::Up => {
                let ip = self.clients.get(client.0).map_or(Ipv4Addr::UNSPECIFIED, |client| client.ip);
                let from = its.map_or(SocketAddr::from((ip, FIRST_PORT)), |(address, _)| *address);
                (from, self.sockets.get(&server).cloned())
            }
            Way::Down => (server, its.map(|(_, bound)| bound.clone())),
        }
    }
}

impl Client {
    /// What a datagram is.
    fn passing(&mut self, datagram: &[u8]) -> Option<Passing> {
        let packet = wire::parse(datagram, datagram.len()).ok()?;
        let known = self.downloads.iter().position(|transfer| *transfer == packet.transfer);
        let place = known.unwrap_or_else(|| {
            self.downloads.push(packet.transfer);
            self.downloads.len() - 1
        });
        Some(Passing::of(&packet, u32::try_from(place + 1).unwrap_or(u32::MAX)))
    }

    /// Its name: `data@12000#2`, and before that `2:` where it is of the path's second download.
    fn name_of(&mut self, way: Way, passing: Option<Passing>) -> Name {
        let Some(passing) = passing else { return Name::of("unknown") };
        let download = Some(passing.download);
        let first = Identity { download, kind: passing.kind, at: passing.at, nth: 1 };
        let nth = self.sent.entry((way, first)).and_modify(|nth| *nth = nth.saturating_add(1)).or_insert(1);
        let identity = Identity { download: download.filter(|it| *it > 1), nth: *nth, ..first };
        identity.to_string().into()
    }
}

fn unspecified() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))
}

/// Datagrams that wait for a socket.
pub(super) type Waiting = VecDeque<(SocketAddr, Bytes)>;
