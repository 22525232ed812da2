//! One test for each file in `scenarios/`: it must pass at its snapshot's seed, and its trace must be the snapshot's.
//!
//! Files are found when this runs, so a new scenario needs nothing but its file. `scenarios/regressions/` holds what
//! once failed. A changed snapshot is a change of what the programs do: review it, and say in the commit why.

use std::path::Path;

use backchat_sim::cli::load;
use backchat_sim::run::{Engine, run};
use backchat_sim::trace::condensed::Condensed;
use libtest_mimic::{Arguments, Failed, Trial};

/// The seed that snapshots are taken at.
const SEED: u64 = 0;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = Arguments::from_args();
    let paths = load::paths(&[root.join("scenarios")]).expect("scenarios/ has scenarios");
    let trials = paths.into_iter().map(|path| {
        let name = path.strip_prefix(root.join("scenarios")).unwrap_or(&path).with_extension("");
        let name = name.display().to_string();
        let root = root.to_owned();
        Trial::test(name.clone(), move || check(&root, &path, &name))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn check(root: &Path, path: &Path, name: &str) -> Result<(), Failed> {
    let loaded = load::one(path)?;
    let mut condensed = Condensed::new();
    let report = run(&loaded.scenario, SEED, Engine::Turmoil, &mut condensed)?;
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
