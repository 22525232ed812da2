//! What is kept of a run: a line of JSON, and of a failure what to call it.
//!
//! A line that was written can be read again: what a sweep prints and reports of its failures comes from their lines, so
//! that one that was interrupted, or put together from parts, says the same as one that ran in one piece.

use serde::Deserialize;

use super::plan::RunId;
use crate::cli::json;
use crate::engine::outcome::RunError;
use crate::run::{Engine, Report};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The line, without its end.
    pub(super) line: String,
    /// How it failed; `None`: it passed.
    pub(super) failure: Option<Failure>,
}

/// How a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The signature of what was found first.
    pub(super) signature: String,
    /// Each thing that was found, on a line.
    pub(super) found: Vec<String>,
    pub(super) end: End,
}

/// Whether a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It did, and was judged.
    Judged,
    /// It did not: a mistake of the program.
    None,
}

/// What is read of a line.
#[derive(Deserialize)]
#[serde(expecting = "an object, the result of a run")]
struct Line {
    scenario: String,
    seed: String,
    engine: String,
    outcome: String,
    violations: Vec<Violation>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object, a violation")]
struct Violation {
    checker: String,
    signature: String,
    at_seconds: Option<serde_json::Number>,
    message: String,
}

/// Why a line is not the one that is expected.
#[derive(Debug)]
pub(super) struct BadLine {
    pub(super) column: u64,
    pub(super) what: String,
}

impl Kept {
    /// Of a run that passed and whose line nobody wants.
    pub(super) const fn passed() -> Self {
        Self { line: String::new(), failure: None }
    }

    /// Of a run that was made.
    pub(super) fn of<'a>(
        path: &str,
        seed: u64,
        engine: Engine,
        run: &Result<Report, RunError>,
        settings: impl Iterator<Item = (&'a str, toml::Value)>,
    ) -> Self {
        let mut value = match run {
            Ok(report) => json::result(path, seed, engine, report, None),
            Err(error) => json::unended(path, seed, engine, error),
        };
        json::add_settings(&mut value, settings);
        let line = value.to_string();
        let has_passed = run.as_ref().is_ok_and(Report::has_passed);
        let failure = if has_passed { None } else { serde_json::from_str(&line).ok().map(Line::failure) };
        Self { line, failure }
    }

    /// Of a line that was written, which must be that of a certain run.
    ///
    /// # Errors
    /// It is none, or of another run.
    pub(super) fn read(line: String, path: &str, run: RunId, engine: &str) -> Result<Self, BadLine> {
        let parsed: Line = serde_json::from_str(&line).map_err(|error| BadLine {
            column: error.column() as u64,
            what: format!("{}; expected an object, the result of a run", json::wrong(&error)),
        })?;
        if parsed.scenario != path || parsed.seed != run.seed.to_string() || parsed.engine != engine {
            let found = format!("{} with seed {} on {}", parsed.scenario, parsed.seed, parsed.engine);
            let expected = format!("{path} with seed {} on {engine}", run.seed);
            return Err(BadLine { column: 1, what: format!("{found}; expected {expected}") });
        }
        let failure = (parsed.outcome != "pass").then(|| parsed.failure());
        Ok(Self { line, failure })
    }
}

impl Line {
    fn failure(self) -> Failure {
        let signature = self.violations.first().map_or("unknown", |first| &first.signature).to_owned();
        let unended = self.violations.iter().any(|it| it.at_seconds.is_none());
        let found = self.violations.into_iter().map(|it| match it.at_seconds {
            Some(at) => format!("{} at {at} s: {}", it.checker, it.message),
            None => format!("{}: {}", it.checker, it.message),
        });
        let end = if unended { End::None } else { End::Judged };
        Failure { signature, found: found.collect(), end }
    }
}
