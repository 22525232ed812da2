//! What came of a trace, in numbers: what differs in them is what came of the first difference.

use std::collections::BTreeMap;

use backchat_core::time::Instant;
use backchat_core::wire::Kind;

use crate::link::DropReason;
use crate::summary::{Download, Summary};
use crate::trace::{Direction, Event, NetEvent, Node, Record, Sink};

/// Downloads that are told apart; of more only how many ended how.
const DOWNLOADS_MAX: usize = 4;

/// Directions that are told apart; more are put together.
const DIRECTIONS_MAX: usize = 2;

/// A count that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Of what.
    pub what: String,
    /// How much, in each.
    pub values: [String; 2],
}

/// What became of datagrams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Sent,
    SentAgain,
    Delivered,
    Doubled,
    Damaged,
    Dropped(DropReason),
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    records: u64,
    end: Instant,
    summary: Summary,
    datagrams: BTreeMap<(Node, Fate), u64>,
    events: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// How many records there are.
    pub const fn records(&self) -> u64 {
        self.records
    }
}

impl Sink for Counts {
    fn record(&mut self, record: &Record) {
        self.records += 1;
        self.end = record.at;
        self.summary.record(record);
        let fate = match &record.event {
            Event::Net(NetEvent::Offered { what, .. }) => {
                // A repeated acknowledgment is none that was lost.
                let is_again = what.identity().is_some_and(|it| it.nth > 1 && it.kind == Kind::Data);
                if is_again { Fate::SentAgain } else { Fate::Sent }
            }
            Event::Net(NetEvent::Delivered { .. }) => Fate::Delivered,
            Event::Net(NetEvent::Duplicated { .. }) => Fate::Doubled,
            Event::Net(NetEvent::Damaged { .. }) => Fate::Damaged,
            Event::Net(NetEvent::Dropped { reason, .. }) => Fate::Dropped(*reason),
            other => {
                *self.events.entry(other.name()).or_default() += 1;
                return;
            }
        };
        *self.datagrams.entry((record.node, fate)).or_default() += 1;
    }
}

/// What differs in the counts of two traces, what matters most first.
pub(super) fn rows(counts: [&Counts; 2]) -> Vec<Row> {
    let mut rows = Rows(Vec::new());
    rows.add("ends at", counts.map(|it| format!("{} s", it.end)));
    downloads(&mut rows, counts);
    rows.add("messages taken", counts.map(|it| it.summary.accepted.to_string()));
    rows.add("messages shown", counts.map(|it| it.summary.delivered.to_string()));
    datagrams(&mut rows, counts);
    let mut events: Vec<_> = both(counts.map(|it| &it.events)).into_iter().collect();
    // What differs most says most.
    events.sort_by_key(|(name, [first, second])| (core::cmp::Reverse(first.abs_diff(*second)), *name));
    events.into_iter().for_each(|(name, values)| rows.add(name, values.map(|it| it.to_string())));
    rows.0
}

struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, what: &str, values: [String; 2]) {
        if values[0] != values[1] {
            self.0.push(Row { what: what.to_owned(), values });
        }
    }
}

/// How each download ended; where there are many, how many ended how.
fn downloads(rows: &mut Rows, counts: [&Counts; 2]) {
    let all = counts.map(|it| it.summary.downloads());
    let most = all.iter().map(Vec::len).max().unwrap_or(0);
    if most > DOWNLOADS_MAX {
        let ends = all.map(|all| {
            let mut ends: BTreeMap<String, u64> = BTreeMap::new();
            all.iter().for_each(|it| *ends.entry(format!("downloads {}", how(it))).or_default() += 1);
            ends
        });
        both(ends.each_ref()).iter().for_each(|(end, values)| rows.add(end, values.map(|it| it.to_string())));
        return;
    }
    for place in 0..most {
        let each = all.each_ref().map(|all| all.get(place));
        let Some(it) = each.into_iter().flatten().next() else { continue };
        let what = format!("{} {}", it.client, it.file);
        rows.add(&what, each.map(|it| it.map_or("none".to_owned(), ended)));
    }
}

fn ended(it: &Download) -> String {
    let after = it.took().map_or(String::new(), |took| format!(" after {:.3} s", took.as_secs_f64()));
    format!("{}{after}", how(it))
}

fn how(it: &Download) -> String {
    match &it.end {
        None => "not ended".to_owned(),
        Some(end) => end.failed.as_ref().map_or("complete".to_owned(), |why| format!("failed: {why}")),
    }
}

fn datagrams(rows: &mut Rows, counts: [&Counts; 2]) {
    let all = both(counts.map(|it| &it.datagrams));
    let differ: Vec<Node> =
        all.iter().filter(|(_, [first, second])| first != second).map(|((node, _), _)| *node).collect();
    let mut directions = differ.clone();
    directions.dedup();
    let is_told = directions.len() <= DIRECTIONS_MAX;
    let mut sums: BTreeMap<(&str, &Fate), [u64; 2]> = BTreeMap::new();
    for ((node, fate), values) in &all {
        let name = match node.direction().filter(|_| !is_told) {
            Some(Direction::Down(_)) => "server->all",
            Some(Direction::Up(_)) => "all->server",
            None => node.as_str(),
        };
        let sum = sums.entry((name, fate)).or_default();
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    for ((name, fate), values) in sums {
        let what = match fate {
            Fate::Sent => format!("{name} sent"),
            Fate::SentAgain => format!("{name} sent again"),
            Fate::Delivered => format!("{name} delivered"),
            Fate::Doubled => format!("{name} doubled"),
            Fate::Damaged => format!("{name} damaged"),
            Fate::Dropped(reason) => format!("{name} dropped: {reason}"),
        };
        rows.add(&what, values.map(|it| it.to_string()));
    }
}

/// Both counts of everything that one of them has.
fn both<K: Ord + Clone>(counts: [&BTreeMap<K, u64>; 2]) -> BTreeMap<K, [u64; 2]> {
    let mut both: BTreeMap<K, [u64; 2]> = BTreeMap::new();
    for (place, counts) in counts.into_iter().enumerate() {
        counts.iter().for_each(|(key, count)| both.entry(key.clone()).or_default()[place] = *count);
    }
    both
}
