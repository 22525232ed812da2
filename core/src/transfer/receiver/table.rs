//! What a packet means to the receiver, by state: one table, which the code runs on, the tests read row by row, and
//! docs/PROTOCOL.md prints.

use super::State;
use crate::wire::Kind;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Take the information, say `CONFIRM`.
    Confirm,
    /// The same information again: say `CONFIRM` again.
    Repeat,
    /// Take the segment.
    Take,
    /// Acknowledge.
    Acknowledge,
    /// Take the hash, say `END-ACK`, finish the file.
    End,
    /// Say `END-ACK` again.
    EndAck,
    /// The server ended it: fail.
    Fail,
    /// The server knows: nothing more to answer.
    Close,
    /// Say where we are.
    Respond,
    /// Say again that it is over.
    TellReset,
    /// A late repeat; nothing to do.
    Ignore,
    /// Makes no sense: drop and count.
    Drop,
}

use Action::{
    Acknowledge, Close, Confirm, Drop, End, EndAck, Fail, Ignore, Repeat, Respond, Take, TellReset,
};

/// A row for each kind of packet; columns: syn-sent, confirming, receiving, finishing, done, aborted.
pub(crate) const ACTIONS: [(Kind, [Action; 6]); 11] = [
    (Kind::Syn, [Drop, Drop, Drop, Drop, Drop, Drop]),
    (Kind::SynAck, [Confirm, Repeat, Ignore, Ignore, Ignore, TellReset]),
    (Kind::Confirm, [Drop, Drop, Drop, Drop, Drop, Drop]),
    (Kind::Data, [Drop, Take, Take, Ignore, Ignore, TellReset]),
    (Kind::Ack, [Drop, Drop, Drop, Drop, Drop, Drop]),
    (Kind::Probe, [Drop, Acknowledge, Acknowledge, Ignore, Ignore, TellReset]),
    (Kind::End, [Drop, End, End, EndAck, EndAck, TellReset]),
    (Kind::EndAck, [Drop, Drop, Drop, Drop, Drop, Drop]),
    (Kind::Reset, [Fail, Fail, Fail, Ignore, Ignore, Close]),
    (Kind::PathChallenge, [Drop, Respond, Respond, Respond, Ignore, Ignore]),
    (Kind::PathResponse, [Drop, Drop, Drop, Drop, Drop, Drop]),
];

/// Looks it up.
pub(super) fn action(state: State, kind: Kind) -> Action {
    let column = match state {
        State::SynSent => 0,
        State::Confirming => 1,
        State::Receiving => 2,
        State::Finishing => 3,
        State::Done => 4,
        State::Aborted(_) => 5,
        State::Closed => return Ignore,
    };
    ACTIONS.iter().find(|(row, _)| *row == kind).and_then(|(_, row)| row.get(column)).copied().unwrap_or(Drop)
}
