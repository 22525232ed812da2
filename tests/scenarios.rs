//! One test for each file in `scenarios/`: it must pass at its snapshot's seed, and its trace must be the snapshot's.
//!
//! Files are found when this runs, so a new scenario needs nothing but its file. `scenarios/regressions/` holds what
//! once failed. A changed snapshot is a change of what the programs do: review it, and say in the commit why.
//!
//! Where a snapshot differs, the trace is written to a file, and the lines are printed that make the one of the last commit
//! and say where the two part.
//!
//! All of them together must have been in every situation that the core marks: what no scenario gets into is a missing
//! scenario, or dead code.

use std::fs::File;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use backchat_sim::cli::load::{self, Loaded};
use backchat_sim::marks::{Coverage, RunMarks};
use backchat_sim::run::{Engine, run};
use backchat_sim::trace::condensed::Condensed;
use backchat_sim::trace::json::Lines;
use backchat_sim::trace::{Header, Record};
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

/// The seed and the engine that snapshots are taken with.
const SEED: u64 = 0;
const ENGINE: Engine = Engine::Turmoil;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = Arguments::from_args();
    let paths = load::paths(&[root.join("scenarios")]).expect("scenarios/ has scenarios");
    let count = paths.len() as u64;
    let coverage = Arc::new(Mutex::new(Coverage::new()));
    let trials = paths.into_iter().map(|path| {
        let name = path.strip_prefix(root.join("scenarios")).unwrap_or(&path).with_extension("");
        let name = name.display().to_string();
        let (root, coverage) = (root.to_owned(), Arc::clone(&coverage));
        Trial::test(name.clone(), move || check(&root, &path, &name, &coverage))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let coverage = coverage.lock().expect("no test panics while it holds this");
    // With a filter, or after a failure, marks that are missing say nothing.
    if conclusion == (Conclusion { num_passed: count, ..NOTHING }) && !is_covered(&coverage) {
        return ExitCode::from(101);
    }
    conclusion.exit_code()
}

/// No test has run.
const NOTHING: Conclusion =
    Conclusion { num_filtered_out: 0, num_passed: 0, num_failed: 0, num_ignored: 0, num_measured: 0 };

/// Says which marks no scenario has.
fn is_covered(coverage: &Coverage) -> bool {
    let missing = coverage.missing();
    for mark in &missing {
        eprintln!("no scenario has the mark {}: {}", mark.name(), mark.what());
    }
    if !missing.is_empty() {
        eprintln!("table: cargo run -q -p backchat-sim -- marks scenarios");
    }
    missing.is_empty()
}

fn check(root: &Path, path: &Path, name: &str, coverage: &Mutex<Coverage>) -> Result<(), Failed> {
    let loaded = load::one(path)?;
    let mut sinks = (Condensed::new(), RunMarks::new());
    let report = run(&loaded.scenario, SEED, ENGINE, &mut sinks)?;
    let (condensed, marks) = sinks;
    coverage.lock().expect("no test panics while it holds this").add(name, SEED, &marks);
    if let Some(first) = report.violations.first() {
        let count = report.violations.len();
        return Err(format!(
            "{} at {} s: {} ({count} in all)\nreplay: cargo run -q -p backchat-sim -- replay scenarios/{name}.toml \
             --seed {SEED} --engine turmoil",
            first.checker, first.at, first.message,
        )
        .into());
    }
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(root.join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(loaded.scenario.about());
    let text = condensed.text(report.end.hash);
    // A snapshot that differs panics, once it has shown how.
    let name = name.replace('/', "__");
    let hold = || settings.bind(|| insta::assert_snapshot!(name.clone(), text));
    std::panic::catch_unwind(AssertUnwindSafe(hold)).or_else(|_| Err(differs(root, &loaded, &name)?))
}

/// Writes the trace of a run whose snapshot differs, and says how to hold it against the one before.
fn differs(root: &Path, loaded: &Loaded, name: &str) -> Result<Failed, Failed> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("tmp is in the target folder");
    let traces = target.join("tmp/traces");
    std::fs::create_dir_all(&traces)?;
    let [now, before] = [format!("{name}.jsonl"), format!("{name}.before.jsonl")].map(|it| traces.join(it));
    let short = |path: &Path| path.strip_prefix(root).unwrap_or(path).display().to_string();
    let scenario = short(Path::new(&loaded.path));
    write_trace(&now, loaded, &scenario)?;
    let [now, before, target, commit] = [&now, &before, target, &target.join("before")].map(short);
    Ok(format!(
        "its snapshot differs; its trace is in {now}. Where it parts from that of the last commit:\n\
         git worktree add --detach {commit} HEAD\n\
         cargo run -q --manifest-path {commit}/Cargo.toml --target-dir {target} -p backchat-sim -- run {scenario} --trace {before}\n\
         cargo run -q -p backchat-sim -- diff {before} {now}\n\
         git worktree remove {commit}"
    )
    .into())
}

/// Runs it once more: whoever passes need not have kept every record.
fn write_trace(path: &Path, loaded: &Loaded, scenario: &str) -> Result<(), Failed> {
    let mut records: Vec<Record> = Vec::new();
    let report = run(&loaded.scenario, SEED, ENGINE, &mut records)?;
    let header = Header { scenario: scenario.to_owned(), seed: SEED, engine: ENGINE.name().to_owned() };
    let mut lines = Lines::new(File::create(path)?, &header);
    records.iter().try_for_each(|record| lines.record(record))?;
    lines.finish(report.end.events, report.end.hash)?;
    Ok(())
}
