//! Conservation: `offered + duplicated + injected = delivered + dropped + queued`, in each direction, and not only as a
//! sum: each copy of each datagram is in exactly one place.

use std::collections::BTreeMap;

use backchat_core::time::Instant;

use super::{Checker, Found, Wrong};
use crate::trace::{Event, Name, Record};

/// See the module.
#[derive(Debug, Default)]
pub struct Conservation {
    links: BTreeMap<Name, Link>,
}

#[derive(Debug, Default)]
struct Link {
    /// The last ordinal that was offered.
    last: u64,
    /// Datagrams of which copies are under way.
    open: BTreeMap<u64, Copies>,
    /// Copies that the engine says are under way at the end.
    in_flight: u64,
    offered: u64,
    duplicated: u64,
    injected: u64,
    delivered: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Copies {
    under_way: u64,
    /// Which copies have ended, a bit each.
    ended: u64,
}

impl Conservation {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Link {
    fn begin(&mut self, ordinal: u64) {
        self.open.insert(ordinal, Copies { under_way: 1, ended: 0 });
    }

    /// A copy has ended: what is wrong with that.
    fn end(&mut self, ordinal: u64, copy: u64) -> Option<Wrong> {
        let Some(copies) = self.open.get_mut(&ordinal) else {
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
            self.open.remove(&ordinal);
        }
        None
    }
}

impl Checker for Conservation {
    fn name(&self) -> &'static str {
        "conservation"
    }

    fn record(&mut self, record: &Record, found: &mut Found<'_>) {
        if !record.event.name().starts_with("net:") {
            return;
        }
        let link = match self.links.get_mut(&record.node) {
            Some(link) => link,
            None => self.links.entry(record.node.clone()).or_default(),
        };
        let wrong = match &record.event {
            Event::Offered { ordinal, .. } => {
                let expected = link.last + 1;
                link.last = *ordinal;
                link.offered += 1;
                link.begin(*ordinal);
                let wrong = || format!("datagram {ordinal} was offered, expected {expected}");
                (*ordinal != expected).then(|| ("out_of_order", wrong()))
            }
            Event::Injected { ordinal, .. } => {
                link.injected += 1;
                link.begin(*ordinal);
                None
            }
            Event::Duplicated { ordinal, extra } => {
                link.duplicated += extra;
                match link.open.get_mut(ordinal) {
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
            Event::Delivered { ordinal, copy, .. } => {
                link.delivered += 1;
                link.end(*ordinal, *copy)
            }
            Event::NetDropped { ordinal, copy, .. } => {
                link.dropped += 1;
                link.end(*ordinal, *copy)
            }
            Event::InFlight { copies } => {
                link.in_flight = *copies;
                None
            }
            _ => None,
        };
        if let Some((rule, wrong)) = wrong {
            found.add(record.at, &record.node, (rule, format!("{}: {wrong}", record.node)));
        }
    }

    fn finish(&mut self, end: Instant, found: &mut Found<'_>) {
        for (name, link) in &self.links {
            let queued: u64 = link.open.values().map(|copies| copies.under_way).sum();
            let Link { offered, duplicated, injected, delivered, dropped, in_flight, .. } = link;
            if queued != *in_flight || offered + duplicated + injected != delivered + dropped + in_flight {
                let sums = format!(
                    "{name}: offered {offered} + duplicated {duplicated} + injected {injected} should be \
                     delivered {delivered} + dropped {dropped} + queued {in_flight}; \
                     {queued} copies have not ended",
                );
                found.add(end, name, ("sums", sums));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{at, verdict};

    const LINK: &str = "a->server";

    fn offered(ordinal: u64) -> Record {
        at(ordinal, LINK, Event::Offered { ordinal, length: 9, what: Name::of("ack@0") })
    }

    fn delivered(ordinal: u64, copy: u64) -> Record {
        at(50 + copy, LINK, Event::Delivered { ordinal, copy, length: 9 })
    }

    fn dropped(ordinal: u64) -> Record {
        at(50, LINK, Event::NetDropped { ordinal, copy: 0, reason: Name::of("loss") })
    }

    #[test]
    fn every_datagram_in_one_place_is_right() {
        let records = [
            offered(1),
            offered(2),
            at(2, LINK, Event::Duplicated { ordinal: 2, extra: 1 }),
            offered(3),
            dropped(1),
            delivered(2, 0),
            delivered(2, 1),
            at(60, LINK, Event::InFlight { copies: 1 }),
        ];
        assert_eq!(verdict(Conservation::new(), &records), Vec::<String>::new());
    }

    #[test]
    fn a_datagram_that_vanishes_or_comes_from_nowhere_is_found() {
        let cases: [(&[Record], &str); 5] = [
            (
                &[offered(1)],
                "offered 1 + duplicated 0 + injected 0 should be delivered 0 + dropped 0 + queued 0; 1 copies",
            ),
            (&[delivered(1, 0)], "datagram 1 ended more often than it was sent"),
            (&[offered(1), delivered(1, 0), delivered(1, 0)], "datagram 1 ended more often"),
            (&[offered(2)], "datagram 2 was offered, expected 1"),
            (
                &[
                    offered(1),
                    at(2, LINK, Event::Duplicated { ordinal: 1, extra: 1 }),
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
