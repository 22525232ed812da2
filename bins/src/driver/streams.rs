//! Many streams in one task, of which only those that have something to do are looked at.
//!
//! Every stream is polled with a waker of its own, and a wake-up puts the stream's name into a queue. Waiting is
//! waiting for that queue, so ten thousand idle connections cost their memory and nothing else, and nothing is
//! spawned. All are read through one buffer.
//!
//! What the bytes mean, and which stream is to be closed when, is decided elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use backchat_core::chat::StreamId;
use tokio::io::ReadBuf;

use crate::net::Stream;

/// Bytes that one read takes at most. A line has at most 32 KiB, and a client that sends more than this at once
/// waits for the others' turns.
const READ_MAX: usize = 16 * 1024;

/// Frames that one write takes. Linux takes 1,024.
pub const SLICES_MAX: usize = 64;

/// The streams of a loop.
pub struct Streams<S> {
    slots: BTreeMap<StreamId, Slot<S>>,
    ready: Arc<Ready>,
    buffer: Box<[u8]>,
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

/// What a read brought.
#[derive(Debug)]
pub enum Read<'a> {
    /// Bytes. There may be more: the stream is queued again.
    Bytes(&'a [u8]),
    /// Nothing yet; a wake-up will name the stream.
    Blocked,
    /// The peer sends nothing more. It may still read.
    Finished,
    /// The stream is broken, or there is none of this name.
    Failed(io::Error),
}

/// What became of a write.
#[derive(Debug)]
pub enum Write {
    /// So many bytes were taken, at least one.
    Taken(usize),
    /// None now; a wake-up will name the stream.
    Blocked,
    /// The stream is broken, or there is none of this name.
    Failed(io::Error),
}

impl<S: Stream> Streams<S> {
    /// None yet.
    pub fn new() -> Self {
        Self { slots: BTreeMap::new(), ready: Arc::default(), buffer: vec![0; READ_MAX].into_boxed_slice() }
    }

    /// Takes a stream in, and queues it: there may be something to read. A stream of the same name is dropped.
    pub fn insert(&mut self, name: StreamId, stream: S) {
        let ready = Arc::clone(&self.ready);
        let name_ = Arc::new(Name { stream: name, is_queued: AtomicBool::new(false), ready });
        let waker = Waker::from(Arc::clone(&name_));
        waker.wake_by_ref();
        self.slots.insert(name, Slot { stream, name: name_, waker });
    }

    /// Gives a stream up. Dropping it closes it.
    pub fn remove(&mut self, name: StreamId) -> Option<S> {
        self.slots.remove(&name).map(|slot| slot.stream)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Names a stream that has something to read, room to write, or both. Cancel safe. Who was named is not named
    /// again before it was woken again, so both must be tried until they answer `Blocked`, or the stream queued.
    pub async fn next(&mut self) -> StreamId {
        poll_fn(|cx| match self.take() {
            Some(name) => Poll::Ready(name),
            None => {
                let mut queue = self.ready.lock();
                // A wake-up between the look and here would be lost.
                if !queue.woken.is_empty() {
                    cx.waker().wake_by_ref();
                } else if !queue.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
                    queue.task = Some(cx.waker().clone());
                }
                Poll::Pending
            }
        })
        .await
    }

    /// As [`next`](Self::next), without waiting.
    pub fn take(&mut self) -> Option<StreamId> {
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
    pub fn queue(&self, name: StreamId) {
        if let Some(slot) = self.slots.get(&name) {
            slot.waker.wake_by_ref();
        }
    }

    /// Reads what is there, at most [`READ_MAX`] bytes.
    pub fn read(&mut self, name: StreamId) -> Read<'_> {
        let Some(slot) = self.slots.get_mut(&name) else {
            return Read::Failed(io::ErrorKind::NotFound.into());
        };
        let mut buffer = ReadBuf::new(&mut self.buffer);
        let mut cx = Context::from_waker(&slot.waker);
        match Pin::new(&mut slot.stream).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => Read::Blocked,
            Poll::Ready(Err(error)) => Read::Failed(error),
            Poll::Ready(Ok(())) if buffer.filled().is_empty() => Read::Finished,
            Poll::Ready(Ok(())) => {
                slot.waker.wake_by_ref();
                let filled = buffer.filled().len();
                Read::Bytes(&self.buffer[..filled])
            }
        }
    }

    /// Writes as much of `slices` as the stream takes at once.
    pub fn write(&mut self, name: StreamId, slices: &[IoSlice<'_>]) -> Write {
        let Some(slot) = self.slots.get_mut(&name) else {
            return Write::Failed(io::ErrorKind::NotFound.into());
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
            Poll::Ready(Ok(0)) => Write::Failed(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(taken)) => Write::Taken(taken),
            Poll::Ready(Err(error)) => Write::Failed(error),
        }
    }

    /// Tells the peer that nothing more comes. It may still send.
    pub fn shut_down(&mut self, name: StreamId) {
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
