//! A UDP socket of a simulated host: turmoil's carries, the link model decides.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use backchat::net::{Batch, Udp};
use backchat_core::node::Path;
use backchat_core::time::Instant;
use bytes::Bytes;

use super::clock::{now, sleep_until};
use super::inbox::Inbox;
use super::world::{Carried, State, World};
use crate::engine::network::{ClientIndex, Offload, SocketId};

/// Before the bytes that turmoil carries: which datagram it is, and from when on it may be seen.
const HEAD: usize = 16;

/// The longest datagram that turmoil has to carry, with its head.
const CARRIED_MAX: usize = HEAD + 65_535;

/// A bound socket.
pub(super) struct SimUdp {
    bound: Arc<Bound>,
    /// What waits for datagrams: it has to live for as long as its task shall be woken.
    waiting: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send>>>,
}

struct Bound {
    carrier: turmoil::net::UdpSocket,
    world: Arc<World>,
    socket: SocketId,
    local: SocketAddrV4,
    room: usize,
    offload: Offload,
    inbox: Arc<Inbox>,
    /// Where turmoil puts what it has brought.
    buffer: Mutex<Vec<u8>>,
}

impl SimUdp {
    /// A client's socket, with a receive buffer of `room` bytes.
    pub(super) async fn bind_client(world: Arc<World>, client: ClientIndex, room: usize) -> io::Result<Self> {
        let carrier = turmoil::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        Self::new(world, carrier, room, super::CLIENTS, |state, carrier, inbox| {
            state.bind_client(client, carrier, inbox)
        })
    }

    /// The server's.
    pub(super) async fn bind_server(world: Arc<World>, port: u16, room: usize) -> io::Result<Self> {
        let carrier = turmoil::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        Self::new(world, carrier, room, super::SERVER, State::bind_server)
    }

    fn new(
        world: Arc<World>,
        carrier: turmoil::net::UdpSocket,
        room: usize,
        host: &str,
        bind: impl FnOnce(&mut State, SocketAddr, Arc<Inbox>) -> (SocketId, SocketAddrV4),
    ) -> io::Result<Self> {
        // Bound to all addresses, of which a host has one.
        let host = turmoil::lookup(host);
        let reached = SocketAddr::new(host, carrier.local_addr()?.port());
        let mut state = world.lock();
        let offload = state.offload();
        let inbox = Arc::new(Inbox::new(room, offload));
        let (socket, local) = bind(&mut state, reached, Arc::clone(&inbox));
        drop(state);
        let buffer = Mutex::new(vec![0; CARRIED_MAX]);
        let bound = Bound { carrier, world, socket, local, room, offload, inbox, buffer };
        Ok(Self { bound: Arc::new(bound), waiting: None })
    }
}

impl Bound {
    /// Takes from turmoil what is there, and into the receive buffer what is due. Answers when more will be.
    fn pump(&self, now: Instant) -> Option<Instant> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok((length, _)) = self.carrier.try_recv_from(&mut buffer) {
            let carried = buffer.get(..length).unwrap_or_default();
            if let Some((due, rest)) = carried.split_first_chunk::<8>()
                && let Some((flight, bytes)) = rest.split_first_chunk::<8>()
            {
                let due = Instant::from_nanos(u64::from_be_bytes(*due));
                self.inbox.bring((due, u64::from_be_bytes(*flight)), Bytes::copy_from_slice(bytes));
            }
        }
        while let Some((key, bytes)) = self.inbox.take_due(now) {
            let has_room = self.inbox.has_room(bytes.len());
            let from = self.world.lock().arrive(now, key, self.socket, bytes.len(), has_room);
            if let Some(from) = from {
                self.inbox.put(key.0, from, bytes);
            }
        }
        self.inbox.next_due()
    }

    fn carry(&self, Carried { flight, due, to, bytes }: Carried) {
        // Without a socket there it is given up when its time has come.
        let Some(to) = to else { return };
        let mut carried = Vec::with_capacity(HEAD + bytes.len());
        carried.extend_from_slice(&due.as_nanos().to_be_bytes());
        carried.extend_from_slice(&flight.to_be_bytes());
        carried.extend_from_slice(&bytes);
        if let Err(error) = self.carrier.try_send_to(&carried, to) {
            tracing::debug!(%error, "turmoil would not carry a datagram");
        }
    }

    /// Waits until there is something to read.
    async fn readable(self: Arc<Self>) -> io::Result<()> {
        loop {
            let now = now(&self.world);
            let next = self.pump(now);
            if !self.inbox.is_empty() {
                return Ok(());
            }
            let due = async {
                match next {
                    Some(at) => sleep_until(now, at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.inbox.arrived() => {}
                () = due => {}
                result = self.carrier.readable() => result?,
            }
        }
    }
}

impl Udp for SimUdp {
    fn local_addr(&self) -> SocketAddr {
        self.bound.local.into()
    }

    fn max_segments(&self) -> usize {
        self.bound.offload.segments_max()
    }

    fn receive_buffer(&self) -> usize {
        self.bound.room
    }

    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Begun anew each time: what is early is looked through before anything is waited for. Who waits has turmoil's
        // socket locked, so the one before goes first.
        self.waiting = None;
        let mut waiting = Box::pin(Arc::clone(&self.bound).readable());
        let readable = waiting.as_mut().poll(cx);
        self.waiting = readable.is_pending().then_some(waiting as _);
        readable
    }

    fn poll_writable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn try_send(&mut self, path: &Path, bytes: &[u8], segment: usize) -> io::Result<usize> {
        let Bound { world, socket, local, .. } = &*self.bound;
        let now = now(world);
        // Nobody was ever at an address of IPv6.
        let SocketAddr::V4(to) = path.remote else { return Ok(bytes.len()) };
        for datagram in bytes.chunks(segment.max(1)) {
            let carried = {
                let mut world = world.lock();
                let from = world.sends_from(now, *socket).unwrap_or(*local);
                world.send(now, from, to, datagram)
            };
            for carried in carried {
                self.bound.carry(carried);
            }
        }
        Ok(bytes.len())
    }

    fn try_recv(&mut self, batch: &mut Batch) -> io::Result<()> {
        self.waiting = None;
        self.bound.pump(now(&self.bound.world));
        batch.fill(|slot| {
            let brought = self.bound.inbox.take(slot)?;
            Some((Path { remote: brought.from.into(), local: None }, brought.length, brought.stride))
        });
        if batch.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }
}

impl Drop for SimUdp {
    fn drop(&mut self) {
        self.bound.world.lock().unbind(self.bound.socket);
    }
}
