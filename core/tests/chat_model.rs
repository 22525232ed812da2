//! Random conversations from a seed, held against what everybody must have seen.

mod chat_world;

use backchat_core::chat::*;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use chat_world::{World, joining, nick};
use core::time::Duration;
use std::collections::BTreeMap;

/// How many clients there are: half of them come back when their connection breaks.
const CLIENTS: usize = 6;
const STEPS: u64 = 120;

/// A message that the server took: its number, its parties if it is private.
struct Taken {
    number: u64,
    from: SessionId,
    to: Option<SessionId>,
}

fn run(number: u64) {
    let mut chance = Seed::from_number(number).stream("conversation");
    let mut world = World::new(Limits { burst: 50, per_second: 50, ..Limits::default() });
    let name = |place: usize| format!("client{place}");
    for place in 0..CLIENTS {
        world.add(joining(&name(place), place % 2 == 0));
    }
    world.run(Duration::from_secs(1));
    let mut said = BTreeMap::new();
    for step in 0..STEPS {
        let place = chance.below(CLIENTS as u64) as usize;
        let text = format!("{step}");
        let now = world.now;
        match chance.below(10) {
            0..=4 => {
                let id = world.command(place, |client, now| client.say(now, &text, false));
                if id.is_ok() {
                    said.insert(text, (place, now));
                }
            }
            5 | 6 => {
                let to = nick(&name(chance.below(CLIENTS as u64) as usize));
                let id = world.command(place, |client, now| client.tell(now, &to, &text, false));
                if id.is_ok() {
                    said.insert(text, (place, now));
                }
            }
            7 => {
                let _ = world.command(place, |client, now| client.history(now, None, Some(5)));
            }
            8 => {
                let notices = chance.below(2) == 0;
                // Of those who come back: the others would end here.
                if let Some(stream) = world.stream_of(place).filter(|_| place.is_multiple_of(2)) {
                    world.sever(stream, notices);
                }
            }
            _ => {
                let _ = world.command(place, ChatClient::names);
            }
        }
        world.run(Duration::from_millis(chance.below(400)));
    }
    world.run(Duration::from_secs(200));
    check(number, &world, &said);
}

fn check(number: u64, world: &World, said: &BTreeMap<String, (usize, Instant)>) {
    let taken: Vec<Taken> = world
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Event(ChatEvent::Said { session, number, to, .. }) => {
                Some(Taken { number: *number, from: *session, to: *to })
            }
            _ => None,
        })
        .collect();
    assert!(taken.windows(2).all(|pair| pair[0].number + 1 == pair[1].number), "seed {number}: one sequence");
    assert!(
        !world.actions.iter().any(|action| matches!(action, Action::SessionEnded(session) if session.0 <= 6)),
        "seed {number}: everybody stayed or came back in time"
    );
    for (place, peer) in world.peers.iter().enumerate() {
        // Everybody joined in order, so a client's first session has its place as its number.
        let own = SessionId(place as u64 + 1);
        let visible = |taken: &&Taken| taken.to.is_none_or(|to| to == own || taken.from == own);
        let expected: Vec<u64> = taken.iter().filter(visible).map(|taken| taken.number).collect();
        let mut live: Vec<u64> = Vec::new();
        for (message, _) in peer.messages() {
            // What was asked for again comes below the highest number so far.
            if live.last().is_none_or(|last| *last < message) {
                live.push(message);
            }
        }
        assert_eq!(live, expected, "seed {number}: client {place} sees each message once, in order");
        assert!(peer.client.is_up() && peer.client.is_idle(), "seed {number}: client {place} is done");
        let mine: Vec<&String> =
            said.iter().filter(|(_, (of, _))| *of == place).map(|(text, _)| text).collect();
        let seen = peer.texts();
        assert!(
            mine.iter().all(|text| seen.contains(text)),
            "seed {number}: nothing of client {place} is lost"
        );
    }
}

#[test]
fn whatever_happens_everybody_sees_each_message_once_and_in_order() {
    for number in 0..150 {
        run(number);
    }
}

/// The same seed gives the same run, in every action.
#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut world = World::new(Limits::default());
        let ann = world.add(joining("ann", true));
        world.run(Duration::from_secs(1));
        world.say(ann, "hello");
        world.sever(StreamId(1), true);
        world.run(Duration::from_secs(30));
        world.actions
    };
    assert_eq!(run(), run());
}

/// A server that sends anything at all does a client no harm.
#[test]
fn a_hostile_server_is_survived() {
    let mut chance = Seed::from_number(5).stream("hostile");
    let welcome = br#"{"type":"welcome","protocol":1,"nick":"x","epoch":"0000000000000000","number":0,"resumed":true,"limits":{"burst":0,"per_second":0,"ping_after_ms":0,"text_bytes":0}}"#;
    for round in 0..300 {
        let mut client = ChatClient::new(joining("ann", true), &Seed::from_number(round));
        let mut now = Instant::ZERO;
        client.start(now);
        client.handle_connected(now);
        client.say(now, "hello", false).unwrap();
        for _ in 0..20 {
            now += Duration::from_millis(chance.below(2000));
            let pieces: [&[u8]; 8] = [
                welcome,
                b"\n",
                br#"{"type":"accepted","id":2,"number":18446744073709551615}"#,
                br#"{"type":"error","id":2,"code":"too-fast","message":"","retry_after_ms":18446744073709551615}"#,
                br#"{"type":"message","number":18446744073709551615,"at":"2026-01-01T00:00:00Z","from":"x","text":""}"#,
                br#"{"type":"ping"}"#,
                br#"{"type":"error","id":1,"code":"nick-taken","message":""}"#,
                &chance.bytes::<40>(),
            ];
            client.handle_bytes(now, pieces[chance.below(8) as usize]);
            client.handle_bytes(now, pieces[1]);
            client.handle_timeout(now);
            if chance.below(20) == 0 {
                client.handle_closed(now);
                client.handle_timeout(now + Duration::from_secs(10));
                client.handle_connected(now);
            }
            while client.poll_action().is_some() {}
        }
    }
}
