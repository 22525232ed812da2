//! Receivers that say what is not so: they are not believed, or not for long.

use core::time::Duration;

use super::pair::{DELAY, Fate, Pair, SOON, Setup, Way, hash_of, path, proofs, proven};
use crate::time::Instant;
use crate::trace::{DropReason, Event};
use crate::transfer::{Outcome, ReceiverFailure, SILENCE};
use crate::wire::{Ack, Body, CongestionChoice, Hash, Packet, Proof, ResetCode, TransferId};

/// A download with a window of 64 segments of 1,200 bytes that has got somewhere; from then on its receiver is somebody
/// else's, who says what it likes and gets what it likes.
fn taken_over(size: u64) -> Pair {
    let mut setup = Setup::new(size);
    setup.receiver.congestion = CongestionChoice::Fixed(64);
    setup.receiver.segment = 1200;
    let mut pair = setup.build();
    while pair.written < 200_000 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    pair.script = Box::new(|_, _, _| Fate::Drop);
    pair.run(2 * DELAY);
    pair
}

fn says(pair: &mut Pair, transmission: u64, ack: Ack) {
    let ack = Ack { limit: 1 << 40, seen: transmission, ..ack };
    let body = Body::Ack(ack);
    pair.inject(
        path(5000),
        &Packet { transfer: TransferId(77), transmission: (1 << 40) + transmission, body },
    );
}

fn unproven(pair: &Pair) -> usize {
    let is_one = |event: &Event| *event == Event::Dropped { reason: DropReason::Unproven };
    pair.events.iter().filter(|(_, _, event)| is_one(event)).count()
}

/// Returns the end of the bytes that the sender takes for acknowledged, and the end of those that it has
/// sent.
fn una_and_max(pair: &Pair) -> (u64, u64) {
    let sent = pair.events.iter().filter_map(|(_, _, event)| match event {
        Event::SegmentsSent { range, .. } => Some(range.end),
        _ => None,
    });
    (pair.sender.progress().end, sent.max().unwrap_or_default())
}

#[test]
fn what_did_not_arrive_cannot_be_acknowledged_and_trying_ends_the_download() {
    let mut pair = taken_over(1_000_000);
    let (una, max) = una_and_max(&pair);
    assert!(max > una);
    let before = pair.sender.stats().segments_sent;
    // The last proof that it had, none at all, and a guess.
    let right = proofs().of(0..max);
    for (said, proof) in (1..).zip([proven(una).proof, Proof(0), Proof(right.0 ^ 1)]) {
        says(&mut pair, 1_000 + said, Ack { ack: max, proof, ..Ack::default() });
    }
    assert_eq!((una_and_max(&pair), unproven(&pair)), ((una, max), 3));
    assert_eq!(pair.sender.stats().segments_sent, before, "nothing is sent for it");
    assert_eq!(pair.sender_outcome, Some(Outcome::Aborted(ResetCode::Protocol)));
}

#[test]
fn who_has_the_proof_is_believed() {
    let mut pair = taken_over(1_000_000);
    let (una, max) = una_and_max(&pair);
    says(&mut pair, 1_000, proven(max));
    assert!(una_and_max(&pair).0 == max && max > una);
}

#[test]
fn losses_that_are_claimed_cost_two_windows_and_then_four_segments_a_round_trip_until_silence_is_over() {
    let mut pair = taken_over(1_000_000);
    let (una, _) = una_and_max(&pair);
    let before = pair.sender.stats().segments_sent;
    let (began, mut said) = (pair.now, 1_000);
    // A hundred claims a millisecond for more than a minute, each of a loss that nobody had.
    while pair.sender_outcome.is_none() {
        assert!(pair.now - began < SILENCE + Duration::from_secs(5), "it goes on: {:?}", pair.sender);
        for _ in 0..if said < 100_000 { 100 } else { 1 } {
            said += 1;
            says(&mut pair, said, Ack { discarded: u32::MAX, ..proven(una) });
        }
        pair.run(Duration::from_millis(1));
    }
    assert_eq!(pair.sender_outcome, Some(Outcome::Aborted(ResetCode::Silence)));
    let round_trips = ((pair.now - began).as_millis() / (2 * DELAY).as_millis()) as u64;
    let sent = pair.sender.stats().segments_sent - before;
    assert!(sent <= 3 * 64 + 4 * round_trips, "{sent} segments in {round_trips} round trips");
}

#[test]
fn a_client_that_cannot_prove_anything_is_told_so_at_once() {
    let mut pair = Setup::new(1_000).build();
    // As one of an earlier build.
    let mut first = None;
    while let Some(output) = pair.receiver.poll_output() {
        if let crate::transfer::ReceiverOutput::Packet(packet) = output {
            first = Some(packet);
        }
    }
    let mut syn = first.expect("a SYN");
    if let Body::Syn(syn) = &mut syn.body {
        syn.proves = false;
    }
    pair.inject(path(5000), &syn);
    pair.run(SOON);
    assert_eq!(pair.sender_outcome, Some(Outcome::Aborted(ResetCode::Unsupported)));
    assert_eq!(pair.failure, Some(ReceiverFailure::Reset(ResetCode::Unsupported)));
}

#[test]
fn a_server_that_begins_another_file_than_its_ticket_said_is_refused() {
    for (size, failure) in
        [(Some(1_000), None), (Some(999), Some(ReceiverFailure::Aborted(ResetCode::Protocol)))]
    {
        let mut setup = Setup::new(1_000);
        setup.receiver.size = size;
        let mut pair = setup.build();
        pair.run(SOON);
        assert_eq!(pair.failure, failure, "{size:?}");
    }
}

#[test]
fn a_server_that_ends_with_another_hash_than_it_began_with_is_refused() {
    let mut setup = Setup::new(1_000);
    setup.start = 1_000;
    setup.receiver.have = 1_000;
    let mut pair = setup.build();
    pair.script = Box::new(|_, _, packet| match packet.body {
        Body::End { .. } => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(4 * DELAY);
    let end = |hash| Packet {
        transfer: TransferId(77),
        transmission: 1 << 40,
        body: Body::End { size: 1_000, hash },
    };
    assert_ne!(hash_of(1_000), Hash([0; 32]));
    pair.receiver.handle_packet(pair.now, &end(Hash([0; 32])));
    pair.drain();
    assert_eq!(pair.failure, Some(ReceiverFailure::Aborted(ResetCode::Protocol)));
    assert!(pair.offered(Way::ToServer) > 0);
}
