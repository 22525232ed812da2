//! Limits as they stand in a file: every key optional, durations and sizes as people write them.

use std::time::Duration;

use backchat_core::chat::{Limits, LimitsError};
use backchat_core::node::TransferLimits;
use backchat_core::wire::{MAX_SEGMENT, MIN_SEGMENT};
use serde::{Deserialize, Serialize};

use crate::cli::values::{Size, Span};

/// A value as a file has it, beside the one that the core has.
trait Setting<Core>: Sized {
    fn into_core(self) -> Core;
    fn of_core(core: &Core) -> Self;
}

impl<T: Copy> Setting<T> for T {
    fn into_core(self) -> T {
        self
    }
    fn of_core(core: &T) -> Self {
        *core
    }
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
        #[serde(default, deny_unknown_fields)]
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
        burst: u32 => burst,
        per_second: u32 => per_second,
        connections_per_address: u32 => connections_per_address,
        clients: u32 => clients,
        join_timeout: Span => join_timeout,
        slow_reader_bytes: Size => slow_reader_bytes,
        history: u32 => history,
        backlog: u32 => backlog,
        parked_for: Span => parked_for,
        ping_after: Span => ping_after,
        downloads_per_session: u32 => downloads_per_session,
        tickets_per_session: u32 => tickets_per_session,
        lists_per_session: u32 => lists_per_session,
        request_burst: u32 => request_burst,
        requests_per_second: u32 => requests_per_second,
        malformed_burst: u32 => malformed_burst,
        malformed_per_second: u32 => malformed_per_second,
    }
}

table! {
    /// What downloads may take: `[transfer]`.
    TransferTable for TransferLimits {
        downloads: u32 => downloads,
        segment: Size => segment,
        fixed_cap: u16 => fixed_cap,
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

/// The first setting of downloads that is out of its range.
pub(super) fn check_transfer(limits: &TransferLimits) -> Result<(), LimitsError> {
    let segments = (u64::from(MIN_SEGMENT), u64::from(MAX_SEGMENT));
    let all = [
        ("downloads", u64::from(limits.downloads), 0, MAX_DOWNLOADS),
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
