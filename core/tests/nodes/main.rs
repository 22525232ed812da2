//! Whole nodes against each other on a virtual clock: chat and downloads together.

mod absence;
mod ends;
mod hostile;
mod memory;
mod operator;
mod places;
mod visitors;
mod world;

use std::time::Duration;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::{Limits, ServerFrame};
use backchat_core::node::{
    Datagram, FailReason, FileError, GetRequest, LocalError, Path, ServerEvent, TransferEvent, TransferLimits,
};
use backchat_core::wire::{CongestionChoice, Recovery};
use world::{SERVER, World, bytes, name};

const SOON: Duration = Duration::from_secs(60);

fn texts(world: &World, peer: usize) -> Vec<String> {
    let text = |frame: &ServerFrame| match frame {
        ServerFrame::Message(message) => Some(format!("{}: {}", message.from, message.text)),
        ServerFrame::Joined { nick } => Some(format!("{nick} joined")),
        ServerFrame::Left { nick, .. } => Some(format!("{nick} left")),
        _ => None,
    };
    world.peers[peer].frames.iter().filter_map(text).collect()
}

#[test]
fn three_chat_and_two_download_at_once() {
    let mut world = World::new();
    let (book, song) = (bytes(1, 300_000), bytes(2, 123_457));
    world.share.insert("book.bin".into(), book.clone());
    world.share.insert("song.ogg".into(), song.clone());
    let [ann, bob, eve] = ["ann", "bob", "eve"].map(|nick| {
        let peer = world.client(Some(nick));
        world.run(Duration::from_millis(200));
        peer
    });
    let first = world.get(ann, "book.bin");
    let second = world.get(ann, "song.ogg");
    let third = world.get(bob, "book.bin");
    let now = world.now;
    world.act(|world| world.peers[eve].client.say(now, "hello", false)).expect("taken");
    world.run_until(SOON, |world| {
        [(ann, first), (ann, second), (bob, third)]
            .iter()
            .all(|&(peer, id)| world.finished(peer, id).is_some())
    });
    assert_eq!(world.peers[ann].files["book.bin"], book);
    assert_eq!(world.peers[ann].files["song.ogg"], song);
    assert_eq!(world.peers[bob].files["book.bin"], book);
    let summary = world.finished(bob, third).expect("finished");
    assert_eq!((summary.size, summary.resumed_from, summary.hash), (300_000, 0, world::hash(&book)));
    world.act(|world| world.peers[eve].client.leave(now));
    world.run(Duration::from_secs(1));
    assert_eq!(texts(&world, ann), ["ann joined", "bob joined", "eve joined", "eve: hello", "eve left"]);
}

#[test]
fn a_stopped_download_goes_on_where_it_was() {
    let mut world = World::new();
    let book = bytes(1, 500_000);
    world.share.insert("book.bin".into(), book.clone());
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let first = world.get(ann, "book.bin");
    world.run_until(SOON, |world| {
        world.peers[ann].partial.get("book.bin").is_some_and(|it| it.len() > 100_000)
    });
    let now = world.now;
    world.act(|world| world.peers[ann].client.stop(now, first)).expect("it runs");
    assert_eq!(world.failed(ann, first), Some(FailReason::Stopped));
    let kept = world.peers[ann].partial["book.bin"].len() as u64;
    world.run(Duration::from_secs(1));
    let second = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.finished(ann, second).is_some());
    assert_eq!(world.finished(ann, second).map(|it| it.resumed_from), Some(kept));
    assert_eq!(world.peers[ann].files["book.bin"], book);
}

#[test]
fn what_is_left_of_another_file_is_not_built_upon() {
    for left in [bytes(9, 1000), bytes(9, 600_000)] {
        let mut world = World::new();
        let book = bytes(1, 500_000);
        world.share.insert("book.bin".into(), book.clone());
        let ann = world.client(None);
        world.run(Duration::from_millis(200));
        world.peers[ann].partial.insert("book.bin".into(), left);
        let download = world.get(ann, "book.bin");
        world.run_until(SOON, |world| world.finished(ann, download).is_some());
        assert_eq!(world.finished(ann, download).map(|it| it.resumed_from), Some(0));
        assert_eq!(world.peers[ann].files["book.bin"], book);
    }
}

#[test]
fn a_complete_partial_needs_only_its_name() {
    let mut world = World::new();
    let book = bytes(1, 50_000);
    world.share.insert("book.bin".into(), book.clone());
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    world.peers[ann].partial.insert("book.bin".into(), book.clone());
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.finished(ann, download).is_some());
    assert_eq!(world.finished(ann, download).map(|it| it.segments_received), Some(0));
    assert_eq!(world.peers[ann].files["book.bin"], book);
}

#[test]
fn flipped_bits_are_dropped_counted_and_made_good() {
    let mut world = World::new();
    let book = bytes(1, 200_000);
    world.share.insert("book.bin".into(), book.clone());
    world.link = Box::new(|_, ordinal, datagram| {
        if ordinal % 17 == 0 {
            let bit = (ordinal * 7919) as usize % (datagram.len() * 8);
            datagram[bit / 8] ^= 1 << (bit % 8);
        }
        vec![Duration::ZERO]
    });
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.finished(ann, download).is_some());
    assert_eq!(world.peers[ann].files["book.bin"], book);
    let dropped = &world.peers[ann].client.counters().datagrams_dropped;
    assert!(dropped.get("checksum").is_some_and(|&count| count > 3), "{dropped:?}");
}

#[test]
fn empty_files_and_missing_ones_are_answered() {
    let mut world = World::new();
    world.share.insert("empty".into(), Vec::new());
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let empty = world.get(ann, "empty");
    let missing = world.get(ann, "missing");
    world.run_until(SOON, |world| {
        world.finished(ann, empty).is_some() && world.failed(ann, missing).is_some()
    });
    assert_eq!(world.peers[ann].files["empty"], Vec::<u8>::new());
    assert_eq!(world.failed(ann, missing), Some(FailReason::NotFound));
    assert!(world.peers[ann].partial.is_empty(), "nothing is left behind");
}

#[test]
fn who_only_downloads_is_not_seen_by_others() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 100_000));
    let ann = world.client(Some("ann"));
    let shy = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(shy, "book.bin");
    let now = world.now;
    world.act(|world| world.peers[ann].client.names(now)).expect("taken");
    world.run_until(SOON, |world| world.finished(shy, download).is_some());
    assert_eq!(texts(&world, ann), ["ann joined"]);
    let names = world.peers[ann].frames.iter().find_map(|frame| match frame {
        ServerFrame::Names { names, .. } => Some(names.len()),
        _ => None,
    });
    assert_eq!(names, Some(1));
}

#[test]
fn caps_per_session_and_in_all_are_kept_and_explained() {
    let limits = Limits { downloads_per_session: 2, ..Limits::default() };
    let transfer = TransferLimits { downloads: 3, ..TransferLimits::default() };
    let mut world = World::with(limits, transfer);
    let files = ["a", "b", "c"];
    for file in files {
        world.share.insert(file.into(), bytes(1, 5_000_000));
    }
    let [ann, bob] = [world.client(None), world.client(None)];
    world.run(Duration::from_millis(200));
    let mut of_ann = Vec::new();
    for file in files {
        of_ann.push(world.get(ann, file));
        world.run(Duration::from_millis(100));
    }
    let of_bob = [world.get(bob, "a"), world.get(bob, "b")];
    world.run(Duration::from_millis(100));
    assert_eq!(
        of_ann.iter().map(|&id| world.failed(ann, id)).collect::<Vec<_>>(),
        [None, None, Some(FailReason::Refused)]
    );
    assert_eq!(of_bob.map(|id| world.failed(bob, id)), [None, Some(FailReason::Refused)]);
    assert!(world.server.downloads() <= 3);
}

#[test]
fn a_file_that_changes_while_it_is_sent_ends_the_download() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 5_000_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    world.read_error = Some(FileError::Changed);
    world.run_until(SOON, |world| world.failed(ann, download).is_some());
    assert_eq!(world.failed(ann, download), Some(FailReason::Refused));
    world.run(Duration::from_secs(15));
    assert_eq!(world.server.downloads(), 0, "nothing is left of it");
}

#[test]
fn a_full_disk_ends_the_download_on_both_sides() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 5_000_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    world.peers[ann].disk_error = Some(LocalError::NoSpace);
    world.run_until(SOON, |world| world.failed(ann, download).is_some());
    assert_eq!(world.failed(ann, download), Some(FailReason::Local(LocalError::NoSpace)));
    world.run(Duration::from_secs(2));
    assert_eq!(world.server.downloads(), 0, "the server was told");
}

#[test]
fn a_download_outlives_a_broken_connection_of_a_session_that_comes_back() {
    let mut world = World::new();
    let book = bytes(1, 2_000_000);
    world.share.insert("book.bin".into(), book.clone());
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.peers[ann].partial["book.bin"].len() > 50_000);
    world.cut(ann);
    world.run_until(SOON, |world| world.finished(ann, download).is_some());
    world.run(Duration::from_secs(5));
    assert_eq!(world.peers[ann].files["book.bin"], book);
    let resumed = |event: &ClientChatEvent| matches!(event, ClientChatEvent::Joined { resumed: true, .. });
    assert!(world.peers[ann].chat_events.iter().any(resumed), "{:?}", world.peers[ann].chat_events);
}

#[test]
fn a_restarted_server_ends_downloads_at_once_and_what_was_kept_is_built_upon() {
    let mut world = World::new();
    let book = bytes(1, 2_000_000);
    world.share.insert("book.bin".into(), book.clone());
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let first = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.peers[ann].partial["book.bin"].len() > 50_000);
    world.restart();
    world.run_until(Duration::from_secs(5), |world| world.failed(ann, first).is_some());
    assert_eq!(world.failed(ann, first), Some(FailReason::Lost));
    let second = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.finished(ann, second).is_some());
    assert!(world.finished(ann, second).is_some_and(|it| it.resumed_from > 50_000));
    assert_eq!(world.peers[ann].files["book.bin"], book);
}

#[test]
fn a_download_of_who_never_joined_ends_with_its_connection() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 5_000_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    world.cut(ann);
    world.run(Duration::from_secs(1));
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost));
    assert!(!world.peers[ann].partial["book.bin"].is_empty(), "kept for a resume");
    world.run(Duration::from_secs(15));
    assert_eq!(world.server.downloads(), 0);
}

#[test]
fn a_download_of_a_killed_client_does_not_hold_its_place() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 5_000_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    world.finish(ann);
    let now = world.now;
    world.act(|world| world.server.handle_shutdown(now, Duration::from_secs(10)));
    world.run_until(Duration::from_secs(2), |world| world.stopped);
}

#[test]
fn a_request_before_the_writing_side_was_shut_is_still_answered() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 5_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run(world::DELAY);
    world.finish(ann);
    world.run(Duration::from_secs(1));
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost), "the ticket came, the session went");
    let offered = |event: &ServerEvent| matches!(event, ServerEvent::Transfer(TransferEvent::Offered { .. }));
    assert!(world.server_events.iter().any(offered), "{:?}", world.server_events);
}

#[test]
fn a_stopping_server_lets_downloads_finish_within_the_grace() {
    let mut world = World::new();
    let book = bytes(1, 400_000);
    world.share.insert("book.bin".into(), book.clone());
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    let now = world.now;
    world.act(|world| world.server.handle_shutdown(now, Duration::from_secs(10)));
    let late = world.get(ann, "book.bin");
    world.run_until(Duration::from_secs(12), |world| world.stopped);
    assert_eq!(world.finished(ann, download).map(|it| it.size), Some(400_000));
    assert_eq!(world.failed(ann, late), Some(FailReason::Lost), "no newcomers");
}

#[test]
fn a_server_without_patience_stops_at_once_and_says_so() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 5_000_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    let now = world.now;
    world.act(|world| world.server.handle_shutdown(now, Duration::ZERO));
    world.run_until(Duration::from_secs(3), |world| world.stopped && world.failed(ann, download).is_some());
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost));
}

#[test]
fn garbage_is_counted_and_never_answered() {
    let mut world = World::new();
    let stranger = Path { remote: ([192, 0, 2, 1], 9).into(), local: Some(SERVER.ip()) };
    let now = world.now;
    for length in 0..200 {
        let noise = bytes(length as u64, length);
        world.act(|world| world.server.handle_datagrams(now, stranger, Datagram::each(&noise, length)));
    }
    assert_eq!(world.datagrams.get(&true), None);
    let dropped: u64 = world.server.counters().datagrams_dropped.values().sum();
    assert_eq!(dropped, 199, "an empty batch is none: {:?}", world.server.counters());
}

#[test]
fn a_datagram_from_elsewhere_is_not_the_servers() {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, 2_000_000));
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let seen = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let copy = seen.clone();
    world.link = Box::new(move |to_client, _, datagram| {
        if to_client {
            copy.borrow_mut().clone_from(datagram);
        }
        vec![Duration::ZERO]
    });
    let download = world.get(ann, "book.bin");
    world.run_until(SOON, |world| !world.peers[ann].partial["book.bin"].is_empty());
    let forged = seen.borrow().clone();
    world.datagram(ann, ([192, 0, 2, 1], 44_000).into(), &forged);
    let counters = world.peers[ann].client.counters();
    assert_eq!(counters.datagrams_dropped.get("foreign_address"), Some(&1));
    world.run_until(SOON, |world| world.finished(ann, download).is_some());
}

#[test]
fn what_this_build_lacks_is_refused_before_anything_happens() {
    let mut world = World::new();
    let ann = world.client(None);
    let now = world.now;
    let mut request = GetRequest::new(name("book.bin"));
    request.recovery = Recovery::Selective;
    assert!(world.peers[ann].client.get(now, request.clone()).is_err());
    request.recovery = Recovery::GoBackN;
    request.congestion = CongestionChoice::Bbr;
    assert!(world.peers[ann].client.get(now, request).is_err());
}

#[test]
fn the_same_world_twice_is_the_same_world() {
    let run = || {
        let mut world = World::new();
        world.share.insert("book.bin".into(), bytes(1, 100_000));
        let ann = world.client(Some("ann"));
        world.run(Duration::from_millis(200));
        let download = world.get(ann, "book.bin");
        world.run_until(SOON, |world| world.finished(ann, download).is_some());
        format!("{:?} {:?} {:?}", world.now, world.server_events, world.peers[ann].chat_events)
    };
    assert_eq!(run(), run());
}
