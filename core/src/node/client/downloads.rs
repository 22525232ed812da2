//! From a request of the user to the file that has its name.
//!
//! - `tickets`: what the chat answers. `targets`: what the disk answers.
//! - `ends`: what a user is told.

mod ends;
mod targets;
mod tickets;

use core::time::Duration;
use std::net::SocketAddr;

use super::Client;
use super::output::{
    ClientEvent, ClientOutput, DownloadError, DownloadEvent, DownloadId, FailReason, GetRequest, TargetOp,
    TargetRequest,
};
use crate::chat::RequestId;
use crate::node::{Path, Transmit};
use crate::time::{Instant, UnixTime};
use crate::trace::{Event, Mark, Record};
use crate::transfer::{Receiver, ReceiverFailure, ReceiverOutput};
use crate::wire::{Body, CongestionChoice, DATA_HEADER_LEN, Packet, Recovery, ResetCode, TransferId};
use ends::explain;

/// Downloads of one client that have not ended. More is a script gone wrong.
const MAX_DOWNLOADS: usize = 64;

/// Bytes of data in a segment: with all headers 1280 bytes, which every path of IPv6 carries (RFC 8200 §5).
const DEFAULT_SEGMENT: u16 = 1200;

/// The same over loopback, whose packets may have 65,536 bytes. Where somebody has made them smaller, the sender goes
/// back to the default by itself.
const LOOPBACK_SEGMENT: u16 = 16_000;

/// How often progress is told of a download that has run for a while.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// How often at first. In between whenever it has run for a third longer than the last time, so that a download of a tenth
/// of a second is seen to grow as well, in some twenty steps.
const PROGRESS_AT_FIRST: Duration = Duration::from_millis(1);

/// One download, from its request on.
#[derive(Debug)]
pub(super) struct Download {
    request: GetRequest,
    began: Instant,
    /// When the handshake was through.
    started: Option<Instant>,
    /// How many bytes were last told, and when more may be.
    told: Option<(u64, Instant)>,
    have: u64,
    paused: bool,
    stage: Stage,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// The target is being opened.
    Opening,
    /// The chat asks for a ticket.
    Asking(RequestId),
    /// There was a ticket, and a machine of its own takes it from here; in a box, for it is large.
    Running(Box<Running>),
    /// It is over; the machine, if there was one, may still answer late packets.
    Over(Option<Box<Running>>),
}

#[derive(Debug)]
struct Running {
    receiver: Receiver,
    transfer: TransferId,
    server: SocketAddr,
    /// When the server's file was last changed, as its ticket says.
    modified: UnixTime,
    /// What is entered in the client's deadlines.
    deadline: Option<Instant>,
}

/// Whether a packet came to its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandedIn {
    Yes,
    /// It is not from where its download's server is.
    No,
}

impl Stage {
    fn running(&mut self) -> Option<&mut Running> {
        match self {
            Self::Running(running) | Self::Over(Some(running)) => Some(running),
            Self::Opening | Self::Asking(_) | Self::Over(None) => None,
        }
    }
}

impl Download {
    fn running(&mut self) -> Option<&mut Running> {
        self.stage.running()
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }
}

impl Client {
    /// Begins a download: the target is opened, then the server asked.
    ///
    /// # Errors
    /// Something that this build does not have, too many downloads, or the chat is over.
    pub fn get(&mut self, now: Instant, request: GetRequest) -> Result<DownloadId, DownloadError> {
        if request.recovery != Recovery::GoBackN {
            return Err(DownloadError::NotBuilt(request.recovery.name()));
        }
        match request.congestion {
            CongestionChoice::Classic | CongestionChoice::Fixed(_) => {}
            CongestionChoice::NewReno => return Err(DownloadError::NotBuilt("newreno")),
            CongestionChoice::Cubic => return Err(DownloadError::NotBuilt("cubic")),
            CongestionChoice::Bbr => return Err(DownloadError::NotBuilt("bbr")),
        }
        let running = self.downloads();
        if running >= MAX_DOWNLOADS {
            return Err(DownloadError::TooMany { running, most: MAX_DOWNLOADS });
        }
        self.last_download += 1;
        let download = DownloadId(self.last_download);
        let file = request.file.clone();
        let stage = Stage::Opening;
        let new = Download { request, began: now, started: None, told: None, have: 0, paused: false, stage };
        self.downloads.insert(download, new);
        self.queue.push_back(ClientOutput::Target(TargetRequest::Open { download, file }));
        Ok(download)
    }

    /// Holds a download; the server sends nothing more until it is resumed.
    ///
    /// # Errors
    /// There is no such download, or it is over.
    pub fn pause(&mut self, now: Instant, download: DownloadId) -> Result<(), DownloadError> {
        self.set_paused(now, download, true)
    }

    /// Goes on with a download that is held.
    ///
    /// # Errors
    /// There is no such download, or it is over.
    pub fn resume(&mut self, now: Instant, download: DownloadId) -> Result<(), DownloadError> {
        self.set_paused(now, download, false)
    }

    fn set_paused(&mut self, now: Instant, download: DownloadId, paused: bool) -> Result<(), DownloadError> {
        let it = self.downloads.get_mut(&download).filter(|it| !it.is_over());
        let it = it.ok_or(DownloadError::NoSuchDownload)?;
        if it.paused != paused {
            it.paused = paused;
            if paused && matches!(it.stage, Stage::Opening | Stage::Asking(_)) {
                self.mark(now, None, Mark::PausedBeforeTicket);
            }
            self.with_receiver(now, download, |receiver| {
                if paused { receiver.pause(now) } else { receiver.resume(now) }
            });
            self.announce(download, if paused { DownloadEvent::Paused } else { DownloadEvent::Resumed });
        }
        Ok(())
    }

    /// Ends a download and keeps what it has, for a later resume. One that has everything is finished instead.
    ///
    /// # Errors
    /// There is no such download, or it is over.
    pub fn stop(&mut self, now: Instant, download: DownloadId) -> Result<(), DownloadError> {
        if self.downloads.get(&download).is_none_or(Download::is_over) {
            return Err(DownloadError::NoSuchDownload);
        }
        self.end(now, download, ResetCode::Stopped);
        self.settle(now);
        Ok(())
    }

    /// Ends every download.
    pub(super) fn stop_all(&mut self, now: Instant) {
        for download in self.downloads.keys().copied().collect::<Vec<_>>() {
            self.end(now, download, ResetCode::Stopped);
        }
    }

    /// Whether one has its ticket and is not over.
    pub(super) fn has_running(&self) -> bool {
        self.downloads.values().any(|it| matches!(it.stage, Stage::Running(_)))
    }

    /// The session that downloads were begun in is over, and its server has ended them. Those that wait for a ticket
    /// are asked for again in the new one.
    pub(super) fn end_running(&mut self, now: Instant) {
        let running =
            |(id, it): (&DownloadId, &Download)| matches!(it.stage, Stage::Running(_)).then_some(*id);
        for download in self.downloads.iter().filter_map(running).collect::<Vec<_>>() {
            self.mark(now, None, Mark::EndedWithSession);
            self.end(now, download, ResetCode::SessionOver);
        }
    }

    /// Ends a download before its end.
    pub(super) fn end(&mut self, now: Instant, download: DownloadId, code: ResetCode) {
        let Some(it) = self.downloads.get(&download) else { return };
        match &it.stage {
            // Too late: the target may be getting its name at this moment, and a server that stops closes the session
            // as soon as it hears that everything has arrived.
            Stage::Running(it) if it.receiver.has_everything() => {}
            Stage::Running(running) => {
                let transfer = running.transfer;
                if it.started.is_none() {
                    // A ticket that was not used yet: to the server our word over UDP means nothing.
                    self.give_back(now, transfer);
                }
                self.with_receiver(now, download, |receiver| receiver.abort(now, code));
            }
            Stage::Opening | Stage::Asking(_) => {
                let (reason, message) = explain(ReceiverFailure::Aborted(code));
                self.fail(download, reason, message);
            }
            Stage::Over(_) => {}
        }
    }

    fn running(&mut self, download: DownloadId) -> Option<&mut Running> {
        self.downloads.get_mut(&download).and_then(Download::running)
    }

    /// Hands a packet to its machine.
    pub(super) fn hand_in(
        &mut self,
        now: Instant,
        download: DownloadId,
        path: Path,
        packet: &Packet,
        index: usize,
    ) -> HandedIn {
        let Some(running) = self.running(download).filter(|it| it.server == path.remote) else {
            return HandedIn::No;
        };
        running.receiver.handle_packet(now, packet);
        let payload_len = match packet.body {
            Body::Data { length, .. } => length,
            _ => 0,
        };
        self.handed.push(download);
        self.collect(now, download, Some((index, payload_len)));
        HandedIn::Yes
    }

    /// A machine's deadline was taken, for it is due.
    pub(super) fn on_deadline(&mut self, now: Instant, download: DownloadId) {
        let Some(running) = self.running(download) else { return };
        running.deadline = None;
        running.receiver.handle_timeout(now);
        self.collect(now, download, None);
    }

    /// Does something to a download's machine, and takes what follows; says whether there was one.
    pub(super) fn with_receiver(
        &mut self,
        now: Instant,
        download: DownloadId,
        change: impl FnOnce(&mut Receiver),
    ) -> bool {
        let Some(running) = self.running(download) else {
            return false;
        };
        change(&mut running.receiver);
        self.collect(now, download, None);
        true
    }

    /// Takes what a machine wants done. `datagram` is the one that it was just handed, and its payload's length.
    fn collect(&mut self, now: Instant, download: DownloadId, datagram: Option<(usize, usize)>) {
        while let Some(end) = self.pass_on(now, download, datagram) {
            match end {
                Ok(()) => self.finish(now, download),
                Err(failure) => {
                    let (reason, message) = explain(failure);
                    if reason == FailReason::TimedOut {
                        self.free_place(now, download);
                    }
                    self.fail(download, reason, message);
                }
            }
        }
    }

    /// Passes on what a machine wants done, up to the word of how the download has ended: that comes back, and is to be
    /// told before the rest.
    fn pass_on(
        &mut self,
        now: Instant,
        download: DownloadId,
        datagram: Option<(usize, usize)>,
    ) -> Option<Result<(), ReceiverFailure>> {
        let Download { started, told, stage, .. } = self.downloads.get_mut(&download)?;
        let running = stage.running()?;
        let (transfer, queue) = (running.transfer, &mut self.queue);
        while let Some(output) = running.receiver.poll_output() {
            match output {
                ReceiverOutput::Trace(event) => {
                    if let Event::Dropped { reason } = event {
                        self.counters.dropped(reason);
                    }
                    if self.config.trace {
                        let record = Record { at: now, transfer: Some(transfer), event };
                        queue.push_back(ClientOutput::Trace(record));
                    }
                }
                ReceiverOutput::Packet(packet) => {
                    let path = Path { remote: running.server, local: None };
                    queue.push_back(ClientOutput::Transmit(Transmit::Packet { path, packet }));
                }
                ReceiverOutput::Write { offset, payload } => {
                    if let Some((datagram, length)) = datagram
                        && payload.end <= length
                    {
                        let payload = DATA_HEADER_LEN + payload.start..DATA_HEADER_LEN + payload.end;
                        let request = TargetRequest::Write { download, offset, datagram, payload };
                        queue.push_back(ClientOutput::Target(request));
                    }
                }
                ReceiverOutput::Started { size, start, version, congestion, segment } => {
                    *started = Some(now);
                    *told = Some((start, now + PROGRESS_AT_FIRST));
                    let event =
                        DownloadEvent::Started { transfer, size, start, version, congestion, segment };
                    queue.push_back(ClientOutput::Event(ClientEvent::Download { download, event }));
                }
                ReceiverOutput::Restart => {
                    let op = TargetOp::Restart;
                    queue.push_back(ClientOutput::Target(TargetRequest::Op { download, op }));
                }
                ReceiverOutput::Digest => {
                    let op = TargetOp::Digest;
                    queue.push_back(ClientOutput::Target(TargetRequest::Op { download, op }));
                }
                ReceiverOutput::Commit => {
                    let op = TargetOp::Commit { modified: running.modified };
                    queue.push_back(ClientOutput::Target(TargetRequest::Op { download, op }));
                }
                // With the failure that follows it.
                ReceiverOutput::Discard => {}
                ReceiverOutput::Finished => return Some(Ok(())),
                ReceiverOutput::Failed(failure) => return Some(Err(failure)),
            }
        }
        let is_closed = running.receiver.is_closed();
        // More of the batch may follow a datagram and move it again: the batch's end enters it.
        if datagram.is_none() || is_closed {
            self.deadlines.set(download, &mut running.deadline, running.receiver.deadline());
        }
        if is_closed {
            self.by_transfer.remove(&transfer);
            self.downloads.remove(&download);
        }
        None
    }

    fn target(&mut self, request: TargetRequest) {
        self.queue.push_back(ClientOutput::Target(request));
    }

    fn announce(&mut self, download: DownloadId, event: DownloadEvent) {
        self.queue.push_back(ClientOutput::Event(ClientEvent::Download { download, event }));
    }
}
