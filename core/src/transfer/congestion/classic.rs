//! `classic`: the original's. The window doubles when all of it was acknowledged, and halves when it was not.
//!
//! It has no slow start to leave: between two losses it always doubles, once a round trip. On a path with a queue
//! it therefore overshoots, loses, and halves, for ever; that is its character, and what the other algorithms are
//! measured against.

use super::{Acked, Controller, Lost, MAX_WINDOW};

/// Segments in the first window. The original begins with one; RFC 6928 found that ten do no harm and save round
/// trips. Four is RFC 3390's, from a time of queues as short as those that this algorithm is shown with.
const INITIAL_SEGMENTS: u64 = 4;

/// See the module.
#[derive(Clone, Debug)]
pub struct Classic {
    segment: u64,
    cwnd: u64,
    /// The round ends when everything below is acknowledged: a full window.
    round_end: u64,
    /// Whether the window held the sender back at any time in this round. A window that nobody needed proves nothing.
    needed: bool,
}

impl Classic {
    /// At the beginning of a transfer whose first byte is `start`.
    pub fn new(segment: u16, start: u64) -> Self {
        let segment = u64::from(segment).max(1);
        let cwnd = INITIAL_SEGMENTS * segment;
        Self { segment, cwnd, round_end: start + cwnd, needed: false }
    }
}

impl Controller for Classic {
    fn on_acked(&mut self, acked: Acked) {
        self.needed |= acked.window_limited;
        if acked.una < self.round_end {
            return;
        }
        if self.needed {
            self.cwnd = (self.cwnd * 2).min(MAX_WINDOW);
        }
        self.needed = false;
        self.round_end = acked.una + self.cwnd;
    }

    fn on_lost(&mut self, lost: Lost) {
        self.cwnd = (self.cwnd / 2 / self.segment * self.segment).max(self.segment);
        self.needed = false;
        self.round_end = lost.una + self.cwnd;
    }

    fn on_segment_changed(&mut self, segment: u16) {
        self.segment = u64::from(segment).max(1);
    }

    fn on_path_changed(&mut self) {
        let una = self.round_end.saturating_sub(self.cwnd);
        self.cwnd = INITIAL_SEGMENTS * self.segment;
        self.needed = false;
        self.round_end = una + self.cwnd;
    }

    fn window(&self) -> u64 {
        self.cwnd
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use crate::trace::LossCause;

    fn acked(una: u64, window_limited: bool) -> Acked {
        Acked { now: Instant::ZERO, bytes: 0, una, nxt: una, window_limited }
    }

    fn lost(una: u64) -> Lost {
        Lost { now: Instant::ZERO, cause: LossCause::Timeout, una, in_flight: 0 }
    }

    #[test]
    fn a_full_acknowledged_window_doubles_it_and_half_a_one_does_not() {
        let mut classic = Classic::new(1000, 0);
        classic.on_acked(acked(2000, true));
        assert_eq!(classic.window(), 4000);
        classic.on_acked(acked(4000, true));
        assert_eq!(classic.window(), 8000);
        classic.on_acked(acked(11_000, true));
        assert_eq!(classic.window(), 8000);
        classic.on_acked(acked(12_000, true));
        assert_eq!(classic.window(), 16_000);
    }

    #[test]
    fn a_window_that_nobody_needed_does_not_grow() {
        let mut classic = Classic::new(1000, 0);
        classic.on_acked(acked(4000, false));
        assert_eq!(classic.window(), 4000);
    }

    #[test]
    fn a_loss_halves_it_in_whole_segments_and_leaves_at_least_one() {
        let mut classic = Classic::new(1000, 0);
        classic.on_acked(acked(4000, true));
        classic.on_lost(lost(4000));
        assert_eq!(classic.window(), 4000);
        for expected in [2000, 1000, 1000] {
            classic.on_lost(lost(4000));
            assert_eq!(classic.window(), expected);
        }
        // The round begins anew where the sender went back to.
        classic.on_acked(acked(5000, true));
        assert_eq!(classic.window(), 2000);
    }

    #[test]
    fn smaller_segments_allow_a_smaller_window() {
        let mut classic = Classic::new(16_000, 0);
        classic.on_segment_changed(1200);
        assert_eq!(classic.window(), 64_000);
        (0..10).for_each(|_| classic.on_lost(lost(0)));
        assert_eq!(classic.window(), 1200);
    }

    #[test]
    fn it_never_grows_without_bound() {
        let mut classic = Classic::new(65_000, 0);
        (0..100u64).for_each(|i| classic.on_acked(acked(i << 40, true)));
        assert_eq!(classic.window(), MAX_WINDOW);
    }
}
