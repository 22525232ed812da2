//! Sweeps: in one piece, in parts, interrupted and gone on with.

use std::io::Write;
use std::process::Stdio;

use crate::{Folder, PASSES, process, read};

impl Folder {
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("it is ours");
    }

    /// What a sweep of both scenarios writes, with these arguments besides; and how it ended.
    fn swept(&self, arguments: &[&str]) -> (i32, String, String) {
        let sweep = ["sweep", "fails.toml", "passes.toml", "--seeds", "3..40"];
        let (code, out, err) = self.said(&[&sweep[..], arguments].concat());
        assert!(err.is_empty(), "{err}");
        (code, out, read(&self.path("o.json")))
    }
}

const JSON: [&str; 4] = ["--json", "o.json", "--junit", "o.xml"];

#[test]
fn neither_threads_nor_parts_can_be_seen_in_the_results() {
    let folder = Folder::new();
    let (code, _, json) = folder.swept(&[&JSON[..], &["--jobs", "1"]].concat());
    let junit = read(&folder.path("o.xml"));
    assert_eq!((code, json.lines().count()), (100, 2 * 37));
    let (_, _, others) = folder.swept(&[&JSON[..], &["--jobs", "5"]].concat());
    assert!(others == json && read(&folder.path("o.xml")) == junit);
    for count in [2, 5] {
        let names: Vec<String> = (1..=count).map(|part| format!("p{part}.json")).collect();
        for (part, name) in (1..).zip(&names) {
            let slice = format!("slice:{part}/{count}");
            folder.said(&[
                "sweep",
                "fails.toml",
                "passes.toml",
                "--seeds",
                "3..40",
                "--partition",
                &slice,
                "--json",
                name,
            ]);
        }
        // In any order.
        let mut arguments = vec!["merge", "-o", "m.json", "--junit", "m.xml"];
        arguments.extend(names.iter().rev().map(String::as_str));
        let (code, out, err) = folder.said(&arguments);
        assert_eq!((code, err.as_str()), (100, ""));
        assert!(
            out.starts_with("expect/too_late@client: 37 of them, the first with seeds 3, 4, 5, 6, 7, …\n")
        );
        assert!(out.ends_with(&format!("74 runs of 2 scenarios from {count} parts: 37 passed, 37 failed\n")));
        assert!(read(&folder.path("m.json")) == json && read(&folder.path("m.xml")) == junit);
        assert_eq!(read(&folder.path("m.json.sweep")), read(&folder.path("o.json.sweep")));
        let (code, out, err) = folder.said(&[&["merge"], &arguments[5..]].concat());
        assert!(code == 100 && out == json && err.contains("37 failed"), "without -o to stdout: {err}");
    }
}

#[test]
fn a_sweep_goes_on_where_it_was_stopped() {
    let folder = Folder::new();
    let (_, _, json) = folder.swept(&JSON);
    let junit = read(&folder.path("o.xml"));
    // Nothing is there yet, and then everything is.
    std::fs::remove_file(folder.path("o.json")).expect("it is ours");
    std::fs::remove_file(folder.path("o.json.sweep")).expect("it is ours");
    for (resumed, there) in [(&json[..0], 0), (&json[..], 74)] {
        assert_eq!(folder.swept(&[&JSON[..], &["--resume"]].concat()).2, json);
        let was = if there > 0 { format!("; {there} of them were there before") } else { String::new() };
        let out = folder.swept(&[&JSON[..], &["--resume"]].concat()).1;
        assert!(out.contains("74 runs of 2 scenarios"), "{resumed}{was}: {out}");
    }
    // It was killed while it wrote a line.
    let torn = json.lines().take(10).map(str::len).sum::<usize>() + 10 + 17;
    folder.write("o.json", &json[..torn]);
    let (code, out, whole) = folder.swept(&[&JSON[..], &["--resume"]].concat());
    assert!(code == 100 && out.contains("37 passed, 37 failed; 10 of them were there before\n"), "{out}");
    assert!(whole == json && read(&folder.path("o.xml")) == junit);
    // There was no time for anything.
    let (code, out, nothing) = folder.swept(&["--json", "o.json", "--max-time", "0s"]);
    let left = "out of time before fails.toml with seed 3: 74 runs are left; the same command with --resume goes on there\n";
    assert!(code == 0 && nothing.is_empty() && out.ends_with(left), "{out}");
}

#[test]
fn what_is_not_the_same_sweep_is_not_gone_on_with() {
    let folder = Folder::new();
    folder.swept(&JSON);
    let resumed = |arguments: &[&str]| {
        let (code, out, err) =
            folder.said(&[&["sweep"], arguments, &["--json", "o.json", "--resume"]].concat());
        assert_eq!(out, "");
        (code, err)
    };
    for (arguments, expected) in [
        (&["fails.toml", "passes.toml", "--seeds", "3..41"][..], "has seeds 3..40, not 3..41"),
        (&["passes.toml", "--seeds", "3..40"][..], "has 2 scenarios, not 1"),
        (
            &["passes.toml", "fails.toml", "--seeds", "3..40"][..],
            "has scenario fails.toml where passes.toml is",
        ),
        (&["fails.toml", "passes.toml", "--seeds", "3..40", "--engine", "turmoil"][..], "was run on direct"),
        (
            &["fails.toml", "passes.toml", "--seeds", "3..40", "--partition", "slice:1/2"][..],
            "is of another part",
        ),
    ] {
        let (code, err) = resumed(arguments);
        assert!(code == 2 && err.contains("o.json.sweep") && err.contains(expected), "{err}");
    }
    folder.write("passes.toml", &PASSES.replace("15ms", "16ms"));
    let (code, err) = resumed(&["fails.toml", "passes.toml", "--seeds", "3..40"]);
    assert!(code == 2 && err.contains("was run with another passes.toml"), "{err}");
    folder.write("passes.toml", PASSES);
    let json = read(&folder.path("o.json"));
    folder.write("o.json", &json.replacen("\"seed\":\"5\"", "\"seed\":\"6\"", 1));
    let (code, err) = resumed(&["fails.toml", "passes.toml", "--seeds", "3..40"]);
    let expected = "o.json:3:1: fails.toml with seed 6 on direct; expected fails.toml with seed 5 on direct";
    assert!(code == 96 && err.contains(expected), "{err}");
    std::fs::remove_file(folder.path("o.json.sweep")).expect("it is ours");
    let (code, err) = resumed(&["fails.toml", "passes.toml", "--seeds", "3..40"]);
    assert!(code == 2 && err.contains("--resume needs o.json.sweep too"), "{err}");
}

#[test]
fn parts_that_are_not_one_sweep_are_not_put_together() {
    let folder = Folder::new();
    let part = |seeds: &str, slice: &str, name: &str| {
        folder.said(&["sweep", "passes.toml", "--seeds", seeds, "--partition", slice, "--json", name]);
    };
    for (slice, name) in [("slice:1/3", "a"), ("slice:2/3", "b"), ("slice:3/3", "c"), ("slice:2/3", "again")]
    {
        part("0..10", slice, name);
    }
    part("0..11", "slice:3/3", "other");
    part("0..10", "slice:3/4", "quarter");
    folder.write("alone", &read(&folder.path("c")));
    folder.write("junit", "<?xml version=\"1.0\"?>\n");
    let merged = |parts: &[&str]| {
        let (code, out, err) = folder.said(&[&["merge"], parts, &["-o", "m"]].concat());
        assert!(!folder.path("m").exists() || code == 0, "half of it is nothing: {parts:?}");
        assert!(code == 0 || out.is_empty(), "{out}");
        (code, err)
    };
    assert_eq!(merged(&["a", "b", "c"]), (0, String::new()));
    std::fs::remove_file(folder.path("m")).expect("it is ours");
    for (parts, expected) in [
        (&["a", "c"][..], "a:1:1: one of 3 parts; expected slice:2/3 as well"),
        (&["a", "b", "c", "again"][..], "again:1:1: slice:2/3 a second time; b is it too"),
        (&["a", "b", "other"][..], "other:1:1: has seeds 0..11, not 0..10; expected the sweep of a"),
        (&["a", "b", "quarter"][..], "quarter:1:1: slice:3/4; expected one of 3 parts, as a"),
        (&["a", "b", "alone"][..], "alone:1:1: nothing says what it is of; expected alone.sweep"),
        (&["a", "b", "junit"][..], "junit:1:1: nothing says what it is of"),
        (&["a", "b", "missing"][..], "missing:1:1: cannot be read"),
    ] {
        let (code, err) = merged(parts);
        assert!(code == 96 && err.contains(expected), "{parts:?}: {err}");
    }
    let lines = read(&folder.path("b"));
    let end = "b:3:1: the end; expected 1 lines more, the first of passes.toml with seed 7";
    let first_two: String = lines.split_inclusive('\n').take(2).collect();
    for (text, expected) in [
        (first_two.clone(), end),
        (lines.trim_end().to_owned(), end),
        (format!("{lines}{lines}"), "b:4:1: a line too many; expected 3"),
        (
            lines.replace("passes.toml", "passed.toml"),
            "b:1:1: passed.toml with seed 1 on direct; expected passes.toml",
        ),
        (lines.replacen('{', "[", 1), "b:1:"),
    ] {
        folder.write("b", &text);
        let (code, err) = merged(&["a", "b", "c"]);
        assert!(code == 96 && err.contains(expected), "{expected}: {err}");
    }
}

#[test]
fn what_cannot_be_written_is_said_before_anything_is_run() {
    let folder = Folder::new();
    folder.write("file", "");
    for (arguments, expected) in [
        (["--save-failures", "file/saved"], "cannot write file/saved: "),
        (["--save-failures", "file"], "cannot write file: "),
        (["--json", "nowhere/o.json"], "cannot write nowhere/o.json: "),
        (["--junit", "nowhere/o.xml"], "cannot write nowhere/o.xml: "),
    ] {
        let (code, out, err) = folder.said(&[&["sweep", "passes.toml"], &arguments[..]].concat());
        assert!(code == 1 && out.is_empty() && err.contains(expected), "{arguments:?}: {err}");
    }
}

/// Without a terminal a sweep says nothing until it ends, so its file tells that it has begun.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_sweep_keeps_what_it_has_and_goes_on() {
    let folder = Folder::new();
    // As many as nobody waits for.
    let sweep =
        ["sweep", "passes.toml", "fails.toml", "--seeds", "0..1000000000", "--jobs", "2", "--json", "o.json"];
    let mut command = crate::sim();
    command.current_dir(folder.path("")).args(sweep).stdout(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    while std::fs::metadata(folder.path("o.json")).map_or(0, |it| it.len()) < 1 << 17 {
        std::thread::yield_now();
    }
    process::send(child.id(), "INT");
    let output = child.wait_with_output().expect("it ends");
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{out}");
    let json = read(&folder.path("o.json"));
    let done = json.lines().count();
    assert!(out.contains(&format!("{done} runs of 2 scenarios in ")), "{out}");
    assert!(
        out.contains(&format!("interrupted before passes.toml with seed {done}: "))
            && out.ends_with("the same command with --resume goes on there\n"),
        "{out}"
    );
    // Each run that was begun is there, and none twice.
    for (seed, line) in json.lines().enumerate() {
        assert!(line.contains(&format!("\"seed\":\"{seed}\"")), "{line}");
    }
    let resumed = [&sweep[..], &["--resume", "--max-time", "0s"]].concat();
    let (code, out, _) = folder.said(&resumed);
    assert!(code == 0 && out.contains(&format!("{done} of them were there before")), "{out}");
    let mut file = std::fs::OpenOptions::new().append(true).open(folder.path("o.json")).expect("it is ours");
    file.write_all(b"{}\n").expect("it is ours");
    let (code, _, err) = folder.said(&resumed);
    assert!(code == 96 && err.contains(&format!("o.json:{}:", done + 1)), "{err}");
}
