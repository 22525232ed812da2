//! A run that can be stopped: by a signal, or when its time is over.

use core::time::Duration;

use super::exit::Trouble;
use super::interrupt;
use super::wall::Stopwatch;
use crate::trace::{Record, Sink};

/// Until when runs go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    watch: Stopwatch,
    most: Option<Duration>,
}

impl Limit {
    /// From now on, so long in real time, and until somebody asks for the end.
    ///
    /// # Errors
    /// Nobody would hear that.
    pub(super) fn new(most: Option<Duration>) -> Result<Self, Trouble> {
        interrupt::listen()?;
        Ok(Self { watch: Stopwatch::start(), most })
    }

    /// Returns true if the time is over, or somebody has asked for the end.
    pub(super) fn is_over(&self) -> bool {
        interrupt::is_asked() || self.most.is_some_and(|most| self.watch.elapsed() >= most)
    }

    /// Why a run that was stopped was.
    pub(super) fn trouble(&self, what: String, at: backchat_core::time::Instant) -> Trouble {
        match (interrupt::is_asked(), self.most) {
            (false, Some(most)) => Trouble::OutOfTime { what, at, most },
            _ => Trouble::Interrupted,
        }
    }
}

/// Hands records on until a limit is met.
pub(super) struct Within<'a, S> {
    pub(super) sink: &'a mut S,
    pub(super) limit: Limit,
}

impl<S: Sink> Sink for Within<'_, S> {
    fn record(&mut self, record: &Record) {
        self.sink.record(record);
    }

    fn stops(&self) -> bool {
        self.limit.is_over() || self.sink.stops()
    }
}
