//! A batch of segments: what one system call can send.

use core::ops::Range;

use super::packet::{Body, Packet};
use super::{DATA_HEADER_LEN, Proof, ProofKey, TransferId, seal};

/// Equal segments of a file, one behind the other, the last one perhaps shorter. It names the bytes and does not
/// hold them: the driver has the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentBatch {
    transfer: TransferId,
    /// The first datagram's transmission number; the others count on.
    transmission: u64,
    range: Range<u64>,
    segment: u16,
    ack_now: bool,
    proofs: Proofs,
}

/// Where the segments' proofs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proofs {
    Of(ProofKey),
    /// There is one segment, and somebody has computed its.
    Said(Proof),
}

impl SegmentBatch {
    /// `range` must not be empty, nor `segment` zero; `None` otherwise. With `ack_now` the last segment asks for an
    /// acknowledgment at once.
    pub fn new(
        transfer: TransferId,
        transmission: u64,
        range: Range<u64>,
        segment: u16,
        ack_now: bool,
        key: ProofKey,
    ) -> Option<Self> {
        let fits = range.start < range.end && segment > 0;
        let proofs = Proofs::Of(key);
        fits.then_some(Self { transfer, transmission, range, segment, ack_now, proofs })
    }

    /// The one segment that a packet is, if it is one.
    pub fn of(packet: &Packet) -> Option<Self> {
        let Body::Data { offset, proof, length, ack_now } = packet.body else { return None };
        let segment = u16::try_from(length).ok().filter(|length| *length > 0)?;
        let range = offset..offset.checked_add(u64::from(segment))?;
        let (transfer, transmission) = (packet.transfer, packet.transmission);
        Some(Self { transfer, transmission, range, segment, ack_now, proofs: Proofs::Said(proof) })
    }

    /// Which download it belongs to.
    pub const fn transfer(&self) -> TransferId {
        self.transfer
    }

    /// The bytes of the file, all segments together.
    pub const fn range(&self) -> Range<u64> {
        self.range.start..self.range.end
    }

    /// How many datagrams it is.
    pub const fn count(&self) -> usize {
        (self.range.end - self.range.start).div_ceil(self.segment as u64) as usize
    }

    /// The transmission number of the first datagram.
    pub const fn transmission(&self) -> u64 {
        self.transmission
    }

    /// Length of every datagram but the last, in bytes.
    pub const fn datagram_len(&self) -> usize {
        DATA_HEADER_LEN + self.segment as usize
    }

    /// Length of all datagrams together, in bytes.
    pub const fn total_len(&self) -> usize {
        self.count() * DATA_HEADER_LEN + (self.range.end - self.range.start) as usize
    }

    /// The segments: each one's transmission number and bytes, in order.
    pub fn segments(&self) -> impl Iterator<Item = (u64, Range<u64>)> + '_ {
        let step = u64::from(self.segment);
        (0..self.count() as u64).map(move |i| {
            let start = self.range.start + i * step;
            (self.transmission + i, start..(start + step).min(self.range.end))
        })
    }

    /// The packet that stands for the segment with this transmission number and these bytes.
    pub fn packet(&self, transmission: u64, range: &Range<u64>) -> Packet {
        let ack_now = self.ack_now && range.end == self.range.end;
        let length = (range.end - range.start) as usize;
        let proof = match self.proofs {
            Proofs::Of(key) => key.of(range.clone()),
            Proofs::Said(proof) => proof,
        };
        Packet {
            transfer: self.transfer,
            transmission,
            body: Body::Data { offset: range.start, proof, length, ack_now },
        }
    }

    /// Writes all datagrams into `buffer`, one behind the other, sealed; what was in it is gone. `fill` is asked
    /// for the bytes of one segment after the other and must fill the whole slice.
    pub fn write_into(&self, buffer: &mut Vec<u8>, mut fill: impl FnMut(Range<u64>, &mut [u8])) {
        buffer.clear();
        buffer.reserve(self.total_len());
        for (transmission, range) in self.segments() {
            let begin = buffer.len();
            let data = (range.end - range.start) as usize;
            self.packet(transmission, &range).encode_into(buffer);
            buffer.resize(begin + DATA_HEADER_LEN + data, 0);
            if let Some(datagram) = buffer.get_mut(begin..) {
                if let Some(place) = datagram.get_mut(DATA_HEADER_LEN..) {
                    fill(range, place);
                }
                seal(datagram);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::decode;

    fn key() -> ProofKey {
        ProofKey::new([3; 16])
    }

    #[test]
    fn a_batch_is_equal_datagrams_and_a_shorter_last_one() {
        let batch = SegmentBatch::new(TransferId(9), 5, 100..350, 100, true, key()).expect("not empty");
        assert_eq!((batch.count(), batch.datagram_len(), batch.total_len()), (3, 132, 346));
        let mut buffer = Vec::new();
        batch.write_into(&mut buffer, |range, place| place.fill(range.start as u8));
        assert_eq!(buffer.len(), batch.total_len());
        let seen: Vec<_> =
            buffer.chunks(batch.datagram_len()).map(|it| decode(it).expect("sealed")).collect();
        let data = |offset: u64, length, ack_now| {
            let proof = key().of(offset..offset + length as u64);
            Body::Data { offset, proof, length, ack_now }
        };
        assert_eq!(seen[0].body, data(100, 100, false));
        assert_eq!(seen[2].body, data(300, 50, true));
        assert_eq!(seen.iter().map(|it| it.transmission).collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!(buffer[132 + DATA_HEADER_LEN], 200);
        let again = SegmentBatch::of(&seen[1]).expect("a segment");
        assert_eq!(again.packet(6, &(200..300)), seen[1], "a packet is a batch of one");
    }

    #[test]
    fn an_empty_batch_cannot_be_made() {
        assert!(SegmentBatch::new(TransferId(1), 1, 5..5, 100, false, key()).is_none());
        assert!(SegmentBatch::new(TransferId(1), 1, 5..6, 0, false, key()).is_none());
    }
}
