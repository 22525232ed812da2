//! One life of a client: core's machine, and what the shipped loop does around it.
//!
//! The rounds, and the order in which things are looked at within one, are the shipped loop's
//! ([`backchat::driver::client`]).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::net::SocketAddr;

use backchat::driver::client::commands::carry;
use backchat::driver::client::{CONNECT_TIMEOUT, EARLY_MAX, READS_PER_TURN, receive_window};
use backchat::driver::round::{Round, Source};
use backchat::driver::streams::SLICES_MAX;
use backchat::driver::{Command, Flow, Receipt};
use backchat::files::{TargetSpec, Targets as _};
use backchat_core::node::{
    Client, ClientConfig, ClientEvent, ClientOutput, DownloadEvent, DownloadId, Path, TargetRequest, Transmit,
};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, earliest};
use backchat_core::wire::{Body, DATA_HEADER_LEN, Packet};
use bytes::Bytes;

use super::Person;
use crate::engine::contents::{Contents, FileIndex};
use crate::engine::direct::files::{Targets, at_once};
use crate::engine::direct::flights::{Datagram, Filling};
use crate::engine::direct::outside::Outside;
use crate::engine::direct::pace::Going;
use crate::engine::direct::streams::{ConnectionId, Read, Write};
use crate::engine::network::{CHAT_PORT, SERVER_IP, SocketId, Way};
use crate::engine::pieces::Part;
use crate::engine::user::{LifeEnd, User, Wanted};
use crate::trace::AppEvent;

/// Datagrams that are taken in a turn.
const RECEIVED_PER_TURN: usize = 32;

/// See the module.
pub(super) struct Running {
    core: Client,
    user: User,
    targets: Targets,
    connection: Option<ConnectionId>,
    /// The connection may have something to read, or room.
    is_stream_ready: bool,
    wants_connect: bool,
    connecting: Option<Connecting>,
    socket: Option<SocketId>,
    has_bound: bool,
    wants_bind: bool,
    /// Packets that wait for a socket.
    early: Vec<(SocketAddr, Packet)>,
    server: Option<SocketAddr>,
    specs: BTreeMap<DownloadId, TargetSpec>,
    downloads: BTreeSet<DownloadId>,
    /// When the user wants something next.
    wanted: Option<Instant>,
    life: Life,
    buffer: Vec<u8>,
    /// Kept for its memory.
    brought: Vec<Brought>,
}

/// An attempt to connect.
#[derive(Clone, Copy, Debug)]
struct Connecting {
    connection: ConnectionId,
    until: Instant,
    /// Whether the server has taken it, once that is known.
    answer: Option<bool>,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// The user wants to end; the core does not know yet.
    Exiting,
    /// The core says goodbye and files are closed.
    Leaving,
    Ended,
}

/// What a datagram that was just handed in brought, for the writes that follow.
enum Brought {
    /// These bytes of a file.
    Segment { file: FileIndex, offset: u64, length: usize },
    /// What it says is in its bytes.
    Bytes(Bytes),
    /// Nothing of a file.
    Nothing,
}

impl Brought {
    fn by(datagram: &Datagram) -> Self {
        match datagram {
            Datagram::Packet(Packet { body: Body::Data { offset, length, .. }, .. }, Some(file)) => {
                Self::Segment { file: *file, offset: *offset, length: *length }
            }
            Datagram::Packet(..) => Self::Nothing,
            Datagram::Bytes(bytes) => Self::Bytes(bytes.clone()),
        }
    }

    /// Those bytes of the datagram.
    fn part<'a>(&'a self, range: core::ops::Range<usize>, contents: &'a Contents) -> Option<Part<'a>> {
        match *self {
            Self::Bytes(ref bytes) => bytes.get(range).map(Part::Bytes),
            Self::Segment { file, offset, length } => {
                let start = range.start.checked_sub(DATA_HEADER_LEN)?;
                let end = range.end.checked_sub(DATA_HEADER_LEN).filter(|end| *end <= length)?;
                let count = end.checked_sub(start)? as u64;
                Some(Part::Of { file: contents.source(file)?, at: offset + start as u64, length: count })
            }
            Self::Nothing => None,
        }
    }
}

impl Running {
    pub(super) fn start(
        config: ClientConfig,
        entropy: [u8; 32],
        user: User,
        person: &Person,
        now: Instant,
    ) -> Self {
        let mut core = Client::new(config, &Seed::from_entropy(entropy));
        core.start(now);
        Self {
            core,
            user,
            targets: Targets::new(&person.disk),
            connection: None,
            is_stream_ready: false,
            wants_connect: false,
            connecting: None,
            socket: None,
            has_bound: false,
            wants_bind: false,
            early: Vec::new(),
            server: None,
            specs: BTreeMap::new(),
            downloads: BTreeSet::new(),
            wanted: None,
            life: Life::Running,
            buffer: Vec::new(),
            brought: Vec::new(),
        }
    }

    /// Its connection can be read, or written.
    pub(super) fn stream_ready(&mut self, connection: ConnectionId) {
        self.is_stream_ready |= self.connection == Some(connection);
    }

    /// An attempt to connect was answered.
    pub(super) fn answered(&mut self, connection: ConnectionId, is_taken: bool) {
        if let Some(connecting) = self.connecting.as_mut().filter(|it| it.connection == connection) {
            connecting.answer = Some(is_taken);
        }
    }

    /// Does everything that can be done now. `false`: it has ended.
    pub(super) fn turn(&mut self, person: &mut Person, out: &mut Outside) -> bool {
        let mut round = Round::default();
        loop {
            let deadline = self.drain(person, out);
            if self.has_ended() {
                return false;
            }
            if out.step() == Going::Nowhere {
                return true;
            }
            if core::mem::take(&mut self.wants_connect)
                && let Some(connection) = out.connect(person.index)
            {
                let until = out.now() + CONNECT_TIMEOUT;
                self.connecting = Some(Connecting { connection, until, answer: None });
            }
            self.look_for_socket(person, out);
            let mut served = self.serve(round, deadline, person, out);
            if served.is_none() && round.has_begun() {
                round = Round::default();
                served = self.serve(round, deadline, person, out);
            }
            match served {
                Some(source) => round.served(source),
                None => {
                    let until = self.connecting.map(|it| it.until);
                    out.set_timer(person.node(), earliest([deadline, until, self.wanted]));
                    return true;
                }
            }
        }
    }

    /// Gives up everything of the outside; answers how the life ended.
    pub(super) fn end(mut self, person: &mut Person, out: &mut Outside) -> LifeEnd {
        let end = self.user.end();
        self.user.life_ended(out.now(), &mut person.around(out));
        self.give_up(person, out);
        end
    }

    /// Gives up everything of the outside.
    pub(super) fn give_up(mut self, person: &Person, out: &mut Outside) {
        let attempt = self.connecting.map(|it| it.connection);
        for connection in [self.connection, attempt].into_iter().flatten() {
            out.close(connection, Way::Up);
        }
        self.drop_socket(person, out);
        out.set_timer(person.node(), None);
    }

    fn has_ended(&self) -> bool {
        match self.life {
            Life::Ended => true,
            Life::Leaving => self.core.is_over() && self.targets.is_idle(),
            Life::Running | Life::Exiting => false,
        }
    }

    /// Serves the first source that has something and was not served in this round.
    fn serve(
        &mut self,
        round: Round,
        deadline: Option<Instant>,
        person: &mut Person,
        out: &mut Outside,
    ) -> Option<Source> {
        let now = out.now();
        if round.may(Source::Control) {
            match self.user.next(now, person.is_closing, &mut person.around(out)) {
                Wanted::Now(command) => {
                    self.command(&command, person, out);
                    return Some(Source::Control);
                }
                Wanted::At(at) => self.wanted = Some(at),
                Wanted::Nothing => self.wanted = None,
            }
        }
        if round.may(Source::Timer) && deadline.is_some_and(|at| at <= now) {
            self.core.handle_timeout(now);
            return Some(Source::Timer);
        }
        if round.may(Source::Files)
            && let Some(completion) = at_once(|cx| self.targets.poll_next(cx))
        {
            // What is for people alone is not told here.
            let _ = completion.tell(&mut self.core, now);
            return Some(Source::Files);
        }
        if round.may(Source::Received) && self.socket.is_some() && out.has_received(person.node()) {
            self.receive(person, out);
            return Some(Source::Received);
        }
        if round.may(Source::Streams) && core::mem::take(&mut self.is_stream_ready) {
            self.read(person, out);
            return Some(Source::Streams);
        }
        if round.may(Source::Connect)
            && let Some(it) = self.connecting.filter(|it| it.answer.is_some() || it.until <= now)
        {
            self.connecting = None;
            self.connected(it, person, out);
            return Some(Source::Connect);
        }
        if round.may(Source::Bind) && core::mem::take(&mut self.wants_bind) {
            self.bind(person, out);
            return Some(Source::Bind);
        }
        None
    }

    /// Carries out everything that the core wants done. Answers when the timer is due.
    fn drain(&mut self, person: &mut Person, out: &mut Outside) -> Option<Instant> {
        loop {
            let deadline = self.carry_out(&[], person, out);
            self.targets.flush();
            if self.life != Life::Exiting {
                return deadline;
            }
            self.life = Life::Leaving;
            self.core.leave(out.now());
        }
    }

    /// Carries out what the core wants done; `brought` is what it was just handed.
    fn carry_out(&mut self, brought: &[Brought], person: &mut Person, out: &mut Outside) -> Option<Instant> {
        let now = out.now();
        loop {
            match self.core.poll_output(now) {
                ClientOutput::Connect => self.wants_connect = true,
                ClientOutput::Stream => self.write(out),
                ClientOutput::CloseStream(_) => {
                    // What the core had to say was written when it said so.
                    if let Some(connection) = self.connection.take() {
                        out.shut_down(connection, Way::Up);
                        out.close(connection, Way::Up);
                    }
                }
                ClientOutput::Transmit(Transmit::Packet { path, packet }) => match self.socket {
                    Some(socket) => out.send(socket, path.remote, &packet, &Filling::Nothing),
                    None if self.early.len() < EARLY_MAX => self.early.push((path.remote, packet)),
                    None => {}
                },
                // A client has no bytes of a file to send.
                ClientOutput::Transmit(Transmit::Segments { .. }) => {}
                ClientOutput::Target(request) => self.target(request, brought, &out.contents),
                ClientOutput::Event(event) => self.event(event, person, out),
                ClientOutput::Trace(record) => out.record(person.name, record),
                ClientOutput::Timeout(deadline) => return deadline,
            }
        }
    }

    fn event(&mut self, event: ClientEvent, person: &mut Person, out: &mut Outside) {
        if let ClientEvent::Download {
            download,
            event: DownloadEvent::Finished(_) | DownloadEvent::Failed { .. },
        } = &event
        {
            self.downloads.remove(download);
        }
        let flow = self.user.event(out.now(), event, &mut person.around(out));
        if flow == Flow::Exit && self.life == Life::Running {
            self.life = Life::Exiting;
        }
    }

    fn target(&mut self, request: TargetRequest, brought: &[Brought], contents: &Contents) {
        match request {
            TargetRequest::Open { download, file } => {
                // Asked for in the same breath as the download was.
                if let Some(spec) = self.specs.remove(&download) {
                    self.targets.open(download, &file, spec);
                }
            }
            TargetRequest::Write { download, offset, datagram, payload } => {
                match brought.get(datagram).and_then(|brought| brought.part(payload, contents)) {
                    Some(part) => self.targets.write(download, offset, part),
                    None => debug_assert!(false, "bytes that are not there were to be written"),
                }
            }
            TargetRequest::Op { download, op } => self.targets.submit(download, op),
        }
    }

    fn command(&mut self, command: &Command, person: &mut Person, out: &mut Outside) {
        let now = out.now();
        let answer = carry(&mut self.core, now, command, &self.downloads);
        match (command, &answer) {
            (Command::Get { target, .. }, Ok(Receipt::Download(download))) => {
                self.specs.insert(*download, target.clone());
                self.downloads.insert(*download);
            }
            (Command::Quit, _) => {
                self.life = match self.life {
                    Life::Running | Life::Exiting => Life::Exiting,
                    Life::Leaving | Life::Ended => Life::Ended,
                };
            }
            _ => {}
        }
        self.user.answered(now, answer, &mut person.around(out));
    }

    /// The connection was made, or could not be.
    fn connected(&mut self, attempt: Connecting, person: &Person, out: &mut Outside) {
        let now = out.now();
        let server = SocketAddr::from((SERVER_IP, CHAT_PORT));
        if attempt.answer == Some(true) {
            self.server = Some(server);
            self.connection = Some(attempt.connection);
            self.is_stream_ready = true;
            self.core.handle_connected(now, server);
            return;
        }
        out.close(attempt.connection, Way::Up);
        let kind = match attempt.answer {
            Some(_) => io::ErrorKind::ConnectionRefused,
            None => io::ErrorKind::TimedOut,
        };
        out.record(person.name, AppEvent::CannotConnect { error: kind.to_string().into() });
        self.core.handle_connect_failed(now);
    }

    /// Lets the socket go when it is of no use, and wants one where it is.
    fn look_for_socket(&mut self, person: &Person, out: &mut Outside) {
        if !self.core.needs_datagrams() && self.core.downloads() == 0 {
            self.drop_socket(person, out);
        } else if !self.has_bound && self.server.is_some() {
            self.has_bound = true;
            self.wants_bind = true;
        }
    }

    fn drop_socket(&mut self, person: &Person, out: &mut Outside) {
        if let Some(socket) = self.socket.take() {
            out.unbind(person.node(), socket);
        }
        self.early.clear();
        self.has_bound = false;
    }

    fn bind(&mut self, person: &Person, out: &mut Outside) {
        let socket = out.bind(person.node(), person.room);
        self.core.set_receive_window(receive_window(person.room));
        for (to, packet) in core::mem::take(&mut self.early) {
            out.send(socket, to, &packet, &Filling::Nothing);
        }
        self.socket = Some(socket);
    }

    /// Takes in what has arrived, a bounded amount of it.
    fn receive(&mut self, person: &mut Person, out: &mut Outside) {
        let now = out.now();
        let mut brought = core::mem::take(&mut self.brought);
        for _ in 0..RECEIVED_PER_TURN {
            brought.clear();
            let count = out.receive(person.node(), |received| {
                let path = Path { remote: received.from.into(), local: None };
                match &received.datagram {
                    Datagram::Packet(packet, _) => self.core.handle_packet(now, path, packet, brought.len()),
                    Datagram::Bytes(bytes) => self.core.handle_datagram(now, path, bytes, brought.len()),
                }
                brought.push(Brought::by(&received.datagram));
            });
            if count == 0 {
                break;
            }
            self.core.handle_batch_end(now);
            self.carry_out(&brought, person, out);
        }
        self.brought = brought;
    }

    /// Reads from the connection and writes to it, as far as it goes.
    fn read(&mut self, person: &mut Person, out: &mut Outside) {
        let Some(connection) = self.connection else { return };
        for turn in 0.. {
            if turn == READS_PER_TURN {
                // There may be more.
                self.is_stream_ready = true;
                break;
            }
            match out.read(connection, Way::Down, &mut self.buffer) {
                Read::Bytes => {
                    let (now, lines) = (out.now(), &mut out.lines);
                    self.core.handle_stream_bytes_with(now, &self.buffer, |line| lines.decode(line));
                }
                Read::Blocked => break,
                Read::Finished | Read::Failed => return self.lose(out),
            }
            self.carry_out(&[], person, out);
            if self.connection != Some(connection) {
                return;
            }
        }
        self.write(out);
    }

    /// Writes what waits for the connection until it takes no more.
    fn write(&mut self, out: &mut Outside) {
        while let Some(connection) = self.connection {
            // Seldom does anything wait, and to lay out slices for all of it is more than a look.
            if self.core.stream_pending(&mut [IoSlice::new(&[])]) == 0 {
                return;
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.core.stream_pending(&mut slices);
            match out.write(connection, Way::Up, slices.get(..count).unwrap_or_default()) {
                Write::Taken(taken) => self.core.handle_stream_taken(out.now(), taken),
                Write::Blocked => return,
                Write::Failed => self.lose(out),
            }
        }
    }

    /// The connection is gone.
    fn lose(&mut self, out: &mut Outside) {
        if let Some(connection) = self.connection.take() {
            out.close(connection, Way::Up);
            self.core.handle_stream_closed(out.now());
        }
    }
}
