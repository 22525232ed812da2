//! A policer: what exceeds a rate by more than a burst is dropped, and nothing waits.
//!
//! A token bucket as RFC 2697 §3 has one with a single rate: it begins full, a token is a bit and they come at the rate, up
//! to the burst; a packet that finds enough of them takes them, and another is dropped and takes none. So an operator
//! enforces a contract without a queue: the rate of what gets through is exact, and who sends above it sees losses without
//! any delay that would have announced them.

use backchat_core::time::Instant;

use super::rate::BitsPerSecond;

/// What a policer lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policer {
    /// In the long run.
    pub rate: BitsPerSecond,
    /// Bytes at once, headers included.
    pub burst: u64,
}

/// Parts of a bit: a rate of one bit a second brings one in a nanosecond.
const PARTS_PER_BIT: u128 = 1_000_000_000;

/// A policer's bucket, as far as it is full.
#[derive(Clone, Debug)]
pub(super) struct TokenBucket {
    policer: Policer,
    /// At `at`, in parts of a bit.
    tokens: u128,
    at: Instant,
}

impl TokenBucket {
    pub(super) fn new(policer: Policer) -> Self {
        Self { policer, tokens: Self::capacity(policer), at: Instant::ZERO }
    }

    fn capacity(policer: Policer) -> u128 {
        u128::from(policer.burst) * 8 * PARTS_PER_BIT
    }

    /// Returns true if a packet of `bytes`, headers included, that comes at `now` gets through.
    pub(super) fn admits(&mut self, now: Instant, bytes: u64) -> bool {
        let came = now.saturating_since(self.at).as_nanos() * u128::from(self.policer.rate.get());
        self.at = self.at.max(now);
        self.tokens = (self.tokens + came).min(Self::capacity(self.policer));
        let left = self.tokens.checked_sub(u128::from(bytes) * 8 * PARTS_PER_BIT);
        if let Some(left) = left {
            self.tokens = left;
        }
        left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;

    use proptest::prelude::*;

    use super::*;

    fn bucket(rate: u64, burst: u64) -> TokenBucket {
        TokenBucket::new(Policer { rate: NonZeroU64::new(rate).unwrap(), burst })
    }

    fn us(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1000)
    }

    #[test]
    fn a_burst_gets_through_and_what_exceeds_it_does_not() {
        let mut bucket = bucket(8_000_000, 3_000);
        assert_eq!(
            [1_000, 1_000, 1_000, 1].map(|bytes| bucket.admits(us(0), bytes)),
            [true, true, true, false]
        );
        // A byte comes each microsecond.
        assert!(!bucket.admits(us(999), 1_000));
        assert!(bucket.admits(us(1_000), 1_000));
        assert!(!bucket.admits(us(1_000), 1));
    }

    #[test]
    fn what_is_dropped_takes_no_tokens() {
        let mut bucket = bucket(8_000_000, 1_500);
        assert_eq!([1_501, 1_500].map(|bytes| bucket.admits(us(0), bytes)), [false, true]);
    }

    #[test]
    fn an_idle_policer_saves_no_more_than_its_burst() {
        let mut bucket = bucket(8_000_000, 1_000);
        assert!(bucket.admits(us(0), 1_000));
        assert_eq!([1_000, 1].map(|bytes| bucket.admits(us(9_000_000), bytes)), [true, false]);
    }

    proptest! {
        #[test]
        fn no_stretch_of_time_lets_more_through_than_burst_and_rate(
            rate in 1u64..1 << 34,
            burst in 0u64..1 << 20,
            packets in prop::collection::vec((0u64..1 << 26, 28u64..1_500), 1..200),
        ) {
            let mut bucket = bucket(rate, burst);
            let (mut now, mut through) = (Instant::ZERO, 0u128);
            for (gap, bytes) in packets {
                now += core::time::Duration::from_nanos(gap);
                if bucket.admits(now, bytes) {
                    through += u128::from(bytes);
                }
            }
            let most = u128::from(burst) * 8 * PARTS_PER_BIT + u128::from(now.as_nanos()) * u128::from(rate);
            prop_assert!(through * 8 * PARTS_PER_BIT <= most);
        }
    }
}
