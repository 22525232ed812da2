//! Bytes that people and JSON see as lower-case hexadecimal: epochs, tokens, tickets, hashes.

use crate::from_text::from_text;
use core::fmt;
use core::str::FromStr;

/// `N` bytes, written as `2 * N` hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// Why a text is not `N` bytes in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} hexadecimal digits")]
pub struct HexError {
    /// How many digits there should have been.
    pub expected: usize,
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = HexError;
    fn from_str(text: &str) -> Result<Self, HexError> {
        let wrong = HexError { expected: 2 * N };
        if text.len() != 2 * N {
            return Err(wrong);
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or(wrong)?;
                *byte = (*byte << 4) | u8::try_from(value).map_err(|_| wrong)?;
            }
        }
        Ok(Self(bytes))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    /// Prints the length alone: some of these are secrets, and logs are read by many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hex<{N}>(..)")
    }
}

impl From<u64> for Hex<8> {
    /// Most significant byte first, so that the digits read as the number.
    fn from(number: u64) -> Self {
        Self(number.to_be_bytes())
    }
}

impl From<Hex<8>> for u64 {
    fn from(hex: Hex<8>) -> Self {
        Self::from_be_bytes(hex.0)
    }
}

impl<const N: usize> serde::Serialize for Hex<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> serde::Deserialize<'de> for Hex<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, str::parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_read_as_the_number_and_back() {
        let hex = Hex::<8>::from(0x0123_4567_89ab_cdef);
        assert_eq!(hex.to_string(), "0123456789abcdef");
        assert_eq!("0123456789ABCDEF".parse(), Ok(hex));
        assert_eq!(u64::from(hex), 0x0123_4567_89ab_cdef);
    }

    #[test]
    fn digits_are_not_printed_into_logs() {
        assert_eq!(format!("{:?}", Hex([0xab; 16])), "Hex<16>(..)");
    }

    #[test]
    fn wrong_lengths_and_digits_are_errors() {
        for text in ["", "0", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0", "éééééééé"]
        {
            assert_eq!(text.parse::<Hex<8>>(), Err(HexError { expected: 16 }), "{text}");
        }
    }
}
