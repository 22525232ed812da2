//! Sources of nondeterminism: each must make two runs of one seed differ, and the difference must be located.

use backchat_core::mutants::{Mutant, choose};
use backchat_sim::run::{Engine, run};
use backchat_sim::trace::Record;
use backchat_sim::trace::text::Line;

use crate::hunt::{Catch, file, read};

/// Runs each scenario twice with the source alive, a seed after the other, until the two traces differ.
pub(crate) fn hunt(mutant: Mutant, scenarios: &[&str], seeds: u64) -> Result<Option<Catch>, String> {
    let mut runs = 0;
    for name in scenarios {
        let scenario = read(&file(name))?;
        for seed in 0..seeds {
            runs += 1;
            choose(Some(mutant));
            let (mut first, mut second): (Vec<Record>, Vec<Record>) = (Vec::new(), Vec::new());
            let ends = [
                run(&scenario, seed, Engine::Turmoil, &mut first).map(|it| it.end.hash),
                run(&scenario, seed, Engine::Turmoil, &mut second).map(|it| it.end.hash),
            ];
            choose(None);
            let [Ok(a), Ok(b)] = ends else {
                return Err(format!("{name}: {ends:?}"));
            };
            if a == b {
                continue;
            }
            let message = first_difference(&first, &second);
            let scenario = (*name).to_owned();
            return Ok(Some(Catch { scenario, seed, runs, checker: "determinism".to_owned(), message }));
        }
    }
    Ok(None)
}

/// The first record that differs, in both traces.
fn first_difference(first: &[Record], second: &[Record]) -> String {
    let place = first.iter().zip(second).position(|(a, b)| a != b).unwrap_or(first.len().min(second.len()));
    let show =
        |records: &[Record]| records.get(place).map_or("(the end)".to_owned(), |it| Line(it).to_string());
    format!("record {place}: {} | {}", show(first).trim_end(), show(second).trim_end())
}
