//! `check`: the checkers over a recorded trace.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::Path;

use super::args::CheckArgs;
use super::exit::{Exit, Trouble};
use crate::checker::Checkers;
use crate::trace::{Recorded, Sink as _, read};

/// Violations that are printed; the others are counted.
const SHOWN_MAX: usize = 20;

/// A recorded trace, from its file.
fn recorded(path: &Path) -> Result<Recorded, Trouble> {
    read(opened(path)?).map_err(Trouble::trace(path))
}

/// The file of a recorded trace.
pub(super) fn opened(path: &Path) -> Result<BufReader<File>, Trouble> {
    let cannot = |error| Trouble::Nothing(format!("cannot read {}: {error}", path.display()));
    File::open(path).map(BufReader::new).map_err(cannot)
}

pub(super) fn check(args: &CheckArgs) -> Result<Exit, Trouble> {
    let path = &args.trace;
    let recorded = recorded(path)?;
    let mut checkers = Checkers::new();
    for record in &recorded.records {
        checkers.record(record);
    }
    let violations = checkers.finish();
    let mut out = io::stdout().lock();
    let verdict = match (&recorded.edited, violations.is_empty()) {
        (None, true) => "PASS",
        (Some(_), true) => "EDITED",
        (_, false) => "FAIL",
    };
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
    drop(out);
    match recorded.edited {
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
