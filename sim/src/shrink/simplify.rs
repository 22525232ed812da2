//! Taking away everything that is not a fault: clients, steps, files, settings, odd numbers.
//!
//! A pass lists what could be a step smaller or rounder, what is smallest first; the first that still fails in the same
//! way is taken, and the pass asked again. All passes and the faults are gone through until a whole round changes
//! nothing.
//!
//! - [`clients`], [`steps`], [`files`]: who does what with what. [`expectations`]: what of the chat is expected. [`settings`]: windows, buffers, limits, links.
//! - [`times`]: when, and for how long.

mod clients;
mod expectations;
mod files;
mod settings;
mod steps;
mod times;

pub(super) use clients::without as without_client;

use super::case::{Case, of_any_download, packets_mut};
use super::ddmin::ddmin;
use super::oracle::Oracle;
use crate::scenario::{Action, File};

/// What could be tried next, what is best first. Each is smaller or rounder, so that there is an end.
type Pass = fn(&Case, &Oracle<'_>) -> Vec<Case>;

/// In this order: what takes most away first.
const PASSES: &[Pass] = &[
    expectations::fewer,
    clients::fewer,
    clients::plainer,
    steps::fewer_times,
    settings::smaller_window,
    files::fewer,
    files::shorter,
    settings::plainer_links,
    settings::plainer,
    name_plainly,
    steps::shorter_texts,
    times::fewer_injected,
    times::rounder,
    times::shorter,
];

/// The most rounds. Few scenarios need a third.
const MAX_ROUNDS: usize = 10;

/// The most steps of one pass in one round: numbers are halved, so forty are a number of 64 bits.
const MAX_STEPS: usize = 200;

/// The case, with everything away that can go.
pub fn to_a_fixpoint(mut case: Case, oracle: &Oracle<'_>) -> Case {
    for _ in 0..MAX_ROUNDS {
        let before = case.clone();
        case.base.steps = ddmin(case.base.steps.clone(), |lists| {
            let with = |steps| pruned(Case { base: File { steps, ..case.base.clone() }, ..case.clone() });
            oracle.first(&lists.into_iter().map(with).collect::<Vec<_>>())
        });
        case = pruned(case);
        for pass in PASSES {
            for _ in 0..MAX_STEPS {
                let Some(smaller) = oracle.choose(pass(&case, oracle)) else { break };
                case = smaller;
            }
        }
        case = oracle.fewest_faults(case);
        if case == before || oracle.is_exhausted() {
            break;
        }
    }
    case
}

/// Numbers from `least` up to below `from`: few, and near both ends.
fn below(from: u64, least: u64) -> Vec<u64> {
    let span = from.saturating_sub(least);
    let mut numbers: Vec<u64> =
        [0, span / 16, span / 8, span / 4, span / 2, span - span / 4, span.saturating_sub(1)]
            .into_iter()
            .map(|more| least + more)
            .filter(|number| *number < from)
            .collect();
    numbers.dedup();
    numbers
}

/// Without expectations of downloads that nobody begins any more, and of more of them than there are.
fn pruned(mut case: Case) -> Case {
    let (steps, clients) = (&case.base.steps, &case.base.clients);
    case.base.expect.downloads.retain_mut(|expected| {
        let gets = steps.iter().filter(|step| {
            let is_theirs = step.who == expected.client
                || is_member(expected.client.as_str(), step.who.as_str())
                || is_member(step.who.as_str(), expected.client.as_str());
            is_theirs && matches!(&step.action, Action::Get(file) if *file == expected.file)
        });
        let each = |step: &crate::scenario::Step| {
            let members =
                clients.get(&step.who).filter(|_| step.who == expected.client).and_then(|it| it.count);
            step.repeat.times().saturating_mul(members.unwrap_or(1))
        };
        let gets: u32 = gets.map(each).fold(0, u32::saturating_add);
        expected.count = expected.count.map(|count| count.min(gets.max(1)));
        gets > 0
    });
    case
}

/// Whether `name` is what a client of the group `group` can be called.
fn is_member(group: &str, name: &str) -> bool {
    let number = name.strip_prefix(group).and_then(|rest| rest.strip_prefix('-'));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}

/// Packets without the number of their download, where there is one only.
fn name_plainly(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let mut plain = case.clone();
    for packet in plain.atoms.iter_mut().flat_map(packets_mut) {
        *packet = of_any_download(*packet);
    }
    changed(case, [plain])
}

/// Those that differ from what there is.
fn changed(case: &Case, candidates: impl IntoIterator<Item = Case>) -> Vec<Case> {
    candidates.into_iter().filter(|candidate| candidate != case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_come_from_both_ends_and_never_reach() {
        assert_eq!(below(1000, 1), [1, 63, 125, 250, 500, 751, 999]);
        assert_eq!((below(2, 1), below(1, 1), below(0, 0)), (vec![1], vec![], vec![]));
    }

    #[test]
    fn a_group_has_its_members_alone() {
        assert!(is_member("load", "load-17"));
        assert!(!is_member("load", "load-") && !is_member("load", "loader-1") && !is_member("load", "load"));
    }
}
