//! Rates, constant or changing in time.

use core::num::NonZeroU64;
use core::time::Duration;

use backchat_core::time::Instant;

use super::schedule::as_nanos;

/// A rate, in bits a second.
pub type BitsPerSecond = NonZeroU64;

/// How fast a bottleneck sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rate {
    /// Always as fast.
    Constant(BitsPerSecond),
    /// Another rate at other times, as on a radio link or behind a route that changes.
    Steps(RateSteps),
}

impl Rate {
    /// The lowest that it ever is.
    pub fn least(&self) -> BitsPerSecond {
        match self {
            Self::Constant(rate) => *rate,
            Self::Steps(RateSteps { first, others, .. }) => {
                others.iter().fold(*first, |least, step| least.min(step.rate))
            }
        }
    }
}

impl From<BitsPerSecond> for Rate {
    fn from(rate: BitsPerSecond) -> Self {
        Self::Constant(rate)
    }
}

/// From a time on, a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateStep {
    /// Counted from the start of the run, or from that of a period.
    pub at: Duration,
    /// In force up to the next step.
    pub rate: BitsPerSecond,
}

/// Rates one after the other. The last one stays, or the first follows it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateSteps {
    first: BitsPerSecond,
    others: Vec<RateStep>,
    /// The length of a period, and the parts (see [`Transmitter`](super::transmitter::Transmitter)) that are sent in one.
    period: Option<(Duration, u128)>,
}

/// The most steps of a rate.
pub const MAX_RATE_STEPS: usize = 1_000;

/// Why steps are no [`RateSteps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateStepsError {
    /// Nothing says how fast the run begins.
    #[error("the first step is not at 0s")]
    NoBeginning,
    /// This step, counted from 0, is not later than the one before it.
    #[error("a step is not later than the one before it")]
    NotLater(usize),
    /// A period that ends before its last step has begun.
    #[error("the period is not longer than its last step's at")]
    PeriodTooShort,
    /// More than [`MAX_RATE_STEPS`].
    #[error("more than 1000 steps")]
    TooMany,
}

impl RateSteps {
    /// The rates of `steps`, again from the first one each `every`.
    ///
    /// # Errors
    /// The first step is not at zero, one is not later than the one before it, there are too many, or the period ends
    /// before the last one begins.
    pub fn new(steps: &[RateStep], every: Option<Duration>) -> Result<Self, RateStepsError> {
        let Some((first, others)) = steps.split_first().filter(|(first, _)| first.at.is_zero()) else {
            return Err(RateStepsError::NoBeginning);
        };
        if steps.len() > MAX_RATE_STEPS {
            return Err(RateStepsError::TooMany);
        }
        if let Some(place) =
            steps.windows(2).position(|pair| matches!(pair, [one, next] if next.at <= one.at))
        {
            return Err(RateStepsError::NotLater(place + 1));
        }
        let last = steps.last().map(|step| step.at).unwrap_or_default();
        if every.is_some_and(|every| every <= last) {
            return Err(RateStepsError::PeriodTooShort);
        }
        let ends = others.iter().map(|step| step.at).chain(every);
        let parts = steps.iter().zip(ends).map(|(step, end)| parts_in(step.rate, end - step.at)).sum();
        let period = every.map(|every| (every, parts));
        Ok(Self { first: first.rate, others: others.to_vec(), period })
    }

    /// The steps, from the first on.
    pub fn steps(&self) -> impl Iterator<Item = RateStep> {
        let first = RateStep { at: Duration::ZERO, rate: self.first };
        core::iter::once(first).chain(self.others.iter().copied())
    }

    /// The length of a period; `None`: the last rate stays.
    pub fn every(&self) -> Option<Duration> {
        self.period.map(|(every, _)| every)
    }

    /// When `parts` are sent that begin with the nanosecond `begin`: in which nanosecond, and how many parts of that one
    /// they take.
    pub(super) fn sent(&self, begin: Instant, parts: u128) -> (Instant, u64) {
        let (mut at, mut left) = (begin, parts);
        if let Some((every, in_period)) = self.period {
            // As much goes out in any stretch of this length, wherever it begins.
            let periods = left / in_period.max(1);
            left -= periods * in_period;
            let nanos = periods.saturating_mul(every.as_nanos());
            at += Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        }
        loop {
            let (rate, until) = self.at(at);
            let room = until.map(|until| parts_in(rate, until - at));
            match (until, room) {
                (Some(until), Some(room)) if left >= room && until > at => {
                    left -= room;
                    at = until;
                }
                _ => {
                    let rate = u128::from(rate.get());
                    let nanos = u64::try_from(left / rate).unwrap_or(u64::MAX);
                    let used = u64::try_from(left % rate).unwrap_or_default();
                    return (Instant::from_nanos(at.as_nanos().saturating_add(nanos)), used);
                }
            }
        }
    }

    /// The rate at `now`, and up to when it is in force; `None`: for ever.
    fn at(&self, now: Instant) -> (BitsPerSecond, Option<Instant>) {
        let since_start = now.as_nanos();
        let (phase, begin) = match self.period {
            None => (since_start, 0),
            Some((every, _)) => {
                let phase = since_start % as_nanos(every).max(1);
                (phase, since_start - phase)
            }
        };
        let passed = self.others.partition_point(|step| as_nanos(step.at) <= phase);
        let rate =
            passed.checked_sub(1).and_then(|last| self.others.get(last)).map_or(self.first, |it| it.rate);
        let next = self.others.get(passed).map(|step| step.at).or(self.every());
        (rate, next.map(|next| Instant::from_nanos(begin.saturating_add(as_nanos(next)))))
    }
}

/// What goes out in a stretch of time, in parts.
fn parts_in(rate: BitsPerSecond, stretch: Duration) -> u128 {
    u128::from(rate.get()) * stretch.as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(millis: u64, kilobits: u64) -> RateStep {
        RateStep { at: Duration::from_millis(millis), rate: NonZeroU64::new(kilobits * 1_000).unwrap() }
    }

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn each_rate_is_in_force_up_to_the_next_step_and_the_last_one_stays() {
        let steps = RateSteps::new(&[step(0, 10), step(100, 1), step(300, 5)], None).unwrap();
        let at = |millis| (steps.at(ms(millis)).0.get() / 1_000, steps.at(ms(millis)).1);
        assert_eq!(at(0), (10, Some(ms(100))));
        assert_eq!(at(99), (10, Some(ms(100))));
        assert_eq!(at(100), (1, Some(ms(300))));
        assert_eq!(at(300), (5, None));
        assert_eq!(at(9_000), (5, None));
    }

    #[test]
    fn a_period_begins_again_with_the_first_rate() {
        let every = Some(Duration::from_millis(400));
        let steps = RateSteps::new(&[step(0, 10), step(100, 1)], every).unwrap();
        let at = |millis| (steps.at(ms(millis)).0.get() / 1_000, steps.at(ms(millis)).1);
        assert_eq!(at(399), (1, Some(ms(400))));
        assert_eq!(at(400), (10, Some(ms(500))));
        assert_eq!(at(4_150), (1, Some(ms(4_400))));
    }

    #[test]
    fn steps_that_say_too_little_or_come_out_of_order_are_refused() {
        let every = |millis| Some(Duration::from_millis(millis));
        assert_eq!(RateSteps::new(&[], None), Err(RateStepsError::NoBeginning));
        assert_eq!(RateSteps::new(&[step(1, 1)], None), Err(RateStepsError::NoBeginning));
        let twice = [step(0, 1), step(5, 2), step(5, 3)];
        assert_eq!(RateSteps::new(&twice, None), Err(RateStepsError::NotLater(2)));
        let two = [step(0, 1), step(5, 2)];
        assert_eq!(RateSteps::new(&two, every(5)), Err(RateStepsError::PeriodTooShort));
        assert!(RateSteps::new(&two, every(6)).is_ok());
        let many: Vec<RateStep> = (0..1_001).map(|nth| step(nth, 1)).collect();
        assert_eq!(RateSteps::new(&many, None), Err(RateStepsError::TooMany));
    }

    #[test]
    fn the_least_rate_is_the_lowest_of_all_steps() {
        let steps = RateSteps::new(&[step(0, 10), step(100, 1), step(300, 5)], None).unwrap();
        assert_eq!(Rate::Steps(steps).least().get(), 1_000);
    }
}
