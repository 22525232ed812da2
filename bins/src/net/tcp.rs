//! Chat connections over TCP.
//!
//! - `dialing`: which of a host's addresses is connected to.

mod dialing;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::errno::Errno;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Listener, Network, UdpSocket};
use crate::driver::sockets::Alarm;
pub use dialing::DIAL_TIMEOUT;

/// Silence after which the system asks a peer whether it is still there. Clients that take part with `nc` send
/// no pings of ours, and NATs forget an idle connection after some minutes; 2 h is what Linux would wait.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(60);

/// Between two questions when none was answered.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);

/// Unanswered questions after which the connection is dead.
const KEEPALIVE_RETRIES: u32 = 4;

/// Connections that the kernel holds for us until we take them. A room of thousands reconnects at once when a
/// server restarts, and a full queue costs each a second or more.
const BACKLOG: u32 = 4096;

/// How long no connection is taken after the process or the system had no descriptor or memory for one. Trying
/// at once would spin, for the connection stays in the queue.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// For how long connections are taken one by one after that. Many at once would take every descriptor again before it was
/// looked at who of them has gone long ago, and the log would flutter.
const CAUTIOUS_FOR: Duration = Duration::from_secs(1);

/// Between two of those.
const CAUTIOUS_PAUSE: Duration = Duration::from_millis(10);

/// Descriptors that connections leave free: for files that are downloaded, the share's folder, the metrics. A thirty-second
/// of the limit where that is less.
const KEPT_FREE: u64 = 256;

/// Listens for chat connections.
#[derive(Debug)]
pub struct TcpListener {
    listener: tokio::net::TcpListener,
    local: SocketAddr,
    /// Set while descriptors or memory have run out.
    exhausted_until: Option<Instant>,
    /// Runs until then.
    alarm: Alarm,
    /// Until when connections are taken one by one.
    cautious_until: Option<Instant>,
    /// Whether that was told. Once is enough until connections are taken again.
    is_told: bool,
    /// A shortage that comes back before this is told only if it lasts until then: those who connected and went during
    /// the first one may fill the descriptors once more for a moment.
    quiet_until: Option<Instant>,
    /// The connection taken last has one of the last descriptors: it is looked at how many are left before the next.
    is_tight: bool,
}

impl TcpListener {
    /// Listens on `address`; port 0 takes a free one. `[::]` takes IPv4 too where the system says so.
    ///
    /// # Errors
    /// What the system says, such as `AddrInUse`.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
            SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
        };
        // A restarted server gets its port back at once, and not another server's.
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let local = listener.local_addr()?;
        Ok(Self {
            listener,
            local,
            exhausted_until: None,
            alarm: Alarm::default(),
            cautious_until: None,
            is_told: false,
            quiet_until: None,
            is_tight: false,
        })
    }
}

impl TcpListener {
    /// Takes no connection for a while.
    fn pause(&mut self, error: &dyn std::fmt::Display) {
        let now = Instant::now();
        if !self.is_told && self.quiet_until.is_none_or(|until| until <= now) {
            self.is_told = true;
            tracing::warn!(%error, "no connection can be taken until another ends; raise the limit (ulimit -n)");
        }
        self.exhausted_until = Some(now + EXHAUSTED_PAUSE);
        self.cautious_until = Some(now + CAUTIOUS_FOR);
    }
}

/// The number of a connection's descriptor. The system gives the lowest that is free, so that a high number says that few
/// are left.
#[cfg(unix)]
fn descriptor_of(stream: &TcpStream) -> u64 {
    use std::os::fd::AsRawFd as _;
    u64::try_from(stream.as_raw_fd()).unwrap_or(0)
}

/// The descriptor that the next file or connection would get.
#[cfg(unix)]
fn lowest_free_descriptor(listener: &tokio::net::TcpListener) -> io::Result<u64> {
    use std::os::fd::AsRawFd as _;
    let copy = rustix::io::fcntl_dupfd_cloexec(listener, 0)?;
    Ok(u64::try_from(copy.as_raw_fd()).unwrap_or(0))
}

#[cfg(unix)]
fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn descriptor_of(_: &TcpStream) -> u64 {
    0
}

#[cfg(not(unix))]
fn lowest_free_descriptor(_: &tokio::net::TcpListener) -> io::Result<u64> {
    Ok(0)
}

#[cfg(not(unix))]
fn descriptor_limit() -> Option<u64> {
    None
}

/// Whether a descriptor is one of those that connections leave free.
fn is_kept_free(descriptor: u64, limit: Option<u64>) -> bool {
    limit.is_some_and(|limit| descriptor + KEPT_FREE.min(limit / 32) >= limit)
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        loop {
            if self.exhausted_until.is_some() {
                ready!(self.alarm.poll(cx, self.exhausted_until));
                self.exhausted_until = None;
            }
            if self.is_tight {
                match lowest_free_descriptor(&self.listener) {
                    Ok(lowest) if !is_kept_free(lowest, descriptor_limit()) => self.is_tight = false,
                    Ok(_) => {
                        self.pause(&"the last descriptors are kept for downloads");
                        continue;
                    }
                    Err(error) => {
                        self.pause(&error);
                        continue;
                    }
                }
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((stream, peer)) => {
                    self.is_tight = is_kept_free(descriptor_of(&stream), descriptor_limit());
                    if std::mem::take(&mut self.is_told) {
                        self.quiet_until = Some(Instant::now() + CAUTIOUS_FOR);
                        tracing::info!("connections are taken again");
                    }
                    if self.cautious_until.is_some_and(|until| Instant::now() < until) {
                        self.exhausted_until = Some(Instant::now() + CAUTIOUS_PAUSE);
                    }
                    if let Err(error) = prepare(&stream) {
                        // The peer was gone before we had a look.
                        tracing::debug!(%peer, %error, "connection not taken");
                        continue;
                    }
                    return Poll::Ready(Ok((stream, canonical(peer))));
                }
                Err(error) => match Trouble::of(&error) {
                    Trouble::Connection => {}
                    Trouble::Exhausted => self.pause(&error),
                    Trouble::Listener => return Poll::Ready(Err(error)),
                },
            }
        }
    }
}

/// The side that an error of `accept` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The connection that was to be taken: the next one may be well.
    Connection,
    /// The process or the system has nothing left to hold a connection with.
    Exhausted,
    /// Listening itself.
    Listener,
}

impl Trouble {
    fn of(error: &io::Error) -> Self {
        match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => Self::Exhausted,
            Some(Errno::BADF | Errno::INVAL | Errno::NOTSOCK | Errno::OPNOTSUPP) => Self::Listener,
            // accept(2) passes on what went wrong on the network, and lists a dozen errors to be tried again.
            _ => Self::Connection,
        }
    }
}

/// The options that every chat connection has.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    // Whole frames are written at once: waiting for more to fill a packet only delays them.
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// An IPv4 peer of an IPv6 socket is the IPv4 peer that it is, so that limits per address see one address.
fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

/// Returns the address without its port as a resolver understands it: an IPv6 address with its scope, where it has one, and
/// no brackets (RFC 4007 §11).
pub(crate) fn host_of(address: SocketAddr) -> String {
    match address {
        SocketAddr::V6(it) if it.scope_id() != 0 => format!("{}%{}", it.ip(), it.scope_id()),
        _ => address.ip().to_string(),
    }
}

/// A client's ways out over the real network.
#[derive(Clone, Debug)]
pub struct TcpNetwork {
    host: String,
    port: u16,
}

impl TcpNetwork {
    /// To `host`, a name or an address with its scope where it has one (`fe80::1%eth0`). It is looked up at each attempt,
    /// for servers move.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }
}

impl From<SocketAddr> for TcpNetwork {
    fn from(address: SocketAddr) -> Self {
        Self::new(host_of(address), address.port())
    }
}

impl Network for TcpNetwork {
    type Stream = TcpStream;
    type Udp = UdpSocket;

    fn connect(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send + 'static {
        let Self { host, port } = self.clone();
        async move {
            // Host and port apart: the resolver understands a scope, and no brackets.
            let addresses = tokio::net::lookup_host((host, port)).await?;
            let stream = dialing::dial(addresses, TcpStream::connect).await?;
            prepare(&stream)?;
            let server = stream.peer_addr()?;
            Ok((stream, server))
        }
    }

    fn bind_udp(&self, server: SocketAddr) -> impl Future<Output = io::Result<UdpSocket>> + Send + 'static {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        UdpSocket::bind(SocketAddr::new(any, 0))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn accept(listener: &mut TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| listener.poll_accept(cx)).await
    }

    fn loopback() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }

    #[tokio::test]
    async fn both_ends_send_at_once_and_notice_a_dead_peer() {
        let mut listener = TcpListener::bind(loopback()).await.unwrap();
        let network = TcpNetwork::from(listener.local_addr());
        let (accepted, connected) = tokio::join!(accept(&mut listener), network.connect());
        let ((mut here, peer), (mut there, server)) = (accepted.unwrap(), connected.unwrap());
        assert_eq!(server, listener.local_addr());
        assert_eq!(peer, there.local_addr().unwrap());
        for stream in [&here, &there] {
            assert!(stream.nodelay().unwrap());
            assert!(SockRef::from(stream).keepalive().unwrap());
            assert_eq!(SockRef::from(stream).tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
        }
        here.write_all(b"hello\n").await.unwrap();
        let mut line = [0; 6];
        there.read_exact(&mut line).await.unwrap();
        assert_eq!(&line, b"hello\n");
    }

    #[tokio::test]
    async fn an_ipv4_peer_of_an_ipv6_listener_is_an_ipv4_peer() {
        let Ok(mut listener) = TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).await else {
            return; // a machine without IPv6
        };
        let network = TcpNetwork::new("127.0.0.1", listener.local_addr().port());
        let (accepted, connected) = tokio::join!(accept(&mut listener), network.connect());
        assert!(accepted.unwrap().1.is_ipv4());
        assert!(connected.unwrap().1.is_ipv4());
    }

    #[tokio::test]
    async fn an_address_with_a_scope_is_understood() {
        let Ok(mut listener) = TcpListener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, 0))).await else {
            return; // a machine without IPv6
        };
        // By name or by number, as `ip address` prints them. Loopback takes a scope, and needs none.
        for host in ["::1%lo", "::1%1"] {
            let network = TcpNetwork::new(host, listener.local_addr().port());
            let connected = match network.connect().await {
                Ok(connected) => connected,
                // A system that calls its loopback otherwise says so in its own words.
                Err(error) if host.ends_with("lo") => {
                    assert!(!error.to_string().contains("invalid socket address"), "{error}");
                    continue;
                }
                Err(error) => panic!("{host}: {error}"),
            };
            accept(&mut listener).await.unwrap();
            assert_eq!(connected.1.port(), listener.local_addr().port());
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_says_so() {
        let first = TcpListener::bind(loopback()).await.unwrap();
        let second = TcpListener::bind(first.local_addr()).await;
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn running_out_of_descriptors_does_not_end_the_listening() {
        let trouble = |errno: Errno| Trouble::of(&io::Error::from_raw_os_error(errno.raw_os_error()));
        assert_eq!(trouble(Errno::MFILE), Trouble::Exhausted);
        assert_eq!(trouble(Errno::NFILE), Trouble::Exhausted);
        assert_eq!(trouble(Errno::CONNABORTED), Trouble::Connection);
        assert_eq!(trouble(Errno::NETUNREACH), Trouble::Connection);
        assert_eq!(trouble(Errno::BADF), Trouble::Listener);
    }

    #[test]
    fn connections_leave_the_last_descriptors_free() {
        assert!(!is_kept_free(991, Some(1024)) && is_kept_free(992, Some(1024)));
        assert!(!is_kept_free(65_279, Some(65_536)) && is_kept_free(65_280, Some(65_536)));
        assert!(!is_kept_free(1 << 40, None));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn it_is_known_which_descriptor_comes_next() {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        assert!(lowest_free_descriptor(&listener.listener).unwrap() > 2);
        assert!(descriptor_limit().is_none_or(|limit| limit > 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_outlives_a_cancelled_accept() {
        let mut listener = TcpListener::bind(loopback()).await.unwrap();
        let until = Instant::now() + EXHAUSTED_PAUSE;
        listener.exhausted_until = Some(until);
        let cancelled = tokio::time::timeout(EXHAUSTED_PAUSE / 2, accept(&mut listener)).await;
        assert!(cancelled.is_err());
        assert_eq!(listener.exhausted_until, Some(until));
    }
}
