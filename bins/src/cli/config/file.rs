//! The configuration file: TOML, every key optional, an unknown one an error that says where it stands.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use backchat_core::chat::Limits;
use backchat_core::node::TransferLimits;
use backchat_core::text::visible;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::de::DeTable;

use super::settings::{LimitsTable, TransferTable, check_transfer, describe};
use super::{Config, check_motd};
use crate::cli::args::{LogFormat, ServerArgs};
use crate::cli::values::{HostPort, Span};
use crate::net::proxy::{BadRange, Range};

/// What a file says, checked.
#[derive(Clone, Debug, Default)]
pub struct ConfigFile {
    /// What flags could say as well.
    pub(super) args: ServerArgs,
    /// The greeting.
    pub(super) motd: Option<String>,
    /// The limits of the chat, the defaults where the file says nothing.
    pub(super) limits: Limits,
    /// What downloads may take, the defaults where the file says nothing.
    pub(super) transfer: TransferLimits,
    /// Where clients are told to find downloads.
    pub(super) advertise: Option<SocketAddr>,
    /// Who says whom a connection is from.
    pub(super) proxies: Vec<Range>,
}

/// Where in a file: both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Place {
    /// The place of the byte at `offset`.
    fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// The file as it is written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<HostPort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    udp: Option<HostPort>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "address")]
    advertise: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_dir: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<HostPort>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics_host: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_texts", deserialize_with = "ranges")]
    proxies: Vec<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_format: Option<LogFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    motd: Option<String>,
    limits: LimitsTable,
    transfer: TransferTable,
}

/// An address that clients are told: a name would have to be looked up by somebody.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let expected = "expected an IP address and a port, such as \"203.0.113.7:44000\"";
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(expected))
}

fn ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Range>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let range = |text: String| {
        text.parse().map_err(|error: BadRange| serde::de::Error::custom(format!("'{text}': {error}")))
    };
    texts.into_iter().map(range).collect()
}

fn as_texts<S: Serializer>(ranges: &[Range], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ranges.iter().map(Range::to_string))
}

impl Table {
    /// The file that says what `config` is.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            listen: Some(config.listen.clone()),
            udp: Some(config.udp.clone()),
            advertise: config.advertise,
            share: config.share.clone(),
            state_dir: config.state_dir.clone(),
            metrics: config.metrics.clone(),
            metrics_host: config.metrics_host.clone(),
            proxies: config.proxies.clone(),
            grace: Some(config.grace),
            log_format: Some(config.log_format),
            motd: config.motd.clone(),
            limits: LimitsTable::of(&config.limits),
            transfer: TransferTable::of(&config.transfer),
        }
    }
}

/// What the parser says, in words of a file and not of the program that reads it.
fn plain(message: &str) -> String {
    let words = [
        ("unknown variant", "unknown value"),
        ("a sequence", "a list"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: table"),
        ("path string", "a path as a string"),
    ];
    words.iter().fold(message.to_owned(), |message, (theirs, ours)| message.replace(theirs, ours))
}

impl ConfigFile {
    /// Reads a file's text. A folder that is no absolute path is found from `folder`, the one the file is in.
    /// An error is a place and what is wrong there.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, (Place, String)> {
        let table: Table = toml::from_str(text).map_err(|error| {
            let place = Place::of(text, error.span().map_or(0, |span| span.start));
            (place, visible(&plain(error.message())).to_string())
        })?;
        // Joined to the file's folder it would be that folder: nobody meant to share the configuration.
        for (key, path, otherwise) in [
            ("share", &table.share, "for a chat alone"),
            ("state_dir", &table.state_dir, "for the folder that the environment gives"),
        ] {
            if path.as_ref().is_some_and(|path| path.as_os_str().is_empty()) {
                let message = format!("{key} is empty: name a folder, or leave it out {otherwise}");
                return Err((locate(text, &[key]), message));
            }
        }
        if let Some(motd) = &table.motd {
            check_motd(motd).map_err(|message| (locate(text, &["motd"]), message))?;
        }
        let limits = table.limits.over(Limits::default());
        let transfer = table.transfer.over(TransferLimits::default());
        for (name, checked) in [("limits", limits.check()), ("transfer", check_transfer(&transfer))] {
            checked.map_err(|error| {
                let (key, message) = describe(&error);
                (locate(text, &[name, key]), message)
            })?;
        }
        let args = ServerArgs {
            listen: table.listen,
            udp: table.udp,
            share: table.share.map(|share| folder.join(share)),
            config: None,
            state_dir: table.state_dir.map(|folder_of_state| folder.join(folder_of_state)),
            metrics: table.metrics,
            metrics_host: table.metrics_host,
            check_config: false,
            print_config: false,
            grace: table.grace,
            log_format: table.log_format,
        };
        Ok(Self {
            args,
            motd: table.motd,
            limits,
            transfer,
            advertise: table.advertise,
            proxies: table.proxies,
        })
    }
}

/// Where the value of a key stands; the beginning of the file when it is not there.
fn locate(text: &str, path: &[&str]) -> Place {
    let start = Place { line: 1, column: 1 };
    let Ok(root) = DeTable::parse(text) else {
        return start;
    };
    let Some((last, tables)) = path.split_last() else {
        return start;
    };
    let mut table = root.get_ref();
    for key in tables {
        match table.get(*key).map(|value| value.get_ref().as_table()) {
            Some(Some(inner)) => table = inner,
            _ => return start,
        }
    }
    table.get(*last).map_or(start, |value| Place::of(text, value.span().start))
}
