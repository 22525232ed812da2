//! A crash of either side before and after every event.
//!
//! Everything that happens in a run happens at some nanosecond, and a crash that is entered for it comes before all of
//! it; one that is a nanosecond later comes after. So both are tried at each time of which the run without a crash has
//! a record, with and without the loss of what was not yet on the disk.

use core::time::Duration;
use std::collections::BTreeSet;

use backchat_core::time::Instant;

use super::{ENGINE, Failures};
use crate::scenario::{Fault, FaultKind, Node, Scenario};
use crate::shrink::oracle::verdict;
use crate::trace::{Event, Record, RunEvent, Sink};

/// For how long a node is gone: longer than a round trip, so that its peer sends into nothing, and far less than any
/// patience.
const GONE: Duration = Duration::from_millis(300);

/// What was tried, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Times at which something happens.
    pub times: usize,
    /// Runs.
    pub runs: u64,
    /// Times of those that were not tried.
    pub left: usize,
    /// What failed.
    pub failures: Failures,
}

/// When something happens, up to the end of what users wanted.
#[derive(Debug, Default)]
struct Times {
    all: BTreeSet<Instant>,
    is_over: bool,
}

impl Sink for Times {
    fn record(&mut self, record: &Record) {
        self.is_over |= matches!(record.event, Event::Run(RunEvent::Ending { .. }));
        if !self.is_over {
            self.all.insert(record.at);
        }
    }
}

/// Crashes the server, and each client, before and after everything that happens. What the scenario expects is not held
/// against it: a download that its server was lost to may fail, with a reason.
pub fn try_all(scenario: &Scenario) -> Tried {
    try_while(scenario, &|| true)
}

/// The same, but that nothing further is begun once there is no time.
pub fn try_while(scenario: &Scenario, has_time: &dyn Fn() -> bool) -> Tried {
    let scenario = scenario.expecting_nothing();
    let mut times = Times::default();
    let mut tried = Tried { runs: 1, ..Tried::default() };
    let verdict_without = verdict(&scenario, 0, ENGINE, &mut times);
    tried.failures.add(&[], &verdict_without);
    tried.times = times.all.len();
    let clients = scenario.clients().iter().map(|client| Node::Client(client.nick.clone()));
    let nodes: Vec<Node> = clients.chain([Node::Server]).collect();
    for (done, at) in times.all.into_iter().enumerate() {
        if !has_time() {
            tried.left = tried.times - done;
            break;
        }
        for (node, power, after) in
            nodes.iter().flat_map(|node| WAYS.map(|(power, after)| (node, power, after)))
        {
            let kind = FaultKind::Crash { node: node.clone(), power };
            let fault = Fault { at: (at - Instant::ZERO) + after, lasts: Some(GONE), every: None, kind };
            let faults = [fault];
            let verdict = verdict(&scenario.with_faults(faults.to_vec()), 0, ENGINE, &mut ());
            tried.runs += 1;
            tried.failures.add(&faults, &verdict);
        }
    }
    tried
}

/// With the loss of power, and how much later.
const WAYS: [(bool, Duration); 4] = [
    (false, Duration::ZERO),
    (false, Duration::from_nanos(1)),
    (true, Duration::ZERO),
    (true, Duration::from_nanos(1)),
];
