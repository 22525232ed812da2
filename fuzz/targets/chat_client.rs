//! A chat's client whose server says anything, while its user types and its connection breaks. Its invariants are checked
//! after every input.
#![no_main]

use std::io::IoSlice;
use std::time::Duration;

use backchat_core::chat::{ChatClient, ClientConfig, JoinAs, Nickname, Reconnect};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use libfuzzer_sys::fuzz_target;

const WELCOME: &[u8] =
    b"{\"type\":\"welcome\",\"protocol\":1,\"epoch\":\"00000000000000aa\",\"nick\":\"ann\",\"number\":0,\
    \"resumed\":false,\"token\":\"000102030405060708090a0b0c0d0e0f\"}\n";

fuzz_target!(|script: &[u8]| {
    let nick = Nickname::parse("ann").expect("a nickname");
    let config = ClientConfig {
        join: Some(JoinAs { nick, history: None, resume: true }),
        reconnect: Reconnect::For(Duration::from_secs(60)),
        retry_first: true,
    };
    let mut client = ChatClient::new(config, &Seed::from_number(1));
    let mut now = Instant::from_millis(1000);
    client.start(now);
    let mut rest = script;
    // Each step is two bytes, what it does and how much, and for input a line of the script.
    while let [what, much, tail @ ..] = rest {
        rest = tail;
        match what % 10 {
            0..=2 => {
                let end = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
                let (line, tail) = rest.split_at(end);
                rest = tail;
                for _ in 0..=much % 32 {
                    client.handle_bytes(now, line);
                }
            }
            3 => client.handle_connected(now),
            4 => client.handle_bytes(now, WELCOME),
            5 => {
                now += Duration::from_millis(u64::from(*much) * u64::from(*much));
                client.handle_timeout(now);
            }
            6 => {
                let mut slices = [IoSlice::new(&[]); 4];
                let filled = client.pending(&mut slices);
                let waiting: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
                client.handle_taken(now, waiting.min(usize::from(*much) * 16));
            }
            7 => client.handle_closed(now),
            8 => {
                let _ = client.say(now, "hello", false);
            }
            _ => {
                let _ = client.names(now);
            }
        }
        while client.poll_action().is_some() {}
    }
});
