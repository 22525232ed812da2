//! A timer that is kept: to make one anew for each wait would wake the runtime each time.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// One timer of tokio's, set anew as often as it is wanted.
#[derive(Debug, Default)]
pub struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once it is `at`, or up to a millisecond later, which is the granularity of tokio's timers. `None` is a time
    /// that never comes.
    pub fn poll(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> Poll<()> {
        let Some(at) = at else { return Poll::Pending };
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_can_be_set_again_to_an_earlier_and_to_a_later_time() {
        let (begin, mut alarm) = (Instant::now(), Alarm::default());
        let at = |seconds| Some(begin + Duration::from_secs(seconds));
        let waker = std::task::Waker::noop();
        let mut cx = Context::from_waker(waker);
        assert_eq!(alarm.poll(&mut cx, at(100)), Poll::Pending);
        assert_eq!(alarm.poll(&mut cx, None), Poll::Pending);
        for seconds in [10, 20] {
            poll_fn(|cx| alarm.poll(cx, at(seconds))).await;
            assert_eq!(begin.elapsed().as_secs(), seconds);
        }
        assert_eq!(alarm.poll(&mut cx, at(15)), Poll::Ready(()), "a time that has passed is now");
    }
}
