//! Limits as they stand in a file: every key optional, durations and sizes as people write them.

use std::time::Duration;

use backchat_core::chat::{Limits, LimitsError};
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
    ($(#[$doc:meta])+ $table:ident for $core:ty { $($key:ident: $type:ty,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $table {
            $(
                #[doc = concat!("`", stringify!($key), "` of the core's type, if it is set.")]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $key: Option<$type>,
            )+
        }

        impl $table {
            /// `base`, with what is set here.
            pub fn over(self, mut base: $core) -> $core {
                $(if let Some(value) = self.$key {
                    base.$key = value.into_core();
                })+
                base
            }

            /// The table that sets every key to what `core` has.
            pub fn of(core: &$core) -> Self {
                Self { $($key: Some(Setting::of_core(&core.$key)),)+ }
            }
        }
    };
}

table! {
    /// The limits of the chat: `[limits]`.
    LimitsTable for Limits {
        text_bytes: Size,
        burst: u32,
        per_second: u32,
        connections_per_address: u32,
        clients: u32,
        join_timeout: Span,
        slow_reader_bytes: Size,
        history: u32,
        backlog: u32,
        parked_for: Span,
        ping_after: Span,
        downloads_per_session: u32,
        tickets_per_session: u32,
        lists_per_session: u32,
        request_burst: u32,
        requests_per_second: u32,
        malformed_burst: u32,
        malformed_per_second: u32,
    }
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
