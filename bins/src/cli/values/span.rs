//! A length of time: `15ms`, `10s`, `2m`, `1h 30m`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, at most [`Span::MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(Duration);

impl Span {
    /// A year. Longer is a slip of the pen, and a clock plus a longer span might leave what a timer can hold.
    pub const MAX: Self = Self(Duration::from_secs(365 * 24 * 60 * 60));

    /// The span of a duration; `None` above [`Span::MAX`].
    pub const fn new(duration: Duration) -> Option<Self> {
        if duration.as_nanos() > Self::MAX.0.as_nanos() { None } else { Some(Self(duration)) }
    }

    /// So many seconds, held at [`Span::MAX`].
    pub const fn from_secs(seconds: u32) -> Self {
        match Self::new(Duration::from_secs(seconds as u64)) {
            Some(span) => span,
            None => Self::MAX,
        }
    }

    /// The duration.
    pub const fn duration(self) -> Duration {
        self.0
    }
}

/// Why a text is not a span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSpan {
    /// A number alone could be anything.
    #[error("a unit is missing: write {0}s for seconds or {0}ms for milliseconds")]
    NoUnit(String),
    /// Not a number with a unit of time.
    #[error("expected a time such as 15ms, 10s, 2m or 1h")]
    Unreadable,
    /// Longer than [`Span::MAX`].
    #[error("is too long, at most 365 days")]
    TooLong,
    /// Zero where nothing could ever be in time.
    #[error("must be longer than zero")]
    Zero,
}

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let text = text.trim();
        if text == "0" {
            return Ok(Self::default());
        }
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadSpan::NoUnit(text.to_owned()));
        }
        let duration = humantime::parse_duration(text).map_err(|error| match error {
            humantime::DurationError::NumberOverflow => BadSpan::TooLong,
            _ => BadSpan::Unreadable,
        })?;
        Self::new(duration).ok_or(BadSpan::TooLong)
    }
}

impl fmt::Display for Span {
    /// `1m 30s`; parses to the same span.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&humantime::format_duration(self.0), f)
    }
}

super::serde_as_text!(Span, "a time as a string, such as \"15ms\" or \"10s\"");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn units_of_time_are_read() {
        for (text, millis) in [
            ("15ms", 15),
            ("10s", 10_000),
            ("2m", 120_000),
            ("1h 30m", 5_400_000),
            ("0", 0),
            ("0s", 0),
            (" 1s ", 1_000),
        ] {
            assert_eq!(text.parse::<Span>().map(Span::duration), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("", "expected a time such as 15ms, 10s, 2m or 1h"),
            ("10", "a unit is missing: write 10s for seconds or 10ms for milliseconds"),
            ("soon", "expected a time such as 15ms, 10s, 2m or 1h"),
            ("-1s", "expected a time such as 15ms, 10s, 2m or 1h"),
            ("10 parsecs", "expected a time such as 15ms, 10s, 2m or 1h"),
            ("366days", "is too long, at most 365 days"),
            ("99999999999999999999s", "is too long, at most 365 days"),
        ] {
            let error = text.parse::<Span>().expect_err(text);
            assert_eq!(error.to_string(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_span_prints_as_what_parses_to_it(nanos in 0u64..=365 * 86_400 * 1_000_000_000) {
            let span = Span::new(Duration::from_nanos(nanos)).expect("at most a year");
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn any_text_is_a_span_or_an_error(text: String) {
            let _ = text.parse::<Span>();
        }
    }
}
