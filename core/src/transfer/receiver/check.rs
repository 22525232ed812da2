//! What holds between any two inputs of a receiver.

use super::{Finish, Receiver, State};
use crate::transfer::timer::ReceiverTimer;

impl Receiver {
    /// What holds between any two inputs. Run after each in debug builds.
    pub(crate) fn check_invariants(&self) {
        assert!(self.start <= self.written && self.written <= self.rcv_nxt, "{self:?}");
        assert!(self.rcv_nxt <= self.size, "{self:?}");
        assert!(self.rcv_nxt <= self.limit || self.rcv_nxt == self.start, "{self:?}");
        let runs = |timer| self.timers.at(timer).is_some();
        let is_paced = self.pace.is_some() && !self.paused && self.limit < self.size;
        match self.state {
            State::SynSent | State::Confirming => {
                assert!(runs(ReceiverTimer::Handshake) && runs(ReceiverTimer::Silence), "{self:?}");
            }
            State::Receiving => {
                assert!(runs(ReceiverTimer::Repeat) && runs(ReceiverTimer::Silence), "{self:?}");
                assert_eq!(runs(ReceiverTimer::Pace), is_paced, "{self:?}");
            }
            State::Finishing => {
                assert_eq!(self.timers.earliest(), None, "{self:?}");
                assert!(self.rcv_nxt == self.size && self.hash.is_some(), "{self:?}");
            }
            State::Done | State::Aborted(_) => {
                assert_eq!(self.timers.at(ReceiverTimer::Quiet), self.timers.earliest(), "{self:?}");
                assert!(runs(ReceiverTimer::Quiet), "{self:?}");
            }
            State::Closed => assert_eq!(self.timers.earliest(), None, "{self:?}"),
        }
        if self.state == State::Done {
            assert!(self.written == self.size && self.finish == Finish::Naming, "{self:?}");
        }
    }
}
