//! What carries out the blocking calls of a disk, and keeps their results until somebody looks.
//!
//! Each [`Disk`] says which: [`Pool`] for real ones, whose calls block; [`AtOnce`] for those in memory,
//! whose calls do not. A simulator can have one whose results come at a virtual time.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll, ready};

use tokio::sync::mpsc;

use super::disk::Disk;

/// Jobs that run at once, those beside them not counted. More threads than a disk has heads, or a machine has cores,
/// gain nothing; what is beyond waits here, at most one job a file.
const RUNNING_MAX: usize = 16;

/// A place where jobs are done.
pub trait Executor {
    /// The jobs of one user of the disk, which bring back a `T` each.
    type Jobs<T: Send + 'static>: Jobs<T>;

    /// No jobs yet.
    fn jobs<T: Send + 'static>(&self) -> Self::Jobs<T>;

    /// How many processors there are for jobs that run for long; `None` when none does.
    fn processors(&self) -> Option<usize>;
}

/// The jobs on `D`, which bring back a `T` each.
pub(super) type JobsOf<D, T> = <<D as Disk>::Executor as Executor>::Jobs<T>;

/// Jobs that are under way, and results that nobody has looked at.
pub trait Jobs<T>: Send {
    /// Takes a job, and returns at once.
    fn submit(&mut self, line: Line, job: impl FnOnce() -> T + Send + 'static);

    /// The next result. A job that panics has the caller panic: it would wait for ever for a result that never comes.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<T>;
}

/// Whether a job waits for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Behind others, when many run.
    Counted,
    /// It waits for no other and no other waits for it. How many there are at once is the caller's to bound.
    Beside,
}

/// On tokio's blocking threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pool;

impl Executor for Pool {
    type Jobs<T: Send + 'static> = PoolJobs<T>;

    fn jobs<T: Send + 'static>(&self) -> PoolJobs<T> {
        let (sender, results) = mpsc::channel(RUNNING_MAX);
        PoolJobs { waiting: VecDeque::new(), running: 0, results, sender }
    }

    fn processors(&self) -> Option<usize> {
        Some(std::thread::available_parallelism().map_or(1, usize::from))
    }
}

/// Jobs of a [`Pool`].
pub struct PoolJobs<T> {
    waiting: VecDeque<Job<T>>,
    running: usize,
    results: mpsc::Receiver<(Line, Outcome<T>)>,
    /// Kept, so that `results` never ends: with nothing under way, it pends.
    sender: mpsc::Sender<(Line, Outcome<T>)>,
}

type Job<T> = Box<dyn FnOnce() -> T + Send>;

/// What came of a job, or the panic that ended it.
type Outcome<T> = Result<T, Box<dyn Any + Send>>;

impl<T: Send + 'static> Jobs<T> for PoolJobs<T> {
    fn submit(&mut self, line: Line, job: impl FnOnce() -> T + Send + 'static) {
        match line {
            Line::Counted => {
                self.waiting.push_back(Box::new(job));
                self.start();
            }
            Line::Beside => self.run(line, Box::new(job)),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        // One sender is our own, so the channel never ends.
        let Some((line, outcome)) = ready!(self.results.poll_recv(cx)) else { return Poll::Pending };
        if line == Line::Counted {
            self.running -= 1;
            self.start();
        }
        match outcome {
            Ok(result) => Poll::Ready(result),
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl<T: Send + 'static> PoolJobs<T> {
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
            // What a job has left half done goes with the panic.
            let outcome = catch_unwind(AssertUnwindSafe(job));
            // A receiver that is gone belongs to a loop that has ended.
            let _ = sender.blocking_send((line, outcome));
        });
    }
}

/// On the spot, before the request returns.
#[derive(Clone, Copy, Debug, Default)]
pub struct AtOnce;

impl Executor for AtOnce {
    type Jobs<T: Send + 'static> = DoneJobs<T>;

    fn jobs<T: Send + 'static>(&self) -> DoneJobs<T> {
        DoneJobs(VecDeque::new())
    }

    fn processors(&self) -> Option<usize> {
        None
    }
}

/// Results of jobs that were done [`AtOnce`]. A caller comes for them by itself: nobody is woken.
pub struct DoneJobs<T>(VecDeque<T>);

impl<T: Send> Jobs<T> for DoneJobs<T> {
    fn submit(&mut self, _: Line, job: impl FnOnce() -> T + Send + 'static) {
        self.0.push_back(job());
    }

    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<T> {
        self.0.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn next<T>(jobs: &mut impl Jobs<T>) -> T {
        poll_fn(|cx| jobs.poll_next(cx)).await
    }

    async fn all_come_back(executor: impl Executor) {
        let mut jobs = executor.jobs();
        for number in 0..100 {
            jobs.submit(Line::Counted, move || number);
        }
        let mut results = Vec::new();
        for _ in 0..100 {
            results.push(next(&mut jobs).await);
        }
        results.sort_unstable();
        assert_eq!(results, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn more_jobs_than_threads_all_come_back() {
        all_come_back(Pool).await;
        all_come_back(AtOnce).await;
    }

    #[tokio::test]
    async fn jobs_beside_the_others_hold_nobody_up() {
        let mut jobs = Pool.jobs();
        let (let_go, gate) = std::sync::mpsc::channel::<()>();
        let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
        for _ in 0..RUNNING_MAX {
            let gate = std::sync::Arc::clone(&gate);
            jobs.submit(Line::Beside, move || {
                let _ = gate.lock().map(|gate| gate.recv());
                0
            });
        }
        jobs.submit(Line::Counted, || 1);
        assert_eq!(next(&mut jobs).await, 1);
        drop(let_go);
        assert_eq!(next(&mut jobs).await, 0);
    }

    #[tokio::test]
    #[should_panic = "a mistake in a job"]
    async fn a_job_that_panics_leaves_nobody_waiting_for_its_result() {
        let mut jobs = Pool.jobs();
        jobs.submit(Line::Counted, || panic!("a mistake in a job"));
        next::<()>(&mut jobs).await;
    }
}
