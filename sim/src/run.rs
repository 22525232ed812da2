//! One run of a scenario, judged: the engine, the checkers over its records, and what is left to explain a failure.

use std::collections::VecDeque;

use backchat_core::time::Instant;

use crate::checker::{Checkers, Violation, expect};
use crate::engine::RunEnd;
use crate::engine::direct::{self, Payloads};
use crate::engine::outcome::RunError;
use crate::engine::turmoil;
use crate::scenario::Scenario;
use crate::signature::Signature;
use crate::summary::Summary;
use crate::trace::{Event, NodeMap, Record, Sink};

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
    sink: &'a mut S,
}

impl<S: Sink> Sink for Judge<'_, S> {
    fn record(&mut self, record: &Record) {
        self.checkers.record(record);
        self.summary.record(record);
        self.sink.record(record);
    }
}

/// Runs `scenario` with `seed`, and hands each record to `sink` as well.
///
/// # Errors
/// The run came to no end: a panic.
pub fn run(scenario: &Scenario, seed: u64, engine: Engine, sink: &mut impl Sink) -> Result<Report, RunError> {
    let mut judge = Judge { checkers: Checkers::new(), summary: Summary::new(), sink };
    let end = match engine {
        Engine::Turmoil => turmoil::run(scenario, seed, &mut judge)?,
        Engine::Direct(payloads) => direct::run(scenario, seed, payloads, &mut judge)?,
    };
    let Judge { checkers, summary, sink: _ } = judge;
    let mut violations = checkers.finish();
    violations.extend(expect::check(scenario, &summary, end.at));
    Ok(Report { violations, summary, end })
}

/// The last records of each host before something that must not be. Found by running once more: a run that passes need
/// not remember anything.
#[derive(Clone, Debug)]
pub struct Before {
    until: Instant,
    each: usize,
    last: NodeMap<VecDeque<Record>>,
}

impl Before {
    /// The last `each` records of every host up to `until`.
    pub fn new(until: Instant, each: usize) -> Self {
        Self { until, each, last: NodeMap::new() }
    }

    /// What each host did last.
    pub fn hosts(&self) -> &NodeMap<VecDeque<Record>> {
        &self.last
    }
}

impl Sink for Before {
    fn record(&mut self, record: &Record) {
        // What a host did explains more than what its datagrams met, or what the file says.
        let name = record.event.name();
        let is_told = name.starts_with("net:")
            || matches!(record.event, Event::LinkShaped { .. } | Event::FileShared { .. });
        if record.at > self.until || is_told {
            return;
        }
        let last = self.last.get_or(record.node, VecDeque::new);
        if last.len() == self.each {
            last.pop_front();
        }
        last.push_back(record.clone());
    }
}
