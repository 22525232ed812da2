//! Datagrams over real sockets, in batches: what decides the speed of a download is the number of system calls.
//!
//! Linux takes up to 64 equal datagrams in one call (GSO) and hands them over in one buffer (GRO), and says which
//! of our addresses a datagram was sent to (IP_PKTINFO), so that a server bound to all of them answers from the
//! one that was asked. quinn-udp knows how on each system and where it does not work.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use backchat_core::node::Path;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use tokio::io::Interest;

use super::batch::BATCH_SLOTS;
use super::{Batch, Udp};

/// What we ask the system to hold for us, in each direction. It gives what its limits allow: on Linux
/// `net.core.rmem_max`, by default 212,992, doubled.
pub const SOCKET_BUFFER: usize = 2 * 1024 * 1024;

/// The most bytes that one call may carry: the longest UDP payload over IPv4.
const MAX_SEND: usize = 65_507;

/// A bound UDP socket.
#[derive(Debug)]
pub struct UdpSocket {
    io: tokio::net::UdpSocket,
    state: UdpSocketState,
    local: SocketAddr,
    receive_buffer: usize,
    /// Datagrams a call; falls to 1 when the system refuses batches that it takes one by one.
    segments: usize,
}

impl UdpSocket {
    /// Binds to `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// What the system says, such as `AddrInUse`.
    pub async fn bind(address: SocketAddr) -> io::Result<Self> {
        let io = tokio::net::UdpSocket::bind(address).await?;
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        // A system that refuses keeps its default: fewer bytes in flight, no failure.
        let _ = state.set_recv_buffer_size((&io).into(), SOCKET_BUFFER);
        let _ = state.set_send_buffer_size((&io).into(), SOCKET_BUFFER);
        let receive_buffer = state.recv_buffer_size((&io).into())?;
        let local = io.local_addr()?;
        let segments = state.max_gso_segments().max(1);
        // tokio learns that a socket can be written to from its first event: without this, the first send says
        // WouldBlock.
        io.writable().await?;
        Ok(Self { io, state, local, receive_buffer, segments })
    }

    /// One system call.
    fn send(&self, path: &Path, contents: &[u8], segment_size: Option<usize>) -> io::Result<()> {
        let transmit =
            Transmit { destination: path.remote, ecn: None, contents, segment_size, src_ip: path.local };
        self.io.try_io(Interest::WRITABLE, || self.state.try_send(UdpSockRef::from(&self.io), &transmit))
    }

    /// One call a datagram. What fails for another reason than a full buffer is lost, as on any network.
    fn send_singly(&self, path: &Path, bytes: &[u8], segment: usize) -> io::Result<Singly> {
        let mut done = Singly { taken: 0, failed: 0 };
        for datagram in bytes.chunks(segment) {
            match self.send(path, datagram, None) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return if done.taken == 0 { Err(error) } else { Ok(done) };
                }
                Err(error) => {
                    tracing::debug!(remote = %path.remote, %error, "datagram lost in sending");
                    done.failed += 1;
                }
            }
            done.taken += datagram.len();
        }
        Ok(done)
    }
}

/// What became of datagrams sent one by one.
struct Singly {
    /// Bytes.
    taken: usize,
    /// Datagrams that the system would not send.
    failed: usize,
}

impl Udp for UdpSocket {
    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    fn max_segments(&self) -> usize {
        self.segments
    }

    fn receive_buffer(&self) -> usize {
        self.receive_buffer
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_recv_ready(cx)
    }

    fn poll_writable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_send_ready(cx)
    }

    fn try_send(&mut self, path: &Path, bytes: &[u8], segment: usize) -> io::Result<usize> {
        let segment = segment.max(1);
        let segments = self.max_segments();
        if segments == 1 || bytes.len() <= segment {
            return self.send_singly(path, bytes, segment).map(|done| done.taken);
        }
        let call = segment * segments.min(MAX_SEND / segment).max(1);
        let mut taken = 0;
        for batch in bytes.chunks(call) {
            match self.send(path, batch, Some(segment)) {
                Ok(()) => taken += batch.len(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return if taken == 0 { Err(error) } else { Ok(taken) };
                }
                // EMSGSIZE: longer than the path's MTU, which IP can split only one by one. EIO, EINVAL: perhaps
                // a driver that cannot do it. Other errors are tried again for the price of some calls.
                Err(error) => match self.send_singly(path, batch, segment) {
                    Ok(done) => {
                        taken += done.taken;
                        // A peer with an impossible address makes every way fail: that says nothing of batches.
                        if done.failed == 0 && is_batching_unsupported(&error) {
                            tracing::info!(%error, "sending datagrams one by one from now on");
                            self.segments = 1;
                        }
                        if done.taken < batch.len() {
                            return Ok(taken);
                        }
                    }
                    Err(blocked) => return if taken == 0 { Err(blocked) } else { Ok(taken) },
                },
            }
        }
        Ok(taken)
    }

    fn try_recv(&mut self, batch: &mut Batch) -> io::Result<()> {
        let mut metas = [RecvMeta::default(); BATCH_SLOTS];
        let received = {
            let mut slots = batch.slots();
            loop {
                let result = self.io.try_io(Interest::READABLE, || {
                    self.state.recv(UdpSockRef::from(&self.io), &mut slots, &mut metas)
                });
                match result {
                    Ok(received) => break received,
                    // ICMP about something that we sent, to somebody. Each report is given once.
                    Err(error) if is_from_the_network(&error) => {}
                    Err(error) => return Err(error),
                }
            }
        };
        for (slot, meta) in metas.iter().take(received).enumerate() {
            // Only when bound to all addresses does it matter which one was asked, and only then is it told:
            // a path must be the same for every datagram of it.
            let local = if self.local.ip().is_unspecified() { meta.dst_ip } else { None };
            // Nobody can be answered at port 0, and nobody from an address that stands for many.
            if meta.addr.port() != 0 && !local.is_some_and(stands_for_many) {
                batch.push(slot, Path { remote: meta.addr, local }, meta.len, meta.stride);
            }
        }
        Ok(())
    }
}

fn stands_for_many(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_multicast(),
    }
}

fn is_batching_unsupported(error: &io::Error) -> bool {
    use crate::errno::Errno;
    matches!(error.raw_os_error().map(Errno::from_raw_os_error), Some(Errno::IO | Errno::INVAL))
}

fn is_from_the_network(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkDown,
        NetworkUnreachable,
    };
    matches!(
        error.kind(),
        ConnectionRefused
            | ConnectionReset
            | ConnectionAborted
            | HostUnreachable
            | NetworkUnreachable
            | NetworkDown
    ) || quinn_udp::is_msg_size_err(error)
}

#[cfg(test)]
mod tests;
