//! One run of a scenario, judged: the engine, and the checkers over its records.

use crate::checker::{Checkers, Violation, expect};
use crate::engine::RunEnd;
use crate::engine::direct::{self, Payloads};
use crate::engine::outcome::RunError;
use crate::engine::turmoil;
use crate::scenario::Scenario;
use crate::signature::Signature;
use crate::summary::Summary;
use crate::trace::{Record, Sink};

/// What runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// The shipped drivers on simulated hosts.
    #[default]
    Turmoil,
    /// Core's machines alone, in exact virtual time.
    Direct(Payloads),
}

impl Engine {
    /// Every name of an engine.
    pub const NAMES: [&str; 2] = ["turmoil", "direct"];

    /// Its name on the command line and in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Turmoil => "turmoil",
            Self::Direct(_) => "direct",
        }
    }
}

/// A run, judged.
#[derive(Clone, Debug)]
pub struct Report {
    /// What must not be, and was: in the order of finding. None: it passed.
    pub violations: Vec<Violation>,
    /// What came of it.
    pub summary: Summary,
    /// How it ended.
    pub end: RunEnd,
    /// The number, from 0, of the record with which the first violation was found; `None` if it was found at the end.
    pub found_with: Option<u64>,
}

impl Report {
    /// Whether nothing was found.
    pub fn has_passed(&self) -> bool {
        self.violations.is_empty()
    }

    /// How it failed: as the first of what was found; `None` if it passed.
    pub fn signature(&self) -> Option<Signature> {
        self.violations.first().map(Violation::signature)
    }
}

/// Judges a run while it goes on, and hands each record on.
struct Judge<'a, S> {
    checkers: Checkers,
    summary: Summary,
    messages: expect::Messages,
    records: u64,
    found_with: Option<u64>,
    sink: &'a mut S,
}

impl<S: Sink> Sink for Judge<'_, S> {
    fn record(&mut self, record: &Record) {
        self.checkers.record(record);
        if self.found_with.is_none() && !self.checkers.violations().is_empty() {
            self.found_with = Some(self.records);
        }
        self.records += 1;
        self.summary.record(record);
        self.messages.record(record);
        self.sink.record(record);
    }

    fn stops(&self) -> bool {
        self.sink.stops()
    }
}

/// Runs `scenario` with `seed`, and hands each record to `sink` as well.
///
/// # Errors
/// The run came to no end: a panic, or `sink` wants no more.
pub fn run(scenario: &Scenario, seed: u64, engine: Engine, sink: &mut impl Sink) -> Result<Report, RunError> {
    let mut judge = Judge {
        checkers: Checkers::new(),
        summary: Summary::new(),
        messages: expect::Messages::new(scenario),
        records: 0,
        found_with: None,
        sink,
    };
    let end = match engine {
        Engine::Turmoil => turmoil::run(scenario, seed, &mut judge)?,
        Engine::Direct(payloads) => direct::run(scenario, seed, payloads, &mut judge)?,
    };
    let Judge { checkers, summary, messages, records: _, found_with, sink: _ } = judge;
    let mut violations = checkers.finish();
    violations.extend(expect::check(scenario, &summary, &messages, end.at));
    Ok(Report { violations, summary, end, found_with })
}
