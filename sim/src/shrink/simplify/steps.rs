//! Steps that are done less often, and shorter texts. That there are fewer of them is the list's business.

use super::{Case, Oracle, below, pruned};
use crate::scenario::{Action, Repeat, Step};

/// A repeated step, less often.
pub(super) fn fewer_times(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let less = |step: &Step| -> Vec<Step> {
        let times = below(u64::from(step.repeat.times()), 1);
        let again = |times: u64| {
            let times = u32::try_from(times).unwrap_or(u32::MAX);
            let repeat = match step.repeat {
                _ if times == 1 => Repeat::Once,
                Repeat::Once => Repeat::Once,
                Repeat::Every(_, every) => Repeat::Every(times, every),
                Repeat::AfterDone(_) => Repeat::AfterDone(times),
            };
            Step { repeat, ..step.clone() }
        };
        times.into_iter().map(again).collect()
    };
    each(case, less)
}

/// A message with a shorter text.
pub(super) fn shorter_texts(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let less = |step: &Step| -> Vec<Step> {
        let (Action::Say(text) | Action::Tell { text, .. }) = &step.action else { return Vec::new() };
        let characters = text.chars().count() as u64;
        let shorter = |length: u64| {
            let text: String = text.chars().take(usize::try_from(length).unwrap_or(usize::MAX)).collect();
            let action = match &step.action {
                Action::Tell { to, .. } => Action::Tell { to: to.clone(), text },
                _ => Action::Say(text),
            };
            Step { action, ..step.clone() }
        };
        below(characters, 1).into_iter().map(shorter).collect()
    };
    each(case, less)
}

/// The case with one step changed, for each step and each change.
fn each(case: &Case, changes: impl Fn(&Step) -> Vec<Step>) -> Vec<Case> {
    let mut candidates = Vec::new();
    for (place, step) in case.base.steps.iter().enumerate() {
        for changed in changes(step) {
            let mut candidate = case.clone();
            if let Some(step) = candidate.base.steps.get_mut(place) {
                *step = changed;
            }
            candidates.push(pruned(candidate));
        }
    }
    candidates
}
