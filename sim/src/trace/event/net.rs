//! One direction of a path: where each datagram went.

macro_rules! net {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// A datagram was offered to a direction.
            Offered = "net:offered" {
                /// Its number in this direction, from 1.
                ordinal: u64,
                /// Bytes of UDP payload.
                length: u64,
                /// What it is: `data@12000#2` is the second transmission of the segment at that offset.
                what: Datagram,
                /// Of an acknowledgment: the next byte that the receiver waits for.
                ack: Added<u64>,
                /// Of an acknowledgment: the first byte that it does not allow yet.
                limit: Added<u64>,
                /// Of an acknowledgment: whether the user paused.
                paused: Added<bool>,
            }
            /// A datagram is to arrive more than once.
            Duplicated = "net:duplicated" {
                /// Its number.
                ordinal: u64,
                /// Copies beyond the first.
                extra: u64,
            }
            /// A copy was damaged.
            Damaged = "net:damaged" {
                /// The datagram's number.
                ordinal: u64,
                /// Which copy, from 0.
                copy: u64,
                /// How: `corrupt` or `truncate`.
                how: Name,
                /// Bytes that are left.
                length: u64,
            }
            /// A copy arrived at a socket.
            Delivered = "net:delivered" {
                /// The datagram's number.
                ordinal: u64,
                /// Which copy, from 0.
                copy: u64,
                /// Bytes of UDP payload.
                length: u64,
            }
            /// The copy that was just delivered carries the mark Congestion Experienced (RFC 3168 §5).
            CongestionExperienced = "net:congestion_experienced" {
                /// The datagram's number.
                ordinal: u64,
                /// Which copy, from 0.
                copy: u64,
            }
            /// A copy was dropped.
            NetDropped = "net:dropped" {
                /// The datagram's number.
                ordinal: u64,
                /// Which copy, from 0.
                copy: u64,
                /// Why.
                reason: Name,
            }
            /// A datagram that nobody sent. Its ordinal counts injected ones, from 1 above [`INJECTED`].
            Injected = "net:injected" {
                /// Its number.
                ordinal: u64,
                /// Bytes of UDP payload.
                length: u64,
                /// What it is.
                what: Datagram,
            }
            /// The run ended while datagrams were under way.
            InFlight = "net:in_flight" {
                /// How many copies.
                copies: u64,
            }
        }
    };
}
