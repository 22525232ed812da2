//! The failures of a sweep, by what they are: ten thousand seeds that fail for one reason are one thing to look at.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::cli::explain::Which;
use crate::signature::Signature;

/// Groups of which the first failure is explained.
const EXPLAINED_MAX: usize = 5;

/// Seeds that a group's head names.
const SEEDS_MAX: usize = 5;

/// Failures, each with the number of its scenario and its seed, in the order of the sweep.
#[derive(Debug, Default)]
pub(super) struct Groups {
    by_signature: BTreeMap<Signature, Group>,
    /// In the order in which they were first seen.
    order: Vec<Signature>,
}

#[derive(Debug)]
struct Group {
    /// The first one, explained.
    explained: String,
    failures: Vec<(usize, u64)>,
}

impl Groups {
    /// A failure, which comes behind those that were added before.
    pub(super) fn add(&mut self, signature: Signature, scenario: usize, seed: u64, explained: String) {
        let order = &mut self.order;
        let group = self.by_signature.entry(signature).or_insert_with(|| {
            order.push(signature);
            Group { explained, failures: Vec::new() }
        });
        group.failures.push((scenario, seed));
    }

    /// How many failures there are.
    pub(super) fn failures(&self) -> usize {
        self.by_signature.values().map(|group| group.failures.len()).sum()
    }

    /// Prints each group: what it is, its first failure explained, the line that makes that small, and the lines that
    /// replay the others.
    pub(super) fn print<'a>(
        &self,
        out: &mut impl Write,
        which: impl Fn(usize, u64) -> Option<Which<'a>>,
    ) -> io::Result<()> {
        let groups = self.order.iter().filter_map(|it| Some((it, self.by_signature.get(it)?)));
        for (place, (signature, group)) in groups.enumerate() {
            let count = group.failures.len();
            let Some(((scenario, seed), others)) = group.failures.split_first() else { continue };
            let Some(first) = which(*scenario, *seed) else { continue };
            let mut seeds: Vec<String> =
                group.failures.iter().take(SEEDS_MAX).map(|(_, seed)| seed.to_string()).collect();
            if count > SEEDS_MAX {
                seeds.push("…".to_owned());
            }
            writeln!(out, "{signature}: {count} of them, the first with seeds {}", seeds.join(", "))?;
            if place < EXPLAINED_MAX {
                write!(out, "{}", group.explained)?;
            } else {
                writeln!(out, "{}", first.replay())?;
            }
            writeln!(out, "{}", first.shrink())?;
            for (scenario, seed) in others {
                if let Some(which) = which(*scenario, *seed) {
                    writeln!(out, "{}", which.replay())?;
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
