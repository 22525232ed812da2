//! CRC-32C (Castagnoli, RFC 3720 appendix B.4) over a datagram, its own field left out.

use super::header::field;

/// Computes the checksum of `datagram` and writes it into its field. The header must be there; a slice too
/// short to hold one is left alone, for it is no packet anyway.
pub fn seal(datagram: &mut [u8]) {
    if let Some(sum) = checksum(datagram)
        && let Some(place) = datagram.get_mut(field::CHECKSUM)
    {
        place.copy_from_slice(&sum.to_be_bytes());
    }
}

/// Whether the checksum in `datagram` is that of its bytes.
pub fn is_sealed(datagram: &[u8]) -> bool {
    mutant!(ChecksumIgnored => return true);
    mutant!(HashIgnored => return true);
    match (checksum(datagram), datagram.get(field::CHECKSUM)) {
        (Some(sum), Some(found)) if mutant!(WeakChecksum) => sum.to_be_bytes().last() == found.last(),
        (Some(sum), Some(found)) => sum.to_be_bytes() == found,
        _ => false,
    }
}

fn checksum(datagram: &[u8]) -> Option<u32> {
    let before = datagram.get(..field::CHECKSUM.start)?;
    let behind = datagram.get(field::CHECKSUM.end..)?;
    Some(crc32c::crc32c_append(crc32c::crc32c(before), behind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_is_found() {
        let mut datagram: Vec<u8> = (0..60).collect();
        seal(&mut datagram);
        assert!(is_sealed(&datagram));
        for bit in 0..datagram.len() * 8 {
            datagram[bit / 8] ^= 1 << (bit % 8);
            assert!(!is_sealed(&datagram), "bit {bit}");
            datagram[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn what_is_too_short_is_never_sealed() {
        let mut short = [0; 7];
        seal(&mut short);
        assert_eq!(short, [0; 7]);
        assert!(!is_sealed(&short));
    }
}
