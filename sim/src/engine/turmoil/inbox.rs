//! What has arrived at a socket and was not read yet: its receive buffer.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::{Mutex, PoisonError};

use backchat_core::time::Instant;
use bytes::Bytes;
use tokio::sync::Notify;

use super::world::FlightId;
use crate::engine::network::{Arrivals, CHARGE, Offload};

/// A socket's receive buffer.
#[derive(Debug)]
pub(super) struct Inbox {
    held: Mutex<Held>,
    /// The bytes that fit, as the system counts them.
    room: usize,
    arrived: Notify,
    /// Datagrams that may not be seen yet, by their times.
    early: Mutex<BTreeMap<(Instant, FlightId), Bytes>>,
}

#[derive(Debug)]
struct Held {
    waiting: Arrivals<(SocketAddrV4, Bytes)>,
    bytes: usize,
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
        let held = Held { waiting: Arrivals::new(offload), bytes: 0 };
        Self { held: Mutex::new(held), room, arrived: Notify::new(), early: Mutex::default() }
    }

    /// A datagram will be here at its time, and no earlier; its reader is told.
    pub(super) fn expect(&self, due: (Instant, FlightId), bytes: Bytes) {
        self.bring(due, bytes);
        self.arrived.notify_one();
    }

    /// The same, where the reader is at it.
    pub(super) fn bring(&self, due: (Instant, FlightId), bytes: Bytes) {
        self.early().insert(due, bytes);
    }

    /// The next datagram that is here by `now`, with its time.
    pub(super) fn take_due(&self, now: Instant) -> Option<((Instant, FlightId), Bytes)> {
        let mut early = self.early();
        let entry = early.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove_entry())
    }

    /// When the next one will be here.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.early().first_key_value().map(|((due, _), _)| *due)
    }

    fn early(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Instant, FlightId), Bytes>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
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
            let length = bytes.len();
            held.waiting.push((from, bytes), from, at, length);
            drop(held);
            self.arrived.notify_one();
        }
        fits
    }

    /// Puts the oldest datagram, and those that are brought with it, into `place`, one behind the other.
    pub(super) fn take(&self, place: &mut [u8]) -> Option<Brought> {
        let mut held = self.lock();
        let Held { waiting, bytes: held } = &mut *held;
        let mut brought: Option<Brought> = None;
        waiting.take(|(from, bytes)| {
            *held -= bytes.len() + CHARGE;
            let to = brought.get_or_insert(Brought { from, length: 0, stride: bytes.len() });
            let end = to.length + bytes.len();
            if let Some(place) = place.get_mut(to.length..end) {
                place.copy_from_slice(&bytes);
                to.length = end;
            }
        });
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
