//! From the offer to the proven address.

use core::time::Duration;

use super::{Sender, State};
use crate::node::Path;
use crate::time::Instant;
use crate::trace::{DropReason, Event, Mark};
use crate::transfer::RttEstimator;
use crate::transfer::congestion::controller;
use crate::transfer::timer::SenderTimer;
use crate::wire::{Ack, Body, CongestionChoice, Nonce, Recovery, ResetCode, Syn, SynAck};

/// The largest first round trip that a client's word is taken for.
const MAX_GUESS: Duration = Duration::from_secs(10);

impl Sender {
    /// The first `SYN`: the ticket is bound, what was asked for is agreed on or refused.
    pub(super) fn handle_syn(&mut self, now: Instant, path: Path, syn: &Syn) {
        if !self.offer.ticket.matches(&syn.ticket) {
            return self.dropped(DropReason::WrongTicket);
        }
        self.stop(SenderTimer::Ticket);
        self.set(SenderTimer::Silence, now + self.config.silence);
        self.path = Some(path);
        self.rtt = RttEstimator::new(Duration::from(syn.round_trip).min(MAX_GUESS));
        self.segment = syn.segment.min(self.config.segment);
        self.congestion = match syn.congestion {
            CongestionChoice::Fixed(segments) => CongestionChoice::Fixed(segments.min(self.config.fixed_cap)),
            other => other,
        };
        if self.congestion != syn.congestion {
            self.mark(Mark::FixedWindowCut);
        }
        if self.segment < syn.segment {
            self.mark(Mark::SegmentCut);
        }
        self.controller = controller(self.congestion, self.segment, self.una);
        self.enter(State::Handshake);
        if self.controller.is_none() || syn.recovery != Recovery::GoBackN || !syn.proves {
            return self.abort(now, ResetCode::Unsupported);
        }
        self.request_reads();
        self.answer_syn(now, path);
    }

    /// The same `SYN` again: its answer was lost, or slow. The same answer, with a nonce of its own if it comes from
    /// another address.
    pub(super) fn handle_repeated_syn(&mut self, now: Instant, path: Path, syn: &Syn) {
        if !self.offer.ticket.matches(&syn.ticket) {
            return self.dropped(DropReason::WrongTicket);
        }
        self.mark(Mark::SynRepeated);
        if self.path != Some(path) {
            self.mark(Mark::MovedInHandshake);
        }
        self.path = Some(path);
        self.answer_syn(now, path);
    }

    /// Says `SYN-ACK`, if the address has paid for it, and sets the timer for the next.
    pub(super) fn answer_syn(&mut self, now: Instant, path: Path) {
        let nonce = self.admit(path);
        let body = Body::SynAck(Box::new(SynAck {
            nonce,
            size: self.offer.size,
            version: self.offer.version,
            start: self.offer.start,
            hash: self.hash,
            recovery: Recovery::GoBackN,
            congestion: self.congestion,
            segment: self.segment,
        }));
        self.set(SenderTimer::Handshake, now + self.rtt.rto());
        if self.send_paid(path, body) {
            // Karn's rule: what was said twice gives no sample.
            self.syn_ack_at = (self.syn_acks == 0).then_some(now);
            self.syn_acks += 1;
        }
    }

    /// The nonce came back: the client is where it says, and has confirmed the information.
    pub(super) fn handle_confirm(&mut self, now: Instant, path: Path, nonce: Nonce, ack: &Ack) {
        let proven = self.candidate.as_ref().is_some_and(|it| it.proves(path, nonce));
        if !proven {
            self.mark(Mark::NonceFromElsewhere);
            return self.dropped(DropReason::WrongNonce);
        }
        if ack.ack != self.una || !self.is_proven(ack) {
            return self.abort(now, ResetCode::Protocol);
        }
        self.path = Some(path);
        self.candidate = None;
        if let Some(at) = self.syn_ack_at.take() {
            self.sample(now - at, Duration::ZERO);
        }
        self.rtt.on_progress();
        self.stop(SenderTimer::Handshake);
        self.set(SenderTimer::Silence, now + self.config.silence);
        self.enter(State::Sending);
        if self.offer.start > 0 {
            self.mark(Mark::Resumed);
        }
        self.progress_at = now;
        self.limit = self.limit.max(ack.limit);
        self.paused = ack.paused;
        if ack.paused {
            self.trace(|| Event::Paused { paused: true });
        }
    }
}
