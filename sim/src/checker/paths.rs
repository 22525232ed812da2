//! Paths: nobody is sent a file who has not proven to be there (RFC 9000 §8.1 and §9.3).
//!
//! - Before a client's first proof, the server sends it no more bytes than came from it.
//! - After a client has moved, no data reaches it at its new address until it has proven that one.

use std::collections::{BTreeMap, BTreeSet};

use backchat_core::wire::{Kind, TransferId};

use super::{Checker, Found};
use crate::link::Identity;
use crate::trace::{Datagram, Direction, Event, Node, NodeMap, Record};

/// See the module.
#[derive(Debug, Default)]
pub struct Paths {
    clients: NodeMap<Client>,
    /// Whose each transfer is.
    owners: BTreeMap<TransferId, Node>,
}

#[derive(Debug, Default)]
struct Client {
    is_proven: bool,
    received: u64,
    sent: u64,
    has_moved: bool,
    /// Data that was sent after it has moved and before it has proven that.
    unproven: BTreeSet<u64>,
}

impl Paths {
    /// Nobody has been heard of.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&mut self, node: Node) -> &mut Client {
        self.clients.get_or(node, Client::default)
    }

    fn proven(&mut self, transfer: TransferId) {
        if let Some(owner) = self.owners.get(&transfer).copied() {
            let client = self.client(owner);
            client.is_proven = true;
            client.has_moved = false;
        }
    }
}

impl Checker for Paths {
    fn name(&self) -> &'static str {
        "paths"
    }

    fn record(&mut self, record: &Record, found: &mut Found<'_>) {
        let Record { at, node, event } = record;
        match event {
            Event::StateChanged { transfer, .. } if *node != Node::SERVER => {
                self.owners.entry(*transfer).or_insert(*node);
            }
            Event::StateChanged { transfer, to, .. } if *to == "sending" => self.proven(*transfer),
            Event::PathValidated { transfer } => self.proven(*transfer),
            Event::Rebound { .. } => self.client(*node).has_moved = true,
            Event::Offered { ordinal, length, what } => {
                let Some(Direction::Down(name)) = node.direction() else { return };
                let client = self.client(name);
                client.sent += length;
                if client.has_moved && matches!(what, Datagram::Packet(Identity { kind: Kind::Data, .. })) {
                    client.unproven.insert(*ordinal);
                }
                if !client.is_proven && client.sent > client.received {
                    let Client { sent, received, .. } = *client;
                    let said = format!(
                        "{name}, who has proven nothing, was sent {sent} bytes and has sent {received}"
                    );
                    found.add(*at, node, ("amplified", said));
                }
            }
            Event::Delivered { ordinal, length, .. } => match node.direction() {
                Some(Direction::Up(name)) => self.client(name).received += length,
                Some(Direction::Down(name)) if self.client(name).unproven.remove(ordinal) => {
                    let said = format!(
                        "datagram {ordinal} brought data to {name}'s new address, which is not proven"
                    );
                    found.add(*at, node, ("data_to_unproven_path", said));
                }
                Some(Direction::Down(_)) | None => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{T, at, verdict};
    use crate::trace::Name;

    fn up(length: u64) -> Record {
        at(1, "ann->server", Event::Delivered { ordinal: 1, copy: 0, length })
    }

    fn down(ordinal: u64, length: u64, what: &str) -> Record {
        at(2, "server->ann", Event::Offered { ordinal, length, what: what.parse().expect(what) })
    }

    fn arrives(ordinal: u64) -> Record {
        at(3, "server->ann", Event::Delivered { ordinal, copy: 0, length: 9 })
    }

    fn state(node: &str, to: &'static str) -> Record {
        at(2, node, Event::StateChanged { transfer: T, from: Name::of("x"), to: Name::of(to) })
    }

    fn moved() -> Record {
        at(2, "ann", Event::Rebound { from: Name::of("a"), to: Name::of("b") })
    }

    #[test]
    fn as_much_as_came_may_go_before_the_proof_and_anything_after() {
        let proof = [state("ann", "confirming"), state("server", "sending")];
        let records = [&[up(100), down(1, 100, "syn-ack")], &proof[..], &[down(2, 1_000, "data@0")]].concat();
        assert_eq!(verdict(Paths::new(), &records), Vec::<String>::new());
        let said = verdict(Paths::new(), &[up(100), down(1, 101, "syn-ack")]);
        assert!(said[0].ends_with("ann, who has proven nothing, was sent 101 bytes and has sent 100"));
    }

    #[test]
    fn data_at_a_new_address_before_its_proof_is_found() {
        let begin = [up(100), state("ann", "confirming"), state("server", "sending"), moved()];
        let proof = at(3, "server", Event::PathValidated { transfer: T });
        let right = [down(1, 9, "path-challenge"), arrives(1), proof, down(2, 9, "data@0"), arrives(2)];
        assert_eq!(verdict(Paths::new(), &[&begin[..], &right[..]].concat()), Vec::<String>::new());
        // What goes to the old address arrives nowhere.
        let wrong = [down(1, 9, "data@0"), down(2, 9, "data@0"), arrives(2)];
        let said = verdict(Paths::new(), &[&begin[..], &wrong[..]].concat());
        assert_eq!(said.len(), 1);
        assert!(said[0].ends_with("datagram 2 brought data to ann's new address, which is not proven"));
    }
}
