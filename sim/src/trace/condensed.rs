//! A trace that is small enough to be reviewed: all of a short one; of a long one its beginning, its end, how often
//! each event happened, and the hash over everything.

use core::fmt::Write as _;
use std::collections::{BTreeMap, VecDeque};

use backchat_core::hex::Hex;

use super::{Node, Record, Sink, text::Line};

/// The most lines.
pub const LINES_MAX: usize = 120;

/// Lines of the beginning, and of the end, of a long trace. The rest of [`LINES_MAX`] is for the counts.
const ENDS: usize = 30;

/// Gathers records.
#[derive(Clone, Debug, Default)]
pub struct Condensed {
    head: Vec<Record>,
    tail: VecDeque<Record>,
    counts: BTreeMap<(Node, &'static str), u64>,
    total: usize,
}

impl Condensed {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text; `hash` is that of the whole trace.
    pub fn text(&self, hash: [u8; 32]) -> String {
        let mut text = String::new();
        let mut line = |line: &dyn core::fmt::Display| {
            let _ = writeln!(text, "{line}");
        };
        if self.total <= LINES_MAX - 2 {
            self.head.iter().for_each(|record| line(&Line(record)));
        } else {
            self.head.iter().take(ENDS).for_each(|record| line(&Line(record)));
            line(&format_args!("… {} more records", self.total - 2 * ENDS));
            for count in self.counts(LINES_MAX - 2 * ENDS - 4) {
                line(&count);
            }
            line(&"…");
            let last = self.tail.len().saturating_sub(ENDS);
            self.tail.iter().skip(last).for_each(|record| line(&Line(record)));
        }
        line(&format_args!("{} records, hash {}", self.total, Hex(hash)));
        text
    }

    /// How often each node had each event, the most frequent first where there are too many.
    fn counts(&self, most: usize) -> Vec<String> {
        let mut counts: Vec<_> = self.counts.iter().collect();
        if counts.len() > most {
            // Summed over nodes: many clients are like each other.
            let mut by_event: BTreeMap<&str, u64> = BTreeMap::new();
            counts.iter().for_each(|((_, event), count)| *by_event.entry(event).or_default() += **count);
            return by_event.iter().take(most).map(|(event, count)| format!("{count:>8}  {event}")).collect();
        }
        counts.sort();
        counts.into_iter().map(|((node, event), count)| format!("{count:>8}  {node:<15}  {event}")).collect()
    }
}

impl Sink for Condensed {
    fn record(&mut self, record: &Record) {
        self.total += 1;
        if self.head.len() < LINES_MAX {
            self.head.push(record.clone());
        }
        if self.tail.len() == ENDS {
            self.tail.pop_front();
        }
        self.tail.push_back(record.clone());
        let key = (record.node, record.event.name());
        *self.counts.entry(key).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::time::Instant;

    use super::*;
    use crate::trace::RunEvent;

    fn lines(records: u64) -> Vec<String> {
        let mut condensed = Condensed::new();
        for life in 0..records {
            let node = Node::from(format!("client-{}", life % 50));
            condensed.record(&Record {
                at: Instant::from_millis(life),
                node,
                event: RunEvent::Started { life }.into(),
            });
        }
        condensed.text([0; 32]).lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_short_trace_is_whole_and_a_long_one_has_a_bound() {
        assert_eq!(lines(118).len(), 119);
        for count in [119, 500, 100_000] {
            let lines = lines(count);
            assert!(lines.len() <= LINES_MAX, "{} lines of {count} records", lines.len());
            assert!(lines[0].contains("life=0"));
            assert!(lines[lines.len() - 2].contains(&format!("life={}", count - 1)));
            assert!(lines[lines.len() - 1].starts_with(&format!("{count} records, hash 0000")));
        }
    }
}
