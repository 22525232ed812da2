//! A chat server with four connections on which anything comes, at any time, read fast or slowly. Its invariants are
//! checked after every input.
#![no_main]

use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use backchat_core::chat::{Action, ChatConfig, ChatServer, Limits, StreamId};
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};
use libfuzzer_sys::fuzz_target;

/// Takes up to `most` bytes of what waits for a connection.
fn take(server: &mut ChatServer, now: Instant, stream: StreamId, most: usize) {
    let mut slices = [IoSlice::new(&[]); 4];
    let filled = server.pending(stream, &mut slices);
    let waiting: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
    if waiting > 0 {
        server.handle_taken(now, stream, waiting.min(most));
    }
}

fuzz_target!(|script: &[u8]| {
    let limits = Limits {
        history: 8,
        backlog: 4,
        clients: 3,
        parked_for: Duration::from_secs(2),
        ..Limits::default()
    };
    let config = ChatConfig { limits, motd: Some("hi".into()), at: UnixTime::from_millis(0) };
    let mut server = ChatServer::new(Instant::ZERO, config, &Seed::from_number(1));
    let mut now = Instant::from_millis(1000);
    let mut rest = script;
    // Each step is two bytes, what it does to which connection and how much, and for input a line of the script.
    while let [what, much, tail @ ..] = rest {
        rest = tail;
        let stream = StreamId(u64::from(what % 4) + 1);
        match what / 4 % 8 {
            0..=2 => {
                let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
                let (line, tail) = rest.split_at(end);
                rest = tail;
                for _ in 0..=much % 32 {
                    server.handle_bytes(now, stream, line);
                }
            }
            3 => server.handle_open(now, stream, IpAddr::V4(Ipv4Addr::new(10, 0, 0, *much))),
            4 => {
                now += Duration::from_millis(u64::from(*much) * u64::from(*much));
                server.handle_timeout(now);
            }
            5 => take(&mut server, now, stream, usize::from(*much) * 16),
            6 => server.handle_closed(now, stream),
            _ => server.handle_finished(now, stream),
        }
        while let Some(action) = server.poll_action() {
            if matches!(action, Action::ListFiles) {
                server.handle_files(now, [].into());
            }
        }
    }
});
