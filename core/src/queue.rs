//! Queues that are empty most of the time.
//!
//! A `VecDeque` goes round in its memory: one that is filled and emptied a thousand times has touched all of what its
//! longest moment made it take, and of a thousand machines none stays in the processor's cache. So an empty queue begins
//! at its front again, and one that had a long moment gives its memory back.

use std::collections::VecDeque;

/// Places that an empty queue keeps, of a machine of which there are thousands.
pub(crate) const KEPT: usize = 16;

/// The same while segments come to it: a batch of 64 is a write and some observations for each.
pub(crate) const KEPT_FOR_BATCHES: usize = 256;

/// Places that an empty queue keeps, of a machine of which there is one: what is said to a thousand clients is a thousand
/// things to do, each time.
pub(crate) const KEPT_BY_ONE: usize = 1024;

/// Takes the first item of `queue`.
#[inline]
pub fn take_first<T>(queue: &mut VecDeque<T>) -> Option<T> {
    take_first_keeping(queue, KEPT)
}

/// Takes the first item of `queue`, which keeps `kept` places when it is empty.
#[inline]
pub(crate) fn take_first_keeping<T>(queue: &mut VecDeque<T>, kept: usize) -> Option<T> {
    // Not taken apart and put together again: that would be a copy.
    let first = queue.pop_front();
    if queue.is_empty() {
        rest_keeping(queue, kept);
    }
    first
}

/// What an empty `queue` does until it is filled again.
#[inline]
pub(crate) fn rest<T>(queue: &mut VecDeque<T>) {
    rest_keeping(queue, KEPT);
}

#[inline]
fn rest_keeping<T>(queue: &mut VecDeque<T>, kept: usize) {
    if queue.capacity() > kept {
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

    #[test]
    fn a_queue_keeps_as_much_as_it_is_told_and_no_more() {
        for (items, is_kept) in [(100, true), (101, false)] {
            let mut queue: VecDeque<u32> = VecDeque::with_capacity(items);
            queue.push_back(1);
            assert_eq!(take_first_keeping(&mut queue, 100), Some(1));
            assert_eq!(queue.capacity() > 0, is_kept, "{items}");
        }
    }
}
