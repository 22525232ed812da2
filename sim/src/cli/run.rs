//! `run` and `replay`: one run.

use std::io::{self, BufWriter, Write};

use super::args::{ReplayArgs, RunArgs, engine, payloads};
use super::exit::{Exit, Trouble};
use super::explain::{self, Which};
use super::filter::Filter;
use super::load::{self, Loaded};
use super::output::{Files, Manner, Output};
use super::packed::Packing;
use super::settings::Settings;
use super::wall::Stopwatch;
use super::within::{Limit, Within};
use super::{determinism, json};
use crate::before::Before;
use crate::engine::outcome::RunError;
use crate::run::{self, Engine, Report};
use crate::trace::json::Lines;
use crate::trace::{Header, Record, Sink, text::Line};

pub(super) fn run(args: &RunArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, payloads(args.bytes))?;
    let files = Files::new();
    let settings = Settings::new(&args.set)?;
    let loaded = settings.applied(&load::input(&args.file, &files)?, args.seed)?;
    let which = Which { path: &loaded.path, seed: args.seed, engine, set: settings.words() };
    let trace = args.trace.as_ref().map(|path| files.write("--trace", path, Manner::Replace)).transpose()?;
    let watch = Stopwatch::start();
    let limit = Limit::new(args.max_time)?;
    let (report, written) = match trace {
        None => (judged_within(&loaded, args.seed, engine, &mut (), limit)?, Ok(())),
        Some(trace) => traced(trace, &loaded, args.seed, engine, Some(limit))?,
    };
    let wall = watch.elapsed();
    let mut out = io::stdout().lock();
    if args.json {
        let mut result = json::result(&loaded.path, args.seed, engine, &report, Some(wall));
        json::add_settings(&mut result, settings.of(args.seed));
        writeln!(out, "{result}")?;
    } else if report.has_passed() {
        write!(out, "{}", explain::summary(which, &report, wall))?;
    }
    if !report.has_passed() {
        // With --json stdout is for programs.
        let failure = explained(&loaded, which, &report)?;
        if args.json { write!(io::stderr(), "{failure}")? } else { write!(out, "{failure}")? }
    }
    if args.check_determinism {
        let same = determinism::check(&loaded, args.seed, engine, limit)?;
        match same {
            None => writeln!(io::stderr(), "twice the same trace")?,
            Some(difference) => {
                write!(io::stderr(), "{difference}")?;
                writeln!(io::stderr(), "{}", which.replay())?;
                return Ok(Exit::Nondeterministic);
            }
        }
    }
    // A failure is reported even if its trace could not be kept.
    match written {
        Err(trouble) if report.has_passed() => Err(trouble),
        Err(trouble) => {
            trouble.complain();
            Ok(Exit::Failed)
        }
        Ok(()) => Ok(if report.has_passed() { Exit::Passed } else { Exit::Failed }),
    }
}

pub(super) fn replay(args: &ReplayArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, payloads(args.bytes))?;
    let settings = Settings::new(&args.set)?;
    let loaded = settings.applied(&load::one(&args.file)?, args.seed)?;
    let which = Which { path: &loaded.path, seed: args.seed, engine, set: settings.words() };
    let watch = Stopwatch::start();
    let limit = Limit::new(args.max_time)?;
    let mut filter = Filter::new(args, &loaded.scenario)?;
    if args.until_failure {
        // Where it fails is known when it has failed.
        filter.until_failure(&judged_within(&loaded, args.seed, engine, &mut (), limit)?);
    }
    let mut printer = Printer { out: BufWriter::new(io::stdout().lock()), filter, failed: None };
    let report = judged_within(&loaded, args.seed, engine, &mut printer, limit)?;
    let Printer { mut out, filter, failed } = printer;
    if let Some(error) = failed {
        return Err(error.into());
    }
    if let Some(left_out) = filter.left_out() {
        writeln!(out, "{left_out}")?;
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
    let mut before = Before::new(report, explain::LINES_MAX);
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

/// The same, unless it is stopped.
pub(super) fn judged_within(
    loaded: &Loaded,
    seed: u64,
    engine: Engine,
    sink: &mut impl Sink,
    limit: Limit,
) -> Result<Report, Trouble> {
    judged(loaded, seed, engine, &mut Within { sink, limit }).map_err(|trouble| match trouble {
        Trouble::Run { what, error: RunError::Stopped { at } } => limit.trouble(what, at),
        other => other,
    })
}

/// A run that is judged, and its trace in a file; and whether that could be written. Of a run that came to no end what there
/// is of it is kept.
pub(super) fn traced(
    trace: Output,
    loaded: &Loaded,
    seed: u64,
    engine: Engine,
    limit: Option<Limit>,
) -> Result<(Report, Result<(), Trouble>), Trouble> {
    let path = trace.path().to_owned();
    let header = Header { scenario: loaded.path.clone(), seed, engine: engine.name().to_owned() };
    let mut writer = TraceFile { lines: Lines::new(Packing::new(trace), &header), failed: None };
    let came = match limit {
        None => judged(loaded, seed, engine, &mut writer),
        Some(limit) => judged_within(loaded, seed, engine, &mut writer, limit),
    };
    let TraceFile { lines, failed } = writer;
    let end = came.as_ref().ok().map(|report| &report.end);
    let lines = failed.map_or(Ok(lines), Err);
    let done = lines.and_then(|lines| match end {
        Some(end) => lines.finish(end.events, end.hash),
        None => lines.cut_short(),
    });
    let written = done.and_then(Packing::finish).map_err(Trouble::write(&path));
    Ok((came?, written))
}

/// Writes records as JSON until that fails.
struct TraceFile {
    lines: Lines<Packing>,
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
    filter: Filter,
    failed: Option<io::Error>,
}

impl<W: Write> Sink for Printer<W> {
    fn record(&mut self, record: &Record) {
        if self.failed.is_none() && self.filter.takes(record) {
            self.failed = writeln!(self.out, "{}", Line(record)).err();
        }
    }
}
