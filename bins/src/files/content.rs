//! What files consist of: bytes, or whatever stands for them.
//!
//! The programs that ship read, carry and write bytes. A simulator need not: of which file a byte is, and where it stands
//! in that file, says what it is. So the share, the targets and the disk in memory are written for any [`Content`], and
//! only [`RealDisk`](super::real::RealDisk) insists on bytes.

use std::borrow::Cow;
use std::fmt::Debug;
use std::ops::Range;

use backchat_core::wire::Hash;

use super::disk::Disk;

/// Bytes one behind the other, or what stands for them. Lengths and places count the bytes that it stands for.
pub trait Content: Clone + Debug + Default + Send + 'static {
    /// A part of a datagram that goes into a file.
    type Part<'a>: Copy;

    /// Makes the BLAKE3 of the bytes that this stands for.
    type Hasher: Hasher<Self>;

    /// Number of bytes in a part.
    fn length_of(part: Self::Part<'_>) -> u64;

    /// Number of bytes.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of bytes for which there is memory.
    fn capacity(&self) -> u64;

    /// Removes everything. The memory is kept for what comes.
    fn clear(&mut self) {
        self.set_length(0);
    }

    /// Cuts what is beyond `length`, or fills up to there with zeros.
    fn set_length(&mut self, length: u64);

    /// Puts a part of a datagram behind what is there.
    fn push(&mut self, part: Self::Part<'_>);

    /// Puts the bytes of `range` in `other` behind what is there, as far as `other` has them.
    fn extend_from(&mut self, other: &Self, range: Range<u64>);

    /// Fills `into` with the bytes from `start` on. Returns false, with nothing promised of `into`, if they are too few.
    fn copy(&self, start: u64, into: &mut [u8]) -> bool;

    /// Returns the bytes.
    fn bytes(&self) -> Cow<'_, [u8]>;
}

/// The hasher of what is on `D`.
pub(super) type HasherOf<D> = <<D as Disk>::Content as Content>::Hasher;

/// Makes a BLAKE3, from what it was given so far.
pub trait Hasher<C>: Clone + Default + Send + 'static {
    /// Takes in the bytes of `content` from `start` on.
    fn update(&mut self, content: &C, start: u64);

    /// Returns the hash of everything that was taken in. More may follow.
    fn digest(&self) -> Hash;
}

impl Content for Vec<u8> {
    type Part<'a> = &'a [u8];
    type Hasher = blake3::Hasher;

    fn length_of(part: &[u8]) -> u64 {
        part.len() as u64
    }

    fn len(&self) -> u64 {
        Self::len(self) as u64
    }

    fn capacity(&self) -> u64 {
        Self::capacity(self) as u64
    }

    fn set_length(&mut self, length: u64) {
        // More than there are addresses is more than any disk holds; the allocator says so.
        self.resize(usize::try_from(length).unwrap_or(usize::MAX), 0);
    }

    fn push(&mut self, part: &[u8]) {
        self.extend_from_slice(part);
    }

    fn extend_from(&mut self, other: &Self, range: Range<u64>) {
        self.extend_from_slice(within(other, range));
    }

    fn copy(&self, start: u64, into: &mut [u8]) -> bool {
        let bytes = within(self, start..start.saturating_add(into.len() as u64));
        let is_whole = bytes.len() == into.len();
        if is_whole {
            into.copy_from_slice(bytes);
        }
        is_whole
    }

    fn bytes(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl Hasher<Vec<u8>> for blake3::Hasher {
    fn update(&mut self, content: &Vec<u8>, start: u64) {
        Self::update(self, within(content, start..u64::MAX));
    }

    fn digest(&self) -> Hash {
        Hash(*self.finalize().as_bytes())
    }
}

/// The bytes of `range`, as far as they are there.
fn within(bytes: &[u8], range: Range<u64>) -> &[u8] {
    let place = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.get(place(range.start)..place(range.end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_end_is_left_out() {
        let all: Vec<u8> = (0..10).collect();
        let mut some = vec![9];
        for (range, expected) in [(0..2, [9, 0, 1].as_slice()), (8..u64::MAX, &[9, 8, 9]), (11..12, &[9])] {
            some.truncate(1);
            some.extend_from(&all, range);
            assert_eq!(some, expected);
        }
        let mut into = [0; 2];
        assert!(all.copy(8, &mut into) && into == [8, 9]);
        assert!(!all.copy(9, &mut into) && !all.copy(u64::MAX, &mut into));
    }
}
