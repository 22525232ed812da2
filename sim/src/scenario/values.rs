//! Durations, sizes and rates as a scenario file writes them, and back again.
//!
//! Exact or an error: nothing is rounded, no floating point takes part. Durations are the `humantime` crate's; sizes
//! and rates are counted as the command line's are, by [`backchat::quantity`].

use core::time::Duration;

use backchat::quantity::{Number, bits_or_bytes, bytes_factor};

/// The longest time in a scenario. A day of virtual time is more than any run needs, and sums of a few stay far below
/// what 64 bits of nanoseconds hold.
pub const MAX_SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// A length of time, `15ms`, `1m 30s`; the error is what was expected.
pub(crate) fn parse_span(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "a duration such as \"15ms\" or \"2s\"";
    let text = text.trim();
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    if text.starts_with('-') {
        return Err("a duration that is not negative".into());
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("a unit: \"{text}s\" for seconds, \"{text}ms\" for milliseconds"));
    }
    let too_long = || format!("at most {}", print_span(MAX_SPAN));
    match humantime::parse_duration(text) {
        Ok(span) if span <= MAX_SPAN => Ok(span),
        Ok(_) => Err(too_long()),
        // Also for parts of a nanosecond; those are no longer than anything.
        Err(humantime::DurationError::NumberOverflow) if text.contains('.') => {
            Err("whole nanoseconds".into())
        }
        Err(humantime::DurationError::NumberOverflow) => Err(too_long()),
        Err(_) => Err(EXPECTED.into()),
    }
}

/// In the largest unit that divides it.
pub(super) fn print_span(span: Duration) -> String {
    let nanos = span.as_nanos();
    let units = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    let unit = units.into_iter().find(|(unit, _)| nanos.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "ns"));
    format!("{}{name}", nanos / unit)
}

/// A number of bytes, `64KiB`, `1.5MB`, `512`; the error is what was expected.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "a size such as \"64KiB\" or \"500KB\"";
    let number = Number::split(text).ok_or(EXPECTED)?;
    let factor =
        bytes_factor(number.unit).ok_or_else(|| ambiguous(number.unit).unwrap_or(EXPECTED.into()))?;
    number.times(factor).map_err(|_| "a whole number of bytes, below 2^64".into())
}

/// In the largest unit that divides it.
pub(super) fn print_size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "B"));
    format!("{}{name}", bytes / unit)
}

/// Bits a second, `10Mbit/s`, `1MiB/s`; the error is what was expected.
pub(crate) fn parse_rate(text: &str) -> Result<u64, String> {
    const EXPECTED: &str = "a rate such as \"10Mbit/s\" or \"1MiB/s\"";
    const WHOLE: &str = "a whole number of bits a second, below 2^64";
    let number = Number::split(text).ok_or(EXPECTED)?;
    let unit = number.unit.strip_suffix("/s").ok_or(EXPECTED)?.trim_end();
    let unknown = || ambiguous(unit).unwrap_or(EXPECTED.into());
    match unit.strip_suffix("bit") {
        Some(prefix) => {
            // `Bbit` would pass for a factor of one.
            let factor = bytes_factor(prefix).filter(|_| !prefix.contains('B')).ok_or_else(unknown)?;
            number.times(factor).map_err(|_| WHOLE.into())
        }
        None => {
            let factor = bytes_factor(unit).ok_or_else(unknown)?;
            factor.checked_mul(8).and_then(|factor| number.times(factor).ok()).ok_or_else(|| WHOLE.into())
        }
    }
}

/// In the largest unit that divides it.
pub(super) fn print_rate(bits: u64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")];
    let unit = units.into_iter().find(|(unit, _)| bits > 0 && bits.is_multiple_of(*unit));
    let (unit, prefix) = unit.unwrap_or((1, ""));
    format!("{}{prefix}bit/s", bits / unit)
}

/// `kb` and `Mb` are read as bits by some and as bytes by others.
fn ambiguous(unit: &str) -> Option<String> {
    let prefix = bits_or_bytes(unit)?;
    Some(format!("{prefix}bit or {prefix}B: '{unit}' could be either"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write_is_read_exactly() {
        for (text, nanos) in [
            ("15ms", 15_000_000),
            ("2s", 2_000_000_000),
            ("1.5s", 1_500_000_000),
            ("100us", 100_000),
            ("1m 30s", 90_000_000_000),
            ("3ns", 3),
            ("0", 0),
        ] {
            assert_eq!(parse_span(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
        for (text, bytes) in
            [("512KiB", 512 << 10), ("1.5MB", 1_500_000), ("0", 0), ("7B", 7), ("10TiB", 10 << 40)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for (text, bits) in [
            ("10Mbit/s", 10_000_000),
            ("1MiB/s", 8 << 20),
            ("1.5 Gbit/s", 1_500_000_000),
            ("64kbit/s", 64_000),
        ] {
            assert_eq!(parse_rate(text), Ok(bits), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_says_what_was_expected() {
        for (text, expected) in [
            ("", "a duration such as \"15ms\" or \"2s\""),
            ("soon", "a duration such as \"15ms\" or \"2s\""),
            ("-1s", "a duration that is not negative"),
            ("10", "a unit: \"10s\" for seconds, \"10ms\" for milliseconds"),
            ("25h", "at most 86400s"),
            ("99999999999999999999s", "at most 86400s"),
            ("0.5ns", "whole nanoseconds"),
        ] {
            assert_eq!(parse_span(text), Err(expected.into()), "{text}");
        }
        for (text, expected) in [
            ("64Kb", "Kbit or KB: 'Kb' could be either"),
            ("many", "a size such as \"64KiB\" or \"500KB\""),
            ("0.5B", "a whole number of bytes, below 2^64"),
            ("99999999T", "a whole number of bytes, below 2^64"),
        ] {
            assert_eq!(parse_size(text), Err(expected.into()), "{text}");
        }
        for (text, expected) in [
            ("10Mbit", "a rate such as \"10Mbit/s\" or \"1MiB/s\""),
            ("10Mb/s", "Mbit or MB: 'Mb' could be either"),
            ("1Bbit/s", "a rate such as \"10Mbit/s\" or \"1MiB/s\""),
            ("0.5bit/s", "a whole number of bits a second, below 2^64"),
        ] {
            assert_eq!(parse_rate(text), Err(expected.into()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_as_the_same(nanos in 0..=MAX_SPAN.as_nanos(), number: u64) {
            let span = Duration::from_nanos(u64::try_from(nanos).unwrap());
            prop_assert_eq!(parse_span(&print_span(span)), Ok(span));
            prop_assert_eq!(parse_size(&print_size(number)), Ok(number));
            prop_assert_eq!(parse_rate(&print_rate(number)), Ok(number));
        }

        #[test]
        fn any_text_is_a_value_or_an_error(text: String) {
            let _ = (parse_span(&text), parse_size(&text), parse_rate(&text));
        }
    }
}
