//! What waits for the connection to take it.

use crate::queue::rest;
use bytes::Bytes;
use core::fmt;
use std::collections::VecDeque;
use std::io::IoSlice;

/// A queue of encoded frames. Pacing bounds it; what the server can provoke is bounded by [`Outgoing::bytes`].
#[derive(Default)]
pub(super) struct Outgoing {
    queue: VecDeque<Bytes>,
    /// How many bytes of the front frame were taken.
    taken: usize,
    /// Bytes in the queue, taken ones of the front included.
    bytes: usize,
    /// The driver was told that something waits.
    announced: bool,
}

impl fmt::Debug for Outgoing {
    /// Prints how much waits, and nothing of it: there are tokens in frames.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("frames", &self.queue.len())
            .field("taken", &self.taken)
            .field("bytes", &self.bytes)
            .field("announced", &self.announced)
            .finish()
    }
}

impl Outgoing {
    pub(super) fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.queue.push_back(frame);
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the driver has to be told.
    pub(super) fn announce(&mut self) -> bool {
        !self.queue.is_empty() && !core::mem::replace(&mut self.announced, true)
    }

    pub(super) fn pending<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        for (slice, (place, frame)) in slices.iter_mut().zip(self.queue.iter().enumerate()) {
            let skipped = if place == 0 { self.taken } else { 0 };
            *slice = IoSlice::new(frame.get(skipped..).unwrap_or_default());
            filled += 1;
        }
        filled
    }

    /// `count` bytes were taken. More than waited is as much as waited.
    pub(super) fn take(&mut self, mut count: usize) {
        while let Some(front) = self.queue.front() {
            let rest = front.len().saturating_sub(self.taken);
            if count < rest {
                self.taken += count;
                return;
            }
            count -= rest;
            self.bytes -= front.len();
            self.taken = 0;
            self.queue.pop_front();
        }
        rest(&mut self.queue);
        self.announced = false;
    }

    /// The connection is gone, and with it what waited.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn check_invariants(&self) {
        assert_eq!(
            self.bytes,
            self.queue.iter().map(Bytes::len).sum::<usize>(),
            "bytes are those of the frames"
        );
        assert!(
            self.queue.front().map_or(self.taken == 0, |front| self.taken < front.len()),
            "the front is begun"
        );
    }
}
