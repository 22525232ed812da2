//! The server: core's machine, and what the shipped loop does around it.
//!
//! The rounds, and the order in which things are looked at within one, are the shipped loop's
//! ([`backchat::driver::server`]), so that what happens at one instant happens in the same order on both engines.

mod slots;

use std::collections::VecDeque;
use std::io::IoSlice;
use std::net::SocketAddr;

use backchat::driver::round::{Round, Source};
use backchat::driver::server::closing::{Closing, LAST_LINGER, Patience, Phase};
use backchat::driver::server::{
    ACCEPTS_PER_TURN, COMPLETIONS_PER_TURN, READ_BEFORE_FLUSH, STREAMS_PER_TURN, WALL_CLOCK_EVERY,
    WRITTEN_PER_TURN,
};
use backchat::driver::streams::SLICES_MAX;
use backchat::files::{Share as _, ShareCompletion};
use backchat_core::chat::{ChatConfig, StreamId};
use backchat_core::node::{Close, Path, Server, ServerConfig, ServerOutput, Transmit};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, earliest};

use self::slots::Slots;
use super::files::{Share, at_once};
use super::flights::{Datagram, Filling};
use super::outside::Outside;
use super::pace::Going;
use super::streams::{ConnectionId, Read, Write};
use crate::engine::faults::Node;
use crate::engine::network::{RECEIVE_BUFFER, SocketId, Way, server_udp};
use crate::engine::node::{EPOCH, GRACE, entropy};
use crate::scenario::Scenario;
use crate::trace::{self, Name, RunEvent};

/// Datagrams that are taken in a turn.
const RECEIVED_PER_TURN: usize = 32;

/// One life of the server.
pub(super) struct Serving {
    core: Server,
    share: Share,
    socket: SocketId,
    streams: Slots,
    /// Streams that may have something to read, or room.
    ready: VecDeque<StreamId>,
    closing: Closing,
    /// Streams for which something may wait. Written to at the end of a turn.
    unwritten: Vec<StreamId>,
    next_wall_clock: Instant,
    /// It is to stop.
    wants_stop: bool,
    life: Life,
    buffer: Vec<u8>,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// The core has stopped; connections may close until then.
    Lingering(Instant),
    Ended,
}

impl Serving {
    /// The `life`th life begins.
    pub(super) fn start(
        scenario: &Scenario,
        seed: &Seed,
        life: u64,
        out: &mut Outside,
    ) -> std::io::Result<Self> {
        let now = out.now();
        out.record(trace::Node::SERVER, RunEvent::Started { life });
        let socket = out.bind(Node::Server, RECEIVE_BUFFER);
        let seed = Seed::from_entropy(entropy(seed, &trace::Node::SERVER, life));
        let settings = &scenario.file().server;
        let at = EPOCH.saturating_add(now - Instant::ZERO);
        let config = ServerConfig {
            chat: ChatConfig { limits: settings.limits.clone(), motd: None, at },
            transfer: settings.transfer.clone(),
            udp: server_udp().into(),
            max_segments: out.network.offload().segments_max(),
            trace: true,
        };
        Ok(Self {
            core: Server::new(now, config, &seed),
            share: Share::open(&out.contents, out.payloads)?,
            socket,
            streams: Slots::default(),
            ready: VecDeque::new(),
            closing: Closing::default(),
            unwritten: Vec::new(),
            next_wall_clock: now + WALL_CLOCK_EVERY,
            wants_stop: false,
            life: Life::Running,
            buffer: Vec::new(),
        })
    }

    /// It is to stop, at once.
    pub(super) fn stop(&mut self) {
        self.wants_stop = true;
    }

    /// A connection that it has accepted can be read, or written.
    pub(super) fn queue(&mut self, stream: StreamId) {
        if let Some(slot) = self.streams.get_mut(stream).filter(|slot| !slot.is_queued) {
            slot.is_queued = true;
            self.ready.push_back(stream);
        }
    }

    /// Does everything that can be done now. `false`: it has ended.
    pub(super) fn turn(&mut self, out: &mut Outside) -> bool {
        let mut round = Round::default();
        loop {
            let deadline = self.drain(out);
            if self.has_ended() {
                return false;
            }
            if out.step() == Going::Nowhere {
                return true;
            }
            let mut served = self.serve(round, deadline, out);
            if served.is_none() && round.has_begun() {
                round = Round::default();
                served = self.serve(round, deadline, out);
            }
            match served {
                Some(source) => round.served(source),
                None => {
                    out.set_timer(Node::Server, deadline);
                    return true;
                }
            }
        }
    }

    /// Gives up everything of the outside.
    pub(super) fn end(self, out: &mut Outside) {
        for slot in self.streams.iter() {
            out.close(slot.connection, Way::Down);
        }
        for connection in core::mem::take(&mut out.knocking) {
            out.close(connection, Way::Down);
        }
        out.unbind(Node::Server, self.socket);
        out.set_timer(Node::Server, None);
    }

    fn has_ended(&self) -> bool {
        match self.life {
            Life::Ended => true,
            Life::Lingering(_) => self.closing.is_quiet(),
            Life::Running => false,
        }
    }

    /// Serves the first source that has something and was not served in this round.
    fn serve(&mut self, round: Round, deadline: Option<Instant>, out: &mut Outside) -> Option<Source> {
        let now = out.now();
        if round.may(Source::Control) && core::mem::take(&mut self.wants_stop) {
            self.core.handle_shutdown(now, GRACE);
            return Some(Source::Control);
        }
        if round.may(Source::Timer) && deadline.is_some_and(|at| at <= now) {
            self.timeout(out);
            return Some(Source::Timer);
        }
        if round.may(Source::Files)
            && let Some(completion) = at_once(|cx| self.share.poll_next(cx))
        {
            self.complete(completion, out);
            return Some(Source::Files);
        }
        if round.may(Source::Received) && out.has_received(Node::Server) {
            self.receive(out);
            return Some(Source::Received);
        }
        if round.may(Source::Streams)
            && let Some(stream) = self.take_ready()
        {
            self.read(stream, out);
            return Some(Source::Streams);
        }
        if round.may(Source::Accept)
            && let Some(connection) = out.knocking.pop_front()
        {
            self.accept(connection, out);
            for _ in 1..ACCEPTS_PER_TURN {
                let Some(connection) = out.knocking.pop_front() else { break };
                self.accept(connection, out);
            }
            return Some(Source::Accept);
        }
        None
    }

    /// Carries out everything that the core wants done and writes what streams take. Answers when the timer is due.
    fn drain(&mut self, out: &mut Outside) -> Option<Instant> {
        let mut deadline = self.carry_out(out);
        while !self.unwritten.is_empty() {
            self.flush(out);
            deadline = self.carry_out(out);
        }
        let last = match self.life {
            Life::Lingering(at) => Some(at),
            Life::Running | Life::Ended => None,
        };
        earliest([deadline, self.closing.deadline(), Some(self.next_wall_clock), last])
    }

    /// Carries out what the core wants done; writes to streams are only noted.
    fn carry_out(&mut self, out: &mut Outside) -> Option<Instant> {
        let now = out.now();
        loop {
            match self.core.poll_output(now) {
                ServerOutput::Stream(stream) => self.unwritten.push(stream),
                ServerOutput::CloseStream { stream, how: Close::Now } => self.drop_stream(stream, out),
                ServerOutput::CloseStream { stream, how: Close::Flushed } => {
                    self.closing.set(stream, Phase::Flushing);
                    self.unwritten.push(stream);
                }
                ServerOutput::Transmit(transmit) => self.transmit(&transmit, out),
                ServerOutput::Share(request) => self.share.submit(request),
                ServerOutput::Event(event) => out.record(trace::Node::SERVER, event),
                ServerOutput::Trace(record) => out.record(trace::Node::SERVER, record),
                ServerOutput::Stopped => {
                    if self.life == Life::Running {
                        self.life = Life::Lingering(now + LAST_LINGER);
                    }
                }
                ServerOutput::Timeout(deadline) => return deadline,
            }
        }
    }

    fn transmit(&self, transmit: &Transmit, out: &mut Outside) {
        match transmit {
            Transmit::Packet { path, packet } => {
                out.send(self.socket, path.remote, packet, &Filling::Nothing);
            }
            Transmit::Segments { path, batch } => {
                for (transmission, range) in batch.segments() {
                    let packet = batch.packet(transmission, &range);
                    // What is not held is not sent: zeros would look like the file.
                    let Ok(filling) = self.share.fill(&packet) else { return };
                    out.send(self.socket, path.remote, &packet, &filling);
                }
            }
        }
    }

    fn timeout(&mut self, out: &mut Outside) {
        let now = out.now();
        while let Some(stream) = self.closing.expired(now) {
            self.drop_stream(stream, out);
        }
        if self.next_wall_clock <= now {
            self.next_wall_clock = now + WALL_CLOCK_EVERY;
            self.core.handle_wall_clock(now, EPOCH.saturating_add(now - Instant::ZERO));
        }
        if let Life::Lingering(at) = self.life
            && at <= now
        {
            self.life = Life::Ended;
        }
        self.core.handle_timeout(now);
    }

    /// Takes in what has arrived, a bounded amount of it.
    fn receive(&mut self, out: &mut Outside) {
        let now = out.now();
        for _ in 0..RECEIVED_PER_TURN {
            let count = out.receive(Node::Server, |received| {
                let path = Path { remote: received.from.into(), local: None };
                match &received.datagram {
                    Datagram::Packet(packet, _) => {
                        self.core.handle_packet(now, path, packet, received.length);
                    }
                    Datagram::Bytes(bytes) => self.core.handle_datagram(now, path, bytes),
                }
            });
            if count == 0 {
                return;
            }
            self.core.handle_batch_end(now);
            self.carry_out(out);
        }
    }

    /// Takes `first` and other answers of the files that are there, a bounded number of them.
    fn complete(&mut self, first: ShareCompletion, out: &mut Outside) {
        let mut next = Some(first);
        for taken in 1..=COMPLETIONS_PER_TURN {
            let Some(completion) = next else { return };
            completion.tell(&mut self.core, out.now());
            self.carry_out(out);
            next = if taken < COMPLETIONS_PER_TURN { at_once(|cx| self.share.poll_next(cx)) } else { None };
        }
    }

    fn accept(&mut self, connection: ConnectionId, out: &mut Outside) {
        let Some(it) = out.connection(connection) else { return };
        let stream = self.streams.open(connection);
        it.stream = Some(stream);
        let peer: SocketAddr = it.peer;
        self.queue(stream);
        self.core.handle_stream_opened(out.now(), stream, peer.ip());
    }

    fn take_ready(&mut self) -> Option<StreamId> {
        loop {
            let stream = self.ready.pop_front()?;
            if let Some(slot) = self.streams.get_mut(stream) {
                slot.is_queued = false;
                return Some(stream);
            }
        }
    }

    /// Reads from `first` and others that are ready, a bounded number of them.
    fn read(&mut self, first: StreamId, out: &mut Outside) {
        let mut unflushed = 0;
        let mut next = Some(first);
        for read in 1..=STREAMS_PER_TURN {
            let Some(stream) = next else { break };
            unflushed += self.read_one(stream, out);
            self.carry_out(out);
            if unflushed >= READ_BEFORE_FLUSH {
                self.flush(out);
                unflushed = 0;
            }
            // As in the shipped loop: none is taken that is not read.
            next = if read < STREAMS_PER_TURN { self.take_ready() } else { None };
        }
    }

    /// Reads once; answers how many bytes the core was given.
    fn read_one(&mut self, stream: StreamId, out: &mut Outside) -> usize {
        // There may be room.
        self.unwritten.push(stream);
        let phase = self.closing.phase(stream);
        if phase == Some(Phase::Finished) {
            return 0;
        }
        let Some(connection) = self.streams.get(stream).map(|slot| slot.connection) else { return 0 };
        match out.read(connection, Way::Up, &mut self.buffer) {
            Read::Bytes => {
                self.queue(stream);
                if phase.is_some() {
                    if self.closing.discard(stream, self.buffer.len()) == Patience::Over {
                        self.drop_stream(stream, out);
                    }
                    return 0;
                }
                self.core.handle_stream_bytes(out.now(), stream, &self.buffer);
                self.buffer.len()
            }
            Read::Blocked => 0,
            Read::Finished => {
                match phase {
                    None | Some(Phase::Finished) => {
                        self.closing.set(stream, Phase::Finished);
                        self.core.handle_stream_finished(out.now(), stream);
                    }
                    // Both sides have said everything.
                    Some(Phase::Lingering) => self.drop_stream(stream, out),
                    // It goes as soon as what waits for it was taken.
                    Some(Phase::Flushing) => {}
                }
                0
            }
            Read::Failed => {
                self.drop_stream(stream, out);
                0
            }
        }
    }

    /// Writes to every stream that something may wait for.
    fn flush(&mut self, out: &mut Outside) {
        let mut unwritten = core::mem::take(&mut self.unwritten);
        for stream in unwritten.drain(..) {
            self.write(stream, out);
        }
        // Its memory is used again, unless writing has noted more.
        if self.unwritten.is_empty() {
            self.unwritten = unwritten;
        }
    }

    /// Writes what waits for a stream until it takes no more, or has had its share of the turn.
    fn write(&mut self, stream: StreamId, out: &mut Outside) {
        let now = out.now();
        let mut written_in_all = 0;
        loop {
            if written_in_all >= WRITTEN_PER_TURN {
                return self.queue(stream);
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.core.stream_pending(stream, &mut slices);
            if count == 0 {
                break;
            }
            let written = match self.streams.get(stream) {
                Some(slot) => out.write(slot.connection, Way::Down, slices.get(..count).unwrap_or_default()),
                None => Write::Failed,
            };
            match written {
                Write::Taken(taken) => {
                    written_in_all += taken;
                    self.core.handle_stream_taken(now, stream, taken);
                }
                Write::Blocked => return,
                Write::Failed => {
                    self.drop_stream(stream, out);
                    return;
                }
            }
        }
        if self.closing.phase(stream) == Some(Phase::Flushing) {
            if let Some(slot) = self.streams.get(stream) {
                out.shut_down(slot.connection, Way::Down);
            }
            self.core.handle_stream_closed(now, stream);
            if let Some(oldest) = self.closing.linger(now, stream) {
                self.drop_stream(oldest, out);
            }
            // What is there to be read keeps it from being closed in peace.
            self.queue(stream);
        }
    }

    /// Gives a stream up, and tells the core unless it knows.
    fn drop_stream(&mut self, stream: StreamId, out: &mut Outside) {
        let phase = self.closing.phase(stream);
        self.closing.forget(stream);
        let Some(slot) = self.streams.close(stream) else { return };
        out.close(slot.connection, Way::Down);
        if phase != Some(Phase::Lingering) {
            self.core.handle_stream_closed(out.now(), stream);
        }
    }
}

/// How a server that was told to stop has ended.
pub(super) const STOPPED: Name = Name::of("stopped");
