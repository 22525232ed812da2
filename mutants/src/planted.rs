//! The commands.

use std::path::PathBuf;
use std::process::ExitCode;

use backchat_core::mutants::{Mutant, choose};
use backchat_sim::run::{Engine, run};
use backchat_sim::trace::Record;
use backchat_sim::trace::text::Line;
use clap::{Parser, Subcommand};

use crate::hunt::{Catch, SEEDS, judge, read};
use crate::plan::{DETERMINISM, PROTOCOL, Plan};

/// Records that `replay` shows before the first violation.
const LAST: usize = 20;

/// Planted bugs, and the sweep that must find each.
#[derive(Parser)]
#[command(name = "cargo planted")]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Hunts every bug and prints the table; fails if one is not found
    Table {
        /// Only these
        bugs: Vec<String>,
        /// Seeds that are tried in each scenario
        #[arg(long, default_value_t = SEEDS)]
        seeds: u64,
    },
    /// The bugs, and what each is
    List,
    /// One run with a bug alive, explained
    Replay {
        /// The bug
        bug: String,
        /// The scenario
        file: PathBuf,
        /// The seed
        #[arg(long, default_value_t = 0)]
        seed: u64,
        /// The whole trace
        #[arg(long)]
        trace: bool,
    },
    /// Which seeds find a bug
    Sweep {
        /// The bug
        bug: String,
        /// The scenarios
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// So many seeds, from 0 on
        #[arg(long, default_value_t = SEEDS)]
        seeds: u64,
    },
}

pub(crate) fn main() -> ExitCode {
    let command = Args::parse().command.unwrap_or(Command::Table { bugs: Vec::new(), seeds: SEEDS });
    let result = match command {
        Command::Table { bugs, seeds } => table(&bugs, seeds),
        Command::List => {
            for mutant in Mutant::ALL {
                println!("{:<28}{}", mutant.name(), mutant.what().trim());
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Replay { bug, file, seed, trace } => replay(&bug, &file, seed, trace),
        Command::Sweep { bug, files, seeds } => sweep(&bug, &files, seeds),
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error}");
        ExitCode::from(2)
    })
}

fn find(bug: &str) -> Result<Mutant, String> {
    Mutant::of(bug).ok_or_else(|| format!("no planted bug is called {bug}; see `cargo planted list`"))
}

fn table(bugs: &[String], seeds: u64) -> Result<ExitCode, String> {
    let wanted = bugs.iter().map(|bug| find(bug)).collect::<Result<Vec<_>, _>>()?;
    let is_wanted = |plan: &&Plan| wanted.is_empty() || wanted.contains(&plan.mutant);
    let mut missed = 0;
    println!("| bug | scenario | checker | runs | replay |");
    println!("|---|---|---|---|---|");
    for plan in PROTOCOL.iter().filter(is_wanted) {
        let found = crate::hunt::hunt(plan.mutant, plan.scenarios, seeds)?;
        // The same run without the bug must pass: otherwise it proves nothing.
        let spoilt = match &found {
            Some(catch) => judge(&read(&crate::hunt::file(&catch.scenario))?, catch.seed),
            None => None,
        };
        missed += u32::from(found.is_none() || spoilt.is_some());
        row(plan.mutant, found.as_ref(), spoilt.as_ref());
    }
    for plan in DETERMINISM.iter().filter(is_wanted) {
        let found = crate::determinism::hunt(plan.mutant, plan.scenarios, seeds)?;
        missed += u32::from(found.is_none());
        row(plan.mutant, found.as_ref(), None);
    }
    println!("\n{missed} not found");
    Ok(ExitCode::from(u8::from(missed > 0) * 100))
}

fn row(mutant: Mutant, found: Option<&Catch>, spoilt: Option<&(String, String)>) {
    let name = mutant.name();
    match (found, spoilt) {
        (None, _) => println!("| `{name}` | | **not found** | | |"),
        (Some(catch), Some((checker, message))) => {
            println!(
                "| `{name}` | {} | **fails without the bug too** ({checker}: {message}) | | |",
                catch.scenario
            );
        }
        (Some(Catch { scenario, seed, runs, checker, message }), None) => {
            let replay = format!("cargo planted replay {name} scenarios/{scenario}.toml --seed {seed}");
            println!("| `{name}` | {scenario} | {checker} | {runs} | `{replay}` |");
            eprintln!("  {name}: {message}");
        }
    }
}

fn replay(bug: &str, file: &std::path::Path, seed: u64, trace: bool) -> Result<ExitCode, String> {
    let (mutant, scenario) = (find(bug)?, read(file)?);
    choose(Some(mutant));
    let mut records: Vec<Record> = Vec::new();
    let report = run(&scenario, seed, Engine::Turmoil, &mut records).map_err(|error| error.to_string())?;
    let first = report.violations.first();
    let until = first.map_or(records.len(), |it| records.partition_point(|record| record.at <= it.at));
    let from = if trace { 0 } else { until.saturating_sub(LAST) };
    let until = if trace { records.len() } else { until };
    for record in records.get(from..until).unwrap_or_default() {
        println!("{}", Line(record));
    }
    println!("planted: {}: {}", mutant.name(), mutant.what().trim());
    for violation in report.violations.iter().take(5) {
        println!("{}: at {}: {}", violation.checker, violation.at, violation.message);
    }
    let hash: String = report.end.hash.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{} violations, trace {hash}", report.violations.len());
    Ok(ExitCode::from(u8::from(first.is_some()) * 100))
}

fn sweep(bug: &str, files: &[PathBuf], seeds: u64) -> Result<ExitCode, String> {
    choose(Some(find(bug)?));
    let mut failed = 0;
    for path in files {
        let scenario = read(path)?;
        for seed in 0..seeds {
            let found = judge(&scenario, seed);
            failed += u32::from(found.is_some());
            let (checker, message) = found.unwrap_or_else(|| ("passed".to_owned(), String::new()));
            println!("{} --seed {seed}: {checker} {message}", path.display());
        }
    }
    println!("{failed} runs failed");
    Ok(ExitCode::from(u8::from(failed > 0) * 100))
}
