//! `sweep`: many runs, on as many threads as there are processors.
//!
//! Each run has a thread to itself; nothing is shared between runs but the list of what is left to do. Results come in the
//! order of the runs and are written as they come: they do not tell how many threads there were, and what has been written
//! when a sweep ends early is all that comes before some run, so that it can go on from there. What is held in memory does
//! not grow with the number of runs.
//!
//! - `plan`: which runs there are. `manifest`: what a file of results is of. `kept`: a run's line.
//! - `results`: where lines go, and what is counted. `groups`: failures by what they are. `junit`: the report.
//! - `merge`: the parts of a sweep, put together.

mod groups;
mod junit;
mod kept;
mod manifest;
mod merge;
mod plan;
mod results;

use std::borrow::Cow;
use std::io::{self, Write};

pub(super) use self::groups::{EXPLAINED_MAX, Groups};
pub(super) use self::merge::merge;
pub(super) use self::plan::{Plan, RunId};

use self::kept::Kept;
use self::manifest::Manifest;
use self::results::{Put, Results};
use super::args::{SweepArgs, engine, payloads};
use super::exit::{Exit, Trouble};
use super::interrupt;
use super::load::{self, Loaded};
use super::output::{Files, Manner};
use super::progress::Progress;
use super::saved::{OF_A_SIGNATURE_MAX, Saved, explanation};
use super::settings::Settings;
use super::wall::Stopwatch;
use crate::run::{self, Engine};
use crate::workers::in_order;

pub(super) fn sweep(args: &SweepArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, payloads(args.bytes))?;
    let files = Files::new();
    let scenarios = load::all(&args.files, &files)?;
    let settings = Settings::new(&args.set)?;
    scenarios.iter().try_for_each(|loaded| settings.check(loaded))?;
    let manifest = Manifest::new(&scenarios, engine, args.seeds, args.partition, &args.set);
    let plan = manifest.plan()?;
    let saved = args.save_failures.as_deref().map(|folder| Saved::into(folder, &files)).transpose()?;
    let mut results = Results::new(&manifest, engine, &files, settings.words());
    let begin = match &args.json {
        Some(path) if args.resume => results.go_on(path, args.junit.as_deref(), &plan)?,
        path => {
            results.write_to("--json", path.as_deref(), args.junit.as_deref(), Manner::Grow)?;
            0
        }
    };
    interrupt::listen()?;
    let sweep = Sweep { args, engine, scenarios: &scenarios, settings: &settings, plan, begin };
    sweep.carry_out(&mut results, saved.as_ref())
}

/// A sweep that can begin.
struct Sweep<'a> {
    args: &'a SweepArgs,
    engine: Engine,
    scenarios: &'a [Loaded],
    settings: &'a Settings,
    plan: Plan,
    /// The first place that is not done yet.
    begin: u64,
}

impl Sweep<'_> {
    fn carry_out(&self, results: &mut Results<'_>, saved: Option<&Saved<'_>>) -> Result<Exit, Trouble> {
        let watch = Stopwatch::start();
        let mut progress = Progress::new(Some(self.plan.len() - self.begin));
        let is_out_of_time = || self.args.max_time.is_some_and(|most| watch.elapsed() >= most);
        let take = |place: u64, kept: Kept| {
            let run = self.plan.run(place);
            let put = results.put(run, &kept)?;
            progress.step(results.failed());
            if let (Some(saved), Put::Failed { before }, Some(failure)) = (saved, put, &kept.failure)
                && before < OF_A_SIGNATURE_MAX
                && let Some(loaded) = self.loaded(run)
            {
                saved.try_to_save(&failure.signature, &loaded, results.which(run));
            }
            Ok::<(), Trouble>(())
        };
        let is_over = || interrupt::is_asked() || is_out_of_time();
        let span = self.begin..self.plan.len();
        let came = in_order(self.args.jobs(), span, is_over, |place| self.run(self.plan.run(place)), take);
        progress.end();
        let finished = results.finish();
        // The failures found are reported even if the results could not be written.
        let (end, trouble) = match came {
            Ok(end) => (end, finished.err()),
            Err(trouble) => (results.done(), Some(trouble)),
        };
        let exit = self.tell(results, end, trouble.is_some(), watch)?;
        match trouble {
            Some(trouble) if exit == Exit::Passed => Err(trouble),
            Some(trouble) => {
                trouble.complain();
                Ok(exit)
            }
            None => Ok(exit),
        }
    }

    /// The scenario of a run, with what is set for its seed.
    fn loaded(&self, run: RunId) -> Option<Cow<'_, Loaded>> {
        let loaded = self.scenarios.get(run.scenario)?;
        if self.settings.is_empty() {
            return Some(Cow::Borrowed(loaded));
        }
        // Both ends of each range were tried before.
        Some(self.settings.applied(loaded, run.seed).map_or(Cow::Borrowed(loaded), Cow::Owned))
    }

    /// One run.
    fn run(&self, run: RunId) -> Kept {
        let Some(loaded) = self.loaded(run) else { unreachable!("places are below the plan's length") };
        let came = run::run(&loaded.scenario, run.seed, self.engine, &mut ());
        match came {
            // Nobody reads a line of which nothing is written, and most runs pass.
            Ok(report) if report.has_passed() && self.args.json.is_none() => Kept::passed(),
            came => Kept::of(&loaded.path, run.seed, self.engine, &came, self.settings.of(run.seed)),
        }
    }

    /// Says what came of it.
    fn tell(&self, results: &Results<'_>, end: u64, is_cut: bool, watch: Stopwatch) -> Result<Exit, Trouble> {
        let mut out = io::stdout().lock();
        // Who has interrupted it does not want to wait for it.
        let to_explain = if interrupt::is_asked() { Vec::new() } else { results.groups().to_explain() };
        let explained = to_explain.into_iter().filter_map(|run| {
            let loaded = self.loaded(run)?;
            Some(explanation(&loaded, results.which(run)))
        });
        results.print(&mut out, &explained.collect::<Vec<_>>())?;
        writeln!(
            out,
            "{} runs of {} scenarios in {:.1} s: {} passed, {} failed{}",
            results.done(),
            self.plan.scenarios(),
            watch.elapsed().as_secs_f64(),
            results.passed(),
            results.failed(),
            if self.begin > 0 {
                format!("; {} of them were there before", self.begin)
            } else {
                String::new()
            },
        )?;
        if end == self.plan.len() {
            return Ok(results.exit());
        }
        let next = results.which(self.plan.run(end));
        let (why, exit) = match (is_cut, interrupt::is_asked()) {
            (true, _) => ("stopped, for a result could not be written,", results.exit()),
            (false, true) => ("interrupted", Exit::Interrupted),
            (false, false) => ("out of time", results.exit()),
        };
        let how = match &self.args.json {
            Some(_) => "the same command with --resume goes on there",
            None => "with --json OUT it could go on there by --resume",
        };
        let left = self.plan.len() - end;
        writeln!(out, "{why} before {} with seed {}: {left} runs are left; {how}", next.path, next.seed)?;
        Ok(exit)
    }
}
