use backchat_core::chat::{FileName, Nickname, SessionId};
use backchat_core::trace::TransferTimer;
use backchat_core::wire::{Hash, Kind, TransferId};

use super::*;
use crate::link::DropReason;
use crate::scenario::ActionKind;
use crate::trace::json::Lines;
use crate::trace::{
    AppEvent, ChatEvent, CoreEvent, Event, Name, NetEvent, Recorder, RunEvent, TransferEvent,
};

/// What happens, at which millisecond and where.
type Told = (u64, &'static str, Event);

/// The bytes of a trace.
fn trace(seed: u64, told: &[Told]) -> Vec<u8> {
    let header = Header { scenario: "s.toml".into(), seed, engine: "direct".into() };
    let mut recorder = Recorder::new();
    for (at, node, event) in told {
        recorder.add(Instant::from_millis(*at), (*node).into(), event.clone());
    }
    let mut records: Vec<Record> = Vec::new();
    recorder.hand_on(&mut records);
    let mut lines = Lines::new(Vec::new(), &header);
    records.iter().for_each(|record| lines.record(record).expect("memory"));
    lines.finish(recorder.count(), recorder.hash()).expect("memory")
}

fn of(first: &[Told], second: &[Told]) -> Diff {
    let traces = [trace(0, first), trace(1, second)];
    diff(traces.each_ref().map(|it| Reading::begin(it.as_slice()).expect("a trace"))).expect("two traces")
}

fn parting(first: &[Told], second: &[Told]) -> (Difference, Option<Difference>) {
    match of(first, second).parting {
        Some(Parting::Differs { first, more }) => (*first, more.map(|it| *it)),
        other => panic!("{other:?}"),
    }
}

/// A download of one segment, whose numbers are a run's own.
fn download(run: u64) -> Vec<Told> {
    let (transfer, session) = (TransferId(0xfeed + run), SessionId(7 + run));
    let nick = Nickname::parse("ann").expect("a nickname");
    let what = |what: &str| what.parse().expect("a datagram");
    let (length, ordinal, copy) = (1232, 3 + run, 0);
    let (name, file) = (Name::of("a.bin"), FileName::parse("a.bin").expect("a name"));
    vec![
        (
            0,
            "sim",
            RunEvent::FileShared { name: name.clone(), size: 9, blake3: Hash([run as u8; 32]) }.into(),
        ),
        (10, "server", ChatEvent::Joined { session, nick, peer: [10, 0, 0, 2].into() }.into()),
        (20, "ann", AppEvent::Asked { wish: 1, what: ActionKind::Get, detail: Some(name) }.into()),
        (30, "server", TransferEvent::Offered { transfer, session, file, size: 9, start: 0 }.into()),
        (
            40,
            "ann",
            Event::Core(
                Some(transfer),
                CoreEvent::TimerSet { timer: TransferTimer::Silence, due: Instant::from_millis(99) },
            ),
        ),
        (40, "ann", Event::Core(Some(transfer), CoreEvent::PacketSent { kind: Kind::Syn, transmission: 1 })),
        (40, "ann->server", NetEvent::offered(ordinal, length, what("syn")).into()),
        (50, "ann->server", NetEvent::Delivered { ordinal, copy, length }.into()),
        (
            50,
            "server",
            Event::Core(Some(transfer), CoreEvent::PacketReceived { kind: Kind::Syn, transmission: 1 }),
        ),
        (50, "server->ann", NetEvent::offered(ordinal, length, what("data@0")).into()),
        (60, "server->ann", NetEvent::Delivered { ordinal, copy, length }.into()),
        (60, "ann", Event::Core(Some(transfer), CoreEvent::SegmentReceived { range: 0..9 })),
        (99, "ann", Event::Core(Some(transfer), CoreEvent::TimerExpired { timer: TransferTimer::Silence })),
    ]
}

/// The places of a download's records in [`download`].
const SYN_OFFERED: usize = 6;
const DATA_DELIVERED: usize = 10;
const SEGMENT_RECEIVED: usize = 11;

#[test]
fn numbers_that_a_run_draws_or_counts_are_no_difference() {
    let same = of(&download(0), &download(1));
    assert!(same.is_same(), "{:?}", same.parting);
    assert_eq!((same.records, same.counts), ([13, 13], Vec::new()));
    assert_eq!(same.headers.map(|header| header.seed), [0, 1]);
}

#[test]
fn a_datagram_that_one_lost_is_one_difference_and_its_causes_lead_back_to_the_wish() {
    let (delivered, mut lost) = (download(0), download(1));
    let dropped = NetEvent::Dropped { ordinal: 4, copy: 0, reason: DropReason::Loss };
    lost[DATA_DELIVERED] = (50, "server->ann", dropped.into());
    lost.remove(SEGMENT_RECEIVED);
    let (first, more) = parting(&delivered, &lost);
    assert!(more.is_none() && first.likeness == Likeness::Different);
    assert_eq!(first.about.to_string(), "server->ann what became of data@0");
    let causes = first.seen.each_ref().map(|it| it.as_ref().expect("both have it").causes.clone());
    let names = |steps: &[Step]| steps.iter().map(|it| it.record.event.name()).collect::<Vec<_>>();
    assert_eq!(names(&causes[0]), ["app:asked", "transfer:offered", "net:delivered"]);
    assert_eq!(names(&causes[0]), names(&causes[1]));
    let text = report::text(&of(&delivered, &lost), ["a", "b"]);
    assert!(text.contains("  led there, in both:\n") && text.contains("arrived: syn, sent at 0.040000000"));
    assert!(text.contains("\n  server->ann dropped: loss: 0, then 1\n"), "{text}");
}

#[test]
fn what_one_alone_has_is_told_with_what_the_other_has_instead() {
    let (all, mut without) = (download(0), download(1));
    without.remove(SEGMENT_RECEIVED);
    for (traces, side) in [([&all, &without], Side::First), ([&without, &all], Side::Second)] {
        let (first, more) = parting(traces[0], traces[1]);
        assert!(more.is_none());
        assert_eq!(first.seen.each_ref().map(Option::is_some), [side == Side::First, side == Side::Second]);
        assert_eq!(first.about.to_string(), "ann transfer:segment_received 0");
        assert_eq!(first.instead.expect("the timer").event.name(), "recovery:timer_expired");
    }
}

#[test]
fn a_timer_that_ran_out_leads_back_to_what_had_set_it() {
    let (early, mut late) = (download(0), download(1));
    late.last_mut().expect("the timer").0 = 100;
    let (first, more) = parting(&early, &late);
    assert_eq!((first.likeness, more.is_none()), (Likeness::Times, true));
    assert_eq!(first.fields.iter().map(|it| it.name).collect::<Vec<_>>(), ["at"]);
    let causes = &first.seen[1].as_ref().expect("both have it").causes;
    let last = causes.last().expect("what had set it");
    assert_eq!((last.record.event.name(), last.record.at), ("recovery:timer_set", Instant::from_millis(40)));
}

#[test]
fn behind_a_difference_of_times_the_first_of_more_is_found() {
    let mut late = download(1);
    late.iter_mut().skip(SYN_OFFERED).for_each(|(at, ..)| *at += 1);
    let Event::Core(_, CoreEvent::SegmentReceived { range }) = &mut late[SEGMENT_RECEIVED].2 else {
        panic!("a segment")
    };
    range.end = 8;
    let (first, more) = parting(&download(0), &late);
    assert_eq!(first.about.to_string(), "ann->server net:offered syn");
    assert_eq!(first.likeness, Likeness::Times);
    let more = more.expect("the segment");
    assert_eq!(more.about.to_string(), "ann transfer:segment_received 0");
    let values = more.fields.iter().find(|it| it.name == "end").map(|it| it.values.clone());
    assert_eq!(values, Some([Some("9".to_owned()), Some("8".to_owned())]));
}

#[test]
fn another_order_within_an_instant_is_told_as_that() {
    let mut other = download(1);
    other.swap(4, 5);
    let diff = of(&download(0), &other);
    assert!(matches!(diff.parting, Some(Parting::Order(at)) if at == Instant::from_millis(40)));
    assert!(diff.counts.is_empty() && !diff.is_same());
}

#[test]
fn who_waits_longer_than_the_bound_is_missing_and_forgotten() {
    let lives = |from: u64| {
        let life =
            move |life| (life, "ann", AppEvent::PeerJoined { nick: format!("{from}-{life}").into() }.into());
        (0..WAITING_MAX as u64 + 9).map(life).collect::<Vec<Told>>()
    };
    let (first, _) = parting(&lives(0), &lives(1));
    assert_eq!(first.about.to_string(), "ann app:peer_joined 0-0");
    assert_eq!(first.instead.expect("the other's").at, Instant::ZERO);
}

#[test]
fn nothing_in_a_trace_acts_on_a_terminal_and_a_report_has_a_bound() {
    let said = |text: &'static str, node, count: u64| {
        let from = Name::of("\u{1b}[2J");
        let said =
            move |number| AppEvent::Message { number, from: from.clone(), text: text.into(), backlog: false };
        (0..count).map(move |number| (number, node, said(number).into()))
    };
    let first: Vec<Told> = said("a\r", "ann\u{9b}", 50).chain(download(0)).collect();
    let second: Vec<Told> = said("b\n", "ann\u{9b}", 70).chain(download(1)).collect();
    let text = report::text(&of(&first, &second), ["a\u{7}", "b"]);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
    assert!(
        text.lines().count() <= report::LINES_MAX && text.contains("messages shown: 50, then 70"),
        "{text}"
    );
}

#[test]
fn a_trace_that_cannot_be_read_on_is_named() {
    let whole = trace(0, &download(0));
    let cut = &whole[..whole.len() / 2];
    let traces = [whole.as_slice(), cut].map(|it| Reading::begin(it).expect("a header"));
    assert_eq!(diff(traces).expect_err("it was cut").side, Side::Second);
}

#[test]
fn of_one_seed_numbers_must_be_the_same_too() {
    let traces = [trace(0, &download(0)), trace(0, &download(1))];
    let of = |traces: [&Vec<u8>; 2]| {
        diff(traces.map(|it| Reading::begin(it.as_slice()).expect("a trace"))).expect("two traces").parting
    };
    assert!(of([&traces[0], &traces[0]]).is_none());
    let Some(Parting::Numbers(records)) = of(traces.each_ref()) else { panic!("numbers differ") };
    assert_eq!(records.each_ref().map(|it| it.event.name()), ["sim:file_shared"; 2]);
}

#[test]
fn a_timer_that_is_set_once_more_is_a_difference_of_times() {
    let (once, mut twice) = (download(0), download(1));
    let again = twice[4].clone();
    twice.insert(5, again);
    let Event::Core(_, CoreEvent::SegmentReceived { range }) = &mut twice[SEGMENT_RECEIVED + 1].2 else {
        panic!("a segment")
    };
    range.end = 8;
    let (first, more) = parting(&once, &twice);
    assert_eq!(
        (first.about.to_string().as_str(), first.likeness),
        ("ann recovery:timer_set silence", Likeness::Times)
    );
    assert_eq!(more.expect("the segment").about.to_string(), "ann transfer:segment_received 0");
}

#[test]
fn an_acknowledgment_is_for_the_segment_that_arrived_also_where_two_came_at_once() {
    let mut told = download(0);
    let transfer = TransferId(0xfeed);
    let what = |what: &str| what.parse().expect("a datagram");
    // A second segment comes within the same instant, and the first is spoken of before it.
    told.insert(DATA_DELIVERED, (50, "server->ann", NetEvent::offered(4, 9, what("data@9")).into()));
    told.insert(
        DATA_DELIVERED + 2,
        (60, "server->ann", NetEvent::Delivered { ordinal: 4, copy: 0, length: 9 }.into()),
    );
    let ack = |ordinal, which: &str| (60, "ann->server", NetEvent::offered(ordinal, 9, what(which)).into());
    told.insert(told.len() - 1, ack(4, "ack@9"));
    told.insert(
        told.len() - 1,
        (60, "ann", Event::Core(Some(transfer), CoreEvent::SegmentReceived { range: 9..18 })),
    );
    told.insert(told.len() - 1, ack(5, "ack@18"));
    for (gone, segment) in [("ack@9", "data@0"), ("ack@18", "data@9")] {
        let is_gone = |it: &Told| matches!(&it.2, Event::Net(NetEvent::Offered { what, .. }) if what.to_string() == gone);
        let without: Vec<Told> = told.iter().filter(|it| !is_gone(it)).cloned().collect();
        let (first, _) = parting(&told, &without);
        assert_eq!(first.about.to_string(), format!("ann->server net:offered {gone}"));
        let causes = &first.seen[0].as_ref().expect("it has it").causes;
        let arrived = causes.last().and_then(|step| step.datagram).map(|(what, _)| what.to_string());
        assert_eq!(arrived.as_deref(), Some(segment));
    }
}
