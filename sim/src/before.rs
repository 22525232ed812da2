//! The events that led to a failure, found by running once more: a run that passes need not remember any.
//!
//! Three things explain more than the last lines of a trace: the chain of causes that ends with the failure,
//! walked back as `diff` does it; the faults of the hosts and links concerned (a crash, a rebinding, a
//! blackout), even if they are long past; and the last actions of each of those hosts.

use std::collections::{BTreeSet, VecDeque};

use backchat_core::time::Instant;

use crate::checker::Violation;
use crate::diff::{History, Occurrence, Step};
use crate::run::Report;
use crate::spent::Spending;
use crate::trace::{AppEvent, Event, Node, NodeMap, Record, RunEvent, Sink};

/// Faults of one host or direction that are remembered: the latest.
const FAULTS_MAX: usize = 8;

/// See the module.
pub struct Before {
    until: Instant,
    /// The record with which it was found, if it was found with one.
    number: Option<u64>,
    violation: Option<Violation>,
    each: usize,
    records: u64,
    history: History,
    last: NodeMap<VecDeque<Record>>,
    faults: NodeMap<VecDeque<Record>>,
    /// The record that the failure is about, of those seen so far.
    about: Option<(Weight, Occurrence)>,
    spending: Spending,
    /// The run is over, and everybody leaves in good order.
    is_ending: bool,
}

/// The certainty that a failure is about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It is the last of a host that the failure names.
    Named,
    /// It is the end of a download, or of another wish, of such a host.
    Ended,
    /// The failure was found with it.
    Found,
}

impl Before {
    /// For the first violation of a run; of each host its last `each` records.
    pub fn new(report: &Report, each: usize) -> Self {
        let first = report.violations.first();
        Self {
            until: first.map_or(report.end.at, |first| first.at),
            number: report.found_with,
            violation: first.cloned(),
            each,
            records: 0,
            history: History::default(),
            last: NodeMap::new(),
            faults: NodeMap::new(),
            about: None,
            spending: Spending::new(),
            is_ending: false,
        }
    }

    /// Returns true if the violation names this host.
    fn is_named(&self, node: Node) -> bool {
        let message = self.violation.as_ref().map_or("", |it| it.message.as_str());
        message.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').any(|word| node == *word)
    }

    /// The chain of causes, the latest last.
    pub fn causes(&self) -> &[Step] {
        self.about.as_ref().map_or(&[], |(_, about)| about.causes.as_slice())
    }

    /// Returns the record that the failure is about.
    pub fn about(&self) -> Option<&Record> {
        self.about.as_ref().map(|(_, about)| &about.record)
    }

    /// Where the time went, of a download that took too long.
    pub fn spent(&self) -> Option<String> {
        let first = self.violation.as_ref().filter(|it| ["too_late", "not_ended"].contains(&it.rule))?;
        let client = self.last.iter().map(|(node, _)| node).find(|node| self.is_named(*node))?;
        self.spending.of(&client, first.at)
    }

    /// The hosts concerned: those that the violation names, whose download it is about, and the server.
    fn concerned(&self) -> BTreeSet<Node> {
        let hosts = self.last.iter().map(|(node, _)| node).chain(self.faults.iter().map(|(node, _)| node));
        let mut all: BTreeSet<Node> =
            hosts.filter(|node| node.direction().is_none() && self.is_named(*node)).collect();
        if let Some(record) = self.about() {
            all.extend(self.history.owner(record).map(|owner| owner.client));
            all.extend(record.node.direction().map(super::trace::node::Direction::client));
        }
        for step in self.causes() {
            all.extend(step.record.node.direction().map(super::trace::node::Direction::client));
        }
        all.remove(&Node::SIM);
        all
    }

    /// Returns the faults of the hosts concerned and of their paths, the latest last.
    pub fn faults(&self) -> Vec<&Record> {
        let concerned = self.concerned();
        let is_theirs = |node: Node| {
            let host = node.direction().map_or(node, super::trace::node::Direction::client);
            // Of the run itself (healing) everybody is concerned.
            concerned.is_empty() || concerned.contains(&host) || host == Node::SERVER || host == Node::SIM
        };
        let theirs = self.faults.iter().filter(|(node, _)| is_theirs(*node));
        let mut all: Vec<&Record> = theirs.flat_map(|(_, records)| records).collect();
        all.sort_by_key(|record| record.at);
        all
    }

    /// The last records of the hosts that matter most, at most so many in all, by time.
    pub fn last(&self, room: usize) -> Vec<&Record> {
        let concerned = self.concerned();
        let mut hosts: Vec<(Node, Option<Instant>)> =
            self.last.iter().map(|(node, records)| (node, records.back().map(|record| record.at))).collect();
        // Records of the run itself are shown only where no host has any.
        if hosts.iter().any(|(node, _)| *node != Node::SIM) {
            hosts.retain(|(node, _)| *node != Node::SIM);
        }
        hosts.sort_by_key(|(node, last)| {
            let is_concerned = concerned.contains(node);
            (!self.is_named(*node), !is_concerned, *node != Node::SERVER, core::cmp::Reverse(*last))
        });
        let shown = hosts.len().clamp(1, (room / 3).max(1));
        let each = room / shown;
        let mut records: Vec<&Record> = hosts
            .into_iter()
            .take(shown)
            .filter_map(|(node, _)| self.last.get(node))
            .flat_map(|records| records.iter().rev().take(each))
            .collect();
        records.sort_by_key(|record| record.at);
        records
    }

    fn weigh(&self, record: &Record, number: u64) -> Option<Weight> {
        if self.number == Some(number) {
            return Some(Weight::Found);
        }
        let is_host = record.node.direction().is_none();
        if !is_host || !self.is_named(record.node) {
            return None;
        }
        let is_end = matches!(
            record.event,
            Event::App(
                AppEvent::DownloadFinished { .. }
                    | AppEvent::DownloadFailed { .. }
                    | AppEvent::Answered { .. }
                    | AppEvent::Refused { .. }
            )
        );
        Some(if is_end { Weight::Ended } else { Weight::Named })
    }
}

/// Returns true if the event is a fault of a host or a path.
const fn is_fault(event: &Event) -> bool {
    match event {
        Event::Run(
            RunEvent::Crashed { .. }
            | RunEvent::Rebound { .. }
            | RunEvent::BlackoutBegan { .. }
            | RunEvent::BlackoutEnded
            | RunEvent::Healed
            | RunEvent::Stopped { .. },
        ) => true,
        Event::Run(RunEvent::Started { life }) => *life > 0,
        _ => false,
    }
}

impl Sink for Before {
    fn record(&mut self, record: &Record) {
        let number = self.records;
        self.records += 1;
        if record.at > self.until {
            return;
        }
        self.spending.record(record);
        let seen = self.history.see(record.clone());
        if let Some(weight) = self.weigh(record, number)
            && self.about.as_ref().is_none_or(|(other, _)| *other <= weight)
        {
            self.about = Some((weight, self.history.occurrence(&seen)));
        }
        self.is_ending |= matches!(record.event, Event::Run(RunEvent::Ending { .. }));
        if is_fault(&record.event) && !self.is_ending {
            keep(self.faults.get_or(record.node, VecDeque::new), record, FAULTS_MAX);
        }
        // A host's own actions explain more than the fate of its datagrams, or the settings of the file.
        let is_told = matches!(
            record.event,
            Event::Net(_) | Event::Run(RunEvent::LinkShaped { .. } | RunEvent::FileShared { .. })
        );
        if !is_told {
            keep(self.last.get_or(record.node, VecDeque::new), record, self.each);
        }
    }
}

fn keep(kept: &mut VecDeque<Record>, record: &Record, most: usize) {
    if kept.len() >= most {
        kept.pop_front();
    }
    kept.push_back(record.clone());
}
