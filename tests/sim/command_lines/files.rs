//! Files that are read and written: none is destroyed, and what only looks like a scenario is none.

use std::process::Command;

use crate::{Folder, PASSES, lossy, read};

/// Options that write a file, of commands that read `a.toml`.
const WRITING: [&[&str]; 4] = [
    &["run", "a.toml", "--trace"],
    &["sweep", "a.toml", "--seeds", "0..2", "--json"],
    &["sweep", "a.toml", "--seeds", "0..2", "--junit"],
    &["shrink", "a.toml", "--seed", "5", "-o"],
];

#[test]
fn an_output_that_is_an_input_is_refused_by_whatever_name_and_nothing_is_changed() {
    let folder = Folder::new();
    let text = lossy();
    std::fs::write(folder.path("a.toml"), &text).expect("it is ours");
    std::fs::hard_link(folder.path("a.toml"), folder.path("hard")).expect("it is ours");
    let mut names = vec!["a.toml", "./a.toml", "hard"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.toml", folder.path("soft")).expect("it is ours");
        names.push("soft");
    }
    for command in WRITING {
        for name in &names {
            let (code, out, err) = folder.said(&[command, &[*name]].concat());
            assert_eq!((code, out.as_str()), (2, ""), "{command:?} {name}: {err}");
            let said = format!("{name} would overwrite a.toml, which is read; name another file\n");
            assert!(err.ends_with(&said), "{command:?} {name}: {err}");
            assert_eq!(read(&folder.path("a.toml")), text);
        }
    }
    let bounds = folder.said(&["swarm", "--print-bounds"]).1;
    std::fs::write(folder.path("bounds"), &bounds).expect("it is ours");
    let (code, _, err) = folder.said(&["swarm", "bounds", "--seeds", "0..1", "--json", "bounds"]);
    assert!(code == 2 && err.contains("--json bounds would overwrite bounds"), "{err}");
    assert_eq!(read(&folder.path("bounds")), bounds);
    folder.said(&["sweep", "passes.toml", "--seeds", "0..2", "--json", "part"]);
    for name in ["part", "part.sweep"] {
        let before = read(&folder.path(name));
        let (code, _, err) = folder.said(&["merge", "part", "-o", name]);
        assert!(code == 2 && err.contains(&format!("would overwrite {name}")), "{err}");
        assert_eq!(read(&folder.path(name)), before);
    }
}

#[test]
fn two_outputs_are_two_files() {
    let folder = Folder::new();
    let sweep = ["sweep", "passes.toml", "--seeds", "0..2", "--json", "o"];
    for junit in ["o", "./o", "o.sweep"] {
        let (code, out, err) = folder.said(&[&sweep[..], &["--junit", junit]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{junit}: {err}");
        assert!(err.contains(&format!("--junit {junit} is the file of ")), "{err}");
        assert!(!folder.path("o").exists() && !folder.path("o.sweep").exists(), "nothing was begun");
    }
    folder.said(&sweep);
    let before = read(&folder.path("o"));
    for junit in ["o", "o.sweep"] {
        let (code, _, err) = folder.said(&[&sweep[..], &["--resume", "--junit", junit]].concat());
        assert!(code == 2 && err.contains(" o"), "{err}");
    }
    assert_eq!(read(&folder.path("o")), before);
    // A shell's file is one, too.
    let shell = format!("{} run passes.toml --trace out > out", env!("CARGO_BIN_EXE_backchat-sim"));
    let output = Command::new("sh").current_dir(folder.path("")).args(["-c", &shell]).output();
    let output = output.expect("there is a shell");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && err.contains("is the file of standard output too"), "{err}");
}

#[test]
fn a_file_that_another_program_is_writing_is_left_alone() {
    let folder = Folder::new();
    std::fs::write(folder.path("a.toml"), lossy()).expect("it is ours");
    let theirs = std::fs::File::create(folder.path("out")).expect("it is ours");
    theirs.lock().expect("nobody else has it");
    std::fs::write(folder.path("out"), "theirs").expect("it is ours");
    for command in WRITING {
        let (code, out, err) = folder.said(&[command, &["out"]].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{command:?}: {err}");
        assert!(err.contains(" out is being written by another program"), "{err}");
    }
    assert_eq!(read(&folder.path("out")), "theirs");
    drop(theirs);
    assert_eq!(folder.said(&[WRITING[0], &["out"]].concat()).0, 100);
    assert!(read(&folder.path("out")).contains("backchat-trace"));
}

#[cfg(unix)]
#[test]
fn what_only_looks_like_a_scenario_neither_ends_nor_hangs_nor_repeats_a_sweep() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    std::fs::create_dir(folder.path("all")).expect("it is ours");
    let path = |name: &str| folder.path(&format!("all/{name}"));
    std::fs::write(path("a.toml"), PASSES).expect("it is ours");
    std::fs::write(path("._a.toml"), b"\0\x05\x16\x07").expect("it is ours");
    symlink("ann@host.4711:1", path(".#a.toml")).expect("it is ours");
    symlink(".", path("again")).expect("it is ours");
    symlink("../all", path("other")).expect("it is ours");
    symlink("gone", path("gone.toml")).expect("it is ours");
    symlink("round.toml", path("round.toml")).expect("it is ours");
    let made = Command::new("mkfifo").arg(path("pipe.toml")).status().expect("there is a mkfifo");
    assert!(made.success());
    let (code, out, err) = folder.said(&["list", "all"]);
    assert_eq!((code, out.as_str()), (0, "all/a.toml  A small download.\n"));
    let passed_over = [
        "passed over all/gone.toml: a link that leads nowhere",
        "passed over all/pipe.toml: no file, but a pipe, a socket or a device",
        "passed over all/round.toml: a link that leads nowhere",
    ];
    assert!(err.lines().map(|line| line.trim_start_matches("backchat-sim: ")).eq(passed_over), "{err}");
    let (code, out, _) = folder.said(&["sweep", "all", "--seeds", "0..2"]);
    assert!(code == 0 && out.starts_with("2 runs of 1 scenarios in "), "{out}");
    // A path that the user names himself may be a pipe, which a shell makes of a command's output.
    let shell = format!("{} run /dev/stdin < all/a.toml", env!("CARGO_BIN_EXE_backchat-sim"));
    let piped = format!("cat all/a.toml | {} run /dev/stdin", env!("CARGO_BIN_EXE_backchat-sim"));
    for shell in [shell, piped] {
        let output = Command::new("sh").current_dir(folder.path("")).args(["-c", &shell]).output();
        assert!(output.expect("there is a shell").status.success(), "{shell}");
    }
}

#[test]
fn one_bad_scenario_hides_no_other() {
    let folder = Folder::new();
    for name in ["bad.toml", "worse.toml"] {
        std::fs::write(folder.path(name), "duration = \"60s\"\nabuot = 1\n").expect("it is ours");
    }
    let (code, out, err) = folder.said(&["list", "."]);
    assert_eq!((code, out.lines().count()), (96, 2), "{out}");
    assert!(err.contains("./bad.toml:2:1: ") && err.contains("./worse.toml:2:1: "), "{err}");
    let (code, out, err) = folder.said(&["sweep", "."]);
    assert_eq!((code, out.as_str()), (96, ""));
    assert!(err.contains("./bad.toml:2:1: ") && err.contains("./worse.toml:2:1: "), "{err}");
    assert!(err.ends_with("2 bad scenarios of 4; nothing was run\n"), "{err}");
    let (code, _, err) = folder.said(&["run", "."]);
    assert!(code == 4 && err.contains(". is a folder; expected one scenario."), "{err}");
    let (code, _, err) = folder.said(&["list"]);
    assert!(
        code == 4 && err.contains("there is no scenarios; expected a scenario, or a folder of them"),
        "{err}"
    );
}

/// `/dev/full` is a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn what_was_found_is_told_when_it_cannot_be_written() {
    let folder = Folder::new();
    std::fs::write(folder.path("lossy.toml"), lossy()).expect("it is ours");
    let cannot = "cannot write /dev/full: ";
    for (option, file) in [("--json", "fails.toml"), ("--json", "passes.toml")] {
        let (code, out, err) = folder.said(&["sweep", file, "--seeds", "0..3", option, "/dev/full"]);
        assert!(err.contains(cannot), "{option} {file}: {err}");
        let has_failed = file == "fails.toml";
        assert_eq!(code, if has_failed { 100 } else { 1 }, "{out}");
        assert_eq!(out.contains("expect/too_late@client: 3 of them"), has_failed, "{out}");
        assert!(out.contains("3 runs of 1 scenarios in "), "{out}");
    }
    for (file, expected, verdict) in [("fails.toml", 100, "FAIL "), ("passes.toml", 1, "PASS ")] {
        let (code, out, err) = folder.said(&["run", file, "--trace", "/dev/full"]);
        assert!(code == expected && out.starts_with(verdict) && err.contains(cannot), "{out}{err}");
    }
    let (code, out, err) = folder.said(&["shrink", "lossy.toml", "--seed", "5", "-o", "/dev/full"]);
    assert!(
        code == 1 && out.starts_with("# Shrunk from lossy.toml, seed 5, ") && err.contains(cannot),
        "{err}"
    );
    // A folder of failures that is gone when one is found.
    std::fs::create_dir(folder.path("saved")).expect("it is ours");
    std::fs::create_dir(folder.path("saved/expect-too_late-client.fails-seed-0.toml")).expect("it is ours");
    let sweep = ["sweep", "fails.toml", "--seeds", "0..2", "--save-failures", "saved"];
    let (code, out, err) = folder.said(&sweep);
    assert!(code == 100 && out.contains(": 2 of them") && err.contains("cannot write saved/"), "{out}{err}");
}
