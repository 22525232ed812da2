//! Who wants to be woken when: one entry a machine, found in O(log n).

use std::collections::BTreeSet;

use crate::time::Instant;

/// The deadlines of many machines. Whoever holds a machine remembers beside it what is entered here: most inputs change
/// nothing of it, and that is then known without looking.
#[derive(Debug)]
pub(super) struct Deadlines<K>(BTreeSet<(Instant, K)>);

impl<K: Ord + Copy> Deadlines<K> {
    pub(super) const fn new() -> Self {
        Self(BTreeSet::new())
    }

    /// From now on `key` wants to be woken at `at`, or not at all; `entered` is what is entered for it.
    pub(super) fn set(&mut self, key: K, entered: &mut Option<Instant>, at: Option<Instant>) {
        if *entered == at {
            return;
        }
        if let Some(before) = core::mem::replace(entered, at) {
            self.0.remove(&(before, key));
        }
        if let Some(at) = at {
            self.0.insert((at, key));
        }
    }

    /// When the first wants to be woken.
    pub(super) fn first(&self) -> Option<Instant> {
        self.0.first().map(|&(at, _)| at)
    }

    /// Takes the first that is due: nothing is entered for it any more.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<K> {
        self.0.first().filter(|&&(at, _)| at <= now)?;
        self.0.pop_first().map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_due_is_taken_once_and_a_changed_one_at_its_new_time() {
        let mut deadlines = Deadlines::new();
        let at = Instant::from_millis;
        let (mut a, mut b, mut c) = (None, None, None);
        deadlines.set('a', &mut a, Some(at(30)));
        deadlines.set('b', &mut b, Some(at(20)));
        deadlines.set('a', &mut a, Some(at(10)));
        deadlines.set('c', &mut c, Some(at(5)));
        deadlines.set('c', &mut c, None);
        assert_eq!((a, b, c), (Some(at(10)), Some(at(20)), None));
        assert_eq!(deadlines.first(), Some(at(10)));
        assert_eq!(deadlines.pop_due(at(9)), None);
        assert_eq!(deadlines.pop_due(at(25)), Some('a'));
        assert_eq!(deadlines.pop_due(at(25)), Some('b'));
        assert_eq!(deadlines.pop_due(at(25)), None);
        assert_eq!(deadlines.first(), None);
    }
}
