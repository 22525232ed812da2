//! What all hosts of a run share: time for those who cannot ask, the network, and what is on its way.
//!
//! turmoil carries the bytes, at its smallest latency. When they may be seen, and whether, is decided here, by the
//! link model, in nanoseconds: each carried datagram and each stretch of a stream has a time before which its
//! receiver does not look at it.

use std::collections::BTreeMap;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use backchat_core::wire;
use bytes::Bytes;

use super::connection::Connections;
use super::inbox::Inbox;
use crate::engine::network::{ClientIndex, Flight, Network, Offload, Sent, SentId, SocketId, Way};
use crate::link::{Copies, DropReason, Pipe, Verdict};
use crate::scenario::Scenario;
use crate::trace::{Event, Node, Sink};

/// How long after its time a datagram that no socket has taken is given up: turmoil needs two ticks at most.
const GRACE_NANOS: u64 = 3_000_000;

/// A datagram that turmoil carries.
pub(super) type FlightId = u64;

/// How a socket is reached.
#[derive(Clone)]
struct Reached {
    /// Through turmoil.
    carrier: SocketAddr,
    /// Without turmoil.
    inbox: Arc<Inbox>,
}

/// Shared by everything in a run.
pub(super) struct World(Mutex<State>);

/// See [`World`].
pub(super) struct State {
    now: Instant,
    network: Network<Reached>,
    flights: BTreeMap<FlightId, Flight>,
    /// By when they should have been taken.
    due: BTreeMap<(Instant, FlightId), ()>,
    last_flight: FlightId,
    /// Datagrams that wait in queues.
    held: BTreeMap<SentId, Held>,
    pub(super) connections: Connections,
    /// Tasks that panicked, and what they said.
    panics: Vec<String>,
}

/// A datagram, as it was sent.
struct Held {
    from: SocketAddrV4,
    to: SocketAddrV4,
    bytes: Bytes,
}

/// A datagram to be handed to turmoil.
pub(super) struct Carried {
    pub(super) flight: FlightId,
    pub(super) due: Instant,
    pub(super) to: Option<SocketAddr>,
    pub(super) bytes: Bytes,
}

impl World {
    /// Nothing has happened.
    pub(super) fn new(seed: &Seed, scenario: &Scenario) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State {
            now: Instant::ZERO,
            network: Network::new(seed, scenario),
            flights: BTreeMap::new(),
            due: BTreeMap::new(),
            last_flight: 0,
            held: BTreeMap::new(),
            connections: Connections::default(),
            panics: Vec::new(),
        })))
    }

    /// What is shared. Held for a few lines at a time and never across a wait; a panic elsewhere has left it whole.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened.
    pub(super) fn record(&self, at: Instant, node: Node, event: impl Into<Event>) {
        self.lock().record(at, node, event);
    }
}

impl State {
    /// The time of the last tick; for those who are dropped outside of one.
    pub(super) fn now(&self) -> Instant {
        self.now
    }

    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = now;
    }

    pub(super) fn client_name(&self, client: ClientIndex) -> Node {
        self.network.client_name(client)
    }

    /// Something happened.
    pub(super) fn record(&mut self, at: Instant, node: Node, event: impl Into<Event>) {
        self.network.record(at, node, event);
    }

    /// A task panicked.
    pub(super) fn panicked(&mut self, text: String) {
        self.panics.push(text);
    }

    /// The first panic.
    pub(super) fn first_panic(&self) -> Option<&str> {
        self.panics.first().map(String::as_str)
    }

    /// What the sockets do.
    pub(super) fn offload(&self) -> Offload {
        self.network.offload()
    }

    /// Datagrams that were offered to any link.
    pub(super) fn datagrams(&self) -> u64 {
        self.network.datagrams()
    }

    /// Hands on what happened before `before`.
    pub(super) fn settle(&mut self, before: Instant, sink: &mut impl Sink) {
        self.network.settle(before, sink);
    }

    /// Hands on everything. Answers how many records there were, and their hash.
    pub(super) fn finish(&mut self, sink: &mut impl Sink) -> (u64, [u8; 32]) {
        self.network.finish(self.now, self.flights.values(), sink)
    }

    /// A stream over a direction, as it begins.
    pub(super) fn pipe(&mut self, client: ClientIndex, way: Way) -> Option<Pipe> {
        self.network.pipe(client, way)
    }

    /// The address of a client's next chat connection.
    pub(super) fn chat_address(&mut self, client: ClientIndex) -> SocketAddr {
        self.network.sockets().free_address(client).into()
    }

    /// A socket of a client is bound, and turmoil reaches it at `carrier`. Answers its name and its address.
    pub(super) fn bind_client(
        &mut self,
        client: ClientIndex,
        carrier: SocketAddr,
        inbox: Arc<Inbox>,
    ) -> (SocketId, SocketAddrV4) {
        self.network.sockets().bind_client(client, Reached { carrier, inbox })
    }

    /// The server's socket is bound.
    pub(super) fn bind_server(&mut self, carrier: SocketAddr, inbox: Arc<Inbox>) -> (SocketId, SocketAddrV4) {
        self.network.sockets().bind_server(Reached { carrier, inbox })
    }

    /// A socket is gone.
    pub(super) fn unbind(&mut self, socket: SocketId) {
        self.network.sockets().unbind(socket);
    }

    /// The address that a socket sends from.
    pub(super) fn sends_from(&mut self, now: Instant, socket: SocketId) -> Option<SocketAddrV4> {
        self.network.sends_from(now, socket)
    }

    /// A client is behind another address from now on.
    pub(super) fn rebind(&mut self, now: Instant, client: ClientIndex, new_ip: bool) {
        self.network.rebind(now, client, new_ip);
    }

    /// A datagram is sent. What gets through at once is to be handed to turmoil.
    pub(super) fn send(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        to: SocketAddrV4,
        datagram: &[u8],
    ) -> Vec<Carried> {
        let packet = wire::parse(datagram, datagram.len()).ok();
        let sent = self.network.offer(now, (from, to), datagram.len(), packet.as_ref());
        let Some(sent) = sent else { return Vec::new() };
        if sent.keep {
            self.network.keep(&sent, Bytes::copy_from_slice(datagram));
        }
        match sent.verdict {
            Verdict::Dropped(_) => Vec::new(),
            Verdict::Queued => {
                self.held.insert(sent.id, Held { from, to, bytes: Bytes::copy_from_slice(datagram) });
                Vec::new()
            }
            Verdict::Passed(copies) => self.fly(&sent, &copies, (from, to), datagram),
        }
    }

    /// Copies of a datagram are on their way.
    fn fly(
        &mut self,
        sent: &Sent,
        copies: &Copies,
        (from, to): (SocketAddrV4, SocketAddrV4),
        datagram: &[u8],
    ) -> Vec<Carried> {
        let carrier = self.network.sockets().at(to).map(|bound| bound.what.carrier);
        let mut carried = Vec::with_capacity(copies.len());
        for copy in copies.iter() {
            let mut bytes = datagram.to_vec();
            if !copy.damage.is_none() {
                copy.damage.apply(&mut bytes);
                self.network.damaged(sent, copy, bytes.len());
            }
            self.last_flight += 1;
            let flight = self.last_flight;
            self.flights.insert(flight, sent.flight(copy, from, to));
            self.due.insert((copy.at, flight), ());
            carried.push(Carried { flight, due: copy.at, to: carrier, bytes: bytes.into() });
        }
        carried
    }

    /// Sends on what has left its queue by `now`. No host runs that turmoil could take it from, so it is put where it will
    /// be seen when it is due.
    pub(super) fn depart(&mut self, now: Instant) {
        while let Some(sent) = self.network.poll_departure(now) {
            let Some(Held { from, to, bytes }) = self.held.remove(&sent.id) else { continue };
            let Verdict::Passed(copies) = sent.verdict else { continue };
            let carried = self.fly(&sent, &copies, (from, to), &bytes);
            // Without a socket there it is given up when its time has come.
            let Some(bound) = self.network.sockets().at(to) else { continue };
            for Carried { flight, due, bytes, .. } in carried {
                bound.what.inbox.expect((due, flight), bytes);
            }
        }
    }

    /// A carried datagram is there and its time has come: whether `socket` may take it, and from whom it is.
    pub(super) fn arrive(
        &mut self,
        now: Instant,
        (due, flight): (Instant, FlightId),
        socket: SocketId,
        length: usize,
        has_room: bool,
    ) -> Option<SocketAddrV4> {
        self.due.remove(&(due, flight));
        let flight = self.flights.remove(&flight)?;
        let is_here = self.network.reached(now, flight.to).is_some_and(|bound| bound.socket == socket);
        let taken = match (is_here, has_room) {
            (true, true) => Ok(()),
            (true, false) => Err(DropReason::ReceiveBuffer),
            (false, _) => Err(DropReason::Unreachable),
        };
        self.network.arrived(now, &flight, length, taken);
        taken.is_ok().then_some(flight.from)
    }

    /// Gives up what no socket has taken: its receiver is down, or elsewhere.
    pub(super) fn sweep(&mut self, now: Instant) {
        while let Some((&(due, flight), ())) = self.due.first_key_value() {
            if due.as_nanos().saturating_add(GRACE_NANOS) > now.as_nanos() {
                break;
            }
            self.due.remove(&(due, flight));
            if let Some(flight) = self.flights.remove(&flight) {
                self.network.arrived(now, &flight, 0, Err(DropReason::Unreachable));
            }
        }
    }

    /// Tells of blackouts that begin or end by `now`.
    pub(super) fn tell_blackouts(&mut self, now: Instant) {
        self.network.tell_blackouts(now);
    }

    /// Puts what faults inject into the sockets it is for.
    pub(super) fn inject(&mut self, now: Instant) {
        for client in (0..self.network.clients()).map(ClientIndex) {
            for way in [Way::Up, Way::Down] {
                while let Some(injected) = self.network.poll_injection(now, client, way) {
                    let taken = match self.network.reached(now, injected.to) {
                        None => Err(DropReason::Unreachable),
                        Some(bound) if bound.what.inbox.put(now, injected.from, injected.bytes.clone()) => {
                            Ok(())
                        }
                        Some(_) => Err(DropReason::ReceiveBuffer),
                    };
                    self.network.injected(now, &injected, taken);
                }
            }
        }
    }
}
