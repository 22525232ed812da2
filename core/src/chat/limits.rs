//! How much a client may do, and the token buckets that hold it to that.
//!
//! Every number can be configured and is told in the welcome, so that a client paces itself in place of being
//! refused. Over a limit is always an answer with a reason, never a silent cut.

mod bucket;

pub use bucket::{Bucket, Rate};

use super::lines::MAX_LINE_BYTES;
use core::time::Duration;

/// The limits of a server. On the wire and in a configuration file durations are whole milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Most bytes of UTF-8 in a message.
    pub text_bytes: u32,
    /// How many messages may come at once after a pause.
    pub burst: u32,
    /// How many messages a second may come for ever.
    pub per_second: u32,
    /// Connections from one IPv4 address, or one /64 of IPv6, and apart from those nicknames. A /56 may have four times as
    /// many, a /48 sixteen times. On a server that listens on loopback alone loopback is exempt from this and from every
    /// other limit by address.
    pub connections_per_address: u32,
    /// Rates of messages and requests of all sessions of one address together, as a multiple of one
    /// session's.
    pub rates_per_address: u32,
    /// Connections at once; and, apart from those, nicknames held at once, parked ones among them.
    pub clients: u32,
    /// How long a connection may stay that neither joins nor downloads.
    #[serde(rename = "join_timeout_ms", with = "millis")]
    pub join_timeout: Duration,
    /// Bytes of live frames that may wait for a reader whatever it does.
    pub slow_reader_bytes: u32,
    /// With more than that, how long a reader may take nothing before its connection is closed.
    #[serde(rename = "slow_reader_timeout_ms", with = "millis")]
    pub slow_reader_timeout: Duration,
    /// Bytes that may wait beyond `slow_reader_bytes` for all readers together. With more, of the address for
    /// which most waits the connections for which most waits are closed.
    pub unread_bytes: u32,
    /// How many messages are kept for those who join or resume.
    pub history: u32,
    /// How many of them are shown to who joins and asks for no number.
    pub backlog: u32,
    /// How long a nickname is held for a client that asked to resume and whose connection broke.
    #[serde(rename = "parked_for_ms", with = "millis")]
    pub parked_for: Duration,
    /// After how much silence a client that asked for pings gets one; after as much again it is closed.
    #[serde(rename = "ping_after_ms", with = "millis")]
    pub ping_after: Duration,
    /// Downloads that run at once for one session, those whose ticket is not used yet among them.
    pub downloads_per_session: u32,
    /// The same for all sessions of one address; as for connections.
    pub downloads_per_address: u32,
    /// Tickets that a session may hold unused.
    pub tickets_per_session: u32,
    /// Lists (names, files, history) that a session may be waiting for.
    pub lists_per_session: u32,
    /// How many requests other than messages may come at once.
    pub request_burst: u32,
    /// How many requests other than messages a second may come for ever.
    pub requests_per_second: u32,
    /// How many lines that are no frames may come at once before the connection is closed.
    pub malformed_burst: u32,
    /// How many such lines a second are put up with for ever.
    pub malformed_per_second: u32,
    /// Bytes that may come at once for nothing (lines that are empty, too long, no frames or refused for coming too
    /// fast, and what no field needs) before the connection is closed. Each such line costs 128 more.
    pub wasted_burst_bytes: u32,
    /// Number of such bytes a second that may come for ever.
    pub wasted_bytes_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes: 4096,
            burst: 5,
            per_second: 2,
            connections_per_address: 128,
            rates_per_address: 16,
            clients: 10_000,
            join_timeout: Duration::from_secs(60),
            slow_reader_bytes: 96 * 1024,
            slow_reader_timeout: Duration::from_secs(10),
            unread_bytes: 64 * 1024 * 1024,
            history: 2048,
            backlog: 50,
            parked_for: Duration::from_secs(30),
            ping_after: Duration::from_secs(30),
            downloads_per_session: 8,
            downloads_per_address: 64,
            tickets_per_session: 8,
            lists_per_session: 8,
            request_burst: 20,
            requests_per_second: 10,
            malformed_burst: 20,
            malformed_per_second: 1,
            wasted_burst_bytes: 1024 * 1024,
            wasted_bytes_per_second: 16 * 1024,
        }
    }
}

/// Bytes of a prefix (`have`) whose hashing counts as one request more: some 20 ms of a processor. At ten requests a
/// second nobody has more than a third of a processor hash, and who goes on behind half a gigabyte notices nothing.
pub const HASHED_PER_REQUEST: u64 = 32 * 1024 * 1024;

/// Requests that the hashing of one prefix counts as at most. Whoever goes on behind hundreds of gigabytes is to wait
/// for seconds with what they ask next and not for minutes; how much is hashed at once is bounded elsewhere.
pub const HASHING_REQUESTS_MAX: u32 = 40;

/// A limit outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {value}, expected {least} to {most}")]
pub struct LimitsError {
    /// The key, as in a configuration file.
    pub key: &'static str,
    /// What it was set to.
    pub value: u64,
    /// The least it can be.
    pub least: u64,
    /// The most it can be.
    pub most: u64,
}

/// Most bytes that [`Limits::text_bytes`] can be set to: JSON writes a quote, a backslash, a tab or a line feed
/// with two bytes, and a message has to fit a line with its names, number and time around it.
pub const MAX_TEXT_BYTES: u32 = 15 * 1024;
const _: () = assert!(2 * MAX_TEXT_BYTES as usize + 1024 < MAX_LINE_BYTES);

/// A day; no wait of this protocol is sensibly longer.
const MAX_WAIT_MILLIS: u64 = 24 * 60 * 60 * 1000;
/// The welcome and an answer or two have to fit even for the slowest reader.
const MIN_SLOW_READER_BYTES: u64 = 4 * MAX_LINE_BYTES as u64 / 2;
/// Memory for messages kept: a million of 4 KiB are 4 GiB.
const MAX_HISTORY: u64 = 1_000_000;
/// A rate above this is no limit, and below a microsecond a token the arithmetic would lose it.
const MAX_RATE: u64 = 1_000_000;
/// A byte a nanosecond; below a nanosecond a token the arithmetic would lose it.
const MAX_WASTED_RATE: u64 = 1_000_000_000;
/// Above any machine's number of open files.
const MAX_CLIENTS: u64 = 10_000_000;

impl Limits {
    /// Messages: say, tell, and changes of nickname, which everybody hears of.
    pub fn messages(&self) -> Rate {
        Rate::new(self.burst, self.per_second)
    }

    /// Requests that are answered to one alone: lists, downloads, pings.
    pub fn requests(&self) -> Rate {
        Rate::new(self.request_burst, self.requests_per_second)
    }

    /// Lines that are no frames.
    pub fn malformed(&self) -> Rate {
        Rate::new(self.malformed_burst, self.malformed_per_second)
    }

    /// Bytes that were for nothing.
    pub fn wasted(&self) -> Rate {
        Rate::new(self.wasted_burst_bytes, self.wasted_bytes_per_second)
    }

    /// The first limit that is outside its range.
    pub fn check(&self) -> Result<(), LimitsError> {
        self.clone().visit(&mut |key, value, least, most| match (least..=most).contains(value) {
            true => Ok(()),
            false => Err(LimitsError { key, value: *value, least, most }),
        })
    }

    /// These limits, each moved into its range.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let clamped: Result<(), core::convert::Infallible> = self.visit(&mut |_, value, least, most| {
            *value = (*value).clamp(least, most);
            Ok(())
        });
        let Ok(()) = clamped;
        self
    }

    /// Every key that a configuration file can set.
    pub fn keys() -> Vec<&'static str> {
        let mut keys = Vec::new();
        let listed: Result<(), core::convert::Infallible> = Self::default().visit(&mut |key, _, _, _| {
            keys.push(key);
            Ok(())
        });
        let Ok(()) = listed;
        keys
    }

    /// Calls `f` with each key, its value, its least and its most, and writes back what `f` made of the value.
    fn visit<E>(
        &mut self,
        f: &mut impl FnMut(&'static str, &mut u64, u64, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        let rate = MAX_RATE;
        let mut count = |key, field: &mut u32, least: u64, most: u64| {
            let mut value = u64::from(*field);
            f(key, &mut value, least, most)?;
            *field = u32::try_from(value).unwrap_or(u32::MAX);
            Ok(())
        };
        count("text_bytes", &mut self.text_bytes, 1, u64::from(MAX_TEXT_BYTES))?;
        count("burst", &mut self.burst, 1, rate)?;
        count("per_second", &mut self.per_second, 1, rate)?;
        count("connections_per_address", &mut self.connections_per_address, 1, MAX_CLIENTS)?;
        count("rates_per_address", &mut self.rates_per_address, 1, MAX_CLIENTS)?;
        count("clients", &mut self.clients, 1, MAX_CLIENTS)?;
        count("slow_reader_bytes", &mut self.slow_reader_bytes, MIN_SLOW_READER_BYTES, 1 << 30)?;
        count("unread_bytes", &mut self.unread_bytes, 0, u64::from(u32::MAX))?;
        count("history", &mut self.history, 0, MAX_HISTORY)?;
        count("backlog", &mut self.backlog, 0, MAX_HISTORY)?;
        count("downloads_per_session", &mut self.downloads_per_session, 0, 1024)?;
        count("downloads_per_address", &mut self.downloads_per_address, 0, MAX_CLIENTS)?;
        count("tickets_per_session", &mut self.tickets_per_session, 0, 1024)?;
        count("lists_per_session", &mut self.lists_per_session, 1, 1024)?;
        count("request_burst", &mut self.request_burst, 1, rate)?;
        count("requests_per_second", &mut self.requests_per_second, 1, rate)?;
        count("malformed_burst", &mut self.malformed_burst, 1, rate)?;
        count("malformed_per_second", &mut self.malformed_per_second, 1, rate)?;
        count("wasted_burst_bytes", &mut self.wasted_burst_bytes, 2 * MAX_LINE_BYTES as u64, 1 << 30)?;
        count("wasted_bytes_per_second", &mut self.wasted_bytes_per_second, 1, MAX_WASTED_RATE)?;
        let mut wait = |key, field: &mut Duration, least: u64| {
            let mut value = u64::try_from(field.as_millis()).unwrap_or(u64::MAX);
            f(key, &mut value, least, MAX_WAIT_MILLIS)?;
            *field = Duration::from_millis(value);
            Ok(())
        };
        wait("join_timeout_ms", &mut self.join_timeout, 1)?;
        wait("slow_reader_timeout_ms", &mut self.slow_reader_timeout, 0)?;
        wait("parked_for_ms", &mut self.parked_for, 0)?;
        wait("ping_after_ms", &mut self.ping_after, 1)
    }
}

/// Durations as whole milliseconds.
mod millis {
    use core::time::Duration;

    pub(super) fn serialize<S: serde::Serializer>(wait: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        <u64 as serde::Deserialize>::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_ranges() {
        assert_eq!(Limits::default().check(), Ok(()));
        assert_eq!(Limits::default().bounded(), Limits::default());
    }

    #[test]
    fn a_limit_outside_its_range_is_named_and_can_be_moved_into_it() {
        let limits = Limits { per_second: 0, ..Limits::default() };
        let error = limits.check().unwrap_err();
        assert_eq!(error.to_string(), "per_second is 0, expected 1 to 1000000");
        assert_eq!(limits.bounded().per_second, 1);
    }

    #[test]
    fn json_has_every_key_and_a_missing_one_takes_its_default() {
        let json = serde_json::to_value(Limits::default()).unwrap();
        let mut listed = Limits::keys();
        listed.sort_unstable();
        let mut written: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        written.sort_unstable();
        assert_eq!(written, listed);
        assert_eq!(json["join_timeout_ms"], 60_000);
        let limits: Limits = serde_json::from_str(r#"{"burst":9,"of_a_newer_server":true}"#).unwrap();
        assert_eq!(limits, Limits { burst: 9, ..Limits::default() });
    }
}
