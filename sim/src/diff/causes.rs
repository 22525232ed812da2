//! What led to a record.
//!
//! A trace says when, where and what, and not why; but a sans-IO node does something only when something arrives, runs out
//! or is wanted. So the cause of what a host does is the last of those; the cause of a datagram's arrival is what its sender
//! was doing; that of a timer's running out is what had set it; that of a message shown is that the server took it. Links
//! from record to record are made as a trace is read, and walked back from the one that is asked about.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::time::Instant;
use backchat_core::trace::TransferTimer;
use backchat_core::wire::{Kind, TransferId};

use super::names::{Names, Sent, ends};
use super::subject::Subject;
use crate::link::Identity;
use crate::trace::{
    AppEvent, ChatEvent, CoreEvent, Datagram, Event, NetEvent, Node, NodeMap, Record, RunEvent, TransferEvent,
};

/// Links that are kept. A chain that goes further back has no beginning.
pub const LINKS_MAX: usize = 1 << 16;

/// The most steps of a chain: what led there lately is what explains it.
pub const STEPS_MAX: usize = 12;

/// Arrivals that a host has not spoken of, and messages and transfers whose beginnings are remembered.
const REMEMBERED_MAX: usize = 1 << 12;

/// The number of a link, from 0.
pub(super) type LinkId = u64;

/// Something that led to something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it is about.
    pub subject: Subject,
    /// It.
    pub record: Record,
    /// Of an arrival: what arrived, and when it was sent.
    pub datagram: Option<(Datagram, Instant)>,
    /// Of an acknowledgment's arrival: what the receiver allows, and whether its user has paused.
    pub window: Option<(u64, bool)>,
}

/// A record that is read, and what it is about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) record: &'a Record,
    pub(super) subject: &'a Subject,
}

impl Told<'_> {
    fn step(&self) -> Step {
        Step { subject: self.subject.clone(), record: self.record.clone(), datagram: None, window: None }
    }
}

#[derive(Debug)]
struct Link {
    step: Step,
    cause: Option<LinkId>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Causes {
    links: VecDeque<Link>,
    /// The number of the first that is kept.
    first: LinkId,
    /// What each host does is for this, since then.
    turns: NodeMap<(LinkId, Instant)>,
    /// What has arrived at each host and was not spoken of.
    arrived: NodeMap<VecDeque<LinkId>>,
    timers: BTreeMap<(Node, TransferId, TransferTimer), (Step, Option<LinkId>)>,
    /// What the server did last for each client, what it said under which number, and which transfers it offered.
    served: NodeMap<LinkId>,
    said: BTreeMap<u64, LinkId>,
    offered: BTreeMap<TransferId, LinkId>,
}

impl Causes {
    /// What led to a record, which is the next one.
    pub(super) fn next(&mut self, told: &Told<'_>, names: &Names) -> Option<LinkId> {
        let (record, node) = (told.record, told.record.node);
        if let Some((sender, receiver)) = ends(node) {
            return self.on_the_way(told, names, sender, receiver);
        }
        let turn = self.turn(node, record.at);
        match &record.event {
            Event::Core(
                _,
                CoreEvent::PacketReceived { .. }
                | CoreEvent::Dropped { .. }
                | CoreEvent::SegmentReceived { .. }
                | CoreEvent::SegmentDiscarded { .. },
            ) => {
                let arrived = self.arrival_of(record);
                arrived.inspect(|link| self.begin(node, *link, record.at)).or(turn)
            }
            Event::Core(Some(transfer), CoreEvent::TimerSet { timer, .. }) => {
                let key = (node, *transfer, *timer);
                let cause = self.of_transfer(record, *transfer).or(turn);
                self.timers.insert(key, (told.step(), cause));
                cause
            }
            Event::Core(Some(transfer), CoreEvent::TimerStopped { timer }) => {
                self.timers.remove(&(node, *transfer, *timer));
                turn
            }
            Event::Core(Some(transfer), CoreEvent::TimerExpired { timer }) => {
                let set = self.timers.remove(&(node, *transfer, *timer));
                let cause = set.map(|(step, cause)| self.link(step, cause)).or(turn);
                self.turn_of(told, cause)
            }
            Event::Run(RunEvent::Started { .. }) => {
                self.arrived.get_or(node, VecDeque::new).clear();
                self.turn_of(told, turn)
            }
            Event::Run(RunEvent::Crashed { .. } | RunEvent::Rebound { .. })
            | Event::App(AppEvent::Asked { .. }) => self.turn_of(told, None),
            Event::App(
                AppEvent::Message { number, .. }
                | AppEvent::Private { number, .. }
                | AppEvent::Answered { number: Some(number), .. },
            ) => {
                let cause = self.said.get(number).copied().or(turn);
                self.turn_of(told, cause)
            }
            Event::App(AppEvent::PeerJoined { nick } | AppEvent::PeerLeft { nick, .. }) => {
                let cause = self.served.get(Node::new(nick)).copied();
                self.turn_of(told, cause.or(turn))
            }
            Event::App(AppEvent::Joined { .. } | AppEvent::Refused { .. } | AppEvent::Answered { .. }) => {
                let cause = self.served.get(node).copied();
                self.turn_of(told, cause.or(turn))
            }
            Event::App(AppEvent::Connected) => self.turn_of(told, turn),
            event if node == Node::SERVER && is_of_a_stream(event) => self.of_a_stream(told, names),
            _ => turn,
        }
    }

    /// The chain that ends with `link`, the latest last.
    pub(super) fn chain(&self, link: Option<LinkId>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut next = link;
        while let Some(link) = next.and_then(|link| self.get(link))
            && steps.len() < STEPS_MAX
        {
            steps.push(link.step.clone());
            next = link.cause;
        }
        steps.reverse();
        steps
    }

    /// What a link says of a datagram.
    fn on_the_way(&mut self, told: &Told<'_>, names: &Names, sender: Node, receiver: Node) -> Option<LinkId> {
        let record = told.record;
        match &record.event {
            Event::Net(NetEvent::Offered { .. }) => self.turn(sender, record.at),
            Event::Net(NetEvent::Delivered { ordinal, .. }) => {
                let sent = names.sent(record.node, *ordinal);
                let cause = sent.and_then(|sent| sent.cause);
                let datagram = sent.map(|Sent { what, at, .. }| (*what, *at));
                let window = sent.and_then(|sent| sent.window);
                let link = self.link(Step { datagram, window, ..told.step() }, cause);
                let arrived = self.arrived.get_or(receiver, VecDeque::new);
                arrived.push_back(link);
                if arrived.len() > REMEMBERED_MAX {
                    arrived.pop_front();
                }
                cause
            }
            Event::Net(
                NetEvent::Duplicated { ordinal, .. }
                | NetEvent::Damaged { ordinal, .. }
                | NetEvent::Dropped { ordinal, .. },
            ) => names.sent(record.node, *ordinal)?.cause,
            _ => None,
        }
    }

    /// What the server does for what came over a stream.
    fn of_a_stream(&mut self, told: &Told<'_>, names: &Names) -> Option<LinkId> {
        let record = told.record;
        let client = names.owner(&record.event).map(|owner| owner.client);
        let cause = client.and_then(|client| self.turn(client, record.at));
        let link = self.link(told.step(), cause);
        self.begin(record.node, link, record.at);
        if let Some(client) = client {
            *self.served.get_or(client, || link) = link;
        }
        match &record.event {
            Event::Chat(ChatEvent::Said { number, .. }) => remember(&mut self.said, *number, link),
            Event::Transfer(TransferEvent::Offered { transfer, .. }) => {
                remember(&mut self.offered, *transfer, link);
            }
            _ => {}
        }
        cause
    }

    /// A client that speaks of a transfer for the first time has got its ticket.
    fn of_transfer(&mut self, record: &Record, transfer: TransferId) -> Option<LinkId> {
        if record.node == Node::SERVER {
            return None;
        }
        let link = self.offered.remove(&transfer)?;
        self.begin(record.node, link, record.at);
        Some(link)
    }

    /// What arrived, where a host says what became of it. What it never speaks of is passed over.
    fn arrival_of(&mut self, record: &Record) -> Option<LinkId> {
        let arrived = self.arrived.get(record.node)?;
        let place = arrived.iter().position(|link| {
            let datagram = self.get(*link).and_then(|link| link.step.datagram);
            fits(&record.event, datagram.and_then(|(what, _)| what.identity()))
        })?;
        self.arrived.get_mut(record.node)?.drain(..=place).next_back()
    }

    /// What a host does now is for this. A new instant is one for what has arrived, if it has not been spoken of.
    fn turn(&mut self, node: Node, now: Instant) -> Option<LinkId> {
        let turn = self.turns.get(node).copied();
        let arrived = self.arrived.get(node).and_then(|arrived| arrived.front()).copied();
        match arrived.filter(|_| turn.is_none_or(|(_, since)| since < now)) {
            Some(link) => {
                self.begin(node, link, now);
                Some(link)
            }
            None => turn.map(|(link, _)| link),
        }
    }

    fn begin(&mut self, node: Node, link: LinkId, now: Instant) {
        *self.turns.get_or(node, || (link, now)) = (link, now);
    }

    /// From now on its host does what it does for this record.
    fn turn_of(&mut self, told: &Told<'_>, cause: Option<LinkId>) -> Option<LinkId> {
        let link = self.link(told.step(), cause);
        self.begin(told.record.node, link, told.record.at);
        cause
    }

    fn link(&mut self, step: Step, cause: Option<LinkId>) -> LinkId {
        self.links.push_back(Link { step, cause });
        if self.links.len() > LINKS_MAX {
            self.links.pop_front();
            self.first += 1;
        }
        self.first + self.links.len() as u64 - 1
    }

    fn get(&self, link: LinkId) -> Option<&Link> {
        self.links.get(usize::try_from(link.checked_sub(self.first)?).ok()?)
    }
}

/// Whether a host speaks of this datagram.
fn fits(event: &Event, identity: Option<Identity>) -> bool {
    let Event::Core(_, event) = event else { return false };
    match (event, identity) {
        (CoreEvent::PacketReceived { kind, .. }, Some(it)) => *kind == it.kind,
        (CoreEvent::SegmentReceived { .. } | CoreEvent::SegmentDiscarded { .. }, Some(it)) => {
            it.kind == Kind::Data
        }
        // What cannot be read is dropped.
        (CoreEvent::Dropped { .. }, _) => true,
        _ => false,
    }
}

fn remember<K: Ord>(map: &mut BTreeMap<K, LinkId>, key: K, link: LinkId) {
    map.insert(key, link);
    if map.len() > REMEMBERED_MAX {
        map.pop_first();
    }
}

/// Whether the server does it for what came over a stream, or did not come.
fn is_of_a_stream(event: &Event) -> bool {
    match event {
        Event::Chat(_) | Event::Transfer(TransferEvent::Offered { .. } | TransferEvent::Refused { .. }) => {
            true
        }
        Event::Transfer(TransferEvent::Served { .. })
        | Event::Core(..)
        | Event::Net(_)
        | Event::App(_)
        | Event::Run(_) => false,
    }
}
