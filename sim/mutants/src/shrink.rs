//! Each planted bug's failure, made as small as it goes: what the shrinker is measured by.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use backchat_core::mutants::choose;
use backchat_sim::scenario::Scenario;
use backchat_sim::shrink::oracle::{Bounds, MAX_RUNS, Verdict, verdict};
use backchat_sim::shrink::{Origin, Shrunk, report, shrink};

use crate::hunt::{Catch, ENGINE, file, hunt, read};
use crate::plan::Plan;

/// The most faults that may be left in the median.
const FAULTS_MAX: usize = 4;

/// The most time that one may take; the run that goes on then is let end.
const TIME_MAX: Duration = Duration::from_secs(30);

/// How a scenario fails that expects a download to be refused. What is left of it is any download that is not.
const EXPECTED_TO_FAIL: &str = "expect/complete@client";

/// What came of one bug.
enum Came {
    Shrunk(Row),
    /// It only fails in the way that says nothing.
    LeftOut,
    /// It was not found again.
    Nothing,
}

/// What is printed of one that is shrunk.
struct Row {
    faults: usize,
    took: Duration,
    is_right: bool,
}

/// Hunts each bug, shrinks what was found, and prints the table; `save` is where the scenarios go.
pub(crate) fn table(plans: &[&Plan], save: Option<&PathBuf>) -> Result<ExitCode, String> {
    if let Some(folder) = save {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    println!(
        "| bug | scenario, seed | signature | faults | left | files | runs | s | without any one, and without the bug |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let (mut rows, mut left_out) = (Vec::new(), 0);
    for plan in plans {
        match hunt(plan, ENGINE, 1)?.first() {
            Some(Some(catch)) => match row(plan, catch, save)? {
                Came::Shrunk(row) => rows.push(row),
                Came::LeftOut => left_out += 1,
                Came::Nothing => {}
            },
            Some(None) | None => println!("| {} | | **not found** | | | | | | |", plan.mutant.name()),
        }
    }
    let mut faults: Vec<usize> = rows.iter().map(|row| row.faults).collect();
    faults.sort_unstable();
    let median = faults.get(faults.len() / 2).copied().unwrap_or(0);
    let longest = rows.iter().map(|row| row.took).max().unwrap_or_default();
    let right = rows.iter().filter(|row| row.is_right).count();
    println!(
        "\n{right} of {} shrunk and right; {median} faults in the median; the longest took {:.1} s",
        plans.len() - left_out,
        longest.as_secs_f64()
    );
    let is_good =
        right + left_out == plans.len() && median <= FAULTS_MAX && longest.as_secs() <= TIME_MAX.as_secs();
    Ok(ExitCode::from(u8::from(!is_good) * 100))
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "how long it took is what is measured"
)]
fn row(plan: &Plan, catch: &Catch, save: Option<&PathBuf>) -> Result<Came, String> {
    let name = plan.mutant.name();
    let path = file(&catch.scenario);
    let scenario = read(&path)?;
    let path = path.display().to_string();
    let origin = Origin { scenario: &scenario, path: &path, seed: catch.seed, engine: ENGINE };
    let began = std::time::Instant::now();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let has_time = || began.elapsed() < TIME_MAX;
    let bounds = Bounds { runs: MAX_RUNS, jobs, has_time: &has_time, progress: &|_, _| {} };
    choose(Some(plan.mutant));
    let shrunk = shrink(&origin, &bounds);
    let took = began.elapsed();
    let Ok(shrunk) = shrunk else {
        choose(None);
        println!("| {name} | {}, seed {} | **passes** | | | | | | |", catch.scenario, catch.seed);
        return Ok(Came::Nothing);
    };
    if shrunk.signature.to_string() == EXPECTED_TO_FAIL {
        choose(None);
        println!(
            "| {name} | {}, {} | {EXPECTED_TO_FAIL} | | | | | | not shrunk: every complete download fails so |",
            catch.scenario, catch.seed
        );
        return Ok(Came::LeftOut);
    }
    let text = report::text(&origin, &shrunk);
    let again = report::check(&text, &shrunk, ENGINE);
    choose(plan.control);
    let control = Scenario::parse(&text).map(|it| verdict(&it, shrunk.case.seed, ENGINE, &mut ()));
    choose(None);
    if let Some(folder) = save {
        let path = folder.join(format!("{name}.toml"));
        std::fs::write(&path, &text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let is_right = again.is_ok() && control == Ok(Verdict::Passes) && !shrunk.form.is_random();
    print(plan, catch, &shrunk, took, &proof(&shrunk, again, &control));
    Ok(Came::Shrunk(Row { faults: shrunk.case.atoms.len(), took, is_right }))
}

/// Whether it is what it should be, in a few words.
fn proof(
    shrunk: &Shrunk,
    again: Result<(), String>,
    control: &Result<Verdict, backchat_sim::scenario::ScenarioError>,
) -> String {
    let faults = match shrunk.proof.is_complete() {
        _ if shrunk.case.atoms.is_empty() => "needs none",
        true => "passes",
        false => "**fails, for one**",
    };
    let control = match control {
        Ok(Verdict::Passes) => "passes".to_owned(),
        Ok(Verdict::Fails(failure)) => format!("**fails: {}**", failure.first),
        Ok(Verdict::Unknown) | Err(_) => "**is no scenario**".to_owned(),
    };
    let again = again.err().map_or_else(String::new, |error| format!("; **{error}**"));
    let chance = if shrunk.form.is_random() { "; **chance is left**" } else { "" };
    format!("{faults}, {control}{again}{chance}")
}

fn print(plan: &Plan, catch: &Catch, shrunk: &Shrunk, took: Duration, proof: &str) {
    let files: Vec<String> = shrunk.case.base.server.files.iter().map(|file| file.size.to_string()).collect();
    println!(
        "| {} | {}, {} | {} | {} | {} | {} | {} | {:.1} | {proof} |",
        plan.mutant.name(),
        catch.scenario,
        catch.seed,
        shrunk.signature,
        shrunk.faults_before,
        shrunk.case.atoms.len(),
        files.join(" "),
        shrunk.runs,
        took.as_secs_f64(),
    );
}
