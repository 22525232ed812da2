//! Many streams in one task, of which only those that have something to do are looked at.
//!
//! Every stream is polled with a waker of its own, and a wake-up puts the stream's name into a queue. Waiting is
//! waiting for that queue, so ten thousand idle connections cost their memory and nothing else, and nothing is
//! spawned. All are read through one buffer.
//!
//! What the bytes mean, and which stream is to be closed when, is decided elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::io::IoSlice;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use backchat_core::chat::StreamId;
use bytes::BufMut as _;
use tokio::io::AsyncReadExt as _;

use crate::driver::outside::{Read, Write};
use crate::net::Stream;

/// Bytes that one read takes at most. A line has at most 32 KiB, and a client that sends more than this at once
/// waits for the others' turns.
const READ_MAX: usize = 16 * 1024;

/// The streams of a loop.
pub(super) struct Streams<S> {
    slots: BTreeMap<StreamId, Slot<S>>,
    ready: Arc<Ready>,
}

struct Slot<S> {
    stream: S,
    name: Arc<Name>,
    /// `name` as a waker, made once.
    waker: Waker,
}

/// Who was woken, in order.
#[derive(Default)]
struct Ready {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    woken: VecDeque<StreamId>,
    /// The task that waits for one.
    task: Option<Waker>,
}

/// What a waker of ours wakes.
struct Name {
    stream: StreamId,
    /// Whether it is in the queue: then once is enough.
    is_queued: AtomicBool,
    ready: Arc<Ready>,
}

impl<S: Stream> Streams<S> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { slots: BTreeMap::new(), ready: Arc::default() }
    }

    /// Takes a stream in, and queues it: there may be something to read. A stream of the same name is dropped.
    pub(super) fn insert(&mut self, name: StreamId, stream: S) {
        let ready = Arc::clone(&self.ready);
        let name_ = Arc::new(Name { stream: name, is_queued: AtomicBool::new(false), ready });
        let waker = Waker::from(Arc::clone(&name_));
        waker.wake_by_ref();
        self.slots.insert(name, Slot { stream, name: name_, waker });
    }

    /// Gives a stream up. Dropping it closes it.
    pub(super) fn remove(&mut self, name: StreamId) -> Option<S> {
        self.slots.remove(&name).map(|slot| slot.stream)
    }

    /// Names a stream that has something to read, room to write, or both. A stream that was named is not named again
    /// before it was woken again, so both must be tried until they answer `Blocked`, or the stream queued.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<StreamId> {
        if let Some(name) = self.take() {
            return Poll::Ready(name);
        }
        let mut queue = self.ready.lock();
        // A wake-up between the look and here would be lost.
        if !queue.woken.is_empty() {
            cx.waker().wake_by_ref();
        } else if !queue.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            queue.task = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn take(&mut self) -> Option<StreamId> {
        loop {
            let name = self.ready.lock().woken.pop_front()?;
            // Streams that are gone may still be woken by what they left behind.
            if let Some(slot) = self.slots.get(&name) {
                // Cleared before the stream is looked at, so that what happens while we look queues it again.
                slot.name.is_queued.store(false, Ordering::Release);
                return Some(name);
            }
        }
    }

    /// Puts a stream into the queue, behind those that are in it.
    pub(super) fn queue(&self, name: StreamId) {
        if let Some(slot) = self.slots.get(&name) {
            slot.waker.wake_by_ref();
        }
    }

    /// Replaces `buffer` by what is there, at most [`READ_MAX`] bytes.
    pub(super) fn read(&mut self, name: StreamId, buffer: &mut Vec<u8>) -> Read {
        let Some(slot) = self.slots.get_mut(&name) else { return Read::Failed };
        buffer.clear();
        buffer.reserve(READ_MAX);
        let mut cx = Context::from_waker(&slot.waker);
        // The future holds nothing of its own: polled once and dropped, it is a read that does not wait.
        match pin!(slot.stream.read_buf(&mut buffer.limit(READ_MAX))).poll(&mut cx) {
            Poll::Pending => Read::Blocked,
            Poll::Ready(Err(_)) => Read::Failed,
            Poll::Ready(Ok(0)) => Read::Finished,
            Poll::Ready(Ok(_)) => {
                slot.waker.wake_by_ref();
                Read::Bytes
            }
        }
    }

    /// Writes as much of `slices` as the stream takes at once.
    pub(super) fn write(&mut self, name: StreamId, slices: &[IoSlice<'_>]) -> Write {
        let Some(slot) = self.slots.get_mut(&name) else {
            return Write::Failed;
        };
        let mut cx = Context::from_waker(&slot.waker);
        let stream = Pin::new(&mut slot.stream);
        // A stream without vectored writes would take the first of many small frames at a time.
        let result = match slices {
            [slice] => stream.poll_write(&mut cx, slice),
            slices => stream.poll_write_vectored(&mut cx, slices),
        };
        match result {
            Poll::Pending => Write::Blocked,
            Poll::Ready(Ok(0) | Err(_)) => Write::Failed,
            Poll::Ready(Ok(taken)) => Write::Taken(taken),
        }
    }

    /// Tells the peer that nothing more comes. It may still send.
    pub(super) fn shut_down(&mut self, name: StreamId) {
        if let Some(slot) = self.slots.get_mut(&name) {
            let mut cx = Context::from_waker(&slot.waker);
            // Whether it worked or not, nothing more is written.
            let _ = Pin::new(&mut slot.stream).poll_shutdown(&mut cx);
        }
    }
}

impl<S: Stream> Default for Streams<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl Ready {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Name {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let task = {
            let mut queue = self.ready.lock();
            queue.woken.push_back(self.stream);
            queue.task.take()
        };
        if let Some(task) = task {
            task.wake();
        }
    }
}

#[cfg(test)]
mod tests;
