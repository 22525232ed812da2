//! Whether a run gets anywhere: bounds on its steps, so that nodes that answer each other without end, or without any time
//! going by, end the run with an error and not the patience of whoever waits.
//!
//! A step is something that happens, or a node's look at one of its sources. What a node does within one is core's, whose
//! loops have bounds of their own.

use backchat_core::time::Instant;

use crate::engine::outcome::RunError;

/// The most steps at one instant. The most that a scenario can ask for is the largest file, 1 GiB, over a path without any
/// delay, in the smallest segments, 64 bytes: 17 million datagrams, and as many looks at the sockets they come from.
const AT_ONCE_MAX: u64 = 100_000_000;

/// The most steps in all. A path of 10 Mbit/s that is full for a day is 400 million; at some ten million steps a second,
/// whoever waits waits for minutes.
const IN_ALL_MAX: u64 = 4_000_000_000;

/// How many steps there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// At one instant.
    pub(super) at_once: u64,
    /// In all.
    pub(super) in_all: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { at_once: AT_ONCE_MAX, in_all: IN_ALL_MAX }
    }
}

/// Whether there may be another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Going {
    /// There may.
    On,
    /// There may not: [`Pace::check`] says why.
    Nowhere,
}

/// Counts steps.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    bounds: Bounds,
    /// The instant that `at_once` counts for.
    at: Instant,
    at_once: u64,
    in_all: u64,
}

impl Pace {
    /// Nothing has happened.
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self { bounds, at: Instant::ZERO, at_once: 0, in_all: 0 }
    }

    /// One more step.
    pub(super) fn step(&mut self, now: Instant) -> Going {
        if self.at != now {
            (self.at, self.at_once) = (now, 0);
        }
        self.at_once += 1;
        self.in_all += 1;
        if self.at_once > self.bounds.at_once || self.in_all > self.bounds.in_all {
            Going::Nowhere
        } else {
            Going::On
        }
    }

    /// Whether the run may go on.
    ///
    /// # Errors
    /// It has taken too many steps.
    pub(super) const fn check(&self) -> Result<(), RunError> {
        if self.at_once > self.bounds.at_once {
            return Err(RunError::StandsStill { at: self.at, steps: self.bounds.at_once });
        }
        if self.in_all > self.bounds.in_all {
            return Err(RunError::Endless { at: self.at, steps: self.bounds.in_all });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Payloads, Run};
    use super::*;
    use crate::scenario::Scenario;

    /// A download over a path that takes no time, so that all of it happens at one instant.
    const AT_ONCE: &str = r#"
duration = "60s"
[server]
files = [{ name = "book.bin", size = "1MiB" }]
[clients.alice]
[[steps]]
who = "alice"
do = "get"
file = "book.bin"
"#;

    fn ended(text: &str, bounds: Bounds) -> Result<Instant, RunError> {
        let scenario = Scenario::parse(text).unwrap();
        let mut run = Run::new(&scenario, 0, Payloads::Ranges)?;
        run.env.pace = Pace::new(bounds);
        run.finish(&mut ()).map(|end| end.at)
    }

    #[test]
    fn a_run_in_which_time_stands_still_ends_with_an_error() {
        let few = Bounds { at_once: 500, ..Bounds::default() };
        let error = ended(AT_ONCE, few).unwrap_err();
        assert!(matches!(error, RunError::StandsStill { steps: 500, .. }), "{error}");
        assert!(error.to_string().contains("500 steps at this instant"), "{error}");
        let delayed = format!("{AT_ONCE}[links.default]\ndelay = \"10ms\"\nrate = \"10Mbit/s\"\n");
        assert!(ended(&delayed, few).is_ok(), "the same steps, one after the other");
    }

    #[test]
    fn a_run_that_has_no_end_ends_with_an_error() {
        let few = Bounds { in_all: 500, ..Bounds::default() };
        assert!(matches!(ended(AT_ONCE, few), Err(RunError::Endless { steps: 500, .. })));
        assert!(ended(AT_ONCE, Bounds::default()).is_ok());
    }
}
