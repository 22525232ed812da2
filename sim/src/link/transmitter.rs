//! What puts packets on a wire one after the other: how long each takes, exactly.
//!
//! Time is whole nanoseconds, and what a transmission leaves over of its last one is carried on: a thousand packets take
//! exactly a thousand times as long as one. For that a packet is counted in *parts*, of which a bit has a thousand
//! million: a rate of `r` bits a second sends `r` parts in each nanosecond.
//!
//! A packet that is in transmission when the rate changes goes on at the new rate with what is left of it: that is what a
//! modem or a radio does that changes its modulation between symbols, and the only rule under which what goes out in a
//! stretch of time does not depend on where packets begin and end.

use core::num::NonZeroU64;

use backchat_core::time::Instant;

use super::rate::{BitsPerSecond, Rate};

/// Parts of a bit: a rate of one bit a second sends one in a nanosecond.
const PARTS_PER_BIT: u64 = 1_000_000_000;

/// What a higher rate is taken for, so that numbers of 64 bits are enough. A datagram is out in less than a thousandth of
/// a nanosecond.
const RATE_MAX: BitsPerSecond = NonZeroU64::new(1 << 62).unwrap();

/// A sender of packets with a rate.
#[derive(Clone, Debug)]
pub(super) struct Transmitter {
    rate: Rate,
    /// The nanosecond in which the last packet is out.
    free_at: Instant,
    /// The parts that it takes of that nanosecond; fewer than the rate of that moment sends.
    used: u64,
}

impl Transmitter {
    pub(super) fn new(rate: Rate) -> Self {
        let rate = match rate {
            Rate::Constant(rate) => Rate::Constant(rate.min(RATE_MAX)),
            steps @ Rate::Steps(_) => steps,
        };
        Self { rate, free_at: Instant::ZERO, used: 0 }
    }

    /// When what it was given so far is out.
    pub(super) const fn free_at(&self) -> Instant {
        self.free_at
    }

    /// Sends a packet of `bytes`, headers included, that comes at `now`, behind those before it. Answers when it is out.
    pub(super) fn transmit(&mut self, now: Instant, bytes: u64) -> Instant {
        if self.free_at < now {
            (self.free_at, self.used) = (now, 0);
        }
        // At most 65,535 bytes and headers: below 2^50; and what was used is below the rate.
        let parts = (bytes * 8).saturating_mul(PARTS_PER_BIT).saturating_add(self.used);
        (self.free_at, self.used) = match &self.rate {
            Rate::Constant(rate) => {
                let nanos = self.free_at.as_nanos().saturating_add(parts / *rate);
                (Instant::from_nanos(nanos), parts % *rate)
            }
            Rate::Steps(steps) => steps.sent(self.free_at, u128::from(parts)),
        };
        self.free_at
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::link::{RateStep, RateSteps};

    fn bits(rate: u64) -> BitsPerSecond {
        NonZeroU64::new(rate).unwrap()
    }

    fn steps(steps: &[(u64, u64)], every: Option<u64>) -> Rate {
        let steps: Vec<RateStep> = steps
            .iter()
            .map(|&(nanos, rate)| RateStep { at: Duration::from_nanos(nanos), rate: bits(rate) })
            .collect();
        Rate::Steps(RateSteps::new(&steps, every.map(Duration::from_nanos)).unwrap())
    }

    #[test]
    fn parts_of_a_nanosecond_are_carried_on() {
        // 1 byte at 3 bit/s is 2.66… s; three of them are 8 s, to the nanosecond.
        let mut slow = Transmitter::new(bits(3).into());
        let out: Vec<_> = (0..3).map(|_| slow.transmit(Instant::ZERO, 1).as_nanos()).collect();
        assert_eq!(out, [2_666_666_666, 5_333_333_333, 8_000_000_000]);
        let mut fast = Transmitter::new(bits(7_000_000).into());
        let last = (0..1_000_000).map(|_| fast.transmit(Instant::ZERO, 1228)).last();
        assert_eq!(last, Some(Instant::from_nanos(1_000_000 * 1228 * 8 * 1_000 / 7)));
    }

    #[test]
    fn a_packet_in_transmission_goes_on_at_the_new_rate() {
        // 1250 bytes: 1 ms at 10 Mbit/s, 10 ms at 1 Mbit/s. Half of it is out when the rate falls.
        let falls = steps(&[(0, 10_000_000), (500_000, 1_000_000)], None);
        let mut transmitter = Transmitter::new(falls);
        assert_eq!(transmitter.transmit(Instant::ZERO, 1250), Instant::from_nanos(5_500_000));
        assert_eq!(transmitter.transmit(Instant::ZERO, 1250), Instant::from_nanos(15_500_000));
        // And when it rises.
        let rises = steps(&[(0, 1_000_000), (5_000_000, 10_000_000)], None);
        assert_eq!(Transmitter::new(rises).transmit(Instant::ZERO, 1250), Instant::from_nanos(5_500_000));
    }

    #[test]
    fn a_packet_longer_than_many_periods_is_out_when_its_bits_are() {
        // A period of 3 s sends 2 + 8 bits; 1250 bytes are 10,000 bits.
        let rate = steps(&[(0, 1), (2_000_000_000, 8)], Some(3_000_000_000));
        let mut transmitter = Transmitter::new(rate);
        assert_eq!(transmitter.transmit(Instant::ZERO, 1250), Instant::from_millis(3_000_000));
        // One byte more: two bits in the first two seconds, six in three quarters of the third.
        assert_eq!(transmitter.transmit(Instant::ZERO, 1), Instant::from_millis(3_002_750));
    }

    proptest! {
        #[test]
        fn steps_of_one_rate_are_that_rate(
            rate in 1u64..1 << 40,
            at in 1u64..1 << 40,
            every in option(),
            packets in prop::collection::vec((0u64..1 << 36, 28u64..65_563), 1..40),
        ) {
            let mut constant = Transmitter::new(bits(rate).into());
            let mut stepped = Transmitter::new(steps(&[(0, rate), (at, rate)], every.map(|more| at + more)));
            let mut now = Instant::ZERO;
            for (gap, bytes) in packets {
                now += Duration::from_nanos(gap);
                prop_assert_eq!(stepped.transmit(now, bytes), constant.transmit(now, bytes));
            }
        }

        #[test]
        fn a_stretch_sends_the_same_bits_however_they_are_cut(
            list in prop::collection::vec((1u64..1 << 32, 1u64..1 << 34), 1..6),
            every in option(),
            packets in prop::collection::vec(1u64..10_000, 1..30),
        ) {
            let mut at = 0;
            let mut rates = Vec::new();
            for (length, rate) in list {
                rates.push((at, rate));
                at += length;
            }
            let rate = steps(&rates, every.map(|more| at + more));
            let (mut one, mut many) = (Transmitter::new(rate.clone()), Transmitter::new(rate));
            let whole = one.transmit(Instant::ZERO, packets.iter().sum());
            let cut = packets.iter().map(|bytes| many.transmit(Instant::ZERO, *bytes)).last();
            prop_assert_eq!(cut, Some(whole));
            prop_assert_eq!(one.used, many.used);
        }
    }

    fn option() -> impl Strategy<Value = Option<u64>> {
        prop::option::of(1u64..1 << 33)
    }
}
