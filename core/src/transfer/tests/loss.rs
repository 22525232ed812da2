//! What is lost, doubled and late; and the traps of Go-Back-N.

use core::time::Duration;

use super::pair::{DELAY, Fate, Pair, SOON, STOPPED, Setup, Way, path};
use crate::seed::Seed;
use crate::time::Instant;
use crate::trace::{DropReason, Event, LossCause, TransferTimer};
use crate::transfer::receiver::ReceiverFailure;
use crate::transfer::{Outcome, SILENCE};
use crate::wire::{Ack, Body, CongestionChoice, Packet, ResetCode, TransferId};

#[test]
fn data_leaves_one_round_trip_after_the_first_packet_came() {
    let mut pair = Pair::new(1000);
    pair.run(SOON);
    pair.assert_complete();
    let first_data = pair.events.iter().find(|(_, _, event)| matches!(event, Event::SegmentsSent { .. }));
    assert_eq!(first_data.map(|(at, _, _)| *at), Some(Instant::from_millis(1000) + 3 * DELAY));
    assert_eq!(pair.went_back(), []);
    assert_eq!(pair.sender.stats().segments_resent, 0);
}

#[test]
fn every_size_around_a_segment_arrives() {
    for size in [0, 1, 99, 100, 101, 199, 200, 201, 1000, 12_345] {
        let mut pair = Pair::new(size);
        pair.run(SOON);
        pair.assert_complete();
    }
}

/// How many datagrams go each way when nothing happens to them.
fn undisturbed(size: u64) -> (u64, u64) {
    let mut pair = Pair::new(size);
    pair.run(SOON);
    pair.assert_complete();
    (pair.offered(Way::ToClient), pair.offered(Way::ToServer))
}

/// Every single datagram of a small download meets `fate` in turn.
fn each_in_turn(fate: Fate) {
    let size = 1950;
    let (to_client, to_server) = undisturbed(size);
    assert!(to_client > 20 && to_server > 5, "{to_client} and {to_server}");
    let client = (1..=to_client).map(|i| (Way::ToClient, i));
    let server = (1..=to_server).map(|i| (Way::ToServer, i));
    for chosen in client.chain(server) {
        let mut pair =
            Pair::scripted(size, move |way, i, _| if (way, i) == chosen { fate } else { Fate::Deliver });
        pair.run(SOON);
        assert!(pair.finished, "{chosen:?} {fate:?}: {:?}", pair.receiver);
        pair.assert_complete();
    }
}

#[test]
fn every_single_datagram_may_be_lost() {
    each_in_turn(Fate::Drop);
}

#[test]
fn every_single_datagram_may_be_doubled() {
    each_in_turn(Fate::Duplicate);
}

#[test]
fn every_single_datagram_may_arrive_after_the_next() {
    each_in_turn(Fate::Late(Duration::from_millis(1)));
    each_in_turn(Fate::Late(DELAY * 3));
}

#[test]
fn every_pair_of_datagrams_may_be_lost() {
    let size = 950;
    let (to_client, to_server) = undisturbed(size);
    let all: Vec<_> = (1..=to_client)
        .map(|i| (Way::ToClient, i))
        .chain((1..=to_server).map(|i| (Way::ToServer, i)))
        .collect();
    for (i, &a) in all.iter().enumerate() {
        for &b in &all[i + 1..] {
            let mut pair =
                Pair::scripted(
                    size,
                    move |way, i, _| {
                        if (way, i) == a || (way, i) == b { Fate::Drop } else { Fate::Deliver }
                    },
                );
            pair.run(SOON);
            assert!(pair.finished, "{a:?} {b:?}: {:?}", pair.receiver);
            pair.assert_complete();
        }
    }
}

#[test]
fn a_third_of_everything_lost_doubled_and_late_arrives_all_the_same() {
    for seed in 0..200 {
        let mut luck = Seed::from_number(seed).stream("link");
        let mut pair = Pair::scripted(5_000, move |_, _, _| match luck.below(9) {
            0..=2 => Fate::Drop,
            3 => Fate::Duplicate,
            4 => Fate::Late(Duration::from_millis(luck.below(200))),
            _ => Fate::Deliver,
        });
        pair.run(Duration::from_secs(600));
        assert!(pair.finished, "seed {seed}: {:?} {:?}", pair.failure, pair.receiver);
        assert_eq!(pair.written, 5_000, "seed {seed}");
    }
}

/// Drops the first transmission of the segment at `offset`.
fn drop_once(offset: u64) -> impl FnMut(Way, u64, &Packet) -> Fate {
    let mut done = false;
    move |_, _, packet| match packet.body {
        Body::Data { offset: at, .. } if at == offset && !done => {
            done = true;
            Fate::Drop
        }
        _ => Fate::Deliver,
    }
}

fn wide(size: u64, script: impl FnMut(Way, u64, &Packet) -> Fate + 'static) -> Pair {
    let mut setup = Setup::new(size);
    setup.receiver.congestion = CongestionChoice::Fixed(16);
    let mut pair = setup.build();
    pair.script = Box::new(script);
    pair
}

#[test]
fn third_duplicate_ack_goes_back_to_una() {
    let mut pair = wide(3000, drop_once(500));
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.went_back(), [LossCause::DuplicateAcks]);
    let back = pair.events.iter().find_map(|(_, _, event)| match event {
        Event::WentBack { from, to, .. } => Some((*from, *to)),
        _ => None,
    });
    assert!(matches!(back, Some((from, 500)) if from > 800), "{back:?}");
    assert_eq!(pair.sender.stats().timeouts, 0);
}

#[test]
fn a_gap_within_a_batch_is_found_by_its_one_acknowledgment() {
    // It acknowledges what came before the gap, and tells of what was thrown away behind it.
    let mut pair = wide(1600, drop_once(500));
    pair.batched = true;
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.went_back(), [LossCause::DuplicateAcks]);
    // Three ways for the handshake, two for the flight, two for the rest of it, two for the end; no timer.
    assert_eq!(pair.now, Instant::from_millis(1000) + 9 * DELAY);
}

#[test]
fn acknowledgments_of_the_old_flight_do_not_go_back_twice() {
    // Sixteen segments behind the gap, each thrown away and acknowledged: one going back.
    let mut pair = wide(20_000, drop_once(1600));
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.went_back(), [LossCause::DuplicateAcks]);
}

#[test]
fn what_is_sent_again_and_lost_again_is_found_without_a_timeout() {
    let mut dropped = 0;
    let mut pair = wide(20_000, move |_, _, packet| match packet.body {
        Body::Data { offset: 1600, .. } if dropped < 2 => {
            dropped += 1;
            Fate::Drop
        }
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.went_back(), [LossCause::DuplicateAcks, LossCause::DuplicateAcks]);
}

#[test]
fn a_needless_timeout_does_not_count_duplicates_as_losses() {
    // All acknowledgments of one flight are late by more than the RTO: everything goes again, and arrives twice.
    let mut pair = wide(20_000, |way, i, packet| match packet.body {
        Body::Ack(_) if way == Way::ToServer && (6..14).contains(&i) => {
            Fate::Late(Duration::from_millis(250))
        }
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
    assert!(pair.went_back().iter().all(|&cause| cause == LossCause::Timeout), "{:?}", pair.went_back());
    assert!(pair.receiver.stats().duplicates > 3, "{:?}", pair.receiver.stats());
}

#[test]
fn no_round_trip_is_measured_from_what_was_sent_twice() {
    // From here on every acknowledgment but the handshake's is of something sent again, 200 ms late.
    let mut pair = wide(1600, |_, _, packet| match packet.body {
        Body::Data { .. } if packet.transmission <= 17 => Fate::Drop,
        Body::Data { .. } => Fate::Late(Duration::from_millis(60)),
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
    let samples =
        pair.events.iter().filter(|(_, _, event)| matches!(event, Event::RttUpdated { .. })).count();
    assert_eq!(samples, 1, "the handshake's alone");
}

#[test]
fn after_going_back_an_acknowledgment_of_the_old_flight_moves_nxt() {
    // The acknowledgments of a whole flight arrive just after the timeout.
    let mut pair = wide(3200, |way, i, packet| match packet.body {
        Body::Ack(_) if way == Way::ToServer && (3..12).contains(&i) => Fate::Late(Duration::from_millis(80)),
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
    assert!(pair.went_back().contains(&LossCause::Timeout), "{:?}", pair.went_back());
    let sent_again = pair.sender.stats().segments_resent;
    assert!(sent_again < 32, "{sent_again} of 32 segments went again, though most had arrived");
}

#[test]
fn timeouts_back_off_and_progress_ends_it() {
    let mut pair = wide(1600, |_, _, packet| match packet.body {
        Body::Data { .. } if packet.transmission < 70 => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
    let expired: Vec<_> = pair
        .events
        .iter()
        .filter(|(_, _, event)| matches!(event, Event::TimerExpired { timer: TransferTimer::Retransmit }))
        .map(|(at, _, _)| at.as_nanos() / 1_000_000)
        .collect();
    let gaps: Vec<_> = expired.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(gaps, [200, 400, 800], "{expired:?}");
}

#[test]
fn the_last_acknowledgment_and_the_end_may_be_lost_many_times() {
    let mut ends = 0;
    let mut end_acks = 0;
    let mut pair = Pair::scripted(1000, move |_, _, packet| match packet.body {
        Body::End { .. } if ends < 3 => {
            ends += 1;
            Fate::Drop
        }
        Body::EndAck if end_acks < 3 => {
            end_acks += 1;
            Fate::Drop
        }
        Body::Ack(ack) if ack.ack == 1000 && ends == 0 => Fate::Late(Duration::from_millis(500)),
        _ => Fate::Deliver,
    });
    pair.run(SOON);
    pair.assert_complete();
}

#[test]
fn an_end_before_everything_is_there_is_dropped() {
    let mut pair = wide(3000, |_, _, _| Fate::Deliver);
    while pair.written < 500 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    let end = Body::End { size: 3000, hash: super::pair::hash_of(3000) };
    let early = Packet { transfer: TransferId(77), transmission: 1 << 40, body: end };
    pair.receiver.handle_packet(pair.now, &early);
    pair.run(SOON);
    pair.assert_complete();
    assert!(
        pair.events
            .iter()
            .any(|(_, _, event)| *event == Event::Dropped { reason: DropReason::Contradiction })
    );
}

#[test]
fn an_end_of_another_file_ends_it_on_both_sides() {
    let mut pair = wide(3000, |_, _, _| Fate::Deliver);
    while pair.written < 500 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    let end = Body::End { size: 2999, hash: super::pair::hash_of(2999) };
    pair.receiver
        .handle_packet(pair.now, &Packet { transfer: TransferId(77), transmission: 1 << 40, body: end });
    pair.run(SOON);
    assert_eq!(pair.failure, Some(ReceiverFailure::Aborted(ResetCode::Protocol)));
    assert_eq!(pair.sender_outcome, Some(Outcome::Reset(ResetCode::Protocol)));
}

#[test]
fn who_has_everything_and_never_answers_the_end_is_given_up_on() {
    let mut setup = Setup::new(1000);
    setup.receiver.silence = SILENCE * 10;
    let mut pair = setup.build();
    pair.script = Box::new(|_, _, packet| match packet.body {
        Body::End { .. } => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.run(SILENCE * 2);
    assert_eq!(pair.sender_outcome, Some(Outcome::Aborted(ResetCode::Silence)));
}

#[test]
fn an_acknowledgment_beyond_what_was_sent_is_dropped() {
    let mut pair = wide(3000, |_, _, _| Fate::Deliver);
    while pair.written < 500 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    let ack = Ack { ack: 2999, limit: 1 << 30, ..Ack::default() };
    let lie = Packet { transfer: TransferId(77), transmission: 1 << 40, body: Body::Ack(ack) };
    pair.inject(path(5000), &lie);
    assert!(
        pair.events.iter().any(|(_, _, event)| *event == Event::Dropped { reason: DropReason::AckBeyondMax })
    );
    pair.run(SOON);
    pair.assert_complete();
}

#[test]
fn a_wrong_hash_is_an_integrity_failure_and_the_file_is_thrown_away() {
    let mut pair = Pair::new(1000);
    pair.wrong_digest = true;
    pair.run(SOON);
    assert!(matches!(pair.failure, Some(ReceiverFailure::Integrity { .. })));
    assert_eq!(pair.written, 0);
    assert!(!pair.finished);
}

#[test]
fn a_server_that_is_never_heard_is_given_up_on() {
    let mut pair = Pair::scripted(1000, |way, _, _| match way {
        Way::ToClient => Fate::Drop,
        Way::ToServer => Fate::Deliver,
    });
    pair.run(SILENCE * 3);
    assert_eq!(pair.failure, Some(ReceiverFailure::Silence { ever: false }));
    assert!(pair.now >= Instant::from_millis(1000) + SILENCE);
}

#[test]
fn a_client_that_vanishes_is_given_up_on() {
    let mut is_gone = false;
    let mut pair = wide(50_000, move |way, i, _| {
        is_gone |= way == Way::ToServer && i > 20;
        if is_gone { Fate::Drop } else { Fate::Deliver }
    });
    pair.run(SILENCE * 3);
    assert_eq!(pair.sender_outcome, Some(Outcome::Aborted(ResetCode::Silence)));
    assert_eq!(pair.failure, Some(ReceiverFailure::Silence { ever: true }));
}

#[test]
fn a_stop_reaches_the_server_even_if_its_first_word_is_lost() {
    let mut lost = false;
    let mut pair = wide(50_000, move |way, _, packet| match packet.body {
        Body::Reset(_) if way == Way::ToServer && !lost => {
            lost = true;
            Fate::Drop
        }
        _ => Fate::Deliver,
    });
    while pair.written < 5_000 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    pair.receiver.abort(pair.now, STOPPED);
    pair.run(SOON);
    assert_eq!(pair.sender_outcome, Some(Outcome::Reset(STOPPED)));
    assert_eq!(pair.failure, Some(ReceiverFailure::Aborted(STOPPED)));
}

#[test]
fn a_file_that_changes_ends_the_download_with_the_reason() {
    let mut pair = wide(50_000, |_, _, _| Fate::Deliver);
    while pair.written < 5_000 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    pair.sender.abort(pair.now, ResetCode::Changed);
    pair.run(SOON);
    assert_eq!(pair.failure, Some(ReceiverFailure::Reset(ResetCode::Changed)));
}

#[test]
fn a_ticket_that_nobody_uses_expires() {
    let mut pair = Pair::scripted(1000, |_, _, _| Fate::Drop);
    pair.run(Duration::from_secs(31));
    assert_eq!(pair.sender_outcome, Some(Outcome::Expired));
    assert!(pair.sender.is_closed());
}

#[test]
fn a_wrong_ticket_gets_no_answer() {
    let mut setup = Setup::new(1000);
    setup.receiver.ticket = crate::wire::Ticket([1; 16]);
    let mut pair = setup.build();
    // The offer was made for the same ticket; another one is asked with.
    pair.sender = Setup::new(1000).build().sender;
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.offered(Way::ToClient), 0);
    assert!(
        pair.events.iter().any(|(_, _, event)| *event == Event::Dropped { reason: DropReason::WrongTicket })
    );
}
