//! `SYN`, `SYN-ACK`, `CONFIRM`.

use core::time::Duration;

use super::{Chain, Receiver, ReceiverFailure, ReceiverOutput, State};
use crate::time::Instant;
use crate::trace::{DropReason, Mark};
use crate::transfer::pace::Pace;
use crate::transfer::timer::ReceiverTimer;
use crate::wire::{Ack, Body, CongestionChoice, ResetCode, Syn, SynAck};

impl Receiver {
    pub(super) fn say_syn(&mut self, now: Instant) {
        // Karn's rule: what was said twice gives no sample.
        self.syn_at = (self.next_transmission == 1).then_some(now);
        self.send(Body::Syn(Syn {
            ticket: self.config.ticket,
            recovery: self.config.recovery,
            congestion: self.config.congestion,
            segment: self.config.segment,
            round_trip: self.config.round_trip.into(),
            proves: true,
        }));
        self.set(ReceiverTimer::Handshake, now + self.rtt.rto());
    }

    /// The file's information. What contradicts what was asked ends it: this server is not to be reasoned with.
    pub(super) fn handle_syn_ack(&mut self, now: Instant, it: &SynAck) {
        let prefix_is_ours = it.start == 0 || it.start == self.config.have;
        // N and the segment may be lowered; nothing is replaced by something else.
        let same_congestion = match (self.config.congestion, it.congestion) {
            (CongestionChoice::Fixed(asked), CongestionChoice::Fixed(agreed)) => agreed <= asked,
            (asked, agreed) => asked == agreed,
        };
        let as_asked =
            it.recovery == self.config.recovery && same_congestion && it.segment <= self.config.segment;
        let is_of_the_ticket = self.config.size.is_none_or(|size| size == it.size);
        if !prefix_is_ours || !as_asked || !is_of_the_ticket {
            self.send(Body::Reset(ResetCode::Protocol));
            let failure = ReceiverFailure::Aborted(ResetCode::Protocol);
            return self.fail(now, State::Aborted(Some(ResetCode::Protocol)), failure);
        }
        self.progress_at = now;
        let sample = self.syn_at.take().map(|at| now - at);
        if let Some(sample) = sample {
            self.rtt.on_sample(sample, Duration::ZERO);
        }
        self.window.begin(now, it.start, sample);
        self.size = it.size;
        self.version = Some(it.version);
        self.segment = it.segment;
        self.start = it.start;
        self.rcv_nxt = it.start;
        self.chain = Chain::new(it.start);
        self.named = it.hash;
        self.written = it.start;
        self.limit = it.start;
        self.pace = self.config.limit_rate.map(|rate| Pace::new(rate, now, it.start));
        self.nonce = Some(it.nonce);
        self.enter(State::Confirming);
        if it.start == 0 && self.config.have > 0 {
            self.output.push_back(ReceiverOutput::Restart);
        }
        let (size, start, version) = (it.size, it.start, it.version);
        let (congestion, segment) = (it.congestion, it.segment);
        self.output.push_back(ReceiverOutput::Started { size, start, version, congestion, segment });
        self.say_confirm(now);
        self.confirm_at = Some(now);
    }

    /// Our `CONFIRM` was lost, or our address changed; the nonce is that of the address we have now.
    pub(super) fn handle_repeated_syn_ack(&mut self, now: Instant, it: &SynAck) {
        if (it.size, it.start, Some(it.version)) != (self.size, self.start, self.version) {
            return self.dropped(DropReason::Contradiction);
        }
        self.mark(Mark::SynAckRepeated);
        self.nonce = Some(it.nonce);
        self.say_confirm(now);
    }

    pub(super) fn say_confirm(&mut self, now: Instant) {
        let Some(nonce) = self.nonce else { return };
        self.confirm_at = None;
        let ack = self.acknowledgment(now);
        self.send(Body::Confirm(nonce, ack));
        self.set(ReceiverTimer::Handshake, now + self.rtt.rto());
        self.run_pace(now);
    }

    /// No answer. A `CONFIRM` whose address is not the one that its nonce went to is worth nothing: if ours has changed
    /// since the `SYN`, only another `SYN` gets a nonce to here. So they take turns; the server, whatever it knows of
    /// us, has a use for one of them.
    pub(super) fn repeat_handshake(&mut self, now: Instant) {
        self.rtt.on_timeout();
        self.repeats += 1;
        match self.state {
            State::Confirming if self.repeats % 2 == 1 => {
                self.mark(Mark::ConfirmUnanswered);
                self.say_confirm(now);
            }
            State::Confirming => {
                self.mark(Mark::SynForAnotherNonce);
                self.say_syn(now);
            }
            _ => {
                self.mark(Mark::SynUnanswered);
                self.say_syn(now);
            }
        }
    }

    /// What we have, and what the sender may send.
    pub(super) fn acknowledgment(&mut self, now: Instant) -> Ack {
        let was_closed = self.limit == self.rcv_nxt;
        self.limit = self.limit.max(self.allowed(now));
        if was_closed && self.limit > self.rcv_nxt {
            self.on_progress(now);
        }
        self.chain.on_acknowledged();
        Ack {
            proof: self.chain.proof(),
            ack: self.rcv_nxt + crate::mutants::excess(self.stats.acks_sent),
            limit: self.limit,
            seen: self.seen,
            discarded: self.discarded,
            delay: (now - self.seen_at + crate::mutants::late()).into(),
            paused: self.paused,
        }
    }

    /// The first segment, probe or `END` says that the `CONFIRM` has arrived.
    pub(super) fn begin_receiving(&mut self) {
        if self.state == State::Confirming {
            self.stop(ReceiverTimer::Handshake);
            self.enter(State::Receiving);
            if let Some(at) = self.confirm_at.take() {
                // A slow share makes this longer than the round trip, and a slow server the ticket's. Not both.
                let sample = (self.seen_at - at).min(self.config.round_trip);
                self.window.learn_round_trip(sample);
            }
            self.on_progress(self.seen_at);
            self.set(ReceiverTimer::Repeat, self.seen_at + self.rtt.rto());
        }
    }
}
