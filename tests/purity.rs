//! The wall around the core: what it may depend on, held against its whole dependency tree.

use std::collections::BTreeSet;
use std::process::Command;

/// Every crate that may stand below `backchat-core`. Each is pure computation (or builds one that is); a new
/// name here is a decision, to be explained in the commit that adds it.
const ALLOWED: &[&str] = &[
    "arrayvec",
    "blake3",
    "bytes",
    "cfg-if",
    "constant_time_eq",
    "cpufeatures",
    "crc32c",
    "itoa",
    "jiff",
    "jiff-core",
    "jiff-static",
    "libc",
    "memchr",
    "portable-atomic",
    "portable-atomic-util",
    "ppv-lite86",
    "proc-macro2",
    "quote",
    "rand_chacha",
    "rand_core",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "syn",
    "thiserror",
    "thiserror-impl",
    "unicode-ident",
    "zerocopy",
    "zerocopy-derive",
    "zmij",
];

/// What `cargo tree` says of the core's normal dependencies, on every target.
fn tree() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "backchat-core", "--edges", "normal", "--target", "all"])
        .args(["--prefix", "none", "--format", "{p}", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("crate names are UTF-8")
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .filter(|name| name != "backchat-core")
        .collect()
}

#[test]
fn core_depends_on_pure_computation_alone() {
    let found = tree();
    assert!(found.contains("blake3"), "the tree was read: {found:?}");
    let allowed: BTreeSet<String> = ALLOWED.iter().map(|&name| name.to_owned()).collect();
    let new: Vec<_> = found.difference(&allowed).collect();
    assert!(new.is_empty(), "core has new dependencies, are they pure? {new:?}");
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(gone.is_empty(), "no longer needed in the list of this test: {gone:?}");
}
