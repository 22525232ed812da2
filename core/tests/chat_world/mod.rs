//! A chat server and some clients, joined by in-memory pipes on a virtual clock.
#![allow(dead_code, unreachable_pub, reason = "each test compiles it for itself, and uses a part of it")]

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::*;
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::IoSlice;
use std::net::IpAddr;
use std::sync::Arc;

/// One way through a pipe.
pub const DELAY: Duration = Duration::from_millis(20);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// Where a connection breaks.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// The number of the connection in the world, from 1.
    pub stream: u64,
    pub way: Way,
    /// So many bytes that way still arrive.
    pub after: usize,
    /// Whether the server hears of it.
    pub server_notices: bool,
}

enum Transit {
    Connected(usize),
    Bytes(StreamId, Way, Vec<u8>),
    Closed(StreamId, Way),
}

pub struct Peer {
    pub client: ChatClient,
    stream: Option<StreamId>,
    pub events: Vec<ClientChatEvent>,
    pub tickets: Vec<(RequestId, Duration)>,
}

pub struct World {
    pub now: Instant,
    pub server: ChatServer,
    pub peers: Vec<Peer>,
    /// Connections that are up, and whose they are.
    streams: BTreeMap<StreamId, usize>,
    /// Connections to be closed once nothing is pending.
    closing: Vec<StreamId>,
    last_stream: u64,
    transit: BTreeMap<(Instant, u64), Transit>,
    last_transit: u64,
    carried: BTreeMap<(StreamId, bool), usize>,
    pub cut: Option<Cut>,
    pub actions: Vec<Action>,
    /// A connection on which everything is lost, its end too.
    pub mute: Option<StreamId>,
    /// No connection can be made.
    pub is_down: bool,
}

pub fn nick(text: &str) -> Nickname {
    Nickname::parse(text).unwrap()
}

pub fn server(limits: Limits, seed: &Seed) -> ChatServer {
    let config = ChatConfig { limits, motd: None, at: UnixTime::from_millis(1_795_348_800_000) };
    ChatServer::new(Instant::ZERO, config, seed)
}

/// How the clients of these tests join.
pub fn joining(name: &str, resume: bool) -> ClientConfig {
    ClientConfig {
        join: Some(JoinAs { nick: nick(name), history: None, resume }),
        reconnect: if resume { Reconnect::For(Duration::from_secs(300)) } else { Reconnect::Never },
        retry_first: resume,
    }
}

impl World {
    pub fn new(limits: Limits) -> Self {
        Self {
            now: Instant::ZERO,
            server: server(limits, &Seed::from_number(7)),
            peers: Vec::new(),
            streams: BTreeMap::new(),
            closing: Vec::new(),
            last_stream: 0,
            transit: BTreeMap::new(),
            last_transit: 0,
            carried: BTreeMap::new(),
            cut: None,
            actions: Vec::new(),
            mute: None,
            is_down: false,
        }
    }

    pub fn add(&mut self, config: ClientConfig) -> usize {
        let name = format!("client {}", self.peers.len());
        let client = ChatClient::new(config, &Seed::from_number(8).child(&name));
        self.peers.push(Peer { client, stream: None, events: Vec::new(), tickets: Vec::new() });
        let place = self.peers.len() - 1;
        self.peers[place].client.start(self.now);
        self.drain();
        place
    }

    /// A command of a user, carried out at once.
    pub fn command<T>(&mut self, place: usize, f: impl FnOnce(&mut ChatClient, Instant) -> T) -> T {
        let done = f(&mut self.peers[place].client, self.now);
        self.drain();
        done
    }

    pub fn say(&mut self, place: usize, text: &str) {
        self.command(place, |client, now| client.say(now, text, false)).unwrap();
    }

    /// The server is lost with all it knew, and another begins.
    pub fn restart(&mut self, number: u64) {
        for stream in self.streams.clone().into_keys() {
            self.sever(stream, false);
        }
        self.server = server(Limits::default(), &Seed::from_number(number));
    }

    /// Bytes carried over a connection one way.
    pub fn carried(&self, stream: u64, way: Way) -> usize {
        self.carried.get(&(StreamId(stream), way == Way::ToServer)).copied().unwrap_or(0)
    }

    /// The connection of a client that has one.
    pub fn stream_of(&self, place: usize) -> Option<StreamId> {
        self.peers[place].stream.filter(|stream| self.streams.contains_key(stream))
    }

    fn put(&mut self, after: Duration, transit: Transit) {
        self.last_transit += 1;
        self.transit.insert((self.now + after, self.last_transit), transit);
    }

    /// Breaks a connection: what is under way is lost.
    pub fn sever(&mut self, stream: StreamId, server_notices: bool) {
        self.transit.retain(|_, transit| !matches!(transit, Transit::Bytes(of, ..) if *of == stream));
        self.streams.remove(&stream);
        self.put(DELAY, Transit::Closed(stream, Way::ToClient));
        if server_notices {
            self.put(DELAY, Transit::Closed(stream, Way::ToServer));
        }
    }

    /// Puts bytes on a connection, unless it breaks there.
    fn carry(&mut self, stream: StreamId, way: Way, mut bytes: Vec<u8>) {
        if !self.streams.contains_key(&stream) {
            return;
        }
        let carried = self.carried.entry((stream, way == Way::ToServer)).or_default();
        let before = *carried;
        *carried += bytes.len();
        let cut = self.cut.filter(|cut| cut.stream == stream.0 && cut.way == way);
        match cut.filter(|cut| before + bytes.len() > cut.after) {
            None => self.put(DELAY, Transit::Bytes(stream, way, bytes)),
            Some(cut) => {
                bytes.truncate(cut.after - before);
                // Read at once, for the connection is gone when they would have arrived.
                self.deliver(stream, way, &bytes);
                self.sever(stream, cut.server_notices);
            }
        }
    }

    fn deliver(&mut self, stream: StreamId, way: Way, bytes: &[u8]) {
        match way {
            Way::ToServer => self.server.handle_bytes(self.now, stream, bytes),
            Way::ToClient => {
                let place = self.streams.get(&stream).copied();
                if let Some(peer) = place.and_then(|place| self.peers.get_mut(place))
                    && peer.stream == Some(stream)
                {
                    peer.client.handle_bytes(self.now, bytes);
                }
            }
        }
    }

    /// Carries out everything that is to be done now.
    pub fn drain(&mut self) {
        loop {
            let mut quiet = true;
            while let Some(action) = self.server.poll_action() {
                quiet = false;
                self.actions.push(action.clone());
                match action {
                    Action::Pending(stream) => {
                        let bytes = written(|slices| self.server.pending(stream, slices));
                        self.server.handle_taken(self.now, stream, bytes.len());
                        self.carry(stream, Way::ToClient, bytes);
                        self.flush(stream);
                    }
                    Action::Close { stream, .. } => {
                        self.closing.push(stream);
                        self.flush(stream);
                    }
                    Action::ListFiles => self.server.handle_files(self.now, listing(3)),
                    Action::Download { session, id, file, .. } => {
                        let ticket = TicketFrame {
                            id,
                            file,
                            size: 1,
                            modified: UnixTime::from_millis(0),
                            start: 0,
                            transfer: 5.into(),
                            ticket: Hex([7; 16]),
                            udp: "127.0.0.1:44000".parse().unwrap(),
                            expires_ms: 30_000,
                        };
                        self.server.reply(self.now, session, &ServerFrame::Ticket(Box::new(ticket)));
                    }
                    _ => {}
                }
            }
            for place in 0..self.peers.len() {
                while let Some(action) = self.peers[place].client.poll_action() {
                    quiet = false;
                    self.act(place, action);
                }
            }
            if quiet {
                return;
            }
        }
    }

    /// Writes what else is pending, then closes if that was asked for.
    fn flush(&mut self, stream: StreamId) {
        loop {
            let bytes = written(|slices| self.server.pending(stream, slices));
            if bytes.is_empty() {
                break;
            }
            self.server.handle_taken(self.now, stream, bytes.len());
            self.carry(stream, Way::ToClient, bytes);
        }
        if self.closing.contains(&stream) {
            self.closing.retain(|closing| *closing != stream);
            self.server.handle_closed(self.now, stream);
            self.put(DELAY, Transit::Closed(stream, Way::ToClient));
        }
    }

    fn act(&mut self, place: usize, action: ClientAction) {
        match action {
            ClientAction::Connect => self.put(DELAY, Transit::Connected(place)),
            ClientAction::Pending => loop {
                let peer = &mut self.peers[place];
                let bytes = written(|slices| peer.client.pending(slices));
                if bytes.is_empty() {
                    break;
                }
                peer.client.handle_taken(self.now, bytes.len());
                if let Some(stream) = peer.stream {
                    self.carry(stream, Way::ToServer, bytes);
                }
            },
            ClientAction::Close => {
                if let Some(stream) = self.peers[place].stream.take() {
                    self.streams.remove(&stream);
                    self.put(DELAY, Transit::Closed(stream, Way::ToServer));
                }
            }
            ClientAction::Ticket { id, round_trip, .. } => self.peers[place].tickets.push((id, round_trip)),
            ClientAction::Event(event) => self.peers[place].events.push(event),
            ClientAction::Marked(_) => {}
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..1_000_000 {
            self.drain();
            let deadlines = self.peers.iter().filter_map(|peer| peer.client.deadline());
            let timer = deadlines.chain(self.server.deadline()).min();
            let arrival = self.transit.first_key_value().map(|(&(at, _), _)| at);
            let Some(next) = [timer, arrival].into_iter().flatten().min().filter(|at| *at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            if arrival.is_some_and(|at| at <= self.now) {
                let Some((_, transit)) = self.transit.pop_first() else { continue };
                self.arrive(transit);
                continue;
            }
            self.server.handle_timeout(self.now);
            for peer in &mut self.peers {
                peer.client.handle_timeout(self.now);
            }
        }
        panic!("the world does not come to rest");
    }

    fn arrive(&mut self, transit: Transit) {
        match transit {
            Transit::Bytes(stream, ..) | Transit::Closed(stream, _) if self.mute == Some(stream) => {}
            Transit::Connected(place) if self.is_down => {
                self.peers[place].client.handle_connect_failed(self.now);
            }
            Transit::Connected(place) => {
                self.last_stream += 1;
                let stream = StreamId(self.last_stream);
                self.streams.insert(stream, place);
                self.server.handle_open(self.now, stream, IpAddr::from([127, 0, 0, 1]));
                self.peers[place].stream = Some(stream);
                self.peers[place].client.handle_connected(self.now);
            }
            Transit::Bytes(stream, way, bytes) => self.deliver(stream, way, &bytes),
            Transit::Closed(stream, Way::ToServer) => self.server.handle_closed(self.now, stream),
            Transit::Closed(stream, Way::ToClient) => {
                self.streams.remove(&stream);
                for peer in self.peers.iter_mut().filter(|peer| peer.stream == Some(stream)) {
                    peer.stream = None;
                    peer.client.handle_closed(self.now);
                }
            }
        }
    }
}

impl Peer {
    /// Every frame that was shown.
    pub fn frames(&self) -> impl Iterator<Item = &ServerFrame> {
        self.events.iter().filter_map(|event| match event {
            ClientChatEvent::Frame(frame) => Some(frame),
            _ => None,
        })
    }

    /// Number and text of every message, public and private.
    pub fn messages(&self) -> Vec<(u64, String)> {
        let message = |frame: &ServerFrame| match frame {
            ServerFrame::Message(message) => Some((message.number, message.text.to_string())),
            ServerFrame::Private(message) => Some((message.number, message.text.to_string())),
            _ => None,
        };
        self.frames().filter_map(message).collect()
    }

    pub fn texts(&self) -> Vec<String> {
        self.messages().into_iter().map(|(_, text)| text).collect()
    }

    pub fn has(&self, event: &ClientChatEvent) -> bool {
        self.events.contains(event)
    }
}

/// What `pending` shows.
pub fn written<'a>(pending: impl Fn(&mut [IoSlice<'a>]) -> usize) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); 64];
    let filled = pending(&mut slices);
    slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
}

pub fn listing(count: usize) -> Arc<[FileEntry]> {
    let entry = |number| FileEntry {
        name: FileName::parse(&format!("file-{number:06}.bin")).unwrap(),
        size: 1,
        modified: UnixTime::from_millis(0),
    };
    (0..count).map(entry).collect()
}
