//! What the loops ask of the world, file systems aside: datagrams, streams, time, entropy.
//!
//! Each is a trait with a real implementation below this module and a simulated one elsewhere. Waiting is a `poll_…`
//! with the contract of [`Future::poll`], moving bytes is a call that never waits. Nothing here knows what a datagram
//! or a line means.

mod batch;
mod clock;
pub mod proxy;
mod tcp;
mod udp;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use backchat_core::node::Path;
use backchat_core::time::{Instant, UnixTime};
use tokio::io::{AsyncRead, AsyncWrite};

pub use batch::{Batch, Group};
pub use clock::{SystemClock, SystemEntropy};
pub use proxy::ProxyListener;
pub(crate) use tcp::host_of;
pub use tcp::{DIAL_TIMEOUT, KEEPALIVE_IDLE, TcpListener, TcpNetwork};
pub use udp::{SOCKET_BUFFER, UdpSocket};

/// A UDP socket. It has one reader and one writer: two tasks waiting on one socket take each other's wake-ups.
pub trait Udp: Send {
    /// The address that it is bound to.
    fn local_addr(&self) -> SocketAddr;

    /// How many datagrams one [`try_send`](Self::try_send) should carry: 1 where the system sends them one by one.
    fn max_segments(&self) -> usize;

    /// Bytes that the system holds for us before it drops, as the system counts them: its own overhead is in
    /// there, so fewer bytes of datagrams fit. On Linux about 7/8 of it as batches and 4/9 as single packets.
    fn receive_buffer(&self) -> usize;

    /// Ready when [`try_recv`](Self::try_recv) is worth a call. May be wrong.
    ///
    /// # Errors
    /// This socket will not receive again.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ready when [`try_send`](Self::try_send) is worth a call. May be wrong.
    ///
    /// # Errors
    /// This socket will not send again.
    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sends `bytes` as datagrams of `segment` bytes each, the last perhaps shorter. Answers how many *bytes* the
    /// system took: all of them, or a multiple of `segment` when it would have had to wait for the others.
    ///
    /// # Errors
    /// `WouldBlock` when it took none. Whatever else goes wrong with a datagram is a datagram lost, which the
    /// protocol mends: an implementation counts it as taken.
    fn try_send(&mut self, path: &Path, bytes: &[u8], segment: usize) -> io::Result<usize>;

    /// Fills `batch` with what has arrived, at most as much as it holds.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there. Any other error means that this socket will not receive again; what
    /// a peer can cause (ICMP) is none.
    fn try_recv(&mut self, batch: &mut Batch) -> io::Result<()>;
}

/// A chat connection. Dropping it closes it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Where chat connections come from.
pub trait Listener: Send {
    /// The connections.
    type Stream: Stream;

    /// The address that it listens on.
    fn local_addr(&self) -> SocketAddr;

    /// The next connection and its peer's address, which is plain IPv4 where an IPv6 socket took an IPv4 peer.
    ///
    /// # Errors
    /// Only what ends the listening. A connection that died in the queue, or a process that has no descriptors
    /// left, is waited out in here.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Self::Stream, SocketAddr)>>;
}

/// A client's ways out.
pub trait Network: Send {
    /// The chat connection.
    type Stream: Stream + 'static;
    /// The socket for downloads.
    type Udp: Udp + 'static;

    /// Connects to the server. Answers the address that was reached: a name may stand for several.
    ///
    /// # Errors
    /// What the system says of the last address that was tried.
    fn connect(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send + 'static;

    /// A socket on a free port, of the family of `server`.
    ///
    /// # Errors
    /// What the system says.
    fn bind_udp(&self, server: SocketAddr) -> impl Future<Output = io::Result<Self::Udp>> + Send + 'static;
}

/// Time. Every instant of one run comes from one clock, whose epoch is its creation.
pub trait Clock: Send {
    /// Now.
    fn now(&self) -> Instant;

    /// `at` as tokio has it, whose timers are waited with; `None` for a time that tokio cannot tell, which never comes.
    fn to_tokio(&self, at: Instant) -> Option<tokio::time::Instant>;

    /// The calendar's time, for people.
    fn wall(&self) -> UnixTime;
}

/// Where a run's seed comes from.
pub trait Entropy {
    /// 32 bytes that nobody can guess, or that a simulator wants.
    ///
    /// # Errors
    /// The system has no entropy for us.
    fn seed(&mut self) -> io::Result<[u8; 32]>;
}
