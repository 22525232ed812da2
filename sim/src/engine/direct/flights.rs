//! Datagrams on their way, and those that have arrived and were not read yet.

use std::net::SocketAddrV4;

use backchat_core::time::Instant;
use backchat_core::wire::{Packet, SegmentBatch};
use bytes::Bytes;

use crate::engine::contents::{Contents, FileIndex};
use crate::engine::network::{Arrivals, CHARGE, Flight, Offload};

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

/// Every copy on its way. A place is used again when its datagram was read, so that the most at a time is what is
/// allocated.
#[derive(Debug, Default)]
pub(super) struct Flights {
    places: Vec<Option<Flying>>,
    free: Vec<FlightIndex>,
}

impl Flights {
    pub(super) fn add(&mut self, flying: Flying) -> FlightIndex {
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

    /// A datagram is taken: it is shown to `look` where it lies, for moving it costs more than looking at it, and its
    /// place is free.
    pub(super) fn take<R>(&mut self, index: FlightIndex, look: impl FnOnce(&Flying) -> R) -> Option<R> {
        let place = self.places.get_mut(index as usize)?;
        let seen = look(place.as_ref()?);
        *place = None;
        self.free.push(index);
        Some(seen)
    }

    /// Those that are still on their way.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Flight> {
        self.places.iter().flatten().filter_map(|flying| flying.flight.as_ref())
    }
}

/// A socket's receive buffer.
#[derive(Debug)]
pub(super) struct Inbox {
    waiting: Arrivals<FlightIndex>,
    /// As the system counts them.
    held: usize,
    room: usize,
}

impl Inbox {
    /// Of no socket yet.
    pub(super) fn new(offload: Offload) -> Self {
        Self { waiting: Arrivals::new(offload), held: 0, room: 0 }
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
                flights.take(index, |_| ());
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

    /// Takes the oldest datagram and those that are brought with it, as [`Flights::take`] does; answers how many they
    /// were. Empty ones are not shown: [`backchat::net::Batch`] leaves them out.
    pub(super) fn take(&mut self, flights: &mut Flights, mut look: impl FnMut(&Flying)) -> usize {
        let held = &mut self.held;
        self.waiting.take(|index| {
            flights.take(index, |taken| {
                *held -= taken.length + CHARGE;
                if taken.length > 0 {
                    look(taken);
                }
            });
        })
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
        let mut shown = Vec::new();
        let counts = [(); 3].map(|()| inbox.take(&mut flights, |taken| shown.push(taken.length)));
        assert_eq!((counts, shown), ([1, 1, 0], vec![5]));
    }
}
