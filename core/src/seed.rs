//! All randomness, from one seed, in named streams.
//!
//! Every consumer has a stream of its own, found by its name and never by order of creation: adding a consumer,
//! or one more draw in another, changes nothing here. The generator is ChaCha with eight rounds: portable,
//! seekable, and unpredictable to whoever does not know the seed, so that a driver that seeds it from the
//! operating system's entropy may use it for tickets and tokens.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// 256 bits from which every stream of a run is derived.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// A seed from the operating system's entropy: what a real server and client use.
    pub const fn from_entropy(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A seed from the number that a person typed.
    pub fn from_number(number: u64) -> Self {
        Self(blake3::derive_key("backchat 2026 seed from a number", &number.to_le_bytes()))
    }

    /// The stream called `name`. The same name is the same stream, from its beginning.
    pub fn stream(&self, name: &str) -> Stream {
        Stream(ChaCha8Rng::from_seed(self.derive("backchat 2026 stream", name)))
    }

    /// A seed of its own for the part called `name`, such as one host.
    pub fn child(&self, name: &str) -> Self {
        Self(self.derive("backchat 2026 child seed", name))
    }

    fn derive(&self, purpose: &str, name: &str) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_derive_key(purpose);
        hasher.update(&self.0);
        hasher.update(name.as_bytes());
        *hasher.finalize().as_bytes()
    }
}

impl core::fmt::Debug for Seed {
    /// Prints nothing of the seed: who knows it knows every ticket.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// One stream of random numbers.
#[derive(Clone)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// As many random bytes as there is room for.
    pub fn fill(&mut self, room: &mut [u8]) {
        self.0.fill_bytes(room);
    }

    /// A number below `bound`, each equally likely but for a bias below `bound / 2^64`; 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.next_u64()) * u128::from(bound);
        (wide >> 64) as u64
    }
}

impl core::fmt::Debug for Stream {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Stream(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_found_by_name_not_by_order() {
        let seed = Seed::from_number(42);
        let mut first = seed.stream("tickets");
        let alone = first.next_u64();
        let _other = seed.stream("tokens").next_u64();
        assert_eq!(seed.stream("tickets").next_u64(), alone);
        assert_ne!(seed.stream("tokens").next_u64(), alone);
        assert_ne!(seed.child("tickets").stream("tickets").next_u64(), alone);
    }

    /// Written down once: a change of generator or derivation changes every recorded run.
    #[test]
    fn the_first_numbers_of_a_stream_never_change() {
        let mut stream = Seed::from_number(0).stream("golden");
        let first = [stream.next_u64(), stream.next_u64()];
        assert_eq!(first, GOLDEN);
    }
    const GOLDEN: [u64; 2] = [9_828_076_283_770_791_891, 15_178_919_874_853_599_547];

    #[test]
    fn below_stays_below() {
        let mut stream = Seed::from_number(1).stream("below");
        assert!((0..1000).all(|_| stream.below(7) < 7));
        assert_eq!(stream.below(0), 0);
    }
}
