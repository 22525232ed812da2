//! What acknowledgments do.

use core::time::Duration;

use super::Sender;
use crate::time::Instant;
use crate::trace::{DropReason, Event, LossCause, Mark};
use crate::transfer::congestion::Acked;
use crate::transfer::recovery::Verdict;
use crate::transfer::timer::SenderTimer;
use crate::wire::{Ack, ResetCode};

/// So many acknowledgments without the right proof end a transfer. Each is a guess of 16 bits.
const MAX_UNPROVEN: u32 = 3;

impl Sender {
    /// `newest`: no datagram of the client that was sent later has arrived yet.
    pub(super) fn handle_ack(&mut self, now: Instant, ack: &Ack, newest: bool) {
        // After going back, `max` is above `nxt`, and what was sent before may well have arrived.
        if ack.ack > self.max && !mutant!(AckBeyondSentTaken) {
            return self.dropped(DropReason::AckBeyondMax);
        }
        // An old one is passed over below, whatever it proves.
        if ack.ack >= self.una && !self.is_proven(ack) {
            return self.on_unproven(now);
        }
        // The limit never goes down, so an old acknowledgment can only repeat it.
        let opened = ack.limit > self.limit;
        self.limit = if mutant!(WindowUpdateLost) && ack.ack == self.una {
            self.limit
        } else {
            self.limit.max(ack.limit)
        };
        mutant!(LimitTakenBack => self.limit = ack.limit);
        if newest && self.paused != ack.paused {
            self.paused = ack.paused;
            let paused = ack.paused;
            self.trace(|| Event::Paused { paused });
            if paused {
                let is_out = self.nxt > self.una;
                self.mark(if is_out { Mark::PausedInFlight } else { Mark::PausedWhileWithheld });
            }
            self.progress_at = now;
            self.rtt.on_progress();
        }
        mutant!(StaleAckTaken => self.una = self.una.min(ack.ack.max(self.offer.start)));
        if ack.ack < self.una {
            self.mark(Mark::AckOvertaken);
            return self.dropped(DropReason::Stale);
        }
        if ack.ack > self.una {
            self.on_progress(now, ack);
        } else if (opened || mutant!(ProbeEndsBackoff)) && self.nxt == self.una {
            // What was withheld may go. An answer to a probe that opens nothing leaves the backoff as it is, so that
            // a long pause is not probed ten times a second.
            self.mark(Mark::WindowOpened);
            self.progress_at = now;
            self.rtt.on_progress();
        }
        // One acknowledgment for a batch tells of what arrived before a gap and of what was thrown away behind it; and
        // what belongs to the flight before is noted even while nothing of the next one is sent.
        self.discarded = self.discarded.max(ack.discarded);
        mutant!(WindowGrowsOnDuplicates => if ack.discarded > 0 { self.grow(now) });
        match self.recovery.on_acknowledged(ack) {
            Verdict::Lost if self.nxt > self.una => self.believe(now),
            Verdict::OldFlight => self.mark(Mark::OldFlightDiscarded),
            Verdict::Lost | Verdict::Wait => {}
        }
        let (una, limit, in_flight) = (self.una, self.limit, self.nxt - self.una);
        self.trace(|| Event::Acknowledged { una, limit, in_flight });
    }

    /// Returns true if the client has every byte that it acknowledges: it gives back a proof that only their
    /// segments told it.
    pub(super) fn is_proven(&self, ack: &Ack) -> bool {
        mutant!(AckBeyondSentTaken => return true);
        self.offer.proofs.of(self.offer.start..ack.ack) == ack.proof
    }

    /// An acknowledgment of what did not arrive drives a sender as fast as it can, with nobody who reads. No honest
    /// client says one, and the checksum keeps accidents out; a few are put up with so that one is not the end.
    fn on_unproven(&mut self, now: Instant) {
        self.dropped(DropReason::Unproven);
        self.unproven += 1;
        if self.unproven >= MAX_UNPROVEN {
            self.abort(now, ResetCode::Protocol);
        }
    }

    /// The client says that segments were lost. Going back once a round trip is all that a true word can be worth, for
    /// what is sent again takes as long to be lost again; and nobody is sent the same for ever.
    fn believe(&mut self, now: Instant) {
        if now - self.progress_at >= self.config.silence {
            self.mark(Mark::NothingAcknowledged);
            return self.abort(now, ResetCode::Silence);
        }
        let round_trip = self.rtt.least();
        if self.believed_at.is_some_and(|at| now - at < round_trip) && !mutant!(OldFlightCounted) {
            return;
        }
        self.believed_at = Some(now);
        self.go_back(now, LossCause::DuplicateAcks);
    }

    fn on_progress(&mut self, now: Instant, ack: &Ack) {
        let bytes = ack.ack - self.una;
        self.progress_at = now;
        self.is_segment_carried |= bytes >= u64::from(self.segment);
        self.una = ack.ack;
        if ack.ack > self.nxt {
            self.mark(Mark::AcknowledgedBeyondNxt);
        }
        self.nxt = self.nxt.max(ack.ack);
        self.discarded = ack.discarded;
        self.recovery.on_progress();
        self.measure(now, ack);
        self.rtt.on_progress();
        let before = self.cwnd();
        self.fruitless = 0;
        let window_limited = core::mem::take(&mut self.window_limited);
        let acked = Acked { now, bytes, una: self.una, nxt: self.nxt, window_limited };
        if let Some(controller) = &mut self.controller {
            controller.on_acked(acked);
        }
        let cwnd = self.cwnd();
        if cwnd != before {
            self.trace(|| Event::WindowChanged { cwnd });
        }
        // RFC 6298 §5.2 and §5.3.
        if self.nxt > self.una {
            mutant!(TimerNotRestarted => return);
            self.set(SenderTimer::Retransmit, now + self.rtt.rto());
        } else if !mutant!(TimerNotStopped) {
            self.stop(SenderTimer::Retransmit);
        }
    }

    /// A round trip, from the last batch that is acknowledged whole and was sent once (Karn's rule, RFC 6298 §3).
    fn measure(&mut self, now: Instant, ack: &Ack) {
        let mut last = None;
        while let Some(flight) = self.flight.front().filter(|it| it.end <= ack.ack) {
            last = Some(*flight);
            self.flight.pop_front();
        }
        match last {
            Some(flight) if flight.resent && !mutant!(RttFromResent) => self.mark(Mark::ResentAcknowledged),
            Some(flight) => self.sample(now - flight.sent, ack.delay.into()),
            None => {}
        }
    }

    pub(super) fn sample(&mut self, sample: Duration, held: Duration) {
        self.rtt.on_sample(sample, held);
        let rtt = &self.rtt;
        let (latest, rto) = (rtt.latest(), rtt.rto());
        if let (Some(srtt), Some(rttvar)) = (rtt.srtt(), rtt.rttvar()) {
            self.trace(|| Event::RttUpdated { latest, srtt, rttvar, rto });
        }
    }

    /// What is planted as `WindowGrowsOnDuplicates`: a whole window is taken as acknowledged.
    #[cfg(backchat_mutants)]
    fn grow(&mut self, now: Instant) {
        let una = self.una + self.cwnd();
        if let Some(controller) = &mut self.controller {
            controller.on_acked(Acked { now, bytes: 0, una, nxt: self.nxt, window_limited: true });
        }
        let cwnd = self.cwnd();
        self.trace(|| Event::WindowChanged { cwnd });
    }
}
