//! Hashes of files that were read to their end, by version.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::wire::{FileVersion, Hash};

/// Versions remembered: about 100 KB. The oldest goes when there are more.
const HASHES_MAX: usize = 1_024;

/// A bounded memory of hashes.
#[derive(Default)]
pub(super) struct Hashes {
    by_version: BTreeMap<FileVersion, Hash>,
    /// The versions, oldest first.
    order: VecDeque<FileVersion>,
}

impl Hashes {
    pub(super) fn find(&self, version: &FileVersion) -> Option<Hash> {
        self.by_version.get(version).copied()
    }

    pub(super) fn insert(&mut self, version: FileVersion, hash: Hash) {
        if self.by_version.insert(version, hash).is_some() {
            return;
        }
        self.order.push_back(version);
        if self.order.len() > HASHES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_version.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let version = |number: usize| {
            let mut version = [0; 16];
            version[..8].copy_from_slice(&number.to_le_bytes());
            FileVersion(version)
        };
        let mut hashes = Hashes::default();
        for number in 0..=HASHES_MAX {
            hashes.insert(version(number), Hash([1; 32]));
            hashes.insert(version(number), Hash([2; 32]));
        }
        assert_eq!(hashes.find(&version(0)), None);
        assert_eq!(hashes.find(&version(1)), Some(Hash([2; 32])));
        assert_eq!(hashes.find(&version(HASHES_MAX)), Some(Hash([2; 32])));
        assert_eq!(hashes.by_version.len(), HASHES_MAX);
    }
}
