//! The client: its session in the chat and every download it runs.
//!
//! - `output`: what it wants done, and what a user is told.
//! - `downloads`: from a request of the user to the file that has its name.
//! - `hosts`: where a server may send it for them.

mod downloads;
mod hosts;
mod output;

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::net::SocketAddr;

use downloads::{Download, HandedIn};
pub use hosts::DownloadHosts;
pub use output::{
    ClientEvent, ClientOutput, DownloadError, DownloadEvent, DownloadId, FailReason, GetRequest, LocalError,
    Summary, TargetOp, TargetRequest,
};

use super::deadlines::Deadlines;
use super::{Close, Counters, Datagram, Path};
use crate::chat::client::{
    ChatClient, ClientAction, ClientChatEvent, ClientConfig as ChatClientConfig, Comeback, CommandError,
};
use crate::chat::{FrameError, Nickname, RequestId, ServerFrame};
use crate::queue::{KEPT, KEPT_FOR_BATCHES, take_first_keeping};
use crate::seed::Seed;
use crate::time::{Instant, earliest};
use crate::trace::{DropReason, Event, Mark, Marks, Record};
use crate::transfer::{ASLEEP, SILENCE};
use crate::wire::{Packet, ResetCode, TransferId};

/// What a client is made of.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// The chat.
    pub chat: ChatClientConfig,
    /// The session of another process that this one goes on with.
    pub comeback: Option<Comeback>,
    /// How many bytes a burst may have so that the UDP socket's buffer holds it.
    pub receive_window: u64,
    /// Nothing of use heard for so long ends a download.
    pub silence: Duration,
    /// Which hosts a ticket may send downloads to.
    pub hosts: DownloadHosts,
    /// Whether observations are wanted.
    pub trace: bool,
}

impl ClientConfig {
    /// With a window that fits a socket whose buffer nobody has enlarged.
    pub fn new(chat: ChatClientConfig) -> Self {
        let hosts = DownloadHosts::OfChat;
        Self { chat, comeback: None, receive_window: 160 << 10, silence: SILENCE, hosts, trace: false }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    chat: ChatClient,
    /// The address that the chat was reached at.
    server: Option<SocketAddr>,
    downloads: BTreeMap<DownloadId, Download>,
    by_transfer: BTreeMap<TransferId, DownloadId>,
    deadlines: Deadlines<DownloadId>,
    /// Downloads that were handed something of the batch that arrives.
    handed: Vec<DownloadId>,
    last_download: u64,
    /// When this process last came back from a time in which it did not run.
    runs_since: Instant,
    queue: VecDeque<ClientOutput>,
    marks: Marks,
    counters: Counters,
}

impl Client {
    /// A client that does nothing yet.
    pub fn new(config: ClientConfig, seed: &Seed) -> Self {
        let mut chat = ChatClient::new(config.chat.clone(), seed);
        if let Some(comeback) = &config.comeback {
            chat.come_back(comeback);
        }
        Self {
            chat,
            server: None,
            downloads: BTreeMap::new(),
            by_transfer: BTreeMap::new(),
            deadlines: Deadlines::new(),
            handed: Vec::new(),
            last_download: 0,
            runs_since: Instant::ZERO,
            queue: VecDeque::new(),
            marks: Marks::default(),
            counters: Counters::default(),
            config,
        }
    }

    /// Begins: asks for a stream to the server.
    pub fn start(&mut self, now: Instant) {
        self.chat.start(now);
        self.settle(now);
    }

    /// The stream is there; `server` is the address that was reached.
    pub fn handle_connected(&mut self, now: Instant, server: SocketAddr) {
        self.server = Some(server);
        self.chat.handle_connected(now);
        self.settle(now);
    }

    /// No stream could be had.
    pub fn handle_connect_failed(&mut self, now: Instant) {
        self.chat.handle_connect_failed(now);
        self.settle(now);
    }

    /// Bytes arrived on the stream.
    pub fn handle_stream_bytes(&mut self, now: Instant, bytes: &[u8]) {
        self.chat.handle_bytes(now, bytes);
        self.settle(now);
    }

    /// As [`Client::handle_stream_bytes`], for a simulator whose clients all read the same lines; see
    /// [`ChatClient::handle_bytes_with`].
    pub fn handle_stream_bytes_with(
        &mut self,
        now: Instant,
        bytes: &[u8],
        decode: impl FnMut(&[u8]) -> Result<ServerFrame, FrameError>,
    ) {
        self.chat.handle_bytes_with(now, bytes, decode);
        self.settle(now);
    }

    /// The stream took `count` of the bytes that are pending.
    pub fn handle_stream_taken(&mut self, now: Instant, count: usize) {
        self.chat.handle_taken(now, count);
        self.settle(now);
    }

    /// The stream is gone.
    pub fn handle_stream_closed(&mut self, now: Instant) {
        self.chat.set_busy(self.has_running());
        self.chat.handle_closed(now);
        self.settle(now);
    }

    /// What waits for the stream, front first; returns how many of `slices` were set.
    pub fn stream_pending<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        self.chat.pending(slices)
    }

    /// Takes in datagrams that arrived together on one path, in their order. A [`TargetRequest::Write`] that follows
    /// names bytes of them.
    pub fn handle_datagrams<'a>(
        &mut self,
        now: Instant,
        path: Path,
        datagrams: impl IntoIterator<Item = Datagram<'a>>,
    ) {
        for (index, datagram) in datagrams.into_iter().enumerate() {
            self.counters.datagrams_received += 1;
            let taken = datagram.decoded(|packet, _| self.handle_packet(now, path, packet, index));
            if let Err(error) = taken {
                self.drop_datagram(now, None, error.into());
            }
        }
        self.finish_batch(now);
        self.settle(now);
    }

    fn handle_packet(&mut self, now: Instant, path: Path, packet: &Packet, index: usize) {
        let stale = if mutant!(StaleDownloadTaken) { self.by_transfer.values().max() } else { None };
        let Some(&download) = stale.or_else(|| self.by_transfer.get(&packet.transfer)) else {
            return self.drop_datagram(now, None, DropReason::UnknownTransfer);
        };
        if self.hand_in(now, download, path, packet, index) == HandedIn::No {
            self.drop_datagram(now, Some(packet.transfer), DropReason::ForeignAddress);
        }
    }

    /// Lets the receivers that were handed something answer it, once for all that arrived together.
    fn finish_batch(&mut self, now: Instant) {
        // The list is kept: a new one would be an allocation for each batch.
        let mut handed = core::mem::take(&mut self.handed);
        handed.sort_unstable();
        handed.dedup();
        for download in handed.drain(..) {
            if self.with_receiver(now, download, |receiver| receiver.handle_batch_end(now)) {
                self.report(now, download);
            }
        }
        self.handed = handed;
    }

    /// A message to all. The id comes back with `accepted`.
    ///
    /// # Errors
    /// The text cannot be a message, this client does not join, or too much waits already.
    pub fn say(&mut self, now: Instant, text: &str, action: bool) -> Result<RequestId, CommandError> {
        let id = self.chat.say(now, text, action);
        self.settle(now);
        id
    }

    /// A message to one.
    ///
    /// # Errors
    /// As [`Client::say`].
    pub fn tell(
        &mut self,
        now: Instant,
        to: &Nickname,
        text: &str,
        action: bool,
    ) -> Result<RequestId, CommandError> {
        let id = self.chat.tell(now, to, text, action);
        self.settle(now);
        id
    }

    /// Another nickname.
    ///
    /// # Errors
    /// As [`Client::say`].
    pub fn nick(&mut self, now: Instant, nick: &Nickname) -> Result<RequestId, CommandError> {
        let id = self.chat.nick(now, nick);
        self.settle(now);
        id
    }

    /// Who is here?
    ///
    /// # Errors
    /// Too much waits already, or it is over.
    pub fn names(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        let id = self.chat.names(now);
        self.settle(now);
        id
    }

    /// What can be downloaded?
    ///
    /// # Errors
    /// Too much waits already, or it is over.
    pub fn files(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        let id = self.chat.files(now);
        self.settle(now);
        id
    }

    /// What was said before, at most `count` messages.
    ///
    /// # Errors
    /// This client does not join, too much waits already, or it is over.
    pub fn history(&mut self, now: Instant, count: Option<u32>) -> Result<RequestId, CommandError> {
        let id = self.chat.history(now, None, count);
        self.settle(now);
        id
    }

    /// Another connection at once.
    ///
    /// # Errors
    /// It is over.
    pub fn reconnect(&mut self, now: Instant) -> Result<(), CommandError> {
        let done = self.chat.reconnect(now);
        self.settle(now);
        done
    }

    /// How many bytes a burst may have so that the UDP socket's buffer holds it; for downloads whose ticket comes
    /// from now on. A driver that binds its socket late knows only then.
    pub const fn set_receive_window(&mut self, bytes: u64) {
        self.config.receive_window = bytes;
    }

    /// Says goodbye. What waits is thrown away; downloads that run are stopped and keep what they have.
    pub fn leave(&mut self, now: Instant) {
        self.stop_all(now);
        self.chat.leave(now);
        self.settle(now);
    }

    /// Leaves a server that does not answer, without waiting for its goodbye; downloads are stopped and keep what they have.
    pub fn abandon(&mut self, now: Instant) {
        self.stop_all(now);
        self.chat.abandon(now);
        self.settle(now);
    }

    /// Carries out what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.deadlines.first().is_some_and(|at| now - at >= ASLEEP) {
            self.on_woken(now);
        }
        if self.chat.deadline().is_some_and(|at| at <= now) {
            self.chat.handle_timeout(now);
        }
        while let Some(download) = self.deadlines.pop_due(now) {
            self.on_deadline(now, download);
        }
        self.settle(now);
    }

    /// Timers are far later than they were due, so nobody listened: see [`ASLEEP`].
    fn on_woken(&mut self, now: Instant) {
        self.runs_since = now;
        for download in self.downloads.keys().copied().collect::<Vec<_>>() {
            self.with_receiver(now, download, |receiver| receiver.on_woken(now));
        }
    }

    /// The next thing to do; see the module [`crate::node`].
    #[inline]
    pub fn poll_output(&mut self, _now: Instant) -> ClientOutput {
        let kept = if self.by_transfer.is_empty() { KEPT } else { KEPT_FOR_BATCHES };
        if let Some(output) = take_first_keeping(&mut self.queue, kept) {
            return output;
        }
        ClientOutput::Timeout(earliest([self.chat.deadline(), self.deadlines.first()]))
    }

    /// Whether nothing waits to be sent, answered or downloaded.
    pub fn is_idle(&self) -> bool {
        self.chat.is_idle() && self.downloads.values().all(Download::is_over)
    }

    /// Whether it is over with the chat: left, refused, or given up.
    pub fn is_over(&self) -> bool {
        self.chat.is_over()
    }

    /// How many downloads have not ended.
    pub fn downloads(&self) -> usize {
        self.downloads.values().filter(|it| !it.is_over()).count()
    }

    /// Whether a UDP socket is still of use: downloads run, or late packets are to be answered.
    pub fn needs_datagrams(&self) -> bool {
        !self.by_transfer.is_empty()
    }

    /// The chat: its limits, what it has counted.
    pub const fn chat(&self) -> &ChatClient {
        &self.chat
    }

    /// What was counted of downloads and datagrams.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// After every input: what the chat wants.
    fn settle(&mut self, now: Instant) {
        while let Some(action) = self.chat.poll_action() {
            match action {
                ClientAction::Connect => self.queue.push_back(ClientOutput::Connect),
                ClientAction::Pending => self.queue.push_back(ClientOutput::Stream),
                ClientAction::Close => self.queue.push_back(ClientOutput::CloseStream(Close::Flushed)),
                ClientAction::Ticket { id, round_trip, ticket } => {
                    self.on_ticket(now, &id, round_trip, &ticket);
                }
                ClientAction::Event(event) => self.on_chat_event(now, event),
                ClientAction::Marked(mark) => self.mark(now, None, mark),
            }
        }
    }

    fn on_chat_event(&mut self, now: Instant, event: ClientChatEvent) {
        if self.is_about_a_download(now, &event) {
            return;
        }
        let is_over = matches!(event, ClientChatEvent::GaveUp | ClientChatEvent::Refused(_));
        // A session without a nickname is not parked: the server ends its downloads with its connection.
        let is_lost =
            matches!(event, ClientChatEvent::Disconnected { .. }) && self.config.chat.join.is_none();
        let is_new_session = matches!(event, ClientChatEvent::Joined { resumed: false, .. });
        self.queue.push_back(ClientOutput::Event(ClientEvent::Chat(event)));
        if is_new_session {
            self.end_running(now);
        }
        if is_over || is_lost {
            for download in self.downloads.keys().copied().collect::<Vec<_>>() {
                self.end(now, download, ResetCode::SessionOver);
            }
        }
    }

    /// Notes a situation.
    fn mark(&mut self, now: Instant, transfer: Option<TransferId>, mark: Mark) {
        if self.config.trace && self.marks.note(mark) {
            let event = Event::Marked { mark };
            self.queue.push_back(ClientOutput::Trace(Record { at: now, transfer, event }));
        }
    }

    fn drop_datagram(&mut self, now: Instant, transfer: Option<TransferId>, reason: DropReason) {
        match reason {
            DropReason::TooShort
            | DropReason::TooLong
            | DropReason::Version
            | DropReason::Checksum
            | DropReason::Kind
            | DropReason::OutOfBounds => self.mark(now, transfer, Mark::DamagedAtClient),
            DropReason::UnknownTransfer => self.mark(now, transfer, Mark::UnknownAtClient),
            _ => {}
        }
        self.counters.dropped(reason);
        if self.config.trace {
            let event = Event::Dropped { reason };
            self.queue.push_back(ClientOutput::Trace(Record { at: now, transfer, event }));
        }
    }
}
