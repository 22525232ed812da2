use ::core::time::Duration;
use std::collections::BTreeSet;

use backchat_core::chat::{CloseReason, Nickname, RequestId, SessionId};
use backchat_core::time::Instant;
use backchat_core::trace::{DropReason, TransferTimer};
use backchat_core::transfer::{Outcome, SenderStats};
use backchat_core::wire::{Hash, ResetCode};

use super::*;
use crate::scenario::Failure;
use crate::trace::field::Value;
use crate::trace::json::Lines;
use crate::trace::{Header, Record, Recorded, Recorder, read, text::Line};

fn some() -> Vec<Record> {
    let transfer = TransferId(0xfedc_ba98_7654_3210);
    let of = |event| Event::Core(Some(transfer), event);
    let record =
        |at, node: &str, event: Event| Record { at: Instant::from_nanos(at), node: node.into(), event };
    let (timer, due) = (TransferTimer::Retransmit, Instant::from_nanos(7));
    let (text, peer) = ("\u{1b}[1m\n\"".into(), [10, 0, 0, 2].into());
    let (nick, session) = (Nickname::parse("ann").unwrap(), SessionId(3));
    let acknowledges = Some(Acknowledges { ack: 5, limit: 9, paused: true });
    let served = TransferEvent::Served {
        session,
        transfer,
        file: backchat_core::chat::FileName::parse("a b.bin").unwrap(),
        outcome: Outcome::Aborted(ResetCode::Stopped),
        bytes: 7,
        stats: Box::new(SenderStats {
            segments_sent: 1,
            timeouts: 2,
            path_changes: 3,
            ..SenderStats::default()
        }),
        round_trip: None,
        took: Duration::from_millis(5),
    };
    let (file, reason, message) = ("f".into(), Failure::TimedOut, "it was lost".into());
    let failed = AppEvent::DownloadFailed { wish: 1, file, reason, message, kept: 0 };
    let said = |id| ChatEvent::Said { session, number: 1, to: None, id: Some(id) }.into();
    vec![
        record(
            0,
            "sim",
            RunEvent::FileShared { name: "a b.bin".into(), size: 3, blake3: Hash::of_nothing() }.into(),
        ),
        record(1, "alice", Event::Core(None, CoreEvent::Dropped { reason: DropReason::Checksum })),
        record(2, "alice", of(CoreEvent::SegmentReceived { range: 0..1_200 })),
        record(2, "server->alice", NetEvent::offered(1, 9, "data@0".parse().unwrap()).into()),
        record(
            2,
            "alice->server",
            NetEvent::Offered { ordinal: 1, length: 9, what: "ack@5".parse().unwrap(), acknowledges }.into(),
        ),
        record(15_000_001, "server", of(CoreEvent::TimerSet { timer, due })),
        record(
            15_000_001,
            "bob",
            AppEvent::Message { number: 1, from: "eve".into(), text, backlog: true }.into(),
        ),
        record(15_000_002, "server", ChatEvent::Joined { session, nick, peer }.into()),
        record(15_000_002, "server", ChatEvent::Parked { session, reason: CloseReason::Silent }.into()),
        record(15_000_002, "server", said(RequestId::Number(5))),
        record(15_000_002, "server", said(RequestId::Text("\u{1}x".into()))),
        record(15_000_003, "server", served.into()),
        record(15_000_003, "bob", failed.into()),
        record(
            15_000_003,
            "bob",
            AppEvent::Answered { wish: 1, outcome: "too-fast".into(), number: None }.into(),
        ),
        record(15_000_003, "bob", AppEvent::GaveUp.into()),
        record(15_000_003, "bob", of(CoreEvent::PathValidated)),
    ]
}

#[test]
fn what_is_written_is_read_back() {
    let header = Header { scenario: "a.toml".into(), seed: u64::MAX, engine: "turmoil".into() };
    let records = some();
    let mut recorder = Recorder::new();
    records.iter().for_each(|it| recorder.add(it.at, it.node, it.event.clone()));
    recorder.hand_on(&mut ());
    let mut lines = Lines::new(Vec::new(), &header);
    records.iter().for_each(|it| lines.record(it).unwrap());
    let bytes = lines.finish(recorder.count(), recorder.hash()).unwrap();
    assert_eq!(read(bytes.as_slice()).unwrap(), Recorded { header, records, edited: None });
}

#[test]
fn a_line_for_people_has_columns_and_shows_no_control_character() {
    let lines: Vec<String> = some().iter().map(|record| Line(record).to_string()).collect();
    assert_eq!(
        lines[5],
        "    0.015000001  server           recovery:timer_set         transfer=fedcba98 timer=retransmit due=0.000000007"
    );
    assert_eq!(
        lines[6],
        "    0.015000001  bob              app:message                number=1 from=eve text=\"\\u{1b}[1m\\n\\\"\" backlog=yes"
    );
}

#[test]
fn no_field_is_called_as_what_every_record_has() {
    for record in some() {
        let mut names = BTreeSet::from(["at", "node", "event"]);
        record.event.visit(&mut |name: &'static str, _: Value<'_>| assert!(names.insert(name), "{name}"));
    }
}

#[test]
fn every_name_is_of_the_form_category_and_event_and_has_a_code_of_its_own() {
    let names: Vec<&str> = Event::names().collect();
    assert!(names.iter().all(|name| name.split_once(':').is_some()));
    let codes: BTreeSet<u32> = names.iter().map(|name| trace::code(name)).collect();
    assert_eq!(codes.len(), names.len());
}
