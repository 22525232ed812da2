use super::*;
use crate::trace::json::Lines;
use crate::trace::{Header, Record, Recorded, Recorder, read, text::Line};

fn some() -> Vec<Record> {
    let transfer = TransferId(0xfedc_ba98_7654_3210);
    let record = |at, node: &str, event| Record { at: Instant::from_nanos(at), node: node.into(), event };
    vec![
        record(0, "sim", Event::FileShared { name: "a b.bin".into(), size: 3, blake3: Hash::of_nothing() }),
        record(1, "alice", Event::PacketDropped { transfer: None, reason: Name::of("checksum") }),
        record(2, "alice", Event::SegmentReceived { transfer, start: 0, end: 1_200 }),
        record(2, "server->alice", Event::offered(1, 9, "data@0".parse().unwrap())),
        record(
            15_000_001,
            "server",
            Event::TimerSet { transfer, timer: Name::of("retransmit"), due: Instant::from_nanos(7) },
        ),
        record(
            15_000_001,
            "bob",
            Event::Message { number: 1, from: "eve".into(), text: "\u{1b}[1m\n\"".into(), backlog: true },
        ),
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
        lines[4],
        "    0.015000001  server           recovery:timer_set         transfer=fedcba98 timer=retransmit due=0.000000007"
    );
    assert_eq!(
        lines[5],
        "    0.015000001  bob              app:message                number=1 from=eve text=\"\\u{1b}[1m\\n\\\"\" backlog=yes"
    );
}

#[test]
fn no_field_is_called_as_what_every_record_has() {
    for record in some() {
        record
            .event
            .visit(&mut |name: &'static str, _: Value<'_>| assert!(!["at", "node", "event"].contains(&name)));
    }
    let calm = Event::CalmExpected { from: Instant::ZERO, duration: Duration::ZERO };
    calm.visit(&mut |name: &'static str, _: Value<'_>| assert_ne!(name, "at"));
}

#[test]
fn every_name_is_of_the_form_category_and_event_and_none_is_twice() {
    let mut names = Event::NAMES.to_vec();
    assert!(names.iter().all(|name| name.split_once(':').is_some()));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Event::NAMES.len());
}

#[test]
fn every_name_has_a_code_of_its_own() {
    let mut codes: Vec<u32> = Event::NAMES.iter().map(|name| code(name)).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Event::NAMES.len());
}
