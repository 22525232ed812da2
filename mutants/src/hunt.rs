//! The hunt: one bug alive, scenarios and seeds tried in order until a checker finds it.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use backchat_core::mutants::{Mutant, choose};
use backchat_sim::run::{Engine, run};
use backchat_sim::scenario::Scenario;

/// Seeds that are tried in each scenario.
pub(crate) const SEEDS: u64 = 10;

/// Where and how a bug was found.
#[derive(Clone, Debug)]
pub(crate) struct Catch {
    pub(crate) scenario: String,
    pub(crate) seed: u64,
    /// Runs that it took, this one too.
    pub(crate) runs: usize,
    /// Which checker found it first.
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

/// What a run finds first: the checker, and what it says.
pub(crate) fn judge(scenario: &Scenario, seed: u64) -> Option<(String, String)> {
    match run(scenario, seed, Engine::Turmoil, &mut ()) {
        Ok(report) => {
            report.violations.first().map(|it| (it.checker.to_owned(), format!("{}: {}", it.at, it.message)))
        }
        Err(error) => Some(("panic".to_owned(), error.to_string())),
    }
}

/// Looks for a bug; `None` where no run found it.
pub(crate) fn hunt(mutant: Mutant, scenarios: &[&str]) -> Result<Option<Catch>, String> {
    let mut runs = Vec::new();
    for name in scenarios {
        let scenario = read(&file(name))?;
        runs.extend((0..SEEDS).map(|seed| (*name, scenario.clone(), seed)));
    }
    choose(Some(mutant));
    let (next, best) = (AtomicUsize::new(0), Mutex::new(None::<(usize, Catch)>));
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::SeqCst);
                    let Some((name, scenario, seed)) = runs.get(place) else { return };
                    // Whatever is found from here on is behind what has been found.
                    if best.lock().is_ok_and(|best| best.is_some()) {
                        return;
                    }
                    let Some((checker, message)) = judge(scenario, *seed) else { continue };
                    let (scenario, seed, runs) = ((*name).to_owned(), *seed, place + 1);
                    let catch = Catch { scenario, seed, runs, checker, message };
                    if let Ok(mut best) = best.lock()
                        && best.as_ref().is_none_or(|(other, _)| place < *other)
                    {
                        *best = Some((place, catch));
                    }
                }
            });
        }
    });
    choose(None);
    Ok(best.into_inner().ok().flatten().map(|(_, catch)| catch))
}
