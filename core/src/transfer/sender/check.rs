//! What holds between any two inputs of a sender.

use super::{Sender, State};
use crate::transfer::timer::SenderTimer;

impl Sender {
    /// What holds between any two inputs. Run after each in debug builds.
    pub(crate) fn check_invariants(&self) {
        assert!(self.offer.start <= self.una && self.una <= self.nxt && self.nxt <= self.max, "{self:?}");
        assert!(self.max <= self.offer.size, "{self:?}");
        assert!(self.flight.iter().all(|it| it.end > self.una && it.end <= self.nxt), "{self:?}");
        assert!(self.max <= self.limit, "only what is allowed: {self:?}");
        self.buffer.check_invariants(self.nxt);
        let outstanding = self.nxt - self.una;
        assert!(outstanding <= self.cwnd(), "{self:?}");
        let runs = |timer| self.timers.at(timer).is_some();
        match self.state {
            State::Offered => assert!(runs(SenderTimer::Ticket) && self.path.is_none(), "{self:?}"),
            State::Handshake => {
                assert!(runs(SenderTimer::Handshake) && runs(SenderTimer::Silence), "{self:?}");
            }
            State::Sending => {
                assert!(runs(SenderTimer::Silence), "{self:?}");
                assert_eq!(runs(SenderTimer::Retransmit), outstanding > 0, "{self:?}");
                assert_eq!(runs(SenderTimer::Persist), self.is_withheld(), "{self:?}");
                assert_eq!(runs(SenderTimer::Path), self.candidate.is_some(), "{self:?}");
            }
            State::Ending => {
                assert!(self.una == self.offer.size && runs(SenderTimer::End), "{self:?}");
                assert!(runs(SenderTimer::Silence), "{self:?}");
                assert_eq!(runs(SenderTimer::Path), self.candidate.is_some(), "{self:?}");
            }
            State::Aborted(_) => {
                assert_eq!(self.timers.at(SenderTimer::Quiet), self.timers.earliest(), "{self:?}");
                assert!(runs(SenderTimer::Quiet), "{self:?}");
            }
            State::Closed => assert_eq!(self.timers.earliest(), None, "{self:?}"),
        }
    }
}
