//! `exhaust`: every fate of the first packets, and a crash at every event.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::ExhaustArgs;
use super::args::sweep::jobs;
use super::exit::{Exit, Trouble};
use super::interrupt;
use super::load;
use super::wall::Stopwatch;
use crate::exhaust::fates::{self, Scope};
use crate::exhaust::{Failures, SMALL, check, crashes};
use crate::scenario::Scenario;

/// Scenarios that fail which are printed of each signature; the others are counted.
const PRINTED_MAX: usize = 1;

pub(super) fn exhaust(args: &ExhaustArgs) -> Result<Exit, Trouble> {
    let (name, scenario) = match &args.file {
        Some(path) => {
            let loaded = load::one(path)?;
            (loaded.path, loaded.scenario)
        }
        None => {
            let scenario =
                Scenario::parse(SMALL).map_err(|error| Trouble::Scenario(error.in_file("SMALL")))?;
            ("a download of three segments".to_owned(), scenario)
        }
    };
    check(&scenario).map_err(|wrong| Trouble::Usage(format!("{name}: {wrong}")))?;
    let jobs = jobs(args.jobs);
    let watch = Stopwatch::start();
    interrupt::listen()?;
    let has_time = || {
        let is_early = args.max_time.is_none_or(|most| watch.elapsed() < most);
        is_early && !interrupt::is_asked()
    };
    if args.crashes {
        let tried = crashes::try_while(&scenario, &has_time);
        let mut what = format!(
            "{} runs: crashes before and after {} times at which something happens",
            tried.runs,
            tried.times - tried.left,
        );
        if tried.left > 0 {
            what = format!("{what}; not finished: {} times were not tried", tried.left);
        }
        return unless_cut(end(&scenario, &what, &tried.failures, watch)?);
    }
    let scope = if args.each { Scope::Each(args.first) } else { Scope::Together(args.first) };
    let Some(all) = scope.combinations() else {
        return Err(Trouble::Usage(format!("--first {} is more than can be counted", args.first)));
    };
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} runs {per_sec}") {
        bar.set_style(style);
    }
    let tried = fates::try_all(&scenario, scope, jobs, &has_time, &|| bar.inc(1));
    bar.finish_and_clear();
    let mut what =
        format!("{} runs for {} of {all} combinations of four fates", tried.runs, tried.combinations);
    if tried.left > 0 {
        what = format!("{what}; not finished: in {} places of the tree nothing more was tried", tried.left);
    }
    unless_cut(end(&scenario, &what, &tried.failures, watch)?)
}

/// Returns [`Exit::Interrupted`] in place of a pass that was cut short: untried cases have not passed.
fn unless_cut(exit: Exit) -> Result<Exit, Trouble> {
    let is_cut = interrupt::is_asked() && exit == Exit::Passed;
    Ok(if is_cut { Exit::Interrupted } else { exit })
}

/// Prints what came of it.
fn end(scenario: &Scenario, what: &str, failures: &Failures, watch: Stopwatch) -> Result<Exit, Trouble> {
    let mut out = io::stdout().lock();
    for (signature, (count, failed)) in &failures.0 {
        writeln!(out, "{signature}: {count} of them; for one, with seed 0 and engine direct:\n")?;
        for failed in failed.iter().take(PRINTED_MAX) {
            writeln!(out, "{}", failed.file(scenario))?;
        }
    }
    let (seconds, failed) = (watch.elapsed().as_secs_f64(), failures.count());
    writeln!(out, "{what}, in {seconds:.1} s: {failed} failed")?;
    Ok(if failed > 0 { Exit::Failed } else { Exit::Passed })
}
