//! Expectations of the chat: messages that are shown, and requests that are refused.

use backchat_core::chat::{ErrorCode, Nickname};

use super::MAX_EXPECTED;
use crate::scenario::clients::Names;
use crate::scenario::reader::{Read, Table, Value};
use crate::scenario::steps::{Action, ActionKind, Step};
use crate::scenario::writer::{array, inline, quoted};

/// Messages that a client is expected to be shown, or not to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// To this client, or to clients of this group.
    pub client: Nickname,
    /// Said by this client, or by one of this group; `None`: by anybody.
    pub from: Option<Nickname>,
    /// With this text; `None`: with any.
    pub text: Option<String>,
    /// To one, or to all; `None`: either.
    pub private: Option<bool>,
    /// The number of times that it is expected.
    pub times: Times,
}

/// The number of times that something is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// At least once by each of those that the client's name means.
    Each,
    /// At least so often, all of them together.
    AtLeast(u32),
    /// By none of them.
    Never,
}

/// Requests that are expected to be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Of this client, or of clients of this group.
    pub client: Nickname,
    /// The kind of request.
    pub what: Request,
    /// For this reason; `None`: for any.
    pub code: Option<Reason>,
    /// The number of times that it is expected.
    pub times: Times,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// By the server, with this code.
    Server(ErrorCode),
    /// By the client itself, which knows the server's limits and did not send it.
    NotTaken,
}

/// The name of [`Reason::NotTaken`] in a file.
pub const NOT_TAKEN: &str = "not-taken";

impl Reason {
    /// Its word, the protocol's where that has one.
    pub fn name(&self) -> &str {
        match self {
            Self::Server(code) => code.raw(),
            Self::NotTaken => NOT_TAKEN,
        }
    }
}

/// A kind of request that the server may refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// To be let in.
    Join,
    /// A message to all.
    Say,
    /// A message to one.
    Tell,
    /// The list of who is here.
    Names,
    /// The list of files.
    Files,
}

impl Request {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::Join, Self::Say, Self::Tell, Self::Names, Self::Files];

    /// The word of its step.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Say => "say",
            Self::Tell => "tell",
            Self::Names => "names",
            Self::Files => "files",
        }
    }

    /// The one that a step of this kind is; `None`: the server may not refuse it.
    pub const fn of_step(kind: ActionKind) -> Option<Self> {
        match kind {
            ActionKind::Join => Some(Self::Join),
            ActionKind::Say => Some(Self::Say),
            ActionKind::Tell => Some(Self::Tell),
            ActionKind::Names => Some(Self::Names),
            ActionKind::Files => Some(Self::Files),
            ActionKind::Get
            | ActionKind::Pause
            | ActionKind::Resume
            | ActionKind::Stop
            | ActionKind::Leave => None,
        }
    }
}

pub(in crate::scenario) const MESSAGE_KEYS: &[&str] =
    &["client", "from", "text", "private", "count", "never"];
pub(in crate::scenario) const REFUSAL_KEYS: &[&str] = &["client", "do", "code", "count", "never"];

pub(super) fn messages(table: &Table<'_>, names: &Names, steps: &[Step]) -> Read<Vec<Message>> {
    let Some(value) = table.get("messages") else { return Ok(Vec::new()) };
    let all = value.array("an array: [{ client = \"bob\", from = \"alice\" }]", MAX_EXPECTED)?;
    all.iter().map(|value| message(value, names, steps)).collect()
}

fn message(value: &Value<'_>, names: &Names, steps: &[Step]) -> Read<Message> {
    let table = value.table("an expected message", "a table: { client = \"bob\", from = \"alice\" }")?;
    table.check_keys(MESSAGE_KEYS)?;
    let client = names.find(&table.need("client", "a client or a group")?, "a client or a group")?;
    let from = table.get("from").map(|value| names.find(&value, "a client or a group")).transpose()?;
    let text = match table.get("text") {
        None => None,
        Some(value) => {
            let text = value.text("a text that a step says or tells")?;
            let is_said = steps.iter().any(|step| match &step.action {
                Action::Say(said) | Action::Tell { text: said, .. } => said == text,
                _ => false,
            });
            if !is_said {
                return Err(value.bad_text(text, "a text that a step says or tells"));
            }
            Some(text.to_owned())
        }
    };
    let private = table.get("private").map(|value| value.boolean()).transpose()?;
    Ok(Message { client, from, text, private, times: times(&table)? })
}

pub(super) fn refusals(table: &Table<'_>, names: &Names, steps: &[Step]) -> Read<Vec<Refusal>> {
    let Some(value) = table.get("refusals") else { return Ok(Vec::new()) };
    let all = value.array("an array: [{ client = \"alice\", do = \"tell\" }]", MAX_EXPECTED)?;
    all.iter().map(|value| refusal(value, names, steps)).collect()
}

fn refusal(value: &Value<'_>, names: &Names, steps: &[Step]) -> Read<Refusal> {
    let table = value.table("an expected refusal", "a table: { client = \"alice\", do = \"tell\" }")?;
    table.check_keys(REFUSAL_KEYS)?;
    let client = names.find(&table.need("client", "a client or a group")?, "a client or a group")?;
    let words = Request::ALL.map(Request::name);
    let what_value = table.need("do", "what is refused: join, say, tell, names or files")?;
    let word = what_value.word(&words)?;
    let what = Request::ALL.into_iter().find(|what| what.name() == word).unwrap_or(Request::Join);
    let them = names.members(&client).unwrap_or_default();
    let does = |step: &Step| {
        let who = names.members(&step.who).unwrap_or_default();
        Request::of_step(step.action.kind()) == Some(what) && who.start < them.end && them.start < who.end
    };
    // Everybody joins without a step.
    if what != Request::Join && !steps.iter().any(does) {
        return Err(what_value.bad(format!("'{word}', which no step does for {client}"), "a step of theirs"));
    }
    let code = match table.get("code") {
        None => None,
        Some(value) => {
            let text = value.text("a code of the protocol, or not-taken, as a string")?;
            match ErrorCode::from(text) {
                _ if text == NOT_TAKEN => Some(Reason::NotTaken),
                ErrorCode::Other(_) => {
                    let known = ErrorCode::ALL.iter().map(|code| code.raw().to_owned());
                    return Err(value.unknown(text, known.chain([NOT_TAKEN.to_owned()]).collect()));
                }
                code => Some(Reason::Server(code)),
            }
        }
    };
    Ok(Refusal { client, what, code, times: times(&table)? })
}

fn times(table: &Table<'_>) -> Read<Times> {
    let count = table.get("count").map(|value| value.count(1, u32::MAX)).transpose()?;
    let never = table.get("never").map(|value| Ok((value.boolean()?, value))).transpose()?;
    match (count, never) {
        (Some(_), Some((true, value))) => Err(value.conflict("'never' and a count", "one of them")),
        (Some(count), _) => Ok(Times::AtLeast(count)),
        (None, Some((true, _))) => Ok(Times::Never),
        (None, _) => Ok(Times::Each),
    }
}

impl Times {
    const fn count(self) -> Option<u32> {
        match self {
            Self::AtLeast(count) => Some(count),
            Self::Each | Self::Never => None,
        }
    }

    fn never(self) -> Option<String> {
        (self == Self::Never).then(|| "true".to_owned())
    }
}

pub(super) fn print_messages(messages: &[Message]) -> String {
    array(messages.iter().map(|it| {
        inline(&[
            ("client", Some(quoted(it.client.as_str()))),
            ("from", it.from.as_ref().map(|from| quoted(from.as_str()))),
            ("text", it.text.as_ref().map(|text| quoted(text))),
            ("private", it.private.map(|private| private.to_string())),
            ("count", it.times.count().map(|count| count.to_string())),
            ("never", it.times.never()),
        ])
    }))
}

pub(super) fn print_refusals(refusals: &[Refusal]) -> String {
    array(refusals.iter().map(|it| {
        inline(&[
            ("client", Some(quoted(it.client.as_str()))),
            ("do", Some(quoted(it.what.name()))),
            ("code", it.code.as_ref().map(|code| quoted(code.name()))),
            ("count", it.times.count().map(|count| count.to_string())),
            ("never", it.times.never()),
        ])
    }))
}
