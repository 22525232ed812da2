//! The parts of the file that are in the driver's memory, within a budget.
//!
//! Pieces are read in order, each from where the one before ends. What was sent stays for as long as there is room for
//! what comes next, and is dropped oldest first; going back to what was dropped reads it again. So what a download holds
//! is bounded by its budget, whatever window it was granted and whatever its client acknowledges.

use core::ops::Range;
use std::collections::VecDeque;

use crate::wire::MAX_SEGMENT;

/// Bytes of one read where there is room. Large enough that a trip to the disk is paid for, small enough to be quick.
const READ_CHUNK: u64 = 256 << 10;

/// Bytes of one read where there is little: a whole segment fits in two pieces, however they lie.
const SMALL_CHUNK: u64 = 64 << 10;
const _: () = assert!(MAX_SEGMENT as u64 <= SMALL_CHUNK);

/// Bytes of the file that are read ahead of the next one to be sent.
const READ_AHEAD: u64 = 2 * READ_CHUNK;

/// The smallest budget that a download gets anywhere with: one piece is sent while the next is read.
pub(crate) const MIN_BUDGET: u64 = 2 * SMALL_CHUNK;

/// The next thing for the driver to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Bring these bytes into memory.
    Read(Range<u64>),
    /// Drop whole pieces below.
    Forget(u64),
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    size: u64,
    budget: u64,
    /// Read, or being read; each begins where the one before ends.
    pieces: VecDeque<Range<u64>>,
    /// Everything up to here was asked for: the end of the last piece.
    requested: u64,
    /// Everything from the first piece up to here is in memory.
    loaded: u64,
    /// The driver was told to drop what is below.
    forgotten: u64,
    /// The last so many pieces are being read.
    reading: usize,
    /// Where reads end that are under way, ahead of those, whose bytes nobody wants any more.
    abandoned: VecDeque<u64>,
    /// The driver holds bytes that belong to no piece.
    is_littered: bool,
}

impl Buffer {
    /// For a file of `size` bytes that is sent from `start` on.
    pub(super) fn new(start: u64, size: u64, budget: u64) -> Self {
        Self {
            size,
            budget: budget.max(MIN_BUDGET),
            pieces: VecDeque::new(),
            requested: start,
            loaded: start,
            forgotten: start,
            reading: 0,
            abandoned: VecDeque::new(),
            is_littered: false,
        }
    }

    /// The end of what is in memory.
    pub(super) const fn loaded(&self) -> u64 {
        self.loaded
    }

    /// The first byte that is held.
    fn start(&self) -> u64 {
        self.pieces.front().map_or(self.requested, |first| first.start)
    }

    /// Bytes that are in memory or on their way there.
    fn held(&self) -> u64 {
        self.requested - self.start()
    }

    /// So much may be held from now on; `nxt` is sent next. What no longer fits is read again when it is its turn.
    pub(super) fn set_budget(&mut self, budget: u64, nxt: u64) {
        self.budget = budget.max(MIN_BUDGET);
        while self.held() > self.budget && self.drop_first(nxt) {}
        // A piece of more than half of it would leave no room for the next one.
        let is_too_large = |piece: &Range<u64>| piece.end - piece.start > self.budget / 2;
        if self.held() > self.budget || self.pieces.iter().any(is_too_large) {
            self.restart(nxt);
        }
    }

    /// The oldest read under way, which ends at `end`, is done, and its bytes are in memory. One that was not asked for is
    /// passed over.
    pub(super) fn on_read(&mut self, end: u64) {
        if let Some(expected) = self.abandoned.front() {
            if *expected == end {
                self.abandoned.pop_front();
                self.is_littered = true;
            }
            return;
        }
        let first = self.pieces.len() - self.reading;
        if let Some(piece) = self.pieces.get(first).filter(|piece| piece.end == end) {
            self.loaded = piece.end;
            self.reading -= 1;
        }
    }

    /// Goes on at `nxt`, which may be anywhere. Bytes below `una` are not sent again.
    pub(super) fn seek(&mut self, una: u64, nxt: u64) {
        if !(self.start()..=self.requested).contains(&nxt) {
            self.restart(nxt);
        }
        while self.drop_first(una) {}
    }

    /// The next thing to do; `nxt` is sent next.
    pub(super) fn poll(&mut self, nxt: u64) -> Option<Step> {
        if core::mem::take(&mut self.is_littered) {
            return Some(Step::Forget(u64::MAX));
        }
        // With what is still to come and be dropped, more than the budget might be held.
        if !self.abandoned.is_empty() {
            return None;
        }
        let end = self.next_end(nxt);
        while end.is_some_and(|end| end - self.start() > self.budget) && self.drop_first(nxt) {}
        if self.forgotten < self.start() {
            self.forgotten = self.start();
            return Some(Step::Forget(self.forgotten));
        }
        let end = end.filter(|end| end - self.start() <= self.budget)?;
        let range = self.requested..end;
        self.pieces.push_back(range.clone());
        self.requested = end;
        self.reading += 1;
        Some(Step::Read(range))
    }

    /// The end of the next read, unless enough is there.
    fn next_end(&self, nxt: u64) -> Option<u64> {
        let chunk = (self.budget / 4 / SMALL_CHUNK * SMALL_CHUNK).clamp(SMALL_CHUNK, READ_CHUNK);
        let wanted = nxt.saturating_add(READ_AHEAD).min(self.size);
        (self.requested < wanted).then(|| (self.requested + chunk).min(self.size))
    }

    /// Drops the first piece, if all of it is in memory and below `below`.
    fn drop_first(&mut self, below: u64) -> bool {
        let below = below.min(self.loaded);
        self.pieces.pop_front_if(|piece| piece.end <= below).is_some()
    }

    /// Drops everything; what is read next begins at `at`.
    fn restart(&mut self, at: u64) {
        self.is_littered |= !self.pieces.is_empty();
        let first = self.pieces.len() - core::mem::take(&mut self.reading);
        self.abandoned.extend(self.pieces.drain(..).skip(first).map(|piece| piece.end));
        (self.requested, self.loaded, self.forgotten) = (at, at, at);
    }

    /// Checks the invariants that hold between any two inputs, with `nxt` the next byte to be sent.
    pub(super) fn check_invariants(&self, nxt: u64) {
        assert!(self.held() <= self.budget, "{self:?}");
        assert!(
            (self.start()..=self.requested).contains(&nxt),
            "what is sent next is here or comes: {self:?}"
        );
        assert!(self.loaded <= self.requested && self.requested <= self.size, "{self:?}");
        assert!(self.reading <= self.pieces.len(), "{self:?}");
        assert!(self.abandoned.is_empty() || self.pieces.is_empty(), "{self:?}");
        let next = self.pieces.iter().map(|piece| piece.start).skip(1).chain([self.requested]);
        let is_gapless = self.pieces.iter().zip(next).all(|(piece, next)| piece.end == next);
        assert!(is_gapless, "{self:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 10 << 20;

    /// A driver of the tests: the pieces that it holds, and the reads that it has under way.
    #[derive(Default)]
    struct Driver {
        held: Vec<Range<u64>>,
        reading: VecDeque<Range<u64>>,
        read: u64,
        most: u64,
    }

    impl Driver {
        fn bytes(&self) -> u64 {
            self.held.iter().chain(&self.reading).map(|it| it.end - it.start).sum()
        }

        /// Carries out everything; reads stay under way.
        fn ask(&mut self, buffer: &mut Buffer, nxt: u64) {
            while let Some(step) = buffer.poll(nxt) {
                match step {
                    Step::Read(range) => {
                        self.read += range.end - range.start;
                        self.reading.push_back(range);
                    }
                    Step::Forget(below) => self.held.retain(|piece| piece.end > below),
                }
                self.most = self.most.max(self.bytes());
            }
            buffer.check_invariants(nxt);
        }

        fn finish_one(&mut self, buffer: &mut Buffer, nxt: u64) -> bool {
            let Some(range) = self.reading.pop_front() else { return false };
            // As the driver does: what does not continue what is there replaces it.
            if self.held.last().is_some_and(|last| last.end != range.start) {
                self.held.clear();
            }
            let end = range.end;
            self.held.push(range);
            buffer.on_read(end + 1);
            buffer.on_read(end);
            self.ask(buffer, nxt);
            true
        }

        fn settle(&mut self, buffer: &mut Buffer, nxt: u64) {
            self.ask(buffer, nxt);
            while self.finish_one(buffer, nxt) {}
        }

        fn holds(&self, range: Range<u64>) -> bool {
            self.held.first().is_some_and(|first| first.start <= range.start)
                && self.held.last().is_some_and(|last| range.end <= last.end)
        }
    }

    #[test]
    fn the_smallest_budget_sends_a_whole_file_in_the_largest_segments() {
        let (mut buffer, mut driver) = (Buffer::new(0, SIZE, 0), Driver::default());
        let mut nxt = 0;
        while nxt < SIZE {
            // Nothing is ever acknowledged.
            driver.settle(&mut buffer, nxt);
            let end = (nxt + u64::from(MAX_SEGMENT)).min(SIZE);
            assert!(buffer.loaded() >= end && driver.holds(nxt..end), "{nxt} {buffer:?}");
            nxt = end;
            buffer.seek(0, nxt);
        }
        assert!(driver.most <= MIN_BUDGET, "{}", driver.most);
        assert_eq!(driver.read, SIZE, "everything once");
    }

    #[test]
    fn going_back_reads_again_what_was_dropped_and_only_that() {
        let (mut buffer, mut driver) = (Buffer::new(0, SIZE, 2 << 20), Driver::default());
        let mut nxt = 0;
        while nxt < 3 << 20 {
            driver.settle(&mut buffer, nxt);
            nxt = buffer.loaded();
            buffer.seek(0, nxt);
        }
        driver.settle(&mut buffer, nxt);
        let read = driver.read;
        nxt -= 1 << 20;
        buffer.seek(nxt, nxt);
        driver.settle(&mut buffer, nxt);
        assert_eq!(driver.read, read, "a megabyte back is still here");
        buffer.seek(0, 0);
        driver.settle(&mut buffer, 0);
        assert!(driver.read > read && driver.holds(0..1), "the beginning is not");
        assert!(driver.most <= 2 << 20, "{}", driver.most);
    }

    #[test]
    fn a_budget_that_shrinks_holds_once_the_reads_under_way_are_done() {
        let (mut buffer, mut driver) = (Buffer::new(0, SIZE, 8 << 20), Driver::default());
        driver.ask(&mut buffer, 0);
        assert_eq!(driver.reading.len(), 2);
        driver.most = 0;
        buffer.set_budget(MIN_BUDGET, 0);
        driver.ask(&mut buffer, 0);
        assert_eq!(driver.reading.len(), 2, "nothing new is read before what was asked for has come");
        driver.settle(&mut buffer, 0);
        assert_eq!(driver.bytes(), MIN_BUDGET);
        assert_eq!(buffer.loaded(), MIN_BUDGET);
    }

    #[test]
    fn an_acknowledgment_ahead_of_what_is_read_again_moves_reading_there() {
        let (mut buffer, mut driver) = (Buffer::new(0, SIZE, 0), Driver::default());
        let mut nxt = 0;
        while nxt < 1 << 20 {
            driver.settle(&mut buffer, nxt);
            nxt = buffer.loaded();
            buffer.seek(0, nxt);
        }
        buffer.seek(0, 0);
        driver.ask(&mut buffer, 0);
        buffer.seek(nxt, nxt);
        driver.settle(&mut buffer, nxt);
        assert!(driver.holds(nxt..nxt + 1) && driver.bytes() <= MIN_BUDGET, "{buffer:?}");
    }

    #[test]
    fn what_is_acknowledged_is_let_go_of() {
        let (mut buffer, mut driver) = (Buffer::new(0, SIZE, 8 << 20), Driver::default());
        driver.settle(&mut buffer, 0);
        assert_eq!(driver.bytes(), READ_AHEAD);
        buffer.seek(READ_CHUNK, READ_AHEAD);
        driver.ask(&mut buffer, READ_AHEAD);
        assert!(!driver.holds(0..1) && driver.holds(READ_CHUNK..READ_AHEAD));
        let mut buffer = Buffer::new(SIZE - 10, SIZE, 0);
        let mut driver = Driver::default();
        driver.settle(&mut buffer, SIZE - 10);
        buffer.seek(SIZE, SIZE);
        driver.ask(&mut buffer, SIZE);
        assert_eq!(driver.bytes(), 0, "nothing is held for an answer to the end");
    }
}
