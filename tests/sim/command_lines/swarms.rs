//! Swarms: what is drawn, what is told, what is refused.

use crate::{Folder, json, read};

#[test]
fn a_swarm_is_the_same_whatever_the_number_of_threads() {
    let folder = Folder::new();
    let swarm = |jobs: &str, name: &str| {
        let (code, out, err) = folder.said(&["swarm", "--seeds", "0..60", "--jobs", jobs, "--json", name]);
        // Whether all of them pass is for the protocol to say.
        assert!((code == 0 || code == 100) && err.is_empty(), "{err}");
        assert!(out.contains("\n60 runs in "), "{out}");
        read(&folder.path(name))
    };
    let lines = swarm("1", "one.json");
    assert_eq!(swarm("3", "three.json"), lines);
    let runs: Vec<serde_json::Value> = lines.lines().map(json).collect();
    assert!(runs.iter().zip(0..).all(|(run, seed)| run["seed"] == u64::to_string(&seed)));
    let faults = |run: &serde_json::Value| run["faults"].as_array().map_or(0, Vec::len);
    let (few, many) = (runs.iter().map(faults).min(), runs.iter().map(faults).max());
    assert!(few < Some(4) && many > Some(8), "subsets differ: {few:?} {many:?}");
}

#[test]
fn bounds_are_printed_read_again_and_what_is_wrong_with_them_is_said() {
    let folder = Folder::new();
    let (code, bounds, _) = folder.said(&["swarm", "--print-bounds"]);
    assert_eq!(code, 0);
    std::fs::write(folder.path("bounds.toml"), &bounds).expect("it is ours");
    let lines = |arguments: &[&str]| {
        assert_eq!(folder.said(&[&["swarm", "--seeds", "5..25", "--json", "o"], arguments].concat()).0, 0);
        read(&folder.path("o"))
    };
    assert_eq!(lines(&["bounds.toml"]), lines(&[]), "the printed bounds are those built in");
    let only_loss: String = bounds
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((name, "0.5" | "0.4" | "0.3" | "0.25" | "0.2")) if name != "loss" => format!("{name} = 0\n"),
            Some(("loss", _)) => "loss = 1\n".to_owned(),
            _ => format!("{line}\n"),
        })
        .collect();
    std::fs::write(folder.path("bounds.toml"), only_loss).expect("it is ours");
    assert!(lines(&["bounds.toml"]).lines().all(|line| json(line)["faults"] == serde_json::json!(["loss"])));
    std::fs::write(folder.path("bounds.toml"), bounds.replace("loss = 0.5", "los = 0.5"))
        .expect("it is ours");
    let (code, out, err) = folder.said(&["swarm", "bounds.toml"]);
    assert_eq!((code, out.as_str()), (96, ""));
    assert!(err.contains("bounds.toml:") && err.contains("unknown variant `los`"), "{err}");
    assert_eq!(folder.said(&["swarm", "missing.toml"]).0, 4);
    assert_eq!(folder.said(&["swarm", "--seeds", "3..3"]).0, 4);
    assert_eq!(folder.said(&["swarm", "--seeds", "4..3"]).0, 2);
    let (code, out, _) = folder.said(&["swarm", "--max-time", "0s"]);
    assert!(code == 0 && out.contains("\n0 runs in ") && out.contains("435 pairs never met:"), "{out}");
}
