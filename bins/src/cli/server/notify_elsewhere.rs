//! Where there is no systemd, nobody is told.

use std::time::Duration;

use crate::cli::args::Environment;

/// Nobody.
#[derive(Clone, Debug, Default)]
pub(super) struct Notify;

impl Notify {
    /// Nobody.
    pub(super) fn of(_: &Environment) -> Self {
        Self
    }

    /// Nothing is done.
    pub(super) fn ready(&self, _: &str) {}

    /// Nothing is done.
    pub(super) fn reloading(&self) {}

    /// Nothing is done.
    pub(super) fn reloaded(&self) {}

    /// Nothing is done.
    pub(super) fn stopping(&self, _: Duration) {}

    /// Nothing is done.
    pub(super) fn alive(&self) {}
}

/// Nobody looks.
pub(super) fn watchdog(_: &Environment, _: u32) -> Option<Duration> {
    None
}
