//! What becomes of a scenario without each of its faults: that all of them are needed.

use super::case::{Case, describe};
use super::coarse::CHANCES;
use super::oracle::{Oracle, Verdict};
use crate::signature::Signature;

/// The most faults that are taken away one by one. What has more is no small scenario, and says so.
pub const MAX_PROVEN: usize = 200;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Each fault, and what becomes of the scenario without it.
    pub without: Vec<(String, Without)>,
}

/// What becomes of a scenario without one of its faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// It passes.
    Passes,
    /// It fails in another way.
    FailsOtherwise(Signature),
    /// It fails in the same way: the fault is not needed, and there was no time to find out before.
    FailsTheSame,
    /// It was not run: a bound was met.
    NotRun,
}

impl Proof {
    /// Whether without any one of them it passes.
    pub fn is_complete(&self) -> bool {
        self.without.iter().all(|(_, without)| *without == Without::Passes)
    }
}

/// Takes away each fault, alone, and each kind of chance that is left.
pub fn prove(case: &Case, oracle: &Oracle<'_>) -> Proof {
    let came = |verdict: Verdict| match verdict {
        Verdict::Passes => Without::Passes,
        Verdict::Fails(failure) if failure.is_as(oracle.wanted()) => Without::FailsTheSame,
        Verdict::Fails(failure) => Without::FailsOtherwise(failure.first),
        Verdict::Unknown => Without::NotRun,
    };
    let chances = CHANCES.iter().filter(|chance| chance.is_in(&case.base)).map(|chance| {
        let without = Case { base: chance.without(&case.base), ..case.clone() };
        (format!("chance: {}", chance.name), came(oracle.verdict(&without)))
    });
    let one = |place: usize| {
        let mut without = case.clone();
        let atom = without.atoms.remove(place);
        let verdict = if place < MAX_PROVEN { oracle.verdict(&without) } else { Verdict::Unknown };
        (describe(&atom), came(verdict))
    };
    Proof { without: chances.chain((0..case.atoms.len()).map(one)).collect() }
}
