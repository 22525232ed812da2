//! The states of a transfer's machines, without what they carry.

named! {
    /// The state of a sender or a receiver. The machines' own states carry more; here one list has the words of both, for
    /// they share two.
    pub enum TransferState {
        /// Sender: a ticket was given; no `SYN` yet.
        Offered = "offered",
        /// Sender: `SYN-ACK` was said; the client's address is not proven yet.
        Handshake = "handshake",
        /// Sender: data flows.
        Sending = "sending",
        /// Sender: all is acknowledged; `END` was said.
        Ending = "ending",
        /// Receiver: `SYN` was said.
        SynSent = "syn-sent",
        /// Receiver: `CONFIRM` was said; no data yet.
        Confirming = "confirming",
        /// Receiver: data comes.
        Receiving = "receiving",
        /// Receiver: `END` came; the file is being written, checked and named.
        Finishing = "finishing",
        /// Receiver: it is done; a repeated `END` is still answered.
        Done = "done",
        /// Either: it was ended before its end; late packets are answered with the reason.
        Aborted = "aborted",
        /// Either: it is over.
        Closed = "closed",
    }
}
