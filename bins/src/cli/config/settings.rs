//! Limits as they stand in a file: every key optional, durations and sizes as people write them.

use std::time::Duration;

use backchat_core::chat::{Limits, LimitsError};
use backchat_core::node::{MIN_MEMORY, TransferLimits};
use backchat_core::wire::{MAX_SEGMENT, MIN_SEGMENT};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::cli::values::{Size, Span};

/// How many of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Count(u32);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As wide as TOML has them: what is too large is told with its range, like everything else.
        let number =
            i64::deserialize(deserializer).map_err(|_| D::Error::custom("expected a whole number"))?;
        match u32::try_from(number) {
            Ok(number) => Ok(Self(number)),
            Err(_) if number > 0 => Ok(Self(u32::MAX)),
            Err(_) => Err(D::Error::custom("expected a number that is not below zero")),
        }
    }
}

/// A value as a file has it, beside the one that the core has.
trait Setting<Core>: Sized {
    fn into_core(self) -> Core;
    fn of_core(core: &Core) -> Self;
}

impl Setting<u32> for Size {
    /// What 32 bits do not hold is more than any limit may be, and is found to be.
    fn into_core(self) -> u32 {
        u32::try_from(self.bytes()).unwrap_or(u32::MAX)
    }
    fn of_core(core: &u32) -> Self {
        Self::from_bytes(u64::from(*core))
    }
}

impl Setting<u16> for Size {
    /// As for 32 bits.
    fn into_core(self) -> u16 {
        u16::try_from(self.bytes()).unwrap_or(u16::MAX)
    }
    fn of_core(core: &u16) -> Self {
        Self::from_bytes(u64::from(*core))
    }
}

impl Setting<u64> for Size {
    fn into_core(self) -> u64 {
        self.bytes()
    }
    fn of_core(core: &u64) -> Self {
        Self::from_bytes(*core)
    }
}

impl Setting<u32> for Count {
    fn into_core(self) -> u32 {
        self.0
    }
    fn of_core(core: &u32) -> Self {
        Self(*core)
    }
}

impl Setting<u16> for Count {
    /// As for sizes.
    fn into_core(self) -> u16 {
        u16::try_from(self.0).unwrap_or(u16::MAX)
    }
    fn of_core(core: &u16) -> Self {
        Self(u32::from(*core))
    }
}

impl Setting<u64> for Span {
    /// The core's are whole milliseconds.
    fn into_core(self) -> u64 {
        u64::try_from(self.duration().as_millis()).unwrap_or(u64::MAX)
    }
    fn of_core(core: &u64) -> Self {
        Self::new(Duration::from_millis(*core)).unwrap_or(Self::MAX)
    }
}

impl Setting<Duration> for Span {
    fn into_core(self) -> Duration {
        self.duration()
    }
    fn of_core(core: &Duration) -> Self {
        Self::new(*core).unwrap_or(Self::MAX)
    }
}

/// A table of a file, and its way to the core's type and back.
macro_rules! table {
    ($(#[$doc:meta])+ $table:ident for $core:ty { $($key:ident: $type:ty => $field:ident,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields, expecting = "a table of settings")]
        pub struct $table {
            $(
                #[doc = concat!("`", stringify!($field), "` of the core's type, if it is set.")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $key: Option<$type>,
            )+
        }

        impl $table {
            /// `base`, with what is set here.
            pub fn over(self, mut base: $core) -> $core {
                $(if let Some(value) = self.$key {
                    base.$field = value.into_core();
                })+
                base
            }

            /// The table that sets every key to what `core` has.
            pub fn of(core: &$core) -> Self {
                Self { $($key: Some(Setting::of_core(&core.$field)),)+ }
            }
        }
    };
}

table! {
    /// The limits of the chat: `[limits]`.
    LimitsTable for Limits {
        text_bytes: Size => text_bytes,
        burst: Count => burst,
        per_second: Count => per_second,
        connections_per_address: Count => connections_per_address,
        rates_per_address: Count => rates_per_address,
        clients: Count => clients,
        join_timeout: Span => join_timeout,
        slow_reader_bytes: Size => slow_reader_bytes,
        slow_reader_timeout: Span => slow_reader_timeout,
        unread_bytes: Size => unread_bytes,
        history: Count => history,
        backlog: Count => backlog,
        parked_for: Span => parked_for,
        ping_after: Span => ping_after,
        downloads_per_session: Count => downloads_per_session,
        downloads_per_address: Count => downloads_per_address,
        tickets_per_session: Count => tickets_per_session,
        lists_per_session: Count => lists_per_session,
        request_burst: Count => request_burst,
        requests_per_second: Count => requests_per_second,
        malformed_burst: Count => malformed_burst,
        malformed_per_second: Count => malformed_per_second,
        wasted_burst_bytes: Size => wasted_burst_bytes,
        wasted_bytes_per_second: Size => wasted_bytes_per_second,
    }
}

table! {
    /// What downloads may take: `[transfer]`.
    TransferTable for TransferLimits {
        downloads: Count => downloads,
        memory: Size => memory,
        segment: Size => segment,
        fixed_cap: Count => fixed_cap,
        ticket: Span => ticket_ms,
        silence: Span => silence_ms,
    }
}

/// The shortest life of a ticket, and the shortest silence that ends a download: less than a round trip across the
/// world and back would end what is well.
const MIN_WAIT_MILLIS: u64 = 1_000;

/// A day, as for the chat's limits.
const MAX_WAIT_MILLIS: u64 = 24 * 60 * 60 * 1_000;

/// Above any machine's memory for what each download keeps.
const MAX_DOWNLOADS: u64 = 100_000;

/// Above any machine's memory.
const MAX_MEMORY: u64 = 1 << 40;

/// The first setting of downloads that is out of its range.
pub(super) fn check_transfer(limits: &TransferLimits) -> Result<(), LimitsError> {
    let segments = (u64::from(MIN_SEGMENT), u64::from(MAX_SEGMENT));
    let all = [
        ("downloads", u64::from(limits.downloads), 0, MAX_DOWNLOADS),
        ("memory", limits.memory, MIN_MEMORY, MAX_MEMORY),
        ("segment", u64::from(limits.segment), segments.0, segments.1),
        ("fixed_cap", u64::from(limits.fixed_cap), 1, u64::from(u16::MAX)),
        ("ticket_ms", limits.ticket_ms, MIN_WAIT_MILLIS, MAX_WAIT_MILLIS),
        ("silence_ms", limits.silence_ms, MIN_WAIT_MILLIS, MAX_WAIT_MILLIS),
    ];
    let wrong = all.into_iter().find(|(_, value, least, most)| !(*least..=*most).contains(value));
    wrong.map_or(Ok(()), |(key, value, least, most)| Err(LimitsError { key, value, least, most }))
}

/// On the wire the core writes durations as whole milliseconds, and says so in the key.
const MILLIS: &str = "_ms";

/// The key of a limit out of its range as a file has it, and what is wrong with it.
pub(super) fn describe(error: &LimitsError) -> (&'static str, String) {
    let Some(key) = error.key.strip_suffix(MILLIS) else {
        return (error.key, error.to_string());
    };
    let span = |millis| humantime::format_duration(Duration::from_millis(millis));
    let (value, least, most) = (span(error.value), span(error.least), span(error.most));
    (key, format!("{key} is {value}, expected {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_chat_is_a_key() {
        let all = toml::Table::try_from(LimitsTable::of(&Limits::default())).expect("a table");
        let mut keys: Vec<&str> = all.keys().map(String::as_str).collect();
        let mut expected: Vec<&str> =
            Limits::keys().into_iter().map(|key| key.strip_suffix(MILLIS).unwrap_or(key)).collect();
        keys.sort_unstable();
        expected.sort_unstable();
        assert_eq!(keys, expected);
    }

    #[test]
    fn a_table_of_limits_makes_the_same_limits() {
        let limits = Limits { burst: 9, join_timeout: Duration::from_millis(1500), ..Limits::default() };
        assert_eq!(LimitsTable::of(&limits).over(Limits::default()), limits);
        assert_eq!(LimitsTable::default().over(limits.clone()), limits);
    }
}
