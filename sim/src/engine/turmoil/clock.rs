//! Virtual time and the seed's entropy, as the drivers ask for them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use backchat::net::{Clock, Entropy};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};

use super::world::World;
use crate::engine::node::{self, EPOCH};

/// The same, for turmoil, whose default is the wall clock.
#[expect(clippy::disallowed_types, reason = "a constant of turmoil's interface; no clock is read")]
pub(super) fn turmoil_epoch() -> std::time::SystemTime {
    std::time::SystemTime::UNIX_EPOCH + Duration::from_millis(EPOCH.as_millis().unsigned_abs())
}

/// The run's clock: every host reads the same, which counts from the beginning of the run.
#[derive(Clone)]
pub(super) struct SimClock(Arc<World>);

impl SimClock {
    pub(super) fn new(world: Arc<World>) -> Self {
        Self(world)
    }
}

/// The time on the host that runs now; between ticks that of the last one. turmoil answers outside of a tick as well,
/// and wrongly, for the host's own clock stands elsewhere then: only what runs inside a host may ask here.
pub(super) fn now(world: &World) -> Instant {
    turmoil::sim_elapsed().map_or_else(|| world.lock().now(), |elapsed| Instant::ZERO + elapsed)
}

/// Waits until `at`, or up to a millisecond longer.
pub(super) async fn sleep_until(now: Instant, at: Instant) {
    tokio::time::sleep(at - now).await;
}

impl Clock for SimClock {
    fn now(&self) -> Instant {
        now(&self.0)
    }

    fn to_tokio(&self, at: Instant) -> Option<tokio::time::Instant> {
        let wait = at - self.now();
        // What tokio cannot hold never comes.
        tokio::time::Instant::now().checked_add(wait).filter(|_| wait < Duration::from_secs(86_400 * 365))
    }

    fn wall(&self) -> UnixTime {
        node::wall(self.now())
    }
}

/// What one life of one host has.
pub(super) struct SimEntropy([u8; 32]);

impl SimEntropy {
    /// For the `life`th life of `host`.
    pub(super) fn new(seed: &Seed, host: &str, life: u64) -> Self {
        Self(node::entropy(seed, host, life))
    }
}

impl Entropy for SimEntropy {
    fn seed(&mut self) -> io::Result<[u8; 32]> {
        Ok(self.0)
    }
}
