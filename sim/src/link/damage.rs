//! What a packet's bytes have suffered when they arrive.

/// The most bits that are flipped in a packet.
pub const MAX_FLIPS: usize = 8;

/// What happened to a copy's bytes. It is said, not done: a simulation that carries payloads as ranges of a file
/// makes bytes only for the few that are damaged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// The key for where bits are flipped.
    key: u32,
    /// So many bytes of it are missing at the end. A datagram has fewer than 2^16.
    missing: u16,
    /// How many bits are flipped.
    flips: u8,
}

impl Damage {
    /// None.
    pub const NONE: Self = Self { key: 0, missing: 0, flips: 0 };

    /// So many bytes cut off its end.
    pub(super) fn cut(&mut self, missing: u16) {
        self.missing = missing;
    }

    /// `flips` bits flipped, at places that `key` decides.
    pub(super) fn flip(&mut self, flips: u8, key: u32) {
        self.flips = flips;
        self.key = key;
    }

    /// Whether it arrives as it was sent.
    pub const fn is_none(&self) -> bool {
        self.missing == 0 && self.flips == 0
    }

    /// How many bytes are left of `length`.
    pub fn length(&self, length: usize) -> usize {
        length.saturating_sub(usize::from(self.missing))
    }

    /// Whether bytes are missing.
    pub const fn is_truncated(&self) -> bool {
        self.missing > 0
    }

    /// How many bits are flipped in a datagram of `length` bytes: as many as were drawn, if there are so many.
    pub fn flipped_bits(&self, length: usize) -> usize {
        usize::from(self.flips).min(self.length(length).saturating_mul(8))
    }

    /// Which bits of a datagram of `length` bytes are flipped; all different, counted from the first byte's lowest.
    /// Only bits that are still there: first the end is cut off.
    pub fn bits(&self, length: usize) -> impl Iterator<Item = usize> + use<> {
        let bits = (self.length(length) as u64).saturating_mul(8);
        let mut chosen = [u64::MAX; MAX_FLIPS];
        let count = self.flipped_bits(length);
        for i in 0..count {
            // Of the bits not chosen yet, one: Floyd's sampling, which needs no second try.
            let last = bits - (count - i) as u64;
            let draw = scatter(u64::from(self.key) << 8 | i as u64);
            let bit = super::draws::up_to(last, draw);
            let bit = if chosen.contains(&bit) { last } else { bit };
            if let Some(place) = chosen.get_mut(i) {
                *place = bit;
            }
        }
        chosen.into_iter().take(count).map(|bit| usize::try_from(bit).unwrap_or(usize::MAX))
    }

    /// Does it to the bytes.
    pub fn apply(&self, datagram: &mut Vec<u8>) {
        let bits = self.bits(datagram.len());
        datagram.truncate(self.length(datagram.len()));
        for bit in bits {
            if let Some(byte) = datagram.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
    }
}

/// SplitMix64's finalizer (Steele, Lea and Flood 2014): neighbouring keys give unlike numbers.
const fn scatter(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_damage_changes_nothing() {
        let mut bytes = vec![1, 2, 3];
        Damage::NONE.apply(&mut bytes);
        assert_eq!(bytes, [1, 2, 3]);
        assert!(Damage::NONE.is_none());
    }

    proptest! {
        #[test]
        fn as_many_different_bits_are_flipped_as_there_are(key: u32, flips in 1u8..=8, length in 0usize..40) {
            let mut damage = Damage::NONE;
            damage.flip(flips, key);
            let mut bytes = vec![0u8; length];
            damage.apply(&mut bytes);
            let flipped: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
            prop_assert_eq!(flipped as usize, usize::from(flips).min(length * 8));
        }

        #[test]
        fn flips_are_within_what_is_left(key: u32, kept in 0u16..20) {
            let mut damage = Damage::NONE;
            damage.flip(8, key);
            damage.cut(20 - kept);
            let mut bytes = vec![0u8; 20];
            damage.apply(&mut bytes);
            prop_assert_eq!(bytes.len(), usize::from(kept));
            let flipped: u32 = bytes.iter().map(|byte| byte.count_ones()).sum();
            prop_assert_eq!(flipped, if kept == 0 { 0 } else { 8 });
        }
    }
}
