//! Proof of receipt: what a receiver can only know from the segments that it got.
//!
//! Every offset of a file has a number that its sender alone can compute: a keyed hash, with a key of the transfer's own.
//! A segment carries the number at its beginning combined with the one at its end; an acknowledgment carries those of
//! everything below it, combined: the number at the file's start combined with the one at `ack`. Whoever lacks one segment
//! cannot say what comes behind it, however the rest was cut. The sender needs no memory of what it sent: it computes both
//! numbers when it is asked (as the nonces of RFC 3540, but of 16 bits, and by offset).
//!
//! Sixteen bits are enough where a wrong proof costs the transfer: a guess is right once in 65,536 times, and a sender ends
//! a transfer after a few wrong ones.

use core::fmt;
use core::ops::{BitXor, Range};

/// The proof of having a range of a file; those of two adjacent ranges are combined by `^`. That of an empty
/// range is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Proof(pub u16);

impl BitXor for Proof {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

/// The key that a sender computes the proofs of one transfer with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ProofKey(u64, u64);

impl ProofKey {
    /// From random bytes of this transfer's own.
    pub fn new(bytes: [u8; 16]) -> Self {
        let bytes = u128::from_le_bytes(bytes);
        Self(bytes as u64, (bytes >> 64) as u64)
    }

    /// The proof of having these bytes.
    pub fn of(&self, range: Range<u64>) -> Proof {
        Proof(self.at(range.start) ^ self.at(range.end))
    }

    fn at(&self, offset: u64) -> u16 {
        siphash(*self, offset) as u16
    }
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of the eight bytes of `message`, lowest first: a pseudorandom function made
/// for short inputs, which takes some ten nanoseconds; a block of BLAKE3 takes five times as long.
fn siphash(key: ProofKey, message: u64) -> u64 {
    /// The message's length in the highest byte of its last block, which is otherwise empty.
    const LAST_BLOCK: u64 = 8 << 56;
    let mut v = [
        key.0 ^ 0x736f_6d65_7073_6575,
        key.1 ^ 0x646f_7261_6e64_6f6d,
        key.0 ^ 0x6c79_6765_6e65_7261,
        key.1 ^ 0x7465_6462_7974_6573,
    ];
    for block in [message, LAST_BLOCK] {
        v[3] ^= block;
        rounds(&mut v, 2);
        v[0] ^= block;
    }
    v[2] ^= 0xff;
    rounds(&mut v, 4);
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn rounds([a, b, c, d]: &mut [u64; 4], count: u32) {
    for _ in 0..count {
        *a = a.wrapping_add(*b);
        *b = b.rotate_left(13) ^ *a;
        *a = a.rotate_left(32);
        *c = c.wrapping_add(*d);
        *d = d.rotate_left(16) ^ *c;
        *a = a.wrapping_add(*d);
        *d = d.rotate_left(21) ^ *a;
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *c = c.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siphash_is_that_of_its_authors() {
        // The ninth vector of their reference implementation: the key 00..0f, the message 00..07.
        let key = ProofKey::new(core::array::from_fn(|i| i as u8));
        assert_eq!(siphash(key, 0x0706_0504_0302_0100), 0x93f5_f579_9a93_2462);
    }

    #[test]
    fn proofs_of_stretches_combine_however_they_were_cut() {
        let key = ProofKey::new([7; 16]);
        let whole = key.of(100..5_000);
        assert_eq!(key.of(100..1_300) ^ key.of(1_300..5_000), whole);
        assert_eq!(key.of(100..164) ^ key.of(164..4_999) ^ key.of(4_999..5_000), whole);
        assert_eq!(key.of(100..100), Proof::default());
        assert_ne!(ProofKey::new([8; 16]).of(100..5_000), whole);
        // Without the middle.
        assert_ne!(key.of(100..1_300) ^ key.of(2_600..5_000), whole);
    }

    #[test]
    fn a_key_is_not_printed_into_logs() {
        assert_eq!(format!("{:?}", ProofKey::new([7; 16])), "ProofKey(..)");
    }
}
