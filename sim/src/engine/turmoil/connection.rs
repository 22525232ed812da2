//! Chat connections, as both of their ends share them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::task::Waker;

use backchat_core::time::Instant;

use super::world::State;
use crate::engine::network::{ClientIndex, STREAM_IN_FLIGHT_MAX, Way};
use crate::link::Pipe;

/// A connection, counted from 1 over the whole run.
pub(super) type ConnectionId = u64;

/// Every connection that somebody still holds.
#[derive(Debug, Default)]
pub(super) struct Connections {
    all: BTreeMap<ConnectionId, Connection>,
    last: ConnectionId,
}

#[derive(Debug)]
struct Connection {
    client: ClientIndex,
    peer: SocketAddr,
    up: Flow,
    down: Flow,
    /// Ends that are gone.
    closed: u8,
}

/// One direction of a connection.
#[derive(Debug)]
struct Flow {
    pipe: Pipe,
    /// Written and not read, in bytes.
    in_flight: usize,
    writer: Option<Waker>,
    reader: Option<Waker>,
    /// When the reader learns that the writer is gone.
    gone: Option<Gone>,
}

/// How the writer of a flow is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// When the reader learns of it; `None`: never, for nothing gets through.
    pub(super) at: Option<Instant>,
    /// How.
    pub(super) how: HowGone,
}

/// How a peer is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HowGone {
    /// It closed the connection.
    Closed,
    /// It was killed.
    Reset,
}

impl Flow {
    fn new(pipe: Pipe) -> Self {
        Self { pipe, in_flight: 0, writer: None, reader: None, gone: None }
    }
}

impl State {
    /// A client connects from `peer`.
    pub(super) fn open_connection(&mut self, client: ClientIndex) -> Option<(ConnectionId, SocketAddr)> {
        let (up, down) = (self.pipe(client, Way::Up)?, self.pipe(client, Way::Down)?);
        let peer = self.chat_address(client);
        self.connections.last += 1;
        let connection = Connection { client, peer, up: Flow::new(up), down: Flow::new(down), closed: 0 };
        self.connections.all.insert(self.connections.last, connection);
        Some((self.connections.last, peer))
    }

    /// Whose connection it is, and its address.
    pub(super) fn peer_of(&self, connection: ConnectionId) -> Option<SocketAddr> {
        self.connections.all.get(&connection).map(|it| it.peer)
    }

    fn flow(&mut self, connection: ConnectionId, way: Way) -> Option<&mut Flow> {
        let connection = self.connections.all.get_mut(&connection)?;
        Some(match way {
            Way::Up => &mut connection.up,
            Way::Down => &mut connection.down,
        })
    }

    /// When bytes that are written at `now` arrive; `None`: never.
    pub(super) fn arrival(&mut self, connection: ConnectionId, way: Way, now: Instant) -> Option<Instant> {
        self.flow(connection, way)?.pipe.arrival(now)
    }

    /// How many of `wanted` bytes may be written; with none, `waker` is woken when some may.
    pub(super) fn room(&mut self, connection: ConnectionId, way: Way, wanted: usize, waker: &Waker) -> usize {
        let Some(flow) = self.flow(connection, way) else { return wanted };
        let room = STREAM_IN_FLIGHT_MAX.saturating_sub(flow.in_flight).min(wanted);
        if room == 0 {
            flow.writer = Some(waker.clone());
        }
        flow.in_flight += room;
        room
    }

    /// The reader has taken so many bytes.
    pub(super) fn was_read(&mut self, connection: ConnectionId, way: Way, count: usize) {
        let Some(flow) = self.flow(connection, way) else { return };
        flow.in_flight = flow.in_flight.saturating_sub(count);
        if let Some(writer) = flow.writer.take() {
            writer.wake();
        }
    }

    /// Whether, and how, the writer is gone; `waker` is woken when it goes.
    pub(super) fn gone(&mut self, connection: ConnectionId, way: Way, waker: &Waker) -> Option<Gone> {
        let flow = self.flow(connection, way)?;
        flow.reader = Some(waker.clone());
        flow.gone
    }

    /// The end that writes `way` is closed.
    pub(super) fn close_end(&mut self, connection: ConnectionId, way: Way) {
        let now = self.now();
        self.end_flow(connection, way, now, HowGone::Closed);
        // Its own reading is over as well: who writes to it need not wait.
        if let Some(flow) = self.flow(connection, way.back())
            && let Some(writer) = flow.writer.take()
        {
            flow.in_flight = 0;
            writer.wake();
        }
        if let Some(it) = self.connections.all.get_mut(&connection) {
            it.closed += 1;
            if it.closed == 2 {
                self.connections.all.remove(&connection);
            }
        }
    }

    /// A host is killed: what its peers read of it ends with a reset.
    pub(super) fn reset_connections(&mut self, now: Instant, of: Option<ClientIndex>) {
        let hit = |it: &Connection| of.is_none_or(|client| it.client == client);
        let connections = self.connections.all.iter().filter(|(_, it)| hit(it));
        let ids: Vec<ConnectionId> = connections.map(|(id, _)| *id).collect();
        for id in ids {
            let way = if of.is_some() { Way::Up } else { Way::Down };
            self.end_flow(id, way, now, HowGone::Reset);
        }
    }

    fn end_flow(&mut self, connection: ConnectionId, way: Way, now: Instant, how: HowGone) {
        let Some(flow) = self.flow(connection, way) else { return };
        if flow.gone.is_some() {
            return;
        }
        flow.gone = Some(Gone { at: flow.pipe.arrival(now), how });
        for waker in [flow.reader.take(), flow.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}
