//! Sockets that take and bring datagrams by the batch, as Linux's do: generic segmentation offload (GSO) on the way out,
//! generic receive offload (GRO) on the way in.
//!
//! What arrives at the same instant, from one address, at equal lengths, is brought as one batch. One that is shorter ends
//! it, as does the 64th, and as do as many bytes as a datagram may have. Both engines ask here, so that a run is the same
//! on both. The way out needs no rule: a batch is offered to its link segment by segment, and each has a fate of its own.

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

/// Which of the datagrams that arrive at a socket are brought together.
#[derive(Clone, Debug)]
pub(in crate::engine) struct Coalescing {
    offload: Offload,
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

impl Coalescing {
    /// Nothing has arrived.
    pub(in crate::engine) const fn new(offload: Offload) -> Self {
        Self { offload, open: None }
    }

    /// A datagram of `length` bytes arrives at `at`: whether it is brought with the one before it.
    pub(in crate::engine) fn joins(&mut self, from: SocketAddrV4, at: Instant, length: usize) -> bool {
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

    /// For each datagram (port, millisecond, length) whether it came with the one before.
    fn joined(offload: Offload, arrivals: &[(u16, u64, usize)]) -> Vec<bool> {
        let mut coalescing = Coalescing::new(offload);
        let mut joins = |&(port, at, length): &(u16, u64, usize)| {
            coalescing.joins(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), Instant::from_millis(at), length)
        };
        arrivals.iter().map(&mut joins).collect()
    }

    #[test]
    fn what_is_alike_and_of_one_instant_comes_together() {
        let alike = [(1, 5, 1_000); 3];
        assert_eq!(joined(Offload::Batches, &alike), [false, true, true]);
        assert_eq!(joined(Offload::Single, &alike), [false; 3]);
        for other in [(2, 5, 1_000), (1, 6, 1_000), (1, 5, 1_001), (1, 5, 0)] {
            assert!(!joined(Offload::Batches, &[(1, 5, 1_000), other])[1], "{other:?}");
        }
    }

    #[test]
    fn a_shorter_one_is_the_last() {
        let arrivals = [(1, 5, 1_000), (1, 5, 999), (1, 5, 999), (1, 5, 999)];
        assert_eq!(joined(Offload::Batches, &arrivals), [false, true, false, true]);
    }

    #[test]
    fn a_batch_has_64_datagrams_and_no_more_bytes_than_a_datagram_may_have() {
        let begins = |arrivals: &[(u16, u64, usize)]| {
            let joined = joined(Offload::Batches, arrivals);
            joined
                .iter()
                .enumerate()
                .filter(|(_, joins)| !**joins)
                .map(|(number, _)| number)
                .collect::<Vec<_>>()
        };
        assert_eq!(begins(&[(1, 5, 1_000); 130]), [0, 64, 128]);
        assert_eq!(begins(&[(1, 5, 16_032); 9]), [0, 4, 8]);
    }
}
