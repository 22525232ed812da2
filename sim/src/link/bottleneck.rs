//! A bottleneck of one direction: a rate, and the queue before it.
//!
//! One packet is in transmission, the others wait. The queue's limit counts those that wait, without the one in
//! transmission; who comes when it is full is dropped (tail drop). In such a queue nothing that comes later changes when a
//! packet gets out, so that it is known as soon as it comes. A queue that drops from its head, or that several directions
//! share, is a [`Router`](super::router::Router).

use std::collections::VecDeque;

use backchat_core::time::Instant;

use super::plan::QueueLimit;
use super::rate::Rate;
use super::transmitter::Transmitter;

/// A queue and a transmitter behind it.
#[derive(Clone, Debug)]
pub(super) struct Bottleneck {
    transmitter: Transmitter,
    limit: QueueLimit,
    /// Those that were accepted and had not begun at the last look: when each begins, and its bytes.
    waiting: VecDeque<(Instant, u64)>,
    waiting_bytes: u64,
}

impl Bottleneck {
    pub(super) fn new(rate: Rate, limit: QueueLimit) -> Self {
        Self { transmitter: Transmitter::new(rate), limit, waiting: VecDeque::new(), waiting_bytes: 0 }
    }

    /// When a packet of `bytes`, headers included, that comes at `now` is out; `None` when the queue is full.
    pub(super) fn accept(&mut self, now: Instant, bytes: u64) -> Option<Instant> {
        while let Some(&(begins, waited)) = self.waiting.front()
            && begins <= now
        {
            self.waiting.pop_front();
            self.waiting_bytes -= waited;
        }
        let begins = self.transmitter.free_at();
        // In the nanosecond in which the one before ends nothing waits.
        if begins > now {
            if !self.limit.has_room(self.waiting.len(), self.waiting_bytes, bytes) {
                return None;
            }
            self.waiting.push_back((begins, bytes));
            self.waiting_bytes += bytes;
        }
        Some(self.transmitter.transmit(now, bytes))
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;

    use super::*;

    fn bottleneck(rate: u64, limit: QueueLimit) -> Bottleneck {
        Bottleneck::new(NonZeroU64::new(rate).unwrap().into(), limit)
    }

    fn us(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    #[test]
    fn a_packet_takes_its_bits_over_the_rate() {
        // 1250 bytes are 10,000 bits: 1 ms at 10 Mbit/s.
        let mut wire = bottleneck(10_000_000, QueueLimit::Packets(2));
        assert_eq!(wire.accept(us(0), 1250), Some(us(1000)));
        assert_eq!(wire.accept(us(100), 1250), Some(us(2000)));
        assert_eq!(wire.accept(us(200), 625), Some(us(2500)));
        // One in transmission, two wait.
        assert_eq!(wire.accept(us(300), 1250), None);
        // The second one begins at 1 ms and waits no more.
        assert_eq!(wire.accept(us(999), 1250), None);
        assert_eq!(wire.accept(us(1000), 1250), Some(us(3500)));
        // Idle again: nothing is owed.
        assert_eq!(wire.accept(us(9000), 1250), Some(us(10_000)));
    }

    #[test]
    fn a_queue_in_bytes_counts_those_that_wait() {
        let mut wire = bottleneck(10_000_000, QueueLimit::Bytes(2000));
        assert_eq!(wire.accept(us(0), 1250), Some(us(1000)));
        assert_eq!(wire.accept(us(0), 1250), Some(us(2000)));
        assert_eq!(wire.accept(us(0), 1250), None);
        assert_eq!(wire.accept(us(0), 750), Some(us(2600)));
        assert_eq!(wire.accept(us(0), 1), None);
    }

    #[test]
    fn a_queue_of_none_lets_only_the_transmission_be() {
        let mut wire = bottleneck(10_000_000, QueueLimit::Packets(0));
        assert_eq!(wire.accept(us(0), 1250), Some(us(1000)));
        assert_eq!(wire.accept(us(999), 1250), None);
        assert_eq!(wire.accept(us(1000), 1250), Some(us(2000)));
    }
}
