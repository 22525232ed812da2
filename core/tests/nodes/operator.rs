//! An operator's orders to a whole server: what becomes of downloads, and what is counted while they run.

use std::time::Duration;

use backchat_core::chat::{AddressRange, ErrorCode, Nickname, Whom};
use backchat_core::node::{Answer, FailReason, Order, Stats};

use crate::world::{World, bytes};

const SOON: Duration = Duration::from_secs(60);

/// A client in the middle of a download.
fn downloading(nick: Option<&str>) -> (World, usize, backchat_core::node::DownloadId) {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 3_000_000));
    let peer = world.client(nick);
    world.run(Duration::from_millis(200));
    let download = world.get(peer, "book.bin");
    world.run_until(SOON, |world| {
        world.peers[peer].partial.get("book.bin").is_some_and(|it| it.len() > 300_000)
    });
    (world, peer, download)
}

fn stats(world: &World) -> Stats {
    world.server.stats(world.now)
}

#[test]
fn a_download_is_counted_while_it_runs_and_once_when_it_is_over() {
    let (mut world, ann, download) = downloading(Some("ann"));
    let running = stats(&world);
    assert_eq!((running.downloads, running.joined, running.connections), (1, 1, 1));
    assert!(running.transfer.bytes > 100_000 && running.transfer.segments > 0, "{running:?}");
    assert_eq!(world.server.counters().bytes, 0, "what the server keeps is of downloads that are over");
    world.run_until(SOON, |world| world.finished(ann, download).is_some());
    world.run(Duration::from_secs(1));
    let over = stats(&world);
    assert_eq!((over.downloads, over.transfer.bytes), (0, 3_000_000));
    assert!(over.transfer.segments >= running.transfer.segments);
    world.run(SOON);
    assert_eq!(stats(&world).transfer.bytes, 3_000_000, "and it stays counted when it is forgotten");
}

#[test]
fn who_is_kicked_loses_the_download_and_keeps_what_arrived() {
    let (mut world, ann, download) = downloading(Some("ann"));
    let now = world.now;
    let nick = Nickname::parse("ann").expect("a nickname");
    let order = Order::Kick { nick, reason: None };
    let answer = world.act(|world| world.server.handle_order(now, order));
    assert_eq!(answer, Ok(Answer::Done { ended: 1 }));
    world.run(Duration::from_secs(1));
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost));
    assert!(world.peers[ann].partial["book.bin"].len() > 300_000);
    assert_eq!(stats(&world).downloads, 0);
    assert_eq!(stats(&world).chat.refused.get(&ErrorCode::Kicked), Some(&1));
}

#[test]
fn a_banned_address_loses_its_downloads_though_it_never_joined() {
    let (mut world, visitor, download) = downloading(None);
    let Ok(Answer::Present(present)) = world.server.handle_order(world.now, Order::Who) else {
        panic!("who is here?")
    };
    assert_eq!(present.len(), 1);
    assert_eq!((present[0].downloads, present[0].person.nick.as_ref()), (1, None));
    let whom = Whom::Range(AddressRange::of(present[0].person.peer));
    let now = world.now;
    let order = Order::Ban { whom: whom.clone(), lasts: Some(SOON), reason: None };
    let calendar = world.server.chat().calendar(now);
    let until = Some(calendar.saturating_add(SOON));
    let answer = world.act(|world| world.server.handle_order(now, order));
    assert_eq!(answer, Ok(Answer::Banned { ended: 1, until }));
    world.run(Duration::from_secs(1));
    assert!(world.failed(visitor, download).is_some());
    let Ok(Answer::Bans(bans)) = world.server.handle_order(world.now, Order::Bans) else { panic!("bans?") };
    assert_eq!(bans.len(), 1);
    assert_eq!((&bans[0].0.whom, bans[0].1), (&whom, until));
    assert_eq!(stats(&world).bans, 1);
}
