//! A number with a unit behind it, in exact integers: `64KiB`, `1.5M`, `10 Mbit/s`.
//!
//! Not a type of its own, and without messages: command lines, configuration files and scenario files say in their own
//! words what they expected.

/// Digits behind the point that are read. More are an error, so that nothing overflows.
const MAX_FRACTION_DIGITS: usize = 9;

/// A decimal number, `digits` × 10^-`decimals`, and the text behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number<'a> {
    digits: u128,
    decimals: u32,
    /// What stands behind the number, white space trimmed.
    pub unit: &'a str,
}

/// Why a number is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inexact {
    /// There are more digits behind the point than the unit has parts.
    NotWhole,
    /// More than 64 bits hold.
    TooLarge,
}

impl<'a> Number<'a> {
    /// Splits `text` into number and unit. `None` when it does not begin with a number.
    pub fn split(text: &'a str) -> Option<Self> {
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

    /// The number in units of `unit` base units, such as bytes.
    ///
    /// # Errors
    /// It does not come out whole, or is larger than 64 bits hold.
    pub fn times(&self, unit: u64) -> Result<u64, Inexact> {
        let scaled = self.digits * u128::from(unit);
        let divisor = 10u128.pow(self.decimals);
        if !scaled.is_multiple_of(divisor) {
            return Err(Inexact::NotWhole);
        }
        u64::try_from(scaled / divisor).map_err(|_| Inexact::TooLarge)
    }
}

/// The factor of a byte unit: none, `K`, `M`, `G`, `T` (powers of 1000; `B` may follow) or `Ki`… (powers of 1024).
/// Prefixes may be small, as curl and wget have it; a small `b` is refused where it could mean bits.
pub fn bytes_factor(unit: &str) -> Option<u64> {
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

/// What stands before the `b` of a unit that some read as bits and others as bytes: `K` of `Kb`, `M` of `Mb`.
pub fn bits_or_bytes(unit: &str) -> Option<&str> {
    unit.strip_suffix('b').filter(|prefix| !prefix.is_empty() && bytes_factor(prefix).is_some())
}
