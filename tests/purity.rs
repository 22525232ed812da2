//! The wall around the core: what it may depend on, held against its whole dependency tree.
//!
//! Two readings, because a build fetches the crates of its own platform and no others. `cargo tree` says what is linked
//! here, with the features that the core asks for. `Cargo.lock` says what could be linked anywhere: every platform, every
//! build script, and every feature that another member of the workspace asks for. Neither needs more than `cargo test` has
//! fetched.
//!
//! Beside it, the sentence that the loop that ships is the loop that is simulated: nobody else asks the core for its outputs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

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

/// Crates that `Cargo.lock` has below the core and that are never linked into it, each with its reason. Nothing is linked
/// through them either, so that what they depend on is not read.
const NOT_LINKED: &[(&str, &str)] = &[
    ("cc", "blake3's build script"),
    ("log", "a feature of jiff that the programs switch on"),
    ("rustc_version", "crc32c's build script"),
    ("windows-link", "jiff's time zones on Windows, which the programs switch on"),
];

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

/// The core's normal dependencies on this platform, by `cargo tree`.
fn linked_here() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", "backchat-core", "--edges", "normal"])
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

#[derive(Deserialize)]
struct Lock {
    package: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// Each a name, followed by a version where the lock has several of that name.
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
struct Manifest {
    dependencies: BTreeMap<String, toml::Value>,
    target: Option<toml::Value>,
}

fn read<T: for<'de> Deserialize<'de>>(path: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packages that the lock has one step below `package`.
fn below<'a>(lock: &'a Lock, package: &Package) -> Vec<&'a Package> {
    let is = |wanted: &str, other: &Package| match wanted.split_once(' ') {
        Some((name, version)) => other.name == name && other.version == version,
        None => other.name == wanted,
    };
    let named = package.dependencies.iter();
    named.filter_map(|name| lock.package.iter().find(|other| is(name, other))).collect()
}

/// Everything that `Cargo.lock` has below the core's own dependencies. Those for its tests are left out by name: the lock
/// does not tell them apart, the manifest does.
fn locked_anywhere() -> BTreeSet<String> {
    let (lock, manifest): (Lock, Manifest) = (read("Cargo.lock"), read("core/Cargo.toml"));
    assert!(manifest.target.is_none(), "a platform's own dependencies in core's manifest are not read here");
    // The core's entry in the lock gives the version, where there are several.
    let core = lock.package.iter().find(|package| package.name == "backchat-core").expect("core is locked");
    let mut left = below(&lock, core);
    left.retain(|package| manifest.dependencies.contains_key(&package.name));
    assert_eq!(
        left.len(),
        manifest.dependencies.len(),
        "all of core's dependencies are locked by their names"
    );
    let mut found = BTreeSet::new();
    while let Some(package) = left.pop() {
        if !found.insert((&package.name, &package.version)) {
            continue;
        }
        if NOT_LINKED.iter().all(|&(name, _)| name != package.name) {
            left.extend(below(&lock, package));
        }
    }
    found.into_iter().map(|(name, _)| name.clone()).collect()
}

#[test]
fn core_links_pure_computation_alone() {
    let found = linked_here();
    assert!(found.contains("blake3"), "the tree was read: {found:?}");
    let new: Vec<_> = found.difference(&names(ALLOWED)).cloned().collect();
    assert!(new.is_empty(), "core has new dependencies, are they pure? {new:?}");
}

#[test]
fn nothing_else_stands_below_core_on_any_platform() {
    let found = locked_anywhere();
    let mut known = names(ALLOWED);
    known.extend(NOT_LINKED.iter().map(|&(name, _)| name.to_owned()));
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "new below core in Cargo.lock, on some platform or in a build script: {new:?}");
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(gone.is_empty(), "no longer needed in the lists of this test: {gone:?}");
}

/// The source files below a folder of the workspace.
fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_drivers_loops_alone_ask_the_core_for_its_outputs() {
    let mut files = Vec::new();
    for folder in ["bins/src", "sim/src", "sim/mutants/src", "benches/src"] {
        sources(Path::new(folder), &mut files);
    }
    assert!(files.len() > 100, "{} files", files.len());
    let asks = |path: &std::path::PathBuf| std::fs::read_to_string(path).unwrap().contains("poll_output(");
    let asking: BTreeSet<String> =
        files.iter().filter(|path| asks(path)).map(|path| path.display().to_string()).collect();
    let loops = ["bins/src/driver/client/looping.rs", "bins/src/driver/server/looping.rs"];
    assert_eq!(asking, names(&loops), "an engine must not have a loop of its own");
}
