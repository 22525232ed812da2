//! What a packet means to the sender, by state: one table, which the code runs on, the tests read row by row, and
//! docs/PROTOCOL.md prints.

use super::State;
use crate::wire::Kind;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Check the ticket, bind it, say `SYN-ACK`.
    Bind,
    /// Check the ticket, say the same `SYN-ACK` again.
    Repeat,
    /// Check the ticket; if the client is elsewhere, let it prove that.
    Locate,
    /// Check the nonce; the address is proven, send.
    Confirm,
    /// Take the acknowledgment.
    Acknowledge,
    /// Everything is there: close.
    Finish,
    /// The client ended it: close.
    Close,
    /// Check the nonce; use the new path.
    Validate,
    /// Say again that it is over.
    TellReset,
    /// A late repeat; nothing to do.
    Ignore,
    /// Makes no sense: drop and count.
    Drop,
}

use Action::{Acknowledge, Bind, Close, Confirm, Drop, Finish, Ignore, Locate, Repeat, TellReset, Validate};

/// A row for each kind of packet; columns: offered, handshake, sending, ending, aborted.
pub(crate) const ACTIONS: [(Kind, [Action; 5]); 11] = [
    (Kind::Syn, [Bind, Repeat, Locate, Locate, TellReset]),
    (Kind::SynAck, [Drop, Drop, Drop, Drop, Drop]),
    (Kind::Confirm, [Drop, Confirm, Acknowledge, Acknowledge, TellReset]),
    (Kind::Data, [Drop, Drop, Drop, Drop, Drop]),
    (Kind::Ack, [Drop, Drop, Acknowledge, Acknowledge, TellReset]),
    (Kind::Probe, [Drop, Drop, Drop, Drop, Drop]),
    (Kind::End, [Drop, Drop, Drop, Drop, Drop]),
    (Kind::EndAck, [Drop, Drop, Drop, Finish, Ignore]),
    (Kind::Reset, [Drop, Close, Close, Close, Close]),
    (Kind::PathChallenge, [Drop, Drop, Drop, Drop, Drop]),
    (Kind::PathResponse, [Drop, Drop, Validate, Validate, Drop]),
];

/// Looks it up.
pub(super) fn action(state: State, kind: Kind) -> Action {
    let column = match state {
        State::Offered => 0,
        State::Handshake => 1,
        State::Sending => 2,
        State::Ending => 3,
        State::Aborted(_) => 4,
        State::Closed => return Ignore,
    };
    ACTIONS.iter().find(|(row, _)| *row == kind).and_then(|(_, row)| row.get(column)).copied().unwrap_or(Drop)
}
