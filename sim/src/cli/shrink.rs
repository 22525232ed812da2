//! `shrink`: from a failing seed to the smallest scenario that fails in the same way.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::sweep::jobs;
use super::args::{ShrinkArgs, engine};
use super::exit::{Exit, Trouble};
use super::explain::Which;
use super::interrupt;
use super::load;
use super::output::{Files, Manner};
use super::settings::Settings;
use super::wall::Stopwatch;
use super::within::Limit;
use crate::before::Before;
use crate::engine::direct::Payloads;
use crate::run::{Engine, run};
use crate::shrink::oracle::Bounds;
use crate::shrink::{Origin, ShrinkError, Shrunk, report, shrink as smallest};

pub(super) fn shrink(args: &ShrinkArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, Payloads::Ranges)?;
    let files = Files::new();
    let loaded = Settings::new(&args.set)?.applied(&load::input(&args.file, &files)?, args.seed)?;
    // Nobody wants to hear after an hour that it cannot be written.
    let output = args.output.as_ref().map(|path| files.write("-o", path, Manner::Replace)).transpose()?;
    let jobs = jobs(args.jobs);
    let limit = Limit::new(args.max_time)?;
    let watch = Stopwatch::start();
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        bar.set_style(style);
    }
    let origin = Origin { scenario: &loaded.scenario, path: &loaded.path, seed: args.seed, engine };
    let bounds = Bounds {
        runs: args.max_runs,
        jobs,
        has_time: &|| !limit.is_over(),
        progress: &|runs, faults| {
            bar.set_message(format!("{runs} runs, {faults} faults"));
            bar.tick();
        },
    };
    let shrunk = smallest(&origin, &bounds);
    bar.finish_and_clear();
    let shrunk = shrunk.map_err(|error @ ShrinkError::Passes| {
        Trouble::Nothing(format!("{} with seed {} {error}", loaded.path, args.seed))
    })?;
    let text = report::text(&origin, &shrunk);
    report::check(&text, &shrunk, engine).map_err(Trouble::Shrunk)?;
    let spent =
        spent(&shrunk, engine).map_or_else(String::new, |spent| format!("  where the time went: {spent}\n"));
    let story = format!("{}{spent}  in {:.1} s\n", report::summary(&shrunk), watch.elapsed().as_secs_f64());
    match output {
        Some(output) => {
            let path = output.path().to_owned();
            if let Err(error) = output.fill(text.as_bytes()) {
                // It took long to find.
                write!(io::stdout().lock(), "{text}")?;
                write!(io::stderr(), "{story}")?;
                return Err(Trouble::Write { path, error });
            }
            let path = path.display().to_string();
            let which = Which { path: &path, seed: shrunk.case.seed, engine, set: "" };
            let mut out = io::stdout().lock();
            write!(out, "{story}")?;
            writeln!(out, "written: {path}")?;
            writeln!(out, "{}", which.replay())?;
        }
        None => {
            // Stdout is the scenario's.
            write!(io::stderr(), "{story}")?;
            write!(io::stdout().lock(), "{text}")?;
        }
    }
    // An interrupted search has written the smallest scenario that it found.
    Ok(if interrupt::is_asked() { Exit::Interrupted } else { Exit::Passed })
}

/// Where the time went, if the failure is about time.
fn spent(shrunk: &Shrunk, engine: Engine) -> Option<String> {
    let scenario = shrunk.case.scenario().ok()?;
    let report = run(&scenario, shrunk.case.seed, engine, &mut ()).ok()?;
    let mut before = Before::new(&report, 1);
    run(&scenario, shrunk.case.seed, engine, &mut before).ok()?;
    before.spent()
}
