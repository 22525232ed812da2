//! What the numbers of one run stand for.
//!
//! A transfer's number is drawn, a session's and a datagram's are counted: in another run they stand for something else,
//! or something else stands for them. Here they become whose they are.

use std::collections::BTreeMap;

use backchat_core::time::Instant;
use backchat_core::wire::{Hash, TransferId};

use super::causes::LinkId;
use crate::trace::field::Value;
use crate::trace::{
    AppEvent, ChatEvent, Datagram, Direction, Event, NetEvent, Node, NodeMap, Record, RunEvent, TransferEvent,
};

/// Whose something is: a client's session, or its how-many-th download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// The client.
    pub client: Node,
    /// Which download of it, from 1; 0: none, but its session.
    pub download: u32,
}

/// A datagram that was offered and of which a copy has not ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) what: Datagram,
    pub(super) at: Instant,
    /// Of an acknowledgment: what the receiver allows, and whether it is paused.
    pub(super) window: Option<(u64, bool)>,
    /// What led to its being sent.
    pub(super) cause: Option<LinkId>,
    copies: u64,
}

/// Datagrams of a direction that are remembered: a path with more under way has forgotten the first.
const SENT_MAX: usize = 1 << 16;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Names {
    sessions: BTreeMap<u64, Node>,
    transfers: BTreeMap<TransferId, Owner>,
    downloads: NodeMap<u32>,
    hashes: BTreeMap<[u8; 32], u64>,
    sent: NodeMap<BTreeMap<u64, Sent>>,
}

impl Names {
    /// Whose session it is, where that was said.
    pub(super) fn session(&self, session: u64) -> Option<Node> {
        self.sessions.get(&session).copied()
    }

    /// Whose download it is, where that was said.
    pub(super) fn transfer(&self, transfer: TransferId) -> Option<Owner> {
        self.transfers.get(&transfer).copied()
    }

    /// A hash's number in the order in which this trace told them.
    pub(super) fn hash(&self, hash: Hash) -> Option<u64> {
        self.hashes.get(&hash.0).copied()
    }

    /// The datagram with this number, while it is under way.
    pub(super) fn sent(&self, direction: Node, ordinal: u64) -> Option<&Sent> {
        self.sent.get(direction)?.get(&ordinal)
    }

    /// Whom an event concerns besides its node.
    pub(super) fn owner(&self, event: &Event) -> Option<Owner> {
        let (mut transfer, mut session) = (None, None);
        event.visit(&mut |name: &'static str, value: Value<'_>| match (name, value) {
            (_, Value::Transfer(id)) => transfer = Some(id),
            ("session", Value::Number(number)) => session = Some(number),
            _ => {}
        });
        let of_session = |number| self.session(number).map(|client| Owner { client, download: 0 });
        transfer.and_then(|id| self.transfer(id)).or_else(|| session.and_then(of_session))
    }

    /// Learns what a record says of numbers that others will have, before anything is asked about it.
    pub(super) fn learn(&mut self, record: &Record) {
        let Record { node, event, .. } = record;
        match event {
            Event::Chat(ChatEvent::Joined { session, nick, .. }) => {
                self.sessions.insert(session.0, Node::new(nick.as_str()));
            }
            Event::Transfer(TransferEvent::Offered { transfer, session, .. }) => {
                let client = self.session(session.0).unwrap_or(*node);
                self.download(*transfer, client);
            }
            Event::Run(RunEvent::FileShared { .. }) | Event::App(AppEvent::DownloadFinished { .. }) => {
                event.visit(&mut |_: &'static str, value: Value<'_>| {
                    if let Value::Hash(hash) = value {
                        let next = self.hashes.len() as u64 + 1;
                        self.hashes.entry(hash.0).or_insert(next);
                    }
                });
            }
            _ => {}
        }
        // A server that was restarted has forgotten whose it was, and so may a trace that was edited.
        event.visit(&mut |_: &'static str, value: Value<'_>| {
            if let Value::Transfer(id) = value
                && !self.transfers.contains_key(&id)
            {
                self.download(id, *node);
            }
        });
    }

    fn download(&mut self, transfer: TransferId, client: Node) {
        let count = self.downloads.get_or(client, || 0);
        *count += 1;
        let owner = Owner { client, download: *count };
        self.transfers.entry(transfer).or_insert(owner);
    }

    /// Learns which datagrams are under way, after everything was asked about a record.
    pub(super) fn follow(&mut self, record: &Record, cause: Option<LinkId>) {
        let Record { at, node, event } = record;
        match event {
            Event::Net(
                NetEvent::Offered { ordinal, what, .. } | NetEvent::Injected { ordinal, what, .. },
            ) => {
                let sent = self.sent.get_or(*node, BTreeMap::new);
                let window = match event {
                    Event::Net(NetEvent::Offered { acknowledges: Some(it), .. }) => {
                        Some((it.limit, it.paused))
                    }
                    _ => None,
                };
                sent.insert(*ordinal, Sent { what: *what, at: *at, window, cause, copies: 1 });
                if sent.len() > SENT_MAX {
                    sent.pop_first();
                }
            }
            Event::Net(NetEvent::Duplicated { ordinal, extra }) => {
                if let Some(it) = self.sent.get_mut(*node).and_then(|sent| sent.get_mut(ordinal)) {
                    it.copies = it.copies.saturating_add(*extra);
                }
            }
            Event::Net(NetEvent::Delivered { ordinal, .. } | NetEvent::Dropped { ordinal, .. }) => {
                let Some(sent) = self.sent.get_mut(*node) else { return };
                let Some(it) = sent.get_mut(ordinal) else { return };
                it.copies -= 1;
                if it.copies == 0 {
                    sent.remove(ordinal);
                }
            }
            _ => {}
        }
    }
}

/// Who sends over a direction, and who receives.
pub(super) fn ends(direction: Node) -> Option<(Node, Node)> {
    direction.direction().map(|it| match it {
        Direction::Up(client) => (client, Node::SERVER),
        Direction::Down(client) => (Node::SERVER, client),
    })
}
