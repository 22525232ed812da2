//! What depends on the packets before: runs that may not grow too long, and the two states of Gilbert and Elliott.
//!
//! Each is a fold over the draws of all packets in order, those too that were dropped for another reason: so it
//! depends on no other kind of fault.

use core::num::NonZeroU32;

use super::plan::{Loss, Runs};

/// How many in a row it has hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Run(u32);

impl Run {
    /// Whether it hits the next packet too, whose draw `hits`: not when the run is as long as it may be.
    fn next(&mut self, hits: bool, max_burst: Option<NonZeroU32>) -> bool {
        let hit = hits && max_burst.is_none_or(|most| self.0 < most.get());
        self.0 = if hit { self.0.saturating_add(1) } else { 0 };
        hit
    }

    /// The same with a draw.
    pub(super) fn draw(&mut self, runs: &Runs, word: u32) -> bool {
        self.next(runs.chance.hits(word), runs.max_burst)
    }
}

/// Where the loss model stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LossState {
    run: Run,
    /// Gilbert and Elliott's bad state, in which everything is lost.
    is_bad: bool,
}

impl LossState {
    /// Whether the next packet is lost.
    ///
    /// Gilbert–Elliott: first the state changes or stays, then the packet meets it. So a stay in the bad state is at
    /// least one packet and 1/leave on average, and enter/(enter + leave) of all packets are lost. Cutting a burst
    /// at `max_burst` ends the bad state too.
    pub(super) fn draw(&mut self, loss: &Loss, word: u32) -> bool {
        match loss {
            Loss::Runs(runs) => self.run.draw(runs, word),
            Loss::GilbertElliott { enter, leave, max_burst } => {
                self.is_bad = if self.is_bad { !leave.hits(word) } else { enter.hits(word) };
                self.is_bad = self.run.next(self.is_bad, *max_burst);
                self.is_bad
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Chance;

    fn lost(loss: &Loss, words: &[u32]) -> Vec<bool> {
        let mut state = LossState::default();
        words.iter().map(|&word| state.draw(loss, word)).collect()
    }

    #[test]
    fn a_run_as_long_as_it_may_be_is_broken() {
        let runs = Runs { chance: Chance::ALWAYS, max_burst: NonZeroU32::new(3) };
        let hits = lost(&Loss::Runs(runs), &[0; 8]);
        assert_eq!(hits, [true, true, true, false, true, true, true, false]);
    }

    #[test]
    fn the_bad_state_is_entered_stayed_in_and_left() {
        let half = "0.5".parse().unwrap();
        let loss = Loss::GilbertElliott { enter: half, leave: half, max_burst: None };
        let (below, above) = (0, u32::MAX);
        let hits = lost(&loss, &[above, below, above, above, below, above, below, below]);
        assert_eq!(hits, [false, true, true, true, false, false, true, false]);
    }

    #[test]
    fn a_burst_that_is_cut_leaves_the_bad_state() {
        let enter = "0.5".parse().unwrap();
        let loss = Loss::GilbertElliott { enter, leave: Chance::NEVER, max_burst: NonZeroU32::new(2) };
        let hits = lost(&loss, &[0, u32::MAX, u32::MAX, u32::MAX, 0]);
        assert_eq!(hits, [true, true, false, false, true]);
    }
}
