//! Which runs there are: every scenario at every seed, and which of them are this part's.
//!
//! Runs are numbered scenario by scenario, seed by seed. Part M of N has every Nth of them from the Mth on, so that no part
//! has all the slow scenarios. A part's own runs are numbered as well: its *places*, from 0 on without a gap.

use crate::cli::args::{Partition, Seeds};
use crate::cli::exit::Trouble;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Plan {
    seeds: Seeds,
    scenarios: u64,
    partition: Partition,
    all: u64,
}

/// One run: the place of its scenario among all, and its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct RunId {
    pub(in crate::cli) scenario: usize,
    pub(in crate::cli) seed: u64,
}

impl Plan {
    /// # Errors
    /// There is no run, or there are more than can be numbered.
    pub(in crate::cli) fn new(
        scenarios: usize,
        seeds: Seeds,
        partition: Option<Partition>,
    ) -> Result<Self, Trouble> {
        let count = seeds.to - seeds.from;
        let Some(all) = count.checked_mul(scenarios as u64) else {
            return Err(Trouble::Usage(format!("{scenarios} scenarios at {count} seeds are too many runs")));
        };
        let partition = partition.unwrap_or(Partition::WHOLE);
        let plan = Self { seeds, scenarios: scenarios as u64, partition, all };
        if plan.len() == 0 {
            let why = if all == 0 {
                format!("seeds {seeds} are none")
            } else {
                format!("{partition} has none of {all} runs")
            };
            return Err(Trouble::Nothing(format!("no run is selected: {why}")));
        }
        Ok(plan)
    }

    /// How many runs this part has.
    pub(in crate::cli) const fn len(&self) -> u64 {
        self.partition.share(self.all)
    }

    /// How many all parts have together.
    pub(super) const fn all(&self) -> u64 {
        self.all
    }

    /// How many scenarios there are.
    pub(super) const fn scenarios(&self) -> u64 {
        self.scenarios
    }

    /// The run at a place of this part.
    pub(in crate::cli) fn run(&self, place: u64) -> RunId {
        let number = self.partition.number(place);
        let seeds = (self.seeds.to - self.seeds.from).max(1);
        // Places are below `len`, so that this is a scenario's place.
        let scenario = usize::try_from(number / seeds).unwrap_or(usize::MAX);
        RunId { scenario, seed: self.seeds.from + number % seeds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: Seeds = Seeds { from: 5, to: 15 };

    #[test]
    fn parts_together_are_everything_in_order() {
        let whole = Plan::new(3, SEEDS, None).unwrap();
        let all: Vec<RunId> = (0..whole.len()).map(|place| whole.run(place)).collect();
        assert_eq!(
            (all.len(), all[0], all[29]),
            (30, RunId { scenario: 0, seed: 5 }, RunId { scenario: 2, seed: 14 })
        );
        for count in [1, 4, 7, 30] {
            let parts =
                (0..count).map(|index| Plan::new(3, SEEDS, Some(Partition { index, count })).unwrap());
            let parts: Vec<Plan> = parts.collect();
            assert_eq!(parts.iter().map(Plan::len).sum::<u64>(), 30);
            for (number, run) in (0..).zip(&all) {
                assert_eq!(parts[usize::try_from(number % count).unwrap()].run(number / count), *run);
            }
        }
    }

    #[test]
    fn what_has_no_run_or_too_many_is_said() {
        let said = |plan: Result<Plan, Trouble>| plan.unwrap_err().to_string();
        let none = Plan::new(3, Seeds { from: 5, to: 5 }, None);
        assert_eq!(said(none), "no run is selected: seeds 5..5 are none");
        let none = Plan::new(1, SEEDS, Some(Partition { index: 10, count: 11 }));
        assert_eq!(said(none), "no run is selected: slice:11/11 has none of 10 runs");
        let many = Plan::new(2, Seeds { from: 0, to: u64::MAX }, None);
        assert_eq!(said(many), "2 scenarios at 18446744073709551615 seeds are too many runs");
    }
}
