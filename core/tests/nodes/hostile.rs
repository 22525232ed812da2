//! Peers that send anything at all: bytes without sense, packets with sense in the wrong place, and what they heard
//! before. Nothing panics, memory stays bounded, and honest downloads end right.

use std::time::Duration;

use backchat_core::node::{Datagram, DownloadEvent, FailReason, Path, ServerEvent, TransferEvent};
use backchat_core::seed::Seed;
use backchat_core::wire::{self, Body, Packet};

use crate::world::{SERVER, World, bytes};

/// Turns a datagram that was heard into one that somebody sends: other fields, sealed anew.
fn twist(heard: &[u8], luck: &mut backchat_core::seed::Stream) -> Vec<u8> {
    let mut datagram = heard.to_vec();
    for _ in 0..=luck.below(3) {
        let place = luck.below(datagram.len().max(1) as u64) as usize;
        // The transfer's id stays in half of the cases: what is sent to the right machine hurts most.
        if let Some(byte) = datagram.get_mut(place).filter(|_| !(8..16).contains(&place)) {
            *byte = luck.next_u64() as u8;
        }
    }
    if luck.below(4) == 0 {
        datagram.truncate(luck.below(datagram.len() as u64 + 1) as usize);
    }
    if let Some(version) = datagram.first_mut() {
        *version = 1;
    }
    wire::seal(&mut datagram);
    datagram
}

#[test]
fn twisted_packets_of_the_download_itself_never_panic_either_side() {
    for seed in 0..60 {
        let mut luck = Seed::from_number(seed).stream("attacker");
        let mut world = World::new();
        let book = bytes(1, 60_000);
        world.share.insert("book.bin".into(), book.clone());
        let heard = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let copy = heard.clone();
        world.link = Box::new(move |to_client, _, datagram| {
            copy.borrow_mut().push((to_client, datagram.clone()));
            vec![Duration::ZERO]
        });
        let ann = world.client(None);
        world.run(Duration::from_millis(200));
        let download = world.get(ann, "book.bin");
        for _ in 0..400 {
            world.run(Duration::from_millis(1));
            let heard = heard.borrow().clone();
            if heard.is_empty() {
                continue;
            }
            let (to_client, datagram) = &heard[luck.below(heard.len() as u64) as usize];
            let datagram = twist(datagram, &mut luck);
            let from_client = world.peers[ann].address;
            if *to_client {
                world.datagram(ann, SERVER, &datagram);
            } else {
                let path = Path { remote: from_client, local: Some(SERVER.ip()) };
                let now = world.now;
                world.act(|world| world.server.handle_datagrams(now, path, [Datagram::Bytes(&datagram)]));
            }
        }
        world.run(Duration::from_secs(90));
        let ended = world.finished(ann, download).is_some() || world.failed(ann, download).is_some();
        assert!(
            ended,
            "seed {seed}: it ends, rightly or with a reason: {:?} SERVER {:?}",
            world.peers[ann].client, world.server
        );
        if world.finished(ann, download).is_some() {
            assert_eq!(world.peers[ann].files["book.bin"], book, "seed {seed}");
        }
        world.run(Duration::from_secs(60));
        assert_eq!(world.server.downloads(), 0, "seed {seed}: nothing is left on the server");
    }
}

#[test]
fn what_was_heard_and_is_sent_again_later_changes_nothing() {
    let mut world = World::new();
    let book = bytes(1, 60_000);
    world.share.insert("book.bin".into(), book.clone());
    let heard = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let copy = heard.clone();
    world.link = Box::new(move |to_client, _, datagram| {
        copy.borrow_mut().push((to_client, datagram.clone()));
        vec![Duration::ZERO]
    });
    let ann = world.client(None);
    world.run(Duration::from_millis(200));
    let first = world.get(ann, "book.bin");
    world.run_until(Duration::from_secs(9), |world| world.finished(ann, first).is_some());
    let old = heard.borrow().clone();
    world.peers[ann].files.clear();
    let second = world.get(ann, "book.bin");
    for (to_client, datagram) in old {
        world.run(Duration::from_micros(300));
        if to_client {
            world.datagram(ann, SERVER, &datagram);
        } else {
            let path = Path { remote: ([192, 0, 2, 9], 9).into(), local: Some(SERVER.ip()) };
            let now = world.now;
            world.act(|world| world.server.handle_datagrams(now, path, [Datagram::Bytes(&datagram)]));
        }
    }
    world.run_until(Duration::from_secs(20), |world| world.finished(ann, second).is_some());
    assert_eq!(world.peers[ann].files["book.bin"], book);
}

#[test]
fn lines_without_sense_on_every_stream_leave_the_others_alone() {
    let mut world = World::new();
    let book = bytes(1, 60_000);
    world.share.insert("book.bin".into(), book.clone());
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    let stranger = backchat_core::chat::StreamId(1 << 40);
    let now = world.now;
    world.act(|world| world.server.handle_stream_opened(now, stranger, [192, 0, 2, 9].into()));
    for round in 0..200u64 {
        let noise = bytes(round, 500);
        let now = world.now;
        world.act(|world| world.server.handle_stream_bytes(now, stranger, &noise));
        world.run(Duration::from_millis(1));
    }
    world.run_until(Duration::from_secs(20), |world| world.finished(ann, download).is_some());
    assert_eq!(world.peers[ann].files["book.bin"], book);
}

#[test]
fn a_packet_for_every_kind_and_state_is_taken_without_a_panic() {
    let bodies = [
        Body::Ack(wire::Ack { ack: wire::MAX_OFFSET, limit: wire::MAX_OFFSET, ..wire::Ack::default() }),
        Body::Probe { nxt: wire::MAX_OFFSET },
        Body::EndAck,
        Body::End { size: wire::MAX_OFFSET, hash: wire::Hash([0; 32]) },
        Body::PathChallenge(wire::Nonce(1)),
        Body::PathResponse(wire::Nonce(1)),
        Body::Confirm(wire::Nonce(1), wire::Ack { paused: true, ..wire::Ack::default() }),
    ];
    for steps in 0..40 {
        let mut world = World::new();
        world.share.insert("book.bin".into(), bytes(1, 20_000));
        let ann = world.client(None);
        world.run(Duration::from_millis(200));
        world.get(ann, "book.bin");
        world.run(Duration::from_millis(5 * steps));
        let transfer = world.server_events.iter().find_map(|event| match event {
            ServerEvent::Transfer(TransferEvent::Offered { transfer, .. }) => Some(*transfer),
            _ => None,
        });
        let Some(transfer) = transfer else { continue };
        for body in &bodies {
            for transmission in [0, 1, wire::MAX_OFFSET] {
                let datagram = Packet { transfer, transmission, body: body.clone() }.encode();
                world.datagram(ann, SERVER, &datagram);
                let path = Path { remote: ([192, 0, 2, 9], 9).into(), local: Some(SERVER.ip()) };
                let now = world.now;
                world.act(|world| world.server.handle_datagrams(now, path, [Datagram::Bytes(&datagram)]));
            }
        }
        world.run(Duration::from_secs(1));
    }
}

#[test]
fn a_ticket_for_a_third_host_makes_no_reflector_of_a_client() {
    let mut world = World::new();
    // The target of the datagrams is the DNS server of somebody else.
    world.config.udp = "198.51.100.7:53".parse().expect("an address");
    world.restart();
    world.share.insert("book.bin".into(), bytes(1, 60_000));
    let offered = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = offered.clone();
    world.link = Box::new(move |to_client, _, _| {
        count.set(count.get() + usize::from(!to_client));
        vec![Duration::ZERO]
    });
    let ann = world.client(Some("ann"));
    world.run(Duration::from_millis(200));
    let download = world.get(ann, "book.bin");
    world.run(Duration::from_secs(90));
    assert_eq!(world.failed(ann, download), Some(FailReason::Refused));
    assert_eq!(offered.get(), 0, "datagrams left");
    let message = world.peers[ann].download_events.iter().find_map(|(_, event)| match event {
        DownloadEvent::Failed { message, .. } => Some(message.clone()),
        _ => None,
    });
    assert!(message.is_some_and(|message| {
        message.to_string().contains("198.51.100.7:53, another host than its chat's")
    }));
}
