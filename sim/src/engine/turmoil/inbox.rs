//! What has arrived at a socket and was not read yet: its receive buffer.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::sync::{Mutex, PoisonError};

use backchat_core::time::Instant;
use bytes::Bytes;
use tokio::sync::Notify;

use crate::engine::network::{CHARGE, Coalescing, Offload};

/// A socket's receive buffer.
#[derive(Debug)]
pub(super) struct Inbox {
    held: Mutex<Held>,
    /// The bytes that fit, as the system counts them.
    room: usize,
    arrived: Notify,
}

#[derive(Debug)]
struct Held {
    waiting: VecDeque<Waiting>,
    coalescing: Coalescing,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    from: SocketAddrV4,
    bytes: Bytes,
    /// Whether it is brought with the one before it.
    joins: bool,
}

/// Datagrams that are brought together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brought {
    pub(super) from: SocketAddrV4,
    /// Bytes of all.
    pub(super) length: usize,
    /// Bytes of each but the last.
    pub(super) stride: usize,
}

impl Inbox {
    /// Empty, with room for so many bytes.
    pub(super) fn new(room: usize, offload: Offload) -> Self {
        let held = Held { waiting: VecDeque::new(), coalescing: Coalescing::new(offload), bytes: 0 };
        Self { held: Mutex::new(held), room, arrived: Notify::new() }
    }

    /// Whether a datagram of this length would fit.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.lock().bytes + length + CHARGE <= self.room
    }

    /// Puts a datagram in that arrives at `at`, and wakes the reader; whether it fitted.
    pub(super) fn put(&self, at: Instant, from: SocketAddrV4, bytes: Bytes) -> bool {
        let fits = self.has_room(bytes.len());
        if fits {
            let mut held = self.lock();
            held.bytes += bytes.len() + CHARGE;
            let joins = held.coalescing.joins(from, at, bytes.len());
            held.waiting.push_back(Waiting { from, bytes, joins });
            drop(held);
            self.arrived.notify_one();
        }
        fits
    }

    /// Puts the oldest datagram, and those that are brought with it, into `place`, one behind the other.
    pub(super) fn take(&self, place: &mut [u8]) -> Option<Brought> {
        let mut held = self.lock();
        let mut brought: Option<Brought> = None;
        while let Some(next) = held.waiting.pop_front_if(|next| next.joins || brought.is_none()) {
            held.bytes -= next.bytes.len() + CHARGE;
            let to = brought.get_or_insert(Brought { from: next.from, length: 0, stride: next.bytes.len() });
            let end = to.length + next.bytes.len();
            if let Some(place) = place.get_mut(to.length..end) {
                place.copy_from_slice(&next.bytes);
                to.length = end;
            }
        }
        brought
    }

    /// Whether there is nothing to read.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// Waits until something was put in.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
