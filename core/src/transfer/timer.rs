//! Every timer of a transfer, one sentence each, and the small table that holds them.

use core::time::Duration;

use crate::time::{Instant, earliest};
use crate::trace::TransferTimer;

/// The longest that a receiver holds an acknowledgment back. RFC 9000 §18.2 takes the same 25 ms; RFC 5681 §4.2
/// allows 500.
pub(super) const ACK_DELAY: Duration = Duration::from_millis(25);

/// A timer's place in its table.
pub(super) trait Place: Copy {
    /// Its place, below the `N` of the table.
    fn place(self) -> usize;
}

macro_rules! timers {
    ($(#[$doc:meta])* $table:ident [$($(#[$each:meta])* $timer:ident),+ $(,)?]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $table {
            $($(#[$each])* $timer),+
        }

        impl $table {
            pub(super) const ALL: [Self; [$(Self::$timer),+].len()] = [$(Self::$timer),+];

            /// The timer as traces have it.
            pub(super) const fn traced(self) -> TransferTimer {
                match self {
                    $(Self::$timer => TransferTimer::$timer),+
                }
            }
        }

        impl Place for $table {
            fn place(self) -> usize {
                self as usize
            }
        }
    };
}

timers! {
    /// The sender's timers. When several are due at once, they run out in this order.
    SenderTimer [
        /// The ticket was not used: forget the offer.
        Ticket,
        /// Nothing was heard for too long: give up.
        Silence,
        /// No `CONFIRM` came: say `SYN-ACK` again, as far as the address has paid for it.
        Handshake,
        /// Data is outstanding and nothing new was acknowledged: go back.
        Retransmit,
        /// A closed window, or a pause, withholds data and nothing is outstanding: probe.
        Persist,
        /// No `END-ACK` came: say `END` again.
        End,
        /// No proof came from the new address: challenge it again.
        Path,
        /// It was aborted, and late packets were answered long enough: forget it.
        Quiet,
    ]
}

timers! {
    /// The receiver's timers. When several are due at once, they run out in this order.
    ReceiverTimer [
        /// Nothing was heard for too long: give up.
        Silence,
        /// No answer to `SYN` or `CONFIRM`: say it again.
        Handshake,
        /// An acknowledgment was held back long enough: send it.
        AckDelay,
        /// Nothing was heard for an RTO: repeat the acknowledgment, for it may have been lost, or our address changed.
        Repeat,
        /// The user's limit on the rate allows more by now: open the window.
        Pace,
        /// It is over, and late packets were answered long enough: forget it.
        Quiet,
    ]
}

/// Which timers run, and until when. So few that the earliest is found by looking at each.
#[derive(Clone, Debug)]
pub(super) struct Timers<const N: usize>([Option<Instant>; N]);

/// What a call to [`Timers::set`] or [`Timers::stop`] changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}

impl<const N: usize> Timers<N> {
    pub(super) const fn new() -> Self {
        Self([None; N])
    }

    /// Sets a timer, running or not, for `at`.
    pub(super) fn set(&mut self, timer: impl Place, at: Instant) -> Changed {
        self.replace(timer, Some(at))
    }

    /// Stops a timer, running or not.
    pub(super) fn stop(&mut self, timer: impl Place) -> Changed {
        self.replace(timer, None)
    }

    fn replace(&mut self, timer: impl Place, to: Option<Instant>) -> Changed {
        match self.0.get_mut(timer.place()) {
            Some(place) if *place != to => {
                *place = to;
                Changed::Yes
            }
            _ => Changed::No,
        }
    }

    /// When a timer will run out; `None` where it does not run.
    pub(super) fn at(&self, timer: impl Place) -> Option<Instant> {
        self.0.get(timer.place()).copied().flatten()
    }

    /// Stops a timer if it is due, and says whether it was.
    pub(super) fn expire(&mut self, timer: impl Place, now: Instant) -> bool {
        let due = self.at(timer).is_some_and(|at| at <= now);
        if due {
            self.stop(timer);
        }
        due
    }

    /// The earliest of those that run.
    pub(super) fn earliest(&self) -> Option<Instant> {
        earliest(self.0)
    }

    /// Stops every one.
    pub(super) fn stop_all(&mut self) {
        self.0 = [None; N];
    }
}

/// The sender's table.
pub(super) type SenderTimers = Timers<{ SenderTimer::ALL.len() }>;

/// The receiver's table.
pub(super) type ReceiverTimers = Timers<{ ReceiverTimer::ALL.len() }>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_is_found_and_expires_once() {
        let mut timers = SenderTimers::new();
        let at = Instant::from_millis;
        assert_eq!(timers.set(SenderTimer::Silence, at(60_000)), Changed::Yes);
        assert_eq!(timers.set(SenderTimer::Retransmit, at(100)), Changed::Yes);
        assert_eq!(timers.set(SenderTimer::Retransmit, at(100)), Changed::No);
        assert_eq!(timers.earliest(), Some(at(100)));
        assert!(!timers.expire(SenderTimer::Retransmit, at(99)));
        assert!(timers.expire(SenderTimer::Retransmit, at(100)));
        assert!(!timers.expire(SenderTimer::Retransmit, at(100)));
        assert_eq!(timers.earliest(), Some(at(60_000)));
    }

    #[test]
    fn every_timer_has_a_place_of_its_own() {
        for (i, timer) in SenderTimer::ALL.into_iter().enumerate() {
            assert_eq!(timer.place(), i);
        }
        for (i, timer) in ReceiverTimer::ALL.into_iter().enumerate() {
            assert_eq!(timer.place(), i);
        }
    }
}
