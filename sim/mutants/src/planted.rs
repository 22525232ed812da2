//! The commands.

use std::ffi::OsString;
use std::process::ExitCode;

use backchat_core::mutants::{Mutant, choose};

use crate::hunt::{Catch, ENGINE, file, judge, read};
use crate::plan::{DETERMINISM, PROTOCOL, Plan};

/// What stands above a usage error.
const USAGE: &str =
    "usage: cargo planted [table [BUG…] | breadth | shrink [-o DIR] [BUG…] | list | BUG COMMAND…]";

pub(crate) fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let first = words.next().map(|word| word.to_string_lossy().into_owned());
    let result = match first.as_deref() {
        None => table(&[]),
        Some("table") => table(&words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>()),
        Some("breadth") => breadth(),
        Some("shrink") => shrink(words.map(|word| word.to_string_lossy().into_owned())),
        Some("list") => {
            for mutant in Mutant::ALL {
                println!("{:<28}{}", mutant.name(), mutant.what().trim());
            }
            Ok(ExitCode::SUCCESS)
        }
        Some(bug) => simulator(bug, program, words),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}\n{USAGE}");
        ExitCode::from(2)
    })
}

fn find(bug: &str) -> Result<Mutant, String> {
    Mutant::of(bug).ok_or_else(|| format!("no planted bug is called {bug}; see `cargo planted list`"))
}

/// `backchat-sim`, with a bug alive.
fn simulator(
    bug: &str,
    program: OsString,
    words: impl Iterator<Item = OsString>,
) -> Result<ExitCode, String> {
    choose(Some(find(bug)?));
    Ok(backchat_sim::cli::command([program].into_iter().chain(words)))
}

fn table(bugs: &[String]) -> Result<ExitCode, String> {
    let wanted = bugs.iter().map(|bug| find(bug)).collect::<Result<Vec<_>, _>>()?;
    let is_wanted = |plan: &&Plan| wanted.is_empty() || wanted.contains(&plan.mutant);
    let (mut all, mut missed) = (0, 0);
    println!("| bug | scenario | checkers | seeds | what it said first |");
    println!("|---|---|---|---|---|");
    for plan in PROTOCOL.iter().filter(is_wanted) {
        let found = crate::hunt::hunt(plan.mutant, plan.scenarios, ENGINE)?;
        // The same run without the bug must pass: otherwise it proves nothing.
        choose(plan.control);
        let spoilt = match &found {
            Some(catch) => judge(&read(&file(&catch.scenario))?, catch.seed, ENGINE),
            None => None,
        };
        choose(None);
        all += 1;
        missed += u32::from(found.is_none() || spoilt.is_some());
        row(plan.mutant, found.as_ref(), spoilt);
    }
    for plan in DETERMINISM.iter().filter(is_wanted) {
        let found = crate::determinism::hunt(plan.mutant, plan.scenarios)?;
        all += 1;
        missed += u32::from(found.is_none());
        row(plan.mutant, found.as_ref(), None);
    }
    println!("\n{} of {all} found", all - missed);
    Ok(ExitCode::from(u8::from(missed > 0) * 100))
}

/// Each bug's failure, shrunk.
fn shrink(mut words: impl Iterator<Item = String>) -> Result<ExitCode, String> {
    let (mut save, mut wanted) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "-o" => save = Some(words.next().ok_or("-o names no folder")?.into()),
            bug => wanted.push(find(bug)?),
        }
    }
    let plans: Vec<&Plan> =
        PROTOCOL.iter().filter(|plan| wanted.is_empty() || wanted.contains(&plan.mutant)).collect();
    crate::shrink::table(&plans, save)
}

/// How many of all scenarios find each bug with one seed: whether it hangs by a thread.
fn breadth() -> Result<ExitCode, String> {
    let paths = backchat_sim::cli::load::paths(&["scenarios".into()]).map_err(|error| error.to_string())?;
    let scenarios = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    println!("| bug | of {} scenarios |", scenarios.len());
    println!("|---|---|");
    for plan in PROTOCOL {
        println!("| {} | {} |", plan.mutant.name(), crate::hunt::count(plan.mutant, &scenarios));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(mutant: Mutant, found: Option<&Catch>, spoilt: Option<(String, String)>) {
    let name = mutant.name();
    match (found, spoilt) {
        (None, _) => println!("| {name} | | **not found** | | |"),
        (Some(catch), Some((checker, message))) => {
            println!("| {name} | {} | **fails without it** | | {checker}: {message} |", catch.scenario);
        }
        (Some(Catch { scenario, seed, runs, checker, message }), None) => {
            println!("| {name} | {scenario}, seed {seed} | {checker} | {runs} | {message} |");
        }
    }
}
