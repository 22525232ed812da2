//! The timers of a transfer's machines.

named! {
    /// A timer of a sender or a receiver. Which side has which, in what order they run out and what each does stands with
    /// the machines; here one list has the words of both, for they share three.
    pub enum TransferTimer {
        /// Sender: the ticket was not used.
        Ticket = "ticket",
        /// Either: nothing was heard for too long.
        Silence = "silence",
        /// Either: a packet of the handshake was not answered.
        Handshake = "handshake",
        /// Sender: data is outstanding, and nothing new was acknowledged.
        Retransmit = "retransmit",
        /// Sender: a closed window, or a pause, withholds data.
        Persist = "persist",
        /// Sender: `END` was not answered.
        End = "end",
        /// Sender: no proof came from a new address.
        Path = "path",
        /// Receiver: an acknowledgment is held back.
        AckDelay = "ack_delay",
        /// Receiver: nothing was heard for an RTO.
        Repeat = "repeat",
        /// Receiver: the user's limit on the rate holds the window.
        Pace = "pace",
        /// Either: late packets are still answered.
        Quiet = "quiet",
    }
}
