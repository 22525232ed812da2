//! The configuration file: TOML, every key optional, an unknown one an error that says where it stands.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use backchat_core::chat::Limits;
use backchat_core::node::TransferLimits;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::settings::{LimitsTable, TransferTable, check_transfer, describe};
use super::{Config, check_motd};
use crate::cli::args::{LogFormat, ServerArgs};
use crate::cli::toml_file::{self, Place, locate};
use crate::cli::values::{HostPort, Span};
use crate::net::proxy::{BadCidrBlock, CidrBlock};

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
    pub(super) proxies: Vec<CidrBlock>,
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
    proxies: Vec<CidrBlock>,
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

fn ranges<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CidrBlock>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let range = |text: String| {
        text.parse().map_err(|error: BadCidrBlock| serde::de::Error::custom(format!("'{text}': {error}")))
    };
    texts.into_iter().map(range).collect()
}

fn as_texts<S: Serializer>(ranges: &[CidrBlock], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ranges.iter().map(CidrBlock::to_string))
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

impl ConfigFile {
    /// Reads a file's text. A folder that is no absolute path is found from `folder`, the one the file is in.
    /// An error is a place and what is wrong there.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, (Place, String)> {
        let table: Table = toml_file::read(text)?;
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
