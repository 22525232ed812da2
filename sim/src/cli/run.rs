//! `run` and `replay`: one run.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::args::{ReplayArgs, RunArgs, engine, payloads};
use super::exit::{Exit, Trouble};
use super::explain::{self, Which};
use super::load::{self, Loaded};
use super::wall::Stopwatch;
use super::{determinism, json};
use crate::engine::outcome::RunError;
use crate::run::{self, Before, Engine, Report};
use crate::trace::json::Lines;
use crate::trace::{Header, Record, Sink, text::Line};

pub(super) fn run(args: &RunArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, payloads(args.bytes))?;
    let loaded = load::one(&args.file)?;
    let which = Which { path: &loaded.path, seed: args.seed, engine };
    let watch = Stopwatch::start();
    let report = match &args.trace {
        None => judged(&loaded, args.seed, engine, &mut ())?,
        Some(path) => traced(path, &loaded, args.seed, engine)?,
    };
    let wall = watch.elapsed();
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", json::result(&loaded.path, args.seed, engine, &report, Some(wall)))?;
    } else if report.has_passed() {
        write!(out, "{}", explain::summary(which, &report, wall))?;
    }
    if !report.has_passed() {
        // With --json stdout is for programs.
        let failure = explained(&loaded, which, &report)?;
        if args.json { write!(io::stderr(), "{failure}")? } else { write!(out, "{failure}")? }
    }
    if args.check_determinism {
        let same = determinism::check(&loaded, args.seed, engine)?;
        match same {
            None => writeln!(io::stderr(), "twice the same trace")?,
            Some(difference) => {
                write!(io::stderr(), "{difference}")?;
                writeln!(io::stderr(), "{}", which.replay())?;
                return Ok(Exit::Nondeterministic);
            }
        }
    }
    Ok(if report.has_passed() { Exit::Passed } else { Exit::Failed })
}

pub(super) fn replay(args: &ReplayArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, payloads(args.bytes))?;
    let loaded = load::one(&args.file)?;
    let which = Which { path: &loaded.path, seed: args.seed, engine };
    let watch = Stopwatch::start();
    let mut printer = Printer { out: BufWriter::new(io::stdout().lock()), failed: None };
    let report = judged(&loaded, args.seed, engine, &mut printer)?;
    let Printer { mut out, failed } = printer;
    if let Some(error) = failed {
        return Err(error.into());
    }
    writeln!(out)?;
    if report.has_passed() {
        write!(out, "{}", explain::summary(which, &report, watch.elapsed()))?;
    } else {
        write!(out, "{}", explained(&loaded, which, &report)?)?;
    }
    out.flush()?;
    Ok(if report.has_passed() { Exit::Passed } else { Exit::Failed })
}

/// The explanation of a failure, for which it is run once more.
pub(super) fn explained(loaded: &Loaded, which: Which<'_>, report: &Report) -> Result<String, Trouble> {
    let until = report.violations.first().map_or(report.end.at, |first| first.at);
    let mut before = Before::new(until, explain::LINES_MAX);
    judged(loaded, which.seed, which.engine, &mut before)?;
    Ok(explain::failure(which, report, &before))
}

/// A run that is judged; its records go to `sink` as well.
pub(super) fn judged(
    loaded: &Loaded,
    seed: u64,
    engine: Engine,
    sink: &mut impl Sink,
) -> Result<Report, Trouble> {
    let what = || format!("{} with seed {seed}", loaded.path);
    run::run(&loaded.scenario, seed, engine, sink)
        .map_err(|error: RunError| Trouble::Run { what: what(), error })
}

/// A run that is judged, and its trace in a file.
pub(super) fn traced(path: &Path, loaded: &Loaded, seed: u64, engine: Engine) -> Result<Report, Trouble> {
    let file = File::create(path).map_err(Trouble::write(path))?;
    let header = Header { scenario: loaded.path.clone(), seed, engine: engine.name().to_owned() };
    let mut writer = TraceFile { lines: Lines::new(file, &header), failed: None };
    let report = judged(loaded, seed, engine, &mut writer)?;
    let TraceFile { lines, failed } = writer;
    let done = failed.map_or(Ok(()), Err).and_then(|()| lines.finish(report.end.events, report.end.hash));
    done.map_err(Trouble::write(path))?;
    Ok(report)
}

/// Writes records as JSON until that fails.
struct TraceFile {
    lines: Lines<File>,
    failed: Option<io::Error>,
}

impl Sink for TraceFile {
    fn record(&mut self, record: &Record) {
        if self.failed.is_none() {
            self.failed = self.lines.record(record).err();
        }
    }
}

/// Prints records until that fails.
struct Printer<W: Write> {
    out: W,
    failed: Option<io::Error>,
}

impl<W: Write> Sink for Printer<W> {
    fn record(&mut self, record: &Record) {
        if self.failed.is_none() {
            self.failed = writeln!(self.out, "{}", Line(record)).err();
        }
    }
}
