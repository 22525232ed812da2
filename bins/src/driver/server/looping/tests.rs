//! Sources that always have something: who floods, and whether anybody else still has a turn.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;

use backchat_core::chat::ChatConfig;
use backchat_core::node::{Path, ServerConfig, ShareRequest, TransferLimits};
use backchat_core::seed::Seed;
use backchat_core::time::UnixTime;
use backchat_core::wire::TransferId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, oneshot};

use super::*;
use crate::driver::outside::Connections as _;
use crate::driver::server::{ServerParts, ServerSettings, serve};
use crate::driver::sockets::server::ServerSockets;
use crate::files::{NoShare, NotHeld};
use crate::net::{Batch, Clock, Entropy, Listener, Udp};

/// How often something was used.
#[derive(Clone, Debug, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A connection that always has another byte of a line without an end, and takes everything.
struct BusyStream(Count);

impl AsyncRead for BusyStream {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.up();
        buffer.put_slice(b" ");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BusyStream {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A socket at which a datagram of nobody's always waits.
#[derive(Default)]
struct BusyUdp(Count);

impl Udp for BusyUdp {
    fn local_addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
    fn max_segments(&self) -> usize {
        1
    }
    fn receive_buffer(&self) -> usize {
        0
    }
    fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_writable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn try_send(&mut self, _: &Path, bytes: &[u8], _: usize) -> io::Result<usize> {
        Ok(bytes.len())
    }
    fn try_recv(&mut self, batch: &mut Batch) -> io::Result<()> {
        self.0.up();
        let path = Path { remote: self.local_addr(), local: None };
        batch.fill(|buffer| {
            buffer[..4].copy_from_slice(b"none");
            Some((path, 4, 4))
        });
        Ok(())
    }
}

/// Files that always have another answer.
#[derive(Default)]
struct BusyShare(Count);

impl Share for BusyShare {
    fn submit(&mut self, _: ShareRequest) {}
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<ShareCompletion> {
        self.0.up();
        Poll::Ready(ShareCompletion::Listing(Arc::new([])))
    }
    fn copy(&self, _: TransferId, _: Range<u64>, _: &mut [u8]) -> Result<(), NotHeld> {
        Err(NotHeld)
    }
    fn reload(&mut self) {}
}

/// Somebody connects again and again.
struct BusyListener {
    taken: Count,
    reads: Count,
}

impl Listener for BusyListener {
    type Stream = BusyStream;
    fn local_addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(BusyStream, SocketAddr)>> {
        self.taken.up();
        Poll::Ready(Ok((BusyStream(self.reads.clone()), self.local_addr())))
    }
}

/// So many people connect, each with a count of its own.
struct Crowd(Vec<Count>);

impl Listener for Crowd {
    type Stream = BusyStream;
    fn local_addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(BusyStream, SocketAddr)>> {
        let next = self.0.pop().map(|reads| Ok((BusyStream(reads), self.local_addr())));
        next.map_or(Poll::Pending, Poll::Ready)
    }
}

/// A clock that goes on by a millisecond at each look; nobody can sleep.
#[derive(Clone, Default)]
struct Ticking {
    now: Count,
    walls: Count,
}

impl Clock for Ticking {
    fn now(&self) -> Instant {
        self.now.up();
        Instant::from_millis(self.now.read())
    }
    fn to_tokio(&self, _: Instant) -> Option<tokio::time::Instant> {
        None
    }
    fn wall(&self) -> UnixTime {
        self.walls.up();
        UnixTime::from_millis(0)
    }
}

struct Zeros;

impl Entropy for Zeros {
    fn seed(&mut self) -> io::Result<[u8; 32]> {
        Ok([0; 32])
    }
}

fn server() -> Server {
    let at = UnixTime::from_millis(0);
    let config = ServerConfig {
        chat: ChatConfig { limits: backchat_core::chat::Limits::default(), motd: None, at },
        transfer: TransferLimits::default(),
        udp: SocketAddr::from(([127, 0, 0, 1], 1)),
        max_segments: 1,
        trace: false,
    };
    Server::new(Instant::ZERO, config, &Seed::from_number(0))
}

/// An outside with so many connections to accept.
fn crowded<'a>(
    counts: &[Count],
    observer: &'a mut (),
) -> ServerSockets<'a, Crowd, BusyUdp, NoShare, Ticking, ()> {
    let listener = Crowd(counts.to_vec());
    let parts = (listener, BusyUdp::default(), NoShare::default(), Ticking::default());
    ServerSockets::of_server(parts, mpsc::channel(1).1, observer)
}

#[tokio::test]
async fn of_any_number_of_busy_connections_none_is_read_twice_more_than_another() {
    for connections in 1..=300 {
        let counts: Vec<Count> = (0..connections).map(|_| Count::default()).collect();
        let (mut turns, mut observer) = (ServerLoop::new(Instant::ZERO, server()), ());
        let mut out = crowded(&counts, &mut observer);
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(peer) = out.poll_accept(&mut cx, turns.next_stream()) {
            turns.accept(&mut out, &mut cx, peer.unwrap()).unwrap();
        }
        for turn in 1..=12 {
            let Poll::Ready(first) = out.poll_ready(&mut cx) else { panic!("all are busy") };
            turns.read(&mut out, &mut cx, first);
            let reads = || counts.iter().map(Count::read);
            let (least, most) = (reads().min().unwrap(), reads().max().unwrap());
            assert!(most - least <= 1, "{connections} connections, turn {turn}: {least} to {most} reads");
        }
    }
}

#[tokio::test]
async fn every_source_that_never_ends_leaves_turns_for_the_others() {
    const ROUNDS: u64 = 300;
    let (taken, reads, clock) = (Count::default(), Count::default(), Ticking::default());
    let (udp, share) = (BusyUdp::default(), BusyShare::default());
    let (received, answers) = (udp.0.clone(), share.0.clone());
    let listener = BusyListener { taken: taken.clone(), reads: reads.clone() };
    let (orders, control) = mpsc::channel(100_000);
    for _ in 0..orders.capacity() {
        orders.try_send(Control::Measure(oneshot::channel().0)).unwrap();
    }
    let settings = ServerSettings::default();
    let parts = ServerParts { listener, udp, share, clock: clock.clone(), entropy: Zeros };
    let mut observer = ();
    let rounds = async {
        // The loop yields once a round, and then this has its turn.
        for _ in 0..ROUNDS {
            tokio::task::yield_now().await;
        }
        orders.capacity() as u64
    };
    let ordered = tokio::select! {
        end = serve(parts, settings, control, &mut observer) => panic!("{end:?}"),
        ordered = rounds => ordered,
    };
    let served = [ordered, received.read(), answers.read(), reads.read(), taken.read()];
    assert!(
        served.iter().all(|&times| times >= ROUNDS / 4),
        "orders, datagrams, files, reads, accepts: {served:?}"
    );
    assert!(ordered <= ROUNDS + 1, "{ordered} orders in {ROUNDS} rounds");
    // The first is at the start, and the others are timers of 30 s.
    assert!(clock.walls.read() >= 2, "{} looks at the calendar in {:?}", clock.walls.read(), clock.now());
}

#[tokio::test]
async fn who_reads_a_long_list_as_fast_as_it_is_made_is_written_to_a_bounded_amount_a_turn() {
    let mut server = server();
    let now = Instant::ZERO;
    let stream = StreamId(1);
    server.handle_stream_opened(now, stream, [127, 0, 0, 1].into());
    // A listing of some megabytes.
    let file = |number: u32| backchat_core::chat::FileEntry {
        name: backchat_core::chat::FileName::parse(&format!("{number:0200}")).unwrap(),
        size: 1,
        modified: UnixTime::from_millis(0),
    };
    server.handle_stream_bytes(now, stream, b"{\"type\":\"files\"}\n");
    server.handle_listing(now, (0..10_000).map(file).collect());
    let (mut turns, mut observer) = (ServerLoop::new(now, server), ());
    let mut out = crowded(&[Count::default()], &mut observer);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(out.poll_accept(&mut cx, stream).is_ready());
    assert_eq!(out.poll_ready(&mut cx), Poll::Ready(stream));
    turns.write(&mut out, now, stream);
    let mut slices = [IoSlice::new(&[]); SLICES_MAX];
    assert!(turns.server.stream_pending(stream, &mut slices) > 0, "not all was written at once");
    assert_eq!(out.poll_ready(&mut cx), Poll::Ready(stream), "and it goes on in the next turn");
}
