//! One of the two was away for longer than silence may last: nothing is concluded from what nobody could hear, and a
//! download that ended all the same can be asked for again at once.

use std::time::Duration;

use backchat_core::chat::Limits;
use backchat_core::node::{DownloadEvent, DownloadId, FailReason, TransferLimits};

use crate::world::{World, bytes};

const LENGTH: usize = 3_000_000;

/// A download that runs.
fn running(limits: Limits, transfer: TransferLimits) -> (World, usize, DownloadId) {
    let mut world = World::with(limits, transfer);
    world.share.insert("book.bin".into(), bytes(1, LENGTH));
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run_until(Duration::from_secs(10), |world| world.peers[ann].partial["book.bin"].len() > 100_000);
    (world, ann, download)
}

/// Returns, if the download failed, true if the server or this process was away at that time.
fn was_away(world: &World, peer: usize, download: DownloadId) -> Option<bool> {
    world.peers[peer].download_events.iter().find_map(|(id, event)| match event {
        DownloadEvent::Failed { away, .. } if *id == download => Some(*away),
        _ => None,
    })
}

#[test]
fn a_machine_that_slept_for_longer_than_silence_may_last_goes_on() {
    let (mut world, ann, download) = running(Limits::default(), TransferLimits::default());
    // Both, as on one machine: every timer is looked at before anything that has arrived.
    world.now += Duration::from_secs(600);
    world.run_until(Duration::from_secs(10), |world| world.finished(ann, download).is_some());
    assert_eq!(world.peers[ann].files["book.bin"], bytes(1, LENGTH));
}

#[test]
fn datagrams_that_stop_while_the_chat_goes_on_are_told_from_a_server_that_is_away() {
    for is_away in [false, true] {
        let (mut world, ann, download) = running(Limits::default(), TransferLimits::default());
        world.link = Box::new(|_, _, _| Vec::new());
        world.is_chat_held = is_away;
        world.run_until(Duration::from_secs(65), |world| world.failed(ann, download).is_some());
        assert_eq!(world.failed(ann, download), Some(FailReason::TimedOut));
        assert_eq!(was_away(&world, ann, download), Some(is_away));
    }
}

#[test]
fn a_download_that_timed_out_leaves_its_place_to_the_next_try() {
    let limits = Limits { downloads_per_session: 1, ..Limits::default() };
    // The server would wait for longer than the client.
    let transfer = TransferLimits { silence_ms: 600_000, ..TransferLimits::default() };
    let (mut world, ann, download) = running(limits, transfer);
    world.link = Box::new(|_, _, _| Vec::new());
    world.run_until(Duration::from_secs(65), |world| world.failed(ann, download).is_some());
    world.link = Box::new(|_, _, _| vec![Duration::ZERO]);
    let again = world.get(ann, "book.bin");
    world.run_until(Duration::from_secs(10), |world| world.finished(ann, again).is_some());
    assert!(world.finished(ann, again).is_some_and(|summary| summary.resumed_from > 100_000));
}
