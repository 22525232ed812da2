//! Clients that do not join. A server closes a connection on which nobody joins in time; only what was asked or runs may
//! be lost with it.

use std::time::Duration;

use backchat_core::chat::Limits;
use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};
use backchat_core::node::{FailReason, TransferLimits};

use crate::world::{World, bytes};

const JOIN_TIMEOUT: Duration = Duration::from_secs(60);

/// A visitor, a file, and of the file something that takes so long to be hashed.
fn hashing_for(hashing: Duration) -> (World, usize) {
    let limits = Limits { join_timeout: JOIN_TIMEOUT, ..Limits::default() };
    let mut world = World::with(limits, TransferLimits::default());
    world.share.insert("book.bin".into(), bytes(1, 50_000));
    let ann = world.client(None);
    world.peers[ann].partial.insert("book.bin".into(), bytes(1, 50_000)[..20_000].into());
    world.peers[ann].hashing = hashing;
    world.run(Duration::from_millis(200));
    (world, ann)
}

fn losses(world: &World, peer: usize) -> Vec<&DisconnectReason> {
    let events = world.peers[peer].chat_events.iter();
    events
        .filter_map(|event| match event {
            ClientChatEvent::Disconnected { reason } => Some(reason),
            _ => None,
        })
        .collect()
}

#[test]
fn a_partial_may_take_longer_to_be_hashed_than_a_visitor_may_stay() {
    let (mut world, ann) = hashing_for(JOIN_TIMEOUT * 3);
    let download = world.get(ann, "book.bin");
    world.run(JOIN_TIMEOUT * 2);
    assert_eq!(world.server.chat().connections(), 0, "the server has closed it");
    world.run_until(JOIN_TIMEOUT * 2, |world| world.finished(ann, download).is_some());
    assert!(world.finished(ann, download).is_some_and(|it| it.resumed_from == 20_000));
    assert!(losses(&world, ann).is_empty(), "nothing was lost");
}

#[test]
fn a_server_that_is_gone_when_a_visitor_asks_again_cannot_be_reached() {
    let (mut world, ann) = hashing_for(JOIN_TIMEOUT * 3);
    let download = world.get(ann, "book.bin");
    world.run(JOIN_TIMEOUT * 2);
    world.is_reachable = false;
    world.run(JOIN_TIMEOUT * 2);
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost));
    assert_eq!(losses(&world, ann), [&DisconnectReason::CannotConnect]);
}

#[test]
fn a_visitor_that_waits_for_an_answer_loses_it_with_the_connection() {
    let (mut world, ann) = hashing_for(Duration::ZERO);
    world.hold_share = true;
    let download = world.get(ann, "book.bin");
    world.run(Duration::from_millis(100));
    world.cut(ann);
    world.run(Duration::from_secs(1));
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost));
    assert_eq!(losses(&world, ann), [&DisconnectReason::Lost]);
}

#[test]
fn a_visitor_that_rests_can_leave() {
    let (mut world, ann) = hashing_for(Duration::ZERO);
    world.run(JOIN_TIMEOUT * 2);
    let now = world.now;
    world.act(|world| world.peers[ann].client.leave(now));
    assert_eq!(losses(&world, ann), [&DisconnectReason::Left]);
    assert!(world.peers[ann].client.is_over());
}
