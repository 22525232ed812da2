//! Whether the loop turns, and how late it is.
//!
//! Once a second it is asked to say something. How late that comes is what everybody waits for who is connected; when
//! it does not come at all, systemd's watchdog is not told that all is well.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backchat_core::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use super::notify::Notify;
use crate::driver::Control;

/// How often it is asked, unless the watchdog wants to know more often.
const EVERY: Duration = Duration::from_secs(1);

/// How late the loop was, each time.
#[derive(Clone, Debug, Default)]
pub(super) struct Lag(Arc<Mutex<Histogram>>);

impl Lag {
    /// What was measured so far.
    pub(super) fn measured(&self) -> Histogram {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, late: Duration) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(late);
    }
}

/// Asks until the loop is gone. With a `watchdog`, `notify` is told each time that it has answered.
pub(super) async fn run(
    control: mpsc::Sender<Control>,
    lag: Lag,
    notify: Notify,
    watchdog: Option<Duration>,
) {
    // Half of it would do, says sd_watchdog_enabled(3); a third leaves room for one that is late.
    let every = watchdog.map_or(EVERY, |watchdog| EVERY.min(watchdog / 3).max(Duration::from_millis(1)));
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // A loop that keeps this task from being polled is late as well.
        let due = ticks.tick().await;
        let (answer, answered) = oneshot::channel();
        if control.send(Control::Probe(answer)).await.is_err() || answered.await.is_err() {
            return;
        }
        lag.add(due.elapsed());
        if watchdog.is_some() {
            notify.alive();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn how_late_an_answer_comes_is_measured() {
        let (control, mut probes) = mpsc::channel(1);
        let lag = Lag::default();
        let looping = async {
            for late in [0, 70, 3_000] {
                let Some(Control::Probe(answer)) = probes.recv().await else { panic!("a probe") };
                tokio::time::sleep(Duration::from_millis(late)).await;
                answer.send(()).expect("it waits");
            }
            drop(probes);
        };
        let (_, ()) = tokio::join!(run(control, lag.clone(), Notify::default(), None), looping);
        let measured = lag.measured();
        assert_eq!((measured.count(), measured.sum()), (3, Duration::from_millis(3_070)));
    }
}
