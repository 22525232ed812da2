//! Probabilities as integers.
//!
//! A file says `0.02`; what decides is whether a random word is below a threshold. No floating point takes part, so
//! the same file means the same on every platform.

use core::fmt;
use core::str::FromStr;

/// A probability in parts of 2^32.
///
/// Read from a decimal and rounded to the nearest part, but what is neither 0 nor 1 never becomes either: a chance
/// of one in a million million still happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u64);

/// Why a text is not a chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChanceError {
    /// No decimal number; `nan` and `inf` are none either.
    #[error("not a number")]
    NotANumber,
    /// Below 0.
    #[error("below 0")]
    Negative,
    /// Above 1.
    #[error("above 1")]
    AboveOne,
}

/// Parts in a whole.
const WHOLE: u64 = 1 << 32;

/// Digits that count. 2^32 has ten; what comes behind the twentieth moves nothing by a part.
const MAX_DIGITS: usize = 20;

/// Decimals that any number of parts can be told apart by.
const PRINTED_DECIMALS: u32 = 10;
const _: () = assert!(10u64.pow(PRINTED_DECIMALS) > 2 * WHOLE);

impl Chance {
    /// Never.
    pub const NEVER: Self = Self(0);

    /// Always.
    pub const ALWAYS: Self = Self(WHOLE);

    /// So many parts of 2^32; `None` above 2^32.
    pub const fn from_parts(parts: u64) -> Option<Self> {
        if parts <= WHOLE { Some(Self(parts)) } else { None }
    }

    /// Parts of 2^32.
    pub const fn parts(self) -> u64 {
        self.0
    }

    /// Whether it never happens.
    pub const fn is_never(self) -> bool {
        self.0 == 0
    }

    /// Whether it happens with this random word.
    pub const fn hits(self, word: u32) -> bool {
        (word as u64) < self.0
    }

    /// `digits` × 10^-`decimals`, rounded to the nearest part.
    fn from_decimal(digits: u128, decimals: u32) -> Result<Self, ChanceError> {
        let Some(one) = 10u128.checked_pow(decimals) else {
            // More decimals than fit: far below one part.
            return Ok(Self(u64::from(digits > 0)));
        };
        if digits > one {
            return Err(ChanceError::AboveOne);
        }
        let parts = rounded(digits, one);
        Ok(match digits {
            0 => Self::NEVER,
            all if all == one => Self::ALWAYS,
            _ => Self(parts.clamp(1, WHOLE - 1)),
        })
    }
}

/// `digits / one` in parts, rounded half up; both fit in 90 bits or so, and the sum stays in 128.
fn rounded(digits: u128, one: u128) -> u64 {
    // Where 2^33 × digits would not fit, low digits are worth nothing.
    let shift = (digits.max(one).ilog2() + 34).saturating_sub(127);
    let (digits, one) = (digits >> shift, (one >> shift).max(1));
    let parts = (2 * digits * u128::from(WHOLE) + one) / (2 * one);
    u64::try_from(parts).unwrap_or(WHOLE)
}

impl FromStr for Chance {
    type Err = ChanceError;

    /// A decimal number from 0 to 1, an exponent allowed.
    fn from_str(text: &str) -> Result<Self, ChanceError> {
        use ChanceError::{AboveOne, Negative, NotANumber};
        let (negative, number) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
        let exponent: i32 = exponent.parse().map_err(|_| NotANumber)?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return Err(NotANumber);
        }
        let digits: String = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0').trim_end_matches('0');
        if significant.is_empty() {
            return Ok(Self::NEVER);
        }
        if negative {
            return Err(Negative);
        }
        let leading = digits.len() - digits.trim_start_matches('0').len();
        // Where the point stands, counted from the first significant digit: 0.05 has it at -1.
        let point = i64::try_from(whole.len()).unwrap_or(i64::MAX)
            - i64::try_from(leading).unwrap_or(i64::MAX)
            + i64::from(exponent);
        let kept = significant.get(..significant.len().min(MAX_DIGITS)).unwrap_or(significant);
        let value: u128 = kept.parse().map_err(|_| NotANumber)?;
        let decimals = i64::try_from(kept.len()).unwrap_or(i64::MAX) - point;
        match u32::try_from(decimals) {
            Ok(decimals) => Self::from_decimal(value, decimals),
            // Trailing zeros were cut off: 10, 100 and so on.
            Err(_) if decimals < 0 => Err(AboveOne),
            Err(_) => Ok(Self(1)),
        }
    }
}

impl fmt::Display for Chance {
    /// The shortest decimal that reads as the same number of parts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 || self.0 == WHOLE {
            return write!(f, "{}", self.0 / WHOLE);
        }
        for decimals in 1..=PRINTED_DECIMALS {
            let one = 10u128.pow(decimals);
            let digits = (u128::from(self.0) * one + u128::from(WHOLE / 2)) / u128::from(WHOLE);
            if Self::from_decimal(digits, decimals) == Ok(*self) {
                let width = decimals as usize;
                return write!(f, "0.{digits:0width$}");
            }
        }
        // Not reached: ten decimals tell all parts apart.
        write!(f, "0.{:010}", u128::from(self.0) * 10u128.pow(PRINTED_DECIMALS) / u128::from(WHOLE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(text: &str) -> Result<u64, ChanceError> {
        text.parse().map(Chance::parts)
    }

    #[test]
    fn decimals_are_read_exactly() {
        for (text, expected) in [
            ("0", 0),
            ("0.0", 0),
            ("-0.0", 0),
            ("1", WHOLE),
            ("1.000", WHOLE),
            ("0.5", WHOLE / 2),
            ("0.25", WHOLE / 4),
            ("5e-1", WHOLE / 2),
            ("0.05e+1", WHOLE / 2),
            ("0.02", 85_899_346),
            ("0.002", 8_589_935),
        ] {
            assert_eq!(parts(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_neither_0_nor_1_becomes_neither() {
        assert_eq!(parts("1e-300"), Ok(1));
        assert_eq!(parts("0.0000000000000000000000000000000000000000001"), Ok(1));
        assert_eq!(parts("0.99999999999999"), Ok(WHOLE - 1));
        assert_eq!(parts("0.99999999999999999999999999999999999"), Ok(WHOLE - 1));
        assert_eq!(parts("1e-2147483648"), Ok(1));
    }

    #[test]
    fn what_is_no_chance_is_said() {
        use ChanceError::{AboveOne, Negative, NotANumber};
        for (text, error) in [
            ("1.0000001", AboveOne),
            ("2", AboveOne),
            ("100", AboveOne),
            ("1e300", AboveOne),
            ("-0.1", Negative),
            ("nan", NotANumber),
            ("inf", NotANumber),
            ("", NotANumber),
            (".", NotANumber),
            ("0,5", NotANumber),
        ] {
            assert_eq!(parts(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_word_hits_below_the_threshold_alone() {
        let half = Chance(WHOLE / 2);
        assert!(half.hits(0) && half.hits(u32::MAX / 2) && !half.hits(u32::MAX / 2 + 1));
        assert!(Chance::ALWAYS.hits(u32::MAX) && !Chance::NEVER.hits(0));
    }

    proptest! {
        #[test]
        fn a_chance_prints_as_what_reads_to_it(parts in 0..=WHOLE) {
            let chance = Chance(parts);
            prop_assert_eq!(chance.to_string().parse(), Ok(chance));
        }

        #[test]
        fn any_text_is_a_chance_or_an_error(text: String) {
            let _ = text.parse::<Chance>();
        }

        #[test]
        fn any_decimal_is_near_its_parts(thousandths in 0u64..=1000) {
            let parts = format!("{}.{:03}", thousandths / 1000, thousandths % 1000).parse::<Chance>().unwrap().parts();
            prop_assert!((parts * 1000).abs_diff(thousandths * WHOLE) <= 500);
        }
    }
}
