//! `[expect]`: what must have happened by the end, besides what the checkers always hold. [`chat`]: of messages and refusals.

mod chat;

use core::time::Duration;

use backchat_core::chat::{FileName, Nickname};
use backchat_core::named;
use backchat_core::node::{FailReason, LocalError};

use super::clients::Names;
use super::reader::{Read, Table, Value};
use super::server::file_name;
use super::steps::{Action, Step};
use super::values::print_span;
use super::writer::{Writer, array, inline, quoted};

#[cfg(test)]
pub(super) use chat::{MESSAGE_KEYS, REFUSAL_KEYS};
pub use chat::{Message, NOT_TAKEN, Reason, Refusal, Request, Times};

/// The most expected downloads in a file.
pub const MAX_EXPECTED: usize = 10_000;

/// What is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// Downloads, and how they end.
    pub downloads: Vec<Download>,
    /// The most segments that are sent again, all downloads together.
    pub resent_at_most: Option<u64>,
    /// Messages that clients are shown, or never.
    pub messages: Vec<Message>,
    /// Requests that are refused, or never.
    pub refusals: Vec<Refusal>,
    /// The most requests that are refused, of all clients together.
    pub refused_at_most: Option<u64>,
}

/// A download that is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// By this client, or by clients of this group.
    pub client: Nickname,
    /// Of this file.
    pub file: FileName,
    /// Ended so soon after its step began.
    pub within: Option<Duration>,
    /// Ended later than this after its step began: something it must not get around kept it for so long.
    pub not_within: Option<Duration>,
    /// Failed, for this reason; `None`: complete.
    pub failed: Option<Failure>,
    /// At least so many of them ended like that; `None`: every one.
    pub count: Option<u32>,
    /// The most segments that each of them sends again.
    pub resent_at_most: Option<u64>,
}

named! {
    /// Why a download failed, in the client's own words.
    pub enum Failure {
        /// The server has no such file.
        NotFound = "not-found",
        /// The server refused, or could not go on.
        Refused = "refused",
        /// The connection, or the server, was lost.
        Lost = "lost",
        /// Nothing was heard for too long.
        TimedOut = "timed-out",
        /// The file did not have the hash that the server named.
        Integrity = "integrity",
        /// The file could not be written.
        Local = "local",
        /// There is a file of this name.
        Exists = "exists",
        /// The user stopped it.
        Stopped = "stopped",
    }
}

impl From<&FailReason> for Failure {
    fn from(reason: &FailReason) -> Self {
        match reason {
            FailReason::NotFound => Self::NotFound,
            FailReason::Refused => Self::Refused,
            FailReason::Lost => Self::Lost,
            FailReason::TimedOut => Self::TimedOut,
            FailReason::Integrity => Self::Integrity,
            FailReason::Local(LocalError::Exists) => Self::Exists,
            FailReason::Local(_) => Self::Local,
            FailReason::Stopped => Self::Stopped,
        }
    }
}

pub(super) const KEYS: &[&str] = &["downloads", "resent_at_most", "messages", "refusals", "refused_at_most"];
pub(super) const DOWNLOAD_KEYS: &[&str] =
    &["client", "file", "within", "not_within", "failed", "count", "resent_at_most"];

pub(super) fn read(root: &Table<'_>, names: &Names, steps: &[Step]) -> Read<Expect> {
    let mut expect = Expect::default();
    let Some(value) = root.get("expect") else { return Ok(expect) };
    let table = value.table("[expect]", "a table: [expect]")?;
    table.check_keys(KEYS)?;
    expect.resent_at_most = resent_at_most(&table)?;
    expect.refused_at_most =
        table.get("refused_at_most").map(|value| value.integer(0..=u64::MAX)).transpose()?;
    expect.messages = chat::messages(&table, names, steps)?;
    expect.refusals = chat::refusals(&table, names, steps)?;
    if let Some(downloads) = table.get("downloads") {
        for value in
            downloads.array("an array: [{ client = \"alice\", file = \"book.bin\" }]", MAX_EXPECTED)?
        {
            expect.downloads.push(read_download(&value, names, steps)?);
        }
    }
    Ok(expect)
}

fn resent_at_most(table: &Table<'_>) -> Read<Option<u64>> {
    table.get("resent_at_most").map(|value| value.integer(0..=u64::MAX)).transpose()
}

fn read_download(value: &Value<'_>, names: &Names, steps: &[Step]) -> Read<Download> {
    let table =
        value.table("an expected download", "a table: { client = \"alice\", file = \"book.bin\" }")?;
    table.check_keys(DOWNLOAD_KEYS)?;
    let client = names.find(&table.need("client", "a client or a group")?, "a client or a group")?;
    let file_value = table.need("file", "a file that the client gets")?;
    let file = file_name(&file_value)?;
    let gets = gets(&client, &file, names, steps);
    if gets == 0 {
        return Err(file_value
            .bad(format!("'{file}', which no step gets for {client}"), "a file of one of its steps"));
    }
    let failed = match table.get("failed") {
        None => None,
        Some(value) => {
            let words: Vec<&str> = Failure::ALL.iter().map(|it| it.name()).collect();
            let word = value.word(&words)?;
            Failure::of(word)
        }
    };
    let count = match table.get("count") {
        None => None,
        Some(value) => {
            let count = value.count(1, u32::MAX)?;
            if u64::from(count) > gets {
                return Err(
                    value.bad(count.to_string(), format!("at most {gets}, as often as the steps get it"))
                );
            }
            Some(count)
        }
    };
    let within = table.get("within").map(|value| value.positive_span()).transpose()?;
    let not_within = match table.get("not_within") {
        None => None,
        Some(value) => {
            let least = value.positive_span()?;
            if let Some(most) = within.filter(|most| *most <= least) {
                let expected = format!("less than {}, within which it ends", print_span(most));
                return Err(value.bad(print_span(least), expected));
            }
            Some(least)
        }
    };
    Ok(Download { client, file, within, not_within, failed, count, resent_at_most: resent_at_most(&table)? })
}

/// How often the steps get the file, for those that the name means.
fn gets(client: &Nickname, file: &FileName, names: &Names, steps: &[Step]) -> u64 {
    let range = |name| names.members(name).unwrap_or_default();
    let clients = range(client);
    let these = steps.iter().filter(|step| matches!(&step.action, Action::Get(wanted) if wanted == file));
    these.fold(0, |sum, step| {
        let who = range(&step.who);
        let both = who.end.min(clients.end).saturating_sub(who.start.max(clients.start));
        sum + both as u64 * u64::from(step.repeat.times())
    })
}

pub(super) fn write(expect: &Expect, to: &mut Writer) {
    if *expect == Expect::default() {
        return;
    }
    to.table("[expect]");
    if !expect.downloads.is_empty() {
        let download = |it: &Download| {
            inline(&[
                ("client", Some(quoted(it.client.as_str()))),
                ("file", Some(quoted(it.file.as_str()))),
                ("within", it.within.map(|within| quoted(&print_span(within)))),
                ("not_within", it.not_within.map(|least| quoted(&print_span(least)))),
                ("failed", it.failed.map(|failed| quoted(failed.name()))),
                ("count", it.count.map(|count| count.to_string())),
                ("resent_at_most", it.resent_at_most.map(|most| most.to_string())),
            ])
        };
        to.raw("downloads", array(expect.downloads.iter().map(download)));
    }
    if let Some(most) = expect.resent_at_most {
        to.raw("resent_at_most", most);
    }
    if !expect.messages.is_empty() {
        to.raw("messages", chat::print_messages(&expect.messages));
    }
    if !expect.refusals.is_empty() {
        to.raw("refusals", chat::print_refusals(&expect.refusals));
    }
    if let Some(most) = expect.refused_at_most {
        to.raw("refused_at_most", most);
    }
}
