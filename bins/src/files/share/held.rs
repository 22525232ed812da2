//! The bytes of a file between being read and being dropped.

use std::collections::VecDeque;
use std::ops::Range;

use super::NotHeld;
use crate::files::content::Content;

/// Buffers kept for the next reads of all files, so that they need not be paged in anew: what sixteen workers use at a
/// time. They are beyond what the core counts, so they are few, however many files are being sent.
const SPARE_MAX: usize = 16;

/// Buffers that are free.
pub(super) struct Spare<C>(Vec<C>);

impl<C> Default for Spare<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Content> Spare<C> {
    /// A buffer to read `length` bytes into, with whatever was in it. One that is much larger than that would hold memory
    /// that nobody counts.
    pub(super) fn take(&mut self, length: u64) -> C {
        let fits = |buffer: &C| (length..=length * 2).contains(&buffer.capacity());
        self.0.iter().rposition(fits).map(|place| self.0.swap_remove(place)).unwrap_or_default()
    }

    fn give(&mut self, buffer: C) {
        if self.0.len() == SPARE_MAX {
            self.0.remove(0);
        }
        self.0.push(buffer);
    }
}

/// Consecutive pieces of a file.
pub(super) struct Held<C> {
    /// Each begins where the one before ends.
    pieces: VecDeque<(u64, C)>,
}

impl<C> Default for Held<C> {
    fn default() -> Self {
        Self { pieces: VecDeque::new() }
    }
}

impl<C: Content> Held<C> {
    /// Adds what was read at `start`. What does not continue what is there replaces it: reading began anew.
    pub(super) fn push(&mut self, start: u64, content: C) {
        if self.end().is_some_and(|end| end != start) {
            self.pieces.clear();
        }
        if !content.is_empty() {
            self.pieces.push_back((start, content));
        }
    }

    /// Lets go of whole pieces below `below`; `spare` may have their buffers.
    pub(super) fn forget(&mut self, below: u64, spare: &mut Spare<C>) {
        while let Some((_, content)) =
            self.pieces.pop_front_if(|(start, content)| *start + content.len() <= below)
        {
            spare.give(content);
        }
    }

    /// Fills `into` with the bytes of `range`.
    pub(super) fn copy(&self, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld> {
        if range.end.checked_sub(range.start) != Some(into.len() as u64) {
            return Err(NotHeld);
        }
        let (mut rest, mut is_filled) = (into, true);
        self.look(range, |content, part| {
            let length = usize::try_from(part.end - part.start).unwrap_or(usize::MAX).min(rest.len());
            let (place, behind) = std::mem::take(&mut rest).split_at_mut(length);
            is_filled &= content.copy(part.start, place);
            rest = behind;
        })?;
        if is_filled { Ok(()) } else { Err(NotHeld) }
    }

    /// Shows `take` the pieces that `range` consists of, each with which part of it that is.
    pub(super) fn look(
        &self,
        range: Range<u64>,
        mut take: impl FnMut(&C, Range<u64>),
    ) -> Result<(), NotHeld> {
        let mut at = range.start;
        let mut piece = self.pieces.partition_point(|(start, content)| start + content.len() <= at);
        while at < range.end {
            let (start, content) = self.pieces.get(piece).ok_or(NotHeld)?;
            let within = at.checked_sub(*start).ok_or(NotHeld)?;
            let end = content.len().min(range.end - start);
            take(content, within..end);
            at = start + end;
            piece += 1;
        }
        Ok(())
    }

    fn end(&self) -> Option<u64> {
        self.pieces.back().map(|(start, content)| start + content.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held() -> Held<Vec<u8>> {
        let mut held = Held::default();
        held.push(100, (0..10).collect());
        held.push(110, (10..30).collect());
        held
    }

    fn copied(held: &Held<Vec<u8>>, range: Range<u64>) -> Result<Vec<u8>, NotHeld> {
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
