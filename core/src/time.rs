//! Points in time as the core sees them.
//!
//! The core reads no clock. A driver counts nanoseconds from an epoch of its own choosing (its start, as a
//! rule) and hands the count in with every input; a simulator makes time up. That is all [`Instant`] is:
//! unlike `std::time::Instant` it has a zero, can be written down in a test, and prints the same everywhere.
//!
//! [`UnixTime`] is the calendar's time, in milliseconds. It is shown to people and never decides anything.

use crate::from_text::from_text;
use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

/// Nanoseconds since the driver's epoch. 64 bits last for 584 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant(u64);

impl Instant {
    /// The driver's epoch.
    pub const ZERO: Self = Self(0);

    /// The instant `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The instant `millis` milliseconds after the epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// The first of several deadlines, of those that there are.
#[inline]
pub fn earliest<const N: usize>(deadlines: [Option<Instant>; N]) -> Option<Instant> {
    // An iterator's `flatten` and `min` are many times the work, and this is asked after every input.
    let mut earliest = None;
    for deadline in deadlines {
        earliest = match (earliest, deadline) {
            (Some(earliest), Some(deadline)) => Some(core::cmp::min(earliest, deadline)),
            (earliest, deadline) => earliest.or(deadline),
        };
    }
    earliest
}

impl Add<Duration> for Instant {
    type Output = Self;
    /// Saturates at the end of time, which no timer ever reaches.
    fn add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX)))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, after: Duration) {
        *self = *self + after;
    }
}

impl Sub for Instant {
    type Output = Duration;
    /// As [`Instant::saturating_since`]: a clock that went back is read as one that stood still.
    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Instant {
    /// Seconds with nine decimals, computed in integers: `1.000250000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixTime(i64);

impl UnixTime {
    /// The moment `millis` milliseconds after 1970, or before it.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment, moved on by `after`.
    pub fn saturating_add(self, after: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(after.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment that an RFC 3339 text names; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

impl fmt::Display for UnixTime {
    /// RFC 3339, UTC, with milliseconds: `2026-11-22T12:00:00.000Z`. Out of jiff's range it is held at the edge.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        write!(f, "{at:.3}")
    }
}

impl serde::Serialize for UnixTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for UnixTime {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| Self::parse(text).ok_or("expected a time as RFC 3339"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        let end = Instant::from_nanos(u64::MAX);
        assert_eq!(end + Duration::from_secs(1), end);
        assert_eq!(Instant::ZERO - end, Duration::ZERO);
        assert_eq!(Instant::from_millis(2) - Instant::from_millis(1), Duration::from_millis(1));
    }

    #[test]
    fn instants_print_in_seconds_without_floating_point() {
        assert_eq!(Instant::from_nanos(1_000_250_000).to_string(), "1.000250000");
        assert_eq!(Instant::ZERO.to_string(), "0.000000000");
    }

    #[test]
    fn unix_time_is_rfc_3339_and_back() {
        let at = UnixTime::from_millis(1_795_348_800_123);
        assert_eq!(at.to_string(), "2026-11-22T12:00:00.123Z");
        assert_eq!(UnixTime::parse(&at.to_string()), Some(at));
        assert_eq!(UnixTime::parse("yesterday"), None);
        assert!(UnixTime::from_millis(i64::MAX).to_string().starts_with("9999-"));
    }
}
