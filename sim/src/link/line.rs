//! The line: a rate, and the queue before it.
//!
//! One packet is in transmission, the others wait. The queue's limit counts those that wait, without the one in
//! transmission; who comes when it is full is dropped (tail drop).

use core::num::NonZeroU64;
use std::collections::VecDeque;

use backchat_core::time::Instant;

use super::plan::QueueLimit;

/// A rate, in bits a second.
pub type BitsPerSecond = NonZeroU64;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// What a higher rate is taken for, so that numbers of 64 bits are enough. A datagram is out in less than a thousandth of
/// a nanosecond.
const RATE_MAX: BitsPerSecond = NonZeroU64::new(1 << 62).unwrap();

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Line {
    rate: BitsPerSecond,
    limit: QueueLimit,
    /// Those that were accepted and had not begun at the last look: when each begins, and its bytes.
    waiting: VecDeque<(Instant, u64)>,
    waiting_bytes: u64,
    /// When the last one that was accepted is out: whole nanoseconds, and what was left over, in parts of a
    /// nanosecond of which `rate` make one. Carried on, so that a thousand packets take exactly a thousand times as
    /// long as one.
    free_at: Instant,
    remainder: u64,
}

impl Line {
    pub(super) fn new(rate: BitsPerSecond, limit: QueueLimit) -> Self {
        let rate = rate.min(RATE_MAX);
        Self { rate, limit, waiting: VecDeque::new(), waiting_bytes: 0, free_at: Instant::ZERO, remainder: 0 }
    }

    /// When a packet of `bytes`, headers included, that comes at `now` is out; `None` when the queue is full.
    pub(super) fn accept(&mut self, now: Instant, bytes: u64) -> Option<Instant> {
        while let Some(&(begins, waited)) = self.waiting.front()
            && begins <= now
        {
            self.waiting.pop_front();
            self.waiting_bytes -= waited;
        }
        // In the nanosecond in which the one before ends, what is left over of it still counts.
        let is_idle = self.free_at < now || (self.free_at == now && self.remainder == 0);
        let begins = if is_idle {
            self.remainder = 0;
            now
        } else {
            let has_room = match self.limit {
                QueueLimit::Packets(most) => (self.waiting.len() as u64) < u64::from(most),
                QueueLimit::Bytes(most) => self.waiting_bytes + bytes <= most,
            };
            if self.free_at > now {
                if !has_room {
                    return None;
                }
                self.waiting.push_back((self.free_at, bytes));
                self.waiting_bytes += bytes;
            }
            self.free_at
        };
        // At most 65,535 bytes and headers: below 2^50; and what is left over is below the rate.
        let parts = (bytes * 8).saturating_mul(NANOS_PER_SECOND).saturating_add(self.remainder);
        self.remainder = parts % self.rate;
        self.free_at = Instant::from_nanos(begins.as_nanos().saturating_add(parts / self.rate));
        Some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line_of(rate: u64, limit: QueueLimit) -> Line {
        Line::new(NonZeroU64::new(rate).unwrap(), limit)
    }

    fn us(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    #[test]
    fn a_packet_takes_its_bits_over_the_rate() {
        // 1250 bytes are 10,000 bits: 1 ms at 10 Mbit/s.
        let mut line = line_of(10_000_000, QueueLimit::Packets(2));
        assert_eq!(line.accept(us(0), 1250), Some(us(1000)));
        assert_eq!(line.accept(us(100), 1250), Some(us(2000)));
        assert_eq!(line.accept(us(200), 625), Some(us(2500)));
        // One in transmission, two wait.
        assert_eq!(line.accept(us(300), 1250), None);
        // The second one begins at 1 ms and waits no more.
        assert_eq!(line.accept(us(999), 1250), None);
        assert_eq!(line.accept(us(1000), 1250), Some(us(3500)));
        // Idle again: nothing is owed.
        assert_eq!(line.accept(us(9000), 1250), Some(us(10_000)));
    }

    #[test]
    fn a_queue_in_bytes_counts_those_that_wait() {
        let mut line = line_of(10_000_000, QueueLimit::Bytes(2000));
        assert_eq!(line.accept(us(0), 1250), Some(us(1000)));
        assert_eq!(line.accept(us(0), 1250), Some(us(2000)));
        assert_eq!(line.accept(us(0), 1250), None);
        assert_eq!(line.accept(us(0), 750), Some(us(2600)));
        assert_eq!(line.accept(us(0), 1), None);
    }

    #[test]
    fn a_queue_of_none_lets_only_the_transmission_be() {
        let mut line = line_of(10_000_000, QueueLimit::Packets(0));
        assert_eq!(line.accept(us(0), 1250), Some(us(1000)));
        assert_eq!(line.accept(us(999), 1250), None);
        assert_eq!(line.accept(us(1000), 1250), Some(us(2000)));
    }

    #[test]
    fn parts_of_a_nanosecond_are_carried_on() {
        // 1 byte at 3 bit/s is 2.66… s; three of them are 8 s, to the nanosecond.
        let mut line = line_of(3, QueueLimit::Packets(100));
        let out: Vec<_> = (0..3).map(|_| line.accept(Instant::ZERO, 1).unwrap().as_nanos()).collect();
        assert_eq!(out, [2_666_666_666, 5_333_333_333, 8_000_000_000]);
        let mut fast = line_of(7_000_000, QueueLimit::Packets(u32::MAX));
        let last = (0..1_000_000).map(|_| fast.accept(Instant::ZERO, 1228).unwrap()).last();
        assert_eq!(last, Some(Instant::from_nanos(1_000_000 * 1228 * 8 * 1_000 / 7)));
    }
}
