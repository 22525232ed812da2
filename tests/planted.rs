//! Planted bugs are reached by a switch of the compiler's alone, in a build of their own.

use std::path::Path;

/// The members of the workspace, and whether `cargo build` builds them without being asked.
const MEMBERS: [(&str, bool); 7] = [
    (".", true),
    ("core", true),
    ("bins", true),
    ("sim", true),
    ("benches", false),
    ("sim/mutants", false),
    ("fuzz", false),
];

/// The one feature that there is. Without it nothing needs a compiler for C++.
const LIBFUZZER: &str = "[features]\nlibfuzzer = [\"libfuzzer-sys/link_libfuzzer\"]\n";

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

#[test]
fn this_build_has_none() {
    const { assert!(!backchat_core::mutants::BUILT) };
}

#[test]
fn no_feature_and_no_dependency_leads_to_them() {
    for (member, _) in MEMBERS {
        let manifest = read(&format!("{member}/Cargo.toml"));
        let others = manifest.replace(LIBFUZZER, "");
        assert!(!others.contains("[features]"), "{member} has features: can one of them plant a bug?");
        let is_it = member == "sim/mutants" || member == ".";
        assert!(is_it || !manifest.contains("mutants"), "{member} depends on planted bugs");
    }
}

#[test]
fn what_runs_them_is_outside_the_default_members() {
    let manifest = read("Cargo.toml");
    let list = |key: &str| {
        let line = manifest.lines().find(|line| line.starts_with(key)).expect(key);
        line.split_once('=').expect(key).1.trim().to_owned()
    };
    let (members, default) = (list("members"), list("default-members"));
    for (member, is_default) in MEMBERS {
        let quoted = format!("\"{member}\"");
        assert!(members.contains(&quoted) && default.contains(&quoted) == is_default, "{member}: {default}");
    }
}
