//! What the sender's timers do.

use super::{Sender, State};
use crate::time::Instant;
use crate::trace::LossCause;
use crate::transfer::Outcome;
use crate::transfer::timer::SenderTimer;
use crate::wire::{Body, ResetCode};

impl Sender {
    pub(super) fn on_timer(&mut self, now: Instant, timer: SenderTimer) {
        match timer {
            SenderTimer::Ticket => self.close(now, Outcome::Expired),
            SenderTimer::Silence => self.abort(now, ResetCode::Silence),
            SenderTimer::Quiet => self.close(now, Outcome::Expired),
            SenderTimer::Handshake => {
                self.rtt.on_timeout();
                if let Some(path) = self.path.filter(|_| self.state == State::Handshake) {
                    self.answer_syn(now, path);
                }
            }
            // It talks, but what it is sent does not reach it, or it does not want it (RFC 9293 §3.8.3, the user timeout).
            SenderTimer::Retransmit if now - self.progress_at >= self.config.silence => {
                self.abort(now, ResetCode::Silence);
            }
            SenderTimer::Retransmit => {
                self.stats.timeouts += 1;
                self.rtt.on_timeout();
                self.go_back(now, LossCause::Timeout);
            }
            SenderTimer::Persist => {
                self.rtt.on_timeout();
                if let Some(path) = self.path {
                    self.send(path, Body::Probe { nxt: self.nxt });
                }
            }
            SenderTimer::End => {
                self.rtt.on_timeout();
                self.say_end(now);
            }
            SenderTimer::Path => self.challenge(now),
        }
    }
}
