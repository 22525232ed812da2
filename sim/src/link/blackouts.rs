//! Blackouts: whether one holds, and when each begins and ends, so that it can be told.

use backchat_core::time::Instant;

use super::schedule::{NEVER, Schedule};

/// How many occurrences of one fault are told. One that comes every microsecond holds all the same.
const TOLD_MAX: u64 = 1_000;

/// A beginning or an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blackout {
    /// Nothing gets through from now on.
    Began {
        /// Up to then; `None`: for ever.
        until: Option<Instant>,
    },
    /// This one is over.
    Ended,
}

/// Those of one direction.
#[derive(Clone, Debug)]
pub(super) struct Blackouts(Vec<Told>);

/// One, and how far it was told.
#[derive(Clone, Debug)]
struct Told {
    schedule: Schedule,
    /// Which occurrence begins next.
    next: u64,
    /// When the one that was told last ends.
    ends: Option<Instant>,
}

impl Blackouts {
    pub(super) fn new(schedules: impl Iterator<Item = Schedule>) -> Self {
        Self(schedules.map(|schedule| Told { schedule, next: 0, ends: None }).collect())
    }

    /// Whether one holds.
    #[inline]
    pub(super) fn is_active(&self, now: Instant) -> bool {
        self.0.iter().any(|it| it.schedule.is_active(now))
    }

    /// When there is something to tell next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.iter().filter_map(Told::due).min()
    }

    /// The next beginning or end that has come by `now`, which is told once. Ask until there is none.
    pub(super) fn poll(&mut self, now: Instant) -> Option<(Instant, Blackout)> {
        let at = self.next().filter(|at| *at <= now)?;
        let it = self.0.iter_mut().find(|it| it.due() == Some(at))?;
        let what = match it.ends.take() {
            Some(_) => Blackout::Ended,
            None => {
                it.next += 1;
                it.ends = it.schedule.ends(at).filter(|end| *end < NEVER);
                Blackout::Began { until: it.ends }
            }
        };
        Some((at, what))
    }
}

impl Told {
    fn due(&self) -> Option<Instant> {
        self.ends.or_else(|| self.schedule.start(self.next).filter(|_| self.next < TOLD_MAX))
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn told(schedules: &[Schedule], now: Instant) -> Vec<(Instant, Blackout)> {
        let mut blackouts = Blackouts::new(schedules.iter().copied());
        core::iter::from_fn(|| blackouts.poll(now)).collect()
    }

    fn began(at: u64, until: u64) -> (Instant, Blackout) {
        (ms(at), Blackout::Began { until: Some(ms(until)) })
    }

    #[test]
    fn each_beginning_and_end_is_told_in_its_order() {
        let again = Schedule {
            every: Some(Duration::from_millis(100)),
            until: ms(250),
            ..Schedule::once(ms(0), Duration::from_millis(60))
        };
        let once = Schedule::once(ms(30), Duration::from_millis(90));
        let all = [
            began(0, 60),
            began(30, 120),
            (ms(60), Blackout::Ended),
            began(100, 160),
            (ms(120), Blackout::Ended),
            (ms(160), Blackout::Ended),
            began(200, 250),
            (ms(250), Blackout::Ended),
        ];
        assert_eq!(told(&[again, once], ms(1_000)), all);
        assert_eq!(told(&[again, once], ms(99)), all[..3], "what is not due waits");
    }

    #[test]
    fn one_without_an_end_has_none() {
        assert_eq!(told(&[Schedule::ALWAYS], ms(9)), [(ms(0), Blackout::Began { until: None })]);
    }

    #[test]
    fn one_that_comes_too_often_is_not_told_for_ever() {
        let nanos = Duration::from_nanos;
        let often = Schedule { every: Some(nanos(20)), ..Schedule::once(ms(0), nanos(10)) };
        assert_eq!(told(&[often], ms(60_000)).len(), 2_000);
    }
}
