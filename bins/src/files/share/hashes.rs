//! Hashes of what was read before, by the file's version.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::wire::{FileVersion, Hash};

/// Versions whose hash is remembered: about 100 KB.
const HASHES_MAX: usize = 1_024;

/// Prefixes that are remembered, each with a hasher of 2 KB that can go on behind it.
const PREFIXES_MAX: usize = 256;

/// Hashes of files that were read to their end.
pub(super) type Hashes = Memory<FileVersion, Hash>;

/// Prefixes of so many bytes that were hashed, whether they were what somebody had or not.
pub(super) type Prefixes<H> = Memory<(FileVersion, u64), H>;

/// A bounded memory: the oldest goes when there is more.
pub(super) struct Memory<K, V> {
    most: usize,
    known: BTreeMap<K, V>,
    /// The keys, oldest first.
    order: VecDeque<K>,
}

impl Hashes {
    pub(super) fn of_files() -> Self {
        Self::new(HASHES_MAX)
    }
}

impl<H: Clone> Prefixes<H> {
    pub(super) fn of_prefixes() -> Self {
        Self::new(PREFIXES_MAX)
    }
}

impl<K: Ord + Copy, V: Clone> Memory<K, V> {
    fn new(most: usize) -> Self {
        Self { most, known: BTreeMap::new(), order: VecDeque::new() }
    }

    pub(super) fn find(&self, key: K) -> Option<V> {
        self.known.get(&key).cloned()
    }

    pub(super) fn insert(&mut self, key: K, value: V) {
        if self.known.insert(key, value).is_some() {
            return;
        }
        self.order.push_back(key);
        if self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let mut memory = Memory::new(HASHES_MAX);
        for number in 0..=HASHES_MAX {
            memory.insert(number, 1);
            memory.insert(number, 2);
        }
        assert_eq!(memory.find(0), None);
        assert_eq!(memory.find(1), Some(2));
        assert_eq!(memory.find(HASHES_MAX), Some(2));
        assert_eq!((memory.known.len(), memory.order.len()), (HASHES_MAX, HASHES_MAX));
    }
}
