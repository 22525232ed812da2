//! What the client's loop does between two waits.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::net::SocketAddr;

use backchat_core::chat::StreamId;
use backchat_core::node::{
    Client, ClientEvent, ClientOutput, DownloadEvent, DownloadId, LocalError, TargetRequest, Transmit,
};
use backchat_core::time::Instant;

use super::commands::carry;
use super::{ClientEnd, EARLY_MAX, receive_window};
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::driver::datagrams::{Outgoing, Sent};
use crate::driver::streams::{Read, SLICES_MAX, Streams, Write};
use crate::files::{NotHeld, TargetCompletion, TargetSpec, Targets};
use crate::net::{Batch, Clock, Group, Network, Udp};

/// Receives a turn. Each can bring 512 KiB; others want their turn too.
const RECEIVES_PER_TURN: usize = 4;

/// Reads a turn from the connection.
pub const READS_PER_TURN: usize = 16;

/// The core, and everything of the loop that is not waited for. The fields that are waited for are the loop's.
pub(super) struct Running<'a, N: Network, T, A> {
    client: Client,
    pub(super) application: &'a mut A,
    pub(super) targets: T,
    /// At most one, the one called `stream`.
    pub(super) streams: Streams<N::Stream>,
    stream: Option<StreamId>,
    last_stream: u64,
    pub(super) udp: Option<N::Udp>,
    pub(super) outgoing: Outgoing,
    /// Datagrams that wait for a socket.
    early: Vec<Transmit>,
    /// Datagrams that found none.
    without_socket: u64,
    /// Where the chat was reached: downloads need a socket of the same family.
    server: Option<SocketAddr>,
    /// The core wants a connection.
    wants_connect: bool,
    /// A socket was asked for, and is on its way or could not be had.
    has_bound: bool,
    /// What becomes of downloads that were not opened yet.
    specs: BTreeMap<DownloadId, TargetSpec>,
    downloads: BTreeSet<DownloadId>,
    life: Life,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// It ends when nothing is left to do.
    Finishing,
    /// The application wants to end; the core does not know yet.
    Exiting,
    /// The same, and nobody answers any more; the core does not know yet.
    Abandoning,
    /// The core says goodbye and files are closed.
    Leaving,
    Ended,
}

impl<'a, N: Network, T: Targets<Content = Vec<u8>>, A: Application> Running<'a, N, T, A> {
    pub(super) fn new(client: Client, targets: T, application: &'a mut A) -> Self {
        Self {
            client,
            application,
            targets,
            streams: Streams::new(),
            stream: None,
            last_stream: 0,
            udp: None,
            outgoing: Outgoing::new(),
            early: Vec::new(),
            without_socket: 0,
            server: None,
            wants_connect: false,
            has_bound: false,
            specs: BTreeMap::new(),
            downloads: BTreeSet::new(),
            life: Life::Running,
        }
    }

    pub(super) fn start(&mut self, now: Instant) {
        self.client.start(now);
    }

    pub(super) fn has_ended(&self) -> bool {
        match self.life {
            Life::Ended => true,
            Life::Leaving => self.client.is_over() && self.targets.is_idle(),
            Life::Running | Life::Finishing | Life::Exiting | Life::Abandoning => false,
        }
    }

    pub(super) fn end(self) -> ClientEnd {
        ClientEnd {
            counters: self.client.counters().clone(),
            datagrams_lost: self.outgoing.lost() + self.without_socket,
        }
    }

    /// Whether a connection is to be made.
    pub(super) fn take_connect(&mut self) -> bool {
        std::mem::take(&mut self.wants_connect)
    }

    /// Whether a socket for downloads is to be bound, and for which server. Lets it go when it is of no use.
    pub(super) fn take_bind(&mut self) -> Option<SocketAddr> {
        if self.client.downloads() == 0 && !self.client.needs_datagrams() {
            self.udp = None;
            self.early.clear();
            self.has_bound = false;
            return None;
        }
        if self.has_bound {
            return None;
        }
        let server = self.server?;
        self.has_bound = true;
        Some(server)
    }

    /// Carries out everything that the core wants done. Answers when the timer is due.
    pub(super) fn drain(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let deadline = self.carry_out(now, None);
            self.targets.flush();
            match self.life {
                Life::Finishing if self.client.is_over() || self.client.is_idle() => {
                    self.life = Life::Exiting;
                }
                Life::Exiting => {
                    self.life = Life::Leaving;
                    self.client.leave(now);
                }
                Life::Abandoning => {
                    self.life = Life::Leaving;
                    self.client.abandon(now);
                }
                Life::Running | Life::Finishing | Life::Leaving | Life::Ended => return deadline,
            }
        }
    }

    /// Carries out what the core wants done; `group` is what it was just handed.
    fn carry_out(&mut self, now: Instant, group: Option<Group<'_>>) -> Option<Instant> {
        loop {
            match self.client.poll_output(now) {
                ClientOutput::Connect => self.wants_connect = true,
                ClientOutput::Stream => self.write(now),
                ClientOutput::CloseStream(_) => {
                    // What the core had to say was written when it said so.
                    if let Some(stream) = self.stream.take() {
                        self.streams.shut_down(stream);
                        self.streams.remove(stream);
                    }
                }
                ClientOutput::Transmit(transmit) => match &self.udp {
                    Some(udp) => {
                        self.outgoing.send(udp, transmit, |_, _| Err(NotHeld));
                    }
                    // The server's ticket can be faster than the socket: what begins a download is worth keeping.
                    None if self.early.len() < EARLY_MAX => self.early.push(transmit),
                    None => self.without_socket += 1,
                },
                ClientOutput::Target(request) => self.target(request, group),
                ClientOutput::Event(event) => {
                    if let ClientEvent::Download {
                        download,
                        event: DownloadEvent::Finished(_) | DownloadEvent::Failed { .. },
                    } = &event
                    {
                        self.downloads.remove(download);
                    }
                    let flow = self.application.event(event, now);
                    self.follow(flow);
                }
                ClientOutput::Trace(record) => self.application.trace(record),
                ClientOutput::Timeout(deadline) => return deadline,
            }
        }
    }

    fn target(&mut self, request: TargetRequest, group: Option<Group<'_>>) {
        match request {
            TargetRequest::Open { download, file } => {
                // Asked for in the same breath as the download was; without a specification it was not by us.
                let spec = self.specs.remove(&download).unwrap_or_else(|| TargetSpec::folder("."));
                self.targets.open(download, &file, spec);
            }
            TargetRequest::Write { download, offset, datagram, payload } => {
                let bytes = group
                    .and_then(|group| group.bytes.chunks(group.stride).nth(datagram))
                    .and_then(|datagram| datagram.get(payload));
                match bytes {
                    Some(bytes) => self.targets.write(download, offset, bytes),
                    None => tracing::error!(?download, offset, "bytes that are not there were to be written"),
                }
            }
            TargetRequest::Op { download, op } => self.targets.submit(download, op),
        }
    }

    /// Does what the application says after an event.
    fn follow(&mut self, flow: Flow) {
        match (flow, self.life) {
            (Flow::Exit, Life::Running | Life::Finishing) => self.life = Life::Exiting,
            (Flow::Exit | Flow::Continue, _) => {}
        }
    }

    pub(super) fn command(&mut self, now: Instant, command: Command) {
        let answer = carry(&mut self.client, now, &command, &self.downloads);
        match (&command, &answer) {
            (Command::Get { target, .. }, Ok(Receipt::Download(download))) => {
                self.specs.insert(*download, target.clone());
                self.downloads.insert(*download);
            }
            (Command::Finish, _) if self.life == Life::Running => self.life = Life::Finishing,
            (Command::Abandon, _) => {
                self.life = match self.life {
                    Life::Ended => Life::Ended,
                    _ => Life::Abandoning,
                };
            }
            (Command::Quit, _) => {
                self.life = match self.life {
                    Life::Running | Life::Finishing | Life::Exiting => Life::Exiting,
                    Life::Abandoning => Life::Abandoning,
                    Life::Leaving | Life::Ended => Life::Ended,
                };
            }
            _ => {}
        }
        let flow = self.application.answered(command, answer, now);
        self.follow(flow);
    }

    pub(super) fn timeout(&mut self, now: Instant) {
        self.client.handle_timeout(now);
    }

    pub(super) fn completion(&mut self, now: Instant, completion: TargetCompletion) {
        if let Some((download, event)) = completion.tell(&mut self.client, now) {
            let flow = self.application.target(download, event, now);
            self.follow(flow);
        }
    }

    /// The connection was made, or could not be.
    pub(super) fn connected(&mut self, now: Instant, result: io::Result<(N::Stream, SocketAddr)>) {
        match result {
            Ok((stream, server)) => {
                if self.server.is_some_and(|before| before.is_ipv4() != server.is_ipv4()) {
                    self.udp = None;
                    self.has_bound = false;
                }
                self.server = Some(server);
                self.last_stream += 1;
                let name = StreamId(self.last_stream);
                self.streams.insert(name, stream);
                self.stream = Some(name);
                self.client.handle_connected(now, server);
            }
            Err(error) => {
                let flow = self.application.cannot_connect(&error, now);
                self.follow(flow);
                self.client.handle_connect_failed(now);
            }
        }
    }

    /// There is a socket for downloads, or none could be had.
    pub(super) fn bound(&mut self, now: Instant, result: io::Result<N::Udp>) {
        match result {
            Ok(udp) => {
                self.client.set_receive_window(receive_window(udp.receive_buffer()));
                for transmit in std::mem::take(&mut self.early) {
                    self.outgoing.send(&udp, transmit, |_, _| Err(NotHeld));
                }
                self.udp = Some(udp);
            }
            Err(error) => {
                self.has_bound = false;
                self.early.clear();
                let error = LocalError::Other(format!("no UDP socket for downloads: {error}"));
                self.client.handle_no_socket(now, &error);
            }
        }
    }

    /// Takes in what has arrived, a bounded amount of it.
    pub(super) fn receive(&mut self, ready: &io::Result<()>, batch: &mut Batch, clock: &impl Clock) {
        for _ in 0..RECEIVES_PER_TURN {
            let Some(udp) = &self.udp else { return };
            let received = match ready {
                Ok(()) => udp.try_recv(batch),
                Err(error) => Err(error.kind().into()),
            };
            match received {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    tracing::error!(%error, "the socket for downloads is broken, taking another");
                    self.udp = None;
                    self.has_bound = false;
                    return;
                }
            }
            let now = clock.now();
            for group in batch.groups() {
                self.client.handle_datagrams(now, group.path, group.bytes, group.stride);
                self.carry_out(now, Some(group));
            }
        }
    }

    /// The socket may take more.
    pub(super) fn writable(&mut self) {
        if let Some(udp) = &self.udp {
            let _: Sent = self.outgoing.resume(udp);
        }
    }

    /// Reads from the connection and writes to it, as far as it goes.
    pub(super) fn read(&mut self, stream: StreamId, clock: &impl Clock) {
        for _ in 0..READS_PER_TURN {
            let now = clock.now();
            match self.streams.read(stream) {
                Read::Bytes(bytes) => self.client.handle_stream_bytes(now, bytes),
                Read::Blocked => break,
                Read::Finished | Read::Failed(_) => {
                    self.lose(now);
                    return;
                }
            }
            self.carry_out(now, None);
            if self.stream != Some(stream) {
                return;
            }
        }
        self.write(clock.now());
    }

    /// Writes what waits for the connection until it takes no more.
    fn write(&mut self, now: Instant) {
        while let Some(stream) = self.stream {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.client.stream_pending(&mut slices);
            if count == 0 {
                return;
            }
            match self.streams.write(stream, &slices[..count]) {
                Write::Taken(taken) => self.client.handle_stream_taken(now, taken),
                Write::Blocked => return,
                Write::Failed(_) => self.lose(now),
            }
        }
    }

    /// The connection is gone.
    fn lose(&mut self, now: Instant) {
        if let Some(stream) = self.stream.take() {
            self.streams.remove(stream);
            self.client.handle_stream_closed(now);
        }
    }
}
