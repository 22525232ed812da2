//! The same scenario, seed and engine are the same bytes of trace: twice in one process, in two processes, with any
//! number of jobs, whatever is logged. And whoever does nothing changes nothing for the others.

#[expect(dead_code, reason = "the tests of command lines use more of it")]
#[path = "../common/process.rs"]
mod process;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use backchat_sim::run::{Engine, run};
use backchat_sim::scenario::Scenario;
use backchat_sim::trace::{AppEvent, Event, Node, Record, json};

/// Small, and with every kind of thing in it: loss, a blackout, crashes, a new address, several clients.
const MIXED: &str = r#"
duration = "120s"
[server]
files = [{ name = "book.bin", size = "128KiB" }]
[clients.alice]
[clients.bob]
start = "20ms"
[clients.many]
count = 5
[links.default]
delay = "15ms"
jitter = "2ms"
rate = "10Mbit/s"
loss = 0.02
duplicate = 0.01
corrupt = 0.01
[[steps]]
at = "100ms"
who = "alice"
do = "get"
file = "book.bin"
[[steps]]
at = "150ms"
who = "many"
do = "say"
text = "hello"
times = 3
every = "400ms"
[[steps]]
at = "200ms"
who = "bob"
do = "get"
file = "book.bin"
[[faults]]
at = "300ms"
for = "200ms"
kind = "blackout"
link = "alice<->server"
[[faults]]
at = "600ms"
kind = "rebind"
node = "alice"
[[faults]]
at = "700ms"
for = "500ms"
kind = "crash"
node = "many-3"
"#;

fn traced(text: &str, seed: u64) -> (Vec<Record>, [u8; 32]) {
    let scenario = Scenario::parse(text).expect("the scenario is right");
    let mut records = Vec::new();
    let report = run(&scenario, seed, Engine::Turmoil, &mut records).expect("it comes to an end");
    assert!(report.has_passed(), "{:#?}", report.violations);
    (records, report.end.hash)
}

fn bytes(records: &[Record]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in records {
        json::push_record(&mut bytes, record);
    }
    bytes
}

fn sim() -> Command {
    process::clean(env!("CARGO_BIN_EXE_backchat-sim"))
}

/// A folder with the scenario in it.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mixed.toml");
    std::fs::write(&path, MIXED).expect("it is ours");
    (folder, path)
}

/// The trace that a process of its own writes.
fn recorded(scenario: &Path, to: &Path, log: Option<&str>) -> Vec<u8> {
    let mut command = sim();
    command.arg("run").arg(scenario).args(["--seed", "7", "--trace"]).arg(to);
    if let Some(log) = log {
        command.env("RUST_LOG", log);
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!(log.is_some(), !output.stderr.is_empty(), "something is logged where it is asked for");
    std::fs::read(to).expect("it was written")
}

#[test]
fn twice_in_one_process_is_the_same_trace_and_another_seed_another() {
    let (first, hash) = traced(MIXED, 7);
    let (second, again) = traced(MIXED, 7);
    assert_eq!(hash, again);
    assert!(bytes(&first) == bytes(&second));
    assert_ne!(hash, traced(MIXED, 8).1);
}

#[test]
fn two_processes_write_the_same_bytes_whatever_is_logged() {
    let (folder, scenario) = folder();
    let to = |name: &str| folder.path().join(name);
    let plain = recorded(&scenario, &to("a.jsonl"), None);
    assert!(plain == recorded(&scenario, &to("b.jsonl"), None));
    assert!(plain == recorded(&scenario, &to("c.jsonl"), Some("trace")));
    let (records, _) = traced(MIXED, 7);
    let header = plain.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
    let end = plain.len() - 1 - plain.iter().rev().skip(1).position(|byte| *byte == b'\n').expect("an end");
    assert!(plain[header..end] == bytes(&records)[..], "and this process has it too");
}

#[test]
fn a_sweep_says_the_same_with_any_number_of_jobs() {
    let (folder, scenario) = folder();
    let results = |jobs: &str| {
        let to = folder.path().join(format!("{jobs}.json"));
        let mut command = sim();
        command.arg("sweep").arg(&scenario).args(["--seeds", "0..6", "--jobs", jobs, "--json"]).arg(&to);
        let output = command.output().expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        std::fs::read_to_string(&to).expect("it was written")
    };
    let one = results("1");
    assert_eq!(one.lines().count(), 6);
    assert_eq!(one, results("3"));
    assert_eq!(one, results("8"));
}

/// What became of each datagram of each direction: when it was offered, and when each copy ended and how.
fn fates(records: &[Record]) -> BTreeMap<Node, Vec<String>> {
    let mut fates: BTreeMap<Node, Vec<String>> = BTreeMap::new();
    for record in records.iter().filter(|record| record.event.name().starts_with("net:")) {
        let fate = format!("{} {:?}", record.at, record.event);
        fates.entry(record.node).or_default().push(fate);
    }
    fates
}

#[test]
fn an_idle_client_changes_no_fate_of_the_others_packets() {
    let (without, _) = traced(MIXED, 7);
    // By its name it is the first and by its order the last.
    for idle in ["[clients.aaron]\n", "[clients.zoe]\nstart = \"10ms\"\n"] {
        let (with, _) = traced(&format!("{MIXED}{idle}"), 7);
        assert!(with.iter().any(|record| matches!(record.event, Event::App(AppEvent::Joined { .. }))));
        assert_eq!(fates(&without), fates(&with), "{idle}");
    }
}
