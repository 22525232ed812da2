//! Writes frames to the terminal on a thread of its own: one that takes nothing, for it is slow or its window is held,
//! holds up its own pictures and neither the chat nor the downloads.
//!
//! One frame at a time. While one is being written nothing is drawn, so a slow terminal gets fewer frames and never a
//! queue of old ones.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// See the module.
#[derive(Debug)]
pub(crate) struct Painter {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    work: Work,
    /// Why a frame was not written, until somebody asks.
    error: Option<io::Error>,
    /// The task that waits until nothing is being written.
    waiting: Option<Waker>,
}

#[derive(Debug, Default)]
enum Work {
    #[default]
    None,
    Waits(Vec<u8>),
    IsPainted,
    /// There will be none any more.
    Over,
}

/// Whether a painter was done in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// It writes nothing.
    Idle,
    /// It is in the middle of a frame.
    Stuck,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No panic leaves it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Painter {
    /// A painter on `out`; its thread ends with it, or with the frame that it is stuck in.
    pub(crate) fn new(out: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        std::thread::Builder::new().name("painter".to_owned()).spawn(move || paint(&theirs, out))?;
        Ok(Self { shared })
    }

    /// Writes a frame. Only where none is being written: [`poll_painted`](Self::poll_painted) says when.
    pub(crate) fn paint(&self, frame: Vec<u8>) {
        let mut state = self.shared.lock();
        debug_assert!(matches!(state.work, Work::None), "one frame at a time");
        state.work = Work::Waits(frame);
        self.shared.changed.notify_all();
    }

    /// Whether a frame is being written.
    pub(crate) fn is_busy(&self) -> bool {
        !matches!(self.shared.lock().work, Work::None)
    }

    /// Ready when nothing is being written.
    ///
    /// # Errors
    /// The last frame was not written: the terminal is gone.
    pub(crate) fn poll_painted(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.shared.lock();
        match (state.error.take(), &state.work) {
            (Some(error), _) => Poll::Ready(Err(error)),
            (None, Work::None) => Poll::Ready(Ok(())),
            (None, _) => {
                state.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Waits so long for the frame that is being written.
    pub(crate) fn rest(&self, patience: Duration) -> Rest {
        let state = self.shared.lock();
        let is_busy = |state: &mut State| !matches!(state.work, Work::None);
        let waited = self.shared.changed.wait_timeout_while(state, patience, is_busy);
        match waited.map_or_else(|poisoned| poisoned.into_inner().1, |(_, timeout)| timeout).timed_out() {
            true => Rest::Stuck,
            false => Rest::Idle,
        }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        self.shared.lock().work = Work::Over;
        self.shared.changed.notify_all();
    }
}

fn paint(shared: &Shared, mut out: impl Write) {
    let mut state = shared.lock();
    loop {
        match std::mem::take(&mut state.work) {
            Work::Over => return,
            Work::Waits(frame) => {
                state.work = Work::IsPainted;
                drop(state);
                let written = out.write_all(&frame).and_then(|()| out.flush());
                state = shared.lock();
                state.error = written.err().or(state.error.take());
                if matches!(state.work, Work::IsPainted) {
                    state.work = Work::None;
                }
                shared.changed.notify_all();
                if let Some(waiting) = state.waiting.take() {
                    waiting.wake();
                }
            }
            Work::None | Work::IsPainted => {
                state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A terminal that takes what it is given when the test says so: first nothing, then all of it.
    struct Slow {
        may: Receiver<io::Result<()>>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.taken.send(Vec::new()).expect("the test goes on");
            self.may.recv().expect("the test goes on")?;
            self.taken.send(bytes.to_vec()).expect("the test goes on");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn slow() -> (Painter, Sender<io::Result<()>>, Receiver<Vec<u8>>) {
        let ((permit, may), (taken, seen)) = (channel(), channel());
        (Painter::new(Slow { may, taken }).expect("a thread"), permit, seen)
    }

    async fn painted(painter: &Painter) -> io::Result<()> {
        std::future::poll_fn(|cx| painter.poll_painted(cx)).await
    }

    #[tokio::test]
    async fn a_frame_is_written_when_the_terminal_takes_it_and_nobody_waits_meanwhile() {
        let (painter, permit, seen) = slow();
        assert!(!painter.is_busy());
        painted(&painter).await.expect("nothing to wait for");
        for frame in ["one", "two"] {
            painter.paint(frame.into());
            assert!(painter.is_busy());
            assert_eq!(painter.rest(Duration::ZERO), Rest::Stuck);
            permit.send(Ok(())).expect("it waits");
            painted(&painter).await.expect("written");
            assert_eq!((seen.recv(), seen.recv()), (Ok(Vec::new()), Ok(frame.into())));
            assert!(!painter.is_busy());
            assert_eq!(painter.rest(Duration::ZERO), Rest::Idle);
        }
    }

    #[tokio::test]
    async fn a_terminal_that_is_gone_is_told_once() {
        let (painter, permit, _seen) = slow();
        painter.paint("frame".into());
        permit.send(Err(io::ErrorKind::BrokenPipe.into())).expect("it waits");
        assert_eq!(painted(&painter).await.expect_err("gone").kind(), io::ErrorKind::BrokenPipe);
        painted(&painter).await.expect("told already");
    }

    #[test]
    fn a_painter_that_is_stuck_can_be_left() {
        let (painter, permit, seen) = slow();
        painter.paint("frame".into());
        assert_eq!(seen.recv(), Ok(Vec::new()));
        drop(painter);
        permit.send(Ok(())).expect("it waits");
        // Its thread ends, and with it the terminal.
        assert_eq!((seen.recv().is_ok(), seen.recv().is_err()), (true, true));
    }
}
