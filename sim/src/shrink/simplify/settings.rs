//! Settings: windows, buffers, limits, links. What is left out of a file is the product's own.

use core::time::Duration;

use backchat_core::wire::CongestionChoice;

use super::{Case, Oracle, below, changed};
use crate::scenario::{LinkTable, Server, Transfer};

/// The largest fixed window that is tried in place of one that changes.
const FIXED_MAX: u16 = 64;

/// A delay that is read at a glance, in place of any longer one.
const ROUND_DELAY: Duration = Duration::from_millis(10);

/// A fixed window, the smallest that will do.
pub(super) fn smaller_window(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let windows: Vec<u16> = match case.base.transfer.congestion {
        CongestionChoice::Fixed(window) => {
            below(u64::from(window), 1).into_iter().filter_map(|it| u16::try_from(it).ok()).collect()
        }
        _ => (0..).map(|power| 1 << power).take_while(|window| *window <= FIXED_MAX).collect(),
    };
    let fixed = |window: u16| {
        let mut fixed = case.clone();
        fixed.base.transfer.congestion = CongestionChoice::Fixed(window);
        fixed
    };
    windows.into_iter().map(fixed).collect()
}

/// Links without names, without rates, with a round delay.
pub(super) fn plainer_links(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let mut candidates = Vec::new();
    let mut unnamed = case.clone();
    unnamed.base.links.named.clear();
    candidates.push(unnamed);
    for name in case.base.links.named.keys() {
        let mut without = case.clone();
        without.base.links.named.remove(name);
        candidates.push(without);
    }
    let plain = |change: fn(&mut LinkTable)| {
        let mut plain = case.clone();
        change(&mut plain.base.links.default);
        plain.base.links.named.values_mut().for_each(change);
        plain
    };
    candidates.push(plain(|table| (table.rate, table.queue) = (None, None)));
    candidates.push(plain(|table| table.queue = None));
    candidates.push(plain(|table| table.policer = None));
    candidates.push(plain(|table| table.codel = None));
    candidates.push(plain(|table| table.through = None));
    candidates.push(plain(|table| table.aggregate = None));
    candidates.push(plain(|table| table.mtu = None));
    candidates.push(plain(|table| table.delay = table.delay.map(|delay| delay.min(ROUND_DELAY))));
    changed(case, candidates)
}

/// The product's own limits, segment and buffer.
pub(super) fn plainer(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let plain = |change: fn(&mut Case)| {
        let mut plain = case.clone();
        change(&mut plain);
        plain
    };
    changed(
        case,
        [
            plain(|case| {
                let own = Server::default();
                (case.base.server.limits, case.base.server.transfer) = (own.limits, own.transfer);
            }),
            plain(|case| case.base.server.limits = Server::default().limits),
            plain(|case| case.base.server.transfer = Server::default().transfer),
            plain(|case| case.base.transfer.receive_buffer = None),
            plain(|case| case.base.transfer.offload = Transfer::default().offload),
            plain(|case| case.base.transfer.segment = Transfer::default().segment),
            plain(|case| case.base.heal = None),
        ],
    )
}
