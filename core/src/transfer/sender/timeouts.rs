//! What the sender's timers do.

use super::{Sender, State};
use crate::time::Instant;
use crate::trace::{Event, LossCause, Mark};
use crate::transfer::Outcome;
use crate::transfer::timer::SenderTimer;
use crate::wire::{Body, ResetCode};

/// So many RTOs without progress are taken for a path that does not carry segments of this size.
const BLACK_HOLE_TIMEOUTS: u32 = 2;

/// The same on a path that has carried them: there it is rather a loss, or darkness for a while, and smaller segments
/// would be a loss for good.
const BLACK_HOLE_TIMEOUTS_ONCE_CARRIED: u32 = 20;

/// Bytes of data in a segment that every path carries.
const BASE_SEGMENT: u16 = 1200;

impl Sender {
    /// Black hole detection (RFC 8899 §4.3): nobody tells us that a datagram was too long for the path. Byte offsets
    /// allow another segment size at any time.
    fn fit_the_path(&mut self, now: Instant) {
        mutant!(SegmentNeverShrinks => return);
        let rto = self.rtt.base_rto();
        let patience = if self.is_segment_carried {
            // In time, whatever the RTO is, to find out before the other side gives up.
            (rto * BLACK_HOLE_TIMEOUTS_ONCE_CARRIED).min(self.config.silence / 4)
        } else {
            rto * BLACK_HOLE_TIMEOUTS
        };
        if self.segment > BASE_SEGMENT && now - self.progress_at >= patience {
            self.mark(Mark::SegmentShrunk);
            self.segment = BASE_SEGMENT;
            if let Some(controller) = &mut self.controller {
                controller.on_segment_changed(BASE_SEGMENT);
            }
            let cwnd = self.cwnd();
            self.trace(|| Event::WindowChanged { cwnd });
        }
    }

    /// The next timer is twice as long.
    fn back_off(&mut self) {
        self.rtt.on_timeout();
        if self.rtt.is_capped() {
            self.mark(Mark::BackoffCapped);
        }
    }

    pub(super) fn on_timer(&mut self, now: Instant, timer: SenderTimer) {
        match timer {
            SenderTimer::Ticket => {
                self.mark(Mark::TicketExpired);
                self.close(now, Outcome::Expired);
            }
            SenderTimer::Silence => {
                self.mark(Mark::ServerHeardNothing);
                self.abort(now, ResetCode::Silence);
            }
            SenderTimer::Quiet => self.close(now, Outcome::Expired),
            SenderTimer::Handshake => {
                self.mark(Mark::SynAckUnanswered);
                self.back_off();
                if let Some(path) = self.path.filter(|_| self.state == State::Handshake) {
                    self.answer_syn(now, path);
                }
            }
            // It talks, but what it is sent does not reach it, or it does not want it (RFC 9293 §3.8.3, the user timeout).
            SenderTimer::Retransmit if now - self.progress_at >= self.config.silence => {
                self.mark(Mark::NothingAcknowledged);
                self.abort(now, ResetCode::Silence);
            }
            SenderTimer::Retransmit => {
                self.stats.timeouts += 1;
                if self.rtt.backoff() > 0 {
                    self.mark(Mark::ResentWasLost);
                }
                self.back_off();
                self.go_back(now, LossCause::Timeout);
                self.fit_the_path(now);
            }
            SenderTimer::Persist => {
                self.back_off();
                if !self.paused && self.limit > self.nxt {
                    // RFC 9293 §3.8.6.2.1: after a while, less than a segment is better than nothing.
                    self.mark(Mark::SmallSegment);
                    self.small_allowed = true;
                } else if let Some(path) = self.path {
                    self.mark(Mark::WindowProbed);
                    self.send(path, Body::Probe { nxt: self.nxt });
                }
            }
            SenderTimer::End => {
                self.mark(Mark::EndUnanswered);
                self.back_off();
                self.say_end(now);
            }
            SenderTimer::Path => self.challenge(now),
        }
    }
}
