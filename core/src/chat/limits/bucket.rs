//! A token bucket in integers, as one instant.
//!
//! What is kept is when the bucket would be full again (the generic cell rate algorithm): no fraction of a token
//! is ever rounded away, and nothing has to run while nothing happens.

use crate::time::Instant;
use core::time::Duration;

/// How fast tokens come, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many tokens the bucket holds.
    pub burst: u32,
    /// Time for one token.
    pub interval: Duration,
}

impl Rate {
    /// `burst` tokens at once, and `per_second` a second for ever.
    pub const fn new(burst: u32, per_second: u32) -> Self {
        let per_second = if per_second == 0 { 1 } else { per_second as u64 };
        Self { burst, interval: Duration::from_nanos(1_000_000_000 / per_second) }
    }

    /// A little slower, by one part in 64: for who paces itself by a clock that is not the judge's.
    #[must_use]
    pub fn eased(self) -> Self {
        Self { interval: self.interval + self.interval / 64, ..self }
    }

    /// As much for `many` as this is for one.
    #[must_use]
    pub fn times(self, many: u32) -> Self {
        Self { burst: self.burst.saturating_mul(many), interval: self.interval / many.max(1) }
    }

    /// Time for `count` tokens.
    fn time_for(self, count: u32) -> Duration {
        self.interval.saturating_mul(count)
    }
}

/// A bucket of tokens; full at first. The [`Rate`] is given with each call, so that it can change on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Bucket {
    /// When it will be full again; in the past while it is full.
    full_at: Instant,
}

impl Bucket {
    /// Takes a token, or tells how long until there is one.
    pub fn take(&mut self, now: Instant, rate: Rate) -> Result<(), Duration> {
        let ready = self.holds(1, rate);
        if ready > now {
            return Err(ready - now);
        }
        self.charge(now, rate);
        Ok(())
    }

    /// Takes a token whether there is one or not.
    pub fn charge(&mut self, now: Instant, rate: Rate) {
        self.charge_many(now, 1, rate);
    }

    /// Takes `count` tokens whether they are there or not.
    pub fn charge_many(&mut self, now: Instant, count: u32, rate: Rate) {
        self.full_at = self.full_at.max(now) + rate.time_for(count);
    }

    /// Returns true if more tokens were taken than there were.
    pub fn is_overdrawn(&self, now: Instant, rate: Rate) -> bool {
        self.holds(0, rate) > now
    }

    /// Returns true if it holds all tokens that it can.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }

    /// From when on the bucket holds `count` tokens, if none is taken until then. Never more than the burst.
    pub fn holds(&self, count: u32, rate: Rate) -> Instant {
        let missing = rate.burst.saturating_sub(count);
        let early = rate.time_for(missing);
        Instant::from_nanos(
            self.full_at.as_nanos().saturating_sub(u64::try_from(early.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate::new(5, 2);

    #[test]
    fn five_at_once_then_two_a_second() {
        let (mut bucket, now) = (Bucket::default(), Instant::from_millis(10_000));
        for _ in 0..5 {
            assert_eq!(bucket.take(now, RATE), Ok(()));
        }
        assert_eq!(bucket.take(now, RATE), Err(Duration::from_millis(500)));
        let later = Instant::from_millis(10_499);
        assert_eq!(bucket.take(later, RATE), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(Instant::from_millis(10_500), RATE), Ok(()));
        assert!(bucket.take(Instant::from_millis(10_500), RATE).is_err());
    }

    #[test]
    fn a_long_pause_fills_it_and_no_more() {
        let (mut bucket, later) = (Bucket::default(), Instant::from_millis(1_000_000));
        assert_eq!(bucket.take(Instant::ZERO, RATE), Ok(()));
        assert_eq!((0..10).filter(|_| bucket.take(later, RATE).is_ok()).count(), 5);
    }

    #[test]
    fn what_is_charged_all_the_same_is_overdrawn_until_it_is_made_up_for() {
        let (mut bucket, now) = (Bucket::default(), Instant::from_millis(10_000));
        bucket.charge_many(now, 5, RATE);
        assert!(!bucket.is_overdrawn(now, RATE) && !bucket.is_full(now));
        bucket.charge_many(now, 2, RATE);
        assert!(bucket.is_overdrawn(now, RATE));
        assert!(!bucket.is_overdrawn(Instant::from_millis(11_000), RATE));
        assert!(bucket.is_full(Instant::from_millis(13_500)));
    }

    #[test]
    fn a_refusal_costs_nothing() {
        let (mut bucket, now) = (Bucket::default(), Instant::from_millis(5));
        while bucket.take(now, RATE).is_ok() {}
        let before = bucket;
        for _ in 0..100 {
            assert!(bucket.take(now, RATE).is_err());
        }
        assert_eq!(bucket, before);
    }
}
