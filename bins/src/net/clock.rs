//! Real time and real entropy.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use backchat_core::time::{Instant, UnixTime};

use super::{Clock, Entropy};

/// tokio's clock, which stands still and jumps where a test or a simulator says so, and the system's calendar.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    epoch: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose epoch is now.
    pub fn new() -> Self {
        Self { epoch: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn to_tokio(&self, at: Instant) -> Option<tokio::time::Instant> {
        self.epoch.checked_add(Duration::from_nanos(at.as_nanos()))
    }

    fn wall(&self) -> UnixTime {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
        };
        UnixTime::from_millis(millis)
    }
}

/// The operating system's entropy.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn seed(&mut self) -> io::Result<[u8; 32]> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(io::Error::from)?;
        Ok(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_epoch_is_the_clocks_creation() {
        let clock = SystemClock::new();
        assert_eq!(clock.now(), Instant::ZERO);
        let at = clock.to_tokio(Instant::from_millis(1500)).unwrap();
        tokio::time::sleep_until(at).await;
        assert!(clock.now() >= Instant::from_millis(1500));
        assert!(clock.now() <= Instant::from_millis(1502));
    }

    #[test]
    fn two_seeds_differ() {
        assert_ne!(SystemEntropy.seed().unwrap(), SystemEntropy.seed().unwrap());
    }
}
