//! Chat connections: reliable pipes in order, with the link's delay and blackouts.
//!
//! What an end writes can be read when the link says that it is there. An end that is closed or killed is learnt of in the
//! same way, the one as the end of the stream and the other as a reset.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;

use backchat::driver::outside::{Read, Write};
use backchat_core::chat::StreamId;
use backchat_core::queue::take_first;
use backchat_core::time::Instant;

use super::agenda::{Agenda, What};
use crate::engine::faults::Node;
use crate::engine::network::{ClientIndex, STREAM_IN_FLIGHT_MAX, STRETCH_MAX, Way};
use crate::link::Pipe;

/// A connection, counted from 0 over the whole run.
pub(super) type ConnectionId = u32;

/// Bytes that one read takes at most, as in the shipped loops.
const READ_MAX: usize = 16 * 1024;

/// Buffers that are kept to be used again, and the largest of them: most writes are a frame or two, and a thousand buffers
/// that once held a whole list of names are 40 MB.
const SPARE_MAX: usize = 2_048;
const SPARE_BYTES: usize = 512;

/// Every connection.
#[derive(Debug, Default)]
pub(super) struct Connections {
    /// `None`: both of its ends are gone.
    all: Vec<Option<Box<Connection>>>,
    spare: Vec<Vec<u8>>,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// Whose.
    pub(super) client: ClientIndex,
    /// Its address at the client's.
    pub(super) peer: SocketAddr,
    /// Whether the server's host knows of it.
    pub(super) has_arrived: bool,
    /// What the server calls it, once it has accepted it.
    pub(super) stream: Option<StreamId>,
    up: Flow,
    down: Flow,
}

/// One direction of a connection.
#[derive(Debug)]
struct Flow {
    pipe: Pipe,
    /// Written and not read, each with when it arrives; an empty one is the end.
    stretches: VecDeque<Stretch>,
    /// Written and not read, in bytes; those that never arrive too.
    in_flight: usize,
    /// Its writer waits for room.
    is_blocked: bool,
    /// Its writer will write nothing more.
    is_shut: bool,
    /// Its writer's end is gone.
    gone: Option<Gone>,
    /// Nobody reads it any more.
    is_deaf: bool,
}

#[derive(Debug)]
struct Stretch {
    at: Instant,
    bytes: Vec<u8>,
    /// How many of them were read.
    read: usize,
}

#[derive(Clone, Copy, Debug)]
struct Gone {
    /// When the reader learns of it; `None`: never, for nothing gets through.
    at: Option<Instant>,
    how: HowGone,
}

/// How an end is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HowGone {
    /// It was closed.
    Closed,
    /// Its node was killed.
    Reset,
}

impl Flow {
    fn new(pipe: Pipe) -> Self {
        Self {
            pipe,
            stretches: VecDeque::new(),
            in_flight: 0,
            is_blocked: false,
            is_shut: false,
            gone: None,
            is_deaf: false,
        }
    }

    /// Whether its reader has learnt that its writer was killed.
    fn is_reset(&self, now: Instant) -> bool {
        self.gone.is_some_and(|gone| gone.how == HowGone::Reset && gone.at.is_some_and(|at| at <= now))
    }
}

impl Connections {
    /// A client connects from `peer`.
    pub(super) fn open(
        &mut self,
        client: ClientIndex,
        peer: SocketAddr,
        (up, down): (Pipe, Pipe),
    ) -> ConnectionId {
        let (up, down) = (Flow::new(up), Flow::new(down));
        self.all.push(Some(Box::new(Connection {
            client,
            peer,
            has_arrived: false,
            stream: None,
            up,
            down,
        })));
        u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
    }

    /// A connection, unless both of its ends are gone.
    pub(super) fn get_mut(&mut self, connection: ConnectionId) -> Option<&mut Connection> {
        self.all.get_mut(connection as usize)?.as_deref_mut()
    }

    fn flow(&mut self, connection: ConnectionId, way: Way) -> Option<&mut Flow> {
        let connection = self.get_mut(connection)?;
        Some(match way {
            Way::Up => &mut connection.up,
            Way::Down => &mut connection.down,
        })
    }

    /// When what is sent at `now` arrives; `None`: never.
    pub(super) fn arrival(&mut self, connection: ConnectionId, way: Way, now: Instant) -> Option<Instant> {
        self.flow(connection, way)?.pipe.arrival(now)
    }

    /// Whether a client still waits for the answer to this connection, or has it.
    pub(super) fn is_wanted(&mut self, connection: ConnectionId) -> bool {
        self.flow(connection, Way::Up).is_some_and(|flow| flow.gone.is_none())
    }

    /// Reads what flows `way` into `buffer`, whose bytes are replaced. Answers as well whether its writer waited for the
    /// room that this makes.
    pub(super) fn read(
        &mut self,
        connection: ConnectionId,
        way: Way,
        now: Instant,
        buffer: &mut Vec<u8>,
    ) -> (Read, bool) {
        buffer.clear();
        let Some(flow) = self.flow(connection, way) else { return (Read::Failed, false) };
        if let Some(first) = flow.stretches.front_mut()
            && first.at <= now
        {
            let rest = first.bytes.get(first.read..).unwrap_or_default();
            if rest.is_empty() {
                // It stays the first: the end is the end.
                return (Read::Finished, false);
            }
            let count = rest.len().min(READ_MAX);
            buffer.extend_from_slice(rest.get(..count).unwrap_or_default());
            first.read += count;
            flow.in_flight = flow.in_flight.saturating_sub(count);
            let is_awaited = core::mem::take(&mut flow.is_blocked);
            if first.read == first.bytes.len()
                && let Some(stretch) = take_first(&mut flow.stretches)
            {
                self.put_back(stretch.bytes);
            }
            return (Read::Bytes, is_awaited);
        }
        if flow.is_reset(now) {
            return (Read::Failed, false);
        }
        let is_over = flow.stretches.is_empty() && flow.gone.is_some_and(|gone| gone.at <= Some(now));
        // `None <= Some(now)`: what is never learnt of is not over.
        let is_learnt = flow.gone.is_some_and(|gone| gone.at.is_some());
        (if is_over && is_learnt { Read::Finished } else { Read::Blocked }, false)
    }

    fn put_back(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < SPARE_MAX && bytes.capacity() <= SPARE_BYTES {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// Writes what is to flow `way`.
    pub(super) fn write(
        &mut self,
        connection: ConnectionId,
        way: Way,
        now: Instant,
        slices: &[IoSlice<'_>],
        agenda: &mut Agenda,
    ) -> Write {
        let back_is_reset = self.flow(connection, way.back()).is_none_or(|flow| flow.is_reset(now));
        let mut bytes = self.spare.pop().unwrap_or_default();
        let Some(flow) = self.flow(connection, way) else { return Write::Failed };
        if flow.is_shut || back_is_reset {
            self.put_back(bytes);
            return Write::Failed;
        }
        let wanted = slices.iter().map(|slice| slice.len()).sum::<usize>().min(STRETCH_MAX);
        let room = STREAM_IN_FLIGHT_MAX.saturating_sub(flow.in_flight).min(wanted);
        if room == 0 && wanted > 0 {
            flow.is_blocked = true;
            self.put_back(bytes);
            return Write::Blocked;
        }
        flow.in_flight += room;
        // What can never arrive is taken all the same, as a socket would.
        match flow.pipe.arrival(now) {
            Some(at) if !flow.is_deaf => {
                bytes.reserve(room);
                for slice in slices {
                    let rest = room - bytes.len();
                    bytes.extend_from_slice(slice.get(..rest.min(slice.len())).unwrap_or_default());
                }
                flow.stretches.push_back(Stretch { at, bytes, read: 0 });
                agenda.enter(at, What::Readable(connection, way));
            }
            _ => self.put_back(bytes),
        }
        Write::Taken(room)
    }

    /// Nothing more will be written `way`.
    pub(super) fn shut_down(
        &mut self,
        connection: ConnectionId,
        way: Way,
        now: Instant,
        agenda: &mut Agenda,
    ) {
        let Some(flow) = self.flow(connection, way).filter(|flow| !flow.is_shut) else { return };
        flow.is_shut = true;
        if let Some(at) = flow.pipe.arrival(now) {
            flow.stretches.push_back(Stretch { at, bytes: Vec::new(), read: 0 });
            agenda.enter(at, What::Readable(connection, way));
        }
    }

    /// The end that writes `way` is gone. Its peer learns of it, and need not wait for it to read: answers whether it
    /// did.
    pub(super) fn end(
        &mut self,
        connection: ConnectionId,
        way: Way,
        how: HowGone,
        now: Instant,
        agenda: &mut Agenda,
    ) -> bool {
        let Some(flow) = self.flow(connection, way).filter(|flow| flow.gone.is_none()) else { return false };
        let at = flow.pipe.arrival(now);
        flow.gone = Some(Gone { at, how });
        if let Some(at) = at {
            agenda.enter(at, What::Readable(connection, way));
        }
        let Some(back) = self.flow(connection, way.back()) else { return false };
        let was_awaited = core::mem::take(&mut back.is_blocked);
        (back.is_deaf, back.in_flight) = (true, 0);
        let stretches = core::mem::take(&mut back.stretches);
        let is_over = back.gone.is_some();
        stretches.into_iter().for_each(|stretch| self.put_back(stretch.bytes));
        if is_over && let Some(place) = self.all.get_mut(connection as usize) {
            *place = None;
        }
        was_awaited
    }

    /// The connections that a node has an end of.
    pub(super) fn of(&self, node: Node) -> Vec<ConnectionId> {
        let is_its = |it: &Connection| match node {
            Node::Client(client) => client == it.client,
            Node::Server => it.has_arrived,
        };
        let all = (0..).zip(&self.all);
        all.filter(|(_, it)| it.as_deref().is_some_and(is_its)).map(|(id, _)| id).collect()
    }
}
