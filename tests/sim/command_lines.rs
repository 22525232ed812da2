//! `backchat-sim` as scripts see it: exit codes, what is printed where, files that are written.

mod command_lines {
    pub(crate) mod failures;
    pub(crate) mod files;
    pub(crate) mod long;
    pub(crate) mod swarms;
    pub(crate) mod sweeps;
    pub(crate) mod traces;
}
#[path = "../common/process.rs"]
mod process;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PASSES: &str = r#"
about = "A small download."
duration = "60s"
[server]
files = [{ name = "book.bin", size = "16KiB" }]
[clients.alice]
[links.default]
delay = "15ms"
[[steps]]
at = "100ms"
who = "alice"
do = "get"
file = "book.bin"
[expect]
downloads = [{ client = "alice", file = "book.bin", within = "5s" }]
"#;

/// The program, not started yet, with nothing of this machine's environment.
fn sim() -> Command {
    process::clean(env!("CARGO_BIN_EXE_backchat-sim"))
}

/// A folder with a scenario that passes and one that does not.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("passes.toml"), PASSES).expect("it is ours");
        let fails = PASSES.replace("within = \"5s\"", "within = \"1ms\"");
        std::fs::write(folder.path().join("fails.toml"), fails).expect("it is ours");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        sim().current_dir(self.0.path()).args(arguments).output().expect("the program starts")
    }

    /// Exit code, stdout, stderr.
    fn said(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (output.status.code().expect("no signal"), text(&output.stdout), text(&output.stderr))
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("one JSON object")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it was written")
}

#[test]
fn a_run_that_passes_says_so() {
    let folder = Folder::new();
    let (code, out, err) = folder.said(&["run", "passes.toml"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("PASS passes.toml  seed 0  engine turmoil\n"), "{out}");
    let (code, out, _) = folder.said(&["run", "passes.toml", "--seed", "0xff", "--json"]);
    let result = json(&out);
    assert_eq!((code, &result["seed"], &result["outcome"]), (0, &"255".into(), &"pass".into()));
    assert_eq!(result["transfers"][0]["bytes"], 16 << 10);
    assert_eq!(result["trace_hash"].as_str().expect("a text").len(), 64);
    assert!(
        result["wall_seconds"].is_number() && result["violations"].as_array().expect("a list").is_empty()
    );
}

#[test]
fn a_failure_is_explained_in_a_few_lines_and_its_replay_line_works() {
    let folder = Folder::new();
    let (code, out, _) = folder.said(&["run", "fails.toml", "--seed", "3"]);
    assert_eq!(code, 100);
    assert!(out.lines().count() <= 25, "{out}");
    assert!(out.contains("expect at 0.") && out.contains("expected at most 1ms"), "{out}");
    let replay =
        out.lines().last().expect("a line").strip_prefix("replay: backchat-sim ").expect("a replay line");
    assert_eq!(replay, "replay fails.toml --seed 3 --engine turmoil");
    let (code, trace, _) = folder.said(&replay.split(' ').collect::<Vec<_>>());
    assert_eq!(code, 100);
    assert!(
        trace.contains("app:download_finished") && trace.ends_with(&out),
        "the same run, explained the same"
    );
}

#[test]
fn a_recorded_trace_can_be_checked_and_a_spoilt_one_is_refused() {
    let folder = Folder::new();
    assert_eq!(folder.said(&["run", "passes.toml", "--trace", "t.jsonl"]).0, 0);
    assert_eq!(folder.said(&["check", "t.jsonl"]).0, 0);
    let trace = read(&folder.path("t.jsonl"));
    // Without the deliveries nothing adds up.
    let spoilt: String = trace
        .lines()
        .filter(|line| !line.contains("net:delivered"))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(folder.path("u.jsonl"), spoilt).expect("it is ours");
    let (code, out, _) = folder.said(&["check", "u.jsonl"]);
    assert!(code == 100 && out.contains("conservation at "), "{out}");
    std::fs::write(folder.path("v.jsonl"), trace.replace("\"node\"", "\"nod\"")).expect("it is ours");
    let (code, _, err) = folder.said(&["check", "v.jsonl"]);
    assert!(code == 96 && err.contains("v.jsonl:2:1: no node; expected \"node\": a text"), "{err}");
}

#[test]
fn a_sweep_counts_and_writes_what_it_was_asked_for() {
    let folder = Folder::new();
    let arguments =
        ["sweep", ".", "--seeds", "0..3", "--json", "o.json", "--junit", "o.xml", "--save-failures", "saved"];
    let (code, out, _) = folder.said(&arguments);
    assert_eq!(code, 100);
    assert!(out.contains("6 runs of 2 scenarios in ") && out.contains("3 passed, 3 failed"), "{out}");
    assert_eq!(out.matches("replay: backchat-sim replay ./fails.toml --seed ").count(), 3);
    assert!(out.starts_with("expect/too_late@client: 3 of them, the first with seeds 0, 1, 2\n"), "{out}");
    assert_eq!(out.matches("shrink: backchat-sim shrink ./fails.toml --seed 0 ").count(), 1, "one a group");
    let results = read(&folder.path("o.json"));
    let seen: Vec<(String, String)> = results
        .lines()
        .map(json)
        .map(|it| {
            (
                it["scenario"].as_str().expect("a text").to_owned(),
                it["seed"].as_str().expect("a text").to_owned(),
            )
        })
        .collect();
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted() && !results.contains("wall_seconds"));
    assert_eq!(results.matches("\"signature\":\"expect/too_late@client\"").count(), 3);
    assert!(read(&folder.path("o.xml")).contains("tests=\"6\" failures=\"3\""));
    assert_eq!(std::fs::read_dir(folder.path("saved")).expect("a folder").count(), 9);
    let parts: usize = ["slice:1/2", "slice:2/2"]
        .iter()
        .map(|part| {
            let arguments = [
                "sweep",
                "fails.toml",
                "passes.toml",
                "--seeds",
                "0..3",
                "--json",
                "p.json",
                "--partition",
                part,
            ];
            folder.said(&arguments);
            read(&folder.path("p.json")).lines().count()
        })
        .sum();
    assert_eq!(parts, 6);
}

#[test]
fn what_cannot_be_run_has_its_exit_code() {
    let folder = Folder::new();
    let newreno = format!("{PASSES}[transfer]\ncongestion = \"newreno\"\n");
    std::fs::write(folder.path("newreno.toml"), newreno).expect("it is ours");
    std::fs::write(folder.path("bad.toml"), "duration = \"60s\"\nabuot = 1\n").expect("it is ours");
    std::fs::create_dir(folder.path("empty")).expect("it is ours");
    let cases: [(&[&str], i32); 18] = [
        (&["run", "missing.toml"], 4),
        (&["sweep", "empty"], 4),
        (&["sweep", "passes.toml", "--seeds", "3..3"], 4),
        (&["sweep", "passes.toml", "--seeds", "9..3"], 2),
        (&["sweep", "passes.toml", "--partition", "slice:5/4"], 2),
        (&["sweep", "passes.toml", "--partition", "slice:0/4"], 2),
        (&["sweep", "passes.toml", "--partition", "slice:2/2", "--seeds", "0..1"], 4),
        (&["sweep", "passes.toml", "--resume"], 2),
        (&["sweep", "passes.toml", "--jobs", "0"], 2),
        (&["run", "passes.toml", "--bytes"], 2),
        (&["run", "passes.toml", "--engine", "steam"], 2),
        (&["run", "newreno.toml"], 2),
        (&["run", "passes.toml", "--seed", "x"], 2),
        (&["shrink", "passes.toml", "--seed", "3", "-o", "out.toml"], 4),
        (&["shrink", "passes.toml"], 2),
        (&["diff", "a.jsonl", "b.jsonl"], 4),
        (&["frobnicate"], 2),
        (&["run", "bad.toml"], 96),
    ];
    for (arguments, expected) in cases {
        let (code, out, err) = folder.said(arguments);
        assert_eq!((code, out.as_str()), (expected, ""), "{arguments:?}: {err}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
    let (_, _, err) = folder.said(&["run", "bad.toml"]);
    assert!(err.contains("bad.toml:2:1: unknown key 'abuot'"), "{err}");
}

#[test]
fn a_trace_that_cannot_be_written_is_no_verdict() {
    let folder = Folder::new();
    let (code, out, err) = folder.said(&["run", "passes.toml", "--trace", "missing/trace.jsonl"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("cannot write missing/trace.jsonl"), "{err}");
}

/// Losses by chance, and an expectation that one is too many for.
fn lossy() -> String {
    let lossy = PASSES.replace("delay = \"15ms\"", "delay = \"15ms\"\nrate = \"10Mbit/s\"\nloss = 0.1");
    lossy.replace("size = \"16KiB\"", "size = \"64KiB\"").replace("within = \"5s\"", "resent_at_most = 0")
}

#[test]
fn a_failing_seed_is_shrunk_to_one_fault_that_is_named_and_the_printed_line_replays_it() {
    let folder = Folder::new();
    std::fs::write(folder.path("lossy.toml"), lossy()).expect("it is ours");
    let (code, out, err) = folder.said(&["shrink", "lossy.toml", "--seed", "5", "-o", "out.toml"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("expect/resent_too_much@client\n"), "{out}");
    assert_eq!(out.matches("  without drop ").count(), 1, "{out}");
    assert!(out.contains("  it passes\n"), "{out}");
    let small = read(&folder.path("out.toml"));
    assert!(
        small.contains("packets = [\"") && !small.contains("loss =") && !small.contains("rate ="),
        "{small}"
    );
    assert!(small.starts_with("# Shrunk from lossy.toml, seed 5, "), "{small}");
    let replay =
        out.lines().find_map(|line| line.strip_prefix("replay: backchat-sim ")).expect("a replay line");
    let (code, again, _) = folder.said(&replay.split(' ').collect::<Vec<_>>());
    assert!(code == 100 && again.contains("segments again, expected at most 0"), "{again}");
    // The same again, whatever runs at the same time.
    let (_, stdout, err) = folder.said(&["shrink", "lossy.toml", "--seed", "5", "--jobs", "1"]);
    assert_eq!(stdout, small);
    assert!(err.starts_with("expect/resent_too_much@client\n"), "{err}");
}

#[test]
fn twice_the_same_is_checked_and_scenarios_are_listed() {
    let folder = Folder::new();
    let (code, _, err) = folder.said(&["run", "passes.toml", "--check-determinism"]);
    assert_eq!((code, err.as_str()), (0, "twice the same trace\n"));
    let (code, out, _) = folder.said(&["list", "."]);
    assert_eq!(
        (code, out.as_str()),
        (0, "./fails.toml   A small download.\n./passes.toml  A small download.\n")
    );
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, script, err) = folder.said(&["completions", shell]);
        assert_eq!((code, err.as_str()), (0, ""), "{shell}");
        // These ask the program while one types; the others are told everything at once.
        let is_asking = ["bash", "zsh", "fish"].contains(&shell);
        let part = if is_asking { format!("complete {shell} -- ") } else { "check-determinism".to_owned() };
        assert!(script.contains(&part), "{shell}: {script}");
    }
    for (words, offered) in [
        ("run --eng", "--engine\n"),
        ("run x.toml --engine d", "direct\n"),
        ("run ", "\tfiles\t\n"),
        ("sweep --save-failures ", "\tfolders\t\n"),
    ] {
        let line = format!("backchat-sim {words}");
        let last = words.rsplit(' ').next().unwrap_or_default();
        assert_eq!(
            folder.said(&["complete", "bash", "--", &line, last]),
            (0, offered.to_owned(), String::new())
        );
    }
    assert_eq!(folder.said(&["man", "--out", "pages"]).0, 0);
    for page in ["backchat-sim.1", "backchat-sim-sweep.1"] {
        assert!(read(&folder.path("pages").join(page)).starts_with(".ie"), "{page}");
    }
    let (code, _, err) = folder.said(&["man", "--out", "passes.toml"]);
    assert!(code == 1 && err.contains("cannot write passes.toml"), "{err}");
}

/// The tour, with a folder of its own for what it writes for a while.
fn tour(folder: &Folder) -> Command {
    std::fs::create_dir(folder.path("tmp")).expect("it is ours");
    let mut command = sim();
    command.arg("demo").env("TMPDIR", folder.path("tmp"));
    command
}

fn is_empty(folder: &Folder) -> bool {
    std::fs::read_dir(folder.path("tmp")).expect("a folder").count() == 0
}

#[test]
fn the_tour_is_plain_text_in_a_pipe_and_clears_away_what_it_wrote() {
    let folder = Folder::new();
    let output = tour(&folder).output().expect("it starts");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{text}");
    let is_acting = |c: char| c.is_control() && c != '\n';
    assert!(!text.contains(is_acting) && output.stderr.is_empty(), "{text:?}");
    for part in [
        "bob: And now?                         │ bob: And now?",
        "book.bin is whole, BLAKE3",
        " (10 %)",
        "PASS scenarios/network/demo.toml",
        "  replay: backchat-sim replay scenarios/network/demo.toml --seed 0 --engine turmoil\n",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(is_empty(&folder));
}

#[test]
fn a_tour_that_is_interrupted_clears_away_what_it_wrote() {
    use std::io::{BufRead as _, BufReader};
    let folder = Folder::new();
    let mut child = tour(&folder).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let begun = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("book.bin begins")));
    assert!(begun.is_some() && !is_empty(&folder), "the download runs");
    process::send(child.id(), "INT");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(is_empty(&folder));
}
