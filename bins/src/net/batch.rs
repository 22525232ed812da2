//! The buffers that datagrams arrive in.

use std::io::IoSliceMut;
use std::ops::Range;

use backchat_core::node::Path;

/// Buffers of one batch, so that a single system call can empty a busy socket.
const SLOTS: usize = 8;

/// Bytes of one buffer. With GRO the kernel puts up to 64 datagrams, 65,535 bytes in all, into one buffer, and
/// what does not fit is lost without a word: nothing smaller will do.
const SLOT_LEN: usize = 65_536;

/// What one [`Udp::try_recv`](crate::net::Udp::try_recv) brought. One is kept and used again and again.
pub struct Batch {
    buffer: Box<[u8]>,
    groups: Vec<(Path, Range<usize>, usize)>,
}

/// Datagrams that arrived together on one path.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// Where they came from.
    pub path: Path,
    /// The datagrams, one behind the other.
    pub bytes: &'a [u8],
    /// The length of each but the last; at least 1.
    pub stride: usize,
}

impl Batch {
    /// Empty. The memory is only touched where datagrams arrive.
    pub fn new() -> Self {
        Self { buffer: vec![0; SLOTS * SLOT_LEN].into_boxed_slice(), groups: Vec::with_capacity(SLOTS) }
    }

    /// Number of groups that arrived.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// The group at a place below [`len`](Self::len), in the order in which they arrived.
    pub fn group(&self, place: usize) -> Group<'_> {
        let (path, range, stride) = &self.groups[place];
        Group { path: *path, bytes: self.buffer.get(range.clone()).unwrap_or_default(), stride: *stride }
    }

    /// The groups that arrived, in order.
    pub fn groups(&self) -> impl Iterator<Item = Group<'_>> {
        (0..self.len()).map(|place| self.group(place))
    }

    /// Whether nothing arrived.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// For sockets that are not the system's: forgets what was there, then calls `receive` with a buffer of 65,536
    /// bytes until the batch is full or `receive` answers `None`. It answers where datagrams came from that it has put
    /// there, one behind the other, how many bytes they have together and how many each but the last.
    pub fn fill(&mut self, mut receive: impl FnMut(&mut [u8]) -> Option<(Path, usize, usize)>) {
        self.groups.clear();
        for slot in 0..SLOTS {
            let start = slot * SLOT_LEN;
            let filled = receive(&mut self.buffer[start..start + SLOT_LEN]);
            let Some((path, length, stride)) = filled else { return };
            self.push(slot, path, length, stride);
        }
    }

    /// Forgets what was there and hands out all buffers.
    pub(super) fn slots(&mut self) -> [IoSliceMut<'_>; SLOTS] {
        self.groups.clear();
        let mut slots = self.buffer.chunks_exact_mut(SLOT_LEN);
        std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()))
    }

    /// Says that buffer `slot` holds `length` bytes of datagrams of `stride` bytes. Empty datagrams are left
    /// out: none of ours is empty, and a stride of 0 would be a trap for whoever divides by it.
    pub(super) fn push(&mut self, slot: usize, path: Path, length: usize, stride: usize) {
        let length = length.min(SLOT_LEN);
        if length > 0 && stride > 0 {
            let start = slot * SLOT_LEN;
            self.groups.push((path, start..start + length, stride));
        }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.groups).finish()
    }
}

/// How many buffers one receive can fill.
pub(super) const BATCH_SLOTS: usize = SLOTS;
