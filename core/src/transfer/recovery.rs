//! When the sender goes back: Go-Back-N's loss detection.
//!
//! The receiver throws away what comes out of order and tells how many segments it threw away since its `ack` last
//! moved. Three (RFC 5681 §3.2) are taken as a loss. Segments of the flight that was already given up on are still on
//! their way then and are thrown away too; those must not count against the flight that is sent again (the trap of
//! RFC 6582 §3). A transmission number says which is which: only what is thrown away after something of the new
//! flight has arrived counts.

use crate::wire::Ack;

/// Thrown away behind a gap before it is taken as a loss. RFC 5681 §3.2.
pub(super) const DUPLICATE_ACKS: u32 = 3;

/// What an acknowledgment says about losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing, or not yet enough.
    Wait,
    /// What is left of a flight that was given up on is being thrown away.
    OldFlight,
    /// Go back.
    Lost,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct GoBackN {
    /// The first transmission number of the current flight: since the last going back.
    flight: u64,
    /// How many discarded segments belong to the flight before.
    earlier: u32,
}

impl GoBackN {
    /// Something new was acknowledged: the receiver counts from zero again.
    pub(super) fn on_progress(&mut self) {
        self.earlier = 0;
    }

    /// An acknowledgment arrived, of which `on_progress` was told before if it acknowledges something new.
    pub(super) fn on_acknowledged(&mut self, ack: &Ack) -> Verdict {
        if ack.seen < self.flight {
            let more = ack.discarded > self.earlier;
            self.earlier = self.earlier.max(ack.discarded);
            return if more { Verdict::OldFlight } else { Verdict::Wait };
        }
        if ack.discarded.saturating_sub(self.earlier) >= DUPLICATE_ACKS - u32::from(mutant!(LostAtTheSecond))
        {
            Verdict::Lost
        } else {
            Verdict::Wait
        }
    }

    /// The sender goes back; `next` is the number that its next datagram will have, `discarded` what the receiver
    /// last said.
    pub(super) fn on_went_back(&mut self, next: u64, discarded: u32) {
        mutant!(OldFlightCounted => return);
        self.flight = next;
        self.earlier = self.earlier.max(discarded);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dup(seen: u64, discarded: u32) -> Ack {
        Ack { seen, discarded, ..Ack::default() }
    }

    #[test]
    fn the_third_discarded_segment_is_a_loss() {
        let mut recovery = GoBackN::default();
        assert_eq!(recovery.on_acknowledged(&dup(2, 1)), Verdict::Wait);
        assert_eq!(recovery.on_acknowledged(&dup(3, 2)), Verdict::Wait);
        assert_eq!(recovery.on_acknowledged(&dup(4, 3)), Verdict::Lost);
    }

    #[test]
    fn the_rest_of_the_old_flight_does_not_count_against_the_new_one() {
        let mut recovery = GoBackN::default();
        assert_eq!(recovery.on_acknowledged(&dup(4, 3)), Verdict::Lost);
        recovery.on_went_back(10, 3);
        assert_eq!(recovery.on_acknowledged(&dup(9, 8)), Verdict::OldFlight);
        // The first of the new flight was lost; its second, third and fourth arrive.
        assert_eq!(recovery.on_acknowledged(&dup(11, 9)), Verdict::Wait);
        assert_eq!(recovery.on_acknowledged(&dup(12, 10)), Verdict::Wait);
        assert_eq!(recovery.on_acknowledged(&dup(13, 11)), Verdict::Lost);
    }

    #[test]
    fn what_was_here_already_is_no_loss() {
        let mut recovery = GoBackN::default();
        // Sent again without need: the receiver has all of it and discards nothing for a gap.
        (0..10).for_each(|i| assert_eq!(recovery.on_acknowledged(&dup(i, 0)), Verdict::Wait));
    }
}
