//! Recorded traces: judged, held against each other, and those that are none.

use crate::{Folder, PASSES, json, lossy, read};

impl Folder {
    /// Records a run.
    fn traced(&self, scenario: &str, seed: &str, engine: &str, to: &str) {
        let (_, out, err) = self.said(&["run", scenario, "--seed", seed, "--engine", engine, "--trace", to]);
        assert!(self.path(to).exists(), "{out}{err}");
    }

    fn written(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("it is ours");
    }
}

#[test]
fn two_traces_of_a_run_are_the_same_and_so_is_one_with_itself() {
    let folder = Folder::new();
    folder.traced("passes.toml", "3", "turmoil", "a.jsonl");
    folder.traced("passes.toml", "3", "turmoil", "b.jsonl");
    for other in ["a.jsonl", "b.jsonl"] {
        let (code, out, err) = folder.said(&["diff", "a.jsonl", other]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.starts_with("the same: ") && out.ends_with(" of passes.toml with seed 3 on turmoil\n"));
    }
    let (code, out, _) = folder.said(&["diff", "a.jsonl", "b.jsonl", "--json"]);
    let result = json(&out);
    assert_eq!((code, &result["same"], &result["difference"]), (0, &true.into(), &().into()));
    // Contents and numbers are a seed's, and nothing is drawn here but those.
    folder.traced("passes.toml", "4", "turmoil", "c.jsonl");
    let (code, out, _) = folder.said(&["diff", "a.jsonl", "c.jsonl"]);
    assert!(code == 0 && out.ends_with("  seed: 3, then 4\n"), "{out}");
}

#[test]
fn a_fault_more_is_the_first_difference_and_what_came_of_it_is_counted() {
    let folder = Folder::new();
    let fault = "[[faults]]\nkind = \"drop\"\nlink = \"server->alice\"\npackets = [\"data@2400\"]\n";
    folder.written("faulty.toml", &format!("{PASSES}{fault}"));
    folder.traced("passes.toml", "0", "direct", "a.jsonl");
    folder.traced("faulty.toml", "0", "direct", "b.jsonl");
    let (code, out, err) = folder.said(&["diff", "a.jsonl", "b.jsonl"]);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.starts_with("a.jsonl and b.jsonl differ: "), "{out}");
    for part in [
        "\n  scenario: passes.toml, then faulty.toml\n",
        "\nfirst difference: server->alice what became of data@2400: at, event\n",
        " reason=explicit\n",
        "\n  led there, in both:\n",
        " app:asked ",
        "arrived: confirm@0, sent at 0.",
        "\n  server->alice dropped: explicit: 0, then 1\n",
        "\n  alice book.bin: complete after 0.",
    ] {
        assert!(out.contains(part), "{part} is missing in\n{out}");
    }
    assert!(out.lines().count() <= 25, "{out}");
    let result = json(&folder.said(&["diff", "a.jsonl", "b.jsonl", "--json"]).1);
    assert_eq!(result["difference"]["records"][1]["reason"], "explicit");
    assert_eq!(result["difference"]["causes"][0][0]["event"], "app:asked");
}

#[test]
fn seeds_and_engines_differ_in_what_chance_and_ticks_did() {
    let folder = Folder::new();
    folder.written("lossy.toml", &lossy());
    folder.traced("lossy.toml", "5", "direct", "a.jsonl");
    folder.traced("lossy.toml", "6", "direct", "b.jsonl");
    folder.traced("lossy.toml", "5", "turmoil", "c.jsonl");
    let (code, out, _) = folder.said(&["diff", "a.jsonl", "b.jsonl"]);
    assert!(code == 1 && out.contains("\nfirst difference: ") && out.contains(" what became of "), "{out}");
    let (code, out, _) = folder.said(&["diff", "a.jsonl", "c.jsonl"]);
    assert!(code == 1 && out.contains("\n  engine: direct, then turmoil\n"), "{out}");
    assert!(out.contains(" server chat:opened: at\n"), "{out}");
    assert!(out.lines().count() <= 25, "{out}");
}

/// Spoils a trace in each way, and says what is expected of whoever reads it.
fn spoilt(trace: &str) -> Vec<(&'static str, String, &'static str)> {
    let half: Vec<&str> = trace.lines().take(trace.lines().count() / 2).collect();
    vec![
        ("empty", String::new(), ":1:1: an empty file; expected a trace's header: "),
        ("cut", half.join("\n") + "\n", ": the end of the file; expected a trace's end, "),
        ("torn", trace[..trace.len() / 2].to_owned(), "; expected one JSON object a line"),
        (
            "old",
            trace.replacen("\"version\":3", "\"version\":2", 1),
            ":1:28: version 2, of an older build; expected version 3",
        ),
        ("scenario", PASSES.trim_start().to_owned(), ":1:1: expected value; expected one JSON object a line"),
        (
            "unknown",
            trace.replace("sim:healed", "x").replace("sim:ended", "sim:endet"),
            "event \"sim:endet\"",
        ),
        ("twice", trace.repeat(2), ": a line behind the trace's end; expected none"),
    ]
}

#[test]
fn what_is_no_trace_is_refused_with_file_line_and_column_by_whoever_reads_it() {
    let folder = Folder::new();
    folder.traced("passes.toml", "0", "turmoil", "a.jsonl");
    for (name, text, expected) in spoilt(&read(&folder.path("a.jsonl"))) {
        folder.written("bad.jsonl", &text);
        for arguments in [
            &["check", "bad.jsonl"][..],
            &["diff", "bad.jsonl", "a.jsonl"],
            &["diff", "a.jsonl", "bad.jsonl"],
        ] {
            let (code, out, err) = folder.said(arguments);
            assert_eq!((code, out.as_str()), (96, ""), "{name}: {arguments:?}: {err}");
            assert!(err.starts_with("backchat-sim: bad.jsonl:") && err.contains(expected), "{name}: {err}");
        }
    }
    for arguments in
        [&["check", "no.jsonl"][..], &["diff", "a.jsonl", "no.jsonl"], &["diff", "no.jsonl", "a.jsonl"]]
    {
        let (code, out, err) = folder.said(arguments);
        assert_eq!((code, out.as_str()), (4, ""), "{arguments:?}");
        assert!(err.starts_with("backchat-sim: cannot read no.jsonl: "), "{err}");
    }
    assert_eq!(folder.said(&["diff", "a.jsonl"]).0, 2);
}

#[test]
fn a_trace_that_was_edited_is_judged_as_it_stands_and_never_passes() {
    let folder = Folder::new();
    folder.traced("passes.toml", "0", "turmoil", "a.jsonl");
    let trace = read(&folder.path("a.jsonl"));
    // Nothing that a checker looks at, but another trace.
    folder.written(
        "other.jsonl",
        &trace.replacen("\"chat:opened\",\"stream\":1", "\"chat:opened\",\"stream\":2", 1),
    );
    let (code, out, err) = folder.said(&["check", "other.jsonl"]);
    assert!(code == 96 && out.starts_with("EDITED other.jsonl: "), "{out}");
    assert!(err.contains(", that of the records: it was edited"), "{err}");
    let (code, out, err) = folder.said(&["diff", "a.jsonl", "other.jsonl"]);
    assert!(
        code == 1 && out.contains("the same but for numbers that a run draws or counts, first:\n"),
        "{out}"
    );
    assert!(
        out.contains("stream=1") && out.contains("stream=2") && err.starts_with("other.jsonl:"),
        "{out}{err}"
    );
    // Where nothing but the end was edited, that is all there is to say.
    let (records, hash) = trace.rsplit_once("\"hash\":\"").expect("an end");
    folder.written("hash.jsonl", &format!("{records}\"hash\":\"{}", hash.replacen(|_| true, "0", 64)));
    let (code, out, err) = folder.said(&["diff", "a.jsonl", "hash.jsonl"]);
    assert!(code == 96 && out.starts_with("the same: "), "{out}");
    assert!(err.starts_with("backchat-sim: hash.jsonl:") && err.contains("it was edited"), "{err}");
    let line = |it: &&str| !it.contains("app:download_finished");
    let without: Vec<&str> = trace.lines().filter(line).collect();
    folder.written("less.jsonl", &(without.join("\n") + "\n"));
    let (code, out, err) = folder.said(&["diff", "less.jsonl", "a.jsonl"]);
    assert!(code == 1 && out.contains("alice app:download_finished 1: the second alone has it\n"), "{out}");
    assert!(err.starts_with("less.jsonl:") && err.contains("it was edited"), "{err}");
}
