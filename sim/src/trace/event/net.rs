//! One direction of a path: where each datagram went. The node of a record is the direction.

use backchat_core::named;

use super::table;
use crate::link::DropReason;
use crate::trace::Datagram;

/// What became of a datagram. One that is offered has a number in its direction, from 1; its copies count from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetEvent {
    /// A datagram was offered to a direction.
    Offered {
        /// Its number.
        ordinal: u64,
        /// Bytes of UDP payload.
        length: u64,
        /// Its name: `data@12000#2` is the second transmission of the segment at that offset.
        what: Datagram,
        /// What it says of its receiver, if it is an acknowledgment.
        acknowledges: Option<Acknowledges>,
    },
    /// A datagram is to arrive more than once.
    Duplicated {
        /// Its number.
        ordinal: u64,
        /// Copies beyond the first.
        extra: u64,
    },
    /// A copy was damaged.
    Damaged {
        /// The datagram's number.
        ordinal: u64,
        /// The copy's.
        copy: u64,
        /// What was done to it.
        how: Harm,
        /// Bytes that are left.
        length: u64,
    },
    /// A copy arrived at a socket.
    Delivered {
        /// The datagram's number.
        ordinal: u64,
        /// The copy's.
        copy: u64,
        /// Bytes of UDP payload.
        length: u64,
    },
    /// The copy that was just delivered carries the mark Congestion Experienced (RFC 3168 §5).
    CongestionExperienced {
        /// The datagram's number.
        ordinal: u64,
        /// The copy's.
        copy: u64,
    },
    /// A copy was dropped.
    Dropped {
        /// The datagram's number.
        ordinal: u64,
        /// The copy's.
        copy: u64,
        /// The reason.
        reason: DropReason,
    },
    /// A datagram that nobody sent.
    Injected {
        /// Its number among those, from 1 above [`INJECTED`].
        ordinal: u64,
        /// Bytes of UDP payload.
        length: u64,
        /// Its name.
        what: Datagram,
    },
    /// The run ended while datagrams were under way.
    InFlight {
        /// The number of copies.
        copies: u64,
    },
}

/// What an acknowledgment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledges {
    /// The next byte that the receiver waits for.
    pub ack: u64,
    /// The first byte that it does not allow yet.
    pub limit: u64,
    /// The user paused.
    pub paused: bool,
}

named! {
    /// What is done to the bytes of a copy.
    pub enum Harm {
        /// Bits were flipped.
        Corrupt = "corrupt",
        /// The end is missing.
        Truncate = "truncate",
    }
}

/// Numbers of injected datagrams are above this, so that none is taken for one that was offered.
pub const INJECTED: u64 = 1 << 48;

table! {
    NetEvent {
        Offered "net:offered" { ordinal, length, what, acknowledges }
        Duplicated "net:duplicated" { ordinal, extra }
        Damaged "net:damaged" { ordinal, copy, how, length }
        Delivered "net:delivered" { ordinal, copy, length }
        CongestionExperienced "net:congestion_experienced" { ordinal, copy }
        Dropped "net:dropped" { ordinal, copy, reason }
        Injected "net:injected" { ordinal, length, what }
        InFlight "net:in_flight" { copies }
    }
}

impl NetEvent {
    /// A datagram that was offered and acknowledges nothing.
    pub const fn offered(ordinal: u64, length: u64, what: Datagram) -> Self {
        Self::Offered { ordinal, length, what, acknowledges: None }
    }
}
