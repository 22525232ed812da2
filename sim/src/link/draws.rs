//! Keyed randomness: which random word decides what.
//!
//! Every draw is a function of (seed, link, direction, ordinal, copy, kind of fault). The link and direction are the
//! name of a stream of the seed, which becomes the key of a ChaCha8 generator; the copy is its nonce, the ordinal its
//! block, the kind of fault a word of the block's sixteen. So a packet's fate depends on nothing that happened to
//! others, and a kind of fault that is switched on, or added later in a free word, moves no other draw.
//!
//! Packets come in order, so blocks of the first copy are read in sequence; nothing is sought but for copies and for
//! links that draw now and then.

use backchat_core::seed::Seed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// Words of a block, and of ChaCha's.
const WORDS: usize = 16;

/// Which word decides what. Written down once: another order is another fate for every recorded run.
mod word {
    pub(super) const LOSS: usize = 0;
    // 1 is free, for a loss model with two draws.
    pub(super) const DUPLICATE: usize = 2;
    pub(super) const DUPLICATE_DELAY: usize = 3;
    pub(super) const CORRUPT: usize = 4;
    pub(super) const CORRUPT_COUNT: usize = 5;
    pub(super) const CORRUPT_BITS: usize = 6;
    // 7 is free.
    pub(super) const TRUNCATE: usize = 8;
    pub(super) const TRUNCATE_LENGTH: usize = 9;
    pub(super) const REORDER: usize = 10;
    // 11 is free.
    pub(super) const JITTER: [usize; 2] = [12, 13];
    // 14 and 15 are free.
}

/// The random words of one copy of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block([u32; WORDS]);

impl Block {
    /// What a link that draws nothing reads.
    pub(super) const ZERO: Self = Self([0; WORDS]);

    pub(super) const fn loss(&self) -> u32 {
        self.0[word::LOSS]
    }

    pub(super) const fn duplicate(&self) -> u32 {
        self.0[word::DUPLICATE]
    }

    pub(super) const fn duplicate_delay(&self) -> u32 {
        self.0[word::DUPLICATE_DELAY]
    }

    pub(super) const fn corrupt(&self) -> u32 {
        self.0[word::CORRUPT]
    }

    /// How many bits are flipped, 1 to 8.
    pub(super) const fn corrupt_count(&self) -> u8 {
        (self.0[word::CORRUPT_COUNT] >> 29) as u8 + 1
    }

    /// Where they are.
    pub(super) const fn corrupt_bits(&self) -> u32 {
        self.0[word::CORRUPT_BITS]
    }

    pub(super) const fn truncate(&self) -> u32 {
        self.0[word::TRUNCATE]
    }

    pub(super) const fn truncate_length(&self) -> u32 {
        self.0[word::TRUNCATE_LENGTH]
    }

    pub(super) const fn reorder(&self) -> u32 {
        self.0[word::REORDER]
    }

    pub(super) const fn jitter(&self) -> u64 {
        self.pair(word::JITTER)
    }

    const fn pair(&self, [low, high]: [usize; 2]) -> u64 {
        (self.0[low] as u64) | (self.0[high] as u64) << 32
    }
}

/// The blocks of one direction.
#[derive(Clone)]
pub(super) struct Draws {
    rng: ChaCha8Rng,
    /// The nonce that is set, and the block that comes next without seeking.
    copy: u64,
    next: u64,
}

impl Draws {
    /// Those of the link and direction called `name`, such as `server->alice`.
    pub(super) fn new(seed: &Seed, name: &str) -> Self {
        let key = seed.stream(&format!("link {name}")).bytes();
        Self { rng: ChaCha8Rng::from_seed(key), copy: 0, next: 0 }
    }

    /// The words of a copy of a packet: 0 is the packet itself.
    pub(super) fn block(&mut self, ordinal: u64, copy: u64) -> Block {
        if self.copy != copy {
            self.rng.set_stream(copy);
            self.copy = copy;
            self.next = u64::MAX;
        }
        if self.next != ordinal {
            self.rng.set_word_pos(u128::from(ordinal) * WORDS as u128);
        }
        self.next = ordinal.wrapping_add(1);
        let mut bytes = [0; WORDS * 4];
        self.rng.fill_bytes(&mut bytes);
        let (words, _) = bytes.as_chunks::<4>();
        let mut block = [0; WORDS];
        for (word, bytes) in block.iter_mut().zip(words) {
            *word = u32::from_le_bytes(*bytes);
        }
        Block(block)
    }
}

impl core::fmt::Debug for Draws {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Draws").field("next", &self.next).finish_non_exhaustive()
    }
}

/// A number of 0 to `most`, each equally likely but for a bias below `most / 2^64`.
pub(super) fn up_to(most: u64, draw: u64) -> u64 {
    let wide = u128::from(draw) * (u128::from(most) + 1);
    (wide >> 64) as u64
}

/// As [`up_to`], from one word: a bias below `most / 2^32`, for what is not measured.
pub(super) fn up_to_by_word(most: u64, draw: u32) -> u64 {
    up_to(most, u64::from(draw) << 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(name: &str) -> Draws {
        Draws::new(&Seed::from_number(7), name)
    }

    #[test]
    fn a_block_is_the_same_in_order_and_sought() {
        let mut in_order = draws("a->b");
        let blocks: Vec<_> = (0..100).map(|ordinal| in_order.block(ordinal, 0)).collect();
        let mut sought = draws("a->b");
        for ordinal in [99, 3, 50, 51, 0, 7] {
            assert_eq!(sought.block(ordinal, 0), blocks[ordinal as usize], "{ordinal}");
        }
    }

    #[test]
    fn another_copy_link_or_ordinal_is_another_block() {
        let mut draws_here = draws("a->b");
        let first = draws_here.block(1, 0);
        assert_ne!(draws_here.block(1, 1), first);
        assert_ne!(draws_here.block(2, 0), first);
        assert_eq!(draws_here.block(1, 0), first);
        assert_ne!(draws("b->a").block(1, 0), first);
    }

    /// Written down once: another layout or derivation changes every recorded run.
    #[test]
    fn the_first_words_of_a_link_never_change() {
        assert_eq!(draws("server->alice").block(1, 0).0[..4], GOLDEN);
    }
    const GOLDEN: [u32; 4] = [3_441_190_399, 3_679_292_415, 3_253_507_405, 2_565_300_968];

    #[test]
    fn a_range_is_reached_at_both_ends_and_never_left() {
        assert_eq!((up_to(10, 0), up_to(10, u64::MAX), up_to(0, u64::MAX)), (0, 10, 0));
        assert_eq!(up_to(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!((up_to_by_word(10, 0), up_to_by_word(10, u32::MAX)), (0, 10));
    }
}
