//! Which situations of the core runs have been in: a count over the marks in their traces, and the smallest run of each.

use core::fmt;
use std::collections::BTreeMap;

use backchat_core::trace::Mark;

use crate::trace::{CoreEvent, Event, Record, Sink};

/// The marks of one run.
#[derive(Clone, Debug, Default)]
pub struct RunMarks {
    hits: BTreeMap<Mark, u64>,
    records: u64,
}

impl RunMarks {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Sink for RunMarks {
    fn record(&mut self, record: &Record) {
        self.records += 1;
        if let Event::Core(_, CoreEvent::Marked { mark }) = &record.event {
            *self.hits.entry(*mark).or_default() += 1;
        }
    }
}

/// A run that has a mark.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Witness {
    /// The records of its trace: the fewer, the easier to read.
    pub records: u64,
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
}

/// What is known of a mark.
#[derive(Clone, Debug)]
struct Hits {
    times: u64,
    runs: u64,
    smallest: Witness,
}

/// The marks of many runs. The order in which they are added changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    marks: BTreeMap<Mark, Hits>,
    runs: u64,
}

impl Coverage {
    /// No run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a run of `scenario` with `seed`.
    pub fn add(&mut self, scenario: &str, seed: u64, run: &RunMarks) {
        self.runs += 1;
        for (&mark, &times) in &run.hits {
            let witness = Witness { records: run.records, scenario: scenario.to_owned(), seed };
            self.marks
                .entry(mark)
                .and_modify(|hits| {
                    hits.times += times;
                    hits.runs += 1;
                    if witness < hits.smallest {
                        hits.smallest = witness.clone();
                    }
                })
                .or_insert(Hits { times, runs: 1, smallest: witness });
        }
    }

    /// The marks that no run has, in the table's order.
    pub fn missing(&self) -> Vec<Mark> {
        Mark::ALL.iter().copied().filter(|mark| !self.marks.contains_key(mark)).collect()
    }

    /// The smallest run that has a mark.
    pub fn smallest(&self, mark: Mark) -> Option<&Witness> {
        self.marks.get(&mark).map(|hits| &hits.smallest)
    }
}

/// A table in Markdown: a row for each mark, those that no run has too.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| mark | the situation | times | runs of {} | smallest run, seed | records |",
            self.runs
        )?;
        writeln!(f, "|---|---|---|---|---|---|")?;
        for mark in Mark::ALL {
            write!(f, "| {} | {} | ", mark.name(), mark.what())?;
            match self.marks.get(mark) {
                Some(Hits { times, runs, smallest: Witness { records, scenario, seed } }) => {
                    writeln!(f, "{times} | {runs} | {scenario} {seed} | {records} |")?;
                }
                None => writeln!(f, "0 | 0 | **never** | |")?,
            }
        }
        let hit = self.marks.len();
        writeln!(f, "\n{hit} of {} marks", Mark::ALL.len())
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::time::Instant;

    use super::*;
    use crate::trace::RunEvent;

    fn run(marks: &[Mark], others: usize) -> RunMarks {
        let mut run = RunMarks::new();
        let mut add = |event| run.record(&Record { at: Instant::ZERO, node: "a".into(), event });
        for mark in marks {
            add(Event::Core(None, CoreEvent::Marked { mark: *mark }));
        }
        (0..others).for_each(|_| add(RunEvent::Healed.into()));
        run
    }

    #[test]
    fn the_witness_is_the_run_with_the_fewest_records_whatever_the_order() {
        let runs = [
            ("b", 1, run(&[Mark::Parked, Mark::Parked], 3)),
            ("a", 2, run(&[Mark::Parked], 1)),
            ("c", 0, run(&[], 9)),
        ];
        let both = |order: &[usize]| {
            let mut coverage = Coverage::new();
            for &place in order {
                let (scenario, seed, run) = &runs[place];
                coverage.add(scenario, *seed, run);
            }
            coverage
        };
        let coverage = both(&[0, 1, 2]);
        let smallest = Witness { records: 2, scenario: "a".to_owned(), seed: 2 };
        assert_eq!(coverage.smallest(Mark::Parked), Some(&smallest));
        assert_eq!(coverage.to_string(), both(&[2, 1, 0]).to_string());
        assert_eq!(coverage.missing().len(), Mark::ALL.len() - 1);
        assert!(coverage.to_string().contains("| 3 | 2 | a 2 | 2 |"), "{coverage}");
    }
}
