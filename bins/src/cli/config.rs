//! The server's configuration: defaults, below a TOML file, below the environment, below flags.
//!
//! A key that nobody knows is an error with its place, not a setting that silently does nothing. Everything is
//! checked before a socket is opened, and again when SIGHUP asks for it: a file with an error changes nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use backchat_core::chat::Limits;
use backchat_core::chat::frame::check_text;
use backchat_core::node::TransferLimits;

use super::args::{BadVariable, CHAT_PORT, Environment, LogFormat, METRICS_PORT, ServerArgs, TRANSFER_PORT};
use super::values::{HostPort, Span};
use crate::net::proxy::CidrBlock;
use crate::paths::shown;

pub use self::file::ConfigFile;
pub use self::settings::{LimitsTable, TransferTable};
pub use super::toml_file::Place;

mod commented;
mod file;
mod settings;

/// What a server runs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the chat listens.
    pub listen: HostPort,
    /// Where downloads are served from.
    pub udp: HostPort,
    /// The folder whose files can be downloaded; without one it is a chat alone.
    pub share: Option<PathBuf>,
    /// How long downloads may go on after the first signal.
    pub grace: Span,
    /// How the log looks.
    pub log_format: LogFormat,
    /// What who joins is greeted with.
    pub motd: Option<String>,
    /// The limits of the chat.
    pub limits: Limits,
    /// What downloads may take.
    pub transfer: TransferLimits,
    /// Where clients are told to find downloads, where that is not where they are served from: behind a forwarded
    /// port, or in a container.
    pub advertise: Option<SocketAddr>,
    /// Where bans are kept and the control socket is; where the environment has it unless it is said.
    pub state_dir: Option<PathBuf>,
    /// Where Prometheus is answered; nowhere unless it is said.
    pub metrics: Option<HostPort>,
    /// The names that the metrics may be asked by, beside that of `metrics`.
    pub metrics_host: Vec<String>,
    /// Proxies and tunnels that say whom a connection is from, by the PROXY protocol.
    pub proxies: Vec<CidrBlock>,
}

/// How long downloads may go on where nothing was said.
const DEFAULT_GRACE: Span = Span::from_secs(10);

/// Most bytes of a greeting: with everything else in the welcome it has to fit one frame.
const MAX_MOTD_BYTES: u32 = 4096;

/// Most bytes of a configuration file. The documented sample has a few thousand.
const MAX_FILE_BYTES: u64 = 1 << 20;

impl Default for Config {
    fn default() -> Self {
        let local = |port| HostPort::from(SocketAddr::from(([127, 0, 0, 1], port)));
        Self {
            listen: local(CHAT_PORT),
            udp: local(TRANSFER_PORT),
            share: None,
            grace: DEFAULT_GRACE,
            log_format: LogFormat::default(),
            motd: None,
            limits: Limits::default(),
            transfer: TransferLimits::default(),
            advertise: None,
            state_dir: None,
            metrics: None,
            metrics_host: Vec::new(),
            proxies: Vec::new(),
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {}: {source}", shown(.path))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something in the file.
    #[error("{}:{place}: {message}", shown(.path))]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Where in it.
        place: Place,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// Something in the environment.
    #[error(transparent)]
    Variable(#[from] BadVariable),
}

impl Config {
    /// Reads the environment and the file that one of them names, and lays `flags` over both.
    pub fn load(flags: &ServerArgs, environment: &Environment) -> Result<Self, ConfigError> {
        let set = flags.clone().over(ServerArgs::of_environment(environment)?);
        let file = match &set.config {
            Some(path) => ConfigFile::parse(&read(path)?, path.parent().unwrap_or(Path::new("")))
                .map_err(|(place, message)| ConfigError::Invalid { path: path.clone(), place, message })?,
            None => ConfigFile::default(),
        };
        Ok(Self::of(set, file))
    }

    /// What flags and environment say, over what a file says, over the defaults.
    pub fn of(set: ServerArgs, file: ConfigFile) -> Self {
        let default = Self::default();
        let set = set.over(file.args);
        Self {
            listen: set.listen.map_or(default.listen, |listen| listen.with_default_port(CHAT_PORT)),
            udp: set.udp.map_or(default.udp, |udp| udp.with_default_port(TRANSFER_PORT)),
            share: set.share,
            grace: set.grace.unwrap_or(default.grace),
            log_format: set.log_format.unwrap_or(default.log_format),
            motd: file.motd,
            limits: file.limits,
            transfer: file.transfer,
            advertise: file.advertise,
            state_dir: set.state_dir,
            metrics_host: set.metrics_host,
            metrics: set.metrics.map(|metrics| metrics.with_default_port(METRICS_PORT)),
            proxies: file.proxies,
        }
    }

    /// Every name that the metrics may be asked by.
    pub fn metrics_hosts(&self) -> impl Iterator<Item = &str> {
        let listened = self.metrics.as_ref().map(HostPort::host);
        self.metrics_host.iter().map(String::as_str).chain(listened)
    }

    /// The configuration as a file that says the same.
    pub fn to_toml(&self) -> String {
        let table = file::Table::of(self);
        // Every key is text and every value a number or a text, which TOML can hold.
        toml::to_string(&table).unwrap_or_default()
    }

    /// The same as a file that explains every key.
    pub fn to_commented_toml(&self) -> String {
        commented::commented(self)
    }

    /// The keys that differ in `new` and that a running server cannot change.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let kept = [
            ("listen", self.listen == new.listen),
            ("udp", self.udp == new.udp),
            ("advertise", self.advertise == new.advertise),
            ("share", self.share == new.share),
            ("state_dir", self.state_dir == new.state_dir),
            ("metrics", self.metrics == new.metrics),
            ("metrics_host", self.metrics_host == new.metrics_host),
            ("proxies", self.proxies == new.proxies),
            ("log_format", self.log_format == new.log_format),
        ];
        kept.into_iter().filter(|(_, same)| !same).map(|(key, _)| key).collect()
    }
}

/// Reads a file that is not absurdly large.
fn read(path: &Path) -> Result<String, ConfigError> {
    use std::io::Read as _;
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(unreadable(std::io::Error::other(format!("larger than {MAX_FILE_BYTES} bytes"))));
    }
    Ok(text)
}

/// Whether a greeting can be sent.
fn check_motd(motd: &str) -> Result<(), String> {
    check_text(motd, MAX_MOTD_BYTES).map_err(|error| format!("motd: {error}"))
}

#[cfg(test)]
mod tests;
