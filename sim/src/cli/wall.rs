//! Real time: how long a run took, for people. It never gets into a trace or decides anything in a run.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "measured around runs, not in them")]

use core::time::Duration;

/// A moment in real time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts now.
    pub(super) fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long it has run.
    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}
