//! Work on several threads, whose results come in the order of the work.
//!
//! Work has numbers, and is handed out in their order; so what has been done when it stops is all that comes before some
//! number, and that number says how far it came. Nobody gets further ahead of the slowest than [`AHEAD_MAX`]: what is held
//! back for its turn is bounded, however much there is to do.

use core::convert::Infallible;
use core::ops::Range;
use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ScopedJoinHandle;

/// Results that wait for one before them. One long run among short ones then stops the others now and then, and a few
/// thousand lines of results are held in memory.
const AHEAD_MAX: u64 = 4096;

/// Does `work` for each number of `span` on `jobs` threads, until it `is_over`, and hands what came of it to `take` in
/// their order. Answers the first number that was not begun.
///
/// # Errors
/// The first of `take`'s; nothing more is begun then.
///
/// # Panics
/// As the first `work` that does, when what was begun is done; nothing more is begun then.
pub(crate) fn in_order<T: Send, E>(
    jobs: usize,
    span: Range<u64>,
    is_over: impl Fn() -> bool + Sync,
    work: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<u64, E> {
    let desk = Desk::new(jobs, span);
    std::thread::scope(|scope| {
        let thread = || {
            let _leaving = Leaving(&desk);
            while let Some(number) = desk.next(&is_over) {
                desk.put(number, work(number));
            }
        };
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(thread)).collect();
        while let Some((number, result)) = desk.take() {
            if let Err(error) = take(number, result) {
                desk.close();
                return Err(error);
            }
        }
        // What was done before a panic is taken; what should have come behind it never is.
        let join = |thread: ScopedJoinHandle<'_, ()>| thread.join().unwrap_or_else(|it| resume_unwind(it));
        threads.into_iter().for_each(join);
        Ok(desk.lock().next)
    })
}

/// What `work` makes of each of `items`, on `jobs` threads, in their order.
///
/// # Panics
/// As [`in_order`].
pub fn each<I: Sync, T: Send>(jobs: usize, items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let mut all = Vec::with_capacity(items.len());
    let take = |_, made| {
        all.push(made);
        Ok::<(), Infallible>(())
    };
    // Numbers are places in `items`.
    let Ok(_) = in_order(jobs, 0..items.len() as u64, || false, |number| work(&items[number as usize]), take);
    all
}

/// What the threads share.
struct Desk<T> {
    state: Mutex<State<T>>,
    /// Something of it has changed.
    changed: Condvar,
}

struct State<T> {
    /// The next number that is handed out, and the end of them.
    next: u64,
    end: u64,
    /// The next whose result is taken.
    turn: u64,
    results: BTreeMap<u64, T>,
    /// Threads that may still put something.
    at_work: usize,
}

impl<T> Desk<T> {
    fn new(jobs: usize, span: Range<u64>) -> Self {
        let (next, end) = (span.start, span.end.max(span.start));
        let state = State { next, end, turn: next, results: BTreeMap::new(), at_work: jobs };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A thread that panicked left nothing half done here.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, is_over: impl Fn() -> bool) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if is_over() || state.next >= state.end {
                return None;
            }
            if state.next < state.turn + AHEAD_MAX {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.wait(state);
        }
    }

    fn put(&self, number: u64, result: T) {
        let mut state = self.lock();
        state.results.insert(number, result);
        // Whoever takes waits for this one alone.
        if number == state.turn {
            self.changed.notify_all();
        }
    }

    fn take(&self) -> Option<(u64, T)> {
        let mut state = self.lock();
        loop {
            let turn = state.turn;
            if let Some(result) = state.results.remove(&turn) {
                state.turn += 1;
                // Whoever was too far ahead waits for this.
                if state.next >= turn + AHEAD_MAX {
                    self.changed.notify_all();
                }
                return Some((turn, result));
            }
            if state.at_work == 0 {
                return None;
            }
            state = self.wait(state);
        }
    }

    /// Nothing more is handed out.
    fn close(&self) {
        let mut state = self.lock();
        state.end = state.next;
        self.changed.notify_all();
    }
}

/// A thread that has nothing more to do. Where that is a panic nobody else begins anything: its result would be waited for
/// by all that is ahead of it.
struct Leaving<'a, T>(&'a Desk<T>);

impl<T> Drop for Leaving<'_, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
        self.0.lock().at_work -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for jobs in [1, 2, 7] {
            let mut seen = Vec::new();
            let take = |number, square| {
                seen.push((number, square));
                Ok::<(), ()>(())
            };
            let end = in_order(jobs, 3..10_000, || false, |number| number * number, take);
            assert_eq!(end, Ok(10_000));
            assert!(seen.into_iter().eq((3..10_000).map(|number| (number, number * number))), "{jobs}");
        }
    }

    #[test]
    fn what_was_begun_when_it_stops_is_finished_and_taken() {
        let begun = AtomicU64::new(0);
        let work = |_| begun.fetch_add(1, Ordering::Relaxed);
        let mut taken = 0;
        let take = |_, _| {
            taken += 1;
            Ok::<(), ()>(())
        };
        let is_over = || begun.load(Ordering::Relaxed) >= 100;
        let end = in_order(3, 0..1_000_000, is_over, work, take).unwrap();
        assert!((100..110).contains(&end), "{end}");
        assert_eq!((taken, begun.into_inner()), (end, end));
    }

    #[test]
    fn nobody_is_further_ahead_than_the_bound_and_a_mistake_ends_it() {
        let (done, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let work = |number| {
            most.fetch_max(number - done.load(Ordering::Relaxed).min(number), Ordering::Relaxed);
        };
        let take = |number, ()| {
            done.store(number, Ordering::Relaxed);
            if number < 20_000 { Ok(()) } else { Err("enough") }
        };
        assert_eq!(in_order(4, 0..1_000_000, || false, work, take), Err("enough"));
        assert!(most.into_inner() <= AHEAD_MAX + 1);
    }

    #[test]
    fn a_panic_is_handed_on_and_nobody_waits_for_its_result() {
        let taken = AtomicU64::new(0);
        let work = |number| assert_ne!(number, 100, "the hundredth");
        let take = |number, ()| {
            taken.store(number, Ordering::Relaxed);
            Ok::<(), ()>(())
        };
        // Far more than anybody may be ahead.
        let all = || in_order(3, 0..1_000_000, || false, work, take);
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(all)).expect_err("a panic");
        let message = panic.downcast_ref::<String>().expect("a text");
        assert!(message.contains("the hundredth"), "{message}");
        assert_eq!(taken.into_inner(), 99);
    }
}
