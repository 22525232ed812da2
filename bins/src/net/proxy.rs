//! Connections that a proxy or a tunnel passes on, with the addresses that they come from.
//!
//! Behind one everybody has its address, and limits by address hold for all of them together or, on loopback, for nobody.
//! So proxies at configured addresses begin each connection with a header of the PROXY protocol, version 2, as HAProxy's
//! specification has it ("The PROXY protocol, Versions 1 & 2", §2.2), and the peer that it names is the peer from then on.
//! A connection from there without such a header is closed: its peer would be the proxy, whose share everybody would have.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backchat_core::chat::foreign::PROXY_V2_SIGNATURE;
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::{Listener, Stream};

/// The signature, version and command, family and protocol, and how many bytes follow.
const FIXED_BYTES: usize = 16;

/// The most that may follow the fixed part: addresses of 216 bytes at most (§2.2), and TLVs. A proxy in use sends less than
/// half of it.
const MOST_BYTES: usize = 2048;

/// How long a proxy may take for its header. It sends it before anything else, so that this is a round trip.
const HEADER_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections whose header has not come. With more, others wait in the queue of the system.
const WAITING_MOST: usize = 256;

/// The peer that a connection is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proxied {
    /// From there.
    From(SocketAddr),
    /// From the proxy itself, to see whether we are alive (`LOCAL`); or from where no address is known (`UNSPEC`, `UNIX`).
    Itself,
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// They begin otherwise.
    #[error("it does not begin with a header of the PROXY protocol, version 2")]
    NoSignature,
    /// Another version than 2, or a command that is none.
    #[error("its version and command are {0:#04x}")]
    VersionOrCommand(u8),
    /// Not a stream.
    #[error("its family and protocol are {0:#04x}")]
    Protocol(u8),
    /// More than [`MOST_BYTES`], or too few for the addresses.
    #[error("its length is {0}")]
    Length(usize),
}

/// How many bytes follow the fixed part of a header.
///
/// # Errors
/// It is no header that is taken.
pub fn rest_of_header(fixed: &[u8; FIXED_BYTES]) -> Result<usize, BadHeader> {
    let [.., high, low] = *fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    match fixed.starts_with(&PROXY_V2_SIGNATURE) {
        false => Err(BadHeader::NoSignature),
        true if length > MOST_BYTES => Err(BadHeader::Length(length)),
        true => Ok(length),
    }
}

/// The meaning of a whole header: its fixed part, and the `rest` that [`rest_of_header`] told the length of.
///
/// # Errors
/// It is no header that is taken.
pub fn parse_header(fixed: &[u8; FIXED_BYTES], rest: &[u8]) -> Result<Proxied, BadHeader> {
    rest_of_header(fixed)?;
    let [.., command, family, _, _] = *fixed;
    match command {
        // The receiver must accept it and pass over what follows, the family too.
        0x20 => return Ok(Proxied::Itself),
        0x21 => {}
        other => return Err(BadHeader::VersionOrCommand(other)),
    }
    let too_short = BadHeader::Length(rest.len());
    let port = |at: usize| {
        let bytes = rest.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes(*bytes))
    };
    let (ip, port) = match family {
        // Unspecified, or a UNIX socket: no address that can be counted.
        0x00 | 0x31 => return Ok(Proxied::Itself),
        // Source 4, destination 4, source port 2, destination port 2.
        0x11 if rest.len() >= 12 => {
            (rest.first_chunk::<4>().map(|bytes| IpAddr::from(Ipv4Addr::from(*bytes))), port(8))
        }
        // Source 16, destination 16, source port 2, destination port 2.
        0x21 if rest.len() >= 36 => {
            (rest.first_chunk::<16>().map(|bytes| IpAddr::from(Ipv6Addr::from(*bytes))), port(32))
        }
        0x11 | 0x21 => return Err(too_short),
        other => return Err(BadHeader::Protocol(other)),
    };
    match (ip, port) {
        (Some(ip), Some(port)) => Ok(Proxied::From(SocketAddr::new(ip.to_canonical(), port))),
        _ => Err(too_short),
    }
}

/// Addresses that share their first bits, as in `10.0.0.0/8` (RFC 4632). Of IPv6 too every bit counts, other than in
/// [`AddressRange`](backchat_core::chat::AddressRange): proxies are our own machines, and neighbours in a /64 are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CidrBlock {
    ip: IpAddr,
    prefix: u32,
}

/// Why a text is no [`CidrBlock`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected an address such as 127.0.0.1, or a range of them such as 10.0.0.0/8 or fd00::/8")]
pub struct BadCidrBlock;

impl CidrBlock {
    /// Whether `ip` is one of them.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let same = |one: u128, other: u128, bits: u32| {
            (one ^ other).checked_shr(bits - self.prefix).unwrap_or(0) == 0
        };
        match (self.ip, ip.to_canonical()) {
            (IpAddr::V4(one), IpAddr::V4(other)) => same(one.to_bits().into(), other.to_bits().into(), 32),
            (IpAddr::V6(one), IpAddr::V6(other)) => same(one.to_bits(), other.to_bits(), 128),
            _ => false,
        }
    }
}

impl std::str::FromStr for CidrBlock {
    type Err = BadCidrBlock;

    fn from_str(text: &str) -> Result<Self, BadCidrBlock> {
        let (ip, prefix) = match text.split_once('/') {
            Some((ip, prefix)) => (ip, Some(prefix)),
            None => (text, None),
        };
        let ip: IpAddr = ip.parse().map_err(|_| BadCidrBlock)?;
        let most = if ip.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok().filter(|prefix| *prefix <= most).ok_or(BadCidrBlock)?
            }
            Some(_) => return Err(BadCidrBlock),
            None => most,
        };
        Ok(Self { ip, prefix })
    }
}

impl std::fmt::Display for CidrBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = if self.ip.is_ipv4() { 32 } else { 128 };
        match self.prefix == most {
            true => self.ip.fmt(f),
            false => write!(f, "{}/{}", self.ip, self.prefix),
        }
    }
}

/// A listener of whose connections some are passed on by proxies.
pub struct ProxyListener<L: Listener> {
    listener: L,
    proxies: Vec<CidrBlock>,
    /// Connections from proxies whose header has not come.
    waiting: JoinSet<Option<(L::Stream, SocketAddr)>>,
}

impl<L: Listener> ProxyListener<L> {
    /// Takes connections from `listener`; those from `proxies` have to begin with a header.
    pub fn new(listener: L, proxies: Vec<CidrBlock>) -> Self {
        Self { listener, proxies, waiting: JoinSet::new() }
    }
}

impl<L> Listener for ProxyListener<L>
where
    L: Listener,
    L::Stream: 'static,
{
    type Stream = L::Stream;

    fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(L::Stream, SocketAddr)>> {
        while let Poll::Ready(Some(taken)) = self.waiting.poll_join_next(cx) {
            if let Ok(Some(taken)) = taken {
                return Poll::Ready(Ok(taken));
            }
        }
        while self.waiting.len() < WAITING_MOST {
            let (stream, peer) = ready!(self.listener.poll_accept(cx))?;
            if !self.proxies.iter().any(|range| range.contains(peer.ip())) {
                return Poll::Ready(Ok((stream, peer)));
            }
            self.waiting.spawn(passed_on(stream, peer));
            // It is polled once, so that its end wakes this task.
            if let Poll::Ready(Some(Ok(Some(taken)))) = self.waiting.poll_join_next(cx) {
                return Poll::Ready(Ok(taken));
            }
        }
        Poll::Pending
    }
}

/// Reads the header of a connection from `proxy`; `None` when there is none in time, which is logged.
async fn passed_on<S: Stream>(mut stream: S, proxy: SocketAddr) -> Option<(S, SocketAddr)> {
    match tokio::time::timeout(HEADER_TIMEOUT, read_header(&mut stream)).await {
        Ok(Ok(Proxied::From(peer))) => Some((stream, peer)),
        Ok(Ok(Proxied::Itself)) => Some((stream, proxy)),
        Ok(Err(error)) => {
            tracing::warn!(%proxy, %error, "connection from a proxy without a header closed");
            None
        }
        Err(_) => {
            tracing::warn!(%proxy, "connection from a proxy closed: its header did not come in time");
            None
        }
    }
}

/// Reads a header, and not a byte more.
async fn read_header(stream: &mut impl Stream) -> io::Result<Proxied> {
    let bad = |error: BadHeader| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut fixed = [0; FIXED_BYTES];
    stream.read_exact(&mut fixed).await?;
    let mut rest = vec![0; rest_of_header(&fixed).map_err(bad)?];
    stream.read_exact(&mut rest).await?;
    parse_header(&fixed, &rest).map_err(bad)
}

#[cfg(test)]
mod tests;
