//! Who wants to be woken when: one entry a machine, found in O(log n).

use std::collections::{BTreeMap, BTreeSet};

use crate::time::Instant;

/// The deadlines of many machines.
#[derive(Debug)]
pub(super) struct Deadlines<K> {
    by_time: BTreeSet<(Instant, K)>,
    by_key: BTreeMap<K, Instant>,
}

impl<K: Ord + Copy> Deadlines<K> {
    pub(super) const fn new() -> Self {
        Self { by_time: BTreeSet::new(), by_key: BTreeMap::new() }
    }

    /// From now on `key` wants to be woken at `at`, or not at all.
    pub(super) fn set(&mut self, key: K, at: Option<Instant>) {
        let before = match at {
            Some(at) => self.by_key.insert(key, at),
            None => self.by_key.remove(&key),
        };
        if before == at {
            return;
        }
        if let Some(before) = before {
            self.by_time.remove(&(before, key));
        }
        if let Some(at) = at {
            self.by_time.insert((at, key));
        }
    }

    /// When the first wants to be woken.
    pub(super) fn first(&self) -> Option<Instant> {
        self.by_time.first().map(|&(at, _)| at)
    }

    /// Takes the first that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let &(at, key) = self.by_time.first().filter(|&&(at, _)| at <= now)?;
        self.by_time.remove(&(at, key));
        self.by_key.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_due_is_taken_once_and_a_changed_one_at_its_new_time() {
        let mut deadlines = Deadlines::new();
        let at = Instant::from_millis;
        deadlines.set('a', Some(at(30)));
        deadlines.set('b', Some(at(20)));
        deadlines.set('a', Some(at(10)));
        deadlines.set('c', Some(at(5)));
        deadlines.set('c', None);
        assert_eq!(deadlines.first(), Some(at(10)));
        assert_eq!(deadlines.pop_due(at(9)), None);
        assert_eq!(deadlines.pop_due(at(25)), Some('a'));
        assert_eq!(deadlines.pop_due(at(25)), Some('b'));
        assert_eq!(deadlines.pop_due(at(25)), None);
        assert_eq!(deadlines.first(), None);
    }
}
