//! A sender and a receiver whose packets are lost, doubled, overtaken, changed and made up, whose disks and users do
//! anything, at any time. Their invariants are checked after every input; here, that the file is written in order, and
//! that a download which has its file has all of it.
#![no_main]

use std::collections::VecDeque;
use std::time::Duration;

use backchat_core::node::Path;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use backchat_core::transfer::{
    Offer, Receiver, ReceiverConfig, ReceiverOutput, Sender, SenderConfig, SenderOutput,
};
use backchat_core::wire::{
    self, Body, CongestionChoice, FileVersion, Hash, Packet, ProofKey, ResetCode, Ticket, TransferId,
};
use libfuzzer_sys::fuzz_target;

const TRANSFER: TransferId = TransferId(77);
const SEGMENT: u16 = 100;

/// Packets that are under way in one direction; more are lost.
const UNDER_WAY: usize = 256;

const RIGHT: Hash = Hash([7; 32]);
const WRONG: Hash = Hash([8; 32]);

struct Pair {
    now: Instant,
    sender: Sender,
    receiver: Receiver,
    size: u64,
    port: u16,
    to_client: VecDeque<Packet>,
    to_server: VecDeque<Packet>,
    /// Where each read that was asked for ends.
    reads: VecDeque<u64>,
    written: u64,
    digest: Option<Hash>,
    is_digest_wanted: bool,
    is_commit_wanted: bool,
}

impl Pair {
    fn new(size: u64, have: u64, is_kept: bool, congestion: CongestionChoice) -> Self {
        let now = Instant::from_millis(1000);
        let start = if is_kept { have } else { 0 };
        let ticket = Ticket([9; 16]);
        let receiver = ReceiverConfig {
            round_trip: Duration::from_millis(30),
            congestion,
            segment: SEGMENT,
            have,
            window: 4096,
            ..ReceiverConfig::new(TRANSFER, ticket)
        };
        let sender = SenderConfig { max_segments: 4, memory: 64 << 10, ..SenderConfig::default() };
        let offer = Offer {
            transfer: TRANSFER,
            ticket,
            size,
            version: FileVersion([3; 16]),
            hash: (size == start).then_some(RIGHT),
            proofs: ProofKey::new([6; 16]),
            start,
        };
        Self {
            now,
            sender: Sender::new(now, sender, offer, Seed::from_number(1).stream("nonces")),
            receiver: Receiver::new(now, receiver),
            size,
            port: 5000,
            to_client: VecDeque::new(),
            to_server: VecDeque::new(),
            reads: VecDeque::new(),
            written: have,
            digest: None,
            is_digest_wanted: false,
            is_commit_wanted: false,
        }
    }

    fn path(&self) -> Path {
        Path { remote: ([127, 0, 0, 1], self.port).into(), local: None }
    }

    /// Takes everything that both want done.
    fn drain(&mut self, arrived: Option<&Packet>) {
        while let Some(output) = self.receiver.poll_output() {
            match output {
                ReceiverOutput::Packet(packet) => push(&mut self.to_server, packet),
                ReceiverOutput::Restart => self.written = 0,
                ReceiverOutput::Write { offset, payload } => {
                    let Some(&Body::Data { offset: from, length, .. }) = arrived.map(|it| &it.body) else {
                        panic!("a write without a segment");
                    };
                    assert_eq!(offset, self.written, "in order");
                    assert_eq!(from + payload.start as u64, offset, "the right bytes");
                    assert!(payload.start < payload.end && payload.end <= length);
                    self.written += payload.len() as u64;
                }
                ReceiverOutput::Digest => self.is_digest_wanted = true,
                ReceiverOutput::Commit => {
                    assert!(self.receiver.has_everything());
                    assert_eq!(self.written, self.receiver.size(), "all of it");
                    assert!(self.digest.is_some(), "its hash was compared");
                    self.is_commit_wanted = true;
                }
                ReceiverOutput::Started { .. }
                | ReceiverOutput::Discard
                | ReceiverOutput::Finished
                | ReceiverOutput::Failed(_)
                | ReceiverOutput::Trace(_) => {}
            }
        }
        loop {
            while let Some(output) = self.sender.poll_output() {
                match output {
                    SenderOutput::Packet(_, packet) => push(&mut self.to_client, packet),
                    SenderOutput::Read(range) => {
                        assert!(range.start < range.end && range.end <= self.size, "{range:?}");
                        self.reads.push_back(range.end);
                    }
                    SenderOutput::Forget(_) | SenderOutput::Ended(_) | SenderOutput::Trace(_) => {}
                }
            }
            let Some((_, batch)) = self.sender.poll_segments(self.now) else { return };
            for (transmission, range) in batch.segments() {
                push(&mut self.to_client, batch.packet(transmission, &range));
            }
        }
    }

    fn hand_to_client(&mut self, packet: &Packet) {
        self.receiver.handle_packet(self.now, packet);
        self.drain(Some(packet));
        self.receiver.handle_batch_end(self.now);
    }

    fn hand_to_server(&mut self, packet: &Packet) {
        let length = packet.body.encoded_len();
        self.sender.handle_packet(self.now, self.path(), packet, length);
    }

    fn expire(&mut self) {
        if self.sender.deadline().is_some_and(|at| at <= self.now) {
            self.sender.handle_timeout(self.now);
        }
        if self.receiver.deadline().is_some_and(|at| at <= self.now) {
            self.receiver.handle_timeout(self.now);
        }
    }
}

fn push(queue: &mut VecDeque<Packet>, packet: Packet) {
    if queue.len() < UNDER_WAY {
        queue.push_back(packet);
    }
}

/// A packet with another byte, as somebody sends it who computes its checksum.
fn changed(packet: &Packet, at: u8, byte: u8) -> Option<Packet> {
    let mut changed = packet.clone();
    if let Body::Data { offset, length, .. } = &mut changed.body {
        *offset = offset.wrapping_add_signed(i64::from(byte.cast_signed()) * i64::from(at));
        *length = usize::from(at);
        return Some(changed);
    }
    let mut bytes = packet.encode();
    let at = usize::from(at) % bytes.len();
    bytes[at] = byte;
    wire::seal(&mut bytes);
    wire::decode(&bytes).ok()
}

/// A packet of somebody who knows which download there is.
fn made_up(bytes: &[u8]) -> Option<Packet> {
    let mut bytes = bytes.to_vec();
    wire::seal(&mut bytes);
    Some(Packet { transfer: TRANSFER, ..wire::decode(&bytes).ok()? })
}

fuzz_target!(|script: &[u8]| {
    let [size, have, how, rest @ ..] = script else { return };
    let size = u64::from(*size) * u64::from(*size);
    let have = size.min(u64::from(*have) * u64::from(*have));
    let congestion = match how / 2 {
        0 => CongestionChoice::Classic,
        segments => CongestionChoice::Fixed(segments.into()),
    };
    let mut pair = Pair::new(size, have, how % 2 == 0, congestion);
    pair.drain(None);
    let mut rest = rest;
    // Each step is two bytes: what happens, and how much or to which packet.
    while let [what, much, tail @ ..] = rest {
        rest = tail;
        let now = pair.now;
        match what % 20 {
            0..=2 => {
                for _ in 0..=much % 32 {
                    let Some(packet) = pair.to_client.pop_front() else { break };
                    pair.hand_to_client(&packet);
                }
            }
            3..=5 => {
                for _ in 0..=much % 32 {
                    let Some(packet) = pair.to_server.pop_front() else { break };
                    pair.hand_to_server(&packet);
                    pair.drain(None);
                }
            }
            6 => drop(pair.to_client.remove(usize::from(*much))),
            7 => drop(pair.to_server.remove(usize::from(*much))),
            8 => {
                if let Some(packet) = pair.to_client.get(usize::from(*much)).cloned() {
                    pair.hand_to_client(&packet);
                }
            }
            9 => {
                if let Some(packet) = pair.to_server.get(usize::from(*much)).cloned() {
                    pair.hand_to_server(&packet);
                }
            }
            10 | 11 => {
                let &[byte, ref tail @ ..] = rest else { break };
                rest = tail;
                let to_client = what % 20 == 10;
                let queue = if to_client { &pair.to_client } else { &pair.to_server };
                if let Some(packet) = queue.front().and_then(|packet| changed(packet, *much, byte)) {
                    if to_client { pair.hand_to_client(&packet) } else { pair.hand_to_server(&packet) }
                }
            }
            12 => {
                let (bytes, tail) = rest.split_at(usize::from(*much).min(rest.len()));
                rest = tail;
                if let Some(packet) = made_up(bytes) {
                    pair.hand_to_client(&packet);
                    pair.drain(None);
                    pair.hand_to_server(&packet);
                }
            }
            13 => {
                pair.now = now + Duration::from_millis(u64::from(*much) * u64::from(*much));
                pair.expire();
            }
            14 => {
                for _ in 0..=much % 8 {
                    let Some(end) = pair.reads.pop_front() else { break };
                    pair.sender.handle_read(now, end, (end == size).then_some(RIGHT));
                    pair.drain(None);
                }
            }
            15 => {
                let through = pair.written.saturating_sub(u64::from(*much) * u64::from(*much));
                pair.receiver.handle_written(now, through);
            }
            16 if std::mem::take(&mut pair.is_digest_wanted) => {
                let digest = if much % 4 == 0 { WRONG } else { RIGHT };
                pair.digest = Some(digest);
                pair.receiver.handle_digest(now, digest);
            }
            16 if std::mem::take(&mut pair.is_commit_wanted) => pair.receiver.handle_committed(now),
            16 => pair.port = 5000 + u16::from(much % 4),
            17 if much % 2 == 0 => pair.receiver.pause(now),
            17 => pair.receiver.resume(now),
            18 => pair.sender.set_budget(now, u64::from(*much) << 10),
            _ => match much % 16 {
                0 => pair.sender.abort(now, ResetCode::Stopped),
                1 => pair.receiver.abort(now, ResetCode::Stopped),
                2 => pair.sender.on_woken(now),
                3 => pair.receiver.on_woken(now),
                _ => pair.expire(),
            },
        }
        pair.drain(None);
    }
});
