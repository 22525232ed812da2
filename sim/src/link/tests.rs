//! The link model held to what a file says: over a million packets, by hand, and kind by kind.

mod chances;
mod independence;
mod injections;
mod named;
mod order;
mod topology;

use core::num::{NonZeroU32, NonZeroU64};
use core::time::Duration;

use backchat_core::seed::Seed;
use backchat_core::time::Instant;

use super::{
    Chance, Copies, Damage, DropReason, Fault, FaultKind, Late, Link, Loss, PacketRef, Plan, Policer,
    Profile, QueueLimit, Rate, RateStep, RateSteps, Runs, Schedule, Verdict,
};

const MILLION: u64 = 1_000_000;
const LENGTH: usize = 1232;

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn span(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn chance(text: &str) -> Chance {
    text.parse().unwrap()
}

fn runs(text: &str, max_burst: u32) -> Runs {
    Runs { chance: chance(text), max_burst: NonZeroU32::new(max_burst) }
}

fn late(text: &str, millis: u64) -> Late {
    Late { chance: chance(text), by: span(millis) }
}

fn link(profile: Profile) -> Link {
    faulty(profile, Vec::new())
}

fn faulty(profile: Profile, faults: Vec<Fault>) -> Link {
    Link::new(&Seed::from_number(1), "server->alice", &Plan { profile, faults, heal: None })
}

fn always(kind: FaultKind) -> Fault {
    Fault { schedule: Schedule::ALWAYS, kind }
}

/// What became of so many packets, one a millisecond.
fn fates(link: &mut Link, count: u64) -> Vec<Verdict> {
    (0..count).map(|nth| link.offer(ms(nth), LENGTH, None).verdict).collect()
}

fn copies(verdict: &Verdict) -> Option<&Copies> {
    match verdict {
        Verdict::Passed(copies) => Some(copies),
        Verdict::Dropped(_) | Verdict::Queued => None,
    }
}

/// Whether `hits` of `trials` can be chance at a probability of `parts` in `whole`: within six standard deviations of
/// the binomial distribution, which a fair draw leaves once in 500 million. In integers:
/// (hits·whole − trials·parts)² ≤ 36·trials·parts·(whole − parts).
fn is_binomial(hits: u64, trials: u64, parts: u64, whole: u64) -> bool {
    let [hits, trials, parts, whole] = [hits, trials, parts, whole].map(u128::from);
    let off = (hits * whole).abs_diff(trials * parts);
    off * off <= 36 * trials * parts * (whole - parts)
}

#[track_caller]
fn assert_binomial(hits: u64, trials: u64, parts: u64, whole: u64) {
    assert!(is_binomial(hits, trials, parts, whole), "{hits} of {trials} at {parts}/{whole}");
}
