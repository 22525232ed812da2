//! From a request of the user to the file that has its name.

use core::time::Duration;
use std::net::SocketAddr;

use super::Client;
use super::output::{
    ClientEvent, ClientOutput, DownloadError, DownloadEvent, DownloadId, FailReason, GetRequest, LocalError,
    Summary, TargetRequest,
};
use crate::chat::client::ClientChatEvent;
use crate::chat::{ErrorCode, ErrorFrame, Have, RequestId, ServerFrame, TicketFrame};
use crate::node::{Path, Transmit};
use crate::time::Instant;
use crate::trace::{Event, Record};
use crate::transfer::{Receiver, ReceiverConfig, ReceiverFailure, ReceiverOutput};
use crate::wire::{
    Body, CongestionChoice, DATA_HEADER_LEN, Hash, MAX_SEGMENT, MIN_SEGMENT, Packet, Recovery, ResetCode,
    Ticket, TransferId,
};

/// Downloads of one client that have not ended. More is a script gone wrong.
const MAX_DOWNLOADS: usize = 64;

/// Bytes of data in a segment: with all headers 1280 bytes, which every path of IPv6 carries (RFC 8200 §5).
const DEFAULT_SEGMENT: u16 = 1200;

/// The same over loopback, whose packets may have 65,536 bytes. Where somebody has made them smaller, the sender goes
/// back to the default by itself.
const LOOPBACK_SEGMENT: u16 = 16_000;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// One download, from its request on.
#[derive(Debug)]
pub(super) struct Download {
    request: GetRequest,
    began: Instant,
    /// When the handshake was through.
    started: Option<Instant>,
    /// When progress was last told, and how many bytes.
    told: Option<(Instant, u64)>,
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
}

impl Download {
    fn running(&mut self) -> Option<&mut Running> {
        match &mut self.stage {
            Stage::Running(running) | Stage::Over(Some(running)) => Some(running),
            Stage::Opening | Stage::Asking(_) | Stage::Over(None) => None,
        }
    }

    pub(super) const fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Whether datagrams from `remote` can be of this download.
    pub(super) fn is_from(&self, remote: SocketAddr) -> bool {
        match &self.stage {
            Stage::Running(running) | Stage::Over(Some(running)) => running.server == remote,
            Stage::Opening | Stage::Asking(_) | Stage::Over(None) => false,
        }
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

    /// The session that downloads were begun in is over, and its server has ended them. Those that wait for a ticket
    /// are asked for again in the new one.
    pub(super) fn end_running(&mut self, now: Instant) {
        let running =
            |(id, it): (&DownloadId, &Download)| matches!(it.stage, Stage::Running(_)).then_some(*id);
        for download in self.downloads.iter().filter_map(running).collect::<Vec<_>>() {
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

    /// The answer to [`TargetRequest::Open`].
    pub fn handle_opened(&mut self, now: Instant, download: DownloadId, result: Result<Have, LocalError>) {
        let Some(it) = self.downloads.get_mut(&download).filter(|it| matches!(it.stage, Stage::Opening))
        else {
            return;
        };
        match result {
            Err(error) => {
                it.stage = Stage::Over(None);
                let message = error.to_string();
                self.fail_untouched(download, FailReason::Local(error), message);
            }
            Ok(have) => {
                it.have = have.length;
                let file = it.request.file.clone();
                match self.chat.download(now, &file, Some(have).filter(|it| it.length > 0)) {
                    Ok(id) => {
                        if let Some(it) = self.downloads.get_mut(&download) {
                            it.stage = Stage::Asking(id);
                        }
                    }
                    Err(error) => self.fail(download, FailReason::Lost, error.to_string()),
                }
            }
        }
        self.settle(now);
    }

    /// The driver's answer to writes: everything below `through` is with the operating system.
    pub fn handle_written(&mut self, now: Instant, download: DownloadId, through: u64) {
        self.with_receiver(now, download, |receiver| receiver.handle_written(now, through));
        self.report(now, download);
        self.settle(now);
    }

    /// A write, or a restart, failed.
    pub fn handle_write_failed(&mut self, now: Instant, download: DownloadId, error: LocalError) {
        self.fail_locally(now, download, error);
        self.settle(now);
    }

    /// The answer to [`TargetRequest::Digest`].
    pub fn handle_digest(&mut self, now: Instant, download: DownloadId, hash: Hash) {
        self.with_receiver(now, download, |receiver| receiver.handle_digest(now, hash));
        self.settle(now);
    }

    /// The answer to [`TargetRequest::Commit`].
    pub fn handle_committed(&mut self, now: Instant, download: DownloadId, result: Result<(), LocalError>) {
        match result {
            Ok(()) => {
                self.with_receiver(now, download, |receiver| receiver.handle_committed(now));
            }
            Err(error) => self.fail_locally(now, download, error),
        }
        self.settle(now);
    }

    /// No UDP socket could be had: no download gets anywhere.
    pub fn handle_no_socket(&mut self, now: Instant, error: &LocalError) {
        for download in self.downloads.keys().copied().collect::<Vec<_>>() {
            self.fail_locally(now, download, error.clone());
        }
        self.settle(now);
    }

    fn fail_locally(&mut self, now: Instant, download: DownloadId, error: LocalError) {
        if self.downloads.get(&download).is_none_or(Download::is_over) {
            return;
        }
        let message = error.to_string();
        self.fail(download, FailReason::Local(error), message);
        // The machine hears of it last: what it says of its failure is not told again.
        self.with_receiver(now, download, |receiver| receiver.abort(now, ResetCode::WriteFailed));
    }

    /// The chat brought a ticket.
    pub(super) fn on_ticket(
        &mut self,
        now: Instant,
        id: &RequestId,
        round_trip: Duration,
        ticket: &TicketFrame,
    ) {
        let transfer = TransferId(ticket.transfer.into());
        let is_known = self.by_transfer.contains_key(&transfer);
        let asked =
            |(_, it): &(&DownloadId, &mut Download)| matches!(&it.stage, Stage::Asking(asked) if asked == id);
        let Some((&download, it)) = self.downloads.iter_mut().find(asked) else {
            return self.give_back(now, transfer);
        };
        let Some(reached) = self.server else { return };
        if is_known {
            let message = "the server gave one ticket to two downloads".to_owned();
            return self.fail(download, FailReason::Refused, message);
        }
        // The whole address, for one of IPv6's link has a scope as well.
        let mut server = if ticket.udp.ip().is_unspecified() { reached } else { ticket.udp };
        server.set_port(ticket.udp.port());
        let segment = it.request.segment.unwrap_or(match server.ip().is_loopback() {
            true => LOOPBACK_SEGMENT,
            false => DEFAULT_SEGMENT,
        });
        let receiver = Receiver::new(
            now,
            ReceiverConfig {
                round_trip,
                recovery: it.request.recovery,
                congestion: it.request.congestion,
                segment: segment.clamp(MIN_SEGMENT, MAX_SEGMENT),
                have: it.have,
                window: self.config.receive_window,
                limit_rate: it.request.limit_rate,
                silence: self.config.silence,
                trace: self.config.trace,
                ..ReceiverConfig::new(transfer, Ticket(ticket.ticket.0))
            },
        );
        let paused = it.paused;
        it.stage = Stage::Running(Box::new(Running { receiver, transfer, server }));
        self.by_transfer.insert(transfer, download);
        self.with_receiver(now, download, |receiver| {
            if paused {
                receiver.pause(now);
            }
        });
    }

    /// Nobody wants a ticket any more: the server need not keep a place for it.
    fn give_back(&mut self, now: Instant, transfer: TransferId) {
        // Where nothing can be said, the ticket expires.
        let _ = self.chat.stop(now, transfer.0);
    }

    /// Takes an event of the chat that is the answer to a download's request; says whether it was one.
    pub(super) fn is_about_a_download(&mut self, _now: Instant, event: &ClientChatEvent) -> bool {
        let (id, reason, message) = match event {
            ClientChatEvent::Frame(frame) => match &**frame {
                ServerFrame::Error(ErrorFrame { id: Some(id), code, message, .. }) => {
                    let reason = match code {
                        ErrorCode::NoSuchFile | ErrorCode::BadName => FailReason::NotFound,
                        ErrorCode::ShuttingDown => FailReason::Lost,
                        _ => FailReason::Refused,
                    };
                    (id, reason, message.clone())
                }
                _ => return false,
            },
            ClientChatEvent::Unanswered { id } => {
                (id, FailReason::Lost, "the connection was lost before the server answered".to_owned())
            }
            _ => return false,
        };
        let asked =
            |(_, it): &(&DownloadId, &Download)| matches!(&it.stage, Stage::Asking(asked) if asked == id);
        let Some((&download, _)) = self.downloads.iter().find(asked) else { return false };
        self.fail(download, reason, message);
        true
    }

    fn running(&mut self, download: DownloadId) -> Option<&mut Running> {
        self.downloads.get_mut(&download).and_then(Download::running)
    }

    /// Hands a packet to its machine.
    pub(super) fn hand_in(&mut self, now: Instant, download: DownloadId, packet: &Packet, index: usize) {
        let Some(running) = self.running(download) else { return };
        running.receiver.handle_packet(now, packet);
        let payload_len = match packet.body {
            Body::Data { length, .. } => length,
            _ => 0,
        };
        self.collect(now, download, Some((index, payload_len)));
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
        let Some(running) = self.running(download) else { return };
        let (transfer, server) = (running.transfer, running.server);
        while let Some(output) = self.running(download).and_then(|it| it.receiver.poll_output()) {
            match output {
                ReceiverOutput::Packet(packet) => {
                    let path = Path { remote: server, local: None };
                    let datagram = packet.encode().into();
                    self.queue.push_back(ClientOutput::Transmit(Transmit::Packet { path, datagram }));
                }
                ReceiverOutput::Restart => self.target(TargetRequest::Restart { download }),
                ReceiverOutput::Started { size, start, version, congestion, segment } => {
                    if let Some(it) = self.downloads.get_mut(&download) {
                        it.started = Some(now);
                        it.told = Some((now, start));
                    }
                    self.announce(
                        download,
                        DownloadEvent::Started { transfer, size, start, version, congestion, segment },
                    );
                }
                ReceiverOutput::Write { offset, payload } => {
                    if let Some((datagram, length)) = datagram
                        && payload.end <= length
                    {
                        let payload = DATA_HEADER_LEN + payload.start..DATA_HEADER_LEN + payload.end;
                        self.target(TargetRequest::Write { download, offset, datagram, payload });
                    }
                }
                ReceiverOutput::Digest => self.target(TargetRequest::Digest { download }),
                ReceiverOutput::Commit => self.target(TargetRequest::Commit { download }),
                // With the failure that follows it.
                ReceiverOutput::Discard => {}
                ReceiverOutput::Finished => self.finish(now, download),
                ReceiverOutput::Failed(failure) => {
                    let (reason, message) = explain(failure);
                    self.fail(download, reason, message);
                }
                ReceiverOutput::Trace(event) => self.observe(now, transfer, event),
            }
        }
        let Some(running) = self.running(download) else { return };
        let (deadline, closed) = (running.receiver.deadline(), running.receiver.is_closed());
        self.deadlines.set(download, deadline);
        if closed {
            self.by_transfer.remove(&transfer);
            self.downloads.remove(&download);
        }
    }

    fn observe(&mut self, now: Instant, transfer: TransferId, event: Event) {
        if let Event::Dropped { reason } = event {
            self.counters.dropped(reason);
        }
        if self.config.trace {
            self.queue.push_back(ClientOutput::Trace(Record { at: now, transfer: Some(transfer), event }));
        }
    }

    /// Tells progress, if it is time.
    pub(super) fn report(&mut self, now: Instant, download: DownloadId) {
        let Some(it) = self.downloads.get_mut(&download).filter(|it| !it.is_over()) else { return };
        let (Some(started), Some((told, before))) = (it.started, it.told) else { return };
        let Some(running) = it.running() else { return };
        let (progress, size) = (running.receiver.progress(), running.receiver.size());
        let is_time = now - told >= PROGRESS_EVERY || progress.end == size;
        if progress.end == before || !is_time {
            return;
        }
        it.told = Some((now, progress.end));
        let nanos = (now - started).as_nanos().max(1);
        let rate = u128::from(progress.end - progress.start) * 1_000_000_000 / nanos;
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        self.announce(download, DownloadEvent::Progress { written: progress.end, size, rate });
    }

    fn finish(&mut self, now: Instant, download: DownloadId) {
        let Some(it) = self.downloads.get_mut(&download) else { return };
        let began = it.began;
        let Some(running) = it.running() else { return };
        let (progress, stats) = (running.receiver.progress(), running.receiver.stats());
        let summary = Summary {
            size: running.receiver.size(),
            resumed_from: progress.start,
            took: now - began,
            segments_received: stats.segments_received,
            duplicates: stats.duplicates,
            discarded: stats.discarded,
            round_trip: running.receiver.round_trip(),
            hash: running.receiver.hash().unwrap_or_else(Hash::of_nothing),
        };
        self.count(download, "complete");
        self.announce(download, DownloadEvent::Finished(summary));
        self.set_over(download);
    }

    /// It is over without the file. What there is of it is kept, unless it is wrong or nothing.
    fn fail(&mut self, download: DownloadId, reason: FailReason, message: String) {
        let Some(it) = self.downloads.get_mut(&download).filter(|it| !it.is_over()) else { return };
        let was_opening = matches!(it.stage, Stage::Opening);
        let (have, is_started) = (it.have, it.started.is_some());
        let written = match it.running() {
            Some(running) if is_started => running.receiver.progress().end,
            _ => have,
        };
        let kept = if reason == FailReason::Integrity { 0 } else { written };
        let request =
            if kept == 0 { TargetRequest::Discard { download } } else { TargetRequest::Keep { download } };
        // A target that is still being opened is closed all the same, once it is open.
        let request = if was_opening { TargetRequest::Keep { download } } else { request };
        self.target(request);
        self.count(download, reason.name());
        self.announce(download, DownloadEvent::Failed { reason, message, kept });
        self.set_over(download);
    }

    /// It is over, and there is no target to do anything with.
    fn fail_untouched(&mut self, download: DownloadId, reason: FailReason, message: String) {
        self.count(download, reason.name());
        self.announce(download, DownloadEvent::Failed { reason, message, kept: 0 });
        self.set_over(download);
    }

    fn count(&mut self, download: DownloadId, outcome: &'static str) {
        self.counters.ended(outcome);
        if let Some(running) = self.running(download) {
            let (progress, stats) = (running.receiver.progress(), running.receiver.stats());
            self.counters.bytes += progress.end - progress.start;
            self.counters.segments += stats.segments_received;
            self.counters.segments_resent += stats.duplicates + stats.discarded;
        }
    }

    /// Without a machine nothing is left to answer, and the download is forgotten.
    fn set_over(&mut self, download: DownloadId) {
        let Some(it) = self.downloads.remove(&download) else { return };
        if let Stage::Running(running) | Stage::Over(Some(running)) = it.stage {
            let stage = Stage::Over(Some(running));
            self.downloads.insert(download, Download { stage, ..it });
        }
    }

    fn target(&mut self, request: TargetRequest) {
        self.queue.push_back(ClientOutput::Target(request));
    }

    fn announce(&mut self, download: DownloadId, event: DownloadEvent) {
        self.queue.push_back(ClientOutput::Event(ClientEvent::Download { download, event }));
    }
}

/// What a machine's failure means to a user.
fn explain(failure: ReceiverFailure) -> (FailReason, String) {
    match failure {
        ReceiverFailure::Aborted(code) => {
            let reason = match code {
                ResetCode::Stopped => FailReason::Stopped,
                ResetCode::Protocol => FailReason::Refused,
                _ => FailReason::Lost,
            };
            (reason, code.to_string())
        }
        ReceiverFailure::Reset(code) => {
            let reason = match code {
                ResetCode::Silence => FailReason::TimedOut,
                ResetCode::ShuttingDown | ResetCode::SessionOver => FailReason::Lost,
                _ => FailReason::Refused,
            };
            (reason, code.to_string())
        }
        ReceiverFailure::Silence { ever: false } => {
            let message = "no answer over UDP; does a firewall keep the download port closed?";
            (FailReason::TimedOut, message.to_owned())
        }
        ReceiverFailure::Silence { ever: true } => {
            (FailReason::TimedOut, "nothing was heard from the server for too long".to_owned())
        }
        ReceiverFailure::Integrity { found, expected } => {
            (FailReason::Integrity, format!("its BLAKE3 is {found}, the server's file has {expected}"))
        }
    }
}
