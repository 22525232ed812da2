//! What the links of a run did with each datagram: they are made anew, and offered the same again.

use std::collections::BTreeMap;

use backchat_core::seed::Seed;
use backchat_core::time::Instant;

use super::Origin;
use crate::link::{Departure, LinkId, Verdict};
use crate::offers::Offers;
use crate::scenario::{ClientId, Direction, Scenario};

/// What became of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    /// When it left the last queue, or got no further.
    pub departed: Instant,
    /// What became of it; never that it waits, but for what waited at the end of the run.
    pub verdict: Verdict,
}

/// Of every datagram of a run, by direction and ordinal.
#[derive(Clone, Debug)]
pub struct Fates {
    links: BTreeMap<String, LinkId>,
    fates: BTreeMap<(LinkId, u64), Fate>,
}

impl Fates {
    /// What became of what was offered.
    pub fn of(origin: &Origin<'_>, offers: &Offers) -> Self {
        let scenario = origin.scenario;
        let numbers = scenario.clients().iter().enumerate();
        let links = numbers.flat_map(|(number, client)| {
            Direction::BOTH.map(|direction| {
                (direction.link_name(&client.nick), Scenario::link_id(ClientId(number), direction))
            })
        });
        let links: BTreeMap<String, LinkId> = links.collect();
        let mut topology = scenario.topology(&Seed::from_number(origin.seed));
        let mut fates = BTreeMap::new();
        for offer in offers.all() {
            let Some(link) = links.get(&*offer.direction).copied() else { continue };
            let passing = offer.passing();
            if let Some(offered) = topology.offer(offer.at, link, offer.length, passing.as_ref()) {
                let fate = Fate { departed: offered.departed, verdict: offered.verdict };
                fates.insert((link, offered.ordinal), fate);
            }
        }
        while let Some(departure) = topology.poll_departure(Instant::from_nanos(u64::MAX)) {
            let Departure { link, ordinal, departed, verdict, .. } = departure;
            fates.insert((link, ordinal), Fate { departed, verdict });
        }
        Self { links, fates }
    }

    /// What became of this one.
    pub fn of_one(&self, direction: &str, ordinal: u64) -> Option<&Fate> {
        self.fates.get(&(*self.links.get(direction)?, ordinal))
    }
}
