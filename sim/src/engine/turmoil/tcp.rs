//! Connecting and accepting, with the link's round trip.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use backchat::net::{Listener, Network};
use backchat_core::time::Instant;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

use super::clock::{now, sleep_until};
use super::connection::ConnectionId;
use super::stream::SimStream;
use super::udp::SimUdp;
use super::world::World;
use crate::engine::network::{CHAT_PORT, ClientIndex, SERVER_IP, SYN_AGAIN, Way};

/// Where the server's chat is accepted.
pub(super) struct SimListener {
    carrier: Arc<turmoil::net::TcpListener>,
    /// What waits for turmoil's: it has to live for as long as its task shall be woken.
    waiting: Option<Accepting>,
    world: Arc<World>,
    /// turmoil has accepted them, and they have not said yet which connection they are.
    nameless: Vec<Nameless>,
}

type Accepting = Pin<Box<dyn Future<Output = io::Result<(turmoil::net::TcpStream, SocketAddr)>> + Send>>;

struct Nameless {
    carrier: turmoil::net::TcpStream,
    name: [u8; 8],
    have: usize,
}

impl SimListener {
    pub(super) async fn bind(world: Arc<World>) -> io::Result<Self> {
        let carrier = turmoil::net::TcpListener::bind((std::net::Ipv4Addr::UNSPECIFIED, CHAT_PORT)).await?;
        Ok(Self { carrier: Arc::new(carrier), waiting: None, world, nameless: Vec::new() })
    }
}

/// Reads names; answers with the first that is whole. Those that end before are forgotten.
fn poll_named(
    nameless: &mut Vec<Nameless>,
    cx: &mut Context<'_>,
) -> Poll<(turmoil::net::TcpStream, ConnectionId)> {
    let mut index = 0;
    while let Some(it) = nameless.get_mut(index) {
        let mut buffer = ReadBuf::new(&mut it.name[it.have..]);
        match Pin::new(&mut it.carrier).poll_read(cx, &mut buffer) {
            Poll::Pending => index += 1,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                it.have += buffer.filled().len();
                if it.have == it.name.len() {
                    let it = nameless.remove(index);
                    return Poll::Ready((it.carrier, ConnectionId::from_be_bytes(it.name)));
                }
            }
            Poll::Ready(Ok(()) | Err(_)) => {
                nameless.remove(index);
            }
        }
    }
    Poll::Pending
}

impl Listener for SimListener {
    type Stream = SimStream;

    fn local_addr(&self) -> SocketAddr {
        SocketAddr::from((SERVER_IP, CHAT_PORT))
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(SimStream, SocketAddr)>> {
        loop {
            if let Poll::Ready((carrier, connection)) = poll_named(&mut self.nameless, cx) {
                let peer = self.world.lock().peer_of(connection);
                let Some(peer) = peer else { continue };
                let stream = SimStream::new(carrier, Arc::clone(&self.world), connection, Way::Down);
                return Poll::Ready(Ok((stream, peer)));
            }
            self.waiting = None;
            let listener = Arc::clone(&self.carrier);
            let mut waiting: Accepting = Box::pin(async move { listener.accept().await });
            let accepted = waiting.as_mut().poll(cx);
            self.waiting = accepted.is_pending().then_some(waiting);
            let (carrier, _) = ready!(accepted)?;
            self.nameless.push(Nameless { carrier, name: [0; 8], have: 0 });
        }
    }
}

/// Whether the server's host runs, and what somebody who connects finds if it does not.
#[derive(Debug, Default)]
pub(super) struct ServerPower {
    is_down: AtomicBool,
    is_silent: AtomicBool,
}

impl ServerPower {
    /// The server is down. Without power nobody answers; otherwise its host refuses.
    pub(super) fn down(&self, power: bool) {
        self.is_down.store(true, Ordering::Relaxed);
        self.is_silent.store(power, Ordering::Relaxed);
    }

    /// It is up again.
    pub(super) fn up(&self) {
        self.is_down.store(false, Ordering::Relaxed);
        self.is_silent.store(false, Ordering::Relaxed);
    }
}

/// A client's ways out.
#[derive(Clone)]
pub(super) struct SimNetwork {
    pub(super) world: Arc<World>,
    pub(super) client: ClientIndex,
    pub(super) power: Arc<ServerPower>,
    /// The receive buffer of its UDP sockets.
    pub(super) room: usize,
}

/// Gives up its connection if it is dropped before a stream has it.
struct Attempt<'a> {
    world: &'a World,
    connection: Option<ConnectionId>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection {
            let mut world = self.world.lock();
            world.close_end(connection, Way::Up);
            world.close_end(connection, Way::Down);
        }
    }
}

impl SimNetwork {
    /// Waits until what is sent `way` at `sent` arrives; for ever where it does not.
    async fn cross(&self, connection: ConnectionId, way: Way, sent: Instant) -> Instant {
        let arrival = self.world.lock().arrival(connection, way, sent);
        match arrival {
            Some(at) => {
                let now = now(&self.world);
                if at > now {
                    sleep_until(now, at).await;
                }
                at
            }
            None => std::future::pending().await,
        }
    }
}

impl Network for SimNetwork {
    type Stream = SimStream;
    type Udp = SimUdp;

    fn connect(&self) -> impl Future<Output = io::Result<(SimStream, SocketAddr)>> + Send + 'static {
        self.clone().dial()
    }

    fn bind_udp(&self, _: SocketAddr) -> impl Future<Output = io::Result<SimUdp>> + Send + 'static {
        SimUdp::bind_client(Arc::clone(&self.world), self.client, self.room)
    }
}

impl SimNetwork {
    async fn dial(self) -> io::Result<(SimStream, SocketAddr)> {
        let server = SocketAddr::from((SERVER_IP, CHAT_PORT));
        let opened = self.world.lock().open_connection(self.client);
        let Some((connection, _)) = opened else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut attempt = Attempt { world: &self.world, connection: Some(connection) };
        let mut arrived = self.cross(connection, Way::Up, now(&self.world)).await;
        while self.power.is_down.load(Ordering::Relaxed) {
            if !self.power.is_silent.load(Ordering::Relaxed) {
                self.cross(connection, Way::Down, arrived).await;
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            tokio::time::sleep(SYN_AGAIN).await;
            arrived = self.cross(connection, Way::Up, now(&self.world)).await;
        }
        let mut carrier = turmoil::net::TcpStream::connect((super::SERVER, CHAT_PORT)).await?;
        carrier.write_all(&connection.to_be_bytes()).await?;
        self.cross(connection, Way::Down, arrived).await;
        attempt.connection = None;
        Ok((SimStream::new(carrier, Arc::clone(&self.world), connection, Way::Up), server))
    }
}
