//! Ends that lie or do not stop: what the other end bounds, and what it does not print.

use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use backchat_core::chat::client::Comeback;
use backchat_core::chat::*;
use backchat_core::hex::Hex;
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};

const STREAM: StreamId = StreamId(1);

/// A client that is not started.
fn client() -> (ChatClient, Instant) {
    let nick = Nickname::parse("ann").expect("a nickname");
    let config = ClientConfig {
        join: Some(JoinAs { nick, history: None, resume: true }),
        reconnect: Reconnect::Never,
        retry_first: false,
    };
    (ChatClient::new(config, &Seed::from_number(1)), Instant::from_millis(1000))
}

/// A client that has joined a server with these limits, in JSON.
fn joined(limits: &str) -> (ChatClient, Instant) {
    let (mut client, now) = client();
    client.start(now);
    client.handle_connected(now);
    sent(&mut client, now);
    let welcome = format!(
        r#"{{"type":"welcome","protocol":1,"epoch":"00000000000000aa","nick":"ann","number":0,"resumed":false,"limits":{limits}}}"#
    );
    client.handle_bytes(now, format!("{welcome}\n").as_bytes());
    let events: Vec<_> = std::iter::from_fn(|| client.poll_action()).collect();
    assert!(client.is_up(), "{events:?}");
    (client, now)
}

/// Takes everything that the client has to send.
fn sent(client: &mut ChatClient, now: Instant) -> String {
    let mut text = String::new();
    loop {
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = client.pending(&mut slices);
        let bytes: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
        if bytes.is_empty() {
            return text;
        }
        client.handle_taken(now, bytes.len());
        text.push_str(&String::from_utf8(bytes).expect("frames are UTF-8"));
    }
}

#[test]
fn a_server_that_pings_without_reading_is_not_owed_memory() {
    let (mut client, now) = joined("{}");
    let pings = "{\"type\":\"ping\"}\n".repeat(1000);
    let mut waiting = Vec::new();
    for _ in 0..100 {
        client.handle_bytes(now, pings.as_bytes());
        let mut slices = [IoSlice::new(&[]); 10_000];
        let filled = client.pending(&mut slices);
        waiting.push(slices[..filled].iter().map(|slice| slice.len()).sum::<usize>());
    }
    // 64 KiB and the pong that went beyond.
    let most = waiting.iter().max().copied().unwrap_or_default();
    assert!((64 * 1024..65 * 1024).contains(&most), "{waiting:?}");
    // Once it reads, it is answered again.
    sent(&mut client, now);
    client.handle_bytes(now, b"{\"type\":\"ping\"}\n");
    assert!(sent(&mut client, now).contains("pong"));
}

#[test]
fn limits_of_a_server_that_allow_nothing_or_all_are_moved_into_their_ranges() {
    for value in ["0", "4294967295"] {
        // All but the silence after which the server is taken to be gone: a millisecond is in its range.
        let keys = Limits::keys().into_iter().filter(|&key| key != "ping_after_ms");
        let limits = keys.map(|key| format!("\"{key}\":{value}"));
        let (mut client, mut now) = joined(&format!("{{{}}}", limits.collect::<Vec<_>>().join(",")));
        assert_eq!(client.limits().check(), Ok(()), "{value}");
        // A client that took them as they are would never say anything.
        client.say(now, "x", false).expect("it may speak");
        client.names(now).expect("it may ask");
        // One token comes in a second, at the least that a limit can be.
        for _ in 0..20 {
            now += Duration::from_millis(100);
            client.handle_timeout(now);
        }
        let text = sent(&mut client, now);
        assert!(text.contains("\"say\"") && text.contains("\"names\""), "{value}: {text}");
    }
}

fn server() -> (ChatServer, Instant) {
    let config = ChatConfig { limits: Limits::default(), motd: None, at: UnixTime::from_millis(0) };
    let mut server = ChatServer::new(Instant::ZERO, config, &Seed::from_number(1));
    let now = Instant::from_millis(1000);
    server.handle_open(now, STREAM, IpAddr::V4(Ipv4Addr::LOCALHOST));
    (server, now)
}

/// Takes everything that waits for the connection, and answers what the driver is asked for.
fn received(server: &mut ChatServer, now: Instant) -> Vec<ServerFrame> {
    let mut bytes = Vec::new();
    while let Some(action) = server.poll_action() {
        if matches!(action, Action::ListFiles) {
            server.handle_files(now, [].into());
        }
    }
    loop {
        let mut slices = [IoSlice::new(&[]); 8];
        let filled = server.pending(STREAM, &mut slices);
        let some: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect();
        if some.is_empty() {
            break;
        }
        server.handle_taken(now, STREAM, some.len());
        bytes.extend(some);
    }
    let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| ServerFrame::decode(line).expect("a frame")).collect()
}

/// Each takes a token of the requests' bucket, and what follows shows that the last one was answered.
#[test]
fn every_request_but_messages_takes_a_token_and_without_one_is_refused_with_the_wait() {
    let join = r#"{"type":"join","nick":"bob"}"#;
    let requests = [
        r#"{"type":"ping","id":"1"}"#,
        r#"{"type":"names","id":"1"}"#,
        r#"{"type":"files","id":"1"}"#,
        r#"{"type":"history","count":1,"id":"1"}"#,
        r#"{"type":"download","file":"book.bin","id":"1"}"#,
        r#"{"type":"stop","transfer":"0000000000000001","id":"1"}"#,
        join,
    ];
    let limits = Limits::default();
    for request in requests {
        let (mut server, now) = server();
        let ask = |server: &mut ChatServer, now, line: &str| {
            server.handle_bytes(now, STREAM, format!("{line}\n").as_bytes());
            received(server, now)
        };
        let mut left = limits.request_burst;
        if request != join {
            ask(&mut server, now, r#"{"type":"join","nick":"ann"}"#);
            left -= 1;
        }
        for _ in 0..left {
            ask(&mut server, now, r#"{"type":"ping"}"#);
        }
        let wait = |frames: &[ServerFrame]| {
            frames.iter().find_map(|frame| match frame {
                ServerFrame::Error(error) if error.code == ErrorCode::TooManyRequests => error.retry_after_ms,
                _ => None,
            })
        };
        let refused = ask(&mut server, now, request);
        let millis = wait(&refused).unwrap_or_else(|| panic!("{request}: {refused:?}"));
        assert!(millis <= 1000 / u64::from(limits.requests_per_second) + 1, "{request}: {millis}");
        // One token comes in that time, and one only.
        let later = now + Duration::from_millis(millis);
        assert_eq!(wait(&ask(&mut server, later, request)), None, "{request}");
        assert!(wait(&ask(&mut server, later, r#"{"type":"ping"}"#)).is_some(), "{request}");
    }
}

/// A panic prints whole machines, and logs are read by many.
#[test]
fn no_machine_prints_a_token() {
    let shown = |text: &str, token: &str| {
        let bytes = token.as_bytes();
        // As digits; as bytes in a list; as the numbers that the digits stand for.
        let numbers = token.parse::<Hex<16>>().expect("a token").0;
        text.contains(token)
            || text.contains(format!("{bytes:?}").trim_matches(['[', ']']))
            || text.contains(format!("{numbers:?}").trim_matches(['[', ']']))
    };
    // The server, which has said it, with the frame waiting and then taken, and what comes back in parts.
    let (mut server, now) = server();
    server.handle_bytes(now, STREAM, b"{\"type\":\"join\",\"nick\":\"ann\",\"resume\":true}\n");
    let unsent = format!("{server:?}");
    let token = received(&mut server, now).into_iter().find_map(|frame| match frame {
        ServerFrame::Welcome(welcome) => welcome.token,
        _ => None,
    });
    let token = token.expect("a token").to_string();
    let join = format!(r#"{{"type":"join","nick":"ann","resume":true,"token":"{token}"}}"#);
    server.handle_bytes(now, STREAM, join.as_bytes());
    for text in [unsent, format!("{server:?}")] {
        assert!(!shown(&text, &token), "{token} in {text}");
    }
    // The client that comes back with it, and its frames.
    let (mut client, _) = client();
    let token_of = token.parse().expect("a token");
    client.come_back(&Comeback { token: token_of, epoch: Hex([0; 8]), seen: 0, requests: 0 });
    client.start(now);
    client.handle_connected(now);
    let text = format!("{client:?}");
    assert!(!shown(&text, &token), "{token} in {text}");
    assert!(sent(&mut client, now).contains(&token), "it was there to be printed");
    let frame = ClientFrame::decode(join.as_bytes()).expect("a frame");
    let text = format!("{frame:?}");
    assert!(!shown(&text, &token) && text.contains("token: Some(..)"), "{text}");
}
