//! Something for each download, as [`super::NodeMap`] has it for nodes.

use backchat_core::wire::TransferId;

/// Something for each download. Records of one come one after the other, so the one that was asked for last is looked at
/// first.
#[derive(Clone, Debug)]
pub struct TransferMap<T> {
    /// By their numbers.
    all: Vec<(TransferId, T)>,
    /// Where the one is that was asked for last.
    last: usize,
}

impl<T> TransferMap<T> {
    /// Nothing for any.
    pub const fn new() -> Self {
        Self { all: Vec::new(), last: 0 }
    }

    /// What is there for `transfer`.
    #[inline]
    pub fn get_mut(&mut self, transfer: TransferId) -> Option<&mut T> {
        let place = self.find(transfer).ok()?;
        self.all.get_mut(place).map(|(_, it)| it)
    }

    /// The same; made by `new` where nothing is.
    pub fn get_or(&mut self, transfer: TransferId, new: impl FnOnce() -> T) -> &mut T {
        let place = self.find(transfer).unwrap_or_else(|place| {
            self.all.insert(place, (transfer, new()));
            place
        });
        self.last = place;
        &mut self.all[place].1
    }

    /// From now on `it` is there for `transfer`.
    pub fn insert(&mut self, transfer: TransferId, it: T) {
        match self.find(transfer) {
            Ok(place) => self.all[place].1 = it,
            Err(place) => self.all.insert(place, (transfer, it)),
        }
    }

    /// Keeps what `is_kept` says.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&T) -> bool) {
        self.all.retain(|(_, it)| is_kept(it));
    }

    /// Everything, by the downloads' numbers.
    pub fn iter(&self) -> impl Iterator<Item = (TransferId, &T)> {
        self.all.iter().map(|(transfer, it)| (*transfer, it))
    }

    /// Where it is, or would be.
    #[inline]
    fn find(&mut self, transfer: TransferId) -> Result<usize, usize> {
        match self.all.get(self.last) {
            Some((last, _)) if *last == transfer => Ok(self.last),
            _ => self.search(transfer),
        }
    }

    fn search(&mut self, transfer: TransferId) -> Result<usize, usize> {
        let found = self.all.binary_search_by_key(&transfer, |(it, _)| *it);
        self.last = found.unwrap_or(self.last);
        found
    }
}

impl<T> Default for TransferMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_download_has_its_own_in_whatever_order_they_come_and_go() {
        let mut map = TransferMap::new();
        for number in [5, 1, 9, 3] {
            assert_eq!(*map.get_or(TransferId(number), || number * 10), number * 10);
        }
        map.insert(TransferId(9), 99);
        map.insert(TransferId(4), 40);
        map.retain(|it| *it != 10);
        let found = [9, 9, 1, 3, 4, 5].map(|number| map.get_mut(TransferId(number)).copied());
        assert_eq!(found, [Some(99), Some(99), None, Some(30), Some(40), Some(50)]);
        let all: Vec<u64> = map.iter().map(|(transfer, _)| transfer.0).collect();
        assert_eq!(all, [3, 4, 5, 9]);
    }
}
