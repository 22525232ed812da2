//! What a sender wants done, and what it has done.

use core::ops::Range;

use crate::node::Path;
use crate::trace::Event;
use crate::transfer::Outcome;
use crate::wire::Packet;

/// What the sender wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderOutput {
    /// Send this datagram.
    Packet(Path, Packet),
    /// Read these bytes of the file into memory. Each read goes on where the one before ended, or begins anew after what
    /// was dropped is needed again; they are answered in order.
    Read(Range<u64>),
    /// Whole reads below this are dropped from memory. What of them is to be sent again is read again.
    Forget(u64),
    /// It is over. Nothing of the file is needed any more.
    Ended(Outcome),
    /// An observation. [`Event::Dropped`] is always told, the others where they are wanted.
    Trace(Event),
}

/// What a sender has done. Bytes are of the file, without headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SenderStats {
    /// Segments sent, those sent again too.
    pub segments_sent: u64,
    /// Segments that carried bytes sent before.
    pub segments_resent: u64,
    /// Bytes in all datagrams, headers too.
    pub bytes_on_wire: u64,
    /// How often the retransmission timer ran out.
    pub timeouts: u64,
    /// How often it went back.
    pub went_back: u64,
    /// How often the client's address changed.
    pub path_changes: u64,
}
