//! How downloads end at any point of their way: nothing is left of them, nothing hangs, and the user is told right.

use std::time::Duration;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::{Have, Limits};
use backchat_core::node::{
    DownloadEvent, DownloadId, FailReason, FileMeta, LocalError, ReadDone, ShareRequest, TransferLimits,
};
use backchat_core::time::{Instant, UnixTime};
use backchat_core::wire::{FileVersion, Hash, Kind, MAX_OFFSET, TransferId};

use crate::world::{World, bytes};

const SOON: Duration = Duration::from_secs(60);

fn is_kind(datagram: &[u8], kind: Kind) -> bool {
    datagram.get(1) == Some(&(kind as u8))
}

/// A joined client, and a file of this length.
fn with_book(length: usize) -> (World, usize) {
    let mut world = World::new();
    world.share.insert("book.bin".into(), bytes(1, length));
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    (world, ann)
}

fn events(world: &World, peer: usize, download: DownloadId) -> impl Iterator<Item = &DownloadEvent> + '_ {
    world.peers[peer].download_events.iter().filter(move |(id, _)| *id == download).map(|(_, event)| event)
}

/// A download goes this far, then something happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Hashing,
    Offered,
    Handshake,
    Sending,
    Ending,
}

const STAGES: [Stage; 6] =
    [Stage::Opening, Stage::Hashing, Stage::Offered, Stage::Handshake, Stage::Sending, Stage::Ending];

fn at(stage: Stage) -> (World, usize, DownloadId) {
    let (mut world, ann) = with_book(300_000);
    world.link = Box::new(move |to_client, _, datagram| {
        let stopped = match stage {
            Stage::Opening | Stage::Hashing | Stage::Sending => false,
            Stage::Offered => !to_client && is_kind(datagram, Kind::Syn),
            Stage::Handshake => !to_client && is_kind(datagram, Kind::Confirm),
            Stage::Ending => to_client && is_kind(datagram, Kind::End),
        };
        if stopped { Vec::new() } else { vec![Duration::ZERO] }
    });
    if stage == Stage::Hashing {
        world.peers[ann].partial.insert("book.bin".into(), bytes(1, 300_000)[..1000].to_vec());
    }
    world.hold_share = matches!(stage, Stage::Opening | Stage::Hashing);
    let download = world.get(ann, "book.bin");
    world.run(Duration::from_millis(100));
    if stage == Stage::Hashing {
        world.release_share();
        world.hold_share = true;
        world.run(Duration::from_millis(1));
    }
    match stage {
        Stage::Sending => {
            world.run_until(SOON, |world| world.peers[ann].partial["book.bin"].len() > 20_000);
        }
        _ => world.run(Duration::from_secs(2)),
    }
    (world, ann, download)
}

#[test]
fn a_session_that_ends_at_any_stage_leaves_nothing() {
    for stage in STAGES {
        let (mut world, ann, download) = at(stage);
        assert_eq!(world.server.downloads(), 1, "{stage:?}");
        let now = world.now;
        world.act(|world| world.peers[ann].client.leave(now));
        world.run(Duration::from_secs(1));
        world.release_share();
        world.run(Duration::from_secs(12));
        assert_eq!(world.server.downloads(), 0, "{stage:?}");
        assert!(world.open.is_empty(), "{stage:?}: every file is closed");
        assert!(world.failed(ann, download).is_some(), "{stage:?}");
        assert!(!world.peers[ann].client.needs_datagrams(), "{stage:?}");
    }
}

#[test]
fn a_server_stops_within_its_grace_at_any_stage() {
    for stage in STAGES {
        let (mut world, ann, download) = at(stage);
        let now = world.now;
        world.act(|world| world.server.handle_shutdown(now, Duration::from_secs(3)));
        world.run_until(Duration::from_millis(4100), |world| world.stopped);
        world.release_share();
        world.run(Duration::from_secs(70));
        let ended = world.failed(ann, download).is_some() || world.finished(ann, download).is_some();
        assert!(ended, "{stage:?}");
        assert!(world.open.is_empty(), "{stage:?}: every file is closed");
        assert_eq!(world.server.downloads(), 0, "{stage:?}");
    }
}

#[test]
fn a_stop_at_any_stage_leaves_nothing_and_frees_the_place_at_once() {
    for stage in STAGES {
        let (mut world, ann, download) = at(stage);
        let now = world.now;
        world.act(|world| world.peers[ann].client.stop(now, download)).expect("it runs");
        world.run(Duration::from_millis(500));
        world.release_share();
        world.run(Duration::from_secs(1));
        assert_eq!(world.failed(ann, download), Some(FailReason::Stopped), "{stage:?}");
        assert_eq!(world.server.downloads(), 0, "{stage:?}");
        assert!(world.open.is_empty(), "{stage:?}: every file is closed");
        world.run(Duration::from_secs(12));
        assert!(!world.peers[ann].client.needs_datagrams(), "{stage:?}");
    }
}

#[test]
fn a_restarted_server_is_noticed_by_downloads_at_once() {
    let (mut world, ann, download) = at(Stage::Sending);
    world.restart();
    world.run_until(Duration::from_secs(10), |world| world.failed(ann, download).is_some());
    assert_eq!(world.failed(ann, download), Some(FailReason::Lost));
    let anew = |event: &ClientChatEvent| matches!(event, ClientChatEvent::Joined { new_epoch: true, .. });
    assert!(world.peers[ann].chat_events.iter().any(anew));
    let again = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.finished(ann, again).is_some());
    assert_eq!(world.peers[ann].files["book.bin"], bytes(1, 300_000));
}

#[test]
fn a_second_shutdown_does_not_prolong_the_first() {
    let (mut world, _, _) = at(Stage::Offered);
    let now = world.now;
    world.act(|world| world.server.handle_shutdown(now, Duration::from_secs(2)));
    world.run(Duration::from_secs(1));
    let now = world.now;
    world.act(|world| world.server.handle_shutdown(now, Duration::from_secs(20)));
    world.run_until(Duration::from_millis(2100), |world| world.stopped);
}

#[test]
fn tickets_count_as_downloads_that_may_run() {
    let limits = Limits { downloads_per_session: 2, ..Limits::default() };
    let mut world = World::with(limits, TransferLimits::default());
    let files = ["a", "b", "c", "d"];
    for file in files {
        world.share.insert(file.into(), bytes(1, 5_000_000));
    }
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    // All asked for at once: no download runs yet when the last request comes.
    let asked = files.map(|file| world.get(ann, file));
    world.run(Duration::from_secs(1));
    let failed = asked.map(|id| world.failed(ann, id));
    assert_eq!(failed, [None, None, Some(FailReason::Refused), Some(FailReason::Refused)]);
}

#[test]
fn progress_is_not_told_again_and_again_while_a_file_is_hashed() {
    let (mut world, ann) = with_book(400_000);
    world.share.insert("page.txt".into(), bytes(2, 1_000));
    world.peers[ann].hold_digest = true;
    let page = world.get(ann, "page.txt");
    world.run(Duration::from_secs(1));
    let book = world.get(ann, "book.bin");
    world.run_until(SOON, |world| world.peers[ann].partial["book.bin"].len() == 400_000);
    for download in [page, book] {
        let told =
            events(&world, ann, download).filter(|it| matches!(it, DownloadEvent::Progress { .. })).count();
        assert!((1..20).contains(&told), "{told} times");
    }
}

#[test]
fn nothing_is_kept_of_a_prefix_that_was_thrown_away() {
    let (mut world, ann) = with_book(0);
    world.peers[ann].partial.insert("book.bin".into(), bytes(3, 1_000));
    world.link = Box::new(|_, _, datagram| match is_kind(datagram, Kind::End) {
        true => Vec::new(),
        false => vec![Duration::ZERO],
    });
    let download = world.get(ann, "book.bin");
    world.run(Duration::from_secs(1));
    let now = world.now;
    world.act(|world| world.peers[ann].client.handle_write_failed(now, download, LocalError::NoSpace));
    let kept = events(&world, ann, download).find_map(|event| match event {
        DownloadEvent::Failed { kept, .. } => Some(*kept),
        _ => None,
    });
    assert_eq!(kept, Some(0));
}

#[test]
fn a_file_larger_than_the_wire_has_numbers_for_is_refused() {
    let (mut world, ann) = with_book(1_000);
    world.hold_share = true;
    let download = world.get(ann, "book.bin");
    world.run(Duration::from_millis(100));
    let Some(ShareRequest::Open { transfer, .. }) = world.held.pop() else { panic!("it is asked for") };
    world.open.insert(transfer, ("book.bin".into(), 0));
    let (now, modified, version) = (world.now, UnixTime::from_millis(0), FileVersion([1; 16]));
    let meta = FileMeta { size: MAX_OFFSET + 1, modified, version, hash: None };
    world.act(|world| world.server.handle_opened(now, transfer, Ok(meta)));
    world.run(Duration::from_millis(100));
    assert_eq!(world.failed(ann, download), Some(FailReason::Refused));
    world.release_share();
    assert!(world.open.is_empty());
}

#[test]
fn downloads_of_one_server_take_turns() {
    let mut world = World::new();
    for file in ["a", "b", "c"] {
        world.share.insert(file.into(), bytes(1, 600_000));
    }
    let peers = [0, 1, 2].map(|_| world.client(None));
    world.run(Duration::from_millis(200));
    let asked = [world.get(peers[0], "a"), world.get(peers[1], "b"), world.get(peers[2], "c")];
    world.run_until(SOON, |world| {
        peers.iter().zip(asked).any(|(&peer, id)| world.finished(peer, id).is_some())
    });
    for (peer, file) in peers.into_iter().zip(["a", "b", "c"]) {
        let there = world.peers[peer].partial.get(file).map_or(600_000, Vec::len);
        assert!(there > 500_000, "{file}: {there}");
    }
}

#[test]
fn answers_that_belong_to_nothing_and_answers_told_twice_are_passed_over() {
    let noise = |world: &mut World, peer: usize, transfer: TransferId, download: DownloadId| {
        let (now, modified) = (world.now, UnixTime::from_millis(0));
        let meta = FileMeta { size: 77, modified, version: FileVersion([2; 16]), hash: None };
        let huge = MAX_OFFSET..u64::MAX;
        world.act(|world| {
            world.server.handle_prefix_hashed(now, transfer, Ok(Hash([1; 32])));
            world.server.handle_read(now, transfer, Ok(ReadDone { range: 0..0, hash: None }));
            world.server.handle_opened(now, TransferId(1), Ok(meta));
            world.server.handle_read(
                now,
                TransferId(1),
                Ok(ReadDone { range: huge, hash: Some(Hash([1; 32])) }),
            );
            let client = &mut world.peers[peer].client;
            client.handle_written(now, DownloadId(99), 5);
            client.handle_digest(now, DownloadId(99), Hash([0; 32]));
            client.handle_committed(now, DownloadId(99), Ok(()));
            client.handle_opened(now, download, Ok(Have { length: 5, hash: Hash([0; 32]) }));
            client.handle_written(now, download, 0);
            client.handle_committed(now, download, Ok(()));
            client.handle_timeout(Instant::ZERO);
        });
    };
    let (mut world, ann) = with_book(300_000);
    let download = world.get(ann, "book.bin");
    for _ in 0..400 {
        world.run(Duration::from_millis(1));
        let transfer = world.open.keys().next().copied().unwrap_or(TransferId(2));
        noise(&mut world, ann, transfer, download);
    }
    world.run_until(SOON, |world| world.finished(ann, download).is_some());
    assert_eq!(world.peers[ann].files["book.bin"], bytes(1, 300_000));
}
