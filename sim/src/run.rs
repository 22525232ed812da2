//! One run of a scenario, judged: the engine, the checkers over its records, and what is left to explain a failure.

use std::collections::{BTreeMap, VecDeque};

use crate::checker::{Checkers, Violation, expect};
use crate::engine::RunEnd;
use crate::engine::outcome::RunError;
use crate::engine::turmoil;
use crate::scenario::Scenario;
use crate::summary::Summary;
use crate::trace::{Name, Record, Sink};

/// What runs a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Engine {
    /// The shipped drivers on simulated hosts.
    #[default]
    Turmoil,
}

impl Engine {
    /// Its name on the command line and in traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Turmoil => "turmoil",
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
    /// The last records of each host, up to the first violation; or to the end.
    pub last: BTreeMap<Name, VecDeque<Record>>,
}

impl Report {
    /// Whether nothing was found.
    pub fn has_passed(&self) -> bool {
        self.violations.is_empty()
    }
}

/// Records of each host that are kept to explain a failure.
const LAST: usize = 6;

/// Judges a run while it goes on, and hands each record on.
struct Judge<'a, S> {
    checkers: Checkers,
    summary: Summary,
    last: BTreeMap<Name, VecDeque<Record>>,
    sink: &'a mut S,
}

impl<S: Sink> Sink for Judge<'_, S> {
    fn record(&mut self, record: &Record) {
        self.checkers.record(record);
        self.summary.record(record);
        // What a host did explains more than what its datagrams met.
        if self.checkers.violations().is_empty() && !record.event.name().starts_with("net:") {
            let last = match self.last.get_mut(&record.node) {
                Some(last) => last,
                None => self.last.entry(record.node.clone()).or_default(),
            };
            if last.len() == LAST {
                last.pop_front();
            }
            last.push_back(record.clone());
        }
        self.sink.record(record);
    }
}

/// Nobody wants the records.
impl Sink for () {
    fn record(&mut self, _: &Record) {}
}

/// Runs `scenario` with `seed`, and hands each record to `sink` as well.
///
/// # Errors
/// The run came to no end: a panic.
pub fn run(scenario: &Scenario, seed: u64, engine: Engine, sink: &mut impl Sink) -> Result<Report, RunError> {
    let mut judge = Judge { checkers: Checkers::new(), summary: Summary::new(), last: BTreeMap::new(), sink };
    let end = match engine {
        Engine::Turmoil => turmoil::run(scenario, seed, &mut judge)?,
    };
    let Judge { checkers, summary, last, sink: _ } = judge;
    let mut violations = checkers.finish();
    violations.extend(expect::check(scenario, &summary, end.at));
    Ok(Report { violations, summary, end, last })
}
