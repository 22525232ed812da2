//! A peer that has the ticket, and lies.

use std::cell::Cell;
use std::rc::Rc;

use super::pair::{Fate, Pair, SOON, Setup};
use crate::time::Instant;
use crate::trace::{DropReason, Event};
use crate::transfer::{Outcome, ReceiverOutput};
use crate::wire::{Ack, Body, Nonce, Packet, Proof, ResetCode, TransferId};

/// A pair whose client never confirms, and the nonce that it was sent.
fn unconfirmed(size: u64, start: u64) -> (Pair, Nonce) {
    let sent = Rc::new(Cell::new(None));
    let seen = Rc::clone(&sent);
    let mut pair = Setup { start, ..Setup::new(size) }.build();
    pair.script = Box::new(move |_, _, packet| match &packet.body {
        Body::SynAck(it) => {
            seen.set(Some(it.nonce));
            Fate::Deliver
        }
        Body::Confirm(..) => Fate::Drop,
        _ => Fate::Deliver,
    });
    while sent.get().is_none() {
        assert!(pair.step(Instant::from_millis(5_000)), "{:?}", pair.sender);
    }
    let nonce = sent.get().expect("it was sent");
    (pair, nonce)
}

fn confirm(pair: &mut Pair, nonce: Nonce, ack: Ack) {
    let packet = Packet { transfer: TransferId(77), transmission: 1 << 40, body: Body::Confirm(nonce, ack) };
    pair.inject(pair.path, &packet);
}

#[test]
fn a_confirm_that_acknowledges_anything_but_the_beginning_ends_the_download() {
    for (start, ack) in [(0, 1), (0, 20_000), (0, u64::MAX), (7_000, 6_999), (7_000, 0), (7_000, 7_001)] {
        let (mut pair, nonce) = unconfirmed(20_000, start);
        confirm(&mut pair, nonce, Ack { ack, limit: 20_000, ..Ack::default() });
        assert_eq!(pair.sender_outcome, Some(Outcome::Aborted(ResetCode::Protocol)), "{start}, {ack}");
        assert_eq!(pair.sender.stats().segments_sent, 0, "{start}, {ack}");
    }
    let (mut pair, nonce) = unconfirmed(20_000, 7_000);
    confirm(&mut pair, nonce, Ack { ack: 7_000, limit: 20_000, ..Ack::default() });
    assert_eq!(pair.sender_outcome, None);
    assert!(pair.sender.stats().segments_sent > 0);
}

#[test]
fn a_segment_beyond_the_limit_or_the_size_is_not_written() {
    let told = Rc::new(Cell::new(0));
    let limit = Rc::clone(&told);
    let mut pair = Pair::scripted(5_000_000, move |_, _, packet| {
        if let Body::Ack(ack) | Body::Confirm(_, ack) = &packet.body {
            told.set(told.get().max(ack.limit));
        }
        Fate::Deliver
    });
    while pair.written < 1_000 {
        assert!(pair.step(Instant::from_millis(20_000)), "{:?}", pair.receiver);
    }
    let written = pair.written;
    let limit = limit.get();
    for (end, reason) in [(limit + 1, DropReason::BeyondLimit), (5_000_001, DropReason::BeyondSize)] {
        let length = (end - written) as usize;
        let body = Body::Data { offset: written, proof: Proof(0), length, ack_now: false };
        let packet = Packet { transfer: TransferId(77), transmission: 1 << 40, body };
        pair.receiver.handle_packet(pair.now, &packet);
        let outputs: Vec<_> = std::iter::from_fn(|| pair.receiver.poll_output()).collect();
        let dropped = |output: &ReceiverOutput| matches!(output, ReceiverOutput::Trace(Event::Dropped { reason: it, .. }) if *it == reason);
        assert!(outputs.iter().any(dropped), "{outputs:?}");
        assert!(!outputs.iter().any(|it| matches!(it, ReceiverOutput::Write { .. })), "{outputs:?}");
    }
    // And up to the limit it is.
    pair.run(SOON);
    assert!(pair.written > written);
}
