//! One download: a sender on the server, a receiver on the client.
//!
//! ```text
//!   client (receiver)                           server (sender)
//!      | -- SYN, ticket, padded ------------------> |  binds the ticket, opens nothing: the file is open
//!      | <------- SYN-ACK, nonce, information ----- |
//!      | -- CONFIRM, nonce, first window ---------> |  the address is proven
//!      | <------------------------------- DATA ---- |  one round trip after the first packet came
//!      | -- ACK, cumulative, window --------------> |  Go-Back-N: on a loss, everything from `una` again
//!      | <--------------------------- END, hash --- |  after the last acknowledgment
//!      | -- END-ACK ------------------------------> |
//! ```
//!
//! Both are machines of their own: packets, times and news of the file come in, packets and requests go out. They
//! know nothing of the chat (a ticket and a first round-trip time is all they get from it), of sockets, or of each
//! other. File bytes do not pass through them: the sender says which range goes into which segment, the receiver
//! which payload belongs where.
//!
//! - [`Sender`], [`Receiver`]: the machines.
//! - [`RttEstimator`]: RFC 6298.
//! - [`congestion`]: what sets the window; a trait named by events.
//! - `recovery`: when the sender goes back.
//! - `timer`: every timer, one sentence each.
//! - `flow`: the receiver's window. `pace`: the user's limit on the rate.

pub mod congestion;
mod flow;
mod pace;
mod receiver;
mod recovery;
mod rtt;
mod sender;
mod timer;

#[cfg(test)]
mod tests;

use core::time::Duration;

pub use receiver::{Receiver, ReceiverConfig, ReceiverFailure, ReceiverOutput, ReceiverStats, ReceiverView};
pub use rtt::RttEstimator;
pub(crate) use sender::MIN_BUDGET;
pub use sender::{Offer, Sender, SenderConfig, SenderOutput, SenderStats};

use crate::wire::ResetCode;

/// Backoff stops doubling here. A path at 30 % loss each way that doubled up to RFC 6298's 60 s could be silent for
/// seven minutes; with 3 s it is for half a minute. An RTO that is longer by itself stays as it is.
pub const MAX_BACKOFF: Duration = Duration::from_secs(3);

/// Nothing heard for so long ends a transfer, on both sides.
pub const SILENCE: Duration = Duration::from_secs(60);

/// A timer that is looked at so much later than it was due tells of a process that did not run: a machine that slept, a
/// program that was stopped. The other side may have spoken all the while, so nothing is concluded from silence then.
/// No loop of ours is ever held up for as long, and no timer here is as short.
pub(crate) const ASLEEP: Duration = Duration::from_secs(5);

/// How long a side that is done still answers the other, who may not know yet. Longer than three of the other's
/// timers at their longest, so that it takes the loss of three answers in a row to leave it in the dark.
pub const QUIET: Duration = Duration::from_secs(10);

const _: () = assert!(QUIET.as_millis() > 3 * MAX_BACKOFF.as_millis());
const _: () =
    assert!(SILENCE.as_millis() > 10 * MAX_BACKOFF.as_millis(), "silence is many repeats, not one lost");

/// How a transfer ended, as one of its sides sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Every byte was acknowledged, and the end as well.
    Complete,
    /// We ended it.
    Aborted(ResetCode),
    /// The other side ended it.
    Reset(ResetCode),
    /// The ticket was never used.
    Expired,
}

impl Outcome {
    /// Every name that there is.
    pub const NAMES: [&str; 4] = ["complete", "aborted", "reset", "expired"];

    /// Its name in traces and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Aborted(_) => "aborted",
            Self::Reset(_) => "reset",
            Self::Expired => "expired",
        }
    }
}
