//! `check`: the checkers over a recorded trace.

use std::fs::File;
use std::io::{self, BufReader, Write};

use super::args::CheckArgs;
use super::exit::{Exit, Trouble};
use crate::checker::Checkers;
use crate::trace::{Sink as _, read};

/// Violations that are printed; the others are counted.
const SHOWN_MAX: usize = 20;

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Trouble> {
    let path = &args.trace;
    let file = File::open(path)
        .map_err(|error| Trouble::Nothing(format!("cannot read {}: {error}", path.display())))?;
    let recorded =
        read(BufReader::new(file)).map_err(|error| Trouble::Trace { path: path.clone(), error })?;
    let mut checkers = Checkers::new();
    for record in &recorded.records {
        checkers.record(record);
    }
    let violations = checkers.finish();
    let mut out = io::stdout().lock();
    let verdict = if violations.is_empty() { "PASS" } else { "FAIL" };
    let header = &recorded.header;
    writeln!(
        out,
        "{verdict} {}: {} records of {} with seed {} on {}",
        path.display(),
        recorded.records.len(),
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
    Ok(if violations.is_empty() { Exit::Passed } else { Exit::Failed })
}
