//! Whether a candidate fails in the same way.
//!
//! A candidate is run at most once. Several are run at the same time, but the first of them in their order is the one
//! that counts, so that the number of processors changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use backchat_core::time::Instant;

use super::case::Case;
use super::ddmin::ddmin;
use crate::checker::Violation;
use crate::run::{self, Engine};
use crate::scenario::Scenario;
use crate::signature::Signature;
use crate::trace::Sink;
use crate::workers::each;

/// How far it may go.
pub struct Bounds<'a> {
    /// The most runs.
    pub runs: u32,
    /// How many at the same time.
    pub jobs: usize,
    /// Whether there is time for more. What it says may change the result, so it is for impatient people alone.
    pub has_time: &'a (dyn Fn() -> bool + Sync),
    /// Told before runs: how many there were, and how many faults there are now.
    pub progress: &'a (dyn Fn(u32, usize) + Sync),
}

/// The most runs where nobody says otherwise. The planted bugs need a few hundred.
pub const MAX_RUNS: u32 = 20_000;

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Passes,
    /// Something was.
    Fails(Failure),
    /// It is no scenario, or there was no time for it.
    Unknown,
}

/// How a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was found first.
    pub first: Signature,
    /// When.
    pub at: Instant,
    /// Everything that was found.
    pub all: BTreeSet<Signature>,
}

impl Failure {
    /// Whether it is as `origin`: the same was found first, and nothing that was not found there. A download that never
    /// ends because its client pauses and no longer goes on is no part of what is looked for.
    pub fn is_as(&self, origin: &Self) -> bool {
        self.first == origin.first && self.all.is_subset(&origin.all)
    }
}

/// See the module.
pub struct Oracle<'a> {
    wanted: &'a Failure,
    engine: Engine,
    bounds: &'a Bounds<'a>,
    /// By the hash of what was run, and with which seed.
    known: Mutex<BTreeMap<Key, Verdict>>,
    runs: AtomicU32,
    is_exhausted: AtomicBool,
    /// Without its faults, a candidate has to pass.
    has_control: bool,
}

type Key = ([u8; 32], u64);

impl<'a> Oracle<'a> {
    /// For failures that are as `wanted`.
    pub fn new(wanted: &'a Failure, engine: Engine, bounds: &'a Bounds<'a>) -> Self {
        Self {
            wanted,
            engine,
            bounds,
            known: Mutex::default(),
            runs: AtomicU32::new(0),
            is_exhausted: AtomicBool::new(false),
            has_control: false,
        }
    }

    /// From now on a candidate must also pass without its faults, if `case` does: what fails for a bound that was made
    /// too tight is not the failure that is looked for.
    #[must_use]
    pub fn with_control(mut self, case: &Case) -> Self {
        let has_faults = !case.atoms.is_empty();
        self.has_control = has_faults && self.verdict(&control(case)) == Verdict::Passes;
        self
    }

    /// What is looked for.
    pub const fn wanted(&self) -> &Failure {
        self.wanted
    }

    /// How many runs there were.
    pub fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Whether a bound was met, so that something was not tried.
    pub fn is_exhausted(&self) -> bool {
        self.is_exhausted.load(Ordering::Relaxed)
    }

    /// The first of `candidates` that fails in the same way.
    pub fn first(&self, candidates: &[Case]) -> Option<usize> {
        let jobs = self.bounds.jobs.max(1);
        for (nth, together) in candidates.chunks(jobs).enumerate() {
            (self.bounds.progress)(self.runs(), together.first().map_or(0, |case| case.atoms.len()));
            let fails = match together {
                [one] => vec![self.fails(one)],
                several => each(jobs, several, |case| self.fails(case)),
            };
            if let Some(place) = fails.into_iter().position(|fails| fails) {
                return Some(nth * jobs + place);
            }
        }
        None
    }

    /// The first of `candidates` that fails in the same way, itself.
    pub fn choose(&self, mut candidates: Vec<Case>) -> Option<Case> {
        let place = self.first(&candidates)?;
        Some(candidates.swap_remove(place))
    }

    /// As few of its faults as it needs to fail in the same way.
    pub fn fewest_faults(&self, case: Case) -> Case {
        let atoms = ddmin(case.atoms.clone(), |lists| {
            let with = |atoms| Case { atoms, ..case.clone() };
            self.first(&lists.into_iter().map(with).collect::<Vec<_>>())
        });
        Case { atoms, ..case }
    }

    /// Whether it fails in the same way, and for its faults.
    pub fn fails(&self, case: &Case) -> bool {
        let is_wanted = matches!(self.verdict(case), Verdict::Fails(failure) if failure.is_as(self.wanted));
        let needs_control = self.has_control && !case.atoms.is_empty();
        is_wanted && (!needs_control || self.verdict(&control(case)) == Verdict::Passes)
    }

    /// What comes of it.
    pub fn verdict(&self, case: &Case) -> Verdict {
        let text = case.file().to_toml();
        let key = (*blake3::hash(text.as_bytes()).as_bytes(), case.seed);
        if let Some(known) = self.known.lock().ok().and_then(|known| known.get(&key).cloned()) {
            return known;
        }
        let Ok(scenario) = Scenario::parse(&text) else { return Verdict::Unknown };
        if self.runs() >= self.bounds.runs || !(self.bounds.has_time)() {
            self.is_exhausted.store(true, Ordering::Relaxed);
            return Verdict::Unknown;
        }
        self.runs.fetch_add(1, Ordering::Relaxed);
        let verdict = verdict(&scenario, case.seed, self.engine, &mut ());
        if let Ok(mut known) = self.known.lock() {
            known.insert(key, verdict.clone());
        }
        verdict
    }
}

/// A run, and what came of it.
pub fn verdict(scenario: &Scenario, seed: u64, engine: Engine, sink: &mut impl Sink) -> Verdict {
    let report = match run::run(scenario, seed, engine, sink) {
        Ok(report) => report,
        Err(error) => {
            let first = error.signature();
            return Verdict::Fails(Failure { first, at: scenario.end(), all: BTreeSet::from([first]) });
        }
    };
    let all = report.violations.iter().map(Violation::signature).collect();
    let first = report.violations.first();
    first.map_or(Verdict::Passes, |it| Verdict::Fails(Failure { first: it.signature(), at: it.at, all }))
}

fn control(case: &Case) -> Case {
    Case { atoms: Vec::new(), ..case.clone() }
}
