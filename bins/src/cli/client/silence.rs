//! How long nothing may happen, and how long all of it may take.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use crate::app::end::Overdue;
use crate::driver::sockets::Alarm;

/// A bound on silence, and one on the whole.
#[derive(Debug)]
pub struct Silence {
    limit: Duration,
    /// `None` while nobody is waited for.
    until: Option<Instant>,
    /// For how long the whole may last, and until when.
    whole: Option<(Duration, Instant)>,
    /// Runs until the first of them.
    alarm: Alarm,
}

impl Silence {
    /// Silence begins, and may last for `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { limit, until: Some(Instant::now() + limit), whole: None, alarm: Alarm::default() }
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

    /// Ready when one of them has lasted for too long, with the one that has.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Overdue> {
        let whole = self.whole.map(|(whole, until)| (until, Overdue::Whole(whole)));
        let silence = self.until.map(|until| (until, Overdue::Silence(self.limit)));
        // The first of two that are equal: the whole.
        let first = whole.into_iter().chain(silence).min_by_key(|(until, _)| *until);
        let Some((until, overdue)) = first else { return Poll::Pending };
        self.alarm.poll(cx, Some(until)).map(|()| overdue)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_counts_from_what_was_heard_last() {
        let begin = Instant::now();
        let mut silence = Silence::new(Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(50)).await;
        silence.begin_again();
        assert_eq!(poll_fn(|cx| silence.poll(cx)).await, Overdue::Silence(Duration::from_secs(60)));
        assert_eq!(begin.elapsed().as_secs(), 110);
        silence.stop();
        let waited = tokio::time::timeout(Duration::from_secs(1000), poll_fn(|cx| silence.poll(cx))).await;
        assert!(waited.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn the_whole_may_last_only_so_long_whatever_is_heard() {
        let begin = Instant::now();
        let whole = Duration::from_secs(100);
        let mut silence = Silence::new(Duration::from_secs(60)).within(Some(whole));
        tokio::time::advance(Duration::from_secs(50)).await;
        silence.begin_again();
        assert_eq!(poll_fn(|cx| silence.poll(cx)).await, Overdue::Whole(whole));
        assert_eq!(begin.elapsed(), whole);
        let mut silence = Silence::new(Duration::from_secs(60)).within(Some(Duration::MAX));
        assert_eq!(poll_fn(|cx| silence.poll(cx)).await, Overdue::Silence(Duration::from_secs(60)));
    }
}
