//! A scenario on its way to a smaller one: its faults one by one, and the rest.

use crate::link::{Identity, Inject, PacketRef};
use crate::scenario::{Fault, FaultKind, File, Node, PacketFault, Scenario, ScenarioError};

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Everything but the faults.
    pub base: File,
    /// The faults, each of one packet, or one occurrence of what happens to a node or a link.
    pub atoms: Vec<Fault>,
    /// What it is run with.
    pub seed: u64,
}

impl Case {
    /// As a file: faults of one kind on one link are one entry.
    pub fn file(&self) -> File {
        let mut faults: Vec<Fault> = Vec::new();
        for atom in &self.atoms {
            let FaultKind::Packets { link, damage, packets } = &atom.kind else {
                faults.push(atom.clone());
                continue;
            };
            let same = faults.iter_mut().find(|other| {
                let is_same_kind = matches!(&other.kind, FaultKind::Packets { link: on, damage: what, .. }
                    if on == link && what == damage);
                is_same_kind && (other.at, other.lasts, other.every) == (atom.at, atom.lasts, atom.every)
            });
            match same.map(|fault| &mut fault.kind) {
                Some(FaultKind::Packets { packets: together, .. }) => together.extend_from_slice(packets),
                _ => faults.push(atom.clone()),
            }
        }
        File { faults, ..self.base.clone() }
    }

    /// As what is run.
    ///
    /// # Errors
    /// It cannot be run: what was taken away is still named.
    pub fn scenario(&self) -> Result<Scenario, ScenarioError> {
        Scenario::from_file(&self.file())
    }
}

/// A fault in a line, as the table of the proof has it.
pub fn describe(atom: &Fault) -> String {
    let at = |fault: &Fault| {
        let lasts = fault.lasts.map_or_else(String::new, |lasts| format!(" for {lasts:?}"));
        format!("at {:?}{lasts}", fault.at)
    };
    let power = |power: &bool| if *power { ", power lost" } else { "" };
    match &atom.kind {
        FaultKind::Blackout(link) => format!("blackout {link} {}", at(atom)),
        FaultKind::Crash { node, power: lost } => {
            let node = match node {
                Node::Server => "server",
                Node::Client(client) => client.as_str(),
            };
            format!("crash {node} {}{}", at(atom), power(lost))
        }
        FaultKind::Rebind { client, addr } => {
            let what = if *addr { "address" } else { "port" };
            format!("rebind {client} to a new {what} {}", at(atom))
        }
        FaultKind::Packets { link, damage, packets } => {
            let by = match damage {
                PacketFault::Delay(by) => format!(" by {by:?}"),
                PacketFault::Duplicate(by) if !by.is_zero() => format!(" by {by:?}"),
                _ => String::new(),
            };
            format!("{} {link} {}{by}", atom.kind.name(), names(packets))
        }
        FaultKind::Inject { link, what, count } => {
            let what = match what {
                Inject::Bytes(bytes) => format!("{} given bytes", bytes.len()),
                Inject::Random(bytes) => format!("{bytes} random bytes"),
                Inject::Replay(packets) => format!("{} again", names(packets)),
            };
            format!("inject {link} {what} × {count} {}", at(atom))
        }
    }
}

fn names(packets: &[PacketRef]) -> String {
    let name = |packet: &PacketRef| match packet {
        PacketRef::Ordinal(ordinal) => format!("packet {ordinal}"),
        PacketRef::Identity(identity) => identity.to_string(),
    };
    packets.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Every packet that a fault names, to be changed.
pub(super) fn packets_mut(atom: &mut Fault) -> &mut [PacketRef] {
    match &mut atom.kind {
        FaultKind::Packets { packets, .. } | FaultKind::Inject { what: Inject::Replay(packets), .. } => {
            packets
        }
        _ => &mut [],
    }
}

/// The same packet, of whichever download it is.
pub(super) fn of_any_download(packet: PacketRef) -> PacketRef {
    match packet {
        PacketRef::Identity(identity) => PacketRef::Identity(Identity { download: None, ..identity }),
        ordinal => ordinal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "duration = \"9s\"\n[clients.ann]\n";

    fn faults(text: &str) -> Vec<Fault> {
        Scenario::parse(&format!("{TEXT}{text}")).expect("a scenario").file().faults.clone()
    }

    #[test]
    fn faults_of_one_kind_on_one_link_are_one_entry() {
        let one = |kind: &str, packet: &str| {
            format!("[[faults]]\nkind = \"{kind}\"\nlink = \"server->ann\"\npackets = [\"{packet}\"]\n")
        };
        let atoms = faults(&[one("drop", "data@0"), one("corrupt", "syn-ack"), one("drop", "end")].concat());
        let base = Scenario::parse(TEXT).expect("a scenario").file().clone();
        let case = Case { base, atoms, seed: 0 };
        let described: Vec<String> = case.file().faults.iter().map(describe).collect();
        assert_eq!(described, ["drop server->ann data@0, end", "corrupt server->ann syn-ack"]);
        assert!(case.scenario().is_ok());
    }
}
