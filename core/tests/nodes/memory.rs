//! Downloads hold no more memory than their budget, whatever their clients ask for, allow and acknowledge.

use std::time::Duration;

use backchat_core::chat::Limits;
use backchat_core::node::{GetRequest, MIN_MEMORY, TransferLimits};
use backchat_core::wire::{CongestionChoice, Kind};

use crate::world::{World, bytes, name};

const LENGTH: usize = 3_000_000;

#[test]
fn downloads_that_nobody_acknowledges_stay_within_the_budget_and_end_right_when_they_are() {
    let transfer = TransferLimits { memory: 8 * MIN_MEMORY, ..TransferLimits::default() };
    let mut world = World::with(Limits::default(), transfer);
    world.share.insert("book.bin".into(), bytes(1, LENGTH));
    // Windows of 64 MiB, allowed by receivers with as much room, of whose acknowledgments none arrives.
    world.link = Box::new(|to_client, _, datagram| {
        let is_ack = datagram.get(1) == Some(&(Kind::Ack as u8));
        if !to_client && is_ack { Vec::new() } else { vec![Duration::ZERO] }
    });
    let peers: Vec<usize> = (0..6).map(|_| world.client(None)).collect();
    world.run(Duration::from_millis(200));
    let request = || GetRequest {
        congestion: CongestionChoice::Fixed(1024),
        segment: Some(65_000),
        ..GetRequest::new(name("book.bin"))
    };
    let downloads: Vec<_> = peers
        .iter()
        .map(|&peer| {
            let now = world.now;
            let client = &mut world.peers[peer].client;
            client.set_receive_window(1 << 30);
            let download = client.get(now, request()).expect("taken");
            world.run(Duration::from_millis(300));
            download
        })
        .collect();
    world.run(Duration::from_secs(5));
    assert!(world.peers[peers[0]].partial["book.bin"].len() == LENGTH, "all of it was sent");
    assert!(world.most_in_memory <= 8 * MIN_MEMORY, "{} bytes in memory", world.most_in_memory);
    world.link = Box::new(|_, _, _| vec![Duration::ZERO]);
    for (&peer, &download) in peers.iter().zip(&downloads) {
        world.run_until(Duration::from_secs(30), |world| world.finished(peer, download).is_some());
    }
    assert!(world.most_in_memory <= 8 * MIN_MEMORY, "{} bytes in memory", world.most_in_memory);
}

#[test]
fn a_download_for_which_there_is_no_memory_is_refused() {
    let transfer = TransferLimits { memory: 2 * MIN_MEMORY, ..TransferLimits::default() };
    let mut world = World::with(Limits::default(), transfer);
    world.share.insert("book.bin".into(), bytes(1, LENGTH));
    world.hold_share = true;
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let downloads: Vec<_> = (0..3).map(|_| world.get(ann, "book.bin")).collect();
    world.run(Duration::from_millis(200));
    let refused: Vec<bool> = downloads.iter().map(|&it| world.failed(ann, it).is_some()).collect();
    assert_eq!(refused, [false, false, true]);
}
