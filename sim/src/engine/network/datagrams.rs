//! What becomes of a datagram that is sent.

use std::net::SocketAddrV4;

use backchat_core::time::Instant;
use backchat_core::wire::{Body, Packet};
use bytes::Bytes;

use super::{ClientIndex, Network, Way};
use crate::link::{Copies, Copy, DropReason, Offered, Verdict};
use crate::trace::{Added, Event, Name};

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
    /// Where it came from.
    pub(in crate::engine) from: SocketAddrV4,
    /// Where it goes to.
    pub(in crate::engine) to: SocketAddrV4,
}

/// A datagram that was offered to its direction.
pub(in crate::engine) struct Sent {
    /// Whose path.
    pub(in crate::engine) client: ClientIndex,
    /// In which direction.
    pub(in crate::engine) way: Way,
    /// Its number in that direction.
    pub(in crate::engine) ordinal: u64,
    /// A fault will replay it: [`Network::keep`] its bytes.
    pub(in crate::engine) keep: bool,
    /// What arrives; `None`: nothing.
    pub(in crate::engine) copies: Option<Copies>,
}

impl Sent {
    /// One of its copies, as it is on its way.
    pub(in crate::engine) fn flight(&self, copy: &Copy, from: SocketAddrV4, to: SocketAddrV4) -> Flight {
        let Self { client, way, ordinal, .. } = *self;
        Flight { client, way, ordinal, copy: copy.number, from, to }
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
            Way::Up => &mut it.up,
            Way::Down => &mut it.down,
        };
        let offered = direction.link.offer(now, length, passing.as_ref());
        let Offered { ordinal, keep, verdict, .. } = offered;
        let node = direction.name;
        let length = length as u64;
        let ack = packet.and_then(|packet| match &packet.body {
            Body::Ack(ack) | Body::Confirm(_, ack) => Some(ack),
            _ => None,
        });
        let (limit, paused) = (Added(ack.map(|it| it.limit)), Added(ack.map(|it| it.paused)));
        let ack = Added(ack.map(|it| it.ack));
        self.recorder.add(now, node, Event::Offered { ordinal, length, what, ack, limit, paused });
        let copies = match verdict {
            Verdict::Dropped(reason) => {
                let reason = Name::of(reason.name());
                self.recorder.add(now, node, Event::NetDropped { ordinal, copy: 0, reason });
                None
            }
            Verdict::Passed(copies) => {
                if copies.len() > 1 {
                    let extra = copies.len() as u64 - 1;
                    self.recorder.add(now, node, Event::Duplicated { ordinal, extra });
                }
                Some(copies)
            }
        };
        Some(Sent { client, way, ordinal, keep, copies })
    }

    /// The bytes of a datagram that a fault will replay.
    pub(in crate::engine) fn keep(&mut self, sent: &Sent, datagram: Bytes) {
        if let Some(direction) = self.direction(sent.client, sent.way) {
            direction.kept.insert(sent.ordinal, datagram);
        }
    }

    /// A copy was damaged, and so many bytes of it are left.
    pub(in crate::engine) fn damaged(&mut self, now: Instant, sent: &Sent, copy: &Copy, length: usize) {
        let Some(direction) = self.direction(sent.client, sent.way) else { return };
        let how = Name::of(if copy.damage.is_truncated() { "truncate" } else { "corrupt" });
        let (ordinal, copy, length) = (sent.ordinal, u64::from(copy.number), length as u64);
        let name = direction.name;
        self.recorder.add(now, name, Event::Damaged { ordinal, copy, how, length });
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
        let event = match taken {
            Ok(()) => {
                direction.link.on_delivered();
                Event::Delivered { ordinal, copy, length: length as u64 }
            }
            Err(reason) => {
                direction.link.on_undelivered(reason);
                Event::NetDropped { ordinal, copy, reason: Name::of(reason.name()) }
            }
        };
        let name = direction.name;
        self.recorder.add(now, name, event);
    }
}
