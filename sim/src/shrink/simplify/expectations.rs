//! Fewer expectations of the chat.

use super::{Case, Oracle};

/// Without one of them.
pub(super) fn fewer(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let expect = &case.base.expect;
    let mut candidates = Vec::new();
    for place in 0..expect.messages.len() {
        let mut fewer = case.clone();
        fewer.base.expect.messages.remove(place);
        candidates.push(fewer);
    }
    for place in 0..expect.refusals.len() {
        let mut fewer = case.clone();
        fewer.base.expect.refusals.remove(place);
        candidates.push(fewer);
    }
    if expect.refused_at_most.is_some() {
        let mut fewer = case.clone();
        fewer.base.expect.refused_at_most = None;
        candidates.push(fewer);
    }
    candidates
}
