//! Small scopes, all of them: what chance would try now and then, tried once and completely.
//!
//! - [`fates`]: every combination of what can become of the first packets of a scenario.
//! - [`crashes`]: a crash of either side before and after every event of it.
//!
//! Both run what a scenario says on the direct engine, every checker looking on, and hand back what failed as faults
//! that can be written into a scenario.

pub mod crashes;
pub mod fates;

use std::collections::BTreeMap;

use crate::engine::direct::Payloads;
use crate::run::Engine;
use crate::scenario::{Fault, Scenario};
use crate::shrink::case::Case;
use crate::shrink::oracle::Verdict;
use crate::signature::Signature;

/// What runs everything: tens of thousands of runs are what this is.
pub const ENGINE: Engine = Engine::Direct(Payloads::Ranges);

/// Faults that were tried, and how the run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// These.
    pub faults: Vec<Fault>,
    /// How.
    pub signature: Signature,
}

impl Failed {
    /// The file of a scenario that fails like that.
    pub fn file(&self, scenario: &Scenario) -> String {
        let case = Case { base: scenario.file().clone(), atoms: self.faults.clone(), seed: 0 };
        case.file().to_toml()
    }
}

/// Failures that are kept of each signature; the others are counted.
const KEPT_MAX: usize = 3;

/// What failed, by what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failures(pub BTreeMap<Signature, (u64, Vec<Failed>)>);

impl Failures {
    fn add(&mut self, faults: &[Fault], verdict: &Verdict) {
        if let Verdict::Fails(failure) = verdict {
            let signature = failure.first;
            let (count, kept) = self.0.entry(signature).or_default();
            *count += 1;
            if kept.len() < KEPT_MAX {
                kept.push(Failed { faults: faults.to_vec(), signature });
            }
        }
    }

    fn extend(&mut self, others: Self) {
        for (signature, (count, failed)) in others.0 {
            let (all, kept) = self.0.entry(signature).or_default();
            *all += count;
            kept.extend(failed);
            kept.truncate(KEPT_MAX);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.0.values().map(|(count, _)| count).sum()
    }
}

/// A download of three segments over a path that only takes time: what is tried where nobody names a scenario.
pub const SMALL: &str = r#"
about = "A download of three segments, over a path that only takes time."
duration = "60s"

[server]
files = [{ name = "book.bin", size = "3KiB" }]

[clients.alice]

[links.default]
delay = "15ms"

[[steps]]
at = "100ms"
who = "alice"
do = "get"
file = "book.bin"

[expect]
downloads = [{ client = "alice", file = "book.bin" }]
"#;

/// Whether every fate of its packets can be tried: it has one client, nothing that chance decides, and links that do
/// nothing but take time, for a packet that waits in a queue arrives at a time that depends on others.
///
/// # Errors
/// It cannot; why.
pub fn check(scenario: &Scenario) -> Result<(), &'static str> {
    let [client] = scenario.clients() else { return Err("expected one client") };
    for profile in [&client.up.profile, &client.down.profile] {
        if profile.is_random() {
            return Err("expected links without chances");
        }
        if profile.rate.is_some() || profile.policer.is_some() || profile.through.is_some() {
            return Err("expected links without a rate");
        }
        if !profile.aggregate.is_zero() {
            return Err("expected links that hand over each packet as it comes");
        }
    }
    if !scenario.file().faults.is_empty() {
        return Err("expected no faults: it is given its own");
    }
    Ok(())
}
