//! Congestion control: how much may be outstanding.
//!
//! A [`Controller`] is told what happens and answers with a window; it never sees a packet. Adding an algorithm is
//! one file and one arm of [`controller`].

mod classic;
mod fixed;

use core::fmt::Debug;

pub use classic::Classic;
pub use fixed::Fixed;

use crate::time::Instant;
use crate::trace::LossCause;
use crate::wire::CongestionChoice;

/// The window never grows above this, whatever the algorithm: no path that we know holds more in flight.
pub const MAX_WINDOW: u64 = 64 << 20;

/// Something new was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acked {
    /// When the acknowledgment arrived.
    pub now: Instant,
    /// How many bytes it newly acknowledges.
    pub bytes: u64,
    /// SND.UNA with it.
    pub una: u64,
    /// SND.NXT.
    pub nxt: u64,
    /// Whether the window, and not the receiver or the file, was what held the sender back in this round.
    pub window_limited: bool,
}

/// Something was lost, and the sender is about to go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// When that was found.
    pub now: Instant,
    /// How it was found.
    pub cause: LossCause,
    /// SND.UNA: where the sender goes back to.
    pub una: u64,
    /// What was outstanding, in bytes.
    pub in_flight: u64,
}

/// An algorithm, named by the events it is told.
pub trait Controller: Debug + Send {
    /// Something new was acknowledged.
    fn on_acked(&mut self, acked: Acked);

    /// Something was lost. Told once for everything outstanding at that time, not once a segment.
    fn on_lost(&mut self, lost: Lost);

    /// Segments have this many bytes from now on: the path does not carry longer ones. Nothing is outstanding.
    fn on_segment_changed(&mut self, segment: u16);

    /// Another address: what was learnt is about another path (RFC 9000 §9.4).
    fn on_path_changed(&mut self);

    /// The congestion window, in bytes; never less than one segment.
    fn window(&self) -> u64;
}

/// The algorithm that `choice` names, for segments of `segment` bytes that begin at `start`; `None` where this build
/// does not have it, which is an answer to the peer and never a silent replacement.
pub fn controller(choice: CongestionChoice, segment: u16, start: u64) -> Option<Box<dyn Controller>> {
    match choice {
        CongestionChoice::Classic => Some(Box::new(Classic::new(segment, start))),
        CongestionChoice::Fixed(segments) => Some(Box::new(Fixed::new(segment, segments))),
        CongestionChoice::NewReno | CongestionChoice::Cubic | CongestionChoice::Bbr => None,
    }
}
