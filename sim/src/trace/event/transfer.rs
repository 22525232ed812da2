//! A download in the core: its states, its packets, and the server's account of it.

macro_rules! transfer {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// A machine went from one state to another.
            StateChanged = "transfer:state_changed" {
                /// The download.
                transfer: TransferId,
                /// From this one.
                from: Name,
                /// To that one.
                to: Name,
            }
            /// A packet without data was sent.
            PacketSent = "transfer:packet_sent" {
                /// The download.
                transfer: TransferId,
                /// What it is for.
                kind: Name,
                /// Its number.
                transmission: u64,
            }
            /// A packet was received and belongs to a download. A segment that the receiver takes in is told of by what
            /// became of it instead.
            PacketReceived = "transfer:packet_received" {
                /// The download.
                transfer: TransferId,
                /// What it is for.
                kind: Name,
                /// Its number.
                transmission: u64,
            }
            /// Segments were sent.
            SegmentsSent = "transfer:segments_sent" {
                /// The download.
                transfer: TransferId,
                /// The file's first byte in them.
                start: u64,
                /// The first one behind them.
                end: u64,
                /// The first one's number.
                transmission: u64,
                /// How many segments.
                count: u64,
                /// Bytes of them that had been sent before.
                resent: u64,
                /// Outstanding with them, in bytes.
                in_flight: u64,
                /// The congestion window, in bytes.
                cwnd: u64,
                /// The first byte that the receiver does not allow.
                limit: u64,
            }
            /// A segment came in order and was kept.
            SegmentReceived = "transfer:segment_received" {
                /// The download.
                transfer: TransferId,
                /// The first byte that was new.
                start: u64,
                /// The first one behind it.
                end: u64,
            }
            /// A segment came out of order, or was here already, and was thrown away.
            SegmentDiscarded = "transfer:segment_discarded" {
                /// The download.
                transfer: TransferId,
                /// Its first byte.
                start: u64,
                /// The first one behind it.
                end: u64,
                /// What was waited for.
                rcv_nxt: u64,
            }
            /// The user paused, or the pause ended.
            Paused = "transfer:paused" {
                /// The download.
                transfer: TransferId,
                /// Whether it is paused now.
                paused: bool,
            }
            /// A host dropped a datagram.
            PacketDropped = "transfer:packet_dropped" {
                /// The download, if it belongs to one.
                transfer: Option<TransferId>,
                /// Why.
                reason: Name,
            }
            /// A machine is done.
            TransferEnded = "transfer:ended" {
                /// The download.
                transfer: TransferId,
                /// How.
                outcome: Name,
            }
            /// The core was in a situation that tests should have been in.
            Marked = "core:marked" {
                /// The download, if it concerns one.
                transfer: Option<TransferId>,
                /// Which.
                mark: Name,
            }
            /// The server gave a ticket.
            TransferOffered = "transfer:offered" {
                /// The download.
                transfer: TransferId,
                /// The session that asked.
                session: u64,
                /// The file.
                file: Name,
                /// Its bytes.
                size: u64,
                /// The first one that will be sent.
                start: u64,
            }
            /// The server refused a download.
            TransferRefused = "transfer:refused" {
                /// The session that asked.
                session: u64,
                /// The file.
                file: Name,
                /// Why.
                code: Name,
            }
            /// The server's account of a download that is over.
            TransferServed = "transfer:served" {
                /// The download.
                transfer: TransferId,
                /// The session that asked.
                session: u64,
                /// The file.
                file: Name,
                /// How it ended.
                outcome: Name,
                /// Acknowledged bytes.
                bytes: u64,
                /// Segments sent, those sent again too.
                segments_sent: u64,
                /// Segments that carried bytes sent before.
                segments_resent: u64,
                /// Bytes in all datagrams, headers too.
                bytes_on_wire: u64,
                /// How often the retransmission timer ran out.
                timeouts: u64,
            }
        }
    };
}
