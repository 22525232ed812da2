//! What is wrong with a number and its unit, for [`Size`](super::Size) and [`Rate`](super::Rate).

use crate::quantity::{Inexact, bits_or_bytes};

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

impl BadQuantity {
    /// Of a number that should have been one of `base`.
    pub(super) const fn inexact(why: Inexact, base: &'static str) -> Self {
        match why {
            Inexact::NotWhole => Self::NotWhole(base),
            Inexact::TooLarge => Self::TooLarge,
        }
    }
}

/// The complaint about a unit that is in no table.
pub(super) fn unknown_unit(unit: &str, expected: &'static str) -> BadQuantity {
    if let Some(prefix) = bits_or_bytes(unit) {
        return BadQuantity::BitsOrBytes {
            unit: unit.to_owned(),
            bits: format!("{prefix}bit"),
            bytes: format!("{prefix}B"),
        };
    }
    BadQuantity::UnknownUnit { unit: backchat_core::text::visible(unit).to_string(), expected }
}
