//! From what is written to what is run. Nothing can fail here: reading has checked it all.

use std::sync::Arc;

use backchat_core::chat::Nickname;
use backchat_core::time::Instant;

use super::clients::{Clients, Names};
use super::faults::{FaultKind, Node, PacketFault};
use super::links::Direction;
use super::steps::Repeat;
use super::{Client, ClientId, ClientStep, File, NodeFault, NodeFaultKind, Scenario};
use crate::link::{self, Plan, Schedule};

/// The scenario of a file that was checked.
pub(super) fn resolve(file: File, names: Names) -> Scenario {
    let mut clients: Vec<Client> = clients(&file, &names);
    let mut node_faults = Vec::new();
    for fault in &file.faults {
        let schedule = Schedule {
            at: Instant::ZERO + fault.at,
            lasts: fault.lasts,
            every: fault.every,
            until: Schedule::ALWAYS.until,
        };
        let members = |name: &Nickname| names.members(name).unwrap_or_default().map(ClientId);
        let mut node_fault = |kind| node_faults.push(NodeFault { schedule, kind });
        match &fault.kind {
            FaultKind::Crash { node: Node::Server, power } => {
                node_fault(NodeFaultKind::Crash { node: None, power: *power });
            }
            FaultKind::Crash { node: Node::Client(name), power } => {
                for client in members(name) {
                    node_fault(NodeFaultKind::Crash { node: Some(client), power: *power });
                }
            }
            FaultKind::Rebind { client, addr } => {
                for client in members(client) {
                    node_fault(NodeFaultKind::Rebind { client, addr: *addr });
                }
            }
            FaultKind::Blackout(name)
            | FaultKind::Packets { link: name, .. }
            | FaultKind::Inject { link: name, .. } => {
                let Some(kind) = link_fault(&fault.kind) else { continue };
                let range = names.members(&name.client).unwrap_or_default();
                for client in clients.get_mut(range).unwrap_or_default() {
                    for (direction, plan) in
                        [(Direction::Up, &mut client.up), (Direction::Down, &mut client.down)]
                    {
                        if name.has(direction) {
                            plan.faults.push(link::Fault { schedule, kind: kind.clone() });
                        }
                    }
                }
            }
        }
    }
    // Stable: what begins at the same time stays in the order of the file.
    node_faults.sort_by_key(|fault| fault.schedule.at);
    for client in &mut clients {
        client.up.faults.sort_by_key(|fault| fault.schedule.at);
        client.down.faults.sort_by_key(|fault| fault.schedule.at);
    }
    let steps = steps(&file, &names);
    let bottlenecks = file.links.bottlenecks.values().cloned().collect();
    Scenario { file, names, clients, bottlenecks, steps, node_faults }
}

fn clients(file: &File, names: &Names) -> Vec<Client> {
    let heal = file.heal.map(|heal| Instant::ZERO + heal);
    let client = |(nick, group): (&Nickname, &Option<Nickname>)| {
        let plan = |direction| {
            let profile = file.links.profile(nick, group.as_ref(), direction);
            Plan { profile, faults: Vec::new(), heal }
        };
        let entry = file.clients.get(group.as_ref().unwrap_or(nick));
        let Clients { count: _, start, nat, role, reconnect } = entry.copied().unwrap_or_default();
        let start = Instant::ZERO + start;
        let (up, down) = (plan(Direction::Up), plan(Direction::Down));
        Client { nick: nick.clone(), start, nat, role, reconnect, up, down }
    };
    names.clients.iter().zip(&names.groups).map(client).collect()
}

fn steps(file: &File, names: &Names) -> Vec<ClientStep> {
    let mut steps = Vec::new();
    for step in &file.steps {
        let action = Arc::new(step.action.clone());
        let (occurrences, times) = match step.repeat {
            Repeat::Once => (1, 1),
            Repeat::Every(times, _) => (times, 1),
            Repeat::AfterDone(times) => (1, times),
        };
        for client in names.members(&step.who).unwrap_or_default().map(ClientId) {
            let mut at = Instant::ZERO + step.at;
            for _ in 0..occurrences {
                steps.push(ClientStep { at, client, action: Arc::clone(&action), times });
                if let Repeat::Every(_, every) = step.repeat {
                    at += every;
                }
            }
        }
    }
    steps.sort_by_key(|step| step.at);
    steps
}

/// The fault as a link has it; `None` for one that concerns a node.
fn link_fault(kind: &FaultKind) -> Option<link::FaultKind> {
    Some(match kind {
        FaultKind::Blackout(_) => link::FaultKind::Blackout,
        FaultKind::Packets { damage, packets, .. } => {
            let packets = packets.clone();
            match damage {
                PacketFault::Drop => link::FaultKind::Drop(packets),
                PacketFault::Duplicate(by) => link::FaultKind::Duplicate(packets, *by),
                PacketFault::Corrupt => link::FaultKind::Corrupt(packets),
                PacketFault::Truncate => link::FaultKind::Truncate(packets),
                PacketFault::Delay(by) => link::FaultKind::Delay(packets, *by),
            }
        }
        FaultKind::Inject { what, count, .. } => link::FaultKind::Inject(what.clone(), *count),
        FaultKind::Crash { .. } | FaultKind::Rebind { .. } => return None,
    })
}
