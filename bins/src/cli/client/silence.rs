//! How long nothing may happen, and how long all of it may take.

use std::time::Duration;

use tokio::time::Instant;

use crate::app::end::Overdue;

/// A bound on silence, and one on the whole.
#[derive(Debug)]
pub struct Silence {
    limit: Duration,
    /// `None` while nobody is waited for.
    until: Option<Instant>,
    /// For how long the whole may last, and until when.
    whole: Option<(Duration, Instant)>,
}

impl Silence {
    /// Silence begins, and may last for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, until: Some(Instant::now() + limit), whole: None }
    }

    /// The same, but the whole may last for `whole` from now on, whatever comes.
    #[must_use]
    pub fn within(self, whole: Option<Duration>) -> Self {
        let now = Instant::now();
        // What the clock cannot tell is for ever.
        let whole = whole.and_then(|whole| Some((whole, now.checked_add(whole)?)));
        Self { whole, ..self }
    }

    /// What is waited for has come nearer; silence begins anew. What else a server may say is no reason to: it could hold us
    /// for ever with a notice a minute.
    pub fn begin_again(&mut self) {
        self.until = Some(Instant::now() + self.limit);
    }

    /// Nobody is waited for any more.
    pub fn stop(&mut self) {
        self.until = None;
    }

    /// Waits until one of them has lasted for too long, and says which. Cancel safe.
    pub async fn lasts(&self) -> Overdue {
        let silence = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
            Overdue::Silence(self.limit)
        };
        let whole = async {
            match self.whole {
                Some((whole, until)) => {
                    tokio::time::sleep_until(until).await;
                    Overdue::Whole(whole)
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            overdue = whole => overdue,
            overdue = silence => overdue,
        }
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
        assert_eq!(silence.lasts().await, Overdue::Silence(Duration::from_secs(60)));
        assert_eq!(begin.elapsed().as_secs(), 110);
        silence.stop();
        let waited = tokio::time::timeout(Duration::from_secs(1000), silence.lasts()).await;
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_may_last_only_so_long_whatever_is_heard() {
        let begin = Instant::now();
        let whole = Duration::from_secs(100);
        let mut silence = Silence::new(Duration::from_secs(60)).within(Some(whole));
        tokio::time::advance(Duration::from_secs(50)).await;
        silence.begin_again();
        assert_eq!(silence.lasts().await, Overdue::Whole(whole));
        assert_eq!(begin.elapsed(), whole);
        let silence = Silence::new(Duration::from_secs(60)).within(Some(Duration::MAX));
        assert_eq!(silence.lasts().await, Overdue::Silence(Duration::from_secs(60)));
    }
}
