//! Datagrams on their way, and those that have arrived and were not read yet.

use std::net::SocketAddrV4;
use std::ops::Range;

use backchat::driver::outside::Arrivals;
use backchat_core::node::{self, Path};
use backchat_core::time::Instant;
use backchat_core::wire::{Body, DATA_HEADER_LEN, Packet, SegmentBatch};
use bytes::Bytes;

use crate::engine::contents::{Contents, FileIndex};
use crate::engine::network::{self, CHARGE, Flight, Offload};
use crate::engine::pieces::Part;

/// A place among the datagrams on their way; used again when the datagram is there.
pub(super) type FlightIndex = u32;

/// What a datagram consists of.
#[derive(Clone, Debug)]
pub(super) enum Datagram {
    /// One of ours, undamaged: what it says, and of which file its bytes are. They are those that it says.
    Packet(Packet, Option<FileIndex>),
    /// Bytes: somebody has damaged or invented it, or bytes were asked for.
    Bytes(Bytes),
}

/// What fills a packet that is sent.
#[derive(Clone, Debug)]
pub(super) enum Filling {
    /// It has no bytes of a file.
    Nothing,
    /// The bytes of this file that it says.
    Of(FileIndex),
    /// It was filled already, and sealed.
    Sealed(Vec<u8>),
}

/// The segment that a packet with data is, as one that can be written.
pub(super) fn segment(packet: &Packet) -> Option<SegmentBatch> {
    SegmentBatch::of(packet)
}

/// The bytes of a datagram.
pub(super) fn bytes_of(packet: &Packet, filling: &Filling, contents: &Contents) -> Vec<u8> {
    let mut bytes = Vec::new();
    match (filling, segment(packet)) {
        (Filling::Sealed(sealed), _) => bytes.clone_from(sealed),
        (Filling::Of(file), Some(segment)) => segment.write_into(&mut bytes, |range, place| {
            let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            if let Some(from) = range.and_then(|(start, end)| contents.bytes(*file).get(start..end)) {
                place.copy_from_slice(from);
            }
        }),
        (Filling::Nothing | Filling::Of(_), _) => packet.write_into(&mut bytes),
    }
    bytes
}

/// A copy on its way, or in a receive buffer.
#[derive(Clone, Debug)]
pub(super) struct Flying {
    /// Whose it is, and where it goes; `None`: nobody sent it, or it has arrived.
    pub(super) flight: Option<Flight>,
    /// Where it comes from.
    pub(super) from: SocketAddrV4,
    /// Bytes of UDP payload.
    pub(super) length: usize,
    /// What arrives.
    pub(super) datagram: Datagram,
}

/// Every copy on its way. A place and a box are used again when the datagram was read, so that the most at a time is
/// what is allocated; and a datagram stays where it is from the moment it is sent until it was read.
#[derive(Debug, Default)]
pub(super) struct Flights {
    places: Vec<Option<Box<Flying>>>,
    free: Vec<FlightIndex>,
    #[expect(clippy::vec_box, reason = "a box is handed on with what is in it")]
    boxes: Vec<Box<Flying>>,
}

impl Flights {
    pub(super) fn add(&mut self, flying: Flying) -> FlightIndex {
        let flying = match self.boxes.pop() {
            Some(mut used) => {
                *used = flying;
                used
            }
            None => Box::new(flying),
        };
        if let Some(index) = self.free.pop() {
            if let Some(place) = self.places.get_mut(index as usize) {
                *place = Some(flying);
            }
            return index;
        }
        self.places.push(Some(flying));
        u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
    }

    /// A copy is at its end: what it was on its way as, and its length. It stays until it is taken.
    pub(super) fn land(&mut self, index: FlightIndex) -> Option<(Flight, usize)> {
        let flying = self.places.get_mut(index as usize)?.as_mut()?;
        flying.flight.take().map(|flight| (flight, flying.length))
    }

    /// A datagram is taken, and its place is free.
    pub(super) fn take(&mut self, index: FlightIndex) -> Option<Box<Flying>> {
        let taken = self.places.get_mut(index as usize)?.take()?;
        self.free.push(index);
        Some(taken)
    }

    /// Takes back a datagram that was read, for its memory.
    pub(super) fn recycle(&mut self, read: Box<Flying>) {
        self.boxes.push(read);
    }

    /// Those that are still on their way.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.places.iter().flatten().filter_map(|flying| flying.flight.as_ref())
    }
}

/// Groups of datagrams that one receive brings at most, as many as over sockets.
const GROUPS_MAX: usize = 8;

/// Datagrams that were received together.
#[derive(Debug, Default)]
pub(super) struct Received {
    #[expect(clippy::vec_box, reason = "boxes are moved, and what is in them is not")]
    datagrams: Vec<Box<Flying>>,
    /// Where each group ends among them.
    ends: Vec<usize>,
}

impl Received {
    /// Those that were put in since the last group are one, if there are any.
    fn end_group(&mut self) {
        if self.datagrams.len() > self.ends.last().copied().unwrap_or(0) {
            self.ends.push(self.datagrams.len());
        }
    }

    /// Returns true if nothing was received.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Box<Flying>> {
        self.ends.clear();
        self.datagrams.drain(..)
    }

    fn group(&self, group: usize) -> &[Box<Flying>] {
        let start = group.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.datagrams[start..self.ends[group]]
    }

    /// These bytes of a datagram, as a part of a file.
    pub(super) fn part<'a>(
        &'a self,
        group: usize,
        datagram: usize,
        bytes: Range<usize>,
        contents: &'a Contents,
    ) -> Option<Part<'a>> {
        match &self.group(group).get(datagram)?.datagram {
            Datagram::Packet(Packet { body: Body::Data { offset, length, .. }, .. }, Some(file)) => {
                let start = bytes.start.checked_sub(DATA_HEADER_LEN)?;
                let end = bytes.end.checked_sub(DATA_HEADER_LEN).filter(|end| *end <= *length)?;
                let count = end.checked_sub(start)? as u64;
                Some(Part::Of { file: contents.source(*file)?, at: offset + start as u64, length: count })
            }
            Datagram::Packet(..) => None,
            Datagram::Bytes(all) => all.get(bytes).map(Part::Bytes),
        }
    }
}

impl Arrivals for Received {
    fn groups(&self) -> usize {
        self.ends.len()
    }

    fn path(&self, group: usize) -> Path {
        Path { remote: self.group(group)[0].from.into(), local: None }
    }

    fn datagrams(&self, group: usize) -> impl Iterator<Item = node::Datagram<'_>> {
        self.group(group).iter().map(|received| match &received.datagram {
            Datagram::Packet(packet, _) => node::Datagram::Packet { packet, length: received.length },
            Datagram::Bytes(bytes) => node::Datagram::Bytes(bytes),
        })
    }
}

/// A socket's receive buffer.
#[derive(Debug)]
pub(super) struct Inbox {
    waiting: network::Arrivals<FlightIndex>,
    /// As the system counts them.
    held: usize,
    room: usize,
}

impl Inbox {
    /// Of no socket yet.
    pub(super) fn new(offload: Offload) -> Self {
        Self { waiting: network::Arrivals::new(offload), held: 0, room: 0 }
    }

    /// A socket is bound whose buffer holds so many bytes, as the system counts them.
    pub(super) fn open(&mut self, room: usize) {
        self.room = room;
    }

    /// The socket is gone: nobody reads what is in it.
    pub(super) fn close(&mut self, flights: &mut Flights) {
        self.held = 0;
        while !self.waiting.is_empty() {
            self.waiting.take(|index| {
                if let Some(unread) = flights.take(index) {
                    flights.recycle(unread);
                }
            });
        }
    }

    /// Puts a datagram of `length` bytes in; whether it fitted.
    pub(super) fn put(
        &mut self,
        now: Instant,
        from: SocketAddrV4,
        index: FlightIndex,
        length: usize,
    ) -> bool {
        let fits = self.held + length + CHARGE <= self.room;
        if fits {
            self.held += length + CHARGE;
            self.waiting.push(index, from, now, length);
        }
        fits
    }

    /// Takes the oldest datagram and those that are brought with it, as one group. Empty ones are thrown away, as
    /// [`backchat::net::Batch`] does.
    fn take(&mut self, flights: &mut Flights, into: &mut Received) {
        let held = &mut self.held;
        self.waiting.take(|index| {
            let Some(taken) = flights.take(index) else { return };
            *held -= taken.length + CHARGE;
            if taken.length > 0 {
                into.datagrams.push(taken);
            } else {
                flights.recycle(taken);
            }
        });
        into.end_group();
    }

    /// Takes what one receive brings: the groups that have arrived, eight of them at most.
    pub(super) fn receive(&mut self, flights: &mut Flights, into: &mut Received) {
        while into.ends.len() < GROUPS_MAX && !self.is_empty() {
            self.take(flights, into);
        }
    }

    /// Whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn an_empty_datagram_takes_room_and_is_not_shown() {
        let (mut flights, mut inbox) = (Flights::default(), Inbox::new(Offload::Batches));
        let from = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1);
        inbox.open(2 * CHARGE + 5);
        for (length, fits) in [(0, true), (5, true), (0, false)] {
            let datagram = Datagram::Bytes(vec![7; length].into());
            let index = flights.add(Flying { flight: None, from, length, datagram });
            assert_eq!(inbox.put(Instant::ZERO, from, index, length), fits, "{length}");
        }
        let mut received = Received::default();
        inbox.receive(&mut flights, &mut received);
        assert!(inbox.is_empty());
        assert_eq!(received.drain().map(|taken| taken.length).collect::<Vec<_>>(), [5]);
    }
}
