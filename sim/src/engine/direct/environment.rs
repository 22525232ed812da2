//! The outside of every node: time, the network, who is to be woken, and what is on its way.

use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::net::{SocketAddr, SocketAddrV4};

use backchat::driver::outside::{Read, Write};
use backchat_core::time::Instant;
use backchat_core::wire::Packet;

use super::agenda::{Agenda, What};
use super::departures::Held;
use super::flights::{Datagram, Filling, FlightIndex, Flights, Flying, Inbox, Received, bytes_of};
use super::lines::Lines;
use super::pace::{Bounds, Going, Pace};
use super::streams::{ConnectionId, Connections, HowGone};
use crate::engine::contents::Contents;
use crate::engine::faults::Node;
use crate::engine::network::{ClientIndex, Network, SYN_AGAIN, Sent, SentId, SocketId, Way};
use crate::link::{Copies, DropReason, Verdict};
use crate::trace::{self, Event};

/// What the bytes of files are in a run. The traces are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payloads {
    /// Which bytes of which file: they are made only where somebody has damaged or replayed them.
    #[default]
    Ranges,
    /// Bytes, as the shipped programs have them: sealed, carried, decoded, written to a disk in memory and hashed.
    Bytes,
}

/// Whether somebody answers at the server's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ServerHost {
    /// The server.
    Serving,
    /// Its host, which refuses connections.
    Refusing,
    /// Nobody.
    Silent,
}

/// When a node wants to be woken.
#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    wanted: Option<Instant>,
    /// The earliest entry in the agenda. It stays where what is wanted moves to a later time, as it does with every
    /// acknowledgment, and is entered anew when it comes up: most are never needed.
    entered: Option<Instant>,
}

/// See the module.
pub(super) struct Environment {
    now: Instant,
    pub(super) pace: Pace,
    pub(super) agenda: Agenda,
    pub(super) network: Network<Node>,
    pub(super) contents: Contents,
    pub(super) payloads: Payloads,
    pub(super) lines: Lines,
    pub(super) server: ServerHost,
    /// Connections that have come to the server and were not accepted yet.
    pub(super) knocking: VecDeque<ConnectionId>,
    /// Datagrams that wait in queues, and when something is decided over one next, as the agenda has it.
    pub(super) held: BTreeMap<SentId, Held>,
    pub(super) departures_at: Option<Instant>,
    flights: Flights,
    /// Empty; kept for its memory.
    received: Received,
    connections: Connections,
    /// A node's, at its place: the clients in their order, then the server.
    inboxes: Vec<Inbox>,
    timers: Vec<Timer>,
    is_woken: Vec<bool>,
    woken: VecDeque<Node>,
}

impl Environment {
    pub(super) fn new(network: Network<Node>, contents: Contents, payloads: Payloads) -> Self {
        let clients = network.clients();
        let (nodes, offload) = (clients + 1, network.offload());
        Self {
            now: Instant::ZERO,
            pace: Pace::new(Bounds::default()),
            agenda: Agenda::default(),
            network,
            contents,
            payloads,
            lines: Lines::new(payloads, clients),
            server: ServerHost::Serving,
            knocking: VecDeque::new(),
            held: BTreeMap::new(),
            departures_at: None,
            flights: Flights::default(),
            received: Received::default(),
            connections: Connections::default(),
            inboxes: (0..nodes).map(|_| Inbox::new(offload)).collect(),
            timers: vec![Timer::default(); nodes],
            is_woken: vec![false; nodes],
            woken: VecDeque::new(),
        }
    }

    /// Now.
    pub(super) const fn now(&self) -> Instant {
        self.now
    }

    /// Time goes on.
    pub(super) fn advance(&mut self, to: Instant) {
        debug_assert!(self.now <= to, "time goes forward");
        self.now = to;
    }

    /// One more step of the run.
    pub(super) fn step(&mut self) -> Going {
        self.pace.step(self.now)
    }

    fn place(&self, node: Node) -> usize {
        match node {
            Node::Client(client) => client.0,
            Node::Server => self.timers.len() - 1,
        }
    }

    /// Something happened at this time.
    pub(super) fn record(&mut self, node: trace::Node, event: impl Into<Event>) {
        self.network.record(self.now, node, event);
    }

    /// A node has something to do now.
    pub(super) fn wake(&mut self, node: Node) {
        let place = self.place(node);
        if let Some(is_woken) = self.is_woken.get_mut(place)
            && !core::mem::replace(is_woken, true)
        {
            self.woken.push_back(node);
        }
    }

    /// The node that was woken first.
    pub(super) fn next_woken(&mut self) -> Option<Node> {
        let node = self.woken.pop_front()?;
        let place = self.place(node);
        if let Some(is_woken) = self.is_woken.get_mut(place) {
            *is_woken = false;
        }
        Some(node)
    }

    /// A node wants to be woken at `at`, and at no other time.
    pub(super) fn set_timer(&mut self, node: Node, at: Option<Instant>) {
        let (place, now) = (self.place(node), self.now);
        let Some(timer) = self.timers.get_mut(place) else { return };
        timer.wanted = at;
        if let Some(at) = at.map(|at| at.max(now))
            && timer.entered.is_none_or(|entered| at < entered)
        {
            timer.entered = Some(at);
            self.agenda.enter(at, What::Timer(node));
        }
    }

    /// An entry of a node's timer came up.
    pub(super) fn timer(&mut self, node: Node) {
        let (place, now) = (self.place(node), self.now);
        let Some(timer) = self.timers.get_mut(place) else { return };
        if timer.entered != Some(now) {
            return;
        }
        timer.entered = None;
        match timer.wanted {
            Some(at) if at <= now => self.wake(node),
            wanted => self.set_timer(node, wanted),
        }
    }

    /// A node has a socket, whose buffer holds `room` bytes.
    pub(super) fn bind(&mut self, node: Node, room: usize) -> SocketId {
        let place = self.place(node);
        if let Some(inbox) = self.inboxes.get_mut(place) {
            inbox.open(room);
        }
        match node {
            Node::Server => self.network.sockets().bind_server(node).0,
            Node::Client(client) => self.network.sockets().bind_client(client, node).0,
        }
    }

    /// A node has its socket no more.
    pub(super) fn unbind(&mut self, node: Node, socket: SocketId) {
        self.network.sockets().unbind(socket);
        let place = self.place(node);
        if let Some(inbox) = self.inboxes.get_mut(place) {
            inbox.close(&mut self.flights);
        }
    }

    /// Sends a packet.
    pub(super) fn send(&mut self, socket: SocketId, to: SocketAddr, packet: &Packet, filling: &Filling) {
        // Nobody was ever at an address of IPv6.
        let SocketAddr::V4(to) = to else { return };
        let Some(from) = self.network.sends_from(self.now, socket) else { return };
        let length = packet.encoded_len();
        let Some(sent) = self.network.offer(self.now, (from, to), length, Some(packet)) else { return };
        if sent.keep {
            self.network.keep(&sent, bytes_of(packet, filling, &self.contents).into());
        }
        match sent.verdict {
            Verdict::Dropped(_) => {}
            Verdict::Queued => self.hold(&sent, (from, to), packet, filling),
            Verdict::Passed(copies) => self.fly(&sent, &copies, (from, to), (packet, filling)),
        }
    }

    /// Copies of a packet are on their way.
    #[inline]
    pub(super) fn fly(
        &mut self,
        sent: &Sent,
        copies: &Copies,
        (from, to): (SocketAddrV4, SocketAddrV4),
        (packet, filling): (&Packet, &Filling),
    ) {
        let length = packet.encoded_len();
        let is_damaged = copies.iter().any(|copy| !copy.damage.is_none());
        let bytes = if self.payloads == Payloads::Bytes || is_damaged {
            bytes_of(packet, filling, &self.contents)
        } else {
            Vec::new()
        };
        for copy in copies.iter() {
            let (datagram, length) = if !copy.damage.is_none() {
                let mut damaged = bytes.clone();
                copy.damage.apply(&mut damaged);
                self.network.damaged(sent, copy, damaged.len());
                let length = damaged.len();
                (Datagram::Bytes(damaged.into()), length)
            } else if self.payloads == Payloads::Bytes {
                (Datagram::Bytes(bytes.clone().into()), length)
            } else {
                let file = if let Filling::Of(file) = filling { Some(*file) } else { None };
                (Datagram::Packet(packet.clone(), file), length)
            };
            let flight = sent.flight(copy, from, to);
            let index = self.flights.add(Flying { flight: Some(flight), from, length, datagram });
            self.agenda.enter(copy.at, What::Arrival(index));
        }
    }

    /// A copy is at its end.
    pub(super) fn arrive(&mut self, index: FlightIndex) {
        let Some((flight, length)) = self.flights.land(index) else { return };
        let taken = self.deliver(flight.from, flight.to, index, length);
        self.network.arrived(self.now, &flight, length, taken);
    }

    /// Puts a datagram into the receive buffer of whoever is at `to`, or throws it away.
    fn deliver(
        &mut self,
        from: SocketAddrV4,
        to: SocketAddrV4,
        index: FlightIndex,
        length: usize,
    ) -> Result<(), DropReason> {
        let node = self.network.reached(self.now, to).map(|bound| bound.what);
        let place = node.map(|node| self.place(node));
        let inbox = place.and_then(|place| self.inboxes.get_mut(place));
        let taken = match (node, inbox) {
            (Some(node), Some(inbox)) => {
                if inbox.put(self.now, from, index, length) {
                    Ok(node)
                } else {
                    Err(DropReason::ReceiveBuffer)
                }
            }
            (_, None) | (None, _) => Err(DropReason::Unreachable),
        };
        match taken {
            Ok(node) => self.wake(node),
            Err(_) => {
                if let Some(lost) = self.flights.take(index) {
                    self.flights.recycle(lost);
                }
            }
        }
        taken.map(drop)
    }

    /// What a fault injects arrives.
    pub(super) fn inject(&mut self, client: ClientIndex, way: Way) {
        while let Some(injected) = self.network.poll_injection(self.now, client, way) {
            let (length, datagram) = (injected.bytes.len(), Datagram::Bytes(injected.bytes.clone()));
            let from = injected.from;
            let index = self.flights.add(Flying { flight: None, from, length, datagram });
            let taken = self.deliver(from, injected.to, index, length);
            self.network.injected(self.now, &injected, taken);
        }
        self.enter_injection(client, way);
    }

    /// Enters the next injection of a direction.
    pub(super) fn enter_injection(&mut self, client: ClientIndex, way: Way) {
        if let Some(at) = self.network.next_injection(client, way) {
            self.agenda.enter(at.max(self.now), What::Injection(client, way));
        }
    }

    /// Takes what has arrived at a node's socket, the oldest first.
    pub(super) fn receive(&mut self, node: Node) -> Option<Received> {
        let place = self.place(node);
        let inbox = self.inboxes.get_mut(place).filter(|inbox| !inbox.is_empty())?;
        let mut received = core::mem::take(&mut self.received);
        inbox.receive(&mut self.flights, &mut received);
        if received.is_empty() {
            self.received = received;
            return None;
        }
        Some(received)
    }

    /// Takes back what a node has received, for its memory.
    pub(super) fn recycle(&mut self, received: Received) {
        self.received = received;
        for datagram in self.received.drain() {
            self.flights.recycle(datagram);
        }
    }

    /// A client begins to connect. The answer, if there is one, is in the agenda.
    pub(super) fn connect(&mut self, client: ClientIndex) -> Option<ConnectionId> {
        let pipes = (self.network.pipe(client, Way::Up)?, self.network.pipe(client, Way::Down)?);
        let peer = self.network.sockets().free_address(client);
        let connection = self.connections.open(client, peer.into(), pipes);
        self.knock_from(connection, self.now);
        Some(connection)
    }

    fn knock_from(&mut self, connection: ConnectionId, at: Instant) {
        if let Some(at) = self.connections.arrival(connection, Way::Up, at) {
            self.agenda.enter(at, What::Knock(connection));
        }
    }

    /// An attempt to connect has come to the server.
    pub(super) fn knock(&mut self, connection: ConnectionId) {
        if !self.connections.is_wanted(connection) {
            return;
        }
        match self.server {
            ServerHost::Silent => return self.knock_from(connection, self.now + SYN_AGAIN),
            ServerHost::Refusing => {}
            ServerHost::Serving => {
                if let Some(it) = self.connections.get_mut(connection) {
                    it.has_arrived = true;
                }
                self.knocking.push_back(connection);
                self.wake(Node::Server);
            }
        }
        if let Some(at) = self.connections.arrival(connection, Way::Down, self.now) {
            self.agenda.enter(at, What::Answer(connection));
        }
    }

    /// Which client a connection is of, and whether the server's host has taken it.
    pub(super) fn answer(&mut self, connection: ConnectionId) -> Option<(ClientIndex, bool)> {
        self.connections.get_mut(connection).map(|it| (it.client, it.has_arrived))
    }

    /// What there is to know of a connection.
    pub(super) fn connection(&mut self, connection: ConnectionId) -> Option<&mut super::streams::Connection> {
        self.connections.get_mut(connection)
    }

    /// Reads what flows `way`. The writer may write on.
    pub(super) fn read(&mut self, connection: ConnectionId, way: Way, buffer: &mut Vec<u8>) -> Read {
        let (read, is_awaited) = self.connections.read(connection, way, self.now, buffer);
        if is_awaited {
            // Whoever writes it reads the other way.
            self.agenda.enter(self.now, What::Readable(connection, way.back()));
        }
        read
    }

    /// Writes what is to flow `way`.
    pub(super) fn write(&mut self, connection: ConnectionId, way: Way, slices: &[IoSlice<'_>]) -> Write {
        self.connections.write(connection, way, self.now, slices, &mut self.agenda)
    }

    /// Nothing more will be written `way`.
    pub(super) fn shut_down(&mut self, connection: ConnectionId, way: Way) {
        self.connections.shut_down(connection, way, self.now, &mut self.agenda);
    }

    /// The end of a connection that writes `way` is closed.
    pub(super) fn close(&mut self, connection: ConnectionId, way: Way) {
        self.end(connection, way, HowGone::Closed);
    }

    /// Every connection of a node that is killed ends with a reset.
    pub(super) fn reset(&mut self, node: Node) {
        let way = match node {
            Node::Client(_) => Way::Up,
            Node::Server => Way::Down,
        };
        for connection in self.connections.of(node) {
            self.end(connection, way, HowGone::Reset);
        }
    }

    fn end(&mut self, connection: ConnectionId, way: Way, how: HowGone) {
        if self.connections.end(connection, way, how, self.now, &mut self.agenda) {
            // The peer waited for room, and there is enough where nobody reads.
            self.agenda.enter(self.now, What::Readable(connection, way));
        }
    }

    /// Datagrams that are still on their way.
    pub(super) fn finish(&mut self, sink: &mut impl trace::Sink) -> (u64, [u8; 32]) {
        self.network.finish(self.now, self.flights.iter(), sink)
    }
}
