//! Sockets and the share: what can go wrong before a server is ready.
//!
//! `ephemeral`: ports that the system gives to others.

pub(super) mod ephemeral;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::control::NoSocket;
use super::state::NoState;
use super::state::bans::Unreadable;
use crate::cli::args::{CHAT_PORT, METRICS_PORT, TRANSFER_PORT};
use crate::cli::config::Config;
use crate::cli::values::HostPort;
use crate::driver::ServeError;
use crate::files::FolderShare;
use crate::files::real::RealDisk;
use crate::net::{Listener as _, TcpListener, Udp as _, UdpSocket};
use crate::paths::shown;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Signals cannot be had.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// A name stands for no address.
    #[error("cannot find the address of '{host}' for {flag}: {source}")]
    Unresolved { flag: &'static str, host: String, source: io::Error },
    /// A port is taken.
    #[error(
        "{address} is in use, so {what} cannot be there: stop what uses it, or choose another port with {flag}{hint}"
    )]
    InUse { flag: &'static str, what: &'static str, address: SocketAddr, hint: String },
    /// An address is not ours, a port not for us, or anything else.
    #[error("cannot use {address} for {what}: {source}; choose another with {flag}")]
    Unbindable { flag: &'static str, what: &'static str, address: SocketAddr, source: io::Error },
    /// Nobody can connect to a group.
    #[error(
        "{address} stands for many machines: choose an address of this one with {flag}, or 0.0.0.0 for all"
    )]
    Many { flag: &'static str, address: IpAddr },
    /// The folder is not there.
    #[error("the share {path} does not exist: create it, or choose another folder with --share")]
    ShareMissing { path: String },
    /// It is a file, or a device.
    #[error("the share {path} is not a folder: choose one with --share")]
    ShareNotAFolder { path: String },
    /// It is not for us.
    #[error(
        "the share {path} may not be read: change its permissions, or choose another folder with --share"
    )]
    ShareDenied { path: String },
    /// Anything else about it.
    #[error("cannot open the share {path}: {source}")]
    Share { path: String, source: io::Error },
    /// The folder of the state.
    #[error(transparent)]
    State(NoState),
    /// Who must not come in is not known.
    #[error(transparent)]
    Bans(Unreadable),
    /// Nobody could administer it.
    #[error(transparent)]
    Control(NoSocket),
    /// It ran, and cannot any more.
    #[error(transparent)]
    Serving(ServeError),
}

impl Failed {
    /// What the system says of a share.
    pub(super) fn share(path: &Path, source: io::Error) -> Self {
        let path = shown(path);
        match source.kind() {
            io::ErrorKind::NotFound => Self::ShareMissing { path },
            io::ErrorKind::NotADirectory => Self::ShareNotAFolder { path },
            io::ErrorKind::PermissionDenied => Self::ShareDenied { path },
            _ => Self::Share { path, source },
        }
    }
}

/// Opens the folder whose files can be downloaded.
pub(super) fn open_share(folder: &Path) -> Result<FolderShare<RealDisk>, Failed> {
    FolderShare::open(RealDisk, PathBuf::from(folder)).map_err(|error| Failed::share(folder, error))
}

/// The sockets of a server.
#[derive(Debug)]
pub(super) struct Bound {
    listener: TcpListener,
    udp: UdpSocket,
    metrics: Option<tokio::net::TcpListener>,
}

impl Bound {
    /// Binds them. The listener is last: who can connect is served.
    pub(super) async fn new(config: &Config) -> Result<Self, Failed> {
        let udp = Address::udp(config).bind(UdpSocket::bind).await?;
        let metrics = match Address::metrics(config) {
            Some(address) => Some(address.bind(tokio::net::TcpListener::bind).await?),
            None => None,
        };
        let listener = Address::chat(config).bind(TcpListener::bind).await?;
        Ok(Self { listener, udp, metrics })
    }

    /// Warns where people could chat and not download: the easiest mistake is to open one address and not the other.
    pub(super) fn warn_if_apart(&self, advertise: Option<SocketAddr>) {
        let (chat, transfer) = (self.chat().ip(), advertise.unwrap_or(self.transfer()).ip());
        if transfer.is_loopback() && !chat.is_loopback() {
            tracing::warn!(
                "the chat can be reached from elsewhere at {chat}, downloads cannot: --udp is {transfer}"
            );
        } else if chat.is_ipv4() && transfer.is_ipv6() && !transfer.is_unspecified() {
            tracing::warn!(
                "who reaches the chat over IPv4 at {chat} cannot reach downloads at {transfer}: change --udp"
            );
        } else if chat.is_ipv6() && !chat.is_unspecified() && transfer.is_ipv4() {
            tracing::warn!(
                "who reaches the chat over IPv6 at {chat} cannot reach downloads at {transfer}: change --udp"
            );
        }
    }

    /// Where the chat is.
    pub(super) fn chat(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Where downloads come from.
    pub(super) fn transfer(&self) -> SocketAddr {
        self.udp.local_addr()
    }

    /// Where Prometheus is answered, if it is.
    pub(super) fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    pub(super) fn into_sockets(self) -> (TcpListener, UdpSocket, Option<tokio::net::TcpListener>) {
        (self.listener, self.udp, self.metrics)
    }
}

/// Where something is to be, as an operator has written it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address<'a> {
    host: &'a HostPort,
    default: u16,
    flag: &'static str,
    what: &'static str,
}

impl<'a> Address<'a> {
    /// Where downloads are served from.
    pub(super) fn udp(config: &'a Config) -> Self {
        Self { host: &config.udp, default: TRANSFER_PORT, flag: "--udp", what: "downloads" }
    }

    /// Where the chat is.
    pub(super) fn chat(config: &'a Config) -> Self {
        Self { host: &config.listen, default: CHAT_PORT, flag: "--listen", what: "the chat" }
    }

    /// Where Prometheus is answered, if it is.
    pub(super) fn metrics(config: &'a Config) -> Option<Self> {
        let host = config.metrics.as_ref()?;
        Some(Self { host, default: METRICS_PORT, flag: "--metrics", what: "metrics" })
    }

    /// All of them, in the order in which they are taken.
    pub(super) fn all(config: &'a Config) -> impl Iterator<Item = Self> {
        [Some(Self::udp(config)), Self::metrics(config), Some(Self::chat(config))].into_iter().flatten()
    }

    /// Whether it is for datagrams.
    pub(super) fn is_udp(&self) -> bool {
        self.flag == "--udp"
    }

    /// The port that is asked for; 0 for any.
    pub(super) fn port(&self) -> u16 {
        self.host.port_or(self.default)
    }

    /// The addresses that the host stands for, in the order in which they are tried.
    pub(super) async fn resolve(&self) -> Result<Vec<SocketAddr>, Failed> {
        let found = tokio::net::lookup_host((self.host.host(), self.port())).await;
        let found: Vec<SocketAddr> =
            found.map(Iterator::collect).map_err(|error| self.unresolved_for(error))?;
        // The system would listen there, and nobody would ever come.
        match found.iter().find(|address| stands_for_many(address.ip())) {
            Some(many) => Err(Failed::Many { flag: self.flag, address: many.ip() }),
            None => Ok(found),
        }
    }

    /// Binds at the first address that can be had.
    async fn bind<T, F>(&self, bind: impl Fn(SocketAddr) -> F) -> Result<T, Failed>
    where
        F: Future<Output = io::Result<T>>,
    {
        let mut last = None;
        for address in self.resolve().await? {
            match bind(address).await {
                Ok(bound) => return Ok(bound),
                Err(error) => last = Some(self.unbindable(address, error)),
            }
        }
        Err(last.unwrap_or_else(|| self.unresolved()))
    }

    /// The name stands for nothing.
    pub(super) fn unresolved(&self) -> Failed {
        self.unresolved_for(io::Error::other("the name stands for no address"))
    }

    fn unresolved_for(&self, source: io::Error) -> Failed {
        Failed::Unresolved { flag: self.flag, host: self.host.host().to_owned(), source }
    }

    /// What the system says of an address.
    pub(super) fn unbindable(&self, address: SocketAddr, source: io::Error) -> Failed {
        let (flag, what) = (self.flag, self.what);
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                let hint =
                    ephemeral::hint(&[address.port()]).map(|hint| format!(". {hint}")).unwrap_or_default();
                Failed::InUse { flag, what, address, hint }
            }
            _ => Failed::Unbindable { flag, what, address, source },
        }
    }
}

fn stands_for_many(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::from([255; 4])
}
