//! `swarm`: scenarios that nobody wrote, until somebody says that it is enough.
//!
//! Each seed is a scenario and its run. What fails is saved as a scenario file, which is replayed and shrunk like any other.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::{SwarmArgs, engine, payloads};
use super::exit::{Exit, Trouble};
use super::explain::Which;
use super::interrupt;
use super::load::{self, Loaded};
use super::output::{Files, Manner, Output};
use super::progress::Progress;
use super::run::judged;
use super::saved::{OF_A_SIGNATURE_MAX, Saved, explanation};
use super::sweep::{EXPLAINED_MAX, Groups, RunId};
use super::wall::Stopwatch;
use crate::run::Engine;
use crate::scenario::Scenario;
use crate::signature::Signature;
use crate::swarm::{Bounds, Kind, Meetings, bounds, make};
use crate::workers::in_order;

/// What a saved scenario is called, with its seed behind it.
const NAME: &str = "swarm.toml";

pub(super) fn swarm(args: &SwarmArgs) -> Result<Exit, Trouble> {
    if args.print_bounds {
        io::stdout().lock().write_all(bounds::DEFAULT.as_bytes())?;
        return Ok(Exit::Passed);
    }
    let engine = engine(&args.engine, payloads(false))?;
    let files = Files::new();
    let bounds = args.bounds.as_deref().map_or_else(|| Ok(Bounds::default()), |path| read(path, &files))?;
    if args.seeds.from == args.seeds.to {
        return Err(Trouble::Nothing(format!("no run is selected: seeds {} are none", args.seeds)));
    }
    let saved = args.save_failures.as_deref().map(|folder| Saved::into(folder, &files)).transpose()?;
    let json = args.json.as_deref().map(|path| create(path, &files)).transpose()?;
    interrupt::listen()?;
    let swarm = Swarm { args, engine, bounds };
    swarm.carry_out(saved.as_ref(), json)
}

fn read(path: &Path, files: &Files) -> Result<Bounds, Trouble> {
    files.read(path);
    let text = String::from_utf8(load::bytes(path)?).map_err(|_| {
        Trouble::Scenario(format!("{}:1:1: bytes that are no text; expected UTF-8", path.display()))
    })?;
    Bounds::parse(&text).map_err(|error| Trouble::Scenario(format!("{}:{error}", path.display())))
}

fn create(path: &Path, files: &Files) -> Result<(PathBuf, BufWriter<Output>), Trouble> {
    let mut output = files.write("--json", path, Manner::Grow)?;
    output.begin().map_err(Trouble::write(path))?;
    Ok((path.to_owned(), BufWriter::new(output)))
}

struct Swarm<'a> {
    args: &'a SwarmArgs,
    engine: Engine,
    bounds: Bounds,
}

/// What is kept of a run.
struct Kept {
    kinds: BTreeSet<Kind>,
    failure: Option<Failure>,
    wall: f64,
}

struct Failure {
    signature: Signature,
    /// What was found first.
    message: String,
}

/// What has come of all runs so far.
#[derive(Default)]
struct Tally {
    meetings: Meetings,
    groups: Groups,
    runs: u64,
    /// The run that took longest, in real time.
    longest: (f64, u64),
}

impl Swarm<'_> {
    fn carry_out(
        &self,
        saved: Option<&Saved<'_>>,
        mut json: Option<(PathBuf, BufWriter<Output>)>,
    ) -> Result<Exit, Trouble> {
        let watch = Stopwatch::start();
        let seeds = self.args.seeds;
        let total = (seeds.to < u64::MAX).then_some(seeds.to - seeds.from);
        let mut progress = Progress::new(total);
        let mut tally = Tally::default();
        let take = |seed: u64, kept: Kept| {
            // A result that cannot be written is counted all the same: it was found.
            let before = tally.add(seed, &kept);
            progress.step(tally.groups.failures());
            if let (Some(before), Some(saved), Some(failure)) = (before, saved, &kept.failure)
                && before < OF_A_SIGNATURE_MAX
            {
                let signature = failure.signature.to_string();
                saved.try_to_save(&signature, &self.loaded(seed)?, self.generated(seed));
            }
            if let Some((path, to)) = &mut json {
                writeln!(to, "{}", self.line(seed, &kept)).map_err(Trouble::write(path))?;
            }
            Ok::<(), Trouble>(())
        };
        let is_over =
            || interrupt::is_asked() || self.args.max_time.is_some_and(|most| watch.elapsed() >= most);
        let jobs = super::args::sweep::jobs(self.args.jobs);
        let came = in_order(jobs, seeds.from..seeds.to, is_over, |seed| self.run(seed), take);
        progress.end();
        let finished = json.map_or(Ok(()), |(path, to)| {
            let to = to.into_inner().map_err(io::IntoInnerError::into_error);
            to.and_then(Output::finish).map_err(Trouble::write(&path))
        });
        let exit = self.tell(&tally, saved, watch)?;
        match (came.map(|_| ()).and(finished), exit) {
            (Err(trouble), Exit::Passed) => Err(trouble),
            (came, exit) => {
                let _ = came.map_err(|trouble| trouble.complain());
                Ok(exit)
            }
        }
    }

    fn loaded(&self, seed: u64) -> Result<Loaded, Trouble> {
        let file = make(&self.bounds, seed).file;
        let text = file.to_toml();
        let scenario = Scenario::parse(&text)
            .map_err(|error| Trouble::Scenario(format!("the scenario of seed {seed}: {error}")))?;
        Ok(Loaded { path: NAME.to_owned(), text: text.into_bytes(), scenario })
    }

    const fn generated(&self, seed: u64) -> Which<'static> {
        Which { path: NAME, seed, engine: self.engine, set: "" }
    }

    /// One run.
    fn run(&self, seed: u64) -> Kept {
        let watch = Stopwatch::start();
        let kinds = make(&self.bounds, seed).kinds;
        let failure = match self.loaded(seed).and_then(|loaded| judged(&loaded, seed, self.engine, &mut ())) {
            Ok(report) => report.violations.first().map(|first| Failure {
                signature: first.signature(),
                message: format!("{} at {} s: {}", first.checker, first.at, first.message),
            }),
            Err(Trouble::Run { error, .. }) => {
                Some(Failure { signature: error.signature(), message: error.to_string() })
            }
            Err(trouble) => Some(Failure { signature: NO_SCENARIO, message: trouble.to_string() }),
        };
        Kept { kinds, failure, wall: watch.elapsed().as_secs_f64() }
    }

    fn line(&self, seed: u64, kept: &Kept) -> serde_json::Value {
        let kinds: Vec<&str> = kept.kinds.iter().map(|kind| kind.name()).collect();
        let failure = kept.failure.as_ref();
        json!({
            "seed": seed.to_string(),
            "engine": self.engine.name(),
            "faults": kinds,
            "outcome": if failure.is_some() { "fail" } else { "pass" },
            "signature": failure.map(|it| it.signature.to_string()),
            "message": failure.map(|it| it.message.as_str()),
        })
    }

    /// Says what came of it.
    fn tell(&self, tally: &Tally, saved: Option<&Saved<'_>>, watch: Stopwatch) -> Result<Exit, Trouble> {
        let mut out = io::stdout().lock();
        tally.meetings.print(&mut out)?;
        writeln!(out)?;
        for (place, (signature, count, first)) in tally.groups.heads().enumerate() {
            let seeds: Vec<String> = first.iter().take(5).map(|run| run.seed.to_string()).collect();
            writeln!(out, "{signature}: {count} of them, the first with seeds {}", seeds.join(", "))?;
            let Some(run) = first.first() else { continue };
            let path =
                saved.map(|saved| saved.scenario(signature, self.generated(run.seed)).display().to_string());
            match &path {
                Some(path) => {
                    let which = Which { path, seed: run.seed, engine: self.engine, set: "" };
                    if place < EXPLAINED_MAX && !interrupt::is_asked() {
                        write!(out, "{}", explanation(&self.loaded(run.seed)?, which))?;
                    } else {
                        writeln!(out, "{}", which.replay())?;
                    }
                    writeln!(out, "{}", which.shrink())?;
                }
                None => writeln!(out, "{}", self.again(run.seed))?,
            }
            writeln!(out)?;
        }
        let (failed, seconds) = (tally.groups.failures(), watch.elapsed().as_secs_f64());
        let (longest, slowest) = tally.longest;
        let runs = tally.runs;
        writeln!(
            out,
            "{runs} runs in {seconds:.1} s: {} passed, {failed} failed; the longest took {longest:.2} s, with seed {slowest}",
            runs - failed,
        )?;
        if interrupt::is_asked() {
            writeln!(out, "interrupted; --seeds {}.. goes on", self.args.seeds.from + runs)?;
            return Ok(Exit::Interrupted);
        }
        Ok(if failed > 0 { Exit::Failed } else { Exit::Passed })
    }

    /// The line that runs a seed again and saves its scenario.
    fn again(&self, seed: u64) -> String {
        let bounds = self.args.bounds.as_ref().map(|path| format!(" {}", path.display())).unwrap_or_default();
        let engine = self.engine.name();
        let seeds = format!("{seed}..{}", u128::from(seed) + 1);
        format!(
            "again: backchat-sim swarm{bounds} --seeds {seeds} --engine {engine} --save-failures swarm-failures"
        )
    }
}

/// A seed whose scenario is none: a mistake of the generator.
const NO_SCENARIO: Signature =
    Signature { checker: "swarm", rule: "no_scenario", place: crate::signature::Place::Run };

impl Tally {
    /// Answers, of a failure, how many of its signature were before it.
    fn add(&mut self, seed: u64, kept: &Kept) -> Option<u64> {
        self.runs += 1;
        self.meetings.add(&kept.kinds);
        if kept.wall > self.longest.0 {
            self.longest = (kept.wall, seed);
        }
        let failure = kept.failure.as_ref()?;
        Some(self.groups.add(&failure.signature.to_string(), RunId { scenario: 0, seed }))
    }
}
