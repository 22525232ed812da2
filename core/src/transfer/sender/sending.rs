//! Which segments go out, and what must be in memory for that.

use super::{Sender, SenderOutput, State, Step};
use crate::time::Instant;
use crate::trace::{Event, LossCause, Mark};
use crate::transfer::congestion::Lost;
use crate::transfer::timer::SenderTimer;
use crate::wire::{Body, SegmentBatch};

/// The least window, in bytes, even after any number of fruitless attempts: four segments that every path
/// carries (RFC 3390).
const LEAST_WINDOW: u64 = 4 * 1200;

/// The most that one UDP send may carry.
const MAX_BATCH: usize = 65_507;

/// How many batches are remembered for their round trip. Older ones give no sample, that is all.
const MAX_FLIGHT: usize = 1024;

/// A batch on its way: when its last byte is acknowledged, that is a round trip.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) end: u64,
    pub(super) sent: Instant,
    /// It carried bytes that had been sent before: Karn's rule.
    pub(super) resent: bool,
}

impl Sender {
    /// After every input: ask for what is needed, say `END` when all is acknowledged, run the timers that must run.
    pub(super) fn pump(&mut self, now: Instant) {
        if self.state == State::Sending {
            self.buffer.seek(self.una, self.nxt);
            self.request_reads();
            let acked = if mutant!(EndTooEarly) { self.nxt } else { self.una };
            if acked == self.offer.size && self.hash.is_some() {
                self.stop(SenderTimer::Retransmit);
                self.stop(SenderTimer::Persist);
                self.enter(State::Ending);
                if self.offer.size == 0 {
                    self.mark(Mark::EmptyFile);
                }
                self.say_end(now);
            } else {
                self.run_persist(now);
            }
        }
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
    }

    pub(super) fn say_end(&mut self, now: Instant) {
        let (Some(path), Some(hash)) = (self.path, self.hash) else { return };
        self.send(path, Body::End { size: self.offer.size, hash });
        self.set(SenderTimer::End, now + self.rtt.rto());
    }

    /// Reads ahead, and drops what is in the way of that.
    pub(super) fn request_reads(&mut self) {
        while let Some(step) = self.buffer.poll(self.nxt) {
            self.output.push_back(match step {
                Step::Read(range) => SenderOutput::Read(range),
                Step::Forget(below) => SenderOutput::Forget(below),
            });
        }
    }

    /// Whether data waits, nothing is outstanding, and only the receiver is why, who allows less than a segment: only
    /// a probe can find out that it no longer does.
    pub(super) fn is_withheld(&self) -> bool {
        let segment = (self.nxt + u64::from(self.segment)).min(self.offer.size);
        self.una == self.nxt && self.una < self.offer.size && (self.paused || self.limit < segment)
    }

    /// The persist timer runs exactly while the receiver withholds (RFC 9293 §3.8.6.1).
    fn run_persist(&mut self, now: Instant) {
        mutant!(NoPersistTimer => return);
        if !self.is_withheld() {
            self.stop(SenderTimer::Persist);
        } else if self.timers.at(SenderTimer::Persist).is_none() {
            if !self.paused {
                self.mark(Mark::WindowClosed);
            }
            self.set(SenderTimer::Persist, now + self.rtt.rto());
        }
    }

    /// The next segments in order. Only whole ones, but for the file's last, and one up to the limit when nothing is
    /// outstanding: silly windows (RFC 9293 §3.8.6.2) are not filled.
    pub(super) fn next_batch(&mut self, now: Instant) -> Option<SegmentBatch> {
        if self.paused {
            return None;
        }
        let segment = u64::from(self.segment);
        let by_window = self.una.saturating_add(self.cwnd() + u64::from(mutant!(WindowOffByOne)) * segment);
        let by_receiver = if mutant!(LimitIgnored) { u64::MAX } else { self.limit }.min(self.offer.size);
        let allowed = by_window.min(by_receiver);
        let room = allowed.min(self.buffer.loaded()).saturating_sub(self.nxt);
        let count = (self.config.max_segments as u64).min((MAX_BATCH / self.datagram_len()) as u64).max(1);
        let most = count * segment;
        let is_rest = self.nxt + room == self.offer.size;
        let length = if is_rest && room <= most {
            room
        } else if room >= segment {
            (room / segment * segment).min(most)
        } else if self.small_allowed && self.nxt == self.una && allowed <= self.buffer.loaded() {
            room
        } else {
            0
        };
        if by_window < by_receiver && by_window <= self.buffer.loaded() && room < segment {
            self.window_limited = true;
        }
        let end = self.nxt + length;
        // Nothing more can follow this before an acknowledgment: the receiver should not hold it back.
        let ack_now = end == self.offer.size || allowed.saturating_sub(end) < segment;
        let batch = SegmentBatch::new(
            self.offer.transfer,
            self.next_transmission,
            self.nxt..end,
            self.segment,
            ack_now,
            self.offer.proofs,
        )?;
        self.on_sent(now, &batch);
        Some(batch)
    }

    fn on_sent(&mut self, now: Instant, batch: &SegmentBatch) {
        let range = batch.range();
        let count = batch.count() as u64;
        let resent = self.max.min(range.end) - range.start.min(self.max);
        if self.una == self.max {
            self.progress_at = now;
        }
        self.next_transmission += count;
        self.small_allowed = false;
        self.nxt = range.end;
        self.max = self.max.max(self.nxt);
        self.stats.segments_sent += count;
        self.stats.segments_resent += resent.div_ceil(u64::from(self.segment.max(1)));
        self.stats.bytes_on_wire += batch.total_len() as u64;
        if self.flight.len() == MAX_FLIGHT {
            self.flight.pop_front();
        }
        self.flight.push_back(Flight { end: range.end, sent: now, resent: resent > 0 });
        self.stop(SenderTimer::Persist);
        if self.timers.at(SenderTimer::Retransmit).is_none() {
            self.set(SenderTimer::Retransmit, now + self.rtt.rto());
        }
        self.request_reads();
        let (in_flight, cwnd, limit) = (self.nxt - self.una, self.cwnd(), self.limit);
        let (transmission, count) = (batch.transmission(), batch.count() as u64);
        self.trace(|| Event::SegmentsSent { range, transmission, count, resent, in_flight, cwnd, limit });
    }

    /// Go-Back-N: everything outstanding goes again, from `una` on.
    pub(super) fn go_back(&mut self, now: Instant, cause: LossCause) {
        mutant!(NoRetransmission => return self.set(SenderTimer::Retransmit, now + self.rtt.rto()));
        let (from, to) = (self.nxt, self.una);
        self.trace(|| Event::WentBack { from, to, cause });
        self.mark(match cause {
            LossCause::DuplicateAcks => Mark::WentBackByDuplicates,
            LossCause::Timeout => Mark::WentBackByTimeout,
            LossCause::PathChange => Mark::WentBackByPathChange,
        });
        self.stats.went_back += 1;
        if cause != LossCause::PathChange {
            if self.fruitless == 0 {
                self.window_before = self.cwnd();
            }
            self.fruitless = self.fruitless.saturating_add(1);
            let lost = Lost { now, cause, una: self.una, in_flight: self.nxt - self.una };
            if let Some(controller) = &mut self.controller {
                controller.on_lost(lost);
            }
            let cwnd = self.cwnd();
            self.trace(|| Event::WindowChanged { cwnd });
        }
        self.nxt = self.una;
        mutant!(GoesBackOneShort => self.nxt = (self.una + u64::from(self.segment)).min(self.max));
        self.flight.clear();
        self.window_limited = false;
        self.recovery.on_went_back(self.next_transmission, self.discarded);
        self.stop(SenderTimer::Retransmit);
    }

    /// Returns the number of bytes that may be outstanding: the controller's window. Where it has gone back
    /// more than once and nothing new was acknowledged, at most half as much each time as before the first,
    /// whatever the controller says: a receiver that is not there, or only says that it is, gets no more than
    /// two windows of what it does not read.
    pub(super) fn cwnd(&self) -> u64 {
        let window = self.controller.as_ref().map_or(0, |it| it.window());
        if self.fruitless <= 1 {
            return window;
        }
        let less = self.window_before.checked_shr(self.fruitless - 1).unwrap_or(0);
        window.min(less.max(u64::from(self.segment)).max(LEAST_WINDOW))
    }

    fn datagram_len(&self) -> usize {
        crate::wire::DATA_HEADER_LEN + usize::from(self.segment)
    }
}
