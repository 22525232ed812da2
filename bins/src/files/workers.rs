//! Where blocking work is done, and its results wait.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;

/// Jobs that run at once, those beside them not counted. More threads than a disk has heads, or a machine has cores,
/// gain nothing; what is beyond waits here, at most one job a file.
const RUNNING_MAX: usize = 16;

/// Where the blocking work of a disk is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On tokio's blocking threads: for real disks.
    Pool,
    /// On the spot, before the request returns: for disks in memory, and for simulators, which have one thread.
    Inline,
}

type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// Whether a job takes one of the places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Counted,
    Beside,
}

/// Runs jobs and hands out what they return.
pub(super) struct Workers<T> {
    place: Where,
    waiting: VecDeque<Job<T>>,
    running: usize,
    done: VecDeque<T>,
    results: mpsc::Receiver<(Line, T)>,
    /// Kept, so that `results` never ends: with nothing under way, it pends.
    sender: mpsc::Sender<(Line, T)>,
}

impl<T: Send + 'static> Workers<T> {
    pub(super) fn new(place: Where) -> Self {
        let (sender, results) = mpsc::channel(RUNNING_MAX);
        Self { place, waiting: VecDeque::new(), running: 0, done: VecDeque::new(), results, sender }
    }

    /// Takes a job; returns at once, on the pool.
    pub(super) fn submit(&mut self, job: impl FnOnce() -> T + Send + 'static) {
        match self.place {
            Where::Inline => self.done.push_back(job()),
            Where::Pool => {
                self.waiting.push_back(Box::new(job));
                self.start();
            }
        }
    }

    /// Takes a job that waits for no other and that no other waits for. How many there are at once is the caller's to
    /// bound.
    pub(super) fn submit_beside(&mut self, job: impl FnOnce() -> T + Send + 'static) {
        match self.place {
            Where::Inline => self.done.push_back(job()),
            Where::Pool => self.run(Line::Beside, Box::new(job)),
        }
    }

    /// The next result.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        if let Some(done) = self.done.pop_front() {
            return Poll::Ready(done);
        }
        // One sender is our own, so the channel never ends.
        let Some((line, done)) = ready!(self.results.poll_recv(cx)) else { return Poll::Pending };
        if line == Line::Counted {
            self.running -= 1;
            self.start();
        }
        Poll::Ready(done)
    }

    fn start(&mut self) {
        while self.running < RUNNING_MAX
            && let Some(job) = self.waiting.pop_front()
        {
            self.running += 1;
            self.run(Line::Counted, job);
        }
    }

    fn run(&self, line: Line, job: Job<T>) {
        let sender = self.sender.clone();
        tokio::task::spawn_blocking(move || {
            // A receiver that is gone belongs to a loop that has ended.
            let _ = sender.blocking_send((line, job()));
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn more_jobs_than_threads_all_come_back() {
        for place in [Where::Pool, Where::Inline] {
            let mut workers = Workers::new(place);
            for number in 0..100 {
                workers.submit(move || number);
            }
            let mut results = Vec::new();
            for _ in 0..100 {
                results.push(poll_fn(|cx| workers.poll_next(cx)).await);
            }
            results.sort_unstable();
            assert_eq!(results, (0..100).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn jobs_beside_the_others_hold_nobody_up() {
        let mut workers = Workers::new(Where::Pool);
        let (let_go, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
        for _ in 0..RUNNING_MAX {
            let gate = std::sync::Arc::clone(&gate);
            workers.submit_beside(move || {
                let _ = gate.lock().map(|gate| gate.recv());
                0
            });
        }
        workers.submit(|| 1);
        assert_eq!(poll_fn(|cx| workers.poll_next(cx)).await, 1);
        drop(let_go);
        assert_eq!(poll_fn(|cx| workers.poll_next(cx)).await, 0);
    }
}
