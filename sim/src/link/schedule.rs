//! When something holds: once, for a while, again and again.

use core::time::Duration;

use backchat_core::time::Instant;

/// From `at` on, for `lasts`, every `every`; and never from `until` on.
///
/// Occurrences are computed, not listed: one every microsecond costs no more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// When it begins for the first time.
    pub at: Instant,
    /// How long it lasts each time; `None`: until `until`.
    pub lasts: Option<Duration>,
    /// From one beginning to the next; `None`: there is one only.
    pub every: Option<Duration>,
    /// From here on it does not hold, whatever else is said.
    pub until: Instant,
}

/// The end of time, for what never ends.
pub(super) const NEVER: Instant = Instant::from_nanos(u64::MAX);

impl Schedule {
    /// From the beginning to the end of the run.
    pub const ALWAYS: Self = Self { at: Instant::ZERO, lasts: None, every: None, until: NEVER };

    /// From `at` on, for `lasts`, once.
    pub const fn once(at: Instant, lasts: Duration) -> Self {
        Self { at, lasts: Some(lasts), every: None, until: NEVER }
    }

    /// Whether it holds at `now`. The end of a stretch is not part of it.
    pub fn is_active(&self, now: Instant) -> bool {
        self.ends(now).is_some_and(|end| now < end)
    }

    /// When the stretch that holds at `now` ends; `None` when none holds. What never ends, ends at the end of time.
    pub fn ends(&self, now: Instant) -> Option<Instant> {
        if now < self.at || now >= self.until {
            return None;
        }
        let Some(lasts) = self.lasts else { return Some(self.until) };
        let begin = match self.every {
            None => self.at,
            Some(every) => {
                let since = now.saturating_since(self.at);
                self.at + nanos(since_rounded_down(since, every))
            }
        };
        let end = (begin + lasts).min(self.until);
        (now < end).then_some(end)
    }

    /// When it begins for the `nth` time, counted from 0; `None` when it does not.
    pub fn start(&self, nth: u64) -> Option<Instant> {
        let start = match (nth, self.every) {
            (0, _) => self.at,
            (_, None) => return None,
            (_, Some(every)) => self.at + nanos(as_nanos(every).saturating_mul(nth)),
        };
        (start < self.until).then_some(start)
    }
}

/// The largest multiple of `every` in `since`, in nanoseconds.
fn since_rounded_down(since: Duration, every: Duration) -> u64 {
    let (since, every) = (as_nanos(since), as_nanos(every).max(1));
    since - since % every
}

/// Nanoseconds; 584 years hold every duration of a run.
pub(super) fn as_nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn nanos(count: u64) -> Duration {
    Duration::from_nanos(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    const BLACKHOLE: Schedule = Schedule {
        at: Instant::from_millis(5_000),
        lasts: Some(Duration::from_millis(2_000)),
        every: Some(Duration::from_millis(7_000)),
        until: Instant::from_millis(20_000),
    };

    #[test]
    fn it_holds_from_its_beginning_up_to_its_end() {
        let once = Schedule::once(ms(400), Duration::from_millis(300));
        let held: Vec<_> = [399, 400, 699, 700].into_iter().map(|at| once.is_active(ms(at))).collect();
        assert_eq!(held, [false, true, true, false]);
        assert_eq!(once.ends(ms(500)), Some(ms(700)));
        assert!(Schedule::ALWAYS.is_active(Instant::ZERO));
    }

    #[test]
    fn it_comes_again_and_is_cut_where_it_must_end() {
        let held: Vec<_> =
            [4_999, 5_000, 7_000, 11_999, 12_000, 13_999, 14_000, 19_000, 20_000].map(ms).to_vec();
        let held: Vec<_> = held.into_iter().map(|at| BLACKHOLE.is_active(at)).collect();
        assert_eq!(held, [false, true, false, false, true, true, false, true, false]);
        assert_eq!(BLACKHOLE.ends(ms(19_500)), Some(ms(20_000)));
    }

    #[test]
    fn its_beginnings_can_be_counted() {
        let starts: Vec<_> = (0..4).map(|nth| BLACKHOLE.start(nth)).collect();
        assert_eq!(starts, [Some(ms(5_000)), Some(ms(12_000)), Some(ms(19_000)), None]);
        assert_eq!(Schedule::ALWAYS.start(1), None);
    }
}
