//! `check`: the checkers over a recorded trace.

use std::io::{self, BufRead, Write};
use std::path::Path;

use super::args::CheckArgs;
use super::exit::{Exit, Trouble};
use super::packed::unpacked;
use crate::checker::Checkers;
use crate::trace::{Reading, Sink as _};

/// Violations that are printed; the others are counted.
const SHOWN_MAX: usize = 20;

/// The file of a recorded trace.
pub(super) fn opened(path: &Path) -> Result<Box<dyn BufRead>, Trouble> {
    let cannot = |error| Trouble::Nothing(format!("cannot read {}: {error}", path.display()));
    unpacked(path).map_err(cannot)
}

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Trouble> {
    let path = &args.trace;
    let mut reading = Reading::begin(opened(path)?).map_err(Trouble::trace(path))?;
    let mut checkers = Checkers::new();
    let mut records = 0_u64;
    // A trace of any length is checked with one record in memory at a time.
    while let Some(record) = reading.next_record().map_err(Trouble::trace(path))? {
        checkers.record(&record);
        records += 1;
    }
    let violations = checkers.finish();
    let edited = reading.edited().cloned();
    let mut out = io::stdout().lock();
    let verdict = match (&edited, violations.is_empty()) {
        (None, true) => "PASS",
        (Some(_), true) => "EDITED",
        (_, false) => "FAIL",
    };
    let header = reading.header();
    writeln!(
        out,
        "{verdict} {}: {} records of {} with seed {} on {}",
        path.display(),
        records,
        header.scenario,
        header.seed,
        header.engine,
    )?;
    for violation in violations.iter().take(SHOWN_MAX) {
        writeln!(out, "  {} at {} s: {}", violation.checker, violation.at, violation.message)?;
    }
    if violations.len() > SHOWN_MAX {
        writeln!(out, "  and {} more", violations.len() - SHOWN_MAX)?;
    }
    drop(out);
    match edited {
        // What was edited is judged as it is; only that nothing was found would be no verdict.
        Some(error) if violations.is_empty() => Err(Trouble::Trace { path: path.clone(), error }),
        Some(error) => {
            writeln!(io::stderr(), "{}:{error}", path.display())?;
            Ok(Exit::Failed)
        }
        None if violations.is_empty() => Ok(Exit::Passed),
        None => Ok(Exit::Failed),
    }
}
