//! Segments, when they are acknowledged, and how far the window opens.

use super::{Receiver, ReceiverOutput, State};
use crate::time::Instant;
use crate::trace::{DropReason, Event, Mark};
use crate::transfer::flow::Growth;
use crate::transfer::pace::STEP;
use crate::transfer::timer::{ACK_DELAY, ReceiverTimer};
use crate::wire::{Body, Proof};

/// Segments kept before they are acknowledged, unless a batch brings more at once. RFC 5681 §4.2.
const ACK_EVERY: u32 = 2;

impl Receiver {
    /// A segment. What is new of it and in order is kept, even if its beginning is known: the segment size may have
    /// changed on the way.
    pub(super) fn handle_data(
        &mut self,
        now: Instant,
        offset: u64,
        length: usize,
        proof: Proof,
        ack_now: bool,
    ) {
        self.begin_receiving();
        self.stats.segments_received += 1;
        let end = offset.saturating_add(length as u64);
        if end > self.size {
            return self.dropped(DropReason::BeyondSize);
        }
        if end > self.limit {
            return self.dropped(DropReason::BeyondLimit);
        }
        self.watch.on_segment(offset, end, self.rcv_nxt);
        if end <= self.rcv_nxt {
            // Sent again without need, or a copy: the sender has missed an acknowledgment.
            self.stats.duplicates += 1;
            self.mark(Mark::SegmentAgain);
            self.chain.on_known(offset, end, proof);
            self.ack_now = true;
            let rcv_nxt = self.rcv_nxt;
            return self.trace(|| Event::SegmentDiscarded { range: offset..end, rcv_nxt });
        }
        mutant!(OutOfOrderWritten => { self.rcv_nxt = self.rcv_nxt.max(offset); self.chain.jump(offset); });
        let is_behind_gap = offset > self.rcv_nxt;
        // One that begins where no proof is known, in the middle of what is here, proves nothing of its end: the sender
        // learns from the acknowledgment where to go on.
        if is_behind_gap || !self.chain.extend(offset, end, proof) {
            self.stats.discarded += 1;
            self.mark(if is_behind_gap { Mark::SegmentBehindGap } else { Mark::SegmentPartlyKnown });
            self.discarded = self.discarded.saturating_add(1);
            self.ack_now = true;
            let rcv_nxt = self.rcv_nxt;
            return self.trace(|| Event::SegmentDiscarded { range: offset..end, rcv_nxt });
        }
        let known = if mutant!(KnownWrittenAgain) { 0 } else { (self.rcv_nxt - offset) as usize };
        if known > 0 {
            self.mark(Mark::SegmentPartlyKnown);
        }
        let place = self.rcv_nxt + u64::from(mutant!(ResumedAtWrongOffset) && self.start > 0);
        self.output.push_back(ReceiverOutput::Write { offset: place, payload: known..length });
        let range = self.rcv_nxt..end;
        self.trace(|| Event::SegmentReceived { range });
        self.rcv_nxt = end;
        self.on_bytes(now);
        self.discarded = 0;
        self.unacked += 1;
        self.ack_now |= ack_now || end == self.size;
        if self.window.on_received(now, self.rcv_nxt) == Growth::Doubled {
            self.mark(Mark::WindowDoubled);
        }
    }

    /// The last of the packets that arrived together was handed in: acknowledge once for all of them, if it is time.
    pub fn handle_batch_end(&mut self, now: Instant) {
        if self.state == State::Receiving {
            if self.ack_now || self.unacked >= ACK_EVERY {
                self.send_ack(now);
            } else if self.unacked > 0 && self.timers.at(ReceiverTimer::AckDelay).is_none() {
                mutant!(AckHeldForEver => return);
                self.set(ReceiverTimer::AckDelay, now + ACK_DELAY);
            }
            debug_assert!(self.unacked == 0 || self.timers.at(ReceiverTimer::AckDelay).is_some(), "{self:?}");
        }
        self.settle();
    }

    /// Everything below `through` is with the operating system: the window may open.
    pub fn handle_written(&mut self, now: Instant, through: u64) {
        self.written = self.written.max(through.min(self.rcv_nxt));
        self.open_window(now);
        self.ask_digest();
        self.settle();
    }

    pub(super) fn send_ack(&mut self, now: Instant) {
        let ack = self.acknowledgment(now);
        self.ack_now = false;
        self.unacked = 0;
        self.stats.acks_sent += 1;
        self.stop(ReceiverTimer::AckDelay);
        self.send(Body::Ack(ack));
        self.run_pace(now);
    }

    /// How far the sender may go by now. The limit moves by a whole segment at least, or to the file's end (RFC 9293
    /// §3.8.6.2.2): smaller steps would be filled with smaller segments.
    pub(super) fn allowed(&self, now: Instant) -> u64 {
        if self.paused {
            return self.limit;
        }
        let by_window = self.written.saturating_add(self.window.size());
        let by_pace = self
            .pace
            .as_ref()
            .filter(|_| !mutant!(LimitRateIgnored))
            .map_or(u64::MAX, |pace| pace.allows(now, self.segment));
        let allowed = by_window.min(by_pace).min(crate::wire::MAX_OFFSET);
        let is_worth_it = allowed >= self.limit + u64::from(self.segment) || allowed >= self.size;
        if is_worth_it { allowed } else { self.limit }
    }

    /// Tells the sender of more room, where that matters: not for every byte (RFC 9293 §3.8.6.2.2), but before it has
    /// used up what it knows of.
    pub(super) fn open_window(&mut self, now: Instant) {
        if self.state != State::Receiving || self.paused || self.limit >= self.size {
            return self.run_pace(now);
        }
        let allowed = self.allowed(now);
        let step = (self.window.size() / 4).max(u64::from(self.segment));
        let left = self.limit.saturating_sub(self.rcv_nxt);
        let matters =
            allowed >= self.limit + step || (left < u64::from(self.segment) && allowed > self.limit);
        if matters || (self.pace.is_some() && allowed > self.limit && left < step) {
            self.send_ack(now);
        } else {
            self.run_pace(now);
        }
    }

    /// The pace timer runs while the user's limit on the rate, and nothing else, holds the window back.
    pub(super) fn run_pace(&mut self, now: Instant) {
        let open = matches!(self.state, State::Confirming | State::Receiving);
        if self.pace.is_none() || self.paused || !open || self.limit >= self.size {
            self.stop(ReceiverTimer::Pace);
        } else if self.timers.at(ReceiverTimer::Pace).is_none() {
            self.set(ReceiverTimer::Pace, now + STEP);
        }
    }

    pub(super) fn set_paused(&mut self, now: Instant, paused: bool) {
        if self.paused == paused || self.is_over() {
            return;
        }
        self.paused = paused;
        self.trace(|| Event::Paused { paused });
        self.on_progress(now);
        if let (Some(pace), false) = (&mut self.pace, paused) {
            pace.restart(now, self.limit);
        }
        match self.state {
            State::Confirming => {
                if paused {
                    self.mark(Mark::PausedInHandshake);
                }
                self.say_confirm(now);
            }
            State::Receiving => self.send_ack(now),
            _ => {}
        }
        self.settle();
    }

    /// After every input.
    pub(super) fn settle(&self) {
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }
}
