//! What an operator does to a chat, and what it does to who is in it.

mod chat_world;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::table::State;
use backchat_core::chat::*;
use backchat_core::time::{Instant, UnixTime};
use chat_world::{World, joining, nick};
use core::time::Duration;
use std::net::IpAddr;

const SECOND: Duration = Duration::from_secs(1);

/// A world in which these have joined; they come back by themselves when they lose their connection.
fn joined<const N: usize>(names: [&str; N]) -> World {
    let mut world = World::new(Limits::default());
    for name in names {
        world.add(joining(name, true));
    }
    world.run(SECOND);
    assert_eq!(world.server.nicknames(), N);
    world
}

fn operate<T>(world: &mut World, f: impl FnOnce(&mut ChatServer, Instant) -> T) -> T {
    let done = f(&mut world.server, world.now);
    world.run(SECOND);
    done
}

fn refusal(world: &World, place: usize) -> ErrorFrame {
    let refused = world.peers[place].events.iter().find_map(|event| match event {
        ClientChatEvent::Refused(error) => Some(error.clone()),
        _ => None,
    });
    refused.expect("it was refused")
}

fn address(text: &str) -> Whom {
    Whom::Range(text.parse().expect("a range"))
}

/// What a raw connection from `peer` is told, as text.
fn told(world: &mut World, stream: u64, peer: &str, line: &str) -> String {
    let peer: IpAddr = peer.parse().expect("an address");
    world.server.handle_open(world.now, StreamId(stream), peer);
    world.server.handle_bytes(world.now, StreamId(stream), line.as_bytes());
    let bytes = chat_world::written(|slices| world.server.pending(StreamId(stream), slices));
    world.server.handle_taken(world.now, StreamId(stream), bytes.len());
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn who_is_kicked_is_told_why_and_does_not_come_back_by_itself() {
    let mut world = joined(["ann", "bob"]);
    operate(&mut world, |server, now| server.kick(now, &nick("BOB"), Some("flooding"))).expect("bob is here");
    world.run(60 * SECOND);
    let error = refusal(&world, 1);
    assert_eq!(error.code, ErrorCode::Kicked);
    assert_eq!(error.message, "the operator has ended this session: flooding");
    assert!(world.peers[1].client.is_over());
    assert_eq!(world.server.nicknames(), 1);
    let left = ServerFrame::Left { nick: nick("bob"), reason: "kicked".into() };
    assert!(world.peers[0].frames().any(|frame| *frame == left));
    world.add(joining("bob", false));
    world.run(SECOND);
    assert_eq!(world.server.nicknames(), 2, "a kick is no ban");
}

#[test]
fn nobody_and_nothing_cannot_be_kicked_or_unbanned() {
    let mut world = joined(["ann"]);
    let nobody = operate(&mut world, |server, now| server.kick(now, &nick("eve"), None));
    assert_eq!(nobody, Err(OperatorError::Nobody(nick("eve"))));
    let unclean = operate(&mut world, |server, now| server.kick(now, &nick("ann"), Some("a\u{1b}[2J")));
    assert!(matches!(unclean, Err(OperatorError::Text(_))), "{unclean:?}");
    let not_banned = operate(&mut world, |server, now| server.unban(now, Whom::Nick(nick("eve"))));
    assert_eq!(not_banned, Err(OperatorError::NotBanned(Whom::Nick(nick("eve")))));
    assert_eq!(world.server.nicknames(), 1);
}

#[test]
fn a_banned_nickname_is_refused_until_its_time_however_it_is_written() {
    let mut world = joined(["ann", "bob"]);
    let ended = operate(&mut world, |server, now| {
        server.ban(now, Whom::Nick(nick("bob")), Some(60 * SECOND), Some("flooding".to_owned()))
    });
    assert_eq!(ended, Ok(1));
    assert_eq!(refusal(&world, 1).code, ErrorCode::Banned);
    let again = world.add(joining("BOB", false));
    world.run(SECOND);
    let error = refusal(&world, again);
    assert_eq!((error.code, error.suggestion), (ErrorCode::Banned, None));
    // The clock of the world began at 12:00:00; bob was banned a second later.
    assert_eq!(error.message, "bob is banned until 2026-11-22T12:01:01.000Z: flooding");
    let left = Duration::from_millis(error.retry_after_ms.expect("it has an end"));
    assert!(left > 58 * SECOND && left < 59 * SECOND, "{left:?}");
    let rename = world.command(0, |client, now| client.nick(now, &nick("bob")));
    world.run(SECOND);
    assert!(rename.is_ok());
    let refused = |frame: &ServerFrame| matches!(frame, ServerFrame::Error(e) if e.code == ErrorCode::Banned);
    assert!(world.peers[0].frames().any(refused), "nobody can take it by another way");
    world.run(60 * SECOND);
    world.add(joining("bob", false));
    world.run(SECOND);
    assert_eq!(world.server.nicknames(), 2);
}

#[test]
fn a_ban_without_an_end_holds_until_it_is_lifted() {
    let mut world = joined(["ann"]);
    let bob = || Whom::Nick(nick("bob"));
    assert_eq!(operate(&mut world, |server, now| server.ban(now, bob(), None, None)), Ok(0));
    world.run(100_000 * SECOND);
    let refused = world.add(joining("bob", true));
    world.run(SECOND);
    let error = refusal(&world, refused);
    assert_eq!((error.message.raw(), error.retry_after_ms), ("bob is banned", None));
    let bans: Vec<Ban> = world.server.bans(world.now).cloned().collect();
    assert_eq!(bans, [Ban { whom: bob(), until: None, reason: None }]);
    assert_eq!(operate(&mut world, |server, now| server.unban(now, bob())), Ok(()));
    world.add(joining("bob", false));
    world.run(SECOND);
    assert_eq!(world.server.nicknames(), 2);
}

#[test]
fn a_banned_address_is_turned_away_whoever_it_says_it_is() {
    let mut world = joined(["ann"]);
    let join = "{\"type\":\"join\",\"nick\":\"eve\"}\n";
    assert!(told(&mut world, 1001, "192.0.2.1", join).contains("\"welcome\""));
    assert!(told(&mut world, 1002, "2001:db8::1", "{\"type\":\"names\"}\n").contains("\"names\""));
    for (peer, ended) in [("192.0.2.1", 1), ("2001:db8::77", 1)] {
        let banned = operate(&mut world, |server, now| server.ban(now, address(peer), None, None));
        assert_eq!(banned, Ok(ended), "{peer}");
    }
    assert_eq!(world.server.people().len(), 1, "who was there from there has gone");
    for (stream, peer, expected) in [
        (1003, "192.0.2.1", "192.0.2.1 is banned"),
        (1004, "::ffff:192.0.2.1", "192.0.2.1 is banned"),
        (1005, "2001:db8::2:3:4", "2001:db8::/64 is banned"),
    ] {
        let lines = told(&mut world, stream, peer, "");
        assert!(lines.contains("\"code\":\"banned\"") && lines.contains(expected), "{peer}: {lines}");
    }
    assert!(told(&mut world, 1006, "192.0.2.2", join).contains("\"welcome\""), "a neighbour may come in");
    assert_eq!(world.server.counters().closed.get(&CloseReason::Banned), Some(&5));
}

#[test]
fn a_banned_range_turns_everybody_away_who_is_in_it() {
    let mut world = joined([]);
    let join = |nick: &str| format!("{{\"type\":\"join\",\"nick\":\"{nick}\"}}\n");
    for (stream, peer) in [(1001, "10.0.0.7"), (1002, "10.0.1.7"), (1003, "2001:db8:1::1")] {
        assert!(told(&mut world, stream, peer, &join(&format!("n{stream}"))).contains("\"welcome\""));
    }
    for (range, ended) in [("10.0.0.0/24", 1), ("2001:db8::/32", 1)] {
        let banned = operate(&mut world, |server, now| server.ban(now, address(range), None, None));
        assert_eq!(banned, Ok(ended), "{range}");
    }
    assert_eq!(world.server.nicknames(), 1);
    assert!(told(&mut world, 1004, "10.0.0.255", "").contains("10.0.0.0/24 is banned"));
    assert!(told(&mut world, 1005, "10.0.1.1", &join("eve")).contains("\"welcome\""));
}

#[test]
fn bans_of_an_earlier_server_hold_until_the_time_of_the_calendar() {
    let mut world = joined([]);
    // The clock of the world began at 12:00:00, a second ago.
    let stored = |text: &str, until: Option<&str>| StoredBan {
        whom: address(text),
        until: until.map(|until| UnixTime::parse(until).expect("a time")),
        reason: None,
    };
    for ban in [
        stored("10.0.0.1", Some("2026-11-22T12:01:00Z")),
        stored("10.0.0.2", Some("2026-11-22T12:00:01Z")),
        stored("10.0.0.3", None),
    ] {
        assert_eq!(operate(&mut world, |server, now| server.restore_ban(now, ban)), Ok(()));
    }
    let held = |world: &World, at| world.server.bans(at).map(|ban| ban.whom.to_string()).collect::<Vec<_>>();
    assert_eq!(held(&world, world.now), ["10.0.0.1", "10.0.0.3"]);
    let lines = told(&mut world, 1001, "10.0.0.1", "");
    assert!(lines.contains("10.0.0.1 is banned until 2026-11-22T12:01:00.000Z"), "{lines}");
    assert_eq!(held(&world, world.now + 60 * SECOND), ["10.0.0.3"]);
}

#[test]
fn who_is_parked_can_be_kicked_and_has_no_session_to_come_back_to() {
    let mut world = joined(["ann", "bob"]);
    let stream = world.stream_of(1).expect("bob is connected");
    world.is_down = true;
    world.sever(stream, true);
    world.run(Duration::from_millis(100));
    assert_eq!(world.server.sessions_in(State::Parked), 1);
    operate(&mut world, |server, now| server.kick(now, &nick("bob"), None)).expect("bob is held");
    assert_eq!(world.server.nicknames(), 1);
    world.is_down = false;
    world.run(60 * SECOND);
    let resumed = |event: &ClientChatEvent| matches!(event, ClientChatEvent::Joined { resumed: true, .. });
    assert!(!world.peers[1].events.iter().any(resumed));
}

#[test]
fn everybody_hears_what_the_operator_says() {
    let mut world = joined(["ann", "bob"]);
    let long = "x".repeat(20_000);
    assert!(operate(&mut world, |server, now| server.announce(now, &long)).is_err());
    operate(&mut world, |server, now| server.announce(now, "back at noon")).expect("a text");
    let notice = ServerFrame::Notice { text: "back at noon".into() };
    for place in 0..2 {
        assert_eq!(world.peers[place].frames().filter(|frame| **frame == notice).count(), 1);
    }
}

#[test]
fn an_operator_sees_who_is_here_and_from_where() {
    let mut world = joined(["zoe", "ann"]);
    told(&mut world, 1001, "192.0.2.1", "");
    let people = world.server.people();
    let seen: Vec<_> = people
        .iter()
        .map(|person| (person.nick.as_ref().map(Nickname::as_str), person.peer.to_string(), person.state))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("ann"), "127.0.0.1".to_owned(), State::Joined),
            (Some("zoe"), "127.0.0.1".to_owned(), State::Joined),
            (None, "192.0.2.1".to_owned(), State::Visiting),
        ]
    );
}
