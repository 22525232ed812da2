//! Long commands can be stopped, and endless ones are refused.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use crate::{Folder, PASSES};

#[test]
fn a_run_that_is_out_of_time_has_no_verdict() {
    let folder = Folder::new();
    for engine in ["direct", "turmoil"] {
        for command in [["run", "passes.toml"], ["replay", "fails.toml"]] {
            let limits = ["--seed", "0", "--engine", engine, "--max-time", "0s"];
            let (code, out, err) = folder.said(&[&command[..], &limits].concat());
            assert!(code == 1 && !out.contains("PASS") && !out.contains("FAIL"), "{out}");
            assert!(err.contains("with seed 0: stopped at ") && err.contains("there is no verdict"), "{err}");
        }
    }
    // The trace up to the stop is kept, and says that it is not complete.
    let (code, _, err) = folder.said(&["run", "passes.toml", "--trace", "t.jsonl", "--max-time", "0s"]);
    assert_eq!(code, 1, "{err}");
    let (code, _, err) = folder.said(&["check", "t.jsonl"]);
    assert!(code == 96 && err.contains("it was cut short"), "{err}");
    let (code, out, _) = folder.said(&["exhaust", "--crashes", "--max-time", "0s"]);
    assert!(code == 0 && out.contains("not finished: "), "{out}");
}

/// A line that it has printed says that it listens.
#[cfg(unix)]
#[test]
fn a_long_run_that_is_interrupted_ends_at_once() {
    let folder = Folder::new();
    std::fs::write(folder.path("long.toml"), PASSES.replace("16KiB", "1GiB")).expect("it is ours");
    let mut command = Command::new(env!("CARGO_BIN_EXE_backchat-sim"));
    command.current_dir(folder.path("")).args(["replay", "long.toml", "--seed", "0", "--engine", "direct"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).env_remove("CARGO");
    let mut child = command.spawn().expect("the program starts");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("there is a kill").success());
    // It may wait for somebody to read what it has printed.
    out.read_to_string(&mut line).expect("UTF-8");
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!((output.status.code(), err.as_str()), (Some(130), "backchat-sim: interrupted\n"));
}

#[test]
fn more_messages_than_anybody_can_wait_for_are_no_scenario() {
    let folder = Folder::new();
    let many = "duration = \"60s\"\n[clients.load]\ncount = 10000\n[[steps]]\nwho = \"load\"\ndo = \"say\"\n\
                text = \"hello\"\ntimes = 2\nafter = \"done\"\n";
    std::fs::write(folder.path("many.toml"), many).expect("it is ours");
    let (code, _, err) = folder.said(&["run", "many.toml"]);
    let expected =
        "20000 messages more, shown to 10000 each; expected at most 100000000 that are shown in all\n";
    assert!(code == 96 && err.contains("many.toml:4:") && err.ends_with(expected), "{err}");
}

#[test]
fn errors_have_no_words_from_inside() {
    let folder = Folder::new();
    folder.said(&["sweep", "passes.toml", "--seeds", "2", "--json", "o"]);
    for (name, text, expected) in [
        ("o", "[]\n", "o:1:2: JSON of another shape; "),
        ("o.sweep", "{\"format\":\"backchat-sweep\"}\n", "o.sweep:1:27: missing field `version`; "),
        ("bounds", "workload = 1\n", "bounds:1:12: "),
    ] {
        std::fs::write(folder.path(name), text).expect("it is ours");
        let command = if name == "bounds" { ["swarm", "bounds"] } else { ["merge", "o"] };
        let (code, _, err) = folder.said(&command);
        assert!(code == 96 && err.contains(expected), "{name}: {err}");
        assert!(!err.contains("struct") && err.contains("expected a"), "{name}: {err}");
    }
}
