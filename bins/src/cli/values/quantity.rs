//! A number with a unit behind it, in exact integers: `64KiB`, `1.5M`, `10 Mbit/s`.
//!
//! Not a type of its own: [`Size`](super::Size) and [`Rate`](super::Rate) bring their tables of units.

/// Why a text is not a quantity. The text itself is not repeated: whoever reports the error has it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuantity {
    /// It does not begin with a number.
    #[error("expected a number and a unit, such as {0}")]
    NoNumber(&'static str),
    /// The number is not followed by a unit of the table.
    #[error("unknown unit '{unit}', expected {expected}")]
    UnknownUnit {
        /// What stands behind the number.
        unit: String,
        /// The units there are.
        expected: &'static str,
    },
    /// `kb` and `Mb` are read as bits by some and as bytes by others.
    #[error("'{unit}' could be bits or bytes: write {bits} or {bytes}")]
    BitsOrBytes {
        /// What was written.
        unit: String,
        /// The same in bits.
        bits: String,
        /// The same in bytes.
        bytes: String,
    },
    /// There are more digits behind the point than the unit has parts, or more than anyone means.
    #[error("is not a whole number of {0}")]
    NotWhole(&'static str),
    /// More than 64 bits hold.
    #[error("is too large")]
    TooLarge,
    /// Less than the smallest that makes sense.
    #[error("is too small, at least {0}")]
    TooSmall(&'static str),
}

/// Digits behind the point that are read. More are an error, so that nothing overflows.
const MAX_FRACTION_DIGITS: usize = 9;

/// A decimal number, `digits` × 10^-`decimals`, and the text behind it.
pub(super) struct Number<'a> {
    digits: u128,
    decimals: u32,
    /// What stands behind the number, white space trimmed.
    pub(super) unit: &'a str,
}

impl<'a> Number<'a> {
    /// Splits `text` into number and unit. `None` when it does not begin with a number.
    pub(super) fn split(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        if whole.is_empty() || fraction.is_empty() || fraction.len() > MAX_FRACTION_DIGITS {
            return None;
        }
        let decimals = u32::try_from(fraction.len()).ok()?;
        // A second point fails here, and so do more digits than 64 bits hold.
        let whole: u64 = whole.parse().ok()?;
        let fraction: u64 = fraction.parse().ok()?;
        let digits = u128::from(whole) * 10u128.pow(decimals) + u128::from(fraction);
        Some(Self { digits, decimals, unit: unit.trim_start() })
    }

    /// The number in units of `unit` base units, such as bytes; it must come out whole.
    pub(super) fn times(&self, unit: u64, base: &'static str) -> Result<u64, BadQuantity> {
        let scaled = self.digits * u128::from(unit);
        let divisor = 10u128.pow(self.decimals);
        if !scaled.is_multiple_of(divisor) {
            return Err(BadQuantity::NotWhole(base));
        }
        u64::try_from(scaled / divisor).map_err(|_| BadQuantity::TooLarge)
    }
}

/// The factor of a byte unit: none, `K`, `M`, `G`, `T` (powers of 1000; `B` may follow) or `Ki`… (powers of 1024).
/// Prefixes may be small, as curl and wget have it; a small `b` is refused where it could mean bits.
pub(super) fn bytes_factor(unit: &str) -> Option<u64> {
    let prefix = unit.strip_suffix('B').unwrap_or(unit);
    let (letter, base) = match prefix.strip_suffix('i') {
        Some(letter) if !letter.is_empty() => (letter, 1024u64),
        _ => (prefix, 1000),
    };
    let power = match letter {
        "" if base == 1000 => 0,
        "k" | "K" => 1,
        "m" | "M" => 2,
        "g" | "G" => 3,
        "t" | "T" => 4,
        _ => return None,
    };
    Some(base.pow(power))
}

/// The complaint about a unit that is in no table.
pub(super) fn unknown_unit(unit: &str, expected: &'static str) -> BadQuantity {
    let prefix = unit.strip_suffix('b').unwrap_or_default();
    if !prefix.is_empty() && bytes_factor(prefix).is_some() {
        return BadQuantity::BitsOrBytes {
            unit: unit.to_owned(),
            bits: format!("{prefix}bit"),
            bytes: format!("{prefix}B"),
        };
    }
    BadQuantity::UnknownUnit { unit: backchat_core::text::visible(unit).to_string(), expected }
}
