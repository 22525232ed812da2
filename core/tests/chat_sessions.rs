//! A server and clients on a virtual clock: what each end promises the other.

mod chat_world;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::*;
use backchat_core::seed::Seed;
use chat_world::{Cut, Way, World, joining, nick};
use core::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn two_clients_join_talk_and_leave() {
    let mut world = World::new(Limits::default());
    let ann = world.add(joining("ann", false));
    world.run(SECOND);
    let bob = world.add(joining("bob", false));
    world.run(SECOND);
    world.say(ann, "hello");
    world.command(bob, |client, now| client.tell(now, &nick("ANN"), "psst", false)).unwrap();
    world.run(SECOND);
    assert_eq!(world.peers[ann].texts(), ["hello", "psst"]);
    assert_eq!(world.peers[bob].texts(), ["hello", "psst"]);
    world.command(bob, ChatClient::leave);
    world.run(SECOND);
    let left = ServerFrame::Left { nick: nick("bob"), reason: "left".into() };
    assert!(world.peers[ann].frames().any(|frame| *frame == left));
    assert!(world.peers[bob].client.is_over());
    assert_eq!(world.server.nicknames(), 1);
}

#[test]
fn who_goes_on_behind_a_large_prefix_is_refused_nothing() {
    let mut world = World::new(Limits::default());
    let ann = world.add(joining("ann", false));
    world.run(SECOND);
    let file = FileName::parse("book.bin").unwrap();
    let have = Have { length: 1 << 40, hash: backchat_core::wire::Hash([0; 32]) };
    world.command(ann, |client, now| client.download(now, &file, Some(have))).unwrap();
    for _ in 0..3 {
        world.command(ann, ChatClient::names).unwrap();
    }
    world.run(10 * SECOND);
    assert!(world.peers[ann].client.is_idle());
    assert!(!world.peers[ann].frames().any(|frame| matches!(frame, ServerFrame::Error(_))));
}

#[test]
fn a_taken_nickname_is_refused_with_a_free_one() {
    let mut world = World::new(Limits::default());
    world.add(joining("ann", false));
    world.run(SECOND);
    let second = world.add(joining("Ann", false));
    world.run(SECOND);
    let refused = world.peers[second].events.iter().find_map(|event| match event {
        ClientChatEvent::Refused(error) => Some(error),
        _ => None,
    });
    let refused = refused.expect("the join is refused");
    assert_eq!((&refused.code, &refused.suggestion), (&ErrorCode::NickTaken, &Some(nick("Ann2"))));
    assert!(world.peers[second].client.is_over());
}

#[test]
fn who_was_killed_and_starts_anew_waits_for_the_session_it_left_behind() {
    let mut world = World::new(Limits::default());
    world.add(joining("ann", true));
    world.run(SECOND);
    world.sever(StreamId(1), true);
    world.command(0, |client, _| *client = ChatClient::new(joining("nobody", false), &Seed::from_number(1)));
    world.run(10 * SECOND);
    let anew = world.add(joining("ann", true));
    let once = world.add(joining("ann", false));
    world.run(SECOND);
    let refused = world.peers[once].events.iter().find_map(|event| match event {
        ClientChatEvent::Refused(error) => Some(error),
        _ => None,
    });
    let refused = refused.expect("who does not come back is refused at once");
    assert_eq!(
        refused.message,
        "ann is held for 20 s more, for somebody whose connection was lost, ann2 is free"
    );
    assert!(refused.retry_after_ms.is_some_and(|millis| (19_000..20_000).contains(&millis)), "{refused:?}");
    let refusals = |world: &World| world.server.counters().refused.values().sum::<u64>();
    assert_eq!(refusals(&world), 2);
    world.run(20 * SECOND);
    assert!(world.peers[anew].has(&ClientChatEvent::Joined { resumed: false, new_epoch: false }));
    assert_eq!(refusals(&world), 2, "it asked again when the server said so, and not before");
}

#[test]
fn a_hundred_lines_at_once_arrive_paced_without_one_refusal() {
    let mut world = World::new(Limits::default());
    let ann = world.add(joining("ann", false));
    let lines: Vec<String> = (0..100).map(|number| format!("line {number}")).collect();
    for line in &lines {
        world.say(ann, line);
    }
    world.run(60 * SECOND);
    assert_eq!(world.peers[ann].texts(), lines);
    assert!(world.peers[ann].client.is_idle());
    assert_eq!(world.peers[ann].client.counters().held, 0);
    assert_eq!(world.server.counters().refused.len(), 0);
}

#[test]
fn a_join_counts_as_a_request() {
    let mut world = World::new(Limits { request_burst: 1, ..Limits::default() });
    let ann = world.add(joining("ann", true));
    world.run(SECOND / 10);
    world.command(ann, ChatClient::names).unwrap();
    world.run(SECOND);
    assert!(world.peers[ann].client.is_idle());
    assert_eq!(world.peers[ann].client.counters().held, 0);
    assert_eq!(world.server.counters().refused.len(), 0);
}

#[test]
fn a_ticket_tells_the_round_trip() {
    let mut world = World::new(Limits::default());
    let visitor = world.add(ClientConfig { join: None, reconnect: Reconnect::Never, retry_first: false });
    world.run(SECOND);
    let name = FileName::parse("book.bin").unwrap();
    let id = world.command(visitor, |client, now| client.download(now, &name, None)).unwrap();
    world.command(visitor, ChatClient::names).unwrap();
    world.command(visitor, ChatClient::files).unwrap();
    world.run(SECOND);
    assert_eq!(world.peers[visitor].tickets, [(id, Duration::from_millis(40))]);
    assert!(world.peers[visitor].client.is_idle());
    assert_eq!(world.server.nicknames(), 0);
    assert_eq!(world.peers[visitor].frames().count(), 2);
}

#[test]
fn a_parked_session_goes_on_without_a_notice_to_others() {
    let mut world = World::new(Limits::default());
    let ann = world.add(joining("ann", true));
    let bob = world.add(joining("bob", false));
    world.run(SECOND);
    world.is_down = true;
    world.sever(StreamId(1), true);
    world.run(SECOND);
    world.say(bob, "while you were away");
    world.command(bob, |client, now| client.tell(now, &nick("ann"), "and to you", false)).unwrap();
    world.command(bob, ChatClient::names).unwrap();
    world.run(SECOND);
    world.is_down = false;
    world.run(20 * SECOND);
    assert_eq!(world.peers[ann].texts(), ["while you were away", "and to you"]);
    assert!(world.peers[ann].has(&ClientChatEvent::Joined { resumed: true, new_epoch: false }));
    assert!(!world.peers[bob].frames().any(|frame| matches!(frame, ServerFrame::Left { .. })));
    let listed = world.peers[bob].frames().find_map(|frame| match frame {
        ServerFrame::Names { names, .. } => Some(names.len()),
        _ => None,
    });
    assert_eq!(listed, Some(2), "who is parked is still here");
}

#[test]
fn a_parked_session_that_does_not_come_back_leaves_after_its_time() {
    let mut world = World::new(Limits::default());
    world.add(joining("ann", true));
    let bob = world.add(joining("bob", false));
    world.run(SECOND);
    world.is_down = true;
    world.sever(StreamId(1), true);
    world.run(29 * SECOND);
    assert_eq!(world.server.nicknames(), 2);
    world.run(2 * SECOND);
    assert_eq!(world.server.nicknames(), 1);
    let left = ServerFrame::Left { nick: nick("ann"), reason: "timed out".into() };
    assert!(world.peers[bob].frames().any(|frame| *frame == left));
    assert!(world.actions.iter().any(|action| matches!(action, Action::SessionEnded(_))));
}

#[test]
fn a_new_epoch_reports_what_was_unconfirmed_and_sends_what_was_not_sent() {
    let mut world = World::new(Limits::default());
    let ann = world.add(joining("ann", true));
    world.run(SECOND);
    for number in 0..7 {
        world.say(ann, &format!("line {number}"));
    }
    // Five are under way, two wait for the limit.
    world.restart(99);
    world.run(20 * SECOND);
    let unconfirmed: Vec<&str> = world.peers[ann]
        .events
        .iter()
        .filter_map(|event| match event {
            ClientChatEvent::Unconfirmed { text, .. } => Some(text.raw()),
            _ => None,
        })
        .collect();
    assert_eq!(unconfirmed, ["line 0", "line 1", "line 2", "line 3", "line 4"]);
    assert_eq!(world.peers[ann].texts(), ["line 5", "line 6"]);
    assert!(world.peers[ann].has(&ClientChatEvent::Joined { resumed: false, new_epoch: true }));
    assert!(world.peers[ann].client.is_idle());
}

#[test]
fn a_server_that_falls_silent_is_left_and_tried_again() {
    let mut world = World::new(Limits::default());
    let ann = world.add(joining("ann", true));
    world.run(SECOND);
    world.mute = Some(StreamId(1));
    world.run(69 * SECOND);
    assert_eq!(world.peers[ann].client.counters().resumed, 0);
    world.run(3 * SECOND);
    assert_eq!(world.peers[ann].client.counters().resumed, 1);
    world.say(ann, "still here");
    world.run(SECOND);
    assert_eq!(world.peers[ann].texts(), ["still here"]);
}

/// What is said in the test below; the world and the time at which it has been said.
fn conversation(cut: Option<Cut>) -> World {
    let mut world = World::new(Limits::default());
    world.cut = cut;
    let bob = world.add(joining("bob", false));
    world.run(SECOND);
    let ann = world.add(joining("ann", true));
    world.run(SECOND / 4);
    for number in 0..4 {
        world.say(ann, &format!("ann {number}"));
        world.run(Duration::from_millis(30));
        world.say(bob, &format!("bob {number}"));
        world.run(Duration::from_millis(10));
    }
    world.command(ann, |client, now| client.tell(now, &nick("bob"), "ann private", false)).unwrap();
    world.run(400 * SECOND);
    world
}

fn of(texts: &[String], who: &str) -> Vec<String> {
    texts.iter().filter(|text| text.starts_with(who)).cloned().collect()
}

/// Ann's connection breaks after each number of bytes, either way, and the server hears of it or does not. Whatever
/// was said is seen by both, once, in one order.
#[test]
fn a_connection_cut_after_any_byte_loses_and_doubles_nothing() {
    let whole = conversation(None);
    let (bob, ann) = (0, 1);
    let expected_of_ann = ["ann 0", "ann 1", "ann 2", "ann 3", "ann private"];
    let expected_of_bob = ["bob 0", "bob 1", "bob 2", "bob 3"];
    for way in [Way::ToServer, Way::ToClient] {
        let bytes = whole.carried(2, way);
        assert!(bytes > 300, "{bytes} bytes were carried");
        for (after, server_notices) in (0..=bytes).flat_map(|after| [(after, true), (after, false)]) {
            let cut = Cut { stream: 2, way, after, server_notices };
            let world = conversation(Some(cut));
            let (at_ann, at_bob) = (world.peers[ann].messages(), world.peers[bob].messages());
            assert_eq!(at_ann, at_bob, "{cut:?}");
            assert!(at_ann.is_sorted_by(|a, b| a.0 < b.0), "{cut:?}: {at_ann:?}");
            let texts = world.peers[bob].texts();
            assert_eq!(of(&texts, "ann"), expected_of_ann, "{cut:?}");
            assert_eq!(of(&texts, "bob"), expected_of_bob, "{cut:?}");
            assert!(world.peers[ann].client.is_idle() && world.peers[ann].client.is_up(), "{cut:?}");
            assert_eq!(world.server.nicknames(), 2, "{cut:?}");
        }
    }
}
