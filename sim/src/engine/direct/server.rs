//! One life of the server: the loop that ships, over the environment.

mod slots;

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::task::{Context, Poll, Waker};

use backchat::driver::outside::{Connections, Datagrams, Read, Sent, ServerOutside, Timer, Write};
use backchat::driver::{Control, Observer, ServeError, ServerLoop, Turn};
use backchat_core::chat::{ChatConfig, StreamId};
use backchat_core::node::{Server, ServerConfig, ServerEvent, Transmit};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};
use backchat_core::trace::Record;

use self::slots::Slots;
use super::environment::Environment;
use super::files::Share;
use super::flights::{Filling, Received};
use super::pace::Going;
use crate::engine::faults::Node;
use crate::engine::network::{RECEIVE_BUFFER, SocketId, Way, server_udp};
use crate::engine::node::{GRACE, entropy, wall};
use crate::scenario::Scenario;
use crate::trace::{self, Name, RunEvent};

/// How a server that was told to stop has ended.
pub(super) const STOPPED: Name = Name::of("stopped");

/// One life of the server.
pub(super) struct Serving {
    turns: ServerLoop,
    life: Life,
}

/// Everything of one life that is not of the loop.
struct Life {
    share: Share,
    socket: SocketId,
    streams: Slots,
    /// Streams that may have something to read, or room.
    ready: VecDeque<StreamId>,
    /// It is to stop.
    wants_stop: bool,
    /// When the loop wants to be woken.
    sleeps_until: Option<Instant>,
}

impl Serving {
    /// The `life`th life begins.
    pub(super) fn start(
        scenario: &Scenario,
        seed: &Seed,
        life: u64,
        env: &mut Environment,
    ) -> io::Result<Self> {
        let now = env.now();
        env.record(trace::Node::SERVER, RunEvent::Started { life });
        let socket = env.bind(Node::Server, RECEIVE_BUFFER);
        let seed = Seed::from_entropy(entropy(seed, &trace::Node::SERVER, life));
        let settings = &scenario.file().server;
        let config = ServerConfig {
            chat: ChatConfig { limits: settings.limits.clone(), motd: None, at: wall(now) },
            transfer: settings.transfer.clone(),
            udp: server_udp().into(),
            max_segments: env.network.offload().segments_max(),
            trace: true,
        };
        let life = Life {
            share: Share::open(&env.contents, env.payloads)?,
            socket,
            streams: Slots::default(),
            ready: VecDeque::new(),
            wants_stop: false,
            sleeps_until: None,
        };
        Ok(Self { turns: ServerLoop::new(now, Server::new(now, config, &seed)), life })
    }

    /// It is to stop, at once.
    pub(super) fn stop(&mut self) {
        self.life.wants_stop = true;
    }

    /// A connection that it has accepted can be read, or written.
    pub(super) fn queue(&mut self, stream: StreamId) {
        self.life.queue(stream);
    }

    /// Does everything that can be done now. `false`: it has ended.
    ///
    /// # Errors
    /// The server cannot go on.
    pub(super) fn turn(&mut self, env: &mut Environment) -> Result<bool, ServeError> {
        // Nobody need be woken: the environment gives a turn to whoever something happens to.
        let mut cx = Context::from_waker(Waker::noop());
        while env.step() == Going::On {
            let mut side = ServerSide { life: &mut self.life, env };
            match self.turns.poll_turn(&mut side, &mut cx)? {
                Poll::Ready(Turn::Again) => {}
                Poll::Ready(Turn::Ended(_)) => return Ok(false),
                Poll::Pending => {
                    env.set_timer(Node::Server, self.life.sleeps_until);
                    break;
                }
            }
        }
        Ok(true)
    }

    /// Gives up everything of the environment.
    pub(super) fn end(self, env: &mut Environment) {
        for slot in self.life.streams.iter() {
            env.close(slot.connection, Way::Down);
        }
        for connection in core::mem::take(&mut env.knocking) {
            env.close(connection, Way::Down);
        }
        env.unbind(Node::Server, self.life.socket);
        env.set_timer(Node::Server, None);
    }
}

impl Life {
    fn queue(&mut self, stream: StreamId) {
        if let Some(slot) = self.streams.get_mut(stream).filter(|slot| !slot.is_queued) {
            slot.is_queued = true;
            self.ready.push_back(stream);
        }
    }
}

/// The outside of the server's loop, for a turn.
struct ServerSide<'a> {
    life: &'a mut Life,
    env: &'a mut Environment,
}

impl Timer for ServerSide<'_> {
    fn now(&self) -> Instant {
        self.env.now()
    }

    fn wall(&self) -> UnixTime {
        wall(self.env.now())
    }

    fn poll_sleep(&mut self, _: &mut Context<'_>, until: Option<Instant>) -> Poll<()> {
        self.life.sleeps_until = until;
        match until {
            Some(until) if until <= self.env.now() => Poll::Ready(()),
            Some(_) | None => Poll::Pending,
        }
    }
}

impl Datagrams for ServerSide<'_> {
    type Arrivals = Received;

    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Received>> {
        self.env.receive(Node::Server).map_or(Poll::Pending, |received| Poll::Ready(Ok(received)))
    }

    fn recycle(&mut self, arrivals: Received) {
        self.env.recycle(arrivals);
    }

    fn send(&mut self, transmit: Transmit) -> Sent {
        let socket = self.life.socket;
        match transmit {
            Transmit::Packet { path, packet } => {
                self.env.send(socket, path.remote, &packet, &Filling::Nothing);
            }
            Transmit::Segments { path, batch } => {
                for (transmission, range) in batch.segments() {
                    let packet = batch.packet(transmission, &range);
                    // What is not held is not sent: zeros would look like the file.
                    let Ok(filling) = self.life.share.fill(&packet) else { break };
                    self.env.send(socket, path.remote, &packet, &filling);
                }
            }
        }
        Sent::Taken
    }

    fn is_blocked(&self) -> bool {
        false
    }

    fn poll_unblocked(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn datagrams_lost(&self) -> u64 {
        0
    }
}

impl Connections for ServerSide<'_> {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<StreamId> {
        while let Some(stream) = self.life.ready.pop_front() {
            if let Some(slot) = self.life.streams.get_mut(stream) {
                slot.is_queued = false;
                return Poll::Ready(stream);
            }
        }
        Poll::Pending
    }

    fn queue(&mut self, stream: StreamId) {
        self.life.queue(stream);
    }

    fn read(&mut self, stream: StreamId, buffer: &mut Vec<u8>) -> Read {
        let Some(connection) = self.life.streams.get(stream).map(|slot| slot.connection) else {
            return Read::Failed;
        };
        let read = self.env.read(connection, Way::Up, buffer);
        if read == Read::Bytes {
            self.life.queue(stream);
        }
        read
    }

    fn write(&mut self, stream: StreamId, slices: &[IoSlice<'_>]) -> Write {
        match self.life.streams.get(stream) {
            Some(slot) => self.env.write(slot.connection, Way::Down, slices),
            None => Write::Failed,
        }
    }

    fn shut_down(&mut self, stream: StreamId) {
        if let Some(slot) = self.life.streams.get(stream) {
            self.env.shut_down(slot.connection, Way::Down);
        }
    }

    fn close(&mut self, stream: StreamId) -> bool {
        let slot = self.life.streams.close(stream);
        if let Some(slot) = &slot {
            self.env.close(slot.connection, Way::Down);
        }
        slot.is_some()
    }
}

impl ServerOutside for ServerSide<'_> {
    type Share = Share;

    fn share(&mut self) -> &mut Share {
        &mut self.life.share
    }

    fn poll_control(&mut self, _: &mut Context<'_>) -> Poll<Option<Control>> {
        if core::mem::take(&mut self.life.wants_stop) {
            Poll::Ready(Some(Control::Shutdown { grace: GRACE }))
        } else {
            Poll::Pending
        }
    }

    fn poll_accept(&mut self, _: &mut Context<'_>, stream: StreamId) -> Poll<io::Result<IpAddr>> {
        while let Some(connection) = self.env.knocking.pop_front() {
            // Whoever has gone meanwhile need not be let in.
            let Some(it) = self.env.connection(connection) else { continue };
            it.stream = Some(stream);
            let peer = it.peer.ip();
            self.life.streams.open(stream, connection);
            self.life.queue(stream);
            return Poll::Ready(Ok(peer));
        }
        Poll::Pending
    }
}

impl Observer for ServerSide<'_> {
    fn event(&mut self, _: Instant, event: ServerEvent) {
        self.env.record(trace::Node::SERVER, event);
    }

    fn trace(&mut self, record: Record) {
        self.env.record(trace::Node::SERVER, record);
    }
}
