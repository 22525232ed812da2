//! The proof of what was received, put together from those of the segments.

use std::collections::VecDeque;

use crate::wire::Proof;

/// Acknowledgments of which the sender may have heard none since. It goes back to what it heard last, so its segments begin
/// there; of one that is older than these, the receiver only knows that it has the bytes.
const ACKNOWLEDGED_MAX: usize = 16;

/// The proof of everything below `end`, and what is needed to go on when the sender goes back and cuts its segments
/// differently.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    end: u64,
    proof: Proof,
    /// The ends that were acknowledged and their proofs, the last at the back.
    acknowledged: VecDeque<(u64, Proof)>,
    /// The end of the last segment that came again, and the proof up to there.
    again: Option<(u64, Proof)>,
}

impl Chain {
    /// Nothing came yet; the first byte that does is `start`.
    pub(super) fn new(start: u64) -> Self {
        Self { end: start, ..Self::default() }
    }

    /// Of everything that was received in order.
    pub(super) const fn proof(&self) -> Proof {
        self.proof
    }

    /// A segment of which every byte is here already.
    pub(super) fn on_known(&mut self, offset: u64, end: u64, proof: Proof) {
        if let Some(before) = self.at(offset) {
            self.again = Some((end, before ^ proof));
        }
    }

    /// A segment that brings something new, up to `end`. `false` where it begins at a place from which the proof cannot be
    /// put together: it must come again from where the sender is told to go on.
    #[must_use]
    pub(super) fn extend(&mut self, offset: u64, end: u64, proof: Proof) -> bool {
        let Some(before) = self.at(offset) else { return false };
        (self.end, self.proof) = (end, before ^ proof);
        self.again = None;
        true
    }

    /// Everything so far is being acknowledged.
    pub(super) fn on_acknowledged(&mut self) {
        if self.acknowledged.back().is_none_or(|last| last.0 != self.end) {
            if self.acknowledged.len() == ACKNOWLEDGED_MAX {
                self.acknowledged.pop_front();
            }
            self.acknowledged.push_back((self.end, self.proof));
        }
    }

    /// The proof of everything below `offset`, if it is known.
    fn at(&self, offset: u64) -> Option<Proof> {
        let places = self.acknowledged.iter().rev().chain(&self.again);
        let here = (self.end, self.proof);
        core::iter::once(&here).chain(places).find(|place| place.0 == offset).map(|place| place.1)
    }

    /// Goes on as if everything below `offset` had come. For the mutant `OutOfOrderWritten`.
    #[cfg(backchat_mutants)]
    pub(super) fn jump(&mut self, offset: u64) {
        self.end = self.end.max(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ProofKey;

    fn key() -> ProofKey {
        ProofKey::new([5; 16])
    }

    /// Takes the segments in order, acknowledging each.
    fn received(chain: &mut Chain, cuts: &[u64]) {
        for (from, to) in cuts.iter().zip(&cuts[1..]) {
            assert!(chain.extend(*from, *to, key().of(*from..*to)));
            chain.on_acknowledged();
        }
    }

    #[test]
    fn segments_in_order_prove_everything_below() {
        let mut chain = Chain::new(500);
        received(&mut chain, &[500, 1_700, 2_900, 2_901]);
        assert_eq!(chain.proof(), key().of(500..2_901));
    }

    #[test]
    fn segments_that_are_sent_again_in_other_pieces_go_on_where_they_reach_beyond() {
        let mut chain = Chain::new(0);
        chain.on_acknowledged();
        received(&mut chain, &[0, 16_000, 32_000]);
        // Both acknowledgments were lost, and the path now carries less.
        let cuts: Vec<u64> = (0..).map(|i| i * 1_200).take_while(|cut| *cut < 32_000).collect();
        for (from, to) in cuts.iter().zip(&cuts[1..]) {
            chain.on_known(*from, *to, key().of(*from..*to));
        }
        let last = *cuts.last().expect("some");
        assert!(chain.extend(last, last + 1_200, key().of(last..last + 1_200)));
        assert_eq!(chain.proof(), key().of(0..last + 1_200));
    }

    #[test]
    fn a_segment_from_a_place_that_is_not_known_proves_nothing() {
        let mut chain = Chain::new(0);
        received(&mut chain, &[0, 1_000]);
        chain.on_known(300, 900, key().of(300..900));
        assert!(!chain.extend(900, 2_000, key().of(900..2_000)));
        assert_eq!(chain.proof(), key().of(0..1_000), "and spoils nothing");
        let many: Vec<u64> = (1..100).map(|i| i * 1_000).collect();
        received(&mut chain, &many);
        assert_eq!(chain.acknowledged.len(), ACKNOWLEDGED_MAX);
    }
    #[test]
    fn a_server_that_knows_nothing_of_proofs_is_told_what_it_was_always_told() {
        let mut chain = Chain::new(0);
        for start in 0..10 {
            assert!(chain.extend(start * 100, start * 100 + 100, Proof(0)));
            chain.on_acknowledged();
            assert_eq!(chain.proof(), Proof(0));
        }
    }
}
