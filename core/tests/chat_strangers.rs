//! Connections that waste the server's time, belong to another protocol, or want all places.

mod chat_world;

use backchat_core::chat::*;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use chat_world::{server, written};
use core::net::IpAddr;
use core::time::Duration;

/// A connection of a stranger to a server, and the server's answers.
struct Stranger {
    now: Instant,
    server: ChatServer,
    sent: usize,
}

const STREAM: StreamId = StreamId(1);

impl Stranger {
    fn new() -> Self {
        let now = Instant::from_millis(1000);
        let mut server = server(Limits::default(), &Seed::from_number(1));
        server.handle_open(now, STREAM, IpAddr::from([192, 0, 2, 1]));
        Self { now, server, sent: 0 }
    }

    /// Sends bytes; tells why the connection is closed, if it is.
    fn send(&mut self, bytes: &[u8]) -> Option<CloseReason> {
        self.sent += bytes.len();
        self.server.handle_bytes(self.now, STREAM, bytes);
        self.closed()
    }

    fn closed(&mut self) -> Option<CloseReason> {
        let mut closed = None;
        while let Some(action) = self.server.poll_action() {
            if let Action::Close { reason, .. } = action {
                closed = Some(reason);
            }
        }
        closed
    }

    fn read(&mut self) -> Vec<ServerFrame> {
        let mut all = Vec::new();
        loop {
            let bytes = written(|slices| self.server.pending(STREAM, slices));
            if bytes.is_empty() {
                break;
            }
            self.server.handle_taken(self.now, STREAM, bytes.len());
            all.extend(bytes);
        }
        let lines = all.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| ServerFrame::decode(line).unwrap()).collect()
    }

    /// Sends `piece` until the connection is closed, without ever letting a second pass.
    fn flood(&mut self, piece: &[u8]) -> CloseReason {
        for _ in 0..1_000_000 {
            if let Some(reason) = self.send(piece) {
                return reason;
            }
            self.read();
        }
        panic!("{} bytes of {:?} were put up with", self.sent, piece.escape_ascii().to_string());
    }
}

const JOIN: &[u8] = b"{\"type\":\"join\",\"nick\":\"ann\"}\n";

#[test]
fn a_line_without_an_end_is_read_up_to_a_megabyte_and_not_for_ever() {
    let mut stranger = Stranger::new();
    assert_eq!(stranger.flood(&[b'x'; 16 * 1024]), CloseReason::Wasteful);
    assert!(stranger.sent <= (1 << 20) + 2 * 16 * 1024, "{} bytes", stranger.sent);
    let frames = stranger.read();
    let [.., ServerFrame::Error(error), ServerFrame::Closing { reason }] = &frames[..] else {
        panic!("{frames:?}");
    };
    assert_eq!((&error.code, reason.raw()), (&ErrorCode::Wasteful, "too many bytes for nothing"));
}

#[test]
fn whatever_is_for_nothing_is_not_read_for_ever() {
    let unknown = format!("{{\"type\":\"names\",\"x\":\"{}\"}}\n", "y".repeat(30_000));
    let pieces: [(&str, &[u8]); 7] = [
        ("empty lines", b"\n\r\n\n\n\n\n\n\n"),
        ("fields that nobody needs", unknown.as_bytes()),
        ("requests that come too fast", b"{\"type\":\"names\"}\n"),
        ("messages that come too fast", b"{\"type\":\"say\",\"text\":\"x\"}\n"),
        ("joins of who has joined", JOIN),
        ("pongs that answer nothing", b"{\"type\":\"pong\"}\n"),
        ("spaces", b"                                                               \n"),
    ];
    for (what, piece) in pieces {
        let mut stranger = Stranger::new();
        stranger.send(JOIN);
        let reason = stranger.flood(piece);
        assert!(matches!(reason, CloseReason::Wasteful | CloseReason::Malformed), "{what}: {reason}");
        assert!(stranger.sent <= 3 << 20, "{what}: {} bytes", stranger.sent);
    }
    // Before joining it is no better.
    let mut stranger = Stranger::new();
    assert_eq!(stranger.flood(b"{\"type\":\"say\",\"text\":\"x\"}\n"), CloseReason::Wasteful);
}

#[test]
fn people_and_clients_within_the_limits_waste_nothing() {
    let mut stranger = Stranger::new();
    assert_eq!(stranger.send(JOIN), None);
    let long = format!("{{\"type\":\"say\",\"text\":\"{}\",\"id\":7}}\n", "\\u0078".repeat(4096));
    for _ in 0..600 {
        stranger.now += Duration::from_millis(500);
        for line in [long.as_bytes(), b"\n", b"{\"type\":\"pong\"}\n", b"{\"type\":\"names\"}\n", b"\r\n"] {
            assert_eq!(stranger.send(line), None);
        }
        stranger.read();
    }
}

#[test]
fn who_speaks_another_protocol_is_closed_at_once_and_told_why() {
    let body = "{\"type\":\"join\",\"nick\":\"evil\"}\n{\"type\":\"say\",\"text\":\"from a page\"}\n";
    let post = format!("POST / HTTP/1.1\r\nHost: 127.0.0.1:55000\r\nContent-Type: text/plain\r\n\r\n{body}");
    let openings: [(&[u8], &str); 6] = [
        (post.as_bytes(), "HTTP"),
        (b"\n\nGET / HTTP/1.1\r\n", "HTTP"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "TLS"),
        (b"SSH-2.0-OpenSSH_9.7\r\n", "SSH"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 55000\r\n", "PROXY"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "PROXY"),
    ];
    for (bytes, name) in openings {
        // The network may cut it anywhere.
        for piece in [bytes.len(), 5, 1] {
            let mut stranger = Stranger::new();
            let closed: Vec<_> = bytes.chunks(piece).filter_map(|piece| stranger.send(piece)).collect();
            assert_eq!(closed, [CloseReason::AnotherProtocol], "{name} in pieces of {piece}");
            assert_eq!((stranger.server.nicknames(), stranger.server.counters().accepted), (0, 0));
            let frames = stranger.read();
            let [ServerFrame::Error(error), ServerFrame::Closing { .. }] = &frames[..] else {
                panic!("{name}: {frames:?}");
            };
            assert_eq!(error.code, ErrorCode::AnotherProtocol);
            assert!(piece < bytes.len() || error.message.to_string().contains(name), "{}", error.message);
        }
    }
}

#[test]
fn who_mistypes_by_hand_goes_on() {
    let mut stranger = Stranger::new();
    for line in ["\r\n", "hello?\n", "GET\n", "/join ann\n", "join ann HTTP\n", "\u{1b}[A\n"] {
        assert_eq!(stranger.send(line.as_bytes()), None, "{line:?}");
    }
    assert_eq!(stranger.send(JOIN), None);
    assert_eq!(stranger.server.nicknames(), 1);
    // Later on it is a message, or a mistake like any other.
    assert_eq!(stranger.send(b"GET / HTTP/1.1\r\n"), None);
}

/// A server and connections from anywhere.
struct Room {
    now: Instant,
    server: ChatServer,
    streams: u64,
    closed: Vec<(StreamId, CloseReason)>,
}

impl Room {
    fn new(limits: Limits) -> Self {
        let now = Instant::from_millis(1000);
        Self { now, server: server(limits, &Seed::from_number(1)), streams: 0, closed: Vec::new() }
    }

    fn open(&mut self, peer: &str) -> StreamId {
        self.streams += 1;
        let stream = StreamId(self.streams);
        self.server.handle_open(self.now, stream, peer.parse().unwrap());
        self.drain();
        stream
    }

    fn send(&mut self, stream: StreamId, line: &str) {
        self.server.handle_bytes(self.now, stream, format!("{line}\n").as_bytes());
        self.drain();
    }

    fn join(&mut self, peer: &str, nick: &str) -> StreamId {
        let stream = self.open(peer);
        self.send(stream, &format!(r#"{{"type":"join","nick":"{nick}","resume":true}}"#));
        stream
    }

    fn park(&mut self, stream: StreamId) {
        self.server.handle_closed(self.now, stream);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.server.poll_action() {
            if let Action::Close { stream, reason, .. } = action {
                self.closed.push((stream, reason));
            }
        }
    }

    /// Takes up to `most` bytes.
    fn take(&mut self, stream: StreamId, most: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < most {
            let mut bytes = written(|slices| self.server.pending(stream, slices));
            bytes.truncate(most - all.len());
            if bytes.is_empty() {
                break;
            }
            self.server.handle_taken(self.now, stream, bytes.len());
            all.extend(bytes);
        }
        self.drain();
        all
    }

    fn codes(&mut self, stream: StreamId) -> Vec<String> {
        let bytes = self.take(stream, usize::MAX);
        let frames = bytes.split(|byte| *byte == b'\n').filter_map(|line| ServerFrame::decode(line).ok());
        let code = |frame| match frame {
            ServerFrame::Error(error) => Some(error.code.to_string()),
            _ => None,
        };
        frames.filter_map(code).collect()
    }

    fn is_closed(&self, stream: StreamId) -> Option<CloseReason> {
        self.closed.iter().find(|(of, _)| *of == stream).map(|(_, reason)| *reason)
    }
}

#[test]
fn one_address_parks_its_share_of_nicknames_and_its_oldest_give_way() {
    let mut room = Room::new(Limits { connections_per_address: 5, ..Limits::default() });
    for number in 0..100 {
        let stream = room.join("192.0.2.1", &format!("n{number}"));
        room.park(stream);
        room.now += Duration::from_millis(100);
    }
    assert_eq!(room.server.nicknames(), 5);
    let roster: Vec<String> =
        room.server.people().into_iter().filter_map(|it| it.nick).map(|nick| nick.to_string()).collect();
    assert_eq!(roster, ["n95", "n96", "n97", "n98", "n99"]);
    // Those who are there do not.
    let here: Vec<StreamId> = (0..5).map(|number| room.join("192.0.2.2", &format!("h{number}"))).collect();
    room.park(here[0]);
    assert_eq!(room.server.nicknames(), 10);
    let other = room.join("192.0.2.2", "other");
    assert_eq!((room.is_closed(other), room.server.nicknames()), (None, 10));
}

#[test]
fn a_48_of_ipv6_parks_sixteen_addresses_worth() {
    let mut room = Room::new(Limits { connections_per_address: 2, ..Limits::default() });
    for number in 0..600_u16 {
        let stream =
            room.join(&format!("2001:db8:0:{:x}::1", number.wrapping_mul(109)), &format!("n{number}"));
        room.park(stream);
    }
    assert_eq!(room.server.nicknames(), 32);
    room.join("2001:db8:1::1", "honest");
    assert_eq!(room.server.nicknames(), 33);
}

#[test]
fn whoever_has_a_place_less_gets_one_on_a_full_server() {
    let mut room = Room::new(Limits { clients: 6, ..Limits::default() });
    let strangers: Vec<StreamId> = (0..6)
        .map(|number| {
            room.now += Duration::from_millis(10);
            room.join("192.0.2.1", &format!("n{number}"))
        })
        .collect();
    let honest = room.join("192.0.2.2", "honest");
    assert_eq!(room.is_closed(strangers[0]), Some(CloseReason::MadeRoom), "it moved nothing longest");
    assert_eq!((room.is_closed(honest), room.server.nicknames()), (None, 6));
    let second = room.join("192.0.2.2", "second");
    let third = room.join("192.0.2.2", "third");
    assert_eq!((room.is_closed(second), room.is_closed(third)), (None, None));
    // Three and three: nobody has more.
    for peer in ["192.0.2.1", "192.0.2.2"] {
        let stream = room.open(peer);
        assert_eq!(room.codes(stream), ["full"], "{peer}");
    }
    let other = room.join("192.0.2.3", "other");
    assert_eq!(room.is_closed(other), None);
}

#[test]
fn sixteen_talkers_of_one_address_do_not_cut_a_reader_off_who_reads() {
    let mut room = Room::new(Limits::default());
    let talkers: Vec<StreamId> =
        (0..16).map(|number| room.join("192.0.2.1", &format!("t{number}"))).collect();
    let reader = room.join("198.51.100.7", "reader");
    let line = format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(4000));
    // A minute; the reader has 1 Mbit/s, in tenths of a second.
    let (mut read, mut said) = (0, 0);
    for tenth in 0..600 {
        room.now += Duration::from_millis(100);
        for talker in &talkers {
            if tenth < 2 || tenth % 5 == 0 {
                room.send(*talker, &line);
            }
            room.take(*talker, usize::MAX);
        }
        said = room.server.counters().accepted;
        read += room.take(reader, 12_500).len();
        assert_eq!(room.is_closed(reader), None, "after {tenth} tenths, {said} messages and {read} bytes");
    }
    assert!(said > 1000 && read > 7_000_000, "{said} messages, {read} bytes");
}

#[test]
fn all_sessions_of_an_address_share_a_rate() {
    let limits = Limits { rates_per_address: 2, ..Limits::default() };
    let mut room = Room::new(limits);
    let talkers: Vec<StreamId> =
        (0..10).map(|number| room.join("192.0.2.1", &format!("t{number}"))).collect();
    for talker in &talkers {
        for _ in 0..5 {
            room.send(*talker, r#"{"type":"say","text":"x"}"#);
        }
    }
    assert_eq!(room.server.counters().accepted, 10, "twice the burst of one");
    assert!(room.codes(talkers[9]).iter().all(|code| code == "too-fast"));
    let other = room.join("192.0.2.2", "other");
    room.send(other, r#"{"type":"say","text":"x"}"#);
    assert_eq!(room.server.counters().accepted, 11);
}

#[test]
fn readers_who_take_next_to_nothing_cannot_take_all_memory() {
    let limits = Limits {
        unread_bytes: 1 << 20,
        burst: 1_000_000,
        per_second: 1_000_000,
        rates_per_address: 1_000,
        ..Limits::default()
    };
    let mut room = Room::new(limits);
    let talker = room.join("192.0.2.1", "talker");
    let hostile: Vec<StreamId> =
        (0..20).map(|number| room.join("192.0.2.2", &format!("h{number}"))).collect();
    let slow = room.join("192.0.2.3", "slow");
    let line = format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(4000));
    for _ in 0..100 {
        room.now += Duration::from_millis(100);
        room.send(talker, &line);
        room.take(talker, usize::MAX);
        // A byte each is progress.
        for stream in &hostile {
            room.take(*stream, 1);
        }
        room.take(slow, 1_000);
    }
    let cut = hostile.iter().filter(|stream| room.is_closed(**stream) == Some(CloseReason::TooSlow)).count();
    assert!(cut >= 15, "{cut} of them were closed");
    assert_eq!(room.is_closed(slow), None, "more waits for them together than for one who reads slowly");
}
