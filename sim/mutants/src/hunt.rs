//! The hunt: one bug alive, seeds and scenarios tried in order until a checker finds it.

use std::path::{Path, PathBuf};

use backchat_core::mutants::{Mutant, choose};
use backchat_sim::engine::direct::Payloads;
use backchat_sim::run::{Engine, run};
use backchat_sim::scenario::Scenario;
use backchat_sim::workers::each;

use crate::plan::Plan;

/// What runs them where nothing else is said: a hunt is many runs.
pub(crate) const ENGINE: Engine = Engine::Direct(Payloads::Ranges);

/// How many hunts there are for each bug, each from seeds of its own: the first from 0, the next from [`SEEDS`], …
pub(crate) const HUNTS: u64 = 9;

/// Seeds after which a hunt has failed.
pub(crate) const SEEDS: u64 = 1_000;

/// How many seeds of each scenario are tried for the breadth.
pub(crate) const BREADTH_SEEDS: u64 = 3;

/// Where and how a bug was found.
#[derive(Clone, Debug)]
pub(crate) struct Catch {
    pub(crate) scenario: String,
    pub(crate) seed: u64,
    /// Seeds that it took, this one too.
    pub(crate) seeds: u64,
    /// Which checkers found it, first come first.
    pub(crate) checker: String,
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

/// Looks for a bug `hunts` times; `None` for a hunt in which no run found it.
///
/// At each seed the scenarios are tried in their order, so that what counts is how many seeds it takes.
pub(crate) fn hunt(plan: &Plan, engine: Engine, hunts: u64) -> Result<Vec<Option<Catch>>, String> {
    let scenarios = plan
        .scenarios
        .iter()
        .map(|name| Ok((*name, read(&file(name))?)))
        .collect::<Result<Vec<_>, String>>()?;
    choose(Some(plan.mutant));
    let begins: Vec<u64> = (0..hunts).map(|number| number * SEEDS).collect();
    let caught = each(jobs(), &begins, |from| one(&scenarios, *from, engine));
    choose(None);
    Ok(caught)
}

fn one(scenarios: &[(&str, Scenario)], from: u64, engine: Engine) -> Option<Catch> {
    for seed in from..from + SEEDS {
        for (name, scenario) in scenarios {
            if let Some((checker, _)) = judge(scenario, seed, engine) {
                let scenario = (*name).to_owned();
                return Some(Catch { scenario, seed, seeds: seed - from + 1, checker });
            }
        }
    }
    None
}

/// What is wrong with the runs that found a bug once it is gone: they must pass, or they prove nothing. With the
/// [control](Plan::control) alive, if there is one.
pub(crate) fn spoilt<'a>(
    plan: &Plan,
    catches: impl Iterator<Item = &'a Catch>,
    engine: Engine,
) -> Result<Option<(String, String)>, String> {
    choose(plan.control);
    let mut spoilt = None;
    for catch in catches {
        spoilt = spoilt.or(judge(&read(&file(&catch.scenario))?, catch.seed, engine));
    }
    choose(None);
    Ok(spoilt)
}

/// Which of `scenarios` find a bug with one of the first [`BREADTH_SEEDS`] seeds.
pub(crate) fn breadth(mutant: Mutant, scenarios: &[(String, Scenario)], engine: Engine) -> Vec<&str> {
    choose(Some(mutant));
    let found = each(jobs(), scenarios, |(_, scenario)| {
        (0..BREADTH_SEEDS).any(|seed| judge(scenario, seed, engine).is_some())
    });
    choose(None);
    scenarios.iter().zip(found).filter(|(_, found)| *found).map(|((name, _), _)| name.as_str()).collect()
}

/// As many threads as there are processors.
fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
