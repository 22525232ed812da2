//! The client's address changes on the way, and others try to make it look so.

use core::time::Duration;

use super::pair::{DELAY, Fate, Pair, SOON, Setup, Way, path, proven};
use crate::node::Path;
use crate::time::Instant;
use crate::trace::{DropReason, Event};
use crate::wire::{Ack, Body, CongestionChoice, Nonce, Packet, SYN_LEN, TransferId};

fn half_way(pair: &mut Pair, bytes: u64) {
    while pair.written < bytes {
        assert!(pair.step(Instant::from_millis(20_000)), "{:?}", pair.receiver);
    }
}

fn elsewhere() -> Path {
    Path { remote: ([10, 0, 0, 7], 999).into(), local: None }
}

#[test]
fn a_new_port_is_proven_and_used() {
    let mut pair = Pair::new(20_000);
    half_way(&mut pair, 5_000);
    pair.path = path(6000);
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.sender.stats().path_changes, 1);
}

#[test]
fn a_new_address_is_proven_and_used_even_if_challenges_are_lost() {
    let mut lost = 0;
    let mut pair = Pair::scripted(20_000, move |_, _, packet| match packet.body {
        Body::PathChallenge(_) | Body::PathResponse(_) if lost < 3 => {
            lost += 1;
            Fate::Drop
        }
        _ => Fate::Deliver,
    });
    half_way(&mut pair, 5_000);
    pair.path = elsewhere();
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.sender.stats().path_changes, 1);
}

#[test]
fn the_address_may_change_between_any_two_datagrams() {
    for after in 1..25 {
        let mut pair = Pair::new(1_950);
        for _ in 0..after {
            pair.step(Instant::from_millis(60_000));
        }
        pair.path = path(6000 + after);
        pair.run(SOON);
        assert!(pair.finished, "after {after} steps: {:?}", pair.receiver);
    }
}

#[test]
fn nobody_can_point_a_download_at_a_third_party() {
    let mut setup = Setup::new(50_000);
    setup.receiver.congestion = CongestionChoice::Fixed(16);
    let mut pair = setup.build();
    half_way(&mut pair, 5_000);
    // Somebody on the path copies an acknowledgment and sends it with the victim's address.
    let ack = Ack { limit: 50_000, ..proven(5_000) };
    let packet = Packet { transfer: TransferId(77), transmission: 1 << 40, body: Body::Ack(ack) };
    pair.inject(elsewhere(), &packet);
    let guess = Packet { transmission: (1 << 40) + 1, body: Body::PathResponse(Nonce(1)), ..packet };
    pair.inject(elsewhere(), &guess);
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.sender.stats().path_changes, 0);
    let paid = (packet.encoded_len() + guess.encoded_len()) as u64;
    assert!(pair.sent_to[&elsewhere()] <= paid, "{} bytes for {paid}", pair.sent_to[&elsewhere()]);
}

#[test]
fn a_lost_challenge_is_said_again() {
    // The client says one thing from its new address, and the challenge that answers it is lost.
    let mut lost = 0;
    let mut pair = Pair::scripted(50_000, move |_, _, packet| match packet.body {
        Body::PathChallenge(_) if lost < 1 => {
            lost += 1;
            Fate::Drop
        }
        _ => Fate::Deliver,
    });
    half_way(&mut pair, 5_000);
    let ack = Ack { limit: 50_000, ..proven(5_000) };
    let packet = Packet { transfer: TransferId(77), transmission: 1 << 40, body: Body::Ack(ack) };
    pair.inject(elsewhere(), &packet);
    let challenged =
        |pair: &Pair| pair.events.iter().filter(|(_, _, event)| *event == Event::PathChallenged).count();
    assert_eq!(challenged(&pair), 1);
    pair.run(Duration::from_millis(150));
    assert_eq!(challenged(&pair), 2, "an acknowledgment pays for two challenges");
    assert!(pair.sent_to[&elsewhere()] <= packet.encoded_len() as u64);
}

#[test]
fn a_syn_from_elsewhere_after_the_handshake_leads_to_the_new_address() {
    // The `CONFIRM` came from the old address; of what the new one says only `SYN`s come through.
    let mut pair = Pair::scripted(5_000, |_, i, packet| match packet.body {
        Body::Confirm(..) if i > 2 => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(3 * DELAY - Duration::from_millis(1));
    pair.path = elsewhere();
    pair.run(SOON);
    pair.assert_complete();
    assert!(pair.now < Instant::from_millis(2000), "not at the last moment: {}", pair.now);
}

#[test]
fn a_late_datagram_from_the_old_address_changes_nothing() {
    let mut pair = Pair::new(50_000);
    half_way(&mut pair, 5_000);
    let old = pair.path;
    pair.path = path(6000);
    half_way(&mut pair, 20_000);
    let ack = Ack { limit: 50_000, ..proven(5_000) };
    pair.inject(old, &Packet { transfer: TransferId(77), transmission: 4, body: Body::Ack(ack) });
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.sender.stats().path_changes, 1);
}

#[test]
fn nobody_unvalidated_gets_more_bytes_than_it_sent() {
    // The client is never heard again after its first SYN.
    let mut pair = Pair::scripted(50_000, |way, i, _| match way {
        Way::ToServer if i > 1 => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(Duration::from_secs(59));
    let sent = pair.sent_to[&pair.path];
    assert!(sent > 300 && sent <= SYN_LEN as u64, "{sent} bytes for one SYN");
    assert!(
        pair.events
            .iter()
            .any(|(_, _, event)| *event == Event::Dropped { reason: DropReason::Amplification })
    );
}

#[test]
fn a_path_that_does_not_carry_large_segments_gets_smaller_ones() {
    let mut setup = Setup::new(50_000);
    setup.receiver.segment = 8000;
    let mut pair = setup.build();
    pair.script = Box::new(|_, _, packet| match packet.body {
        Body::Data { length, .. } if length > 1400 => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
    assert!(pair.now < Instant::from_millis(3000), "found within two seconds: {}", pair.now);
}

/// A download in segments of 8,000 bytes, of which nothing longer than 1,400 bytes comes through in this time.
fn narrow_between(from: u64, to: u64) -> Pair {
    let mut setup = Setup::new(500_000);
    setup.receiver.segment = 8000;
    let mut pair = setup.build();
    let now = std::rc::Rc::new(core::cell::Cell::new(Instant::ZERO));
    let clock = now.clone();
    pair.script = Box::new(move |_, _, packet| match packet.body {
        Body::Data { length, .. }
            if length > 1400
                && clock.get() >= Instant::from_millis(from)
                && clock.get() < Instant::from_millis(to) =>
        {
            Fate::Drop
        }
        _ => Fate::Deliver,
    });
    while pair.step(Instant::from_millis(20_000)) {
        now.set(pair.now);
    }
    pair
}

#[test]
fn a_path_that_has_carried_large_segments_keeps_them_over_a_few_losses() {
    let pair = narrow_between(1100, 1500);
    pair.assert_complete();
    assert!(pair.sender.stats().timeouts > 1, "{:?}", pair.sender.stats());
    assert!(pair.sender.stats().segments_sent < 100, "{:?}", pair.sender.stats());
}

#[test]
fn a_path_that_carries_large_segments_no_longer_gets_smaller_ones() {
    let pair = narrow_between(1100, 60_000);
    pair.assert_complete();
    assert!(pair.now < Instant::from_millis(6000), "found within seconds: {}", pair.now);
}

#[test]
fn a_confirm_with_a_nonce_that_went_elsewhere_proves_nothing() {
    let mut pair = Pair::scripted(5_000, |way, i, _| match way {
        Way::ToServer if i > 1 => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(Duration::from_millis(60));
    let confirm = Body::Confirm(Nonce(12345), Ack { ack: 0, limit: 9999, ..Ack::default() });
    pair.inject(path(5000), &Packet { transfer: TransferId(77), transmission: 9, body: confirm });
    assert!(pair.sender.poll_segments(pair.now).is_none());
    assert!(
        pair.events.iter().any(|(_, _, event)| *event == Event::Dropped { reason: DropReason::WrongNonce })
    );
}
