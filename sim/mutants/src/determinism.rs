//! Sources of nondeterminism: `run --check-determinism` must end with 102 and say where the two traces part.

use std::process::Command;

use backchat_core::mutants::Mutant;

use crate::hunt::file;

/// The exit code of a run that gave two traces.
const TWO_TRACES: i32 = 102;

/// Seeds that are tried in each scenario.
const SEEDS: u64 = 100;

/// Runs each scenario with the source alive, in a process of its own as a person would, a seed after the other: the
/// scenario and seed that gave two traces, and where they parted. On the engine that `run` takes by itself, the programs
/// that ship: on the other there is no loop of theirs that could be the source.
pub(crate) fn hunt<'a>(
    mutant: Mutant,
    scenarios: &[&'a str],
) -> Result<Option<(&'a str, u64, String)>, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    for name in scenarios {
        for seed in 0..SEEDS {
            let output = Command::new(&this)
                .args([mutant.name(), "run", "--check-determinism", "--seed", &seed.to_string()])
                .arg(file(name))
                .output()
                .map_err(|error| error.to_string())?;
            if output.status.code() == Some(TWO_TRACES) {
                return Ok(Some((name, seed, located(&String::from_utf8_lossy(&output.stderr)))));
            }
        }
    }
    Ok(None)
}

/// The first record that differs, as it is in both traces: time, node, event and fields.
fn located(said: &str) -> String {
    let line = |begin: &str| {
        let words = said.lines().find_map(|line| line.strip_prefix(begin)).unwrap_or_default();
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (first, second) = (line("first "), line("second "));
    let differs = first.split(' ').zip(second.split(' ')).find(|(a, b)| a != b);
    let (a, b) = differs.unwrap_or_default();
    let place: Vec<_> = first.split(' ').take(3).collect();
    format!("{}: {a}, then {b}", place.join(" "))
}
