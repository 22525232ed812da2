//! A server and its clients on a virtual clock: streams that keep order, datagrams that meet their fate, a share and
//! targets in memory. Real bytes all the way, so that what is encoded is decoded, hashed and compared.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::Duration;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::client::{ClientConfig as ChatClientConfig, JoinAs, Reconnect};
use backchat_core::chat::{ChatConfig, FileEntry, FileName, Limits, Nickname, ServerFrame, StreamId};
use backchat_core::node::{
    Client, ClientConfig, ClientEvent, ClientOutput, Close, Datagram, DownloadEvent, DownloadId, FailReason,
    FileError, FileMeta, GetRequest, Have, Path, ReadDone, Server, ServerConfig, ServerEvent, ServerOutput,
    ShareRequest, Summary, TargetOp, TargetRequest, TransferLimits, Transmit,
};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};
use backchat_core::wire::{FileVersion, Hash, TransferId};

pub(crate) const DELAY: Duration = Duration::from_millis(10);
pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 44_000);
const CHAT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 55_000);

/// What happens to a datagram: its copies, each so much later. To the client or not, and its ordinal.
pub(crate) type Link = Box<dyn FnMut(bool, u64, &mut Vec<u8>) -> Vec<Duration>>;

enum Arrival {
    Connected(usize, StreamId),
    ToServer(StreamId, Vec<u8>),
    ToClient(usize, StreamId, Vec<u8>),
    ClosedAtServer(StreamId),
    ClosedAtClient(usize, StreamId),
    DatagramToServer(SocketAddr, Vec<u8>),
    DatagramToClient(usize, SocketAddr, Vec<u8>),
    Opened(usize, DownloadId, Have),
}

pub(crate) struct Peer {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    pub(crate) frames: Vec<ServerFrame>,
    pub(crate) chat_events: Vec<ClientChatEvent>,
    pub(crate) download_events: Vec<(DownloadId, DownloadEvent)>,
    /// What each download has written so far, and the finished files.
    pub(crate) partial: BTreeMap<String, Vec<u8>>,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    open: BTreeMap<DownloadId, String>,
    stream: Option<StreamId>,
    pub(crate) disk_error: Option<backchat_core::node::LocalError>,
    /// Digests are not answered.
    pub(crate) hold_digest: bool,
    /// What is there of a file takes so long to be hashed.
    pub(crate) hashing: Duration,
}

pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) server: Server,
    pub(crate) peers: Vec<Peer>,
    pub(crate) share: BTreeMap<String, Vec<u8>>,
    /// What is asked of the share waits here while this is set, in order.
    pub(crate) hold_share: bool,
    pub(crate) held: Vec<ShareRequest>,
    /// Reads of files fail with this.
    pub(crate) read_error: Option<FileError>,
    pub(crate) server_events: Vec<ServerEvent>,
    pub(crate) stopped: bool,
    pub(crate) link: Link,
    /// A connection can be had.
    pub(crate) is_reachable: bool,
    /// The server's frames in the chat do not arrive.
    pub(crate) is_chat_held: bool,
    pub(crate) datagrams: BTreeMap<bool, u64>,
    pub(crate) config: ServerConfig,
    pub(crate) open: BTreeMap<TransferId, (String, u64)>,
    /// Ranges of the shared files that are in memory, and the most bytes that ever were.
    in_memory: BTreeMap<TransferId, Vec<Range<u64>>>,
    pub(crate) most_in_memory: u64,
    streams: BTreeMap<StreamId, usize>,
    next_stream: u64,
    heap: BTreeMap<(Instant, u64), Arrival>,
    order: u64,
    seed: Seed,
}

pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut stream = Seed::from_number(seed).stream("file");
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&stream.next_u64().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) fn hash(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

pub(crate) fn name(text: &str) -> FileName {
    FileName::parse(text).expect("a good name")
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), TransferLimits::default())
    }

    pub(crate) fn with(limits: Limits, transfer: TransferLimits) -> Self {
        let at = UnixTime::from_millis(1_795_348_800_000);
        let chat = ChatConfig { limits, motd: None, at };
        let udp = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), SERVER.port());
        let config = ServerConfig { chat, transfer, udp, max_segments: 8, trace: true };
        let seed = Seed::from_number(7);
        Self {
            now: Instant::ZERO,
            server: Server::new(Instant::ZERO, config.clone(), &seed.child("server")),
            peers: Vec::new(),
            share: BTreeMap::new(),
            hold_share: false,
            held: Vec::new(),
            read_error: None,
            server_events: Vec::new(),
            stopped: false,
            link: Box::new(|_, _, _| vec![Duration::ZERO]),
            is_reachable: true,
            is_chat_held: false,
            datagrams: BTreeMap::new(),
            config,
            open: BTreeMap::new(),
            in_memory: BTreeMap::new(),
            most_in_memory: 0,
            streams: BTreeMap::new(),
            next_stream: 0,
            heap: BTreeMap::new(),
            order: 0,
            seed,
        }
    }

    /// A client; with a nickname it joins and comes back, without one it only asks and downloads.
    pub(crate) fn client(&mut self, nick: Option<&str>) -> usize {
        let index = self.peers.len();
        let join = nick.map(|nick| JoinAs {
            nick: Nickname::parse(nick).expect("a good nickname"),
            history: None,
            resume: true,
        });
        let reconnect = match join {
            Some(_) => Reconnect::For(Duration::from_secs(25)),
            None => Reconnect::Never,
        };
        let chat = ChatClientConfig { join, reconnect, retry_first: false };
        let config = ClientConfig { trace: true, ..ClientConfig::new(chat) };
        let mut client = Client::new(config, &self.seed.child(&format!("client {index}")));
        client.start(self.now);
        self.peers.push(Peer {
            client,
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 1, index as u8 + 1)), 5000),
            frames: Vec::new(),
            chat_events: Vec::new(),
            download_events: Vec::new(),
            partial: BTreeMap::new(),
            files: BTreeMap::new(),
            open: BTreeMap::new(),
            stream: None,
            disk_error: None,
            hold_digest: false,
            hashing: Duration::ZERO,
        });
        self.drain();
        index
    }

    pub(crate) fn get(&mut self, peer: usize, file: &str) -> DownloadId {
        let download = self.peers[peer].client.get(self.now, GetRequest::new(name(file))).expect("taken");
        self.drain();
        download
    }

    /// Whatever the test does to a node, drain afterwards.
    pub(crate) fn act<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let result = act(self);
        self.drain();
        result
    }

    /// The connection of a client breaks: both sides see it a moment later.
    pub(crate) fn cut(&mut self, peer: usize) {
        if let Some(stream) = self.peers[peer].stream {
            self.later(Arrival::ClosedAtServer(stream));
            self.later(Arrival::ClosedAtClient(peer, stream));
        }
    }

    /// The server dies, and another takes its place.
    pub(crate) fn restart(&mut self) {
        (0..self.peers.len()).for_each(|peer| self.cut(peer));
        self.streams.clear();
        self.open.clear();
        self.server = Server::new(self.now, self.config.clone(), &self.seed.child("another server"));
    }

    /// What was held is answered now.
    pub(crate) fn release_share(&mut self) {
        self.hold_share = false;
        for request in std::mem::take(&mut self.held) {
            self.share(request);
        }
        self.drain();
    }

    /// The server's system says that a client will send nothing more: it was killed, or shut down its writing side.
    pub(crate) fn finish(&mut self, peer: usize) {
        let stream = self.peers[peer].stream.expect("connected");
        self.act(|world| world.server.handle_stream_finished(world.now, stream));
    }

    pub(crate) fn run(&mut self, most: Duration) {
        let end = self.now + most;
        while self.step(end) {}
        self.now = end;
    }

    pub(crate) fn run_until(&mut self, most: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + most;
        while !done(self) {
            assert!(self.step(end), "not done within {most:?}");
        }
    }

    fn step(&mut self, end: Instant) -> bool {
        self.drain();
        let arrival = self.heap.keys().next().map(|&(at, _)| at);
        let mut next = arrival;
        let mut earlier = |at: Option<Instant>| next = next.into_iter().chain(at).min();
        earlier(deadline(self.server.poll_output(self.now)));
        for peer in &mut self.peers {
            earlier(match peer.client.poll_output(self.now) {
                ClientOutput::Timeout(at) => at,
                output => panic!("drained, and yet {output:?}"),
            });
        }
        let Some(at) = next.filter(|&at| at <= end) else { return false };
        self.now = self.now.max(at);
        if arrival.is_some_and(|at| at <= self.now) {
            if let Some((_, arrival)) = self.heap.pop_first() {
                self.arrive(arrival);
            }
        } else {
            self.server.handle_timeout(self.now);
            for peer in &mut self.peers {
                peer.client.handle_timeout(self.now);
            }
        }
        self.drain();
        true
    }

    fn later(&mut self, arrival: Arrival) {
        self.after(DELAY, arrival);
    }

    fn after(&mut self, delay: Duration, arrival: Arrival) {
        self.order += 1;
        self.heap.insert((self.now + delay, self.order), arrival);
    }

    fn arrive(&mut self, arrival: Arrival) {
        let now = self.now;
        match arrival {
            Arrival::Connected(peer, _) if !self.is_reachable => {
                self.peers[peer].client.handle_connect_failed(now);
            }
            Arrival::Connected(peer, stream) => {
                let address = self.peers[peer].address.ip();
                self.peers[peer].stream = Some(stream);
                self.streams.insert(stream, peer);
                self.server.handle_stream_opened(now, stream, address);
                self.peers[peer].client.handle_connected(now, CHAT);
            }
            Arrival::ToServer(stream, bytes) if self.streams.contains_key(&stream) => {
                self.server.handle_stream_bytes(now, stream, &bytes);
            }
            Arrival::ToClient(..) if self.is_chat_held => {}
            Arrival::ToClient(peer, stream, bytes) if self.peers[peer].stream == Some(stream) => {
                self.peers[peer].client.handle_stream_bytes(now, &bytes);
            }
            Arrival::ClosedAtServer(stream) if self.streams.remove(&stream).is_some() => {
                self.server.handle_stream_closed(now, stream);
            }
            Arrival::ClosedAtClient(peer, stream) if self.peers[peer].stream == Some(stream) => {
                self.peers[peer].stream = None;
                self.peers[peer].client.handle_stream_closed(now);
            }
            Arrival::DatagramToServer(from, bytes) => {
                let local = Some(SERVER.ip());
                self.server.handle_datagrams(now, Path { remote: from, local }, [Datagram::Bytes(&bytes)]);
            }
            Arrival::DatagramToClient(peer, from, bytes) => self.datagram(peer, from, &bytes),
            Arrival::Opened(peer, download, have) => {
                self.peers[peer].client.handle_opened(now, download, Ok(have));
            }
            _ => {}
        }
    }

    pub(crate) fn datagram(&mut self, peer: usize, from: SocketAddr, bytes: &[u8]) {
        let path = Path { remote: from, local: None };
        self.peers[peer].client.handle_datagrams(self.now, path, [Datagram::Bytes(bytes)]);
        self.drain_client(peer, bytes);
    }

    fn drain(&mut self) {
        self.drain_server();
        for peer in 0..self.peers.len() {
            self.drain_client(peer, &[]);
        }
    }

    fn drain_server(&mut self) {
        loop {
            match self.server.poll_output(self.now) {
                ServerOutput::Timeout(Some(at)) if at <= self.now => self.server.handle_timeout(self.now),
                ServerOutput::Timeout(_) => return,
                ServerOutput::Stream(stream) => {
                    let taken = {
                        let mut slices = [IoSlice::new(&[]); 16];
                        let count = self.server.stream_pending(stream, &mut slices);
                        slices[..count].iter().flat_map(|slice| slice.to_vec()).collect::<Vec<_>>()
                    };
                    if !taken.is_empty() {
                        self.server.handle_stream_taken(self.now, stream, taken.len());
                        if let Some(&peer) = self.streams.get(&stream) {
                            self.later(Arrival::ToClient(peer, stream, taken));
                        }
                        self.pump(stream);
                    }
                }
                ServerOutput::CloseStream { stream, how: _ } => {
                    if let Some(peer) = self.streams.remove(&stream) {
                        self.later(Arrival::ClosedAtClient(peer, stream));
                    }
                    self.server.handle_stream_closed(self.now, stream);
                }
                ServerOutput::Transmit(transmit) => self.transmit(transmit),
                ServerOutput::Share(request) => self.share(request),
                ServerOutput::Event(event) => self.server_events.push(event),
                ServerOutput::Trace(_) => {}
                ServerOutput::Stopped => self.stopped = true,
            }
        }
    }

    /// Takes everything else that waits for a stream.
    fn pump(&mut self, stream: StreamId) {
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let count = self.server.stream_pending(stream, &mut slices);
            let taken: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
            if taken.is_empty() {
                return;
            }
            self.server.handle_stream_taken(self.now, stream, taken.len());
            if let Some(&peer) = self.streams.get(&stream) {
                self.later(Arrival::ToClient(peer, stream, taken));
            }
        }
    }

    fn transmit(&mut self, transmit: Transmit) {
        match transmit {
            Transmit::Packet { path, packet } => self.offer(path, packet.encode()),
            Transmit::Segments { path, batch } => {
                let (file, _) = self.open[&batch.transfer()].clone();
                let content = self.share[&file].clone();
                let held = &self.in_memory[&batch.transfer()];
                let is_held = held.first().is_some_and(|first| first.start <= batch.range().start)
                    && held.last().is_some_and(|last| batch.range().end <= last.end);
                assert!(is_held, "{:?} of {held:?}", batch.range());
                let mut buffer = Vec::new();
                batch.write_into(&mut buffer, |range, place| {
                    place.copy_from_slice(&content[range.start as usize..range.end as usize]);
                });
                for datagram in buffer.chunks(batch.datagram_len()) {
                    self.offer(path, datagram.to_vec());
                }
            }
        }
    }

    fn offer(&mut self, path: Path, mut datagram: Vec<u8>) {
        assert_eq!(path.local, Some(SERVER.ip()), "it answers from the address that was asked");
        let Some(peer) = self.peers.iter().position(|it| it.address == path.remote) else { return };
        for after in self.fate(true, &mut datagram) {
            self.after(DELAY + after, Arrival::DatagramToClient(peer, SERVER, datagram.clone()));
        }
    }

    fn fate(&mut self, to_client: bool, datagram: &mut Vec<u8>) -> Vec<Duration> {
        let ordinal = self.datagrams.entry(to_client).or_default();
        *ordinal += 1;
        (self.link)(to_client, *ordinal, datagram)
    }

    fn share(&mut self, request: ShareRequest) {
        let now = self.now;
        if self.hold_share {
            return self.held.push(request);
        }
        match request {
            ShareRequest::List => {
                let modified = UnixTime::from_millis(0);
                let entry = |(it, bytes): (&String, &Vec<u8>)| FileEntry {
                    name: name(it),
                    size: bytes.len() as u64,
                    modified,
                };
                let files: Vec<_> = self.share.iter().map(entry).collect();
                self.server.handle_listing(now, files.into());
            }
            ShareRequest::Open { transfer, name, .. } => {
                let name = name.as_str().to_owned();
                let result = match self.share.get(&name) {
                    None => Err(FileError::NotFound),
                    Some(bytes) => Ok(FileMeta {
                        size: bytes.len() as u64,
                        modified: UnixTime::from_millis(0),
                        version: FileVersion([1; 16]),
                        hash: None,
                    }),
                };
                self.open.insert(transfer, (name, 0));
                self.server.handle_opened(now, transfer, result);
            }
            ShareRequest::HashPrefix { transfer, length } => {
                let (file, end) = self.open.get_mut(&transfer).expect("open");
                let bytes = &self.share[file][..length as usize];
                *end = length;
                self.server.handle_prefix_hashed(now, transfer, Ok(hash(bytes)));
            }
            ShareRequest::Read { transfer, range } => {
                let (file, end) = self.open.get_mut(&transfer).expect("open");
                assert!(range.start <= *end, "without holes: {range:?} after {end}");
                *end = range.end.max(*end);
                let held = self.in_memory.entry(transfer).or_default();
                if held.last().is_some_and(|last| last.end != range.start) {
                    held.clear();
                }
                held.push(range.clone());
                let in_all = self.in_memory.values().flatten().map(|it| it.end - it.start).sum();
                self.most_in_memory = self.most_in_memory.max(in_all);
                let bytes = &self.share[file];
                let result = match &self.read_error {
                    Some(error) => Err(error.clone()),
                    None => {
                        let hash = (range.end == bytes.len() as u64).then(|| hash(bytes));
                        Ok(ReadDone { range, hash })
                    }
                };
                self.server.handle_read(now, transfer, result);
            }
            ShareRequest::Forget { transfer, below } => {
                if let Some(held) = self.in_memory.get_mut(&transfer) {
                    held.retain(|piece| piece.end > below);
                }
            }
            ShareRequest::Close { transfer } => {
                self.in_memory.remove(&transfer);
                self.open.remove(&transfer).expect("closed once, and it was open");
            }
        }
    }

    fn drain_client(&mut self, index: usize, arrived: &[u8]) {
        loop {
            let now = self.now;
            let peer = &mut self.peers[index];
            match peer.client.poll_output(now) {
                ClientOutput::Timeout(_) => return,
                ClientOutput::Connect => {
                    self.next_stream += 1;
                    self.later(Arrival::Connected(index, StreamId(self.next_stream)));
                }
                ClientOutput::Stream => loop {
                    let mut slices = [IoSlice::new(&[]); 16];
                    let count = self.peers[index].client.stream_pending(&mut slices);
                    let taken: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.to_vec()).collect();
                    if taken.is_empty() {
                        break;
                    }
                    self.peers[index].client.handle_stream_taken(now, taken.len());
                    if let Some(stream) = self.peers[index].stream {
                        self.later(Arrival::ToServer(stream, taken));
                    }
                },
                ClientOutput::CloseStream(Close::Flushed | Close::Now) => {
                    if let Some(stream) = peer.stream.take() {
                        self.later(Arrival::ClosedAtServer(stream));
                    }
                }
                ClientOutput::Transmit(Transmit::Packet { path, packet }) => {
                    assert_eq!(path.remote, SERVER);
                    let from = peer.address;
                    let mut datagram = packet.encode();
                    for after in self.fate(false, &mut datagram) {
                        self.after(DELAY + after, Arrival::DatagramToServer(from, datagram.clone()));
                    }
                }
                ClientOutput::Transmit(Transmit::Segments { .. }) => panic!("a client sends no segments"),
                ClientOutput::Target(request) => self.target(index, request, arrived),
                ClientOutput::Event(ClientEvent::Chat(event)) => {
                    if let ClientChatEvent::Frame(frame) = &event {
                        peer.frames.push(frame.clone());
                    }
                    peer.chat_events.push(event);
                }
                ClientOutput::Event(ClientEvent::Download { download, event }) => {
                    peer.download_events.push((download, event));
                }
                ClientOutput::Trace(_) => {}
            }
        }
    }

    fn target(&mut self, index: usize, request: TargetRequest, arrived: &[u8]) {
        let now = self.now;
        let peer = &mut self.peers[index];
        match request {
            TargetRequest::Open { download, file } => {
                let file = file.as_str().to_owned();
                let there = peer.partial.entry(file.clone()).or_default();
                let have = Have { length: there.len() as u64, hash: hash(there) };
                peer.open.insert(download, file);
                match peer.hashing {
                    Duration::ZERO => peer.client.handle_opened(now, download, Ok(have)),
                    hashing => self.after(hashing, Arrival::Opened(index, download, have)),
                }
            }
            TargetRequest::Write { download, offset, datagram, payload } => {
                assert_eq!(datagram, 0);
                let there = peer.partial.get_mut(&peer.open[&download]).expect("open");
                assert_eq!(there.len() as u64, offset, "in order, without holes");
                there.extend_from_slice(&arrived[payload]);
                let through = there.len() as u64;
                match peer.disk_error.clone() {
                    Some(error) => peer.client.handle_write_failed(now, download, error),
                    None => peer.client.handle_written(now, download, through),
                }
            }
            TargetRequest::Op { download, op } => self.op(index, download, op),
        }
    }

    fn op(&mut self, index: usize, download: DownloadId, op: TargetOp) {
        let now = self.now;
        let peer = &mut self.peers[index];
        match op {
            TargetOp::Restart => peer.partial.get_mut(&peer.open[&download]).expect("open").clear(),
            TargetOp::Digest if peer.hold_digest => {}
            TargetOp::Digest => {
                let found = hash(&peer.partial[&peer.open[&download]]);
                peer.client.handle_digest(now, download, found);
            }
            TargetOp::Commit { .. } => {
                let file = peer.open.remove(&download).expect("open");
                let bytes = peer.partial.remove(&file).expect("written");
                peer.files.insert(file, bytes);
                peer.client.handle_committed(now, download, Ok(()));
            }
            TargetOp::Discard => {
                let file = peer.open.remove(&download).expect("open");
                peer.partial.remove(&file);
            }
            TargetOp::Keep => {
                peer.open.remove(&download).expect("open");
            }
        }
    }

    pub(crate) fn finished(&self, peer: usize, download: DownloadId) -> Option<Summary> {
        self.peers[peer].download_events.iter().find_map(|(id, event)| match event {
            DownloadEvent::Finished(summary) if *id == download => Some(*summary),
            _ => None,
        })
    }

    pub(crate) fn failed(&self, peer: usize, download: DownloadId) -> Option<FailReason> {
        self.peers[peer].download_events.iter().find_map(|(id, event)| match event {
            DownloadEvent::Failed { reason, .. } if *id == download => Some(reason.clone()),
            _ => None,
        })
    }
}

fn deadline(output: ServerOutput) -> Option<Instant> {
    match output {
        ServerOutput::Timeout(at) => at,
        output => panic!("drained, and yet {output:?}"),
    }
}
