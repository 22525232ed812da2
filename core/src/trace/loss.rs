//! What tells a sender that something was lost.

named! {
    /// What told the sender that something was lost.
    pub enum LossCause {
        /// The receiver threw away segments behind a gap (RFC 5681 §3.2, fast retransmit).
        DuplicateAcks = "duplicate_acks",
        /// The retransmission timer ran out (RFC 6298 §5.4).
        Timeout = "timeout",
        /// The path changed, and what was on the old one is taken as gone.
        PathChange = "path_change",
    }
}
