//! The outside that consists of sockets, files and tokio's timer: the network that people have, or a simulated one
//! that offers the same calls ([`crate::net`]).
//!
//! - `server`, `client`: what each of the two has beside the sockets.
//! - `streams`: many chat connections in one task. `datagrams`: sending by the batch. `alarm`: one timer, kept.

mod alarm;
pub(super) mod client;
mod datagrams;
pub(super) mod server;
mod streams;

use std::io::{self, IoSlice};
use std::ops::Range;
use std::task::{Context, Poll, ready};

use backchat_core::chat::StreamId;
use backchat_core::node::{Datagram, Path, Transmit};
use backchat_core::time::{Instant, UnixTime};
use backchat_core::wire::TransferId;

pub use self::alarm::Alarm;
use self::datagrams::Outgoing;
use self::streams::Streams;
use super::outside::{Arrivals, Connections, Datagrams, Read, Sent, Timer, Write};
use crate::files::NotHeld;
use crate::net::{Batch, Clock, Stream, Udp};

/// Sockets and a timer, for a server or a client: `role` has what the two do not share.
pub(super) struct Sockets<U, S, C, R> {
    clock: C,
    alarm: Alarm,
    /// A client has none while nothing is downloaded.
    udp: Option<U>,
    outgoing: Outgoing,
    /// `None` while the loop has it.
    batch: Option<Batch>,
    streams: Streams<S>,
    role: R,
}

/// Where the bytes of segments come from.
pub(super) trait Fill {
    /// Copies a range of a transfer's file.
    fn fill(&self, transfer: TransferId, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld>;
}

impl<U: Udp, S: Stream, C: Clock, R> Sockets<U, S, C, R> {
    fn new(clock: C, udp: Option<U>, role: R) -> Self {
        Self {
            clock,
            alarm: Alarm::default(),
            udp,
            outgoing: Outgoing::new(),
            batch: None,
            streams: Streams::new(),
            role,
        }
    }
}

impl<U, S, C: Clock, R> Timer for Sockets<U, S, C, R> {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn wall(&self) -> UnixTime {
        self.clock.wall()
    }

    fn poll_sleep(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<()> {
        match until {
            // At once, without the timer's granularity: there may be more to send.
            Some(until) if until <= self.clock.now() => Poll::Ready(()),
            Some(until) => self.alarm.poll(cx, self.clock.to_tokio(until)),
            None => Poll::Pending,
        }
    }
}

impl<U: Udp, S, C, R: Fill> Datagrams for Sockets<U, S, C, R> {
    type Arrivals = Batch;

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Batch>> {
        let Some(udp) = &mut self.udp else { return Poll::Pending };
        let batch = self.batch.get_or_insert_default();
        loop {
            match udp.try_recv(batch) {
                // Nothing of ours is empty, and an empty batch is none.
                Ok(()) if batch.is_empty() => {}
                Ok(()) => return Poll::Ready(Ok(self.batch.take().unwrap_or_default())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready!(udp.poll_readable(cx))?,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    fn recycle(&mut self, arrivals: Batch) {
        self.batch = Some(arrivals);
    }

    fn send(&mut self, transmit: Transmit) -> Sent {
        let Self { udp: Some(udp), outgoing, role, .. } = self else { return Sent::Broken };
        let transfer = match &transmit {
            Transmit::Segments { batch, .. } => Some(batch.transfer()),
            Transmit::Packet { .. } => None,
        };
        outgoing.send(udp, transmit, |range, place| match transfer {
            Some(transfer) => role.fill(transfer, range, place),
            None => Err(NotHeld),
        })
    }

    fn is_blocked(&self) -> bool {
        self.outgoing.is_blocked()
    }

    fn poll_unblocked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(udp) = &mut self.udp else { return Poll::Pending };
        while self.outgoing.resume(udp) == Sent::Blocked {
            ready!(udp.poll_writable(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    fn datagrams_lost(&self) -> u64 {
        self.outgoing.lost()
    }
}

impl Arrivals for Batch {
    fn groups(&self) -> usize {
        self.len()
    }

    fn path(&self, group: usize) -> Path {
        self.group(group).path
    }

    fn datagrams(&self, group: usize) -> impl Iterator<Item = Datagram<'_>> {
        let group = self.group(group);
        Datagram::each(group.bytes, group.stride)
    }
}

impl<U, S: Stream, C, R> Connections for Sockets<U, S, C, R> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<StreamId> {
        self.streams.poll_ready(cx)
    }

    fn queue(&mut self, stream: StreamId) {
        self.streams.queue(stream);
    }

    fn read(&mut self, stream: StreamId, buffer: &mut Vec<u8>) -> Read {
        self.streams.read(stream, buffer)
    }

    fn write(&mut self, stream: StreamId, slices: &[IoSlice<'_>]) -> Write {
        self.streams.write(stream, slices)
    }

    fn shut_down(&mut self, stream: StreamId) {
        self.streams.shut_down(stream);
    }

    fn close(&mut self, stream: StreamId) -> bool {
        self.streams.remove(stream).is_some()
    }
}
