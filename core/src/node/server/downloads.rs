//! From a request in the chat to the end of its transfer.

use core::time::Duration;

use super::{
    Asker, FileError, FileMeta, ReadDone, Server, ServerEvent, ServerOutput, ShareRequest, TransferEvent,
};
use crate::chat::{
    Address, ErrorCode, FileName, Have, Hex, RequestId, ServerFrame, SessionId, TicketFrame, shares,
};
use crate::node::{Counters, Transmit};
use crate::time::Instant;
use crate::trace::{Event, Mark, Record};
use crate::transfer::{Offer, Outcome, Sender, SenderOutput};
use crate::wire::{Hash, MAX_OFFSET, ProofKey, ResetCode, Ticket, TransferId};

/// One download, from its request on.
#[derive(Debug)]
pub(super) struct Download {
    pub(super) session: SessionId,
    id: Option<RequestId>,
    file: FileName,
    began: Instant,
    /// The address that its session is counted by, unless that is exempt.
    pub(super) address: Option<Address>,
    /// When it had moved [`MOVED_BYTES`] more, or began; and how many bytes were acknowledged then.
    moved: (Instant, u64),
    stage: Stage,
    /// Its file is in memory, or may be: it has begun and is not over.
    pub(super) holds_memory: bool,
    /// It stands in the server's queue of those that may have segments.
    pub(super) is_ready: bool,
    /// What is entered in the server's deadlines.
    pub(super) deadline: Option<Instant>,
}

/// How far it is.
#[derive(Debug)]
enum Stage {
    /// The file is being opened.
    Opening(Option<Have>),
    /// The client's prefix is being checked.
    Hashing(FileMeta, Have),
    /// There is a ticket. A machine of its own takes it from here; in a box, for it is large and the others are not.
    Offered(Box<Sender>),
    /// It is over, and the file is closed; late packets may still be answered.
    Over(Box<Sender>),
}

impl Download {
    pub(super) fn sender(&mut self) -> Option<&mut Sender> {
        match &mut self.stage {
            Stage::Offered(sender) | Stage::Over(sender) => Some(sender),
            Stage::Opening(_) | Stage::Hashing(..) => None,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Everything was acknowledged, and only the answer to its end is missing: the user is done with it.
    fn is_ending(&self) -> bool {
        matches!(&self.stage, Stage::Offered(sender) if sender.is_ending())
    }

    /// What it has come to so far, for [`super::Server::stats`]. One that is over was counted.
    pub(super) fn add_to(&self, counters: &mut Counters) {
        if let Stage::Offered(sender) = &self.stage {
            let (progress, stats) = (sender.progress(), sender.stats());
            counters.bytes += progress.end - progress.start;
            counters.bytes_on_wire += stats.bytes_on_wire;
            counters.segments += stats.segments_sent;
            counters.segments_resent += stats.segments_resent;
            counters.timeouts += stats.timeouts;
        }
    }

    /// Notes how far it has come.
    fn note_progress(&mut self, now: Instant) {
        if let Stage::Offered(sender) = &self.stage {
            let acknowledged = sender.progress().end;
            if acknowledged >= self.moved.1.saturating_add(MOVED_BYTES) {
                self.moved = (now, acknowledged);
            }
        }
    }

    /// It has no ticket yet, or one that was not used.
    fn is_unused(&self) -> bool {
        match &self.stage {
            Stage::Opening(_) | Stage::Hashing(..) => true,
            Stage::Offered(sender) => !sender.is_bound(),
            Stage::Over(_) => false,
        }
    }
}

/// Downloads of a session that are done but for the answer to their end, and do not count as running. At 30 % loss each
/// way an answer takes two tries on average; that more than eight are late at a time, nobody sees.
const ENDING_MAX: u32 = 8;

/// Bytes that a download has to move so that it counts as moving: a byte now and then would keep a place for ever.
const MOVED_BYTES: u64 = 64 * 1024;

/// For how long a download that keeps its place may have moved nothing when there is none for others.
const UNMOVED_FOR: Duration = Duration::from_secs(10);

impl Server {
    /// Of the downloads that `may` give way, the one that has moved nothing longest, if that is long.
    fn longest_unmoved(&self, now: Instant, may: impl Fn(&Download) -> bool) -> Option<TransferId> {
        let unmoved = self
            .downloads
            .iter()
            .filter(|(_, it)| !it.is_over() && !it.is_ending() && it.moved.0 + UNMOVED_FOR <= now && may(it));
        unmoved.min_by_key(|(_, it)| it.moved.0).map(|(transfer, _)| *transfer)
    }

    /// Makes room for another download of `address`, or tells why there is none.
    fn make_room(&mut self, now: Instant, address: Option<Address>) -> Result<(), String> {
        let running = self.downloads.values().filter(|it| !it.is_over());
        let in_all = running.clone().count() as u64;
        let (most, per_address) = (self.config.transfer.places(), self.chat.limits().downloads_per_address);
        if let Some(address) = address {
            let addresses = running.filter_map(|it| it.address);
            if shares::is_full_among(&addresses, address, per_address) {
                let there = addresses.filter(|it| *it == address).count();
                let unmoved = self.longest_unmoved(now, |it| it.address == Some(address));
                self.end_for_another(now, unmoved).ok_or_else(|| {
                    format!("{address} has {there} downloads running or begun, at most {per_address} may be")
                })?;
                return Ok(());
            }
        }
        if in_all >= most && !mutant!(ServerLimitIgnored) {
            self.mark(now, Mark::ServerAtItsLimit);
            let unmoved = self.longest_unmoved(now, |_| true);
            self.end_for_another(now, unmoved)
                .ok_or_else(|| format!("the server has {in_all} downloads running, at most {most} may"))?;
        }
        Ok(())
    }

    fn end_for_another(&mut self, now: Instant, transfer: Option<TransferId>) -> Option<()> {
        self.end(now, transfer?, ResetCode::MadeRoom);
        Some(())
    }

    /// A session asks for a file.
    pub(super) fn request(
        &mut self,
        now: Instant,
        session: SessionId,
        id: Option<RequestId>,
        file: FileName,
        have: Option<Have>,
    ) {
        let (mut running, mut unused, mut ending) = (0u32, 0u32, 0u32);
        for download in self.downloads.values().filter(|it| !it.is_over()) {
            if download.session == session {
                if download.is_unused() {
                    unused += 1;
                } else if download.is_ending() {
                    ending += 1;
                } else {
                    running += 1;
                }
            }
        }
        // A user who gets one file after the other does not know that the answer to an end was lost. Somebody who never
        // answers is held all the same.
        running += ending.saturating_sub(ENDING_MAX);
        let limits = self.chat.limits();
        let (per_session, tickets) = (limits.downloads_per_session, limits.tickets_per_session);
        let address = self.chat.address_of(session);
        let refusal = if self.life != super::Life::Running {
            Some((ErrorCode::ShuttingDown, "the server is shutting down".to_owned()))
        } else if unused >= tickets && !mutant!(TicketLimitIgnored) {
            self.mark(now, Mark::TicketsAtTheirLimit);
            Some((ErrorCode::Busy, format!("you hold {unused} tickets, at most {tickets} may be unused")))
        } else if running + unused >= per_session + u32::from(mutant!(SessionLimitOffByOne)) {
            // A ticket is a download that may run at any time; counted later, it could no longer be refused.
            self.mark(now, Mark::SessionAtItsLimit);
            let (all, most) = (running + unused, per_session);
            Some((ErrorCode::Busy, format!("you have {all} downloads running or begun, at most {most} may")))
        } else {
            self.make_room(now, address).err().map(|message| (ErrorCode::Busy, message))
        };
        if let Some((code, message)) = refusal {
            return self.refuse(now, session, id, file, code, message);
        }
        let Some(peer) = self.chat.peer(session) else { return };
        let asker = Asker { address: Address::of(peer), session };
        // 64 random bits: a second draw is for the one run in a billion years that needs it.
        let mut transfer = TransferId(self.ids.next_u64());
        mutant!(UnseededGenerator => transfer = TransferId(crate::mutants::odd::random()));
        while self.downloads.contains_key(&transfer) {
            transfer = TransferId(self.ids.next_u64());
        }
        let name = file.clone();
        let stage = Stage::Opening(have.filter(|have| have.length > 0));
        let download = Download {
            session,
            id,
            file,
            began: now,
            address,
            moved: (now, 0),
            stage,
            holds_memory: false,
            is_ready: false,
            deadline: None,
        };
        self.downloads.insert(transfer, download);
        self.chat.set_busy(now, session, true);
        self.queue.push_back(ServerOutput::Share(ShareRequest::Open { transfer, name, asker }));
    }

    /// The answer to [`ShareRequest::Open`].
    pub fn handle_opened(&mut self, now: Instant, transfer: TransferId, result: Result<FileMeta, FileError>) {
        let opening = self.downloads.get_mut(&transfer).and_then(|it| match &mut it.stage {
            Stage::Opening(have) => Some(have.take()),
            _ => None,
        });
        // A sparse file can be larger than what the wire has numbers for.
        let result = result.and_then(|meta| match meta.size > MAX_OFFSET {
            true => {
                Err(FileError::Other(format!("it has {} bytes, at most {MAX_OFFSET} can be sent", meta.size)))
            }
            false => Ok(meta),
        });
        match (opening, result) {
            (None, _) => {}
            (Some(_), Err(error)) => self.refuse_opened(now, transfer, &error),
            (Some(Some(have)), Ok(meta)) if have.length <= meta.size => {
                let length = have.length;
                self.set_stage(transfer, Stage::Hashing(meta, have));
                self.queue.push_back(ServerOutput::Share(ShareRequest::HashPrefix { transfer, length }));
            }
            (Some(_), Ok(meta)) => self.offer(now, transfer, meta, 0),
        }
        self.settle(now);
    }

    /// The answer to [`ShareRequest::HashPrefix`].
    pub fn handle_prefix_hashed(
        &mut self,
        now: Instant,
        transfer: TransferId,
        result: Result<Hash, FileError>,
    ) {
        let hashing = self.downloads.get(&transfer).and_then(|it| match &it.stage {
            Stage::Hashing(meta, have) => Some((*meta, *have)),
            _ => None,
        });
        match (hashing, result) {
            (None, _) => {}
            (Some(_), Err(error)) => self.refuse_opened(now, transfer, &error),
            (Some((mut meta, have)), Ok(found)) if found == have.hash => {
                // A prefix that is the whole file: its hash is the file's.
                meta.hash = meta.hash.or((have.length == meta.size).then_some(found));
                self.offer(now, transfer, meta, have.length);
            }
            (Some((meta, _)), Ok(_)) => self.offer(now, transfer, meta, 0),
        }
        self.settle(now);
    }

    /// The answer to [`ShareRequest::Read`].
    pub fn handle_read(&mut self, now: Instant, transfer: TransferId, result: Result<ReadDone, FileError>) {
        if let Some(sender) = self.downloads.get_mut(&transfer).and_then(Download::sender) {
            match result {
                Ok(done) => sender.handle_read(now, done.range.end, done.hash),
                Err(FileError::Changed) => sender.abort(now, ResetCode::Changed),
                Err(_) => sender.abort(now, ResetCode::ReadFailed),
            }
            self.wake(now, transfer);
        }
        self.settle(now);
    }

    fn set_stage(&mut self, transfer: TransferId, stage: Stage) {
        if let Some(download) = self.downloads.get_mut(&transfer) {
            download.stage = stage;
        }
    }

    fn offer(&mut self, now: Instant, transfer: TransferId, meta: FileMeta, start: u64) {
        let Some(download) = self.downloads.get(&transfer) else { return };
        let config = self.sender_config(self.memory_for(download.address, download.session));
        let ticket = Ticket(self.tickets.bytes());
        let FileMeta { size, modified, version, hash } = meta;
        let hash = if size == 0 { Some(Hash::of_nothing()) } else { hash };
        let Some(download) = self.downloads.get_mut(&transfer) else { return };
        let frame = ServerFrame::Ticket(Box::new(TicketFrame {
            id: download.id.take(),
            file: download.file.clone(),
            size,
            modified,
            start,
            transfer: Hex::from(transfer.0),
            ticket: Hex(ticket.0),
            udp: self.config.udp,
            expires_ms: self.config.transfer.ticket_ms,
        }));
        let proofs = ProofKey::new(self.seed.child("proofs").stream(&transfer.to_string()).bytes());
        let offer = Offer { transfer, ticket, size, version, hash, proofs, start };
        let nonces = self.seed.child("nonces").stream(&transfer.to_string());
        download.moved = (now, start);
        download.stage = Stage::Offered(Box::new(Sender::new(now, config, offer, nonces)));
        let (session, file) = (download.session, download.file.clone());
        self.chat.reply(now, session, &frame);
        self.counters.tickets += 1;
        let event = TransferEvent::Offered { session, transfer, file, size, start };
        self.queue.push_back(ServerOutput::Event(ServerEvent::Transfer(event)));
        self.collect(now, transfer);
    }

    fn refuse_opened(&mut self, now: Instant, transfer: TransferId, error: &FileError) {
        let Some(Download { session, id, file, .. }) = self.downloads.remove(&transfer) else { return };
        self.queue.push_back(ServerOutput::Share(ShareRequest::Close { transfer }));
        self.release(now, session);
        let code = match error {
            FileError::NotFound | FileError::NotAFile => {
                self.mark(now, Mark::FileNotFound);
                ErrorCode::NoSuchFile
            }
            FileError::Exhausted => ErrorCode::Busy,
            FileError::Denied | FileError::Changed | FileError::Other(_) => ErrorCode::Refused,
        };
        let message = format!("{file}: {error}{}", crate::mutants::place(file.as_str()));
        self.refuse(now, session, id, file, code, message);
    }

    fn refuse(
        &mut self,
        now: Instant,
        session: SessionId,
        id: Option<RequestId>,
        file: FileName,
        code: ErrorCode,
        message: String,
    ) {
        self.chat.reply(now, session, &ServerFrame::error(id, code.clone(), message));
        let event = TransferEvent::Refused { session, file, code };
        self.queue.push_back(ServerOutput::Event(ServerEvent::Transfer(event)));
    }

    /// Ends a download before its end.
    pub(super) fn end(&mut self, now: Instant, transfer: TransferId, code: ResetCode) {
        let Some(download) = self.downloads.get_mut(&transfer) else { return };
        if let Some(sender) = download.sender() {
            sender.abort(now, code);
            self.collect(now, transfer);
        } else {
            let session = download.session;
            self.downloads.remove(&transfer);
            self.queue.push_back(ServerOutput::Share(ShareRequest::Close { transfer }));
            self.release(now, session);
        }
    }

    /// Everything of a session ends with it.
    pub(super) fn end_session(&mut self, now: Instant, session: SessionId) {
        mutant!(DownloadOutlivesSession => return);
        let of_session = |(id, it): (&TransferId, &Download)| (it.session == session).then_some(*id);
        for transfer in self.downloads.iter().filter_map(of_session).collect::<Vec<_>>() {
            if self.downloads.get(&transfer).is_some_and(|it| !it.is_over()) {
                self.mark(now, Mark::SessionEndedWithDownloads);
            }
            self.end(now, transfer, ResetCode::SessionOver);
        }
    }

    /// Tells the chat when a session's last download is over.
    fn release(&mut self, now: Instant, session: SessionId) {
        if !self.downloads.values().any(|it| it.session == session && !it.is_over()) {
            self.chat.set_busy(now, session, false);
        }
    }

    /// After an input to a sender: takes what it wants done; and perhaps it may send segments now.
    pub(super) fn wake(&mut self, now: Instant, transfer: TransferId) {
        if let Some(download) = self.downloads.get_mut(&transfer).filter(|it| !it.is_ready) {
            download.is_ready = true;
            self.ready.push_back(transfer);
        }
        self.collect(now, transfer);
    }

    /// Takes what a sender wants done, and notes when it wants to be woken.
    pub(super) fn collect(&mut self, now: Instant, transfer: TransferId) {
        let Some(download) = self.downloads.get_mut(&transfer) else { return };
        download.note_progress(now);
        let Some(sender) = download.sender() else { return };
        let mut ended = None;
        while let Some(output) = sender.poll_output() {
            match output {
                SenderOutput::Trace(event) => {
                    if let Event::Dropped { reason } = event {
                        self.counters.dropped(reason);
                    }
                    if self.config.trace {
                        let record = Record { at: now, transfer: Some(transfer), event };
                        self.queue.push_back(ServerOutput::Trace(record));
                    }
                }
                SenderOutput::Packet(path, packet) => {
                    self.queue.push_back(ServerOutput::Transmit(Transmit::Packet { path, packet }));
                }
                SenderOutput::Read(range) => {
                    self.queue.push_back(ServerOutput::Share(ShareRequest::Read { transfer, range }));
                }
                SenderOutput::Forget(below) => {
                    self.queue.push_back(ServerOutput::Share(ShareRequest::Forget { transfer, below }));
                }
                SenderOutput::Ended(outcome) => ended = Some(outcome),
            }
        }
        let (deadline, closed) = (sender.deadline(), sender.is_closed());
        let holds_memory =
            sender.is_bound() && ended.is_none() && matches!(download.stage, Stage::Offered(_));
        let is_changed = core::mem::replace(&mut download.holds_memory, holds_memory) != holds_memory;
        self.deadlines.set(transfer, &mut download.deadline, deadline);
        if let Some(outcome) = ended {
            self.on_ended(now, transfer, outcome);
        }
        if closed {
            self.downloads.remove(&transfer);
            self.ready.retain(|&it| it != transfer);
        }
        if is_changed {
            self.share_out_memory(now);
        }
    }

    fn on_ended(&mut self, now: Instant, transfer: TransferId, outcome: Outcome) {
        let Some(mut download) = self.downloads.remove(&transfer) else { return };
        let (session, file, began) = (download.session, download.file.clone(), download.began);
        self.queue.push_back(ServerOutput::Share(ShareRequest::Close { transfer }));
        if let Some(sender) = download.sender() {
            let (progress, stats, round_trip) = (sender.progress(), sender.stats(), sender.srtt());
            self.trace(now, Some(transfer), Event::Ended { outcome: outcome.into() });
            self.counters.ended(outcome.name());
            if outcome == Outcome::Complete {
                self.counters.downloads_took.add(now - began);
            }
            let bytes = progress.end - progress.start;
            self.counters.bytes += bytes;
            self.counters.bytes_on_wire += stats.bytes_on_wire;
            self.counters.segments += stats.segments_sent;
            self.counters.segments_resent += stats.segments_resent;
            self.counters.timeouts += stats.timeouts;
            let (stats, took) = (Box::new(stats), now - began);
            let event =
                TransferEvent::Served { session, transfer, file, outcome, bytes, stats, round_trip, took };
            self.queue.push_back(ServerOutput::Event(ServerEvent::Transfer(event)));
        }
        if let Stage::Offered(sender) = download.stage {
            download.stage = Stage::Over(sender);
        }
        self.downloads.insert(transfer, download);
        self.release(now, session);
    }
}
