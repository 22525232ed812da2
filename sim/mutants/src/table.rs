//! The table: each bug, where it is found and by what, after how many seeds, and by how many scenarios.

use std::process::ExitCode;

use backchat_core::mutants::Mutant;
use backchat_sim::run::Engine;
use backchat_sim::scenario::Scenario;

use crate::hunt::{BREADTH_SEEDS, Catch, HUNTS, SEEDS, breadth, hunt, read, spoilt};
use crate::plan::{DETERMINISM, PROTOCOL, Plan};

/// How much is done for each bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// One hunt: whether it is found at all.
    Quick,
    /// All hunts, and the breadth.
    Whole,
    /// The names of all scenarios that find it, and no hunt: for whoever plants one.
    Each,
}

/// Prints the table of the bugs that are wanted, of all if none is named. Ends with 100 if one is not found.
pub(crate) fn table(wanted: &[Mutant], engine: Engine, extent: Extent) -> Result<ExitCode, String> {
    let is_wanted = |plan: &&Plan| wanted.is_empty() || wanted.contains(&plan.mutant);
    let all = if extent == Extent::Quick { Vec::new() } else { scenarios()? };
    if extent == Extent::Each {
        for plan in PROTOCOL.iter().filter(is_wanted) {
            println!("{}: {}", plan.mutant.name(), breadth(plan.mutant, &all, engine).join(" "));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let hunts = if extent == Extent::Quick { 1 } else { HUNTS };
    println!("| | bug | what is wrong | scenario | checkers, first come first | seeds | breadth |");
    println!("|---|---|---|---|---|---|---|");
    let (mut count, mut missed) = (0, 0);
    for plan in PROTOCOL.iter().filter(is_wanted) {
        let catches = hunt(plan, engine, hunts)?;
        let spoilt = spoilt(plan, catches.iter().flatten(), engine)?;
        let breadth = match extent {
            Extent::Whole => breadth(plan.mutant, &all, engine).len().to_string(),
            Extent::Quick | Extent::Each => String::new(),
        };
        count += 1;
        missed += u32::from(catches.iter().any(Option::is_none) || spoilt.is_some());
        row(plan, &catches, spoilt, &breadth);
    }
    println!("\n{} of {count} bugs found", count - missed);
    if extent == Extent::Whole {
        let scenarios = all.len();
        println!(
            "seeds: the median of {hunts} hunts, the least and the most; breadth: scenarios of {scenarios} that find \
             it with one of the seeds 0 to {}",
            BREADTH_SEEDS - 1
        );
    }
    let missed = missed + sources(is_wanted)?;
    Ok(ExitCode::from(u8::from(missed > 0) * 100))
}

/// The sources of nondeterminism; how many were not found.
fn sources(is_wanted: impl Fn(&&Plan) -> bool) -> Result<u32, String> {
    let wanted: Vec<&Plan> = DETERMINISM.iter().filter(is_wanted).collect();
    if wanted.is_empty() {
        return Ok(0);
    }
    println!("\n| source | what is wrong | scenario, seed | where the two traces parted |");
    println!("|---|---|---|---|");
    let mut missed = 0;
    for plan in wanted {
        let (name, what) = (plan.mutant.name(), what(plan.mutant));
        match crate::determinism::hunt(plan.mutant, plan.scenarios)? {
            Some((scenario, seed, message)) => {
                println!("| {name} | {what} | {scenario} {seed} | `{message}` |");
            }
            None => {
                missed += 1;
                println!("| {name} | {what} | | **not found** |");
            }
        }
    }
    Ok(missed)
}

/// All scenarios, by their names.
fn scenarios() -> Result<Vec<(String, Scenario)>, String> {
    let paths = backchat_sim::cli::load::paths(&["scenarios".into()]).map_err(|error| error.to_string())?;
    paths.iter().map(|path| Ok((path.display().to_string(), read(path)?))).collect()
}

/// What is wrong with a bug, as in a table.
fn what(mutant: Mutant) -> &'static str {
    mutant.what().trim().trim_end_matches('.')
}

fn row(plan: &Plan, catches: &[Option<Catch>], spoilt: Option<(String, String)>, breadth: &str) {
    let (area, name, what) = (plan.area, plan.mutant.name(), what(plan.mutant));
    let Some(first) = catches.iter().flatten().next() else {
        return println!("| {area} | {name} | {what} | | **not found** | | {breadth} |");
    };
    let checker = match spoilt {
        Some((checker, message)) => format!("**fails without it**: {checker}: {message}"),
        None => first.checker.clone(),
    };
    println!(
        "| {area} | {name} | {what} | {} | {checker} | {} | {breadth} |",
        first.scenario,
        seeds_of(catches)
    );
}

/// The median of what the hunts took, and the least and the most where they differ.
fn seeds_of(catches: &[Option<Catch>]) -> String {
    let mut seeds: Vec<Option<u64>> = catches.iter().map(|it| it.as_ref().map(|it| it.seeds)).collect();
    // A hunt that found nothing took more than any other.
    seeds.sort_by_key(|it| it.unwrap_or(u64::MAX));
    let print = |place: usize| match seeds.get(place).copied().flatten() {
        Some(seeds) => seeds.to_string(),
        None => format!("**more than {SEEDS}**"),
    };
    let last = seeds.len().saturating_sub(1);
    let (least, median, most) = (print(0), print(seeds.len() / 2), print(last));
    if least == most { median } else { format!("{median} ({least} to {most})") }
}
