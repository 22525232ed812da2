//! `[server]`: what is shared, and the limits.

use core::time::Duration;

use backchat_core::chat::{FileName, Limits};
use backchat_core::node::{MIN_MEMORY, TransferLimits};
use backchat_core::wire::{MAX_SEGMENT, MIN_SEGMENT};

use super::reader::{Read, Table, Value};
use super::values::{MAX_SPAN, print_size};
use super::writer::{Writer, array, inline, quoted};

/// The largest file. A simulated disk holds files in memory, and the machine that runs a sweep is a small one.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// The most files.
pub const MAX_FILES: usize = 10_000;

/// The server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// What is shared, in the order of the file.
    pub files: Vec<SharedFile>,
    /// The limits of the chat: `[server.limits]`.
    pub limits: Limits,
    /// The limits of downloads, in the same table.
    pub transfer: TransferLimits,
}

/// A file that can be downloaded. Its contents come from the seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// Its name.
    pub name: FileName,
    /// Its bytes.
    pub size: u64,
}

pub(super) const KEYS: &[&str] = &["files", "limits"];
pub(super) const FILE_KEYS: &[&str] = &["name", "size"];

/// A server's rate and number above this is no limit.
const MAX_COUNT: u32 = 10_000_000;

/// The most memory for downloads: above any machine's.
const MAX_MEMORY: u64 = 1 << 40;

/// Above every file that can be shared, so that what is too large is found by [`Limits::check`].
const MAX_LIMIT_BYTES: u64 = u32::MAX as u64;

pub(super) fn read(root: &Table<'_>) -> Read<Server> {
    let mut server = Server::default();
    let Some(value) = root.get("server") else { return Ok(server) };
    let table = value.table("[server]", "a table: [server]")?;
    table.check_keys(KEYS)?;
    if let Some(files) = table.get("files") {
        for file in files.array("an array of files: [{ name, size }]", MAX_FILES)? {
            let shared = read_file(&file)?;
            if server.files.iter().any(|other| other.name == shared.name) {
                return Err(file.bad(format!("a second '{}'", shared.name), "names that differ"));
            }
            server.files.push(shared);
        }
    }
    if let Some(limits) = table.get("limits") {
        read_limits(&limits.table("[server.limits]", "a table: [server.limits]")?, &mut server)?;
    }
    Ok(server)
}

fn read_file(file: &Value<'_>) -> Read<SharedFile> {
    const EXPECTED: &str = "a table: { name = \"book.bin\", size = \"512KiB\" }";
    let table = file.table("a file", EXPECTED)?;
    table.check_keys(FILE_KEYS)?;
    let name = file_name(&table.need("name", "the file's name")?)?;
    let size = table.need("size", "its size, such as \"512KiB\"")?.size(0..=MAX_FILE_BYTES)?;
    Ok(SharedFile { name, size })
}

/// A file's name.
pub(super) fn file_name(value: &Value<'_>) -> Read<FileName> {
    value.parsed("a file's name", FileName::parse)
}

pub(super) fn write(server: &Server, to: &mut Writer) {
    if !server.files.is_empty() {
        to.table("[server]");
        let file = |file: &SharedFile| {
            let (name, size) = (quoted(file.name.as_str()), quoted(&print_size(file.size)));
            inline(&[("name", Some(name)), ("size", Some(size))])
        };
        to.raw("files", array(server.files.iter().map(file)));
    }
    write_limits(server, to);
}

/// The keys of `[server.limits]`, each with the way it is read and written.
macro_rules! limits {
    ($($name:literal: $kind:ident $($field:ident).+;)+) => {
        pub(super) const LIMIT_KEYS: &[&str] = &[$($name,)+];

        fn read_limits(table: &Table<'_>, server: &mut Server) -> Read<()> {
            table.check_keys(LIMIT_KEYS)?;
            $(if let Some(value) = table.get($name) {
                limits!(@read $kind value, server.$($field).+);
            })+
            check(table, server)
        }

        fn write_limits(server: &Server, to: &mut Writer) {
            let default = Server::default();
            if server.limits == default.limits && server.transfer == default.transfer {
                return;
            }
            to.table("[server.limits]");
            $(if server.$($field).+ != default.$($field).+ {
                limits!(@write $kind to, $name, server.$($field).+);
            })+
        }
    };
    (@read count $value:ident, $to:expr) => { $to = $value.count(0, MAX_COUNT)? };
    (@read small $value:ident, $to:expr) => { $to = u16::try_from($value.count(1, 65_535)?).unwrap_or(u16::MAX) };
    (@read bytes $value:ident, $to:expr) => {
        $to = u32::try_from($value.size(0..=MAX_LIMIT_BYTES)?).unwrap_or(u32::MAX)
    };
    (@read segment $value:ident, $to:expr) => {
        $to = u16::try_from($value.size(u64::from(MIN_SEGMENT)..=u64::from(MAX_SEGMENT))?).unwrap_or(MAX_SEGMENT)
    };
    (@read memory $value:ident, $to:expr) => { $to = $value.size(MIN_MEMORY..=MAX_MEMORY)? };
    (@read wait $value:ident, $to:expr) => { $to = whole_millis(&$value, Duration::ZERO)? };
    (@read millis $value:ident, $to:expr) => {
        $to = u64::try_from(whole_millis(&$value, Duration::from_millis(1))?.as_millis()).unwrap_or(u64::MAX)
    };
    (@write count $to:ident, $name:literal, $from:expr) => { $to.raw($name, $from) };
    (@write small $to:ident, $name:literal, $from:expr) => { $to.raw($name, $from) };
    (@write bytes $to:ident, $name:literal, $from:expr) => { $to.text($name, print_size(u64::from($from))) };
    (@write memory $to:ident, $name:literal, $from:expr) => { $to.text($name, print_size($from)) };
    (@write segment $to:ident, $name:literal, $from:expr) => { $to.raw($name, $from) };
    (@write wait $to:ident, $name:literal, $from:expr) => { $to.span($name, $from) };
    (@write millis $to:ident, $name:literal, $from:expr) => { $to.span($name, Duration::from_millis($from)) };
}

limits! {
    "text_bytes": bytes limits.text_bytes;
    "burst": count limits.burst;
    "per_second": count limits.per_second;
    "connections_per_address": count limits.connections_per_address;
    "rates_per_address": count limits.rates_per_address;
    "clients": count limits.clients;
    "join_timeout": wait limits.join_timeout;
    "slow_reader_bytes": bytes limits.slow_reader_bytes;
    "slow_reader_timeout": wait limits.slow_reader_timeout;
    "unread_bytes": bytes limits.unread_bytes;
    "history": count limits.history;
    "backlog": count limits.backlog;
    "parked_for": wait limits.parked_for;
    "ping_after": wait limits.ping_after;
    "downloads_per_session": count limits.downloads_per_session;
    "downloads_per_address": count limits.downloads_per_address;
    "tickets_per_session": count limits.tickets_per_session;
    "lists_per_session": count limits.lists_per_session;
    "request_burst": count limits.request_burst;
    "requests_per_second": count limits.requests_per_second;
    "malformed_burst": count limits.malformed_burst;
    "malformed_per_second": count limits.malformed_per_second;
    "wasted_burst_bytes": bytes limits.wasted_burst_bytes;
    "wasted_bytes_per_second": bytes limits.wasted_bytes_per_second;
    "downloads": count transfer.downloads;
    "memory": memory transfer.memory;
    "segment": segment transfer.segment;
    "fixed_cap": small transfer.fixed_cap;
    "ticket": millis transfer.ticket_ms;
    "silence": millis transfer.silence_ms;
}

/// A limit's time: the server counts milliseconds.
fn whole_millis(value: &Value<'_>, least: Duration) -> Read<Duration> {
    let span = value.span()?;
    if span.subsec_nanos() % 1_000_000 != 0 || span < least || span > MAX_SPAN {
        return Err(
            value.bad(super::values::print_span(span), "whole milliseconds, within the limit's range")
        );
    }
    Ok(span)
}

/// The ranges are the chat's own.
fn check(table: &Table<'_>, server: &Server) -> Read<()> {
    let Err(error) = server.limits.check() else { return Ok(()) };
    let key = error.key.strip_suffix("_ms").unwrap_or(error.key);
    let unit = if error.key == key { "" } else { " ms" };
    let (found, expected) =
        (format!("{}{unit}", error.value), format!("{} to {}{unit}", error.least, error.most));
    let known = LIMIT_KEYS.iter().find(|known| **known == key);
    match known.and_then(|key| table.get(key)) {
        Some(value) => Err(value.bad(found, expected)),
        // Not reached: the defaults are within their ranges.
        None => Err(table.conflict(format!("{key} is {found}"), expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_of_the_chat_is_a_key() {
        for key in Limits::keys() {
            let key = key.strip_suffix("_ms").unwrap_or(key);
            assert!(LIMIT_KEYS.contains(&key), "{key}");
        }
    }
}
