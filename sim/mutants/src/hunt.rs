//! The hunt: one bug alive, scenarios and seeds tried in order until a checker finds it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use backchat_core::mutants::{Mutant, choose};
use backchat_sim::run::{Engine, run};
use backchat_sim::scenario::Scenario;

/// Seeds that are tried in each scenario.
pub(crate) const SEEDS: u64 = 100;

/// What runs them for the tables of what was found: the programs that ship.
pub(crate) const ENGINE: Engine = Engine::Turmoil;

/// Where and how a bug was found.
#[derive(Clone, Debug)]
pub(crate) struct Catch {
    pub(crate) scenario: String,
    pub(crate) seed: u64,
    /// Runs that it took, this one too.
    pub(crate) runs: usize,
    /// Which checkers found it, first come first.
    pub(crate) checker: String,
    /// What it said.
    pub(crate) message: String,
}

/// The file of a scenario, from the workspace's root, where `cargo planted` is run.
pub(crate) fn file(scenario: &str) -> PathBuf {
    Path::new("scenarios").join(format!("{scenario}.toml"))
}

/// Reads a scenario.
pub(crate) fn read(path: &Path) -> Result<Scenario, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Scenario::parse_bytes(&bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// What a run finds: every checker that found something, first come first, and what the first one says.
pub(crate) fn judge(scenario: &Scenario, seed: u64, engine: Engine) -> Option<(String, String)> {
    match run(scenario, seed, engine, &mut ()) {
        Ok(report) => report.violations.first().map(|first| {
            let mut checkers: Vec<&str> = Vec::new();
            for it in &report.violations {
                if !checkers.contains(&it.checker) {
                    checkers.push(it.checker);
                }
            }
            (checkers.join(", "), format!("{} s: {}", first.at, first.message))
        }),
        Err(error) => Some(("panic".to_owned(), error.to_string())),
    }
}

/// Looks for a bug; `None` where no run found it.
pub(crate) fn hunt(mutant: Mutant, scenarios: &[&str], engine: Engine) -> Result<Option<Catch>, String> {
    let mut runs = Vec::new();
    for name in scenarios {
        let scenario = read(&file(name))?;
        runs.extend((0..SEEDS).map(|seed| (*name, scenario.clone(), seed)));
    }
    choose(Some(mutant));
    let best = Mutex::new(None::<(usize, Catch)>);
    in_parallel(|place| {
        let Some((name, scenario, seed)) = runs.get(place) else { return Next::Stop };
        // Whatever is found from here on is behind what has been found.
        if best.lock().is_ok_and(|best| best.is_some()) {
            return Next::Stop;
        }
        if let Some((checker, message)) = judge(scenario, *seed, engine) {
            let (scenario, seed, runs) = ((*name).to_owned(), *seed, place + 1);
            let catch = Catch { scenario, seed, runs, checker, message };
            if let Ok(mut best) = best.lock()
                && best.as_ref().is_none_or(|(other, _)| place < *other)
            {
                *best = Some((place, catch));
            }
        }
        Next::GoOn
    });
    choose(None);
    Ok(best.into_inner().ok().flatten().map(|(_, catch)| catch))
}

/// How many of `scenarios` find a bug with seed 0.
pub(crate) fn count(mutant: Mutant, scenarios: &[Scenario]) -> usize {
    choose(Some(mutant));
    let found = AtomicUsize::new(0);
    in_parallel(|place| {
        let Some(scenario) = scenarios.get(place) else { return Next::Stop };
        if judge(scenario, 0, ENGINE).is_some() {
            found.fetch_add(1, Ordering::SeqCst);
        }
        Next::GoOn
    });
    choose(None);
    found.into_inner()
}

/// Whether a thread goes on.
enum Next {
    GoOn,
    Stop,
}

/// Does the pieces 0, 1, 2, … on all processors, until there are no more.
fn in_parallel(piece: impl Fn(usize) -> Next + Sync) {
    let next = AtomicUsize::new(0);
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| while let Next::GoOn = piece(next.fetch_add(1, Ordering::SeqCst)) {});
        }
    });
}
