//! What becomes of a datagram that is sent.

use std::net::SocketAddrV4;

use backchat_core::time::Instant;
use backchat_core::wire::{Body, Packet};
use bytes::Bytes;

use super::{ClientIndex, Network, Way};
use crate::link::{Copy, Departure, DropReason, Offered, Verdict};
use crate::trace::event::{Acknowledges, Harm};
use crate::trace::{NetEvent, Node};

/// A copy of a datagram on its way.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Flight {
    /// Whose path.
    pub(in crate::engine) client: ClientIndex,
    /// In which direction.
    pub(in crate::engine) way: Way,
    /// The datagram's number in that direction.
    pub(in crate::engine) ordinal: u64,
    /// Which copy of it.
    pub(in crate::engine) copy: u8,
    /// A queue has marked it: congestion was experienced.
    pub(in crate::engine) is_marked: bool,
    /// Where it came from.
    pub(in crate::engine) from: SocketAddrV4,
    /// Where it goes to.
    pub(in crate::engine) to: SocketAddrV4,
}

/// A datagram, by its direction and its number there.
pub(in crate::engine) type SentId = (ClientIndex, Way, u64);

/// A datagram that was offered to its direction, or has left a queue where it waited.
pub(in crate::engine) struct Sent {
    /// Which.
    pub(in crate::engine) id: SentId,
    /// When that happened.
    pub(in crate::engine) at: Instant,
    /// A fault will replay it: [`Network::keep`] its bytes.
    pub(in crate::engine) keep: bool,
    /// A queue has marked it.
    is_marked: bool,
    /// What arrives, if anything does. What is queued is to be held, until [`Network::poll_departure`] says more.
    pub(in crate::engine) verdict: Verdict,
}

impl Sent {
    /// One of its copies, as it is on its way.
    pub(in crate::engine) fn flight(&self, copy: &Copy, from: SocketAddrV4, to: SocketAddrV4) -> Flight {
        let Self { id: (client, way, ordinal), is_marked, .. } = *self;
        Flight { client, way, ordinal, copy: copy.number, is_marked, from, to }
    }
}

impl<S> Network<S> {
    /// A datagram of `length` bytes is sent; `packet` is what it is, if it is one of ours. `None`: nobody in this world
    /// was ever there.
    pub(in crate::engine) fn offer(
        &mut self,
        now: Instant,
        (from, to): (SocketAddrV4, SocketAddrV4),
        length: usize,
        packet: Option<&Packet>,
    ) -> Option<Sent> {
        let (client, way) = match (self.sockets.owner(from), self.sockets.owner(to)) {
            (Some(client), _) => (client, Way::Up),
            (None, Some(client)) => (client, Way::Down),
            (None, None) => return None,
        };
        self.datagrams += 1;
        let it = self.clients.get_mut(client.0)?;
        let passing = packet.map(|packet| it.names.passing(packet));
        let what = it.names.name_of(way, passing.as_ref());
        let direction = match way {
            Way::Up => &it.up,
            Way::Down => &it.down,
        };
        let (node, link) = (direction.name, direction.link);
        let Offered { ordinal, keep, verdict, .. } =
            self.topology.offer(now, link, length, passing.as_ref())?;
        let length = length as u64;
        let ack = packet.and_then(|packet| match &packet.body {
            Body::Ack(ack) | Body::Confirm(_, ack) => Some(ack),
            _ => None,
        });
        let acknowledges = ack.map(|it| Acknowledges { ack: it.ack, limit: it.limit, paused: it.paused });
        self.recorder.add(now, node, NetEvent::Offered { ordinal, length, what, acknowledges });
        self.tell(now, node, ordinal, &verdict);
        Some(Sent { id: (client, way, ordinal), at: now, keep, is_marked: false, verdict })
    }

    /// When [`Self::poll_departure`] has something to do next.
    pub(in crate::engine) fn next_departure(&self) -> Option<Instant> {
        self.topology.next_departure()
    }

    /// The next datagram that waited, and over which something was decided by `now`. Ask until there is none; nothing may be
    /// sent any more at an earlier time.
    pub(in crate::engine) fn poll_departure(&mut self, now: Instant) -> Option<Sent> {
        let Departure { link, ordinal, decided, is_marked, verdict, .. } =
            self.topology.poll_departure(now)?;
        // A client's directions are neighbours, upward first.
        let (client, way) = (ClientIndex(link.0 / 2), if link.0 % 2 == 0 { Way::Up } else { Way::Down });
        let node = self.direction(client, way).map_or(Node::SIM, |direction| direction.name);
        self.tell(decided, node, ordinal, &verdict);
        Some(Sent { id: (client, way, ordinal), at: decided, keep: false, is_marked, verdict })
    }

    /// Records what becomes of a datagram, as far as that is more than that it arrives.
    fn tell(&mut self, at: Instant, node: Node, ordinal: u64, verdict: &Verdict) {
        match verdict {
            Verdict::Dropped(reason) => {
                self.recorder.add(at, node, NetEvent::Dropped { ordinal, copy: 0, reason: *reason });
            }
            Verdict::Passed(copies) if copies.len() > 1 => {
                let extra = copies.len() as u64 - 1;
                self.recorder.add(at, node, NetEvent::Duplicated { ordinal, extra });
            }
            Verdict::Passed(_) | Verdict::Queued => {}
        }
    }

    /// The bytes of a datagram that a fault will replay.
    pub(in crate::engine) fn keep(&mut self, sent: &Sent, datagram: Bytes) {
        let (client, way, ordinal) = sent.id;
        if let Some(direction) = self.direction(client, way) {
            direction.kept.insert(ordinal, datagram);
        }
    }

    /// A copy was damaged, and so many bytes of it are left.
    pub(in crate::engine) fn damaged(&mut self, sent: &Sent, copy: &Copy, length: usize) {
        let (client, way, ordinal) = sent.id;
        let Some(direction) = self.direction(client, way) else { return };
        let how = if copy.damage.is_truncated() { Harm::Truncate } else { Harm::Corrupt };
        let (copy, length) = (u64::from(copy.number), length as u64);
        let name = direction.name;
        self.recorder.add(sent.at, name, NetEvent::Damaged { ordinal, copy, how, length });
    }

    /// A copy of so many bytes came to its end: it was taken, or why it was not.
    pub(in crate::engine) fn arrived(
        &mut self,
        now: Instant,
        flight: &Flight,
        length: usize,
        taken: Result<(), DropReason>,
    ) {
        let number = (flight.ordinal, u64::from(flight.copy));
        self.came_to_its_end(now, (flight.client, flight.way), number, length, taken);
        if flight.is_marked
            && taken.is_ok()
            && let Some(direction) = self.direction(flight.client, flight.way)
        {
            let (node, (ordinal, copy)) = (direction.name, number);
            self.recorder.add(now, node, NetEvent::CongestionExperienced { ordinal, copy });
        }
    }

    /// As [`Self::arrived`], for whatever has an ordinal.
    pub(super) fn came_to_its_end(
        &mut self,
        now: Instant,
        (client, way): (ClientIndex, Way),
        (ordinal, copy): (u64, u64),
        length: usize,
        taken: Result<(), DropReason>,
    ) {
        let Some(direction) = self.direction(client, way) else { return };
        let (name, id) = (direction.name, direction.link);
        let Some(link) = self.topology.link(id) else { return };
        let event = match taken {
            Ok(()) => {
                link.on_delivered();
                NetEvent::Delivered { ordinal, copy, length: length as u64 }
            }
            Err(reason) => {
                link.on_undelivered(reason);
                NetEvent::Dropped { ordinal, copy, reason }
            }
        };
        self.recorder.add(now, name, event);
    }
}
