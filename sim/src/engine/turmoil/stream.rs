//! A chat connection of a simulated host: turmoil's TCP carries the bytes, and the link says when they may be read.
//!
//! turmoil can hold back only whole hosts, and all clients are on one: so each stretch of bytes goes with the time at
//! which it arrives, and the reader keeps what is early. A blackout is a later time. An end that is closed or killed
//! is learnt of after the link's delay as well, the one as the end of the stream and the other as a reset.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use backchat_core::time::Instant;
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::clock::now;
use super::connection::{ConnectionId, HowGone};
use super::world::World;
use crate::engine::network::{STRETCH_MAX, Way};

/// Before each stretch: when it arrives, and how many bytes it has. None is the end.
const HEAD: usize = 12;

/// One end of a connection.
pub(super) struct SimStream {
    carrier: turmoil::net::TcpStream,
    world: Arc<World>,
    connection: ConnectionId,
    /// The direction that this end writes.
    writes: Way,
    is_shut: bool,
    /// What turmoil has brought of a stretch that is not whole.
    partial: BytesMut,
    /// Stretches, each with its time; an empty one is the end.
    early: VecDeque<(Instant, Bytes)>,
    /// turmoil will bring nothing more.
    is_drained: bool,
    /// Runs until something early is due.
    timer: Option<Pin<Box<Sleep>>>,
    scratch: Box<[u8]>,
}

impl SimStream {
    /// The end that writes `writes`, over a connection that turmoil has made.
    pub(super) fn new(
        carrier: turmoil::net::TcpStream,
        world: Arc<World>,
        connection: ConnectionId,
        writes: Way,
    ) -> Self {
        Self {
            carrier,
            world,
            connection,
            writes,
            is_shut: false,
            partial: BytesMut::new(),
            early: VecDeque::new(),
            is_drained: false,
            timer: None,
            scratch: vec![0; 4096].into_boxed_slice(),
        }
    }

    fn reads(&self) -> Way {
        self.writes.back()
    }

    /// Takes from turmoil what is there.
    fn pump(&mut self, cx: &mut Context<'_>) {
        while !self.is_drained {
            let mut buffer = ReadBuf::new(&mut self.scratch);
            match Pin::new(&mut self.carrier).poll_read(cx, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    self.partial.extend_from_slice(buffer.filled());
                }
                Poll::Ready(Ok(()) | Err(_)) => self.is_drained = true,
            }
        }
        while let Some(head) = self.partial.first_chunk::<HEAD>() {
            let (due, length) = head.split_at(8);
            let due = due.iter().fold(0, |due, byte| due << 8 | u64::from(*byte));
            let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            if self.partial.len() < HEAD + length {
                break;
            }
            self.partial.advance(HEAD);
            let bytes = self.partial.split_to(length).freeze();
            self.early.push_back((Instant::from_nanos(due), bytes));
        }
    }

    /// Sends a stretch; turmoil takes all of it or nothing.
    fn carry(&mut self, cx: &mut Context<'_>, stretch: &[u8], arrival: Instant) -> Poll<io::Result<()>> {
        let length = u32::try_from(stretch.len()).unwrap_or(u32::MAX);
        let mut carried = Vec::with_capacity(HEAD + stretch.len());
        carried.extend_from_slice(&arrival.as_nanos().to_be_bytes());
        carried.extend_from_slice(&length.to_be_bytes());
        carried.extend_from_slice(stretch);
        let taken = ready!(Pin::new(&mut self.carrier).poll_write(cx, &carried))?;
        debug_assert_eq!(taken, carried.len(), "turmoil takes a write whole");
        Poll::Ready(Ok(()))
    }

    /// Whether this end has learnt that the other is gone, by being killed.
    fn check_reset(&self, cx: &mut Context<'_>, now: Instant) -> io::Result<()> {
        let gone = self.world.lock().gone(self.connection, self.reads(), cx.waker());
        match gone {
            Some(gone) if gone.how == HowGone::Reset && gone.at.is_some_and(|at| at <= now) => {
                Err(io::ErrorKind::ConnectionReset.into())
            }
            _ => Ok(()),
        }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            let now = now(&this.world);
            this.pump(cx);
            let mut next = None;
            if let Some((due, bytes)) = this.early.front_mut() {
                if *due > now {
                    next = Some(*due);
                } else if bytes.is_empty() {
                    // It stays the first: the end is the end.
                    return Poll::Ready(Ok(()));
                } else {
                    let count = bytes.len().min(into.remaining());
                    into.put_slice(&bytes.split_to(count));
                    if bytes.is_empty() {
                        this.early.pop_front();
                    }
                    this.world.lock().was_read(this.connection, this.reads(), count);
                    return Poll::Ready(Ok(()));
                }
            }
            this.check_reset(cx, now)?;
            let gone = this.world.lock().gone(this.connection, this.reads(), cx.waker());
            if let Some(gone) = gone.filter(|_| this.early.is_empty()) {
                match gone.at {
                    Some(at) if at <= now && this.is_drained => return Poll::Ready(Ok(())),
                    Some(at) => next = Some(next.map_or(at, |next: Instant| next.min(at))),
                    None => {}
                }
            } else if let Some(gone) = gone.filter(|gone| gone.how == HowGone::Reset)
                && let Some(at) = gone.at
            {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
            let Some(at) = next else { return Poll::Pending };
            // At its time turmoil may still have to bring the end itself: then that wakes us.
            if at <= now {
                return Poll::Pending;
            }
            let mut timer = Box::pin(tokio::time::sleep(at - now));
            let is_due = timer.as_mut().poll(cx).is_ready();
            this.timer = Some(timer);
            if !is_due {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let now = now(&this.world);
        if this.is_shut {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        this.check_reset(cx, now)?;
        let wanted = slices.iter().map(|slice| slice.len()).sum::<usize>().min(STRETCH_MAX);
        let (room, arrival) = {
            let mut world = this.world.lock();
            let room = world.room(this.connection, this.writes, wanted, cx.waker());
            (room, world.arrival(this.connection, this.writes, now))
        };
        if room == 0 && wanted > 0 {
            return Poll::Pending;
        }
        let mut stretch = Vec::with_capacity(room);
        for slice in slices {
            let rest = room - stretch.len();
            stretch.extend_from_slice(slice.get(..rest.min(slice.len())).unwrap_or_default());
        }
        // What can never arrive is taken all the same, as a socket would.
        if let Some(arrival) = arrival {
            match this.carry(cx, &stretch, arrival) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    // turmoil knows at once that the peer is gone; a host learns it later, by its own reading.
                    tracing::debug!(%error, "written to nobody");
                }
                Poll::Pending => {
                    this.world.lock().was_read(this.connection, this.writes, room);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(room))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.is_shut {
            let now = now(&this.world);
            let arrival = this.world.lock().arrival(this.connection, this.writes, now);
            if let Some(arrival) = arrival {
                // A peer that is gone need not be told.
                let _ = ready!(this.carry(cx, &[], arrival));
            }
            this.is_shut = true;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        self.world.lock().close_end(self.connection, self.writes);
    }
}
