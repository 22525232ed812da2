//! Numbers from named streams of a swarm's seed.
//!
//! Every decision has a stream of its own, found by its name: a kind of fault that is added, or drawn more often, changes
//! nothing else of any seed's scenario.

use core::time::Duration;

use backchat_core::seed::{Seed, Stream};

use super::bounds::Between;
use crate::link::Chance;

/// All streams of one seed.
#[derive(Clone, Debug)]
pub struct Draws(Seed);

impl Draws {
    /// Apart from every stream of the run that the scenario is run with, which has the same seed.
    pub fn new(seed: u64) -> Self {
        Self(Seed::from_number(seed).child("swarm"))
    }

    /// The stream called `name`.
    pub fn of(&self, name: &str) -> Draw {
        Draw(self.0.stream(name))
    }
}

/// One stream.
#[derive(Clone, Debug)]
pub struct Draw(Stream);

impl Draw {
    /// Whether something is so, with a chance.
    pub fn hits(&mut self, chance: Chance) -> bool {
        self.0.next_u64() >> 32 < chance.parts()
    }

    /// One of two.
    pub fn coin(&mut self) -> bool {
        self.0.below(2) == 1
    }

    /// A number, each equally likely.
    pub fn even(&mut self, between: Between) -> u64 {
        let count = (between.most - between.least).saturating_add(1);
        between.least + self.0.below(count)
    }

    /// A number, each halving of the most down to the least equally likely: small ones are as likely as large ones, where
    /// what is done differs more between 1 and 10 than between 1000 and 1010.
    pub fn steep(&mut self, between: Between) -> u64 {
        let halvings = (between.most / between.least.max(1)).max(1).ilog2();
        let most = (between.most >> self.0.below(u64::from(halvings) + 1)).max(between.least);
        let least = (most / 2).max(between.least);
        self.even(Between { least, most })
    }

    /// A duration, as [`Self::steep`], to the microsecond: nobody reads nine digits.
    pub fn span(&mut self, between: Between) -> Duration {
        Duration::from_micros(self.steep(between) / 1000)
    }

    /// A moment within a duration, to the millisecond.
    pub fn moment(&mut self, within: Duration) -> Duration {
        let most = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(self.even(Between { least: 0, most }))
    }

    /// A number below `count`, as an index.
    pub fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.0.below(count as u64)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_within_their_bounds_and_reach_them() {
        let mut draw = Draws::new(1).of("numbers");
        for (least, most) in [(0, 0), (0, 1), (3, 3), (5, 1000), (0, u64::MAX), (1, 1 << 40)] {
            let between = Between { least, most };
            for _ in 0..200 {
                assert!((least..=most).contains(&draw.even(between)));
                assert!((least..=most).contains(&draw.steep(between)), "{least} {most}");
            }
        }
        let small = (0..1000).filter(|_| draw.steep(Between { least: 1, most: 1024 }) <= 32).count();
        assert!((350..650).contains(&small), "{small} of 1000 are in the lower half of the halvings");
    }
}
