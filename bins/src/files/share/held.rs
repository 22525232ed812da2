//! The bytes of a file between being read and being dropped.

use std::collections::VecDeque;
use std::ops::Range;

use super::NotHeld;

/// Buffers kept for the next reads of all files, so that they need not be paged in anew: what sixteen workers use at a
/// time. They are beyond what the core counts, so they are few, however many files are being sent.
const SPARE_MAX: usize = 16;

/// Buffers that are free.
#[derive(Default)]
pub(super) struct Spare(Vec<Vec<u8>>);

impl Spare {
    /// A buffer to read `length` bytes into, with whatever was in it. One that is much larger than that would hold memory
    /// that nobody counts.
    pub(super) fn take(&mut self, length: u64) -> Vec<u8> {
        let fits = |buffer: &Vec<u8>| (length..=length * 2).contains(&(buffer.capacity() as u64));
        self.0.iter().rposition(fits).map(|place| self.0.swap_remove(place)).unwrap_or_default()
    }

    fn give(&mut self, buffer: Vec<u8>) {
        if self.0.len() == SPARE_MAX {
            self.0.remove(0);
        }
        self.0.push(buffer);
    }
}

/// Consecutive pieces of a file.
#[derive(Default)]
pub(super) struct Held {
    /// Each begins where the one before ends.
    pieces: VecDeque<(u64, Vec<u8>)>,
}

impl Held {
    /// Adds the bytes at `start`. What does not continue what is there replaces it: reading began anew.
    pub(super) fn push(&mut self, start: u64, bytes: Vec<u8>) {
        if self.end().is_some_and(|end| end != start) {
            self.pieces.clear();
        }
        if !bytes.is_empty() {
            self.pieces.push_back((start, bytes));
        }
    }

    /// Lets go of whole pieces below `below`; `spare` may have their buffers.
    pub(super) fn forget(&mut self, below: u64, spare: &mut Spare) {
        while let Some((_, bytes)) =
            self.pieces.pop_front_if(|(start, bytes)| *start + bytes.len() as u64 <= below)
        {
            spare.give(bytes);
        }
    }

    /// Fills `into` with the bytes of `range`.
    pub(super) fn copy(&self, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld> {
        if range.end.checked_sub(range.start) != Some(into.len() as u64) {
            return Err(NotHeld);
        }
        let mut piece =
            self.pieces.partition_point(|(start, bytes)| start + bytes.len() as u64 <= range.start);
        let mut filled = 0;
        while filled < into.len() {
            let (start, bytes) = self.pieces.get(piece).ok_or(NotHeld)?;
            let within = (range.start + filled as u64).checked_sub(*start).ok_or(NotHeld)?;
            let bytes = usize::try_from(within).ok().and_then(|within| bytes.get(within..)).ok_or(NotHeld)?;
            let count = bytes.len().min(into.len() - filled);
            into[filled..filled + count].copy_from_slice(&bytes[..count]);
            filled += count;
            piece += 1;
        }
        Ok(())
    }

    fn end(&self) -> Option<u64> {
        self.pieces.back().map(|(start, bytes)| start + bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held {
        let mut held = Held::default();
        held.push(100, (0..10).collect());
        held.push(110, (10..30).collect());
        held
    }

    fn copied(held: &Held, range: Range<u64>) -> Result<Vec<u8>, NotHeld> {
        let mut into = vec![0; (range.end - range.start) as usize];
        held.copy(range, &mut into).map(|()| into)
    }

    #[test]
    fn a_range_across_pieces_is_put_together() {
        assert_eq!(copied(&held(), 108..112), Ok(vec![8, 9, 10, 11]));
        assert_eq!(copied(&held(), 100..130), Ok((0..30).collect()));
        assert_eq!(copied(&held(), 115..115), Ok(vec![]));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for range in [99..101, 129..131, 0..1, 130..131] {
            assert_eq!(copied(&held(), range), Err(NotHeld));
        }
        assert_eq!(held().copy(100..102, &mut [0; 3]), Err(NotHeld));
        assert_eq!(held().copy(u64::MAX..u64::MAX, &mut [0; 1]), Err(NotHeld));
    }

    #[test]
    fn only_whole_pieces_below_are_forgotten() {
        let (mut held, mut spare) = (held(), Spare::default());
        held.forget(109, &mut spare);
        assert!(copied(&held, 100..101).is_ok());
        held.forget(110, &mut spare);
        assert_eq!(copied(&held, 109..110), Err(NotHeld));
        assert!(copied(&held, 110..130).is_ok());
        assert_eq!(spare.take(10), (0..10).collect::<Vec<u8>>());
    }

    #[test]
    fn free_buffers_are_few_and_none_is_much_larger_than_what_is_read_into_it() {
        let mut spare = Spare::default();
        (0..100).for_each(|_| spare.give(vec![0; 1000]));
        assert_eq!(spare.0.len(), SPARE_MAX);
        assert_eq!((spare.take(100).capacity(), spare.take(1001).capacity()), (0, 0));
        assert!(spare.take(600).capacity() >= 1000);
    }

    #[test]
    fn reading_anew_replaces_what_is_there() {
        let mut held = held();
        held.push(0, vec![7]);
        assert_eq!(copied(&held, 0..1), Ok(vec![7]));
        assert_eq!(copied(&held, 110..111), Err(NotHeld));
    }
}
