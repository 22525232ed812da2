//! How a sender recovers: acknowledgments, round trips, the window, timers.

macro_rules! recovery {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// An acknowledgment was taken.
            Acknowledged = "recovery:acknowledged" {
                /// The download.
                transfer: TransferId,
                /// Everything below is acknowledged.
                una: u64,
                /// The first byte that the receiver does not allow.
                limit: u64,
                /// Still outstanding, in bytes.
                in_flight: u64,
            }
            /// A round trip was measured.
            RttUpdated = "recovery:rtt_updated" {
                /// The download.
                transfer: TransferId,
                /// The sample.
                latest: Duration,
                /// Smoothed.
                srtt: Duration,
                /// Its variation.
                rttvar: Duration,
                /// What follows for the timer.
                rto: Duration,
            }
            /// The sender went back and sends everything outstanding again.
            WentBack = "recovery:went_back" {
                /// The download.
                transfer: TransferId,
                /// `nxt` was here,
                from: u64,
                /// and is here now.
                to: u64,
                /// Why.
                cause: Name,
            }
            /// The congestion window changed.
            WindowChanged = "recovery:window_changed" {
                /// The download.
                transfer: TransferId,
                /// Bytes.
                cwnd: u64,
            }
            /// A timer was set, or set anew.
            TimerSet = "recovery:timer_set" {
                /// The download.
                transfer: TransferId,
                /// Which timer.
                timer: Name,
                /// For when.
                due: Instant,
            }
            /// A timer was stopped.
            TimerStopped = "recovery:timer_stopped" {
                /// The download.
                transfer: TransferId,
                /// Which timer.
                timer: Name,
            }
            /// A timer ran out.
            TimerExpired = "recovery:timer_expired" {
                /// The download.
                transfer: TransferId,
                /// Which timer.
                timer: Name,
            }
        }
    };
}
