//! The client's turns.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};

use backchat_core::chat::StreamId;
use backchat_core::node::{
    Client, ClientEvent, ClientOutput, Counters, DownloadEvent, DownloadId, LocalError, TargetRequest,
    Transmit,
};
use backchat_core::time::{Instant, earliest};

use super::commands::carry;
use super::{CONNECT_TIMEOUT, EARLY_MAX, receive_window};
use crate::driver::application::{Command, Flow, Receipt};
use crate::driver::outside::{Arrivals, ClientOutside, Payload, Read, Sent, Write};
use crate::driver::round::{Round, Source, Turn};
use crate::driver::server::SLICES_MAX;
use crate::files::{TargetCompletion, TargetSpec, Targets};

/// Receives in a turn. Over sockets each can bring 512 KiB, and others want their turn too.
const RECEIVES_PER_TURN: usize = 4;

/// Reads from the connection in a turn.
const READS_PER_TURN: usize = 16;

/// A client's loop: the core, and all state of the loop that is not of the outside.
#[derive(Debug)]
pub struct ClientLoop {
    client: Client,
    round: Round,
    /// The connection to the server.
    stream: Option<StreamId>,
    last_stream: u64,
    /// The core wants a connection.
    wants_connect: bool,
    /// When an attempt to connect has taken too long.
    connecting_until: Option<Instant>,
    /// Bytes of the connection that is being read.
    buffer: Vec<u8>,
    socket: Socket,
    /// Datagrams that wait for a socket.
    early: Vec<Transmit>,
    /// Datagrams that found none.
    without_socket: u64,
    /// Where the chat was reached: downloads need a socket of the same family.
    server: Option<SocketAddr>,
    /// Destinations of downloads that were not opened yet.
    specs: BTreeMap<DownloadId, TargetSpec>,
    downloads: BTreeSet<DownloadId>,
    life: Life,
}

/// The socket for downloads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    /// There is none, and none was asked for.
    Unbound,
    Binding,
    Bound,
}

/// Progress of a client towards its end.
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

impl ClientLoop {
    /// A loop around `client`, which was not started.
    pub fn new(now: Instant, client: Client) -> Self {
        let mut client = client;
        client.start(now);
        Self {
            client,
            round: Round::default(),
            stream: None,
            last_stream: 0,
            wants_connect: false,
            connecting_until: None,
            buffer: Vec::new(),
            socket: Socket::Unbound,
            early: Vec::new(),
            without_socket: 0,
            server: None,
            specs: BTreeMap::new(),
            downloads: BTreeSet::new(),
            life: Life::Running,
        }
    }

    /// What the core has counted.
    pub fn counters(&self) -> &Counters {
        self.client.counters()
    }

    /// Number of datagrams that there was no socket for.
    pub fn without_socket(&self) -> u64 {
        self.without_socket
    }

    /// Serves every source that has something, each at most once. Pends when nothing is left to do.
    pub fn poll_turn(&mut self, out: &mut impl ClientOutside, cx: &mut Context<'_>) -> Poll<Turn<()>> {
        loop {
            let deadline = self.drain(out);
            if self.has_ended(out) {
                return Poll::Ready(Turn::Ended(()));
            }
            if std::mem::take(&mut self.wants_connect) {
                self.connecting_until = Some(out.now() + CONNECT_TIMEOUT);
                out.connect();
            }
            self.look_for_socket(out);
            match self.poll_serve(out, cx, deadline) {
                Poll::Ready(source) => self.round.served(source),
                Poll::Pending if self.round.has_begun() => {
                    self.round = Round::default();
                    return Poll::Ready(Turn::Again);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn has_ended(&self, out: &mut impl ClientOutside) -> bool {
        match self.life {
            Life::Ended => true,
            Life::Leaving => self.client.is_over() && out.targets().is_idle(),
            Life::Running | Life::Finishing | Life::Exiting | Life::Abandoning => false,
        }
    }

    /// Serves the first source that has something and was not served in this round.
    fn poll_serve(
        &mut self,
        out: &mut impl ClientOutside,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
    ) -> Poll<Source> {
        let round = self.round;
        if round.may(Source::Control)
            && let Poll::Ready(command) = out.poll_command(cx)
        {
            self.command(out, command);
            return Poll::Ready(Source::Control);
        }
        if round.may(Source::Timer)
            && out.poll_sleep(cx, earliest([deadline, self.connecting_until])).is_ready()
            && deadline.is_some_and(|at| at <= out.now())
        {
            self.client.handle_timeout(out.now());
            return Poll::Ready(Source::Timer);
        }
        if round.may(Source::Files)
            && let Poll::Ready(completion) = out.targets().poll_next(cx)
        {
            self.complete(out, completion);
            return Poll::Ready(Source::Files);
        }
        if round.may(Source::Received)
            && self.socket == Socket::Bound
            && let Poll::Ready(arrived) = out.poll_receive(cx)
        {
            self.receive(out, cx, arrived);
            return Poll::Ready(Source::Received);
        }
        if self.socket == Socket::Bound
            && out.is_blocked()
            && round.may(Source::Writable)
            && out.poll_unblocked(cx).is_ready()
        {
            // A client sends no segments that would have waited for this, and a broken socket is found out by reading.
            return Poll::Ready(Source::Writable);
        }
        if round.may(Source::Streams)
            && let Poll::Ready(stream) = out.poll_ready(cx)
        {
            self.read(out, stream);
            return Poll::Ready(Source::Streams);
        }
        if round.may(Source::Connect)
            && let Some(until) = self.connecting_until
        {
            let stream = StreamId(self.last_stream + 1);
            let connected = match out.poll_connect(cx, stream) {
                Poll::Pending if until <= out.now() => {
                    out.cancel_connect();
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
                connected => connected,
            };
            if let Poll::Ready(result) = connected {
                self.connecting_until = None;
                self.connected(out, stream, result);
                return Poll::Ready(Source::Connect);
            }
        }
        if round.may(Source::Bind)
            && self.socket == Socket::Binding
            && let Poll::Ready(result) = out.poll_bind(cx)
        {
            self.bound(out, result);
            return Poll::Ready(Source::Bind);
        }
        Poll::Pending
    }

    /// Asks for a socket for downloads where one is needed, and lets it go when it is of no use.
    fn look_for_socket(&mut self, out: &mut impl ClientOutside) {
        if self.client.downloads() == 0 && !self.client.needs_datagrams() {
            self.unbind(out);
            self.early.clear();
        } else if self.socket == Socket::Unbound
            && let Some(server) = self.server
        {
            self.socket = Socket::Binding;
            out.bind(server);
        }
    }

    fn unbind(&mut self, out: &mut impl ClientOutside) {
        if self.socket != Socket::Unbound {
            self.socket = Socket::Unbound;
            out.unbind();
        }
    }

    /// Carries out everything that the core wants done. Returns the time at which the timer is due.
    fn drain(&mut self, out: &mut impl ClientOutside) -> Option<Instant> {
        loop {
            let now = out.now();
            let deadline = self.carry_out(out, now, None);
            out.targets().flush();
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

    /// Carries out what the core wants done; `group` is the one of `arrivals` that it was just handed.
    fn carry_out<O: ClientOutside>(
        &mut self,
        out: &mut O,
        now: Instant,
        group: Option<(&O::Arrivals, usize)>,
    ) -> Option<Instant> {
        loop {
            match self.client.poll_output(now) {
                ClientOutput::Connect => self.wants_connect = true,
                ClientOutput::Stream => self.write(out, now),
                ClientOutput::CloseStream(_) => {
                    // The core's last words were written when it said them.
                    if let Some(stream) = self.stream.take() {
                        out.shut_down(stream);
                        out.close(stream);
                    }
                }
                ClientOutput::Transmit(transmit) => self.transmit(out, transmit),
                ClientOutput::Target(request) => self.target(out, request, group),
                ClientOutput::Event(event) => {
                    if let ClientEvent::Download {
                        download,
                        event: DownloadEvent::Finished(_) | DownloadEvent::Failed { .. },
                    } = &event
                    {
                        self.downloads.remove(download);
                    }
                    let flow = out.event(event, now);
                    self.follow(flow);
                }
                ClientOutput::Trace(record) => out.trace(record),
                ClientOutput::Timeout(deadline) => return deadline,
            }
        }
    }

    fn transmit(&mut self, out: &mut impl ClientOutside, transmit: Transmit) {
        if self.socket == Socket::Bound {
            // What a full socket does not take is lost, and the protocol sends it again.
            let _: Sent = out.send(transmit);
        } else if self.early.len() < EARLY_MAX {
            // The server's ticket can be faster than the socket: the first datagrams of a download are worth keeping.
            self.early.push(transmit);
        } else {
            self.without_socket += 1;
        }
    }

    fn target<O: ClientOutside>(
        &mut self,
        out: &mut O,
        request: TargetRequest,
        group: Option<(&O::Arrivals, usize)>,
    ) {
        match request {
            TargetRequest::Open { download, file } => {
                // Asked for in the same breath as the download was; without a specification it was not by us.
                let spec = self.specs.remove(&download).unwrap_or_else(|| TargetSpec::folder("."));
                out.targets().open(download, &file, spec);
            }
            TargetRequest::Write { download, offset, datagram, payload: bytes } => match group {
                Some((arrivals, group)) => {
                    out.write_target(download, offset, Payload { arrivals, group, datagram, bytes });
                }
                None => tracing::error!(?download, offset, "bytes that are not there were to be written"),
            },
            TargetRequest::Op { download, op } => out.targets().submit(download, op),
        }
    }

    /// Ends the loop if the application says so after an event.
    fn follow(&mut self, flow: Flow) {
        match (flow, self.life) {
            (Flow::Exit, Life::Running | Life::Finishing) => self.life = Life::Exiting,
            (Flow::Exit | Flow::Continue, _) => {}
        }
    }

    fn command(&mut self, out: &mut impl ClientOutside, command: Command) {
        let now = out.now();
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
        let flow = out.answered(command, answer, now);
        self.follow(flow);
    }

    fn complete(&mut self, out: &mut impl ClientOutside, completion: TargetCompletion) {
        let now = out.now();
        if let Some((download, event)) = completion.tell(&mut self.client, now) {
            let flow = out.target(download, event, now);
            self.follow(flow);
        }
    }

    /// The connection was made, or could not be.
    fn connected(&mut self, out: &mut impl ClientOutside, stream: StreamId, result: io::Result<SocketAddr>) {
        let now = out.now();
        match result {
            Ok(server) => {
                if self.server.is_some_and(|before| before.is_ipv4() != server.is_ipv4()) {
                    self.unbind(out);
                }
                self.server = Some(server);
                self.last_stream = stream.0;
                self.stream = Some(stream);
                self.client.handle_connected(now, server);
            }
            Err(error) => {
                let flow = out.cannot_connect(&error, now);
                self.follow(flow);
                self.client.handle_connect_failed(now);
            }
        }
    }

    /// There is a socket for downloads, or none could be had.
    fn bound(&mut self, out: &mut impl ClientOutside, result: io::Result<usize>) {
        match result {
            Ok(buffer) => {
                self.socket = Socket::Bound;
                self.client.set_receive_window(receive_window(buffer));
                for transmit in std::mem::take(&mut self.early) {
                    self.transmit(out, transmit);
                }
            }
            Err(error) => {
                self.unbind(out);
                self.early.clear();
                let error = LocalError::Other(format!("no UDP socket for downloads: {error}"));
                self.client.handle_no_socket(out.now(), &error);
            }
        }
    }

    /// Takes in `first` and other datagrams that have arrived, a bounded number of them.
    fn receive<O: ClientOutside>(
        &mut self,
        out: &mut O,
        cx: &mut Context<'_>,
        first: io::Result<O::Arrivals>,
    ) {
        let mut arrived = first;
        for received in 1..=RECEIVES_PER_TURN {
            let arrivals = match arrived {
                Ok(arrivals) => arrivals,
                Err(error) => {
                    tracing::error!(%error, "the socket for downloads is broken, taking another");
                    return self.unbind(out);
                }
            };
            let now = out.now();
            for group in 0..arrivals.groups() {
                self.client.handle_datagrams(now, arrivals.path(group), arrivals.datagrams(group));
                self.carry_out(out, now, Some((&arrivals, group)));
            }
            out.recycle(arrivals);
            if received == RECEIVES_PER_TURN {
                return;
            }
            match out.poll_receive(cx) {
                Poll::Ready(next) => arrived = next,
                Poll::Pending => return,
            }
        }
    }

    /// Reads from the connection and writes to it, as far as it goes.
    fn read(&mut self, out: &mut impl ClientOutside, stream: StreamId) {
        for _ in 0..READS_PER_TURN {
            let now = out.now();
            match out.read(stream, &mut self.buffer) {
                Read::Bytes => {
                    self.client.handle_stream_bytes_with(now, &self.buffer, |line| out.decode(line));
                }
                Read::Blocked => break,
                Read::Finished | Read::Failed => return self.lose(out, now),
            }
            self.carry_out(out, now, None);
            if self.stream != Some(stream) {
                return;
            }
        }
        self.write(out, out.now());
    }

    /// Writes what waits for the connection until it takes no more.
    fn write(&mut self, out: &mut impl ClientOutside, now: Instant) {
        while let Some(stream) = self.stream {
            // Seldom does anything wait, and to lay out slices for all of it costs more than a look.
            if self.client.stream_pending(&mut [IoSlice::new(&[])]) == 0 {
                return;
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.client.stream_pending(&mut slices);
            match out.write(stream, slices.get(..count).unwrap_or_default()) {
                Write::Taken(taken) => self.client.handle_stream_taken(now, taken),
                Write::Blocked => return,
                Write::Failed => self.lose(out, now),
            }
        }
    }

    /// The connection is gone.
    fn lose(&mut self, out: &mut impl ClientOutside, now: Instant) {
        if let Some(stream) = self.stream.take() {
            out.close(stream);
            self.client.handle_stream_closed(now);
        }
    }
}
