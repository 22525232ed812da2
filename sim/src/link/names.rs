//! Names of packets: how often each was sent so far, so that the next one has its number.

use std::collections::BTreeMap;

use backchat_core::wire::Kind;

use super::identity::{Identity, Passing};

/// What was sent over one direction.
#[derive(Clone, Debug, Default)]
pub struct Names {
    sent: BTreeMap<(u32, Kind), Counts>,
}

impl Names {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name of the packet that is sent now: `data@12000#2`, and before that `2:` where it is of the path's second
    /// download.
    pub fn next(&mut self, passing: &Passing) -> Identity {
        let Passing { kind, at, download } = *passing;
        let nth = self.sent.entry((download, kind)).or_default().next(at);
        Identity { download: Some(download).filter(|it| *it > 1), kind, at, nth }
    }
}

/// How often packets of one kind were sent, by their places. Most belong behind all before them, and go to the end; of
/// those that were sent before, most come behind the one that was sent last, or are the same.
#[derive(Clone, Debug, Default)]
struct Counts {
    by_place: Vec<(u64, u32)>,
    /// Where the last one is in that list.
    last: usize,
    without_place: u32,
}

impl Counts {
    /// The number of the one that is sent now.
    fn next(&mut self, at: Option<u64>) -> u32 {
        let Some(at) = at else {
            self.without_place = self.without_place.saturating_add(1);
            return self.without_place;
        };
        let index = self.find(at).unwrap_or_else(|index| {
            self.by_place.insert(index, (at, 0));
            index
        });
        self.last = index;
        self.by_place.get_mut(index).map_or(1, |(_, count)| {
            *count = count.saturating_add(1);
            *count
        })
    }

    /// Where this place is in the list, or where it belongs.
    fn find(&self, at: u64) -> Result<usize, usize> {
        if self.by_place.last().is_none_or(|(last, _)| *last < at) {
            return Err(self.by_place.len());
        }
        let is_here = |index: usize| self.by_place.get(index).is_some_and(|(place, _)| *place == at);
        let near = [self.last + 1, self.last];
        match near.into_iter().find(|index| is_here(*index)) {
            Some(index) => Ok(index),
            None => self.by_place.binary_search_by_key(&at, |(place, _)| *place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_packet_is_counted_by_what_it_is() {
        let mut names = Names::new();
        let sent = [
            (Kind::Data, Some(0), 1),
            (Kind::Data, Some(2_000), 1),
            (Kind::Data, Some(1_000), 1),
            (Kind::Data, Some(2_000), 1),
            (Kind::Data, Some(0), 2),
            (Kind::Ack, Some(0), 1),
            (Kind::End, None, 1),
            (Kind::End, None, 1),
            (Kind::Data, Some(2_000), 1),
        ];
        let said = sent.map(|(kind, at, download)| names.next(&Passing { kind, at, download }).to_string());
        let expected = [
            "data@0",
            "data@2000",
            "data@1000",
            "data@2000#2",
            "2:data@0",
            "ack@0",
            "end",
            "end#2",
            "data@2000#3",
        ];
        assert_eq!(said, expected);
    }
}
