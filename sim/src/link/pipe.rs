//! A reliable stream over a direction: it delays, and stalls where nothing gets through.
//!
//! A chat connection has the link's delay and its blackouts, none of its chances: what TCP would send again is not
//! modelled, only that it takes until the blackout is over.

use core::time::Duration;

use backchat_core::time::Instant;

use super::plan::{FaultKind, Plan};
use super::schedule::{NEVER, Schedule};

/// When bytes of a stream arrive. In order: what is asked later arrives no earlier.
#[derive(Clone, Debug)]
pub struct Pipe {
    delay: Duration,
    blackouts: Vec<Schedule>,
    last: Instant,
}

/// How many blackouts in a row are looked at. Two that cover each other's gaps for ever are one without an end.
const MAX_STALLS: usize = 10_000;

impl Pipe {
    /// The stream over a direction that is as `plan` says.
    pub fn new(plan: &Plan) -> Self {
        let blackouts = plan.faults.iter().filter(|fault| matches!(fault.kind, FaultKind::Blackout));
        let blackouts = blackouts.map(|fault| healed(&fault.schedule, plan.heal)).collect();
        Self { delay: plan.profile.delay, blackouts, last: Instant::ZERO }
    }

    /// When bytes that are sent at `now` arrive; `None`: never, there is a blackout without an end.
    pub fn arrival(&mut self, now: Instant) -> Option<Instant> {
        let sent = self.passes(now)?;
        self.last = self.last.max(sent + self.delay);
        Some(self.last)
    }

    /// The first time from `now` on at which no blackout holds.
    fn passes(&self, now: Instant) -> Option<Instant> {
        let mut at = now;
        for _ in 0..MAX_STALLS {
            match self.blackouts.iter().filter_map(|blackout| blackout.ends(at)).max() {
                None => return Some(at),
                Some(NEVER) => return None,
                Some(end) => at = end,
            }
        }
        None
    }
}

/// A schedule that ends where the links are healed.
pub(super) fn healed(schedule: &Schedule, heal: Option<Instant>) -> Schedule {
    Schedule { until: schedule.until.min(heal.unwrap_or(NEVER)), ..*schedule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Fault, Profile};

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn pipe(blackouts: &[Schedule], heal: Option<Instant>) -> Pipe {
        let profile = Profile { delay: Duration::from_millis(15), ..Profile::default() };
        let faults = blackouts.iter().map(|&schedule| Fault { schedule, kind: FaultKind::Blackout });
        Pipe::new(&Plan { profile, faults: faults.collect(), heal })
    }

    #[test]
    fn bytes_take_the_delay_and_wait_for_the_end_of_a_blackout() {
        let mut pipe = pipe(&[Schedule::once(ms(400), Duration::from_millis(300))], None);
        assert_eq!(pipe.arrival(ms(100)), Some(ms(115)));
        assert_eq!(pipe.arrival(ms(399)), Some(ms(414)));
        assert_eq!(pipe.arrival(ms(400)), Some(ms(715)));
        assert_eq!(pipe.arrival(ms(700)), Some(ms(715)));
        assert_eq!(pipe.arrival(ms(701)), Some(ms(716)));
    }

    #[test]
    fn overlapping_blackouts_are_one() {
        let one = Schedule::once(ms(100), Duration::from_millis(100));
        let two = Schedule::once(ms(150), Duration::from_millis(100));
        assert_eq!(pipe(&[one, two], None).arrival(ms(120)), Some(ms(265)));
    }

    #[test]
    fn a_blackout_without_an_end_is_ended_by_healing_alone() {
        let endless = Schedule { at: ms(100), ..Schedule::ALWAYS };
        assert_eq!(pipe(&[endless], None).arrival(ms(200)), None);
        assert_eq!(pipe(&[endless], Some(ms(500))).arrival(ms(200)), Some(ms(515)));
    }
}
