//! Sockets that take and bring datagrams by the batch, as Linux's do: generic segmentation offload (GSO) on the way out,
//! generic receive offload (GRO) on the way in.
//!
//! What arrives at the same instant, from one address, at equal lengths, is brought as one batch. One that is shorter ends
//! it, as does the 64th, and as do as many bytes as a datagram may have. Both engines ask here, so that a run is the same
//! on both. The way out needs no rule: a batch is offered to its link segment by segment, and each has a fate of its own.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use backchat_core::time::Instant;

/// Datagrams of one batch, either way: Linux's `UDP_MAX_SEGMENTS` of old, and its `UDP_GRO_CNT_MAX`.
const BATCH_MAX: usize = 64;

/// Bytes of one batch: those of the longest UDP payload over IPv4.
const BYTES_MAX: usize = 65_507;

/// What the sockets of a run do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Offload {
    /// They take and bring datagrams by the batch.
    Batches,
    /// One by one.
    Single,
}

impl Offload {
    /// How many segments a socket takes at once.
    pub(in crate::engine) const fn segments_max(self) -> usize {
        match self {
            Self::Batches => BATCH_MAX,
            Self::Single => 1,
        }
    }
}

/// Datagrams that have arrived at a socket and were not read yet, in the batches that they are brought in.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Arrivals<T> {
    offload: Offload,
    /// In order, and whether each is brought with the one before it.
    waiting: VecDeque<(T, bool)>,
    /// What the next one may belong to.
    open: Option<Batch>,
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    from: SocketAddrV4,
    at: Instant,
    /// Bytes of each but the last.
    stride: usize,
    bytes: usize,
    count: usize,
}

impl<T> Arrivals<T> {
    /// Nothing has arrived.
    pub(in crate::engine) const fn new(offload: Offload) -> Self {
        Self { offload, waiting: VecDeque::new(), open: None }
    }

    /// Whether nothing waits.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// A datagram of `length` bytes arrives at `at`.
    pub(in crate::engine) fn push(&mut self, datagram: T, from: SocketAddrV4, at: Instant, length: usize) {
        let joins = self.joins(from, at, length);
        self.waiting.push_back((datagram, joins));
    }

    /// Hands over the oldest and those that are brought with it. Answers how many they were.
    pub(in crate::engine) fn take(&mut self, mut each: impl FnMut(T)) -> usize {
        let mut count = 0;
        while let Some((datagram, _)) = self.waiting.pop_front_if(|(_, joins)| *joins || count == 0) {
            count += 1;
            each(datagram);
        }
        count
    }

    /// Whether the one that arrives is brought with the one before it.
    fn joins(&mut self, from: SocketAddrV4, at: Instant, length: usize) -> bool {
        if self.offload == Offload::Single {
            return false;
        }
        let fits = |batch: &Batch| {
            (batch.from, batch.at) == (from, at)
                && (1..=batch.stride).contains(&length)
                && batch.bytes + length <= BYTES_MAX
        };
        match &mut self.open {
            Some(batch) if fits(batch) => {
                batch.bytes += length;
                batch.count += 1;
                if length < batch.stride || batch.count == BATCH_MAX {
                    self.open = None;
                }
                true
            }
            open => {
                *open = Some(Batch { from, at, stride: length, bytes: length, count: 1 });
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// The numbers of datagrams (port, millisecond, length) in the batches that they are brought in.
    fn batches(offload: Offload, datagrams: &[(u16, u64, usize)]) -> Vec<Vec<usize>> {
        let mut arrivals = Arrivals::new(offload);
        for (number, &(port, at, length)) in datagrams.iter().enumerate() {
            let from = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
            arrivals.push(number, from, Instant::from_millis(at), length);
        }
        let mut batches = Vec::new();
        while !arrivals.is_empty() {
            let mut batch = Vec::new();
            let count = arrivals.take(|number| batch.push(number));
            assert_eq!(count, batch.len());
            batches.push(batch);
        }
        batches
    }

    #[test]
    fn what_is_alike_and_of_one_instant_comes_together() {
        let alike = [(1, 5, 1_000); 3];
        assert_eq!(batches(Offload::Batches, &alike), [vec![0, 1, 2]]);
        assert_eq!(batches(Offload::Single, &alike), [[0], [1], [2]]);
        for other in [(2, 5, 1_000), (1, 6, 1_000), (1, 5, 1_001), (1, 5, 0)] {
            assert_eq!(batches(Offload::Batches, &[(1, 5, 1_000), other]), [[0], [1]], "{other:?}");
        }
    }

    #[test]
    fn a_shorter_one_is_the_last() {
        let datagrams = [(1, 5, 1_000), (1, 5, 999), (1, 5, 999), (1, 5, 999)];
        assert_eq!(batches(Offload::Batches, &datagrams), [[0, 1], [2, 3]]);
    }

    #[test]
    fn a_batch_has_64_datagrams_and_no_more_bytes_than_a_datagram_may_have() {
        let begins = |datagrams: &[(u16, u64, usize)]| -> Vec<usize> {
            batches(Offload::Batches, datagrams).iter().map(|batch| batch[0]).collect()
        };
        assert_eq!(begins(&[(1, 5, 1_000); 130]), [0, 64, 128]);
        assert_eq!(begins(&[(1, 5, 16_032); 9]), [0, 4, 8]);
    }
}
