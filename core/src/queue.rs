//! Queues that are empty most of the time.
//!
//! A `VecDeque` goes round in its memory: one that is filled and emptied a thousand times has touched all of what its
//! longest moment made it take, and of a thousand machines none stays in the processor's cache. So an empty queue begins
//! at its front again, and one that had a long moment gives its memory back.

use std::collections::VecDeque;

/// Places that an empty queue keeps.
const KEPT: usize = 16;

/// Takes the first item of `queue`.
#[inline]
pub fn take_first<T>(queue: &mut VecDeque<T>) -> Option<T> {
    // Not taken apart and put together again: that would be a copy.
    let first = queue.pop_front();
    if queue.is_empty() {
        rest(queue);
    }
    first
}

/// What an empty `queue` does until it is filled again.
#[inline]
pub(crate) fn rest<T>(queue: &mut VecDeque<T>) {
    if queue.capacity() > KEPT {
        *queue = VecDeque::new();
    } else {
        // Its first place is the next one again.
        queue.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_queue_begins_at_its_front_and_keeps_little() {
        let mut queue: VecDeque<u32> = (0..10_000).collect();
        for expected in 0..10_000 {
            assert_eq!(take_first(&mut queue), Some(expected));
        }
        assert_eq!((take_first(&mut queue), queue.capacity()), (None, 0));
        queue.push_back(1);
        let place = queue.front().map(core::ptr::from_ref);
        take_first(&mut queue);
        queue.push_back(2);
        assert_eq!(queue.front().map(core::ptr::from_ref), place);
    }
}
