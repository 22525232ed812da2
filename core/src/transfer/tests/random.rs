//! Whole transfers over links, disks and users drawn from a seed. Each ends as it must, within a bound computed from
//! what was drawn, and whatever happens on the way the windows are kept, nobody unproven is sent more than it sent,
//! timers run out when they are due and at no other time, and nothing is left at the end.
//!
//! A failure names its seed; [`transfer`] with that seed is the same transfer again.

mod case;

use core::ops::Range;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use case::{Act, Case, ms};

use super::pair::{Way, hash_of, path, proofs, version};
use crate::node::Path;
use crate::seed::{Seed, Stream};
use crate::time::Instant;
use crate::trace::Event;
use crate::transfer::{
    MIN_BUDGET, Offer, Outcome, QUIET, Receiver, ReceiverConfig, ReceiverFailure, ReceiverOutput, SILENCE,
    Sender, SenderConfig, SenderOutput,
};
use crate::wire::{Body, Packet, ResetCode, Ticket, TransferId};

/// So many in each run of the tests: about a second.
const SEEDS: u64 = 20_000;

/// So many by hand: `cargo test -p backchat-core -- --ignored random`.
const MANY_SEEDS: u64 = 200_000;

/// A link that is dark for longer than this may end the transfer: less is bridged by repeats.
const BRIDGED: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Arrival {
    way: Way,
    path: Path,
    packet: Packet,
}

struct World {
    case: Case,
    began: Instant,
    now: Instant,
    sender: Sender,
    receiver: Receiver,
    link: Stream,
    disk: Stream,
    path: Path,
    heap: BTreeMap<(Instant, u64), Arrival>,
    order: u64,
    acts: VecDeque<(Instant, Act)>,
    /// Reads that are on their way: until when.
    reads: VecDeque<(Instant, Range<u64>)>,
    /// The ranges that have been read, as a driver holds them.
    held: VecDeque<Range<u64>>,
    /// Up to which byte, and until when.
    writes: VecDeque<(Instant, u64)>,
    blocked: Option<Instant>,
    written: u64,
    /// The highest limit that the receiver ever told.
    limit: u64,
    /// Bytes that came from a path, and went there; and those that sent back a nonce.
    from: BTreeMap<Path, u64>,
    to: BTreeMap<Path, u64>,
    proven: BTreeSet<Path>,
    outcome: Option<Outcome>,
    finished: bool,
    failure: Option<ReceiverFailure>,
    ended_at: Option<Instant>,
}

impl World {
    fn new(case: Case) -> Self {
        let now = Instant::from_millis(1000);
        let mut receiver = ReceiverConfig::new(TransferId(77), Ticket([9; 16]));
        receiver.segment = case.segment;
        receiver.window = case.window;
        receiver.have = case.have;
        receiver.congestion = case.congestion;
        receiver.limit_rate = case.rate;
        receiver.round_trip = case.delay * 2;
        receiver.trace = true;
        let memory = if case.seed.is_multiple_of(2) { MIN_BUDGET } else { 8 << 20 };
        let config =
            SenderConfig { trace: true, max_segments: case.max_segments, memory, ..SenderConfig::default() };
        let offer = Offer {
            transfer: receiver.transfer,
            ticket: receiver.ticket,
            size: case.size,
            version: version(),
            hash: (case.size == case.start).then(|| hash_of(case.size)),
            proofs: proofs(),
            start: case.start,
        };
        let seed = Seed::from_number(case.seed);
        Self {
            began: now,
            now,
            sender: Sender::new(now, config, offer, seed.stream("nonces")),
            receiver: Receiver::new(now, receiver),
            link: seed.stream("link"),
            disk: seed.stream("disk"),
            path: path(5000),
            heap: BTreeMap::new(),
            order: 0,
            acts: case.acts.iter().map(|&(at, act)| (now + at, act)).collect(),
            reads: VecDeque::new(),
            held: VecDeque::new(),
            writes: VecDeque::new(),
            blocked: None,
            written: case.start,
            limit: case.start,
            from: BTreeMap::new(),
            to: BTreeMap::new(),
            proven: BTreeSet::new(),
            outcome: None,
            finished: false,
            failure: None,
            ended_at: None,
            case,
        }
    }

    /// Carries out the next thing that happens; false when nothing ever will.
    fn step(&mut self) -> bool {
        self.drain(None);
        let arrival = self.heap.keys().next().map(|&(at, _)| at);
        let (read, write) = (self.reads.front().map(|it| it.0), self.writes.front().map(|it| it.0));
        let act = self.acts.front().map(|it| it.0);
        let deadlines = [self.sender.deadline(), self.receiver.deadline()];
        let others = [arrival, read, write, act, self.blocked];
        let Some(next) = deadlines.into_iter().chain(others).flatten().min() else { return false };
        self.now = self.now.max(next);
        let now = self.now;
        if self.blocked == Some(next) {
            self.blocked = None;
        } else if act == Some(next) {
            self.act();
        } else if read == Some(next) {
            if let Some((_, range)) = self.reads.pop_front() {
                let hash = (range.end == self.case.size).then(|| hash_of(range.end));
                if self.held.back().is_some_and(|last| last.end != range.start) {
                    self.held.clear();
                }
                let end = range.end;
                self.held.push_back(range);
                self.sender.handle_read(now, end, hash);
                // An operator, or others who come and go.
                if self.disk.below(4) == 0 {
                    self.sender.set_budget(now, self.disk.below(1 << 20));
                }
            }
        } else if write == Some(next) {
            if let Some((_, through)) = self.writes.pop_front() {
                self.receiver.handle_written(now, through);
            }
        } else if arrival == Some(next) {
            self.arrive(next);
        } else {
            self.expire(deadlines);
        }
        self.drain(None);
        true
    }

    /// Calls those that are due, and those that are not as well: that does nothing.
    fn expire(&mut self, [sender, receiver]: [Option<Instant>; 2]) {
        self.sender.handle_timeout(self.now);
        if sender.is_none_or(|at| at > self.now) {
            assert_eq!(self.sender.poll_output(), None, "the sender was not due");
        }
        self.receiver.handle_timeout(self.now);
        if receiver.is_none_or(|at| at > self.now) {
            assert_eq!(self.receiver.poll_output(), None, "the receiver was not due");
        }
        let deadlines = [self.sender.deadline(), self.receiver.deadline()];
        assert!(
            deadlines.into_iter().flatten().all(|at| at > self.now),
            "what was due is done: {deadlines:?}"
        );
    }

    fn act(&mut self) {
        let Some((_, act)) = self.acts.pop_front() else { return };
        match act {
            Act::Pause => self.receiver.pause(self.now),
            Act::Resume => self.receiver.resume(self.now),
            Act::Move(path) => self.path = path,
            Act::Stop => self.receiver.abort(self.now, ResetCode::Stopped),
            Act::Abort => self.sender.abort(self.now, ResetCode::SessionOver),
        }
    }

    /// Everything that arrives at the same instant arrives together, as one batch.
    fn arrive(&mut self, at: Instant) {
        let mut to_client = false;
        while let Some(first) = self.heap.first_entry().filter(|it| it.key().0 == at) {
            let Arrival { way, path, packet } = first.remove();
            match way {
                Way::ToServer => {
                    let length = packet.encoded_len();
                    *self.from.entry(path).or_default() += length as u64;
                    if matches!(packet.body, Body::Confirm(..) | Body::PathResponse(_)) {
                        self.proven.insert(path);
                    }
                    self.sender.handle_packet(self.now, path, &packet, length);
                }
                Way::ToClient if path == self.path => {
                    to_client = true;
                    self.receiver.handle_packet(self.now, &packet);
                    self.drain(Some(&packet));
                }
                Way::ToClient => {}
            }
        }
        if to_client {
            self.receiver.handle_batch_end(self.now);
        }
    }

    fn drain(&mut self, arrived: Option<&Packet>) {
        self.drain_receiver(arrived);
        self.drain_sender();
    }

    fn drain_sender(&mut self) {
        loop {
            while let Some(output) = self.sender.poll_output() {
                match output {
                    SenderOutput::Packet(path, packet) => self.offer(Way::ToClient, path, &packet),
                    SenderOutput::Read(range) => {
                        let before = self.reads.back().map_or(self.now, |it| it.0);
                        let at = before.max(self.now + self.up_to(self.case.read));
                        self.reads.push_back((at, range));
                    }
                    SenderOutput::Forget(below) => self.held.retain(|piece| piece.end > below),
                    SenderOutput::Ended(outcome) => {
                        assert_eq!(self.outcome.replace(outcome), None, "it ends once");
                    }
                    SenderOutput::Trace(Event::SegmentsSent { range, in_flight, cwnd, limit, .. }) => {
                        assert!(in_flight <= cwnd && range.end <= limit && limit <= self.limit);
                        assert!(in_flight > 0 && in_flight <= range.end - self.case.start);
                    }
                    SenderOutput::Trace(_) => {}
                }
            }
            if self.blocked.is_some() {
                return;
            }
            let Some((path, batch)) = self.sender.poll_segments(self.now) else { return };
            assert!(self.proven.contains(&path), "segments go where the client is");
            assert!(batch.count() <= self.case.max_segments);
            let (first, last) = (self.held.front(), self.held.back());
            let is_held = first.is_some_and(|first| first.start <= batch.range().start)
                && last.is_some_and(|last| batch.range().end <= last.end);
            assert!(is_held, "what is sent is in memory: {:?} of {:?}", batch.range(), self.held);
            for (transmission, range) in batch.segments().collect::<Vec<_>>() {
                self.offer(Way::ToClient, path, &batch.packet(transmission, &range));
            }
            let block = self.up_to(self.case.block);
            self.blocked = (!block.is_zero()).then_some(self.now + block);
        }
    }

    fn drain_receiver(&mut self, arrived: Option<&Packet>) {
        while let Some(output) = self.receiver.poll_output() {
            match output {
                ReceiverOutput::Packet(packet) => {
                    if let Body::Ack(ack) | Body::Confirm(_, ack) = packet.body {
                        assert!(ack.limit >= self.limit, "the limit never goes down");
                        self.limit = ack.limit;
                    }
                    self.offer(Way::ToServer, self.path, &packet);
                }
                ReceiverOutput::Restart => self.written = 0,
                ReceiverOutput::Started { size, start, .. } => {
                    assert_eq!((size, start), (self.case.size, self.case.start));
                }
                ReceiverOutput::Write { offset, payload } => {
                    let Some(&Body::Data { offset: from, length, .. }) = arrived.map(|it| &it.body) else {
                        panic!("a write without a segment");
                    };
                    assert!(offset == self.written && from + payload.start as u64 == offset);
                    assert!(payload.end <= length && payload.start < payload.end);
                    self.written += payload.len() as u64;
                    let before = self.writes.back().map_or(self.now, |it| it.0);
                    let at = before.max(self.now + self.up_to(self.case.write));
                    self.writes.push_back((at, self.written));
                }
                ReceiverOutput::Digest => {
                    assert!(self.written == self.case.size && self.writes.is_empty());
                    self.receiver.handle_digest(self.now, hash_of(self.case.size));
                }
                ReceiverOutput::Commit => self.receiver.handle_committed(self.now),
                ReceiverOutput::Discard => panic!("the hash is right"),
                ReceiverOutput::Finished => {
                    assert!(!self.finished && self.failure.is_none(), "it ends once");
                    self.finished = true;
                    self.ended_at = Some(self.now);
                }
                ReceiverOutput::Failed(failure) => {
                    assert!(!self.finished && self.failure.is_none(), "it ends once");
                    self.failure = Some(failure);
                    self.ended_at = Some(self.now);
                }
                ReceiverOutput::Trace(_) => {}
            }
        }
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        Duration::from_nanos(self.disk.below(most.as_nanos() as u64 + 1))
    }

    fn offer(&mut self, way: Way, path: Path, packet: &Packet) {
        let length = packet.encoded_len();
        if way == Way::ToClient {
            let sent = self.to.entry(path).or_default();
            *sent += length as u64;
            let paid = self.from.get(&path).copied().unwrap_or_default();
            assert!(self.proven.contains(&path) || *sent <= paid, "{sent} bytes for {paid} to {path:?}");
        }
        let (from, to) = (self.began + self.case.dark.0, self.began + self.case.dark.1);
        let is_dark = self.now >= from && self.now < to;
        if is_dark || self.case.mtu.is_some_and(|mtu| length > mtu) || self.link.below(1000) < self.case.loss
        {
            return;
        }
        for _ in 0..1 + u64::from(self.link.below(1000) < self.case.double) {
            let jitter = self.link.below(self.case.jitter.as_nanos() as u64 + 1);
            self.order += 1;
            let at = self.now + self.case.delay + Duration::from_nanos(jitter);
            let packet = packet.clone();
            self.heap.insert((at, self.order), Arrival { way, path, packet });
        }
    }

    fn is_over(&self) -> bool {
        self.outcome.is_some() && (self.finished || self.failure.is_some())
    }
}

/// Runs one transfer to its end and beyond.
fn transfer(seed: u64) {
    let case = Case::draw(seed);
    let bound = case.bound();
    let is_ended = case.has(Act::Stop) || case.has(Act::Abort);
    let is_cut = case.dark.1 - case.dark.0 > BRIDGED;
    let mut world = World::new(case);
    let end = world.began + bound + SILENCE * 2;
    while !world.is_over() && world.now < end && world.step() {}
    let ended_at = world.ended_at;
    let took = ended_at.unwrap_or(world.now) - world.began;
    let World { case, sender, receiver, outcome, failure, finished, .. } = &world;
    let say = || format!("{case:?}\n{sender:?}\n{receiver:?}\n{outcome:?} {failure:?} after {took:?}");
    assert!(world.is_over(), "both sides end: {}", say());
    if *finished {
        assert_eq!(world.written, case.size, "{}", say());
        assert!(took <= bound, "within {bound:?}: {}", say());
    } else {
        assert!(is_ended || is_cut, "no reason to fail: {}", say());
        assert!(took <= bound + SILENCE, "given up in time: {}", say());
    }
    match outcome {
        Some(Outcome::Complete) => {
            assert!(receiver.stats().segments_received >= u64::from(case.size > case.start));
        }
        // The client has the file, and its answers to `END` were lost; or it has moved since.
        Some(Outcome::Aborted(ResetCode::Silence)) if *finished => {
            let may_be_lost = case.loss > 0 || case.dark.0 < case.dark.1;
            assert!(may_be_lost || is_ended, "{}", say());
        }
        _ => assert!(is_ended || is_cut, "{}", say()),
    }
    if case.is_clean() && *finished {
        assert_eq!((sender.stats().timeouts, sender.stats().went_back), (0, 0), "{}", say());
        assert_eq!(sender.stats().segments_resent, 0, "{}", say());
    }
    // What is still under way arrives, timers run out, and then nothing is left.
    let end = world.now + QUIET + case.round_trip() + case.read + case.write + ms(1000) + bound;
    while world.step() {
        assert!(world.now <= end, "it ends: {:?} {:?}", world.sender, world.receiver);
    }
    let World { case, sender, receiver, .. } = &world;
    assert!(sender.is_closed() && receiver.is_closed(), "{case:?}\n{sender:?}\n{receiver:?}");
}

fn transfers(seeds: Range<u64>) {
    for seed in seeds {
        let result = std::panic::catch_unwind(|| transfer(seed));
        assert!(result.is_ok(), "reproduce with transfer({seed})");
    }
}

#[test]
fn random_transfers_end_as_they_must_within_their_bounds() {
    transfers(0..SEEDS);
}

#[test]
#[ignore = "ten seconds; by hand"]
fn many_random_transfers_end_as_they_must_within_their_bounds() {
    std::thread::scope(|scope| {
        let (first, second) = (0..MANY_SEEDS / 2, MANY_SEEDS / 2..MANY_SEEDS);
        scope.spawn(|| transfers(first));
        scope.spawn(|| transfers(second));
    });
}
