//! One test for each file in `scenarios/`: it must pass at its snapshot's seed, and its trace must be the snapshot's.
//!
//! Files are found when this runs, so a new scenario needs nothing but its file. `scenarios/regressions/` holds what
//! once failed. A changed snapshot is a change of what the programs do: review it, and say in the commit why.
//!
//! All of them together must have been in every situation that the core marks: what no scenario gets into is a missing
//! scenario, or dead code.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use backchat_sim::cli::load;
use backchat_sim::marks::{Coverage, RunMarks};
use backchat_sim::run::{Engine, run};
use backchat_sim::trace::condensed::Condensed;
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};

/// The seed that snapshots are taken at.
const SEED: u64 = 0;

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
    let report = run(&loaded.scenario, SEED, Engine::Turmoil, &mut sinks)?;
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
    // A snapshot that differs panics, which the harness reports as a failure of this trial.
    settings.bind(|| insta::assert_snapshot!(name.replace('/', "__"), text));
    Ok(())
}
