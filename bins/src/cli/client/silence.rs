//! How long nothing may happen.

use std::time::Duration;

use tokio::time::Instant;

/// A bound on silence.
#[derive(Debug)]
pub struct Silence {
    limit: Duration,
    /// `None` while nobody is waited for.
    until: Option<Instant>,
}

impl Silence {
    /// Silence begins, and may last for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, until: Some(Instant::now() + limit) }
    }

    /// Something was heard; silence begins anew.
    pub fn begin_again(&mut self) {
        self.until = Some(Instant::now() + self.limit);
    }

    /// Nobody is waited for any more.
    pub fn stop(&mut self) {
        self.until = None;
    }

    /// Waits until silence has lasted for too long, and says for how long; pends while nobody is waited for. Cancel
    /// safe.
    pub async fn lasts(&self) -> Duration {
        match self.until {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
        self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_what_was_heard_last() {
        let begin = Instant::now();
        let mut silence = Silence::new(Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(50)).await;
        silence.begin_again();
        assert_eq!(silence.lasts().await, Duration::from_secs(60));
        assert_eq!(begin.elapsed().as_secs(), 110);
        silence.stop();
        let waited = tokio::time::timeout(Duration::from_secs(1000), silence.lasts()).await;
        assert!(waited.is_err());
    }
}
