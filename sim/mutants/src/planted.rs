//! The commands.

use std::ffi::OsString;
use std::process::ExitCode;

use backchat_core::mutants::{Mutant, choose};
use backchat_sim::run::Engine;

use crate::hunt::ENGINE;
use crate::plan::{PROTOCOL, Plan};
use crate::table::{Extent, table};

/// What stands above a usage error.
const USAGE: &str = "usage: cargo planted [table | quick | breadth] [--engine ENGINE] [BUG…]
       cargo planted shrink [-o DIR] [BUG…]
       cargo planted list
       cargo planted BUG COMMAND…";

pub(crate) fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    let first = words.next().map(|word| word.to_string_lossy().into_owned());
    let rest = || std::env::args_os().skip(2).map(|word| word.to_string_lossy().into_owned());
    let result = match first.as_deref() {
        None => table(&[], ENGINE, Extent::Whole),
        Some("table") => hunts(rest(), Extent::Whole),
        Some("quick") => hunts(rest(), Extent::Quick),
        Some("breadth") => hunts(rest(), Extent::Each),
        Some("shrink") => shrink(rest()),
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

/// The hunts for the bugs that are named, or for all.
fn hunts(mut words: impl Iterator<Item = String>, extent: Extent) -> Result<ExitCode, String> {
    let (mut engine, mut wanted) = (ENGINE, Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "--engine" => {
                engine = match words.next().as_deref() {
                    Some("direct") => ENGINE,
                    Some("turmoil") => Engine::Turmoil,
                    _ => return Err("--engine is direct or turmoil".to_owned()),
                }
            }
            bug => wanted.push(find(bug)?),
        }
    }
    table(&wanted, engine, extent)
}

/// Each bug's failure, shrunk.
fn shrink(mut words: impl Iterator<Item = String>) -> Result<ExitCode, String> {
    let (mut save, mut wanted) = (None::<std::path::PathBuf>, Vec::new());
    while let Some(word) = words.next() {
        match word.as_str() {
            "-o" => save = Some(words.next().ok_or("-o names no folder")?.into()),
            bug => wanted.push(find(bug)?),
        }
    }
    let plans: Vec<&Plan> =
        PROTOCOL.iter().filter(|plan| wanted.is_empty() || wanted.contains(&plan.mutant)).collect();
    crate::shrink::table(&plans, save.as_ref())
}
