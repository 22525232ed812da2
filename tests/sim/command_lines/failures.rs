//! Failures: what is told of them, how they are replayed, and what they are shrunk to.

use crate::{Folder, PASSES, json};

/// A chat that says nothing to somebody who has crashed, and something to nobody.
const CHAT: &str = r#"
duration = "20s"
[clients.alice]
[clients.bob]
[links.default]
delay = "15ms"
[[steps]]
at = "100ms"
who = "alice"
do = "tell"
to = "bobb"
text = "psst"
[[steps]]
at = "3s"
who = "alice"
do = "say"
text = "hello"
[[faults]]
at = "2500ms"
for = "4s"
kind = "crash"
node = "bob"
"#;

impl Folder {
    fn holds(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("it is ours");
    }
}

#[test]
fn a_chat_can_fail_and_its_refusals_are_named() {
    let folder = Folder::new();
    folder.holds("chat.toml", CHAT);
    let (code, out, _) = folder.said(&["run", "chat.toml", "--engine", "direct"]);
    assert!(
        code == 0 && out.ends_with("  1 requests refused:\n    alice: tell bobb: no-such-nick\n"),
        "{out}"
    );
    let (_, out, _) = folder.said(&["run", "chat.toml", "--json"]);
    let refusal = &json(&out)["refusals"][0];
    assert_eq!((&refusal["client"], &refusal["to"]), (&"alice".into(), &"bobb".into()));
    assert_eq!((&refusal["do"], &refusal["code"]), (&"tell".into(), &"no-such-nick".into()));
    for (expect, code, message) in [
        ("refusals = [{ client = \"alice\", do = \"tell\", code = \"no-such-nick\" }]", 0, ""),
        ("refusals = [{ client = \"alice\", do = \"say\" }]", 100, "alice's say was never refused"),
        (
            "refused_at_most = 0",
            100,
            "1 requests were refused, expected at most 0: alice: tell bobb: no-such-nick",
        ),
        ("messages = [{ client = \"alice\", text = \"hello\" }]", 0, ""),
        (
            "messages = [{ client = \"bob\", text = \"psst\" }]",
            100,
            "bob was never shown a message, \"psst\"",
        ),
        ("messages = [{ client = \"alice\", from = \"alice\", never = true }]", 100, "expected never"),
    ] {
        folder.holds("chat.toml", &format!("{CHAT}[expect]\n{expect}\n"));
        for engine in ["direct", "turmoil"] {
            let (ended, out, _) = folder.said(&["run", "chat.toml", "--engine", engine]);
            assert!(ended == code && out.contains(message), "{expect}: {out}");
        }
    }
}

#[test]
fn the_crash_of_the_host_that_a_failure_is_about_is_told_with_it() {
    let folder = Folder::new();
    folder.holds(
        "chat.toml",
        &format!("{CHAT}[expect]\nmessages = [{{ client = \"bob\", text = \"hello\" }}]\n"),
    );
    let (code, out, _) = folder.said(&["run", "chat.toml", "--engine", "direct"]);
    assert_eq!((code, out.lines().count() <= 25), (100, true), "{out}");
    let told = "  what happened to those concerned:\n      2.500000000  bob              sim:crashed                power=no\n";
    assert!(
        out.contains(told) && !out.contains("sim:stopped                outcome=left\n  what led"),
        "{out}"
    );
    assert!(out.contains("  what led there:\n") && out.contains("app:connected"), "{out}");
}

#[test]
fn a_failure_that_is_about_time_says_where_it_went_and_which_chance_it_was() {
    let folder = Folder::new();
    let text = PASSES
        .replace("16KiB", "256KiB")
        .replace("[clients.alice]", "[clients.alice]\n[clients.bob]")
        .replace("delay = \"15ms\"", "delay = \"15ms\"\nrate = \"10Mbit/s\"\njitter = \"20ms\"\nloss = 0.001")
        .replace("[expect]", "[[steps]]\nwho = \"bob\"\ndo = \"get\"\nfile = \"book.bin\"\n[expect]")
        .replace("within = \"5s\"", "within = \"1500ms\"");
    folder.holds("late.toml", &text);
    let (code, out, _) = folder.said(&["run", "late.toml", "--engine", "direct"]);
    assert_eq!(code, 100);
    assert!(out.contains("  where the time went: of 1") && out.contains(" at the line's rate, "), "{out}");
    let (code, out, _) = folder.said(&["shrink", "late.toml", "--seed", "0", "-o", "small.toml"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("  without chance: jitter  it passes\n"), "{out}");
    assert!(out.contains("  where the time went: of "), "{out}");
    let small = crate::read(&folder.path("small.toml"));
    assert!(small.contains("jitter = ") && !small.contains("loss") && !small.contains("bob"), "{small}");
    assert!(!small.contains("[[faults]]") && small.contains("duration = \"3s\""), "{small}");
}

#[test]
fn a_replay_prints_what_it_is_asked_for() {
    let folder = Folder::new();
    let printed = |options: &[&str]| -> Vec<String> {
        let (_, out, err) = folder.said(&[&["replay", "fails.toml", "--seed", "3"], options].concat());
        assert_eq!(err, "");
        out.lines().take_while(|line| !line.is_empty()).map(str::to_owned).collect()
    };
    let all = printed(&[]);
    let of_alice = printed(&["--node", "alice"]);
    let (counted, of_alice) = of_alice.split_last().expect("lines");
    assert_eq!(*counted, format!("{} of {} records", of_alice.len(), all.len()));
    assert!(of_alice.iter().all(|line| line.contains("alice")) && of_alice.len() < all.len());
    let timers = printed(&["--only", "timer", "--only", "net:dropped"]);
    assert!(
        timers.len() > 1 && timers[..timers.len() - 1].iter().all(|line| line.contains("recovery:timer_"))
    );
    let until = printed(&["--until-failure"]);
    let last = &until[until.len() - 2];
    assert!(last.contains("app:download_finished") && until.len() < all.len(), "{last}");
    let near = printed(&["--around", "0.130~10ms"]);
    assert!(near.len() > 1 && near.len() < all.len() && near[0].trim_start().starts_with("0.1"), "{near:?}");
    for (options, expected) in [
        (["--node", "alcie"], "did you mean alice?"),
        (["--only", "nett"], "no event is called so"),
        (["--around", "soon"], "expected a time such as 1.5s"),
    ] {
        let (code, _, err) = folder.said(&[&["replay", "fails.toml", "--seed", "3"], &options[..]].concat());
        assert!(code == 2 && err.contains(expected), "{err}");
    }
}

#[test]
fn many_failures_of_one_kind_are_three_lines_and_a_count_and_are_saved_under_its_name() {
    let folder = Folder::new();
    let sweep = ["sweep", "fails.toml", "--seeds", "20", "--save-failures", "saved"];
    let (code, out, _) = folder.said(&sweep);
    assert_eq!(code, 100);
    assert_eq!(out.matches("replay: ").count(), 3, "{out}");
    assert!(out.contains("and 17 more, which --json has\n") && out.contains("20 runs of 1 "), "{out}");
    let mut names: Vec<String> = std::fs::read_dir(folder.path("saved"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 9);
    // The traces are compressed, and whoever reads one reads that too.
    let packed: Vec<&String> = names.iter().filter(|name| name.ends_with(".jsonl.gz")).collect();
    assert_eq!(packed.len(), 3, "{names:?}");
    let path = format!("saved/{}", packed[0]);
    folder.said(&["run", "fails.toml", "--engine", "direct", "--trace", "plain.jsonl"]);
    let (code, out, err) = folder.said(&["diff", &path, "plain.jsonl"]);
    assert!(code == 0 && out.starts_with("the same: "), "{out}{err}");
    let sizes = [path.as_str(), "plain.jsonl"]
        .map(|name| std::fs::metadata(folder.path(name)).expect("it is there").len());
    assert!(sizes[0] * 4 < sizes[1], "{sizes:?}");
    std::fs::write(folder.path("cut.gz"), &std::fs::read(folder.path(&path)).expect("a file")[..200])
        .expect("it is ours");
    let (code, _, err) = folder.said(&["check", "cut.gz"]);
    assert!(code == 96 && err.contains("cut.gz:"), "{err}");
    assert!(names.iter().all(|name| name.starts_with("expect-too_late-client.fails-seed-")), "{names:?}");
    let (_, out, _) = folder.said(&["sweep", "passes.toml", "--seeds", "0..=2"]);
    assert!(out.starts_with("3 runs of 1 "), "{out}");
    let (code, _, err) = folder.said(&["sweep", "passes.toml", "--seeds", "ten"]);
    assert!(code == 2 && err.contains("0..100, 0..=99 and 100 are the same"), "{err}");
}

#[test]
fn a_value_is_set_or_varied_over_the_seeds_and_the_replay_line_says_so() {
    let folder = Folder::new();
    let set = ["--set", "expect.downloads.0.within=100ms"];
    let (code, out, _) = folder.said(&[&["run", "passes.toml"], &set[..]].concat());
    assert!(code == 100 && out.contains("expected at most 100ms"), "{out}");
    let replay =
        out.lines().last().expect("a line").strip_prefix("replay: backchat-sim ").expect("a replay line");
    assert!(replay.ends_with(" --engine turmoil --set expect.downloads.0.within=100ms"), "{replay}");
    assert_eq!(folder.said(&replay.split(' ').collect::<Vec<_>>()).0, 100);
    let vary = ["--seeds", "40", "--json", "o", "--set", "links.default.delay=0..40ms", "--set"];
    let sweep = [&["sweep", "passes.toml"], &vary[..], &["expect.downloads.0.within=150ms"]].concat();
    let (code, out, _) = folder.said(&sweep);
    assert!(code == 100 && out.contains(" passed, ") && !out.contains(" 0 passed"), "{out}");
    let lines = crate::read(&folder.path("o"));
    let delay = |line: &serde_json::Value| -> u64 {
        let text = line["set"]["links.default.delay"].as_str().expect("a text").to_owned();
        text.strip_suffix("ns").and_then(|nanos| nanos.parse().ok()).expect("nanoseconds")
    };
    let (mut passed, mut failed) = (Vec::new(), Vec::new());
    for line in lines.lines().map(json) {
        let which = if line["outcome"] == "pass" { &mut passed } else { &mut failed };
        which.push(delay(&line));
    }
    // It is the delay that decides.
    assert!(passed.iter().max() < failed.iter().min(), "{passed:?} {failed:?}");
    let (code, _, err) = folder.said(&[&sweep[..], &["--resume", "--set", "duration=70s"]].concat());
    assert!(code == 2 && err.contains("o.sweep was run with links.default.delay=0..40ms, "), "{err}");
    let (code, _, err) = folder.said(&["sweep", "passes.toml", "--set", "links.default.loss=0..2"]);
    assert!(code == 96 && err.contains("passes.toml with --set links.default.loss=0..2: loss is 2"), "{err}");
}
