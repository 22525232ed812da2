//! The outside of one life of a client.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use backchat::driver::outside::{ClientOutside, Connections, Datagrams, Payload, Read, Sent, Timer, Write};
use backchat::driver::{Application, Command, Flow, Receipt};
use backchat::files::{TargetEvent, Targets as _};
use backchat_core::chat::{FrameError, ServerFrame, StreamId};
use backchat_core::node::{ClientEvent, DownloadError, DownloadId, Transmit};
use backchat_core::time::{Instant, UnixTime, earliest};
use backchat_core::trace::Record;

use super::Person;
use crate::engine::direct::environment::Environment;
use crate::engine::direct::files::{Disk, Targets};
use crate::engine::direct::flights::{Filling, Received};
use crate::engine::direct::streams::ConnectionId;
use crate::engine::network::{CHAT_PORT, SERVER_IP, SocketId, Way};
use crate::engine::node::wall;
use crate::engine::user::{User, Wanted};
use crate::trace::AppEvent;

/// Everything of one life that is not of the loop.
pub(super) struct Life {
    pub(super) user: User,
    targets: Targets,
    connection: Option<(StreamId, ConnectionId)>,
    /// The connection may have something to read, or room.
    is_stream_ready: bool,
    attempt: Option<Attempt>,
    socket: Option<SocketId>,
    is_binding: bool,
    /// When the loop wants to be woken.
    sleeps_until: Option<Instant>,
    /// When the user wants something next.
    wanted: Option<Instant>,
}

/// An attempt to connect.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    connection: ConnectionId,
    /// Whether the server has taken it, once that is known.
    is_taken: Option<bool>,
}

impl Life {
    pub(super) fn new(user: User, disk: &Disk) -> Self {
        Self {
            user,
            targets: Targets::new(disk),
            connection: None,
            is_stream_ready: false,
            attempt: None,
            socket: None,
            is_binding: false,
            sleeps_until: None,
            wanted: None,
        }
    }

    /// The connection can be read, or written.
    pub(super) fn stream_ready(&mut self, connection: ConnectionId) {
        self.is_stream_ready |= self.connection.is_some_and(|(_, it)| it == connection);
    }

    /// An attempt to connect was answered.
    pub(super) fn answered(&mut self, connection: ConnectionId, is_taken: bool) {
        if let Some(attempt) = self.attempt.as_mut().filter(|it| it.connection == connection) {
            attempt.is_taken = Some(is_taken);
        }
    }

    /// When the client is to have its next turn, if nothing else happens to it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        earliest([self.sleeps_until, self.wanted])
    }

    /// Gives up everything of the environment.
    pub(super) fn give_up(mut self, person: &Person, env: &mut Environment) {
        let attempt = self.attempt.map(|it| it.connection);
        for connection in [self.connection.map(|(_, it)| it), attempt].into_iter().flatten() {
            env.close(connection, Way::Up);
        }
        if let Some(socket) = self.socket.take() {
            env.unbind(person.node(), socket);
        }
        env.set_timer(person.node(), None);
    }
}

/// The outside of a client's loop, for a turn.
pub(super) struct ClientSide<'a> {
    pub(super) life: &'a mut Life,
    pub(super) person: &'a mut Person,
    pub(super) env: &'a mut Environment,
}

impl ClientSide<'_> {
    fn connection(&self, stream: StreamId) -> Option<ConnectionId> {
        self.life.connection.filter(|(name, _)| *name == stream).map(|(_, connection)| connection)
    }
}

impl Timer for ClientSide<'_> {
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

impl Datagrams for ClientSide<'_> {
    type Arrivals = Received;

    fn poll_receive(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Received>> {
        self.env.receive(self.person.node()).map_or(Poll::Pending, |received| Poll::Ready(Ok(received)))
    }

    fn recycle(&mut self, arrivals: Received) {
        self.env.recycle(arrivals);
    }

    fn send(&mut self, transmit: Transmit) -> Sent {
        // A client has no bytes of a file to send.
        if let (Some(socket), Transmit::Packet { path, packet }) = (self.life.socket, transmit) {
            self.env.send(socket, path.remote, &packet, &Filling::Nothing);
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

impl Connections for ClientSide<'_> {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<StreamId> {
        match (core::mem::take(&mut self.life.is_stream_ready), self.life.connection) {
            (true, Some((stream, _))) => Poll::Ready(stream),
            (true, None) | (false, _) => Poll::Pending,
        }
    }

    fn queue(&mut self, stream: StreamId) {
        self.life.is_stream_ready |= self.connection(stream).is_some();
    }

    fn read(&mut self, stream: StreamId, buffer: &mut Vec<u8>) -> Read {
        let Some(connection) = self.connection(stream) else { return Read::Failed };
        let read = self.env.read(connection, Way::Down, buffer);
        // There may be more.
        self.life.is_stream_ready |= read == Read::Bytes;
        read
    }

    fn write(&mut self, stream: StreamId, slices: &[IoSlice<'_>]) -> Write {
        match self.connection(stream) {
            Some(connection) => self.env.write(connection, Way::Up, slices),
            None => Write::Failed,
        }
    }

    fn shut_down(&mut self, stream: StreamId) {
        if let Some(connection) = self.connection(stream) {
            self.env.shut_down(connection, Way::Up);
        }
    }

    fn close(&mut self, stream: StreamId) -> bool {
        let connection = self.connection(stream);
        if let Some(connection) = connection {
            self.life.connection = None;
            self.env.close(connection, Way::Up);
        }
        connection.is_some()
    }
}

impl ClientOutside for ClientSide<'_> {
    type Targets = Targets;

    fn targets(&mut self) -> &mut Targets {
        &mut self.life.targets
    }

    fn write_target(&mut self, download: DownloadId, offset: u64, from: Payload<'_, Received>) {
        match from.arrivals.part(from.group, from.datagram, from.bytes, &self.env.contents) {
            Some(part) => self.life.targets.write(download, offset, part),
            None => debug_assert!(false, "bytes that are not there were to be written"),
        }
    }

    fn decode(&mut self, line: &[u8]) -> Result<ServerFrame, FrameError> {
        self.env.lines.decode(line)
    }

    fn connect(&mut self) {
        self.cancel_connect();
        let connection = self.env.connect(self.person.index);
        self.life.attempt = connection.map(|connection| Attempt { connection, is_taken: None });
    }

    fn poll_connect(&mut self, _: &mut Context<'_>, stream: StreamId) -> Poll<io::Result<SocketAddr>> {
        let Some(Attempt { connection, is_taken: Some(is_taken) }) = self.life.attempt else {
            return Poll::Pending;
        };
        self.life.attempt = None;
        if is_taken {
            self.life.connection = Some((stream, connection));
            self.life.is_stream_ready = true;
            return Poll::Ready(Ok(SocketAddr::from((SERVER_IP, CHAT_PORT))));
        }
        self.env.close(connection, Way::Up);
        Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()))
    }

    fn cancel_connect(&mut self) {
        if let Some(attempt) = self.life.attempt.take() {
            self.env.close(attempt.connection, Way::Up);
        }
    }

    fn bind(&mut self, _: SocketAddr) {
        self.life.is_binding = true;
    }

    fn poll_bind(&mut self, _: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !core::mem::take(&mut self.life.is_binding) {
            return Poll::Pending;
        }
        let room = self.person.room;
        self.life.socket = Some(self.env.bind(self.person.node(), room));
        Poll::Ready(Ok(room))
    }

    fn unbind(&mut self) {
        self.life.is_binding = false;
        if let Some(socket) = self.life.socket.take() {
            self.env.unbind(self.person.node(), socket);
        }
    }
}

impl Application for ClientSide<'_> {
    fn poll_command(&mut self, _: &mut Context<'_>) -> Poll<Command> {
        let is_closing = self.person.is_closing;
        let wanted = self.life.user.next(self.env.now(), is_closing, &mut self.person.around(self.env));
        self.life.wanted = match wanted {
            Wanted::Now(command) => return Poll::Ready(command),
            Wanted::At(at) => Some(at),
            Wanted::Nothing => None,
        };
        Poll::Pending
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        self.life.user.answered(now, answer, &mut self.person.around(self.env));
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        self.life.user.event(now, event, &mut self.person.around(self.env))
    }

    fn target(&mut self, _: DownloadId, _: TargetEvent, _: Instant) -> Flow {
        Flow::Continue
    }

    fn cannot_connect(&mut self, error: &io::Error, _: Instant) -> Flow {
        self.env.record(self.person.name, AppEvent::CannotConnect { error: error.kind().to_string().into() });
        Flow::Continue
    }

    fn trace(&mut self, record: Record) {
        self.env.record(self.person.name, record);
    }
}
