//! When, how long, how often: round numbers, and no more time than it takes.

use core::num::NonZeroU32;
use core::time::Duration;

use backchat_core::time::Instant;

use super::{Case, Oracle, below, changed};
use crate::scenario::{Fault, FaultKind, PacketFault, Repeat};
use crate::shrink::oracle::Verdict;

/// From what is rounder to what is less so.
const UNITS: [Duration; 6] = [
    Duration::from_secs(1),
    Duration::from_millis(100),
    Duration::from_millis(10),
    Duration::from_millis(1),
    Duration::from_micros(100),
    Duration::from_micros(1),
];

/// What a run goes on for behind its failure: what follows is worth a look.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// Number of times that the duration of a failing run is doubled, to find one in which everything else ends.
const DOUBLINGS: u32 = 6;

/// Fewer datagrams that nobody sent.
pub(super) fn fewer_injected(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let fewer = |atom: &Fault| -> Vec<Fault> {
        let FaultKind::Inject { link, what, count } = &atom.kind else { return Vec::new() };
        let counts = below(u64::from(count.get()), 1).into_iter();
        let counts = counts.filter_map(|count| NonZeroU32::new(u32::try_from(count).ok()?));
        let inject = |count| FaultKind::Inject { link: link.clone(), what: what.clone(), count };
        counts.map(|count| Fault { kind: inject(count), ..atom.clone() }).collect()
    };
    each(case, fewer)
}

/// Rounder times of faults, steps and starts.
pub(super) fn rounder(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let round = |atom: &Fault| -> Vec<Fault> {
        let mut rounder: Vec<Fault> = Vec::new();
        rounder.extend(rounded(atom.at).into_iter().map(|at| Fault { at, ..atom.clone() }));
        if let Some(lasts) = atom.lasts {
            let spans = rounded(lasts).into_iter().filter(|lasts| !lasts.is_zero());
            rounder.extend(spans.map(|lasts| Fault { lasts: Some(lasts), ..atom.clone() }));
        }
        if let FaultKind::Packets { link, damage, packets } = &atom.kind {
            let with = |damage| FaultKind::Packets { link: link.clone(), damage, packets: packets.clone() };
            let damages: Vec<PacketFault> = match *damage {
                PacketFault::Delay(by) => {
                    rounded(by).into_iter().filter(|by| !by.is_zero()).map(PacketFault::Delay).collect()
                }
                PacketFault::Duplicate(by) => rounded(by).into_iter().map(PacketFault::Duplicate).collect(),
                PacketFault::Drop | PacketFault::Corrupt | PacketFault::Truncate => Vec::new(),
            };
            rounder.extend(damages.into_iter().map(|damage| Fault { kind: with(damage), ..atom.clone() }));
        }
        rounder
    };
    let mut candidates = each(case, round);
    for place in 0..case.base.steps.len() {
        let at = case.base.steps.get(place).map(|step| step.at).unwrap_or_default();
        for at in rounded(at) {
            let mut rounder = case.clone();
            if let Some(step) = rounder.base.steps.get_mut(place) {
                step.at = at;
            }
            candidates.push(rounder);
        }
    }
    for name in case.base.clients.keys() {
        let mut at_once = case.clone();
        if let Some(client) = at_once.base.clients.get_mut(name) {
            client.start = Duration::ZERO;
        }
        candidates.push(at_once);
    }
    changed(case, candidates)
}

/// As long as it takes to fail, and a little. A failure to end by a bound has none that is shorter: it comes at the
/// bound, whatever that is.
pub(super) fn shorter(case: &Case, oracle: &Oracle<'_>) -> Vec<Case> {
    let Verdict::Fails(failure) = oracle.verdict(case) else { return Vec::new() };
    let needed = (failure.at - Instant::ZERO) + AFTERWARDS;
    let seconds = needed.as_secs() + u64::from(needed.subsec_nanos() > 0);
    let steps = case.base.steps.iter().map(|step| match step.repeat {
        Repeat::Every(times, every) => step.at + every * times.saturating_sub(1),
        Repeat::Once | Repeat::AfterDone(_) => step.at,
    });
    let last = steps.chain(case.atoms.iter().map(|atom| atom.at)).max().unwrap_or_default();
    // Work in progress at the failure may have to end, lest the shorter run fails for not having ended: the
    // shortest duration that will do is looked for.
    let ends = (0..=DOUBLINGS).map(|power| Duration::from_secs(seconds << power).max(last));
    let ends = ends.filter(|end| *end < case.base.duration);
    let shorter = ends.map(|duration| {
        let mut shorter = case.clone();
        shorter.base.duration = duration;
        shorter
    });
    changed(case, shorter.collect::<Vec<_>>())
}

/// The multiples of each rounder unit on both sides, the rounder first.
fn rounded(span: Duration) -> Vec<Duration> {
    let nanos = span.as_nanos();
    let mut rounder = Vec::new();
    for unit in UNITS {
        let over = nanos % unit.as_nanos();
        if over == 0 {
            break;
        }
        let down = Duration::from_nanos(u64::try_from(nanos - over).unwrap_or(u64::MAX));
        rounder.extend([down, down + unit]);
    }
    rounder
}

/// The case with one fault changed, for each fault and each change.
fn each(case: &Case, changes: impl Fn(&Fault) -> Vec<Fault>) -> Vec<Case> {
    let mut candidates = Vec::new();
    for (place, atom) in case.atoms.iter().enumerate() {
        for changed in changes(atom) {
            let mut candidate = case.clone();
            if let Some(atom) = candidate.atoms.get_mut(place) {
                *atom = changed;
            }
            candidates.push(candidate);
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounder_times_end_at_the_unit_that_there_is() {
        let ms = Duration::from_millis;
        assert_eq!(rounded(ms(1_230)), [ms(1_000), ms(2_000), ms(1_200), ms(1_300)]);
        assert_eq!(rounded(ms(1_200)), [ms(1_000), ms(2_000)]);
        assert_eq!(rounded(ms(3_000)), Vec::<Duration>::new());
    }
}
