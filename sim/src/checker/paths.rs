//! Paths: nobody is sent a file who has not proven to be there (RFC 9000 §8.1 and §9.3).
//!
//! - Before a client's first proof, the server sends it no more bytes than came from it.
//! - After a client has moved, no data reaches it at its new address until it has proven that one.
//! - What proves an address is an answer that the client sent from there, after a question had reached it there: not one
//!   that it sent from elsewhere, and not one that somebody else repeats.
//! - On another host the congestion window begins anew (RFC 9000 §9.4).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use backchat_core::time::Instant;
use backchat_core::trace::TransferState;
use backchat_core::wire::{Kind, TransferId};

use super::{Checker, Found, Wrong};
use crate::link::Identity;
use crate::trace::{
    CoreEvent, Datagram, Direction, Event, NetEvent, Node, NodeMap, Record, RunEvent, TransferMap,
};

/// Hosts on turmoil are woken by the millisecond: so much later they may hear of an answer.
const TICKS: Duration = Duration::from_millis(2);

/// See the module.
#[derive(Debug, Default)]
pub struct Paths {
    clients: NodeMap<Client>,
    /// Whose each transfer is.
    owners: TransferMap<Node>,
    windows: TransferMap<Window>,
}

#[derive(Debug, Default)]
struct Client {
    is_proven: bool,
    received: u64,
    sent: u64,
    has_moved: bool,
    /// Data that was sent after it has moved and before it has proven that.
    unproven: BTreeSet<u64>,
    /// Questions that were sent to it; one has reached it since it has moved.
    questions: BTreeSet<u64>,
    is_asked: bool,
    /// Its answers to such questions, with the number of hosts that it was on before; and when the last arrived.
    answers: BTreeMap<u64, u32>,
    answered: Option<(Instant, u32)>,
    hosts: u32,
}

/// A download's congestion window, as far as hosts are concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    first: Option<u64>,
    /// On how many hosts its client was before the one that is proven.
    hosts: Option<u32>,
    /// It must begin anew with what is sent next.
    begins_anew: bool,
}

impl Paths {
    /// Nobody has been heard of.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&mut self, node: Node) -> &mut Client {
        self.clients.get_or(node, Client::default)
    }

    fn proven(&mut self, now: Instant, transfer: TransferId) -> Option<Wrong> {
        let owner = *self.owners.get_mut(transfer)?;
        let client = self.client(owner);
        client.is_proven = true;
        client.has_moved = false;
        let Some((_, hosts)) = client.answered.filter(|(at, _)| now - *at <= TICKS) else {
            let said =
                format!("{transfer}: {owner}'s address is taken as proven, and no answer came from there");
            return Some(("proven_by_nothing", said));
        };
        let window = self.windows.get_or(transfer, Window::default);
        window.begins_anew |= window.hosts.replace(hosts).is_some_and(|before| before != hosts);
        None
    }

    fn sent(&mut self, transfer: TransferId, cwnd: u64) -> Option<Wrong> {
        let window = self.windows.get_mut(transfer)?;
        let first = *window.first.get_or_insert(cwnd);
        let is_kept = core::mem::take(&mut window.begins_anew) && cwnd > first;
        is_kept.then(|| {
            let said = format!(
                "{transfer}: the congestion window on the new host is {cwnd}, and the first of all was {first}"
            );
            ("window_of_another_host", said)
        })
    }
}

impl Paths {
    fn offered(
        &mut self,
        Record { at, node, .. }: &Record,
        ordinal: u64,
        length: u64,
        what: &Datagram,
        found: &mut Found<'_, Self>,
    ) {
        let kind = match what {
            Datagram::Packet(Identity { kind, .. }) => Some(*kind),
            _ => None,
        };
        match node.direction() {
            Some(Direction::Up(name)) => {
                let client = self.client(name);
                if client.is_asked && matches!(kind, Some(Kind::Confirm | Kind::PathResponse)) {
                    client.answers.insert(ordinal, client.hosts);
                }
            }
            Some(Direction::Down(name)) => {
                let client = self.client(name);
                client.sent += length;
                match kind {
                    Some(Kind::SynAck | Kind::PathChallenge) => {
                        client.questions.insert(ordinal);
                    }
                    Some(Kind::Data) if client.has_moved => {
                        client.unproven.insert(ordinal);
                    }
                    _ => {}
                }
                if !client.is_proven && client.sent > client.received {
                    let Client { sent, received, .. } = *client;
                    let said = format!(
                        "{name}, who has proven nothing, was sent {sent} bytes and has sent {received}"
                    );
                    found.add(*at, node, ("amplified", said));
                }
            }
            None => {}
        }
    }
}

impl Checker for Paths {
    const NAME: &'static str = "paths";

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        match event {
            Event::Core(Some(transfer), CoreEvent::StateChanged { .. }) if *node != Node::SERVER => {
                self.owners.get_or(*transfer, || *node);
            }
            Event::Core(Some(transfer), CoreEvent::StateChanged { to: TransferState::Sending, .. }) => {
                self.proven(*at, *transfer).into_iter().for_each(|wrong| found.add(*at, node, wrong));
            }
            Event::Core(Some(transfer), CoreEvent::PathValidated) => {
                self.proven(*at, *transfer).into_iter().for_each(|wrong| found.add(*at, node, wrong));
            }
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { cwnd, .. }) => {
                self.sent(*transfer, *cwnd).into_iter().for_each(|wrong| found.add(*at, node, wrong));
            }
            Event::Run(RunEvent::Rebound { from, to }) => {
                let client = self.client(*node);
                (client.has_moved, client.is_asked) = (true, false);
                client.hosts += u32::from(from.ip() != to.ip());
            }
            // Whoever repeats the server's question to a client has asked it as well: it answers from where it is. Nor is
            // its answer worth less for being repeated, while it has not moved.
            Event::Net(NetEvent::Injected { what: Datagram::Replay(earlier), .. }) => {
                match node.direction() {
                    Some(Direction::Down(name)) => {
                        let client = self.client(name);
                        client.is_asked |= client.questions.contains(earlier);
                    }
                    Some(Direction::Up(name)) => {
                        let client = self.client(name);
                        if let Some(hosts) = client.answers.get(earlier).filter(|_| client.is_asked) {
                            client.answered = Some((*at, *hosts));
                        }
                    }
                    None => {}
                }
            }
            Event::Net(NetEvent::Offered { ordinal, length, what, .. }) => {
                self.offered(record, *ordinal, *length, what, found);
            }
            Event::Net(NetEvent::Delivered { ordinal, length, .. }) => match node.direction() {
                Some(Direction::Up(name)) => {
                    let client = self.client(name);
                    client.received += length;
                    // Another copy may follow, and this one may be damaged.
                    if let Some(hosts) = client.answers.get(ordinal) {
                        client.answered = Some((*at, *hosts));
                    }
                }
                Some(Direction::Down(name)) => {
                    let client = self.client(name);
                    client.is_asked |= client.questions.contains(ordinal);
                    if client.unproven.remove(ordinal) {
                        let said = format!(
                            "datagram {ordinal} brought data to {name}'s new address, which is not proven"
                        );
                        found.add(*at, node, ("data_to_unproven_path", said));
                    }
                }
                None => {}
            },
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{Sent, at, core, segment, verdict};

    fn up(length: u64) -> Record {
        at(1, "ann->server", NetEvent::Delivered { ordinal: 1, copy: 0, length })
    }

    fn down(ordinal: u64, length: u64, what: &str) -> Record {
        at(2, "server->ann", NetEvent::offered(ordinal, length, what.parse().expect(what)))
    }

    fn arrives(ordinal: u64) -> Record {
        at(3, "server->ann", NetEvent::Delivered { ordinal, copy: 0, length: 9 })
    }

    fn state(node: &str, to: TransferState) -> Record {
        state_at(2, node, to)
    }

    fn state_at(millis: u64, node: &str, to: TransferState) -> Record {
        core(millis, node, CoreEvent::StateChanged { from: TransferState::SynSent, to })
    }

    fn moved(to: &'static str) -> Record {
        let [from, to] = ["10.0.0.2:1", to].map(|it| it.parse().expect("an address"));
        at(2, "ann", RunEvent::Rebound { from, to })
    }

    fn said_by_client(millis: u64, ordinal: u64, what: &str) -> Record {
        at(millis, "ann->server", NetEvent::offered(ordinal, 50, what.parse().expect(what)))
    }

    fn heard_by_server(millis: u64, ordinal: u64) -> Record {
        at(millis, "ann->server", NetEvent::Delivered { ordinal, copy: 0, length: 50 })
    }

    /// A question reaches the client, which answers.
    fn handshake() -> [Record; 6] {
        [
            up(100),
            state("ann", TransferState::Confirming),
            down(90, 50, "syn-ack"),
            arrives(90),
            said_by_client(3, 80, "confirm"),
            heard_by_server(3, 80),
        ]
    }

    /// A client that has moved answers the challenge from where it is now.
    fn proof() -> [Record; 5] {
        [
            down(1, 9, "path-challenge"),
            arrives(1),
            said_by_client(3, 81, "path-response"),
            heard_by_server(4, 81),
            core(4, "server", CoreEvent::PathValidated),
        ]
    }

    fn sent(millis: u64, cwnd: u64) -> Record {
        segment(millis, Sent { cwnd, ..Sent::default() })
    }

    #[test]
    fn as_much_as_came_may_go_before_the_proof_and_anything_after() {
        let records =
            [&handshake()[..], &[state("server", TransferState::Sending), down(2, 1_000, "data@0")]].concat();
        assert_eq!(verdict(Paths::new(), &records), Vec::<String>::new());
        let said = verdict(Paths::new(), &[up(100), down(1, 101, "syn-ack")]);
        assert!(said[0].ends_with("ann, who has proven nothing, was sent 101 bytes and has sent 100"));
    }

    #[test]
    fn data_at_a_new_address_before_its_proof_is_found() {
        let begin =
            [&handshake()[..], &[state("server", TransferState::Sending), moved("10.0.0.3:1")]].concat();
        let right = [&begin[..], &proof(), &[down(2, 9, "data@0"), arrives(2)]].concat();
        assert_eq!(verdict(Paths::new(), &right), Vec::<String>::new());
        // What goes to the old address arrives nowhere.
        let wrong = [down(1, 9, "data@0"), down(2, 9, "data@0"), arrives(2)];
        let said = verdict(Paths::new(), &[&begin[..], &wrong[..]].concat());
        assert_eq!(said.len(), 1);
        assert!(said[0].ends_with("datagram 2 brought data to ann's new address, which is not proven"));
    }

    #[test]
    fn an_answer_to_no_question_proves_nothing() {
        let begin =
            [&handshake()[..], &[state("server", TransferState::Sending), moved("10.0.0.3:1")]].concat();
        let validated = core(9, "server", CoreEvent::PathValidated);
        let answer = [said_by_client(8, 81, "path-response"), heard_by_server(9, 81)];
        for unasked in [&answer[..], &[]] {
            let said =
                verdict(Paths::new(), &[&begin[..], unasked, core::slice::from_ref(&validated)].concat());
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(said[0].ends_with("is taken as proven, and no answer came from there"));
        }
    }

    #[test]
    fn an_answer_to_a_question_that_somebody_repeats_is_a_proof() {
        let what: Datagram = "replay:90".parse().expect("a datagram");
        let records = [
            state("ann", TransferState::Confirming),
            up(100),
            down(90, 50, "syn-ack"),
            at(2, "server->ann", NetEvent::Injected { ordinal: 1 << 32, length: 50, what }),
            said_by_client(3, 80, "confirm"),
            heard_by_server(4, 80),
            state_at(4, "server", TransferState::Sending),
        ];
        assert_eq!(verdict(Paths::new(), &records), Vec::<String>::new());
    }

    #[test]
    fn the_window_begins_anew_on_another_host_and_goes_on_behind_another_port() {
        let moves = |to, cwnd| {
            let begin =
                [&handshake()[..], &[state("server", TransferState::Sending), sent(3, 4_000), moved(to)]]
                    .concat();
            verdict(Paths::new(), &[&begin[..], &proof(), &[sent(4, cwnd)]].concat())
        };
        assert_eq!(moves("10.0.0.2:2", 8_000), Vec::<String>::new());
        assert_eq!(moves("10.0.0.3:1", 4_000), Vec::<String>::new());
        assert!(
            moves("10.0.0.3:1", 8_000)[0].ends_with("the new host is 8000, and the first of all was 4000")
        );
    }
}
