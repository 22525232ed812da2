//! The failures of a sweep, by what they are: ten thousand seeds that fail for one reason are one thing to look at.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::plan::RunId;
use crate::cli::explain::Which;

/// Groups of which the first failure is explained.
pub(in crate::cli) const EXPLAINED_MAX: usize = 5;

/// Seeds that a group's head names. So many are remembered; the others are counted: who wants them all has them in `--json`.
const SEEDS_MAX: usize = 5;

/// Failures of a group that have a line that replays them: the first, and two that show whether it is the seed's doing.
const REPLAYED_MAX: usize = 3;

/// Failures in the order of the sweep. There are as many groups as checkers have rules.
#[derive(Debug, Default)]
pub(in crate::cli) struct Groups {
    by_signature: BTreeMap<String, Group>,
    /// In the order in which they were first seen.
    order: Vec<String>,
    failures: u64,
}

#[derive(Debug, Default)]
struct Group {
    count: u64,
    /// The first of them.
    first: Vec<RunId>,
}

impl Groups {
    /// None.
    pub(in crate::cli) const fn new() -> Self {
        Self { by_signature: BTreeMap::new(), order: Vec::new(), failures: 0 }
    }

    /// A failure, which comes behind those that were added before. Answers how many of its group were before it.
    pub(in crate::cli) fn add(&mut self, signature: &str, run: RunId) -> u64 {
        self.failures += 1;
        if !self.by_signature.contains_key(signature) {
            self.order.push(signature.to_owned());
        }
        let group = self.by_signature.entry(signature.to_owned()).or_default();
        if group.first.len() < SEEDS_MAX {
            group.first.push(run);
        }
        group.count += 1;
        group.count - 1
    }

    /// How many failures there are.
    pub(in crate::cli) const fn failures(&self) -> u64 {
        self.failures
    }

    /// Each group: its signature, how many there are, the first of them.
    pub(in crate::cli) fn heads(&self) -> impl Iterator<Item = (&str, u64, &[RunId])> {
        let groups = self.order.iter().filter_map(|it| Some((it, self.by_signature.get(it)?)));
        groups.map(|(signature, group)| (signature.as_str(), group.count, group.first.as_slice()))
    }

    /// The first failure of each of the groups that are explained.
    pub(super) fn to_explain(&self) -> Vec<RunId> {
        let groups = self.order.iter().take(EXPLAINED_MAX).filter_map(|it| self.by_signature.get(it));
        groups.filter_map(|group| group.first.first().copied()).collect()
    }

    /// Prints each group: what it is, its first failure as it is explained, the line that makes that small, and the lines
    /// that replay two others.
    pub(super) fn print<'a>(
        &self,
        out: &mut impl Write,
        explained: &[String],
        which: impl Fn(RunId) -> Which<'a>,
    ) -> io::Result<()> {
        for (place, (signature, count, remembered)) in self.heads().enumerate() {
            let Some((first, others)) = remembered.split_first() else { continue };
            let seeds = remembered.iter().take(SEEDS_MAX);
            let mut seeds: Vec<String> = seeds.map(|run| run.seed.to_string()).collect();
            if count > SEEDS_MAX as u64 {
                seeds.push("…".to_owned());
            }
            writeln!(out, "{signature}: {count} of them, the first with seeds {}", seeds.join(", "))?;
            match explained.get(place) {
                Some(text) => write!(out, "{text}")?,
                None => writeln!(out, "{}", which(*first).replay())?,
            }
            writeln!(out, "{}", which(*first).shrink())?;
            for run in others.iter().take(REPLAYED_MAX - 1) {
                writeln!(out, "{}", which(*run).replay())?;
            }
            let more = count.saturating_sub(REPLAYED_MAX as u64);
            if more > 0 {
                writeln!(out, "and {more} more, which --json has")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Engine;

    #[test]
    fn a_group_remembers_its_first_failures_and_counts_all() {
        let mut groups = Groups::default();
        for seed in 0..1_000_000 {
            assert_eq!(groups.add("window/beyond_cwnd@server", RunId { scenario: 0, seed }), seed);
        }
        assert_eq!(groups.add("timers/idle@server", RunId { scenario: 0, seed: 7 }), 0);
        assert_eq!(groups.failures(), 1_000_001);
        let mut out = Vec::new();
        let which = |run: RunId| Which { path: "a.toml", seed: run.seed, engine: Engine::Turmoil, set: "" };
        groups.print(&mut out, &["explained\n".to_owned()], which).unwrap();
        let text = String::from_utf8(out).unwrap();
        let head = "window/beyond_cwnd@server: 1000000 of them, the first with seeds 0, 1, 2, 3, 4, …\nexplained\nshrink: ";
        assert!(text.starts_with(head), "{text}");
        assert!(text.contains("\nand 999997 more, which --json has\n"), "{text}");
        // The explanation has that of the first; the other group has nobody to explain it.
        assert_eq!(text.matches("replay: ").count(), REPLAYED_MAX - 1 + 1);
    }
}
