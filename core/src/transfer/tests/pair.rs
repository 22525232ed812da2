//! The two endpoints, the link between them, and the file, whose bytes are a function of their offset.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use crate::node::Path;
use crate::seed::Seed;
use crate::time::Instant;
use crate::trace::{Event, LossCause};
use crate::transfer::receiver::ReceiverFailure;
use crate::transfer::{
    Offer, Outcome, Receiver, ReceiverConfig, ReceiverOutput, Sender, SenderConfig, SenderOutput,
};
use crate::wire::{self, Ack, Body, FileVersion, Hash, Packet, ProofKey, ResetCode, Ticket, TransferId};

/// One way of the link. 15 ms, as the interop runner of QUIC has it.
pub(super) const DELAY: Duration = Duration::from_millis(15);

/// Which way a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    ToClient,
    ToServer,
}

/// What happens to a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Deliver,
    Drop,
    Duplicate,
    /// So much later than the others.
    Late(Duration),
}

/// The link's mind: the ordinal counts the datagrams of a way, from 1.
pub(super) type Script = Box<dyn FnMut(Way, u64, &Packet) -> Fate>;

#[derive(Debug)]
struct Arrival {
    way: Way,
    path: Path,
    packet: Packet,
    length: usize,
}

pub(super) struct Pair {
    pub(super) now: Instant,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    pub(super) script: Script,
    /// The client's path, as the server sees it.
    pub(super) path: Path,
    /// Where the server sent to, in order of appearance.
    pub(super) sent_to: BTreeMap<Path, u64>,
    heap: BTreeMap<(Instant, u64), Arrival>,
    order: u64,
    ordinals: BTreeMap<Way, u64>,
    size: u64,
    /// Everything the receiver asked to be written, end of the last write.
    pub(super) written: u64,
    /// Written but not yet reported, while the disk is slow.
    pub(super) unreported: VecDeque<u64>,
    pub(super) slow_disk: bool,
    /// Reads are not answered while this is set; then all of them at once.
    pub(super) slow_share: bool,
    unread: VecDeque<u64>,
    /// What arrives at the client at the same instant is one batch, with one acknowledgment.
    pub(super) batched: bool,
    pub(super) restarted: bool,
    pub(super) wrong_digest: bool,
    pub(super) events: Vec<(Instant, Way, Event)>,
    pub(super) sender_outcome: Option<Outcome>,
    pub(super) finished: bool,
    pub(super) failure: Option<ReceiverFailure>,
}

pub(super) fn path(port: u16) -> Path {
    Path { remote: ([127, 0, 0, 1], port).into(), local: None }
}

pub(super) fn hash_of(size: u64) -> Hash {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&size.to_be_bytes());
    Hash(bytes)
}

/// Returns the key of the proofs in acknowledgments, the same in every pair.
pub(super) fn proofs() -> ProofKey {
    ProofKey::new([6; 16])
}

/// An acknowledgment of everything below `ack`, as one who got it all from the file's start on would say it.
pub(super) fn proven(ack: u64) -> Ack {
    Ack { ack, proof: proofs().of(0..ack), ..Ack::default() }
}

pub(super) fn version() -> FileVersion {
    FileVersion([3; 16])
}

/// What a pair is made of, to be changed by a test.
pub(super) struct Setup {
    pub(super) size: u64,
    pub(super) start: u64,
    pub(super) sender: SenderConfig,
    pub(super) receiver: ReceiverConfig,
}

impl Setup {
    pub(super) fn new(size: u64) -> Self {
        let mut receiver = ReceiverConfig::new(TransferId(77), Ticket([9; 16]));
        receiver.round_trip = 2 * DELAY;
        receiver.segment = 100;
        receiver.trace = true;
        let sender = SenderConfig { trace: true, max_segments: 4, ..SenderConfig::default() };
        Self { size, start: 0, sender, receiver }
    }

    pub(super) fn build(self) -> Pair {
        let now = Instant::from_millis(1000);
        let offer = Offer {
            transfer: self.receiver.transfer,
            ticket: self.receiver.ticket,
            size: self.size,
            version: version(),
            hash: (self.size == self.start).then(|| hash_of(self.size)),
            proofs: proofs(),
            start: self.start,
        };
        let nonces = Seed::from_number(1).stream("nonces");
        Pair {
            now,
            sender: Sender::new(now, self.sender, offer, nonces),
            receiver: Receiver::new(now, self.receiver),
            script: Box::new(|_, _, _| Fate::Deliver),
            path: path(5000),
            sent_to: BTreeMap::new(),
            heap: BTreeMap::new(),
            order: 0,
            ordinals: BTreeMap::new(),
            size: self.size,
            written: self.start,
            unreported: VecDeque::new(),
            slow_disk: false,
            slow_share: false,
            unread: VecDeque::new(),
            batched: false,
            restarted: false,
            wrong_digest: false,
            events: Vec::new(),
            sender_outcome: None,
            finished: false,
            failure: None,
        }
    }
}

impl Pair {
    pub(super) fn new(size: u64) -> Self {
        Setup::new(size).build()
    }

    pub(super) fn scripted(size: u64, script: impl FnMut(Way, u64, &Packet) -> Fate + 'static) -> Self {
        let mut pair = Self::new(size);
        pair.script = Box::new(script);
        pair
    }

    /// Runs until both sides are over, or for `most` of virtual time.
    pub(super) fn run(&mut self, most: Duration) {
        let end = self.now + most;
        while self.step(end) {}
    }

    /// Carries out the next thing that happens; false when nothing does until `end`.
    pub(super) fn step(&mut self, end: Instant) -> bool {
        self.drain();
        let arrival = self.heap.keys().next().map(|&(at, _)| at);
        let timers = [arrival, self.sender.deadline(), self.receiver.deadline()];
        let over = self.sender_outcome.is_some() && (self.finished || self.failure.is_some());
        let Some(next) = timers.into_iter().flatten().min().filter(|&at| at <= end && !over) else {
            self.now = if over { self.now } else { end };
            return false;
        };
        self.now = self.now.max(next);
        if arrival == Some(next) {
            let Some((_, arrival)) = self.heap.pop_first() else { return false };
            match arrival.way {
                Way::ToServer => {
                    self.sender.handle_packet(self.now, arrival.path, &arrival.packet, arrival.length);
                }
                Way::ToClient => {
                    self.receiver.handle_packet(self.now, &arrival.packet);
                    self.drain_receiver(Some(&arrival.packet));
                    let together =
                        self.heap.iter().next().is_some_and(|(&(at, _), it)| {
                            self.batched && at == next && it.way == Way::ToClient
                        });
                    if !together {
                        self.receiver.handle_batch_end(self.now);
                    }
                }
            }
        } else {
            self.sender.handle_timeout(self.now);
            self.receiver.handle_timeout(self.now);
        }
        self.drain();
        true
    }

    /// Hands a packet to the sender as if it came from `path`.
    pub(super) fn inject(&mut self, path: Path, packet: &Packet) {
        self.sender.handle_packet(self.now, path, packet, packet.encoded_len());
        self.drain();
    }

    pub(super) fn report_written(&mut self) {
        for through in core::mem::take(&mut self.unreported) {
            self.receiver.handle_written(self.now, through);
        }
        self.drain();
    }

    pub(super) fn answer_reads(&mut self) {
        while let Some(end) = self.unread.pop_front_if(|_| !self.slow_share) {
            let hash = (end == self.size).then(|| hash_of(self.size));
            self.sender.handle_read(self.now, end, hash);
        }
    }

    pub(super) fn drain(&mut self) {
        self.drain_sender();
        self.drain_receiver(None);
    }

    fn drain_sender(&mut self) {
        loop {
            while let Some(output) = self.sender.poll_output() {
                match output {
                    SenderOutput::Packet(path, packet) => self.offer(Way::ToClient, path, &packet),
                    SenderOutput::Read(range) => {
                        self.unread.push_back(range.end);
                        self.answer_reads();
                    }
                    SenderOutput::Forget(_) => {}
                    SenderOutput::Ended(outcome) => {
                        assert_eq!(self.sender_outcome, None, "it ends once");
                        self.sender_outcome = Some(outcome);
                    }
                    SenderOutput::Trace(event) => self.events.push((self.now, Way::ToClient, event)),
                }
            }
            let Some((path, batch)) = self.sender.poll_segments(self.now) else { return };
            let segments: Vec<_> = batch.segments().collect();
            for (transmission, range) in segments {
                self.offer(Way::ToClient, path, &batch.packet(transmission, &range));
            }
        }
    }

    fn drain_receiver(&mut self, arrived: Option<&Packet>) {
        while let Some(output) = self.receiver.poll_output() {
            match output {
                ReceiverOutput::Packet(packet) => self.offer(Way::ToServer, self.path, &packet),
                ReceiverOutput::Restart => {
                    self.restarted = true;
                    self.written = 0;
                }
                ReceiverOutput::Started { size, .. } => assert_eq!(size, self.size),
                ReceiverOutput::Write { offset, payload } => {
                    let Some(&Body::Data { offset: from, length, .. }) = arrived.map(|it| &it.body) else {
                        panic!("a write without a segment");
                    };
                    assert_eq!(offset, self.written, "writing is sequential");
                    assert_eq!(from + payload.start as u64, offset, "the right bytes");
                    assert!(payload.end <= length);
                    self.written += payload.len() as u64;
                    if self.slow_disk {
                        self.unreported.push_back(self.written);
                    } else {
                        self.receiver.handle_written(self.now, self.written);
                    }
                }
                ReceiverOutput::Digest => {
                    assert_eq!(self.written, self.size);
                    let found = if self.wrong_digest { Hash([0; 32]) } else { hash_of(self.size) };
                    self.receiver.handle_digest(self.now, found);
                }
                ReceiverOutput::Commit => self.receiver.handle_committed(self.now),
                ReceiverOutput::Discard => self.written = 0,
                ReceiverOutput::Finished => self.finished = true,
                ReceiverOutput::Failed(failure) => self.failure = Some(failure),
                ReceiverOutput::Trace(event) => self.events.push((self.now, Way::ToServer, event)),
            }
        }
    }

    fn offer(&mut self, way: Way, path: Path, packet: &Packet) {
        let ordinal = self.ordinals.entry(way).or_default();
        *ordinal += 1;
        let fate = (self.script)(way, *ordinal, packet);
        let length = match packet.body {
            Body::Data { length, .. } => wire::DATA_HEADER_LEN + length,
            _ => packet.encode().len(),
        };
        if way == Way::ToClient {
            *self.sent_to.entry(path).or_default() += length as u64;
            if path != self.path {
                return;
            }
        }
        let mut deliver = |after: Duration| {
            self.order += 1;
            let arrival = Arrival { way, path: self.path, packet: packet.clone(), length };
            self.heap.insert((self.now + after, self.order), arrival);
        };
        match fate {
            Fate::Deliver => deliver(DELAY),
            Fate::Drop => {}
            Fate::Duplicate => {
                deliver(DELAY);
                deliver(DELAY);
            }
            Fate::Late(by) => deliver(DELAY + by),
        }
    }

    /// Both sides are done, and the file is there.
    pub(super) fn assert_complete(&self) {
        assert!(self.finished, "at {}: {:?} {:?}", self.now, self.failure, self.receiver);
        assert_eq!(self.written, self.size);
        assert_eq!(self.sender_outcome, Some(Outcome::Complete), "at {}: {:?}", self.now, self.sender);
    }

    pub(super) fn went_back(&self) -> Vec<LossCause> {
        let cause = |(_, _, event): &(Instant, Way, Event)| match event {
            Event::WentBack { cause, .. } => Some(*cause),
            _ => None,
        };
        self.events.iter().filter_map(cause).collect()
    }

    pub(super) fn offered(&self, way: Way) -> u64 {
        self.ordinals.get(&way).copied().unwrap_or_default()
    }
}

/// The transfer ends by itself within this, whatever single thing happens to it.
pub(super) const SOON: Duration = Duration::from_secs(20);

pub(super) const STOPPED: ResetCode = ResetCode::Stopped;
