//! The receiver's window: slow disks, pauses, limits on the rate, resuming.

use core::time::Duration;

use super::pair::{DELAY, Fate, Pair, SOON, Setup, Way, hash_of};
use crate::time::Instant;
use crate::trace::{Event, TransferTimer};
use crate::transfer::SILENCE;
use crate::transfer::receiver::ReceiverFailure;
use crate::wire::{Body, CongestionChoice, Packet, Proof, ResetCode, TransferId};

fn windowed(size: u64, window: u64) -> Pair {
    let mut setup = Setup::new(size);
    setup.receiver.congestion = CongestionChoice::Fixed(64);
    setup.receiver.window = window;
    setup.receiver.round_trip = Duration::ZERO;
    setup.build()
}

/// The most that was outstanding at any time, in bytes.
fn most_in_flight(pair: &Pair) -> u64 {
    let in_flight = |(_, _, event): &(Instant, Way, Event)| match event {
        Event::SegmentsSent { in_flight, .. } => Some(*in_flight),
        _ => None,
    };
    pair.events.iter().filter_map(in_flight).max().unwrap_or_default()
}

#[test]
fn a_slow_disk_stops_the_sender_at_the_window() {
    let mut pair = windowed(10_000, 1000);
    pair.slow_disk = true;
    pair.run(Duration::from_secs(10));
    assert_eq!(pair.written, 1000, "not one byte more than the window allows");
    assert!(most_in_flight(&pair) <= 1000);
    assert!(
        pair.events
            .iter()
            .any(|(_, _, event)| *event == Event::TimerExpired { timer: TransferTimer::Persist })
    );
    while !pair.finished {
        pair.report_written();
        pair.run(Duration::from_secs(1));
    }
    pair.assert_complete();
}

#[test]
fn a_slow_share_is_not_taken_for_a_client_that_takes_nothing() {
    let mut setup = Setup::new(2_000_000);
    setup.receiver.segment = 1200;
    setup.receiver.silence = SILENCE * 10;
    let mut pair = setup.build();
    while pair.written < 300_000 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    pair.slow_share = true;
    pair.run(SILENCE + Duration::from_secs(10));
    let before = pair.written;
    // The whole flight that goes out then is lost.
    let (mut last, mut is_again) = (0, false);
    pair.script = Box::new(move |_, _, packet| match packet.body {
        Body::Data { offset, .. } => {
            is_again |= offset < last;
            last = offset;
            if is_again { Fate::Deliver } else { Fate::Drop }
        }
        _ => Fate::Deliver,
    });
    pair.slow_share = false;
    pair.answer_reads();
    pair.run(SOON);
    assert!(before < 2_000_000);
    pair.assert_complete();
}

#[test]
fn a_window_whose_reopening_is_lost_is_found_by_probing() {
    let mut pair = windowed(3_000, 1000);
    pair.slow_disk = true;
    pair.run(Duration::from_secs(1));
    // From now on everything that the client says by itself is lost; only answers to probes come through.
    let mut probed = false;
    pair.script = Box::new(move |_, _, packet| match packet.body {
        Body::Probe { .. } => {
            probed = true;
            Fate::Deliver
        }
        Body::Ack(_) if !probed => Fate::Drop,
        _ => Fate::Deliver,
    });
    pair.slow_disk = false;
    pair.report_written();
    pair.run(SOON);
    pair.assert_complete();
}

#[test]
fn a_window_grows_on_a_long_path_even_if_a_syn_was_lost() {
    for lost in [0, 1] {
        let mut setup = Setup::new(500_000);
        setup.receiver.congestion = CongestionChoice::Fixed(64);
        setup.receiver.window = 2_000;
        let mut pair = setup.build();
        pair.script = Box::new(move |way, i, _| match way {
            Way::ToClient if i <= lost => Fate::Drop,
            _ => Fate::Deliver,
        });
        pair.run(SOON);
        pair.assert_complete();
        assert!(most_in_flight(&pair) > 6_000, "{} with {lost} lost", most_in_flight(&pair));
    }
}

#[test]
fn odd_windows_do_not_lead_to_silly_segments() {
    let mut pair = windowed(10_000, 250);
    pair.run(SOON);
    pair.assert_complete();
    let sent = pair.sender.stats().segments_sent;
    assert!(sent <= 102, "{sent} segments for 10,000 bytes in hundreds");
}

#[test]
fn a_window_smaller_than_a_segment_is_read_as_one_segment() {
    let mut pair = windowed(1_000, 1);
    pair.run(SOON);
    pair.assert_complete();
}

#[test]
fn a_pause_stops_at_once_lasts_longer_than_silence_and_ends() {
    let mut pair = windowed(100_000, 50_000);
    while pair.written < 20_000 {
        assert!(pair.step(Instant::from_millis(9000)));
    }
    pair.receiver.pause(pair.now);
    pair.run(2 * DELAY + Duration::from_millis(1));
    let at = pair.written;
    let before = pair.offered(Way::ToServer);
    pair.run(SILENCE * 3);
    assert_eq!(pair.written, at, "nothing more than what was on its way");
    assert_eq!(pair.failure, None);
    let chatter = pair.offered(Way::ToServer) - before;
    assert!(chatter < 200, "{chatter} datagrams in three minutes of pause");
    pair.receiver.resume(pair.now);
    pair.run(SOON);
    pair.assert_complete();
}

#[test]
fn a_limit_on_the_rate_is_kept_within_a_tenth() {
    let mut setup = Setup::new(200_000);
    setup.receiver.congestion = CongestionChoice::Fixed(64);
    setup.receiver.limit_rate = Some(100_000);
    let mut pair = setup.build();
    pair.run(Duration::from_secs(30));
    pair.assert_complete();
    let seconds = (pair.now - Instant::from_millis(1000)).as_millis();
    assert!((1800..2200).contains(&seconds), "{seconds} ms for two seconds' worth");
    assert_eq!(pair.sender.stats().segments_sent, 2000, "in whole segments");
}

#[test]
fn a_prefix_that_the_server_found_right_is_not_sent_again() {
    let mut setup = Setup::new(10_000);
    setup.start = 4_321;
    setup.receiver.have = 4_321;
    let mut pair = setup.build();
    pair.run(SOON);
    pair.assert_complete();
    assert!(!pair.restarted);
    assert_eq!(pair.sender.stats().segments_sent, 57);
}

#[test]
fn a_prefix_of_something_else_is_thrown_away() {
    let mut setup = Setup::new(1_000);
    setup.receiver.have = 4_321;
    let mut pair = setup.build();
    pair.run(SOON);
    pair.assert_complete();
    assert!(pair.restarted);
}

#[test]
fn a_prefix_that_is_the_whole_file_needs_no_data() {
    let mut setup = Setup::new(1_000);
    setup.start = 1_000;
    setup.receiver.have = 1_000;
    let mut pair = setup.build();
    pair.run(SOON);
    pair.assert_complete();
    assert_eq!(pair.sender.stats().segments_sent, 0);
}

#[test]
fn a_server_that_begins_where_nobody_asked_is_refused() {
    let mut setup = Setup::new(1_000);
    setup.start = 500;
    setup.receiver.have = 400;
    let mut pair = setup.build();
    pair.run(SOON);
    assert_eq!(pair.failure, Some(ReceiverFailure::Aborted(ResetCode::Protocol)));
}

#[test]
fn an_algorithm_that_is_not_built_is_refused_never_replaced() {
    let mut setup = Setup::new(1_000);
    setup.receiver.congestion = CongestionChoice::Cubic;
    let mut pair = setup.build();
    pair.run(SOON);
    assert_eq!(pair.failure, Some(ReceiverFailure::Reset(ResetCode::Unsupported)));
}

#[test]
fn an_algorithm_that_nobody_asked_for_is_refused() {
    let asked = |asked, answered| {
        let mut setup = Setup::new(1_000);
        setup.receiver.congestion = asked;
        let mut receiver = crate::transfer::Receiver::new(Instant::ZERO, setup.receiver);
        let syn_ack = Body::SynAck(Box::new(crate::wire::SynAck {
            nonce: crate::wire::Nonce(1),
            size: 1_000,
            version: super::pair::version(),
            start: 0,
            hash: None,
            recovery: crate::wire::Recovery::GoBackN,
            congestion: answered,
            segment: 100,
        }));
        let transfer = TransferId(77);
        receiver.handle_packet(Instant::ZERO, &Packet { transfer, transmission: 1, body: syn_ack });
        receiver.is_over()
    };
    use CongestionChoice::{Classic, Cubic, Fixed};
    assert_eq!([asked(Classic, Classic), asked(Fixed(9), Fixed(9)), asked(Fixed(9), Fixed(4))], [false; 3]);
    assert_eq!([asked(Classic, Fixed(9)), asked(Fixed(9), Fixed(10)), asked(Fixed(9), Cubic)], [true; 3]);
}

#[test]
fn answers_that_nobody_asked_for_finish_nothing() {
    let mut pair = Pair::new(1_000);
    pair.slow_disk = true;
    let hash = hash_of(1_000);
    while pair.sender_outcome.is_none() {
        pair.receiver.handle_digest(pair.now, hash);
        pair.receiver.handle_committed(pair.now);
        assert!(pair.step(Instant::from_millis(9000)));
    }
    assert!(!pair.finished, "it is not written yet");
    pair.report_written();
    assert!(pair.finished);
}

#[test]
fn what_is_outstanding_never_exceeds_the_windows_of_the_moment() {
    let mut pair = windowed(200_000, 7_777);
    pair.run(SOON);
    pair.assert_complete();
    for (_, _, event) in &pair.events {
        if let Event::SegmentsSent { range, in_flight, cwnd, limit, .. } = event {
            assert!(in_flight <= cwnd && range.end <= *limit, "{event:?}");
        }
    }
}

#[test]
fn words_without_the_file_keep_nobody_waiting_for_ever() {
    for word in [
        Body::Probe { nxt: 0 },
        Body::End { size: 100_000, hash: hash_of(100_000) },
        // The same segment again.
        Body::Data { offset: 0, proof: Proof(0), length: 100, ack_now: false },
    ] {
        let mut pair = windowed(100_000, 50_000);
        while pair.written < 20_000 {
            assert!(pair.step(Instant::from_millis(9000)));
        }
        // The server that was there says nothing but this from now on, once a second.
        pair.script = Box::new(|_, _, _| Fate::Drop);
        pair.run(2 * DELAY);
        let began = pair.now;
        for transmission in 1_000_000.. {
            let packet = Packet { transfer: TransferId(77), transmission, body: word.clone() };
            pair.receiver.handle_packet(pair.now, &packet);
            pair.receiver.handle_batch_end(pair.now);
            pair.now += Duration::from_secs(1);
            pair.receiver.handle_timeout(pair.now);
            pair.drain();
            if pair.failure.is_some() {
                break;
            }
            assert!(pair.now - began <= SILENCE + Duration::from_secs(2), "{word:?} keeps it alive");
        }
        assert_eq!(pair.failure, Some(ReceiverFailure::Stalled), "{word:?}");
    }
}
