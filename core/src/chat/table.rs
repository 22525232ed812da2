//! The states of a session, and what each input does in each: as data.
//!
//! The server looks up every input here, so the table is what runs, and PROTOCOL.md prints it.

use super::frame::{ErrorCode, Request};
use core::fmt;

/// What is going on in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Connected, without a nickname: it may join, or ask for lists and downloads.
    Visiting,
    /// Connected, with a nickname: it hears what is said.
    Joined,
    /// Without a connection; its nickname is held until it comes back or its time is up.
    Parked,
}

/// Where a session may go from an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To a state, which may be the one it is in.
    To(State),
    /// It ends.
    Gone,
}

/// What can happen to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Input {
    /// A join, without a token that is good.
    Join,
    /// A join on another connection with this session's token.
    Resume,
    /// A message to all.
    Say,
    /// A message to one.
    Tell,
    /// Another nickname is asked for.
    Nick,
    /// Messages from before are asked for.
    History,
    /// Who is here?
    Names,
    /// What can be downloaded?
    Files,
    /// A download is asked for.
    Download,
    /// A download is to end.
    Stop,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// The client leaves.
    Leave,
    /// A line that is no frame, or of an unknown type.
    Malformed,
    /// Its time is up: to join, to send anything, or to come back.
    Timeout,
    /// More waits for the reader than may.
    TooSlow,
    /// The peer will send nothing more, and still reads.
    Finished,
    /// The connection is gone.
    Lost,
    /// The operator ends it, or the server stops.
    Dismissed,
}

/// What the server does about an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Give the nickname, welcome, tell all; or say why not. With a token that is good the visiting session ends
    /// instead, and its connection goes over to the session of the token, as [`Step::GoOn`] says.
    Enter,
    /// Close the connection that lingers, go on with the new one, show what was missed.
    GoOn,
    /// Number the message and give it to all; or say why not.
    Say,
    /// Number the message and give it to the two; or say why not.
    Tell,
    /// Change the nickname and tell all; or say why not.
    Rename,
    /// Show messages from before.
    ShowHistory,
    /// List the nicknames.
    ListNames,
    /// List the files.
    ListFiles,
    /// Hand the request to whoever serves downloads.
    OpenDownload,
    /// Hand it on likewise.
    StopDownload,
    /// Answer with a pong.
    AnswerPing,
    /// Nothing but that something was heard.
    Ignore,
    /// Answer with an error and count; close when there are too many.
    CountMalformed,
    /// End the session and close after what waits was read.
    Leave,
    /// Close with a reason and end the session.
    Close,
    /// Send a ping; if that was done, close with a reason and park or end.
    PingOrClose,
    /// Close with a reason; park the session if it asked for that, else end it.
    CloseAndPark,
    /// Park the session if it asked for that, else end it.
    Park,
    /// End the session.
    End,
    /// Answer with an error.
    Refuse(Refusal),
    /// It cannot happen: there is no connection that it could come from.
    Impossible,
}

/// Why a step is refused in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `not-joined`.
    NotJoined,
    /// `already-joined`.
    AlreadyJoined,
}

impl Refusal {
    /// The code of the error.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::NotJoined => ErrorCode::NotJoined,
            Self::AlreadyJoined => ErrorCode::AlreadyJoined,
        }
    }
}

/// A cell: what is done, and where the session may be afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What is done.
    pub step: Step,
    /// Where the session may be afterwards.
    pub next: &'static [Next],
}

/// A row: an input, and its rule in each state, in the order of [`State`].
pub type Row = (Input, [Rule; 3]);

const VISITING: Next = Next::To(State::Visiting);
const JOINED: Next = Next::To(State::Joined);
const PARKED: Next = Next::To(State::Parked);

const fn rule(step: Step, next: &'static [Next]) -> Rule {
    Rule { step, next }
}
/// Stays, having visited.
const fn visiting(step: Step) -> Rule {
    rule(step, &[VISITING])
}
/// Stays, having joined.
const fn joined(step: Step) -> Rule {
    rule(step, &[JOINED])
}
const NOT_JOINED: Rule = visiting(Step::Refuse(Refusal::NotJoined));
const NO_CONNECTION: Rule = rule(Step::Impossible, &[PARKED]);
const NO_TOKEN: Rule = rule(Step::Impossible, &[VISITING]);

/// The table, a row for each input.
#[rustfmt::skip]
pub const TABLE: [Row; 19] = [
    (Input::Join, [rule(Step::Enter, &[VISITING, JOINED, Next::Gone]), joined(Step::Refuse(Refusal::AlreadyJoined)), NO_CONNECTION]),
    (Input::Resume, [NO_TOKEN, joined(Step::GoOn), rule(Step::GoOn, &[JOINED])]),
    (Input::Say, [NOT_JOINED, joined(Step::Say), NO_CONNECTION]),
    (Input::Tell, [NOT_JOINED, joined(Step::Tell), NO_CONNECTION]),
    (Input::Nick, [NOT_JOINED, joined(Step::Rename), NO_CONNECTION]),
    (Input::History, [NOT_JOINED, joined(Step::ShowHistory), NO_CONNECTION]),
    (Input::Names, [visiting(Step::ListNames), joined(Step::ListNames), NO_CONNECTION]),
    (Input::Files, [visiting(Step::ListFiles), joined(Step::ListFiles), NO_CONNECTION]),
    (Input::Download, [visiting(Step::OpenDownload), joined(Step::OpenDownload), NO_CONNECTION]),
    (Input::Stop, [visiting(Step::StopDownload), joined(Step::StopDownload), NO_CONNECTION]),
    (Input::Ping, [visiting(Step::AnswerPing), joined(Step::AnswerPing), NO_CONNECTION]),
    (Input::Pong, [visiting(Step::Ignore), joined(Step::Ignore), NO_CONNECTION]),
    (Input::Leave, [rule(Step::Leave, &[Next::Gone]), rule(Step::Leave, &[Next::Gone]), NO_CONNECTION]),
    (Input::Malformed, [rule(Step::CountMalformed, &[VISITING, Next::Gone]), rule(Step::CountMalformed, &[JOINED, Next::Gone]), NO_CONNECTION]),
    (Input::Timeout, [rule(Step::Close, &[Next::Gone]), rule(Step::PingOrClose, &[JOINED, PARKED, Next::Gone]), rule(Step::End, &[Next::Gone])]),
    (Input::TooSlow, [rule(Step::Close, &[Next::Gone]), rule(Step::CloseAndPark, &[PARKED, Next::Gone]), NO_CONNECTION]),
    (Input::Finished, [rule(Step::Leave, &[Next::Gone]), rule(Step::CloseAndPark, &[PARKED, Next::Gone]), NO_CONNECTION]),
    (Input::Lost, [rule(Step::End, &[Next::Gone]), rule(Step::Park, &[PARKED, Next::Gone]), NO_CONNECTION]),
    (Input::Dismissed, [rule(Step::Close, &[Next::Gone]), rule(Step::Close, &[Next::Gone]), rule(Step::End, &[Next::Gone])]),
];

/// What `input` does in `state`.
pub fn rule_for(state: State, input: Input) -> Rule {
    let rules = TABLE.iter().find(|(of, _)| *of == input).map(|(_, rules)| rules);
    rules.and_then(|rules| rules.get(state as usize)).copied().unwrap_or(NO_CONNECTION)
}

/// Whether `input` may lead from `state` to `next`.
pub fn allows(state: State, input: Input, next: Next) -> bool {
    rule_for(state, input).next.contains(&next)
}

impl Input {
    /// The input that a request is.
    pub fn of(request: &Request) -> Self {
        match request {
            Request::Join(_) => Self::Join,
            Request::Say { .. } => Self::Say,
            Request::Tell { .. } => Self::Tell,
            Request::Names => Self::Names,
            Request::Files => Self::Files,
            Request::Nick { .. } => Self::Nick,
            Request::History { .. } => Self::History,
            Request::Download { .. } => Self::Download,
            Request::Stop { .. } => Self::Stop,
            Request::Ping => Self::Ping,
            Request::Pong => Self::Pong,
            Request::Leave => Self::Leave,
        }
    }
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(state) => write!(f, "{state:?}"),
            Self::Gone => f.write_str("Gone"),
        }
    }
}

/// The table as PROTOCOL.md prints it.
pub fn print() -> String {
    let mut lines = vec!["| input | visiting | joined | parked |".to_owned(), "|---|---|---|---|".to_owned()];
    for (input, rules) in TABLE {
        let cells = rules.map(|rule| match rule.step {
            Step::Impossible => "—".to_owned(),
            Step::Refuse(refusal) => format!("refuse: `{}`", refusal.code()),
            step => {
                let next: Vec<String> = rule.next.iter().map(ToString::to_string).collect();
                format!("{step:?} → {}", next.join(" or "))
            }
        });
        lines.push(format!("| {input:?} | {} |", cells.join(" | ")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [State; 3] = [State::Visiting, State::Joined, State::Parked];

    #[test]
    fn each_input_has_one_row_in_the_order_of_inputs() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(TABLE.len(), Input::Dismissed as usize + 1);
    }

    #[test]
    fn every_state_can_be_left_and_reached() {
        for state in STATES {
            assert!(TABLE.iter().any(|&(input, _)| allows(state, input, Next::Gone)), "{state:?} can end");
        }
        assert!(STATES.iter().any(|&s| allows(s, Input::Lost, PARKED)));
        assert!(allows(State::Parked, Input::Resume, JOINED));
    }

    #[test]
    fn nothing_comes_back_to_visiting_and_a_refusal_stays() {
        for (input, rules) in TABLE {
            for (state, rule) in STATES.into_iter().zip(rules) {
                assert!(!rule.next.is_empty(), "{input:?} in {state:?} leads somewhere");
                if state != State::Visiting {
                    assert!(!rule.next.contains(&VISITING), "{input:?} in {state:?}");
                }
                if matches!(rule.step, Step::Refuse(_) | Step::Impossible) {
                    assert_eq!(rule.next, [Next::To(state)], "{input:?} in {state:?}");
                }
            }
        }
    }

    #[test]
    fn a_parked_session_hears_nothing_from_a_connection() {
        let possible = TABLE.iter().filter(|(_, rules)| rules[2].step != Step::Impossible);
        let inputs: Vec<Input> = possible.map(|&(input, _)| input).collect();
        assert_eq!(inputs, [Input::Resume, Input::Timeout, Input::Dismissed]);
    }
}
