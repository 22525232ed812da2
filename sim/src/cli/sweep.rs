//! `sweep`: many runs, on as many threads as there are processors.
//!
//! Each run has a thread to itself; nothing is shared between runs but the list of what is left to do. Results are put
//! back into the order of file and seed, so that they do not tell how many threads there were. [`groups`]: failures by
//! what they are.

mod groups;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

use indicatif::{ProgressBar, ProgressStyle};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use self::groups::Groups;
use super::args::{SweepArgs, engine, payloads};
use super::exit::{Exit, Trouble};
use super::explain::Which;
use super::json;
use super::load::{self, Loaded};
use super::run::{explained, judged, traced};
use super::wall::Stopwatch;
use crate::run::{Engine, Report};
use crate::signature::Signature;

/// Every run of a sweep: which there are, in order.
struct Plan<'a> {
    scenarios: Vec<Loaded>,
    args: &'a SweepArgs,
    engine: Engine,
}

/// What is kept of a run.
struct Outcome {
    scenario: usize,
    seed: u64,
    /// The object for `--json`, made where the run was.
    json: Option<String>,
    failure: Option<Failure>,
}

/// What is kept of a run that failed.
struct Failure {
    signature: Signature,
    explained: String,
    /// The first violation, on one line.
    first: String,
}

impl Plan<'_> {
    fn seeds(&self) -> u64 {
        self.args.seeds.to - self.args.seeds.from
    }

    /// How many runs there are in all parts together.
    fn len(&self) -> u64 {
        self.seeds().saturating_mul(self.scenarios.len() as u64)
    }

    /// Which the `nth` is.
    fn run(&self, nth: u64) -> Option<(usize, u64)> {
        let scenario = usize::try_from(nth / self.seeds().max(1)).ok()?;
        Some((scenario, self.args.seeds.from + nth % self.seeds().max(1)))
    }

    fn has(&self, nth: u64) -> bool {
        self.args.partition.is_none_or(|partition| partition.has(nth))
    }

    /// One run, with what is saved of it.
    fn carry_out(&self, scenario: usize, seed: u64) -> Result<Outcome, Trouble> {
        let Some(loaded) = self.scenarios.get(scenario) else {
            return Err(Trouble::Usage("a run of no scenario".to_owned()));
        };
        let which = Which { path: &loaded.path, seed, engine: self.engine };
        let report = judged(loaded, seed, self.engine, &mut ())?;
        let json = self
            .args
            .json
            .is_some()
            .then(|| json::result(&loaded.path, seed, self.engine, &report, None).to_string());
        let failure = failure(loaded, which, &report)?;
        if let (Some(folder), Some(failure)) = (&self.args.save_failures, &failure) {
            save(folder, loaded, which, &failure.explained)?;
        }
        Ok(Outcome { scenario, seed, json, failure })
    }
}

/// What is kept of a run, if it failed.
fn failure(loaded: &Loaded, which: Which<'_>, report: &Report) -> Result<Option<Failure>, Trouble> {
    let Some(it) = report.violations.first() else { return Ok(None) };
    let first = format!("{} at {} s: {}", it.checker, it.at, it.message);
    Ok(Some(Failure { signature: it.signature(), explained: explained(loaded, which, report)?, first }))
}

/// Saves a failure: the scenario, the trace of one more run, and the explanation.
fn save(folder: &Path, loaded: &Loaded, which: Which<'_>, explained: &str) -> Result<(), Trouble> {
    std::fs::create_dir_all(folder).map_err(Trouble::write(folder))?;
    let stem: String = loaded
        .path
        .trim_end_matches(".toml")
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '_' })
        .collect();
    let path = |ending: &str| folder.join(format!("{}-seed-{}.{ending}", stem.trim_matches('_'), which.seed));
    let write = |ending: &str, bytes: &[u8]| {
        let path = path(ending);
        std::fs::write(&path, bytes).map_err(Trouble::write(&path))
    };
    write("toml", &loaded.text)?;
    write("txt", explained.as_bytes())?;
    traced(&path("jsonl"), loaded, which.seed, which.engine)?;
    Ok(())
}

pub(super) fn sweep(args: &SweepArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, payloads(args.bytes))?;
    let paths = load::paths(&args.files)?;
    let scenarios = paths.iter().map(|path| load::one(path)).collect::<Result<Vec<_>, _>>()?;
    let plan = Plan { scenarios, args, engine };
    let total = (0..plan.len()).filter(|nth| plan.has(*nth)).count() as u64;
    if total == 0 {
        let (from, to) = (args.seeds.from, args.seeds.to);
        return Err(Trouble::Nothing(format!("no run is selected: seeds {from}..{to}")));
    }
    let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if jobs == 0 {
        return Err(Trouble::Usage("--jobs 0 would never begin; expected 1 or more".to_owned()));
    }
    let watch = Stopwatch::start();
    let mut results = Results::new(&plan)?;
    let bar = progress(total);
    let (sender, outcomes) = mpsc::sync_channel(4 * jobs);
    let next = AtomicU64::new(0);
    let is_over = AtomicBool::new(false);
    let trouble = std::thread::scope(|scope| {
        for _ in 0..jobs {
            let sender = sender.clone();
            let (plan, next, is_over) = (&plan, &next, &is_over);
            scope.spawn(move || work(plan, next, is_over, watch, &sender));
        }
        drop(sender);
        let mut trouble = None;
        for (nth, outcome) in outcomes {
            bar.inc(1);
            let taken = outcome.and_then(|outcome| results.take(nth, outcome));
            if let Err(error) = taken {
                is_over.store(true, Ordering::Relaxed);
                trouble.get_or_insert(error);
            }
        }
        trouble
    });
    bar.finish_and_clear();
    match trouble {
        Some(trouble) => Err(trouble),
        None => results.finish(total, watch),
    }
}

/// One thread: takes the next run until there is none.
fn work(
    plan: &Plan<'_>,
    next: &AtomicU64,
    is_over: &AtomicBool,
    watch: Stopwatch,
    sender: &mpsc::SyncSender<(u64, Result<Outcome, Trouble>)>,
) {
    loop {
        let nth = next.fetch_add(1, Ordering::Relaxed);
        let out_of_time = plan.args.max_time.is_some_and(|most| watch.elapsed() >= most);
        if nth >= plan.len() || is_over.load(Ordering::Relaxed) || out_of_time {
            return;
        }
        let Some((scenario, seed)) = plan.run(nth).filter(|_| plan.has(nth)) else { continue };
        if sender.send((nth, plan.carry_out(scenario, seed))).is_err() {
            return;
        }
    }
}

fn progress(total: u64) -> ProgressBar {
    // Draws on stderr, and only where that is a terminal.
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{pos}/{len} runs {wide_bar} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// Results, in the order of file and seed.
struct Results<'a> {
    plan: &'a Plan<'a>,
    /// Those that came before their turn.
    early: BTreeMap<u64, Outcome>,
    /// The next in order.
    turn: u64,
    json: Option<BufWriter<File>>,
    suites: BTreeMap<usize, Vec<TestCase>>,
    failures: Groups,
    passed: u64,
}

impl<'a> Results<'a> {
    fn new(plan: &'a Plan<'a>) -> Result<Self, Trouble> {
        let json = match &plan.args.json {
            None => None,
            Some(path) => Some(BufWriter::new(File::create(path).map_err(Trouble::write(path))?)),
        };
        Ok(Self {
            plan,
            early: BTreeMap::new(),
            turn: 0,
            json,
            suites: BTreeMap::new(),
            failures: Groups::default(),
            passed: 0,
        })
    }

    fn take(&mut self, nth: u64, outcome: Outcome) -> Result<(), Trouble> {
        self.early.insert(nth, outcome);
        loop {
            while self.turn < self.plan.len() && !self.plan.has(self.turn) {
                self.turn += 1;
            }
            let Some(outcome) = self.early.remove(&self.turn) else { return Ok(()) };
            self.turn += 1;
            self.put(outcome)?;
        }
    }

    fn put(&mut self, outcome: Outcome) -> Result<(), Trouble> {
        let Outcome { scenario, seed, json, failure } = outcome;
        if let (Some(to), Some(line), Some(path)) = (&mut self.json, json, &self.plan.args.json) {
            writeln!(to, "{line}").map_err(Trouble::write(path))?;
        }
        if self.plan.args.junit.is_some() {
            let status = match &failure {
                None => TestCaseStatus::success(),
                Some(Failure { explained, first, .. }) => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message(first.clone()).set_description(explained.clone());
                    status
                }
            };
            let case = TestCase::new(format!("seed {seed}"), status);
            self.suites.entry(scenario).or_default().push(case);
        }
        match failure {
            None => self.passed += 1,
            Some(Failure { signature, explained, .. }) => {
                self.failures.add(signature, scenario, seed, explained);
            }
        }
        Ok(())
    }

    fn finish(mut self, total: u64, watch: Stopwatch) -> Result<Exit, Trouble> {
        // Those behind a run that was not begun in time.
        for (_, outcome) in std::mem::take(&mut self.early) {
            self.put(outcome)?;
        }
        if let (Some(to), Some(path)) = (&mut self.json, &self.plan.args.json) {
            to.flush().map_err(Trouble::write(path))?;
        }
        if let Some(path) = &self.plan.args.junit {
            self.write_junit(path)?;
        }
        let mut out = io::stdout().lock();
        let plan = self.plan;
        self.failures.print(&mut out, |scenario, seed| {
            let loaded = plan.scenarios.get(scenario)?;
            Some(Which { path: &loaded.path, seed, engine: plan.engine })
        })?;
        let failed = self.failures.failures() as u64;
        let left = total - self.passed - failed;
        let not_run = if left > 0 { format!(", {left} not begun in time") } else { String::new() };
        writeln!(
            out,
            "{} runs of {} scenarios in {:.1} s: {} passed, {failed} failed{not_run}",
            self.passed + failed,
            self.plan.scenarios.len(),
            watch.elapsed().as_secs_f64(),
            self.passed,
        )?;
        Ok(if failed > 0 { Exit::Failed } else { Exit::Passed })
    }

    fn write_junit(&mut self, path: &Path) -> Result<(), Trouble> {
        let mut report = quick_junit::Report::new("backchat-sim");
        for (scenario, cases) in std::mem::take(&mut self.suites) {
            let name = self.plan.scenarios.get(scenario).map_or("", |loaded| loaded.path.as_str());
            let mut suite = TestSuite::new(name);
            suite.add_test_cases(cases);
            report.add_test_suite(suite);
        }
        let file = File::create(path).map_err(Trouble::write(path))?;
        report.serialize(BufWriter::new(file)).map_err(|error| Trouble::write(path)(io::Error::other(error)))
    }
}
