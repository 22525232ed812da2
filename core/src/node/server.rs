//! The server: the chat and every download it serves.
//!
//! - `output`: what it wants done.
//! - `downloads`: from a request in the chat to the end of its transfer. `memory`: what those may hold of their files.
//! - `operator`: what an operator asks for.

mod downloads;
mod memory;
mod operator;
mod output;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use downloads::Download;

pub use operator::{Answer, Order, Present, Stats};
pub use output::{
    Asker, FileError, FileMeta, ReadDone, ServerEvent, ServerOutput, ShareRequest, TransferEvent,
};

use super::deadlines::Deadlines;
use super::{Close, Counters, Datagram, Path, Transmit};
use crate::chat::{Action, ChatConfig, ChatServer, CloseReason, FileEntry, Limits, Loopback, StreamId};
use crate::queue::{KEPT_BY_ONE, take_first_keeping};
use crate::seed::{Seed, Stream};
use crate::time::{Instant, UnixTime, earliest};
use crate::trace::{DropReason, Event, Mark, Marks, Record};
use crate::transfer::{ASLEEP, MIN_BUDGET, SenderConfig};
use crate::wire::{MAX_SEGMENT, MIN_SEGMENT, Packet, ResetCode, TransferId};

/// How many batches of segments are sent before the driver looks at its inputs again. Sixteen of 64 KiB are about a
/// millisecond of a fast machine, and acknowledgments do not wait longer than that.
const BATCHES_PER_TURN: u32 = 16;

/// After the last word to everybody, how long streams may take to get it out when the server stops.
const LAST_FLUSH: Duration = Duration::from_secs(1);

/// The smallest memory of one download, in bytes.
pub const MIN_MEMORY: u64 = MIN_BUDGET;

/// What downloads may take.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferLimits {
    /// Downloads at once, of all sessions together, tickets included.
    pub downloads: u32,
    /// Bytes of files that all downloads together may hold in memory: what is read ahead, and what may have to be sent
    /// again. It is shared out by address, by session and by download; what a share does not hold is read again when it
    /// is needed, so a small one costs reads and no bandwidth. Below [`MIN_MEMORY`] times `downloads`, that many fewer
    /// downloads are taken.
    pub memory: u64,
    /// The largest segment, in bytes of data.
    pub segment: u16,
    /// The most that `fixed:N` may ask for, in segments.
    pub fixed_cap: u16,
    /// How long a ticket is good for, in milliseconds.
    pub ticket_ms: u64,
    /// Nothing heard for so long ends a download, in milliseconds.
    pub silence_ms: u64,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self {
            downloads: 256,
            memory: 128 << 20,
            segment: MAX_SEGMENT,
            fixed_cap: 1024,
            ticket_ms: 30_000,
            silence_ms: 60_000,
        }
    }
}

/// What a server is made of.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The chat.
    pub chat: ChatConfig,
    /// The downloads.
    pub transfer: TransferLimits,
    /// Where downloads are served, as told in tickets. With an unspecified address clients take the one they reached
    /// the chat at.
    pub udp: SocketAddr,
    /// The most segments that the driver sends in one call.
    pub max_segments: usize,
    /// Whether observations are wanted.
    pub trace: bool,
}

/// What is going on with the server as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// Downloads may finish until then.
    Draining(Instant),
    /// Everybody was told; what waits for streams may go out until then.
    Closing(Instant),
    Stopped,
}

/// See the module.
#[derive(Debug)]
pub struct Server {
    config: ServerConfig,
    seed: Seed,
    ids: Stream,
    tickets: Stream,
    chat: ChatServer,
    downloads: BTreeMap<TransferId, Download>,
    deadlines: Deadlines<TransferId>,
    /// Downloads that may have segments to send, in turn.
    ready: VecDeque<TransferId>,
    queue: VecDeque<ServerOutput>,
    marks: Marks,
    /// The UDP socket takes no more.
    blocked: bool,
    batches_left: u32,
    life: Life,
    counters: Counters,
}

impl Server {
    /// A server that nobody has connected to. Its seed decides every id, ticket, token and nonce.
    pub fn new(now: Instant, config: ServerConfig, seed: &Seed) -> Self {
        Self {
            chat: ChatServer::new(now, config.chat.clone(), seed),
            ids: seed.stream("transfers"),
            tickets: seed.stream("tickets"),
            seed: seed.clone(),
            downloads: BTreeMap::new(),
            deadlines: Deadlines::new(),
            ready: VecDeque::new(),
            queue: VecDeque::new(),
            marks: Marks::default(),
            blocked: false,
            batches_left: BATCHES_PER_TURN,
            life: Life::Running,
            counters: Counters::default(),
            config,
        }
    }

    /// A chat connection was accepted. The driver numbers them; no number comes back.
    pub fn handle_stream_opened(&mut self, now: Instant, stream: StreamId, peer: IpAddr) {
        self.chat.handle_open(now, stream, peer);
        self.settle(now);
    }

    /// Bytes arrived on a stream.
    pub fn handle_stream_bytes(&mut self, now: Instant, stream: StreamId, bytes: &[u8]) {
        self.chat.handle_bytes(now, stream, bytes);
        self.settle(now);
    }

    /// The stream took `count` of the bytes that are pending.
    pub fn handle_stream_taken(&mut self, now: Instant, stream: StreamId, count: usize) {
        self.chat.handle_taken(now, stream, count);
        self.settle(now);
    }

    /// The client will send nothing more, but may still read (`echo … | nc`): it gets its answers.
    pub fn handle_stream_finished(&mut self, now: Instant, stream: StreamId) {
        self.chat.handle_finished(now, stream);
        self.settle(now);
    }

    /// The stream is gone.
    pub fn handle_stream_closed(&mut self, now: Instant, stream: StreamId) {
        self.chat.handle_closed(now, stream);
        self.settle(now);
    }

    /// What waits for a stream, front first; returns how many of `slices` were set.
    pub fn stream_pending<'a>(&'a self, stream: StreamId, slices: &mut [IoSlice<'a>]) -> usize {
        self.chat.pending(stream, slices)
    }

    /// Takes in datagrams that arrived together on one path, in their order.
    pub fn handle_datagrams<'a>(
        &mut self,
        now: Instant,
        path: Path,
        datagrams: impl IntoIterator<Item = Datagram<'a>>,
    ) {
        for datagram in datagrams {
            self.counters.datagrams_received += 1;
            let taken = datagram.decoded(|packet, length| self.handle_packet(now, path, packet, length));
            if let Err(error) = taken {
                self.drop_datagram(now, error.into());
            }
        }
        self.settle(now);
    }

    fn handle_packet(&mut self, now: Instant, path: Path, packet: &Packet, length: usize) {
        match self.downloads.get_mut(&packet.transfer).and_then(Download::sender) {
            Some(sender) => {
                sender.handle_packet(now, path, packet, length);
                self.wake(now, packet.transfer);
            }
            None => self.drop_datagram(now, DropReason::UnknownTransfer),
        }
    }

    /// The UDP socket takes no more: no segments until [`Server::handle_writable`].
    pub fn handle_blocked(&mut self) {
        self.blocked = true;
    }

    /// The UDP socket takes more again.
    pub fn handle_writable(&mut self, now: Instant) {
        self.blocked = false;
        self.settle(now);
    }

    /// The share was listed, as [`ShareRequest::List`] asked: sorted by name.
    pub fn handle_listing(&mut self, now: Instant, files: Arc<[FileEntry]>) {
        self.chat.handle_files(now, files);
        self.settle(now);
    }

    /// A calendar time for the messages; call it now and then, for clocks are set.
    pub fn handle_wall_clock(&mut self, now: Instant, at: UnixTime) {
        self.chat.handle_wall_clock(now, at);
        self.settle(now);
    }

    /// Carries out what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadlines.first().is_some_and(|at| now - at >= ASLEEP) {
            // Nobody listened meanwhile.
            for transfer in self.downloads.keys().copied().collect::<Vec<_>>() {
                if let Some(sender) = self.downloads.get_mut(&transfer).and_then(Download::sender) {
                    sender.on_woken(now);
                    self.collect(now, transfer);
                }
            }
        }
        if self.chat.deadline().is_some_and(|at| at <= now) {
            self.chat.handle_timeout(now);
        }
        while let Some(transfer) = self.deadlines.pop_due(now) {
            let Some(download) = self.downloads.get_mut(&transfer) else { continue };
            download.deadline = None;
            if let Some(sender) = download.sender() {
                sender.handle_timeout(now);
            }
            self.wake(now, transfer);
        }
        self.settle(now);
    }

    /// Stops: tells everybody, refuses newcomers, lets downloads finish for as long as `grace`. Ends with
    /// [`ServerOutput::Stopped`]. A second call may shorten the grace, and never makes it longer.
    pub fn handle_shutdown(&mut self, now: Instant, grace: Duration) {
        let until = now + grace;
        match self.life {
            Life::Running => {
                self.chat.shutdown(now, "the server is shutting down");
                self.life = Life::Draining(until);
                if !self.downloads.values().all(Download::is_over) {
                    self.mark(now, Mark::StopWaitsForDownloads);
                }
            }
            Life::Draining(before) => self.life = Life::Draining(until.min(before)),
            Life::Closing(_) | Life::Stopped => {}
        }
        self.settle(now);
    }

    /// Sets, for connections from now on, if limits by address hold for loopback. They do not at first.
    pub fn set_loopback(&mut self, loopback: Loopback) {
        self.chat.set_loopback(loopback);
    }

    /// Other limits from now on. What runs goes on under those it began with.
    pub fn handle_reload(
        &mut self,
        now: Instant,
        limits: Limits,
        motd: Option<String>,
        transfer: TransferLimits,
    ) {
        self.chat.set_limits(now, limits, motd);
        self.config.transfer = transfer;
        self.share_out_memory(now);
        self.settle(now);
    }

    /// The next thing to do; see the module [`crate::node`].
    pub fn poll_output(&mut self, now: Instant) -> ServerOutput {
        if let Some(output) = take_first_keeping(&mut self.queue, KEPT_BY_ONE) {
            return output;
        }
        mutant!(HashOrder => self.ready.rotate_left(crate::mutants::odd::hash(self.ready.len())));
        while let Some(transfer) = self.ready.front().copied().filter(|_| !self.blocked) {
            if self.batches_left == 0 {
                return ServerOutput::Timeout(Some(now));
            }
            let _ = self.ready.pop_front();
            let Some(download) = self.downloads.get_mut(&transfer) else { continue };
            let segments = download.sender().and_then(|sender| sender.poll_segments(now));
            let Some((path, batch)) = segments else {
                download.is_ready = false;
                continue;
            };
            self.batches_left -= 1;
            self.ready.push_back(transfer);
            self.collect(now, transfer);
            return ServerOutput::Transmit(Transmit::Segments { path, batch });
        }
        let life = match self.life {
            Life::Draining(at) | Life::Closing(at) => Some(at),
            Life::Running | Life::Stopped => None,
        };
        ServerOutput::Timeout(earliest([self.chat.deadline(), self.deadlines.first(), life]))
    }

    /// What was counted of downloads and datagrams.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The chat: who is here, what it has counted.
    pub const fn chat(&self) -> &ChatServer {
        &self.chat
    }

    /// How many downloads there are, offered ones included.
    pub fn downloads(&self) -> usize {
        self.downloads.len()
    }

    /// After every input: what the chat wants, what stopping needs, and a new turn.
    fn settle(&mut self, now: Instant) {
        self.batches_left = BATCHES_PER_TURN;
        self.take_actions(now);
        match self.life {
            Life::Draining(until) if until <= now || self.downloads.values().all(Download::is_over) => {
                if !self.downloads.values().all(Download::is_over) {
                    self.mark(now, Mark::GraceIsOver);
                }
                for transfer in self.downloads.keys().copied().collect::<Vec<_>>() {
                    self.end(now, transfer, ResetCode::ShuttingDown);
                }
                self.chat.close_all(now, CloseReason::ShuttingDown);
                self.life = Life::Closing(now + LAST_FLUSH);
                self.take_actions(now);
                self.settle(now);
            }
            Life::Closing(until) if until <= now || self.chat.connections() == 0 => {
                self.life = Life::Stopped;
                self.queue.push_back(ServerOutput::Stopped);
            }
            Life::Running | Life::Draining(_) | Life::Closing(_) | Life::Stopped => {}
        }
    }

    fn take_actions(&mut self, now: Instant) {
        while let Some(action) = self.chat.poll_action() {
            match action {
                Action::Pending(stream) => self.queue.push_back(ServerOutput::Stream(stream)),
                Action::Close { stream, after_flush, reason: _ } => {
                    let how = if after_flush { Close::Flushed } else { Close::Now };
                    self.queue.push_back(ServerOutput::CloseStream { stream, how });
                }
                Action::ListFiles => self.queue.push_back(ServerOutput::Share(ShareRequest::List)),
                Action::Download { session, id, file, have } => self.request(now, session, id, file, have),
                Action::StopDownload { session, transfer } => {
                    let transfer = TransferId(transfer);
                    if self.downloads.get(&transfer).is_some_and(|it| it.session == session) {
                        self.end(now, transfer, ResetCode::Stopped);
                    }
                }
                Action::SessionEnded(session) => self.end_session(now, session),
                Action::Marked(mark) => self.mark(now, mark),
                Action::Event(event) => self.queue.push_back(ServerOutput::Event(ServerEvent::Chat(event))),
            }
        }
    }

    fn drop_datagram(&mut self, now: Instant, reason: DropReason) {
        match reason {
            DropReason::TooShort
            | DropReason::TooLong
            | DropReason::Version
            | DropReason::Checksum
            | DropReason::Kind
            | DropReason::OutOfBounds => self.mark(now, Mark::DamagedAtServer),
            DropReason::UnknownTransfer => self.mark(now, Mark::UnknownAtServer),
            _ => {}
        }
        self.counters.dropped(reason);
        self.trace(now, None, Event::Dropped { reason });
    }

    /// Notes a situation.
    fn mark(&mut self, now: Instant, mark: Mark) {
        if self.marks.note(mark) {
            self.trace(now, None, Event::Marked { mark });
        }
    }

    fn trace(&mut self, now: Instant, transfer: Option<TransferId>, event: Event) {
        if self.config.trace {
            self.queue.push_back(ServerOutput::Trace(Record { at: now, transfer, event }));
        }
    }

    fn sender_config(&self, memory: u64) -> SenderConfig {
        let limits = &self.config.transfer;
        SenderConfig {
            memory,
            segment: limits.segment.clamp(MIN_SEGMENT, MAX_SEGMENT),
            fixed_cap: limits.fixed_cap.max(1),
            ticket_lifetime: Duration::from_millis(limits.ticket_ms),
            silence: Duration::from_millis(limits.silence_ms),
            max_segments: self.config.max_segments.max(1),
            trace: self.config.trace,
        }
    }
}
