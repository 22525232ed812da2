//! A server that is there and brings nothing: what it says does not hold its client for ever.

use core::time::Duration;

use super::pair::{hash_of, version};
use crate::time::Instant;
use crate::transfer::SILENCE;
use crate::transfer::receiver::{Receiver, ReceiverConfig, ReceiverFailure, ReceiverOutput};
use crate::wire::{Body, CongestionChoice, Nonce, Packet, Proof, Recovery, SynAck, Ticket, TransferId};

const SIZE: u64 = 100_000;
const TRANSFER: TransferId = TransferId(7);

/// A receiver that has its first segment, and a server that may say anything.
struct Scene {
    now: Instant,
    receiver: Receiver,
    transmission: u64,
    failure: Option<(Instant, ReceiverFailure)>,
}

impl Scene {
    fn new(least: u64) -> Self {
        let now = Instant::from_millis(1000);
        let config = ReceiverConfig { least, ..ReceiverConfig::new(TRANSFER, Ticket([0; 16])) };
        let receiver = Receiver::new(now, config);
        let mut scene = Self { now, receiver, transmission: 0, failure: None };
        scene.hear(Body::SynAck(Box::new(SynAck {
            nonce: Nonce(1),
            size: SIZE,
            version: version(),
            start: 0,
            hash: None,
            recovery: Recovery::GoBackN,
            congestion: CongestionChoice::Classic,
            segment: 1200,
        })));
        scene.hear_bytes(0, 1200);
        scene
    }

    fn hear(&mut self, body: Body) {
        self.transmission += 1;
        let packet = Packet { transfer: TRANSFER, transmission: self.transmission, body };
        self.receiver.handle_packet(self.now, &packet);
        self.receiver.handle_batch_end(self.now);
        self.drain();
    }

    fn hear_bytes(&mut self, offset: u64, length: usize) {
        self.hear(Body::Data { offset, proof: Proof(0), length, ack_now: true });
        self.receiver.handle_written(self.now, offset + length as u64);
        self.drain();
    }

    /// A second passes.
    fn tick(&mut self) {
        let end = self.now + Duration::from_secs(1);
        while let Some(at) = self.receiver.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.receiver.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(output) = self.receiver.poll_output() {
            if let ReceiverOutput::Failed(failure) = output {
                self.failure.get_or_insert((self.now, failure));
            }
        }
    }
}

#[test]
fn what_brings_nothing_of_the_file_does_not_put_off_the_end() {
    let empty_words: [fn(u64) -> Body; 5] = [
        |nxt| Body::Probe { nxt },
        |_| Body::End { size: SIZE, hash: hash_of(SIZE) },
        |_| Body::Data { offset: 0, proof: Proof(0), length: 1200, ack_now: true },
        |nxt| Body::Data { offset: nxt + 1200, proof: Proof(0), length: 1200, ack_now: true },
        |second| Body::PathChallenge(Nonce(second)),
    ];
    for (index, empty_word) in empty_words.into_iter().enumerate() {
        let mut scene = Scene::new(1);
        let begin = scene.now;
        while scene.failure.is_none() {
            scene.tick();
            scene.hear(empty_word(2400));
            assert!(scene.now - begin < SILENCE * 2, "word {index} holds the client");
        }
        assert_eq!(scene.failure, Some((begin + SILENCE, ReceiverFailure::Stalled)), "word {index}");
    }
}

#[test]
fn a_byte_a_second_is_progress_unless_the_user_wants_more() {
    for (least, fails) in [(1, false), (50, false), (100, true)] {
        let mut scene = Scene::new(least);
        for offset in 1200..1400 {
            scene.tick();
            if scene.failure.is_none() {
                scene.hear_bytes(offset, 1);
            }
        }
        assert_eq!(scene.failure.is_some(), fails, "{least}");
    }
}

#[test]
fn a_server_that_we_hold_back_need_only_be_there() {
    let mut scene = Scene::new(1);
    scene.receiver.pause(scene.now);
    for _ in 0..200 {
        scene.tick();
        scene.hear(Body::Probe { nxt: 1200 });
    }
    assert_eq!(scene.failure, None);
    scene.receiver.resume(scene.now);
    let resumed = scene.now;
    while scene.failure.is_none() {
        scene.tick();
        scene.hear(Body::Probe { nxt: 1200 });
        assert!(scene.now - resumed < SILENCE * 2);
    }
    // The probe before was the last that counted.
    assert_eq!(scene.failure, Some((resumed + SILENCE, ReceiverFailure::Stalled)));
}
