//! How much in a second: bytes as in `500K`, `2M` and `1MiB/s`, bits as in `10Mbit/s`.

use std::fmt;
use std::str::FromStr;

use super::quantity::{BadQuantity, unknown_unit};
use crate::quantity::{Number, bytes_factor};

/// A rate, at least one bit a second. `K`, `M` and `G` are powers of 1000, `Ki`, `Mi` and `Gi` powers of 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate {
    bits_per_second: u64,
}

impl Rate {
    /// A rate of so many bits; `None` for zero, at which nothing ever ends.
    pub const fn from_bits_per_second(bits_per_second: u64) -> Option<Self> {
        if bits_per_second == 0 { None } else { Some(Self { bits_per_second }) }
    }

    /// Bits in a second.
    pub const fn bits_per_second(self) -> u64 {
        self.bits_per_second
    }

    /// Whole bytes in a second, at least one.
    pub const fn bytes_per_second(self) -> u64 {
        if self.bits_per_second < 8 { 1 } else { self.bits_per_second / 8 }
    }
}

/// The units a rate can have, for messages.
const UNITS: &str = "bytes as K, M, G, KiB, MiB, GiB or bits as kbit, Mbit, Gbit";

impl FromStr for Rate {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let number = Number::split(text).ok_or(BadQuantity::NoNumber("500K, 1MiB/s or 10Mbit/s"))?;
        let unit = number.unit.strip_suffix("/s").unwrap_or(number.unit);
        let bits = match unit.strip_suffix("bit") {
            // `Bbit` would pass for a factor of one.
            Some(prefix) if !prefix.contains('B') => {
                let factor = bytes_factor(prefix).ok_or_else(|| unknown_unit(unit, UNITS))?;
                number.times(factor).map_err(|why| BadQuantity::inexact(why, "bits"))?
            }
            _ => {
                let factor = bytes_factor(unit).ok_or_else(|| unknown_unit(unit, UNITS))?;
                let bytes = number.times(factor).map_err(|why| BadQuantity::inexact(why, "bytes"))?;
                bytes.checked_mul(8).ok_or(BadQuantity::TooLarge)?
            }
        };
        Self::from_bits_per_second(bits).ok_or(BadQuantity::TooSmall("1bit/s"))
    }
}

impl fmt::Display for Rate {
    /// In the largest unit of bits that divides it, so that it parses to the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: [(u64, &str); 4] = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"), (1, "")];
        let unit = SHOWN.iter().find(|(unit, _)| self.bits_per_second.is_multiple_of(*unit));
        let (unit, prefix) = unit.copied().unwrap_or((1, ""));
        write!(f, "{}{prefix}bit/s", self.bits_per_second / unit)
    }
}

super::serde_as_text!(Rate, "a rate as a string, such as \"10Mbit/s\"");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bytes_and_bits_are_told_apart() {
        for (text, bits) in [
            ("500K", 4_000_000),
            ("2M", 16_000_000),
            ("2m", 16_000_000),
            ("1MiB/s", 8 << 20),
            ("1000", 8_000),
            ("10Mbit/s", 10_000_000),
            ("10 Mbit", 10_000_000),
            ("64kbit/s", 64_000),
            ("1Gbit/s", 1_000_000_000),
            ("1.5Mbit/s", 1_500_000),
            ("1bit/s", 1),
        ] {
            assert_eq!(text.parse::<Rate>().map(Rate::bits_per_second), Ok(bits), "{text}");
        }
        assert_eq!("10Mbit/s".parse::<Rate>().map(Rate::bytes_per_second), Ok(1_250_000));
        assert_eq!("1bit/s".parse::<Rate>().map(Rate::bytes_per_second), Ok(1));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("fast", "expected a number and a unit, such as 500K, 1MiB/s or 10Mbit/s"),
            ("0", "is too small, at least 1bit/s"),
            ("10Mb/s", "'Mb' could be bits or bytes: write Mbit or MB"),
            (
                "10Mbps",
                "unknown unit 'Mbps', expected bytes as K, M, G, KiB, MiB, GiB or bits as kbit, Mbit, Gbit",
            ),
            (
                "1Bbit",
                "unknown unit 'Bbit', expected bytes as K, M, G, KiB, MiB, GiB or bits as kbit, Mbit, Gbit",
            ),
            ("99999999T", "is too large"),
        ] {
            let error = text.parse::<Rate>().expect_err(text);
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_rate_prints_as_what_parses_to_it(bits in 1u64..) {
            let rate = Rate::from_bits_per_second(bits).expect("not zero");
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
        }

        #[test]
        fn any_text_is_a_rate_or_an_error(text: String) {
            let _ = text.parse::<Rate>();
        }
    }
}
