//! Faults of nodes, as every engine has them: what happens when. Carrying it out is the engine's.

use backchat_core::time::Instant;

use super::network::ClientIndex;
use super::shape::ends;
use crate::scenario::{ClientId, NodeFault, NodeFaultKind, Scenario};

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// The server.
    Server,
    /// This client.
    Client(ClientIndex),
}

/// Something that happens to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// All links are clean from now on.
    Healed,
    /// A client is somewhere else.
    Rebind(ClientIndex, bool),
    /// A node is killed; with `power` its disk loses what was not synced.
    Kill { node: Node, power: bool },
    /// A node that was killed starts again.
    Revive(Node),
}

/// All faults of nodes, and how far they are.
#[derive(Clone, Debug)]
pub(super) struct NodeFaults {
    faults: Vec<Progress>,
    /// For each node how many crashes hold it down; the last is the server.
    down: Vec<u32>,
    heal: Option<Instant>,
    /// Faults of links that have an end: the run waits for them.
    links_end: Instant,
}

#[derive(Clone, Debug)]
struct Progress {
    fault: NodeFault,
    /// The next occurrence.
    next: u64,
    /// When the one that holds ends; `None` while none does.
    ends: Option<Instant>,
}

impl NodeFaults {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let faults = scenario.node_faults().iter();
        let faults = faults.map(|fault| Progress { fault: fault.clone(), next: 0, ends: None });
        let plans = scenario.clients().iter().flat_map(|client| [&client.up, &client.down]);
        let link_faults = plans.flat_map(|plan| &plan.faults);
        // What has no end, and what comes again and again, is waited for by nobody.
        let endings = link_faults.filter(|fault| fault.schedule.every.is_none()).map(|fault| {
            match fault.schedule.lasts {
                Some(_) => ends(&fault.schedule, true),
                None => fault.schedule.at,
            }
        });
        let links_end = endings.chain(scenario.heal()).max().unwrap_or(Instant::ZERO).min(scenario.end());
        Self {
            faults: faults.collect(),
            down: vec![0; scenario.clients().len() + 1],
            heal: scenario.heal(),
            links_end,
        }
    }

    /// What is due; ask until there is nothing more.
    pub(super) fn poll(&mut self, now: Instant) -> Option<Happening> {
        if self.heal.is_some_and(|heal| heal <= now) {
            self.heal = None;
            return Some(Happening::Healed);
        }
        for index in 0..self.faults.len() {
            while let Some((kind, begins)) = self.due(index, now) {
                if let Some(happening) = self.happening(kind, begins) {
                    return Some(happening);
                }
            }
        }
        None
    }

    /// When something is due next.
    pub(super) fn next(&self) -> Option<Instant> {
        let next = |it: &Progress| it.ends.or_else(|| it.fault.schedule.start(it.next));
        self.faults.iter().filter_map(next).chain(self.heal).min()
    }

    /// The next beginning or end of a fault that is due.
    fn due(&mut self, index: usize, now: Instant) -> Option<(NodeFaultKind, bool)> {
        let it = self.faults.get_mut(index)?;
        if let Some(end) = it.ends {
            if end > now {
                return None;
            }
            it.ends = None;
            return Some((it.fault.kind, false));
        }
        let start = it.fault.schedule.start(it.next).filter(|start| *start <= now)?;
        it.next += 1;
        if let NodeFaultKind::Crash { .. } = it.fault.kind {
            let end = it.fault.schedule.lasts.map(|lasts| start + lasts);
            it.ends = Some(end.unwrap_or(it.fault.schedule.until).min(it.fault.schedule.until));
        }
        Some((it.fault.kind, true))
    }

    /// What the beginning or end of a fault changes; nothing where another crash holds the node down as well.
    fn happening(&mut self, kind: NodeFaultKind, begins: bool) -> Option<Happening> {
        match kind {
            NodeFaultKind::Rebind { client: ClientId(client), addr } => {
                begins.then_some(Happening::Rebind(ClientIndex(client), addr))
            }
            NodeFaultKind::Crash { node, power } => {
                let place = node.map_or(self.down.len() - 1, |client| client.0);
                let node = node.map_or(Node::Server, |client| Node::Client(ClientIndex(client.0)));
                let down = self.down.get_mut(place)?;
                *down = if begins { *down + 1 } else { down.saturating_sub(1) };
                match (begins, *down) {
                    (true, 1) => Some(Happening::Kill { node, power }),
                    (false, 0) => Some(Happening::Revive(node)),
                    _ => None,
                }
            }
        }
    }

    /// When the faults of links that have an end have ended.
    pub(super) const fn links_end(&self) -> Instant {
        self.links_end
    }

    /// Whether every fault that has an end has ended. Those that come again and again are not waited for, but nobody
    /// stays down for it.
    pub(super) fn are_over(&self, now: Instant) -> bool {
        let is_over = |it: &Progress| {
            let has_begun = it.next > 0;
            let never_ends = it.ends.is_some_and(|end| end >= it.fault.schedule.until);
            has_begun && (it.ends.is_none() || never_ends)
        };
        self.links_end <= now && self.faults.iter().all(is_over)
    }

    /// The run ends: nothing more happens to anybody, and who is down stays so.
    pub(super) fn end(&mut self) {
        self.faults.clear();
        self.heal = None;
    }
}
