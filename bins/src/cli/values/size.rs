//! A number of bytes: `64KiB`, `1.5MB`, `512`.

use std::fmt;
use std::str::FromStr;

use super::quantity::{BadQuantity, unknown_unit};
use crate::quantity::{Number, bytes_factor};

/// A number of bytes. `K`, `M`, `G` and `T` are powers of 1000, `Ki`, `Mi`, `Gi` and `Ti` powers of 1024.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

impl Size {
    /// A size of `bytes`.
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// How many bytes it is.
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

/// The units a size can have, for messages.
const UNITS: &str = "B, KB, MB, GB, TB, KiB, MiB, GiB or TiB";

impl FromStr for Size {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let number = Number::split(text).ok_or(BadQuantity::NoNumber("64KiB or 500K"))?;
        let factor = bytes_factor(number.unit).ok_or_else(|| unknown_unit(number.unit, UNITS))?;
        number.times(factor).map(Self).map_err(|why| BadQuantity::inexact(why, "bytes"))
    }
}

impl fmt::Display for Size {
    /// In the largest unit that divides it, so that it parses to the same number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: [(u64, &str); 6] = [
            (1 << 30, "GiB"),
            (1_000_000_000, "GB"),
            (1 << 20, "MiB"),
            (1_000_000, "MB"),
            (1 << 10, "KiB"),
            (1_000, "KB"),
        ];
        let unit = SHOWN.iter().find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit));
        let (unit, name) = unit.copied().unwrap_or((1, "B"));
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl serde::Serialize for Size {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Size {
    /// A text, or a whole number of bytes.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl serde::de::Visitor<'_> for Either {
            type Value = Size;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of bytes, or a size as a string, such as \"64KiB\"")
            }
            fn visit_u64<E: serde::de::Error>(self, bytes: u64) -> Result<Size, E> {
                Ok(Size(bytes))
            }
            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<Size, E> {
                u64::try_from(bytes).map(Size).map_err(|_| E::custom("a size cannot be negative"))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &str) -> Result<u64, String> {
        text.parse().map(Size::bytes).map_err(|error: BadQuantity| error.to_string())
    }

    #[test]
    fn decimal_and_binary_units_are_told_apart() {
        for (text, expected) in [
            ("0", 0),
            ("512", 512),
            ("512B", 512),
            ("64KiB", 65_536),
            ("64Ki", 65_536),
            ("500K", 500_000),
            ("500kB", 500_000),
            ("2M", 2_000_000),
            ("1.5MiB", 1_572_864),
            ("1.000001M", 1_000_001),
            (" 3 GiB ", 3 << 30),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("", "expected a number and a unit, such as 64KiB or 500K"),
            ("KiB", "expected a number and a unit, such as 64KiB or 500K"),
            ("-1K", "expected a number and a unit, such as 64KiB or 500K"),
            ("1.2.3K", "expected a number and a unit, such as 64KiB or 500K"),
            ("64Kib", "'Kib' could be bits or bytes: write Kibit or KiB"),
            ("64 pages", "unknown unit 'pages', expected B, KB, MB, GB, TB, KiB, MiB, GiB or TiB"),
            ("1i", "unknown unit 'i', expected B, KB, MB, GB, TB, KiB, MiB, GiB or TiB"),
            ("1\u{1b}[2J", "unknown unit '\\u{1b}[2J', expected B, KB, MB, GB, TB, KiB, MiB, GiB or TiB"),
            ("0.5", "is not a whole number of bytes"),
            ("1.0001K", "is not a whole number of bytes"),
            ("20000000TiB", "is too large"),
        ] {
            assert_eq!(bytes(text), Err(expected.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_size_prints_as_what_parses_to_it(count: u64) {
            let size = Size::from_bytes(count);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn round_sizes_print_as_what_parses_to_them(count in 0u64..1 << 20, unit in 0usize..6) {
            let size = Size::from_bytes(count * [1, 1 << 10, 1 << 20, 1 << 30, 1_000, 1_000_000][unit]);
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }

        #[test]
        fn any_text_is_a_size_or_an_error(text: String) {
            let _ = text.parse::<Size>();
        }
    }
}
