//! Sockets and the share: what can go wrong before a server is ready.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use backchat_core::text::visible;

use crate::cli::args::{CHAT_PORT, METRICS_PORT, TRANSFER_PORT};
use crate::cli::config::Config;
use crate::cli::values::HostPort;
use crate::driver::ServeError;
use crate::files::real::RealDisk;
use crate::files::{FolderShare, Where};
use crate::net::{Listener as _, TcpListener, Udp as _, UdpSocket};

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
        "{address} is in use, so {what} cannot be there: stop what uses it, or choose another port with {flag}"
    )]
    InUse { flag: &'static str, what: &'static str, address: SocketAddr },
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
    /// It ran, and cannot any more.
    #[error(transparent)]
    Serving(ServeError),
}

impl Failed {
    /// What the system says of a share.
    pub(super) fn share(path: &Path, source: io::Error) -> Self {
        let path = visible(&path.to_string_lossy()).to_string();
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
    FolderShare::open(RealDisk, PathBuf::from(folder), Where::Pool)
        .map_err(|error| Failed::share(folder, error))
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
        const CHAT: (&str, &str) = ("--listen", "the chat");
        const DOWNLOADS: (&str, &str) = ("--udp", "downloads");
        let mut last = None;
        let mut udp = None;
        for address in resolve(&config.udp, TRANSFER_PORT, DOWNLOADS.0).await? {
            match UdpSocket::bind(address).await {
                Ok(socket) => {
                    udp = Some(socket);
                    break;
                }
                Err(error) => last = Some(unbindable(DOWNLOADS, address, error)),
            }
        }
        let Some(udp) = udp else {
            return Err(last.unwrap_or_else(|| unresolved(DOWNLOADS.0, &config.udp, nothing())));
        };
        let metrics = match &config.metrics {
            Some(host) => Some(listen_for_scrapes(host).await?),
            None => None,
        };
        let mut last = None;
        for address in resolve(&config.listen, CHAT_PORT, CHAT.0).await? {
            match TcpListener::bind(address).await {
                Ok(listener) => return Ok(Self { listener, udp, metrics }),
                Err(error) => last = Some(unbindable(CHAT, address, error)),
            }
        }
        Err(last.unwrap_or_else(|| unresolved(CHAT.0, &config.listen, nothing())))
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

/// Binds where Prometheus is answered.
async fn listen_for_scrapes(host: &HostPort) -> Result<tokio::net::TcpListener, Failed> {
    const METRICS: (&str, &str) = ("--metrics", "metrics");
    let mut last = None;
    for address in resolve(host, METRICS_PORT, METRICS.0).await? {
        match tokio::net::TcpListener::bind(address).await {
            Ok(listener) => return Ok(listener),
            Err(error) => last = Some(unbindable(METRICS, address, error)),
        }
    }
    Err(last.unwrap_or_else(|| unresolved(METRICS.0, host, nothing())))
}

/// The addresses that a host stands for, in the order in which they are tried.
async fn resolve(host: &HostPort, default: u16, flag: &'static str) -> Result<Vec<SocketAddr>, Failed> {
    let found = tokio::net::lookup_host((host.host(), host.port_or(default))).await;
    let found: Vec<SocketAddr> =
        found.map(Iterator::collect).map_err(|error| unresolved(flag, host, error))?;
    // The system would listen there, and nobody would ever come.
    match found.iter().find(|address| stands_for_many(address.ip())) {
        Some(many) => Err(Failed::Many { flag, address: many.ip() }),
        None => Ok(found),
    }
}

fn stands_for_many(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::from([255; 4])
}

fn nothing() -> io::Error {
    io::Error::other("the name stands for no address")
}

fn unresolved(flag: &'static str, host: &HostPort, source: io::Error) -> Failed {
    Failed::Unresolved { flag, host: host.host().to_owned(), source }
}

fn unbindable((flag, what): (&'static str, &'static str), address: SocketAddr, source: io::Error) -> Failed {
    match source.kind() {
        io::ErrorKind::AddrInUse => Failed::InUse { flag, what, address },
        _ => Failed::Unbindable { flag, what, address, source },
    }
}
