//! Places for downloads, when strangers want all of them.

use core::net::IpAddr;
use core::time::Duration;
use std::io::IoSlice;
use std::net::SocketAddr;

use backchat_core::chat::{ChatConfig, Limits, ServerFrame, StreamId};
use backchat_core::node::{
    FailReason, FileMeta, GetRequest, Server, ServerConfig, ServerOutput, ShareRequest, TransferLimits,
};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};
use backchat_core::wire::FileVersion;

use super::world::{World, bytes, name};

/// A server alone, whose share has every file.
struct Host {
    now: Instant,
    server: Server,
    streams: u64,
}

impl Host {
    fn new(limits: Limits, transfer: TransferLimits) -> Self {
        let config = ServerConfig {
            chat: ChatConfig { limits, motd: None, at: UnixTime::from_millis(0) },
            transfer,
            udp: SocketAddr::from(([192, 0, 2, 9], 44_000)),
            max_segments: 1,
            trace: false,
        };
        let now = Instant::from_millis(1000);
        Self { now, server: Server::new(now, config, &Seed::from_number(1)), streams: 0 }
    }

    fn open(&mut self, peer: IpAddr) -> StreamId {
        self.streams += 1;
        let stream = StreamId(self.streams);
        self.server.handle_stream_opened(self.now, stream, peer);
        stream
    }

    /// Asks for a file; `ticket`, or the code of the error and its message.
    fn get(&mut self, stream: StreamId) -> Result<(), String> {
        self.server.handle_stream_bytes(self.now, stream, b"{\"type\":\"download\",\"file\":\"book.bin\"}\n");
        self.drain();
        let mut slices = [IoSlice::new(&[]); 64];
        let count = self.server.stream_pending(stream, &mut slices);
        let line: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
        self.server.handle_stream_taken(self.now, stream, line.len());
        self.drain();
        match line.split(|byte| *byte == b'\n').next().map(ServerFrame::decode) {
            Some(Ok(ServerFrame::Ticket(_))) => Ok(()),
            Some(Ok(ServerFrame::Error(error))) => Err(format!("{}: {}", error.code, error.message)),
            other => Err(format!("{other:?}")),
        }
    }

    fn drain(&mut self) {
        loop {
            match self.server.poll_output(self.now) {
                ServerOutput::Share(ShareRequest::Open { transfer, .. }) => {
                    let meta = FileMeta {
                        size: 1 << 20,
                        modified: UnixTime::from_millis(0),
                        version: FileVersion([0; 16]),
                        hash: None,
                    };
                    self.server.handle_opened(self.now, transfer, Ok(meta));
                }
                ServerOutput::Timeout(_) => return,
                _ => {}
            }
        }
    }

    /// Takes as many tickets as there are for who opens `sessions` connections.
    fn grab(&mut self, peers: impl IntoIterator<Item = IpAddr>) -> usize {
        let mut tickets = 0;
        for peer in peers {
            let stream = self.open(peer);
            while self.get(stream).is_ok() {
                tickets += 1;
            }
        }
        tickets
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.server.handle_timeout(self.now);
        self.drain();
    }
}

fn v4(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

/// The `number`th /64 of 2001:db8::/48.
fn v6(number: u16) -> IpAddr {
    IpAddr::from([0x2001, 0xdb8, 0, number, 0, 0, 0, 1])
}

#[test]
fn one_address_takes_its_share_of_downloads_and_leaves_the_others_theirs() {
    let mut host = Host::new(Limits::default(), TransferLimits::default());
    assert_eq!(host.grab([v4(1); 100]), 64);
    assert_eq!(host.grab([v4(2); 100]), 64);
    let honest = host.open(v4(3));
    assert_eq!(host.get(honest), Ok(()));
    let again = host.open(v4(1));
    let refused = host.get(again).unwrap_err();
    assert_eq!(refused, "busy: 192.0.2.1 has 64 downloads running or begun, at most 64 may be");
}

#[test]
fn a_class_behind_one_address_downloads_at_once() {
    let mut host = Host::new(Limits::default(), TransferLimits::default());
    for student in 0..40 {
        let chat = host.open(v4(1));
        let join = format!("{{\"type\":\"join\",\"nick\":\"s{student}\"}}\n{{\"type\":\"names\"}}\n");
        host.server.handle_stream_bytes(host.now, chat, join.as_bytes());
        let stream = host.open(v4(1));
        assert_eq!(host.get(stream), Ok(()), "{student}");
    }
    assert_eq!(host.server.chat().nicknames(), 40);
    assert!(host.server.chat().counters().refused.is_empty());
}

#[test]
fn a_48_of_ipv6_takes_sixteen_addresses_worth() {
    let limits = Limits { downloads_per_address: 2, ..Limits::default() };
    let mut host = Host::new(limits, TransferLimits::default());
    // Two of each of a few /64 in each /56.
    let peers =
        (0..=255_u16).flat_map(|net| [v6(net << 8), v6(net << 8 | 1), v6(net << 8 | 2), v6(net << 8 | 3)]);
    assert_eq!(host.grab(peers), 2 * 16);
    let honest = host.open(IpAddr::from([0x2001, 0xdb8, 1, 0, 0, 0, 0, 1]));
    assert_eq!(host.get(honest), Ok(()));
}

#[test]
fn tickets_that_nobody_uses_give_way_after_ten_seconds() {
    let mut host = Host::new(Limits::default(), TransferLimits::default());
    let all = host.grab((1..=8).flat_map(|last| [v4(last); 8]));
    assert_eq!(all, 256);
    let honest = host.open(v4(99));
    assert_eq!(host.get(honest).unwrap_err(), "busy: the server has 256 downloads running, at most 256 may");
    host.wait(Duration::from_secs(11));
    assert_eq!(host.get(honest), Ok(()));
    assert_eq!(host.server.downloads(), 256);
    // Of an address that is at its share it is one of its own.
    host.wait(Duration::from_secs(1));
    let many = host.grab([v4(1); 1]);
    assert!(many > 0, "its own oldest gave way");
    assert_eq!(host.server.stats(host.now).downloads, 256);
}

#[test]
fn a_download_that_moves_keeps_its_place_and_one_that_is_paused_gives_way() {
    let transfer = TransferLimits { downloads: 1, ..TransferLimits::default() };
    let mut world = World::with(Limits::default(), transfer);
    world.share.insert("a".into(), bytes(1, 4_000_000));
    world.share.insert("b".into(), bytes(2, 1_000));
    let [ann, bob] = [world.client(None), world.client(None)];
    world.run(Duration::from_millis(200));
    let request = GetRequest { limit_rate: Some(200_000), ..GetRequest::new(name("a")) };
    let long = world.act(|world| world.peers[ann].client.get(world.now, request)).unwrap();
    world.run(Duration::from_secs(15));
    let refused = world.get(bob, "b");
    world.run(Duration::from_secs(1));
    assert_eq!((world.failed(bob, refused), world.failed(ann, long)), (Some(FailReason::Refused), None));
    world.act(|world| world.peers[ann].client.pause(world.now, long)).unwrap();
    world.run(Duration::from_secs(12));
    let granted = world.get(bob, "b");
    world.run(Duration::from_secs(5));
    assert!(world.finished(bob, granted).is_some());
    assert_eq!(world.failed(ann, long), Some(FailReason::Refused));
}
