//! What has arrived at a socket and was not read yet: its receive buffer.

use std::net::SocketAddrV4;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::world::Waiting;
use crate::engine::network::CHARGE;

/// A socket's receive buffer.
#[derive(Debug)]
pub(super) struct Inbox {
    held: Mutex<Held>,
    /// The bytes that fit, as the system counts them.
    room: usize,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Held {
    waiting: Waiting,
    bytes: usize,
}

impl Inbox {
    /// Empty, with room for so many bytes.
    pub(super) fn new(room: usize) -> Self {
        Self { held: Mutex::default(), room, arrived: Notify::new() }
    }

    /// Whether a datagram of this length would fit.
    pub(super) fn has_room(&self, length: usize) -> bool {
        self.lock().bytes + length + CHARGE <= self.room
    }

    /// Puts a datagram in and wakes the reader; whether it fitted.
    pub(super) fn put(&self, from: SocketAddrV4, bytes: Bytes) -> bool {
        let fits = self.has_room(bytes.len());
        if fits {
            let mut held = self.lock();
            held.bytes += bytes.len() + CHARGE;
            held.waiting.push_back((from, bytes));
            drop(held);
            self.arrived.notify_one();
        }
        fits
    }

    /// The oldest datagram.
    pub(super) fn take(&self) -> Option<(SocketAddrV4, Bytes)> {
        let mut held = self.lock();
        let (from, bytes) = held.waiting.pop_front()?;
        held.bytes -= bytes.len() + CHARGE;
        Some((from, bytes))
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
