//! Connections that waste the server's time, or belong to another protocol.

mod chat_world;

use backchat_core::chat::*;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use chat_world::{server, written};
use core::net::IpAddr;
use core::time::Duration;

/// What a stranger sends, and what the server says to it.
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
        stranger.now = stranger.now + Duration::from_millis(500);
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
        // However the network cuts it.
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
