//! Conservation: `offered + duplicated + injected = delivered + dropped + queued`, in each direction, and not only as a
//! sum: each copy of each datagram is in exactly one place. A mark of congestion is seen on what was delivered alone.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::time::Instant;

use super::{Checker, Found, Wrong};
use crate::trace::{Event, NetEvent, Node, NodeMap, Record};

/// See the module.
#[derive(Debug, Default)]
pub struct Conservation {
    links: NodeMap<Link>,
}

#[derive(Debug, Default)]
struct Link {
    open: Open,
    /// The datagram and copy that were delivered last.
    last_delivered: Option<(u64, u64)>,
    /// Copies that the engine says are under way at the end.
    in_flight: u64,
    offered: u64,
    duplicated: u64,
    injected: u64,
    delivered: u64,
    dropped: u64,
}

/// Datagrams of which copies are under way.
#[derive(Debug, Default)]
struct Open {
    /// The last ordinal that was offered.
    last: u64,
    /// Offered ones in their order, up to the last: a window over it that begins where not all copies have ended.
    window: VecDeque<Copies>,
    /// Those without a place in the order: injected ones, and what should not be.
    others: BTreeMap<u64, Copies>,
}

#[derive(Clone, Copy, Debug)]
struct Copies {
    under_way: u64,
    /// Which copies have ended, a bit each.
    ended: u64,
}

impl Copies {
    /// One, under way.
    const ONE: Self = Self { under_way: 1, ended: 0 };
}

impl Open {
    /// The next in the order. Answers which ordinal it should have had, if another.
    fn offer(&mut self, ordinal: u64) -> Result<(), u64> {
        let expected = self.last + 1;
        if ordinal == expected {
            self.window.push_back(Copies::ONE);
            self.last = ordinal;
            return Ok(());
        }
        // From here the order is another one; what is under way keeps its name.
        let first = expected - self.window.len() as u64;
        self.others.extend((first..).zip(self.window.drain(..)).filter(|(_, it)| it.under_way > 0));
        self.others.insert(ordinal, Copies::ONE);
        self.last = ordinal;
        Err(expected)
    }

    fn find(&mut self, ordinal: u64) -> Option<&mut Copies> {
        let first = (self.last + 1).saturating_sub(self.window.len() as u64);
        let place = ordinal.checked_sub(first).and_then(|place| usize::try_from(place).ok());
        let found = place.and_then(|place| self.window.get_mut(place));
        found.or_else(|| self.others.get_mut(&ordinal)).filter(|it| it.under_way > 0)
    }

    /// A copy has ended: what is wrong with that.
    fn end(&mut self, ordinal: u64, copy: u64) -> Option<Wrong> {
        let Some(copies) = self.find(ordinal) else {
            let wrong = format!("datagram {ordinal} ended more often than it was sent, or was never sent");
            return Some(("ended_unsent", wrong));
        };
        let bit = 1_u64.checked_shl(u32::try_from(copy).unwrap_or(u32::MAX)).unwrap_or(0);
        if copies.ended & bit != 0 {
            return Some(("ended_twice", format!("copy {copy} of datagram {ordinal} ended twice")));
        }
        copies.ended |= bit;
        copies.under_way -= 1;
        if copies.under_way == 0 {
            self.others.remove(&ordinal);
            while self.window.pop_front_if(|first| first.under_way == 0).is_some() {}
        }
        None
    }

    fn under_way(&self) -> u64 {
        self.window.iter().chain(self.others.values()).map(|copies| copies.under_way).sum()
    }
}

impl Conservation {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    fn link(&mut self, node: Node) -> &mut Link {
        self.links.get_or(node, Link::default)
    }
}

impl Checker for Conservation {
    const NAME: &'static str = "conservation";

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let wrong = match &record.event {
            Event::Net(NetEvent::Offered { ordinal, .. }) => {
                let link = self.link(record.node);
                link.offered += 1;
                let expected = link.open.offer(*ordinal).err();
                let wrong = |expected| format!("datagram {ordinal} was offered, expected {expected}");
                expected.map(|expected| ("out_of_order", wrong(expected)))
            }
            Event::Net(NetEvent::Injected { ordinal, .. }) => {
                let link = self.link(record.node);
                link.injected += 1;
                link.open.others.insert(*ordinal, Copies::ONE);
                None
            }
            Event::Net(NetEvent::Duplicated { ordinal, extra }) => {
                let link = self.link(record.node);
                link.duplicated += extra;
                match link.open.find(*ordinal) {
                    Some(copies) => {
                        copies.under_way += extra;
                        None
                    }
                    None => {
                        let wrong = format!("datagram {ordinal} was duplicated and is not under way");
                        Some(("not_under_way", wrong))
                    }
                }
            }
            Event::Net(NetEvent::Delivered { ordinal, copy, .. }) => {
                let link = self.link(record.node);
                link.delivered += 1;
                link.last_delivered = Some((*ordinal, *copy));
                link.open.end(*ordinal, *copy)
            }
            Event::Net(NetEvent::Dropped { ordinal, copy, .. }) => {
                let link = self.link(record.node);
                link.dropped += 1;
                link.open.end(*ordinal, *copy)
            }
            Event::Net(NetEvent::CongestionExperienced { ordinal, copy }) => {
                let is_it = self.link(record.node).last_delivered == Some((*ordinal, *copy));
                let wrong =
                    || format!("copy {copy} of datagram {ordinal} was marked, and another was delivered");
                (!is_it).then(|| ("marked_undelivered", wrong()))
            }
            Event::Net(NetEvent::InFlight { copies }) => {
                self.link(record.node).in_flight = *copies;
                None
            }
            _ => None,
        };
        if let Some((rule, wrong)) = wrong {
            found.add(record.at, &record.node, (rule, format!("{}: {wrong}", record.node)));
        }
    }

    fn finish(&mut self, end: Instant, found: &mut Found<'_, Self>) {
        for (name, link) in self.links.iter() {
            let queued = link.open.under_way();
            let Link { offered, duplicated, injected, delivered, dropped, in_flight, .. } = link;
            if queued != *in_flight || offered + duplicated + injected != delivered + dropped + in_flight {
                let sums = format!(
                    "{name}: offered {offered} + duplicated {duplicated} + injected {injected} should be \
                     delivered {delivered} + dropped {dropped} + queued {in_flight}; \
                     {queued} copies have not ended",
                );
                found.add(end, &name, ("sums", sums));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{at, verdict};
    use crate::link::DropReason;

    const LINK: &str = "a->server";

    fn offered(ordinal: u64) -> Record {
        at(ordinal, LINK, NetEvent::offered(ordinal, 9, "ack@0".parse().expect("an identity")))
    }

    fn delivered(ordinal: u64, copy: u64) -> Record {
        at(50 + copy, LINK, NetEvent::Delivered { ordinal, copy, length: 9 })
    }

    fn dropped(ordinal: u64) -> Record {
        at(50, LINK, NetEvent::Dropped { ordinal, copy: 0, reason: DropReason::Loss })
    }

    #[test]
    fn every_datagram_in_one_place_is_right() {
        let records = [
            offered(1),
            offered(2),
            at(2, LINK, NetEvent::Duplicated { ordinal: 2, extra: 1 }),
            offered(3),
            dropped(1),
            delivered(2, 0),
            delivered(2, 1),
            at(60, LINK, NetEvent::InFlight { copies: 1 }),
        ];
        assert_eq!(verdict(Conservation::new(), &records), Vec::<String>::new());
    }

    #[test]
    fn a_mark_on_what_was_not_delivered_is_found() {
        let marked = |ordinal| at(51, LINK, NetEvent::CongestionExperienced { ordinal, copy: 0 });
        let records = [offered(1), offered(2), delivered(1, 0), marked(1), dropped(2)];
        assert_eq!(verdict(Conservation::new(), &records), Vec::<String>::new());
        let records = [offered(1), offered(2), delivered(1, 0), dropped(2), marked(2)];
        let said = verdict(Conservation::new(), &records);
        assert!(
            said.len() == 1
                && said[0].ends_with("copy 0 of datagram 2 was marked, and another was delivered")
        );
    }

    #[test]
    fn a_datagram_that_vanishes_or_comes_from_nowhere_is_found() {
        let cases: [(&[Record], &str); 6] = [
            (
                &[offered(1)],
                "offered 1 + duplicated 0 + injected 0 should be delivered 0 + dropped 0 + queued 0; 1 copies",
            ),
            (&[delivered(1, 0)], "datagram 1 ended more often than it was sent"),
            (&[offered(1), delivered(1, 0), delivered(1, 0)], "datagram 1 ended more often"),
            (&[offered(2)], "datagram 2 was offered, expected 1"),
            // What was under way before the order broke is not forgotten.
            (&[offered(1), offered(9), delivered(1, 0), delivered(1, 0)], "datagram 1 ended more often"),
            (
                &[
                    offered(1),
                    at(2, LINK, NetEvent::Duplicated { ordinal: 1, extra: 1 }),
                    delivered(1, 0),
                    delivered(1, 0),
                ],
                "copy 0 of datagram 1 ended twice",
            ),
        ];
        for (records, expected) in cases {
            let said = verdict(Conservation::new(), records);
            assert!(said.iter().any(|it| it.contains(expected)), "{said:?} without {expected:?}");
        }
    }
}
