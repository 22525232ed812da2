//! A descriptor that is written to by a thread of its own, so that whoever has something to say never waits.
//!
//! Standard error may be a pipe that nobody reads, a terminal that Ctrl-S has stopped, or a disk that hangs: a write to
//! it then takes for ever, and a loop that writes is a chat that stands still. What the descriptor does not take waits
//! in a bounded queue; what that has no room for is dropped, counted, and told of in its place once there is room.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Most bytes that wait, beside what the system holds itself (64 KiB for a pipe). Some thousand lines: a reader that is
/// slow for seconds loses none, and one that is gone for ever costs no more than this.
pub(super) const QUEUE_BYTES_MAX: usize = 1 << 20;

/// What an entry costs beside its bytes.
const ENTRY_BYTES: usize = 64;

/// How long the thread waits before it tries again what a descriptor in non-blocking mode did not take: another program
/// that shares the descriptor has chosen that mode.
const RETRY_EVERY: Duration = Duration::from_millis(10);

/// Makes the line that stands where others were dropped, from how many those were.
pub(super) type Notice = fn(u64) -> Vec<u8>;

/// A descriptor and its thread.
#[derive(Clone, Debug)]
pub(super) struct Writer(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Told when something is queued, and when everything was written.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    queue: VecDeque<Entry>,
    /// What the queue costs.
    bytes: usize,
    /// Dropped since the last entry of the queue.
    gap: u64,
    /// Dropped in all.
    lost: u64,
    /// The thread is writing something that is in the queue no more.
    is_writing: bool,
    notice: Notice,
}

#[derive(Debug)]
enum Entry {
    Text(Vec<u8>),
    /// So many were dropped here.
    Gap(u64),
}

impl Writer {
    /// Starts the thread, which ends with the process: nothing could interrupt its writing.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(super) fn start(name: &str, sink: impl Write + Send + 'static, notice: Notice) -> io::Result<Self> {
        let state = State { queue: VecDeque::new(), bytes: 0, gap: 0, lost: 0, is_writing: false, notice };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        thread::Builder::new().name(name.to_owned()).spawn(move || of_thread.write_all_to(sink))?;
        Ok(Self(shared))
    }

    /// Writes `text` as a whole when its turn comes, or drops it. Never waits.
    pub(super) fn send(&self, text: Vec<u8>) {
        let mut state = self.0.lock();
        let cost = text.len().saturating_add(ENTRY_BYTES);
        if state.bytes.saturating_add(cost) > QUEUE_BYTES_MAX {
            state.gap = state.gap.saturating_add(1);
            state.lost = state.lost.saturating_add(1);
            return;
        }
        state.close_gap();
        state.bytes = state.bytes.saturating_add(cost);
        state.queue.push_back(Entry::Text(text));
        drop(state);
        self.0.changed.notify_all();
    }

    /// How a gap is told of from now on.
    pub(super) fn set_notice(&self, notice: Notice) {
        self.0.lock().notice = notice;
    }

    /// How many were dropped since the beginning.
    pub(super) fn lost(&self) -> u64 {
        self.0.lock().lost
    }

    /// Waits until everything is written, but no longer than this. Answers whether it is.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.0.lock();
        while !state.is_idle() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl State {
    /// What was dropped gets its place in the queue.
    fn close_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        if gap > 0 {
            self.bytes = self.bytes.saturating_add(ENTRY_BYTES);
            self.queue.push_back(Entry::Gap(gap));
        }
    }

    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.gap == 0 && !self.is_writing
    }

    fn take(&mut self) -> Option<Entry> {
        if self.queue.is_empty() {
            self.close_gap();
        }
        let entry = self.queue.pop_front()?;
        let cost = ENTRY_BYTES + if let Entry::Text(text) = &entry { text.len() } else { 0 };
        self.bytes = self.bytes.saturating_sub(cost);
        Some(entry)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread.
    fn write_all_to(&self, mut sink: impl Write) {
        loop {
            let mut state = self.lock();
            let (entry, notice) = loop {
                if let Some(entry) = state.take() {
                    break (entry, state.notice);
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            };
            state.is_writing = true;
            drop(state);
            let (text, gap) = match entry {
                Entry::Text(text) => (text, 0),
                Entry::Gap(gap) => (notice(gap), gap),
            };
            let written = write_whole(&mut sink, &text);
            let mut state = self.lock();
            state.is_writing = false;
            // A disk that is full loses what it was given, and takes what comes when it has room again; a pipe whose
            // reader has gone never will, and is not told of its gap for ever.
            if written.is_err_and(|error| error.kind() != ErrorKind::BrokenPipe) && gap == 0 {
                state.lost = state.lost.saturating_add(1);
            }
            drop(state);
            self.changed.notify_all();
        }
    }
}

fn write_whole(sink: &mut impl Write, mut text: &[u8]) -> io::Result<()> {
    while !text.is_empty() {
        match sink.write(text) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => text = text.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY_EVERY),
            Err(error) => return Err(error),
        }
    }
    sink.flush()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Longer than anything here takes on the slowest machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A pipe whose reader reads when the test says so.
    struct Pipe {
        may: Receiver<()>,
        written: Sender<String>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A test that has ended reads everything.
            let _ = self.may.recv();
            let _ = self.written.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn pipe() -> (Writer, Sender<()>, Receiver<String>) {
        let (may, is_read) = channel();
        let (written, lines) = channel();
        let notice = |lost| format!("{lost} lost").into_bytes();
        (Writer::start("test", Pipe { may: is_read, written }, notice).expect("a thread"), may, lines)
    }

    #[test]
    fn a_reader_that_never_reads_costs_lines_and_no_time() {
        let (writer, may, lines) = pipe();
        let long = vec![b'x'; 1_000];
        let fit = QUEUE_BYTES_MAX / (long.len() + ENTRY_BYTES);
        for _ in 0..fit * 2 {
            writer.send(long.clone());
        }
        assert!(!writer.flush(Duration::ZERO), "nothing could be written");
        let lost = writer.lost();
        // The thread has taken one of them at most.
        assert!(lost == fit as u64 || lost == fit as u64 - 1, "{lost} of {fit}");
        drop(may);
        assert!(writer.flush(PATIENCE));
        writer.send(b"after".to_vec());
        assert!(writer.flush(PATIENCE));
        let all: Vec<String> = lines.try_iter().collect();
        assert_eq!(all.len() as u64, fit as u64 * 2 - lost + 2);
        assert_eq!(all[all.len() - 2..], [format!("{lost} lost"), "after".to_owned()]);
    }

    #[test]
    fn a_disk_that_is_full_counts_what_it_lost() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let writer = Writer::start("test", Full, |_| Vec::new()).expect("a thread");
        writer.send(b"a".to_vec());
        writer.send(b"b".to_vec());
        assert!(writer.flush(PATIENCE));
        assert_eq!(writer.lost(), 2);
    }
}
