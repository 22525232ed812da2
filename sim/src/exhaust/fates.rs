//! Every combination of what can become of the first packets: delivered, lost, duplicated, or delayed past the next.
//!
//! The combinations are a tree: which packet is the third depends on what became of the first two. A run whose packets
//! from some place on are all delivered stands at its node; it says which packets come next, and each of them is then
//! given each other fate in turn. So a combination that decides over packets that are never sent is not run: it equals
//! the one without them, and is counted with it. Nothing else is pruned: histories that lead to one state are few while
//! the packets that are decided over are on their way, and each has to be run up to there to be told by its digest.
//! docs/SIMULATION.md has the numbers.
//!
//! *Delayed past the next* is: it arrives right behind the next packet of its direction. Until that one is sent the run
//! is the one in which the packet is lost, which says how long the delay has to be; where none comes, the two are one.

use core::time::Duration;

use super::{ENGINE, Failures};
use crate::offers::{Offer, Offers};
use crate::scenario::{Direction, Fault, FaultKind, LinkName, PacketFault, Scenario};
use crate::shrink::oracle::{Verdict, verdict};
use crate::workers::each;

/// Which packets are decided over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The first so many, both directions together.
    Together(u32),
    /// The first so many of each direction.
    Each(u32),
}

impl Scope {
    /// Packets that are decided over, if all of them are sent.
    const fn packets(self) -> u32 {
        match self {
            Self::Together(packets) => packets,
            Self::Each(packets) => packets * 2,
        }
    }

    /// How many combinations there are: four fates for each packet. `None`: more than can be counted.
    pub const fn combinations(self) -> Option<u64> {
        4u64.checked_pow(self.packets())
    }

    fn has(self, place: usize, offer: &Offer) -> bool {
        match self {
            Self::Together(packets) => place < packets as usize,
            Self::Each(packets) => offer.ordinal <= u64::from(packets),
        }
    }
}

/// What was tried, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Runs.
    pub runs: u64,
    /// Combinations that they stand for.
    pub combinations: u64,
    /// What failed.
    pub failures: Failures,
    /// Places in the tree from which nothing more was tried, because there was no more time.
    pub left: usize,
}

impl Tried {
    fn extend(&mut self, other: Self) {
        self.runs += other.runs;
        self.combinations += other.combinations;
        self.failures.extend(other.failures);
        self.left += other.left;
    }
}

/// A packet that is delayed past another arrives so much behind it.
const BEHIND: Duration = Duration::from_micros(1);

/// Packets over which one thread decides before the others are given what follows.
const SPLIT_AT: usize = 4;

/// A node of the tree: what was decided, how many of the packets it is that this is about, and for how many
/// combinations each of those below it counts.
struct Node {
    faults: Vec<Fault>,
    decided: usize,
    weight: u64,
}

/// What a run came to.
struct Seen {
    /// The packets that are decided over, in the order of their sending.
    points: Vec<Offer>,
    offers: Offers,
    verdict: Verdict,
}

/// Tries every combination of `scope`, on `jobs` threads, while `has_time` says so; `progress` is told of each run.
pub fn try_all(
    scenario: &Scenario,
    scope: Scope,
    jobs: usize,
    has_time: &(dyn Fn() -> bool + Sync),
    progress: &(dyn Fn() + Sync),
) -> Tried {
    let tree = Tree { scenario, scope, has_time, progress };
    let mut tried = Tried::default();
    let root = Node { faults: Vec::new(), decided: 0, weight: 1 };
    let mut subtrees = Vec::new();
    tree.explore(&root, &tree.run(&root), SPLIT_AT, &mut tried, &mut subtrees);
    let below = |node: &Node| {
        let mut tried = Tried::default();
        if has_time() {
            tree.explore(node, &tree.run(node), usize::MAX, &mut tried, &mut Vec::new());
        } else {
            tried.left = 1;
        }
        tried
    };
    // Whoever was first, the result is that of one thread.
    each(jobs.max(1), &subtrees, below).into_iter().for_each(|part| tried.extend(part));
    tried
}

struct Tree<'a> {
    scenario: &'a Scenario,
    scope: Scope,
    has_time: &'a (dyn Fn() -> bool + Sync),
    progress: &'a (dyn Fn() + Sync),
}

impl Tree<'_> {
    fn run(&self, node: &Node) -> Seen {
        let mut offers = Offers::default();
        let verdict = verdict(&self.scenario.with_faults(node.faults.clone()), SEED, ENGINE, &mut offers);
        let all = offers.all().iter().enumerate();
        let points =
            all.filter(|(place, offer)| self.scope.has(*place, offer)).map(|(_, offer)| offer.clone());
        Seen { points: points.collect(), offers, verdict }
    }

    /// Counts a node, and goes through those below it; those that decide over `split_at` packets are put aside.
    fn explore(&self, node: &Node, seen: &Seen, split_at: usize, tried: &mut Tried, aside: &mut Vec<Node>) {
        tried.runs += 1;
        (self.progress)();
        tried.failures.add(&node.faults, &seen.verdict);
        let never_sent =
            self.scope.packets().saturating_sub(u32::try_from(seen.points.len()).unwrap_or(u32::MAX));
        tried.combinations += node.weight * 4u64.saturating_pow(never_sent);
        for (place, offer) in seen.points.iter().enumerate().skip(node.decided) {
            if !(self.has_time)() {
                tried.left += 1;
                return;
            }
            let child = |damage, weight| Node {
                faults: node.faults.iter().cloned().chain(fault(self.scenario, offer, damage)).collect(),
                decided: place + 1,
                weight,
            };
            let mut lost = child(PacketFault::Drop, node.weight);
            let without = self.run(&lost);
            let next = without.offers.of(&offer.direction).find(|next| next.ordinal > offer.ordinal);
            let mut others = vec![child(PacketFault::Duplicate(Duration::ZERO), node.weight)];
            match next {
                Some(next) => {
                    others.push(child(PacketFault::Delay(next.at - offer.at + BEHIND), node.weight));
                }
                None => lost.weight *= 2,
            }
            if place + 1 >= split_at {
                aside.push(lost);
                aside.extend(others);
                continue;
            }
            self.explore(&lost, &without, split_at, tried, aside);
            for other in others {
                let seen = self.run(&other);
                self.explore(&other, &seen, split_at, tried, aside);
            }
        }
    }
}

/// The seed of every run. Nothing but contents, names and tickets comes from it.
const SEED: u64 = 0;

/// What is done to one packet.
fn fault(scenario: &Scenario, offer: &Offer, damage: PacketFault) -> Option<Fault> {
    let packets = vec![offer.name()];
    let link = scenario.clients().iter().find_map(|client| {
        let is_this = |direction: &Direction| *offer.direction == *direction.link_name(&client.nick);
        let direction = Direction::BOTH.into_iter().find(is_this);
        direction.map(|direction| LinkName { client: client.nick.clone(), direction: Some(direction) })
    })?;
    let kind = FaultKind::Packets { link, damage, packets };
    Some(Fault { at: Duration::ZERO, lasts: None, every: None, kind })
}
