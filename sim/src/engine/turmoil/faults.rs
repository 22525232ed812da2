//! Faults of nodes: crashes, and clients that are suddenly somewhere else.

use std::sync::Arc;

use backchat::files::memory::MemoryDisk;
use backchat_core::time::Instant;

use super::lives::{SERVER_NAME, Switch};
use super::tcp::ServerPower;
use super::world::{ClientIndex, World};
use crate::engine::shape::ends;
use crate::scenario::{ClientId, NodeFault, NodeFaultKind, Scenario};
use crate::trace::Event;
use crate::trace::record::SIM;

/// All faults of nodes, and how far they are.
pub(super) struct Faults {
    faults: Vec<Progress>,
    power: Arc<ServerPower>,
    switches: Vec<Arc<Switch>>,
    /// The clients' disks. The server's is only read.
    disks: Vec<MemoryDisk>,
    /// For each node how many crashes hold it down; the last is the server.
    down: Vec<u32>,
    heal: Option<Instant>,
    /// Faults of links that have an end: the run waits for them.
    links_end: Instant,
}

struct Progress {
    fault: NodeFault,
    /// The next occurrence.
    next: u64,
    /// When the one that holds ends; `None` while none does.
    ends: Option<Instant>,
}

impl Faults {
    pub(super) fn new(
        scenario: &Scenario,
        power: Arc<ServerPower>,
        switches: Vec<Arc<Switch>>,
        disks: Vec<MemoryDisk>,
    ) -> Self {
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
            power,
            down: vec![0; switches.len() + 1],
            switches,
            disks,
            heal: scenario.heal(),
            links_end,
        }
    }

    /// Begins and ends what is due.
    pub(super) fn apply(&mut self, now: Instant, sim: &mut turmoil::Sim<'_>, world: &World) {
        if self.heal.is_some_and(|heal| heal <= now) {
            self.heal = None;
            world.record(now, &SIM, Event::Healed {});
        }
        for index in 0..self.faults.len() {
            while let Some((kind, begins)) = self.due(index, now) {
                self.carry_out(now, kind, begins, sim, world);
            }
        }
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

    fn carry_out(
        &mut self,
        now: Instant,
        kind: NodeFaultKind,
        begins: bool,
        sim: &mut turmoil::Sim<'_>,
        world: &World,
    ) {
        match kind {
            NodeFaultKind::Rebind { client: ClientId(client), addr } => {
                if begins {
                    world.lock().rebind(now, ClientIndex(client), addr);
                }
            }
            NodeFaultKind::Crash { node, power } => {
                let place = node.map_or(self.switches.len(), |client| client.0);
                let Some(down) = self.down.get_mut(place) else { return };
                *down = if begins { *down + 1 } else { down.saturating_sub(1) };
                let (is_first, is_last) = (begins && *down == 1, !begins && *down == 0);
                if is_first {
                    self.kill(now, node, power, sim, world);
                } else if is_last {
                    self.revive(node, sim);
                }
            }
        }
    }

    fn kill(
        &self,
        now: Instant,
        node: Option<ClientId>,
        power: bool,
        sim: &mut turmoil::Sim<'_>,
        world: &World,
    ) {
        let name = node.map_or(SERVER_NAME, |client| world.lock().client_name(ClientIndex(client.0)));
        world.record(now, &name, Event::Crashed { power });
        world.lock().reset_connections(now, node.map(|client| ClientIndex(client.0)));
        match node.and_then(|client| self.switches.get(client.0)) {
            Some(switch) => {
                switch.turn(false);
                let disk = node.and_then(|client| self.disks.get(client.0));
                if let Some(disk) = disk.filter(|_| power) {
                    disk.lose_power();
                }
            }
            None => {
                self.power.down(power);
                sim.crash(super::SERVER);
            }
        }
    }

    fn revive(&self, node: Option<ClientId>, sim: &mut turmoil::Sim<'_>) {
        match node.and_then(|client| self.switches.get(client.0)) {
            Some(switch) => switch.turn(true),
            None => sim.bounce(super::SERVER),
        }
    }

    /// Whether every fault that has an end has ended. Those that come again and again are not waited for, but nobody
    /// stays down for it.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let is_over = |it: &Progress| {
            let has_begun = it.next > 0;
            let never_ends = it.ends.is_some_and(|end| end >= it.fault.schedule.until);
            has_begun && (it.ends.is_none() || never_ends)
        };
        self.links_end <= now && self.faults.iter().all(is_over)
    }

    /// The run ends: nothing more happens to anybody, and who is down stays so.
    pub(super) fn end(&mut self, _: &mut turmoil::Sim<'_>, _: &World) {
        self.faults.clear();
        self.heal = None;
    }
}
