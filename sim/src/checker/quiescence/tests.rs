//! Whether what hangs is found, and what is only slow is not.

use backchat_core::trace::TransferTimer;

use super::*;
use crate::checker::testing::{Sent, at, core, segment, show, verdict};
use crate::link::DropReason;
use crate::scenario::{ActionKind, Failure};
use crate::trace::event::Ending;
use crate::trace::{AppEvent, CoreEvent, Name, NetEvent, RunEvent};

fn begin(impairs: bool) -> Vec<Record> {
    let shape = |impairs| RunEvent::LinkShaped {
        delay: Duration::from_millis(15),
        jitter: Duration::ZERO,
        rate: Some(10_000_000),
        impairs,
    };
    let blake3 = backchat_core::wire::Hash::of_nothing();
    vec![
        at(0, "sim", RunEvent::FileShared { name: Name::of("f"), size: 100_000, blake3 }),
        at(0, "ann->server", shape(false)),
        at(0, "server->ann", shape(impairs)),
        at(
            0,
            "sim",
            RunEvent::CalmExpected { from: Instant::from_millis(10), duration: Duration::from_secs(600) },
        ),
        at(0, "ann", RunEvent::Started { life: 0 }),
        at(10, "ann", AppEvent::Asked { wish: 1, what: ActionKind::Get, detail: Some(Name::of("f")) }),
    ]
}

fn failed(millis: u64) -> Record {
    let (file, reason, message) = (Name::of("f"), Failure::Lost, Name::of("it was lost"));
    at(millis, "ann", AppEvent::DownloadFailed { wish: 1, file, reason, message, kept: 0 })
}

fn end(millis: u64, reason: Ending) -> [Record; 3] {
    [
        at(millis, "sim", RunEvent::Ending { reason }),
        at(millis, "ann", RunEvent::Stopped { outcome: Name::of("left") }),
        at(millis, "sim", RunEvent::Ended),
    ]
}

#[test]
fn what_fails_with_a_reason_has_ended() {
    let records = [begin(false), vec![failed(20_000)], end(20_001, Ending::Done).to_vec()].concat();
    assert_eq!(verdict(Quiescence::new(), &records), Vec::<String>::new());
}

#[test]
fn what_has_not_ended_by_the_bound_is_named_with_it() {
    // 75 s of recovery, 21 turns of 60 ms, a handshake of 1.3 s.
    let records = [begin(false), vec![failed(90_000)], end(90_001, Ending::Done).to_vec()].concat();
    let said = verdict(Quiescence::new(), &records);
    assert_eq!(
        said,
        ["90.000000000: ann's get f, begun at 0.010000000, has not ended; bound 77.570000000: calm from \
          0.010000000 with 1 downloads of 100000 bytes and 0 requests left"]
    );
}

#[test]
fn a_step_that_is_begun_after_the_calm_is_added_to_what_was_left() {
    let get = |millis, wish| {
        at(millis, "ann", AppEvent::Asked { wish, what: ActionKind::Get, detail: Some(Name::of("f")) })
    };
    let until = |records: &[Record]| {
        let mut checker = Quiescence::new();
        show(&mut checker, &[&begin(false), records].concat());
        checker.bound().map(|bound| (bound.downloads, bound.until.as_nanos() / 1_000_000))
    };
    assert_eq!(until(&[get(20, 1)]), Some((1, 77_570)), "asked for again, it is the same");
    assert_eq!(until(&[get(20, 2)]), Some((2, 80_130)), "21 turns of 60 ms and a handshake more");
    let planned =
        |times| at(5, "ann", RunEvent::Planned { what: ActionKind::Get, detail: Some(Name::of("f")), times });
    assert_eq!(until(&[planned(1), get(20, 2)]), Some((2, 80_130)), "it was counted before");
}

#[test]
fn short_segments_and_narrow_windows_have_more_time() {
    let sent = |millis, length: u64, cwnd| {
        let (end, in_flight, limit) = (length, length, 100_000);
        segment(millis, Sent { end, in_flight, cwnd, limit, ..Sent::default() })
    };
    let until = |segment, cwnd| {
        let mut checker = Quiescence::new();
        show(&mut checker, &[begin(false), vec![sent(20, segment, cwnd), failed(30)]].concat());
        checker.bound().map(|bound| bound.until.as_nanos() / 1_000_000)
    };
    // A turn of 60 ms each: 21 of four segments, 84 of one, 250 of four short ones.
    assert_eq!(until(1200, 9_000), Some(77_570));
    assert_eq!(until(1200, 1_200), Some(81_350));
    assert_eq!(until(100, 9_000), Some(91_310));
    assert_eq!(until(9_000, 90_000), Some(77_570), "it may fall back to shorter ones");
}

#[test]
fn a_socket_that_overflows_takes_a_segment_at_a_time() {
    let dropped = |reason| at(20, "server->ann", NetEvent::Dropped { ordinal: 9, copy: 0, reason });
    let until = |reason| {
        let mut checker = Quiescence::new();
        show(&mut checker, &[begin(false), vec![dropped(reason)]].concat());
        checker.bound().map(|bound| bound.until.as_nanos() / 1_000_000)
    };
    // 75 s, 84 segments of 4 × 30 + 130 ms each, a handshake of 1.3 s; else 21 turns of 60 ms, or for a queue 42 of 250
    // and 60 ms. No window is known yet.
    assert_eq!(until(DropReason::ReceiveBuffer), Some(97_310));
    assert_eq!(until(DropReason::Loss), Some(77_570));
    assert_eq!(until(DropReason::QueueFull), Some(89_330));
}

#[test]
fn where_a_link_impairs_the_duration_is_the_bound() {
    let records = [begin(true), vec![failed(90_000)], end(90_001, Ending::Done).to_vec()].concat();
    assert_eq!(verdict(Quiescence::new(), &records), Vec::<String>::new());
    let records = [begin(true), end(600_000, Ending::Duration).to_vec()].concat();
    assert!(verdict(Quiescence::new(), &records)[0].contains("has not ended; bound 600.000000000"));
}

#[test]
fn a_timer_that_outlives_its_host_is_found() {
    let timer = |timer| core(5, "ann", CoreEvent::TimerSet { timer, due: Instant::ZERO });
    let with = |it| [begin(false), vec![timer(it), failed(20)], end(30, Ending::Done).to_vec()].concat();
    assert!(
        verdict(Quiescence::new(), &with(TransferTimer::Silence))[0].ends_with("is still armed: silence")
    );
    assert_eq!(verdict(Quiescence::new(), &with(TransferTimer::Quiet)), Vec::<String>::new());
}

#[test]
fn a_host_that_does_not_stop_and_a_wish_that_ends_twice_are_found() {
    let end = at(30, "sim", RunEvent::Ended);
    let records = [begin(false), vec![failed(20), failed(21), end]].concat();
    let said = verdict(Quiescence::new(), &records);
    assert!(said[0].ends_with("ann's wish 1 ended and was not open"));
    assert!(said[1].ends_with("ann has not stopped at the end of the run"));
}
