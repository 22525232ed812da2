//! `[[steps]]`: what clients do.

use core::time::Duration;

use backchat_core::chat::{FileName, Nickname};
use backchat_core::named;

use super::clients::Names;
use super::reader::{Read, Table, Value};
use super::server::file_name;
use super::values::print_span;
use super::writer::Writer;

/// The most steps in a file, and how often one is done.
pub const MAX_STEPS: usize = 100_000;

/// The most steps of all clients together, repeated ones counted as often as they are done.
pub const MAX_STEPS_DONE: u64 = 1_000_000;

/// The most messages that are shown, each counted at everybody who may see it. So many take a minute or two and are the
/// memory of a small machine; one client more for each of ten thousand is a hundred million.
pub const MAX_SHOWN: u64 = 100_000_000;

/// The longest text of a message, in bytes: what a line of the chat holds. Longer than the server takes, so that its
/// refusal can be seen.
pub const MAX_TEXT_BYTES: usize = 32 * 1024;

/// A step of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, from the start of the run; a client that has not started by then does it at its start.
    pub at: Duration,
    /// A client, or each of a group.
    pub who: Nickname,
    /// What.
    pub action: Action,
    /// How often.
    pub repeat: Repeat,
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Downloads a file, to a path of its own each time.
    Get(FileName),
    /// Says something to all.
    Say(String),
    /// Tells one.
    Tell {
        /// Whom.
        to: Nickname,
        /// What.
        text: String,
    },
    /// Asks who is here.
    Names,
    /// Asks what can be downloaded.
    Files,
    /// Pauses its downloads: those of a file, or all.
    Pause(Option<FileName>),
    /// Lets them go on.
    Resume(Option<FileName>),
    /// Ends them.
    Stop(Option<FileName>),
    /// Leaves the chat.
    Leave,
    /// Joins it again.
    Join,
}

impl Action {
    /// Whether those who do not join can do it.
    fn is_for_visitors(&self) -> bool {
        FOR_VISITORS.contains(&self.kind().name())
    }

    /// What is done, without to what.
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::Get(_) => ActionKind::Get,
            Self::Say(_) => ActionKind::Say,
            Self::Tell { .. } => ActionKind::Tell,
            Self::Names => ActionKind::Names,
            Self::Files => ActionKind::Files,
            Self::Pause(_) => ActionKind::Pause,
            Self::Resume(_) => ActionKind::Resume,
            Self::Stop(_) => ActionKind::Stop,
            Self::Leave => ActionKind::Leave,
            Self::Join => ActionKind::Join,
        }
    }
}

named! {
    /// What a step does, as its `do` says it.
    pub enum ActionKind {
        /// Downloads a file.
        Get = "get",
        /// Says something to all.
        Say = "say",
        /// Says something to one.
        Tell = "tell",
        /// Asks who is here.
        Names = "names",
        /// Asks what can be downloaded.
        Files = "files",
        /// Pauses downloads.
        Pause = "pause",
        /// Lets them go on.
        Resume = "resume",
        /// Ends them.
        Stop = "stop",
        /// Leaves the chat.
        Leave = "leave",
        /// Joins it again.
        Join = "join",
    }
}

/// How often a step is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Once.
    Once,
    /// So many times, one every so often.
    Every(u32, Duration),
    /// So many times, each when the one before has ended.
    AfterDone(u32),
}

impl Repeat {
    /// How often.
    pub const fn times(&self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Every(times, _) | Self::AfterDone(times) => *times,
        }
    }
}

/// The actions of those who do not join.
const FOR_VISITORS: &[&str] = &["get", "names", "files", "pause", "resume", "stop"];

pub(super) const KEYS: &[&str] = &["at", "who", "do", "file", "to", "text", "times", "every", "after"];
pub(super) const ACTIONS: &[&str] =
    &["get", "say", "tell", "names", "files", "pause", "resume", "stop", "leave", "join"];

/// What is known when steps are read.
pub(super) struct Known<'a> {
    pub(super) names: &'a Names,
    pub(super) duration: Duration,
}

pub(super) fn read(root: &Table<'_>, known: &Known<'_>) -> Read<Vec<Step>> {
    let Some(value) = root.get("steps") else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    let mut done: u64 = 0;
    let mut shown = 0_u64;
    for value in value.array("an array of steps: [[steps]]", MAX_STEPS)? {
        let step = read_step(&value, known)?;
        let clients = known.names.members(&step.who).map_or(0, |range| range.len() as u64);
        done = done.saturating_add(clients * u64::from(step.repeat.times()));
        if done > MAX_STEPS_DONE {
            return Err(
                value.bad("one too many", format!("at most {MAX_STEPS_DONE} steps of all clients together"))
            );
        }
        if matches!(step.action, Action::Say(_) | Action::Tell { .. }) {
            let readers = match step.action {
                Action::Say(_) => known.names.clients.len() as u64,
                _ => 2,
            };
            let said = clients * u64::from(step.repeat.times());
            shown = shown.saturating_add(said.saturating_mul(readers));
            if shown > MAX_SHOWN {
                let found = format!("{said} messages more, shown to {readers} each");
                return Err(value.bad(found, format!("at most {MAX_SHOWN} that are shown in all")));
            }
        }
        steps.push(step);
    }
    Ok(steps)
}

fn read_step(value: &Value<'_>, known: &Known<'_>) -> Read<Step> {
    let table = value.table("[[steps]]", "a table: [[steps]]")?;
    table.check_keys(KEYS)?;
    let who = known.names.find(&table.need("who", "a client or a group")?, "a client or a group")?;
    let action = read_action(&table, known.names)?;
    if known.names.is_visitor(&who) && !action.is_for_visitors() {
        let found = format!("{who} is a visitor and does not {}", action.kind().name());
        return Err(table
            .need("do", "an action")?
            .conflict(found, format!("one of {}", FOR_VISITORS.join(", "))));
    }
    let at = match table.get("at") {
        None => Duration::ZERO,
        Some(value) => within(&value, known.duration)?,
    };
    let repeat = read_repeat(&table, at, known.duration)?;
    Ok(Step { at, who, action, repeat })
}

/// A time that is not after the end.
pub(super) fn within(value: &Value<'_>, duration: Duration) -> Read<Duration> {
    let at = value.span()?;
    if at > duration {
        let found = format!("{}, after the end", print_span(at));
        return Err(value.bad(found, format!("at most {}, the scenario's duration", print_span(duration))));
    }
    Ok(at)
}

fn read_action(table: &Table<'_>, names: &Names) -> Read<Action> {
    let word = table.need("do", &format!("one of {}", ACTIONS.join(", ")))?.word(ACTIONS)?;
    let allowed: &[&str] = match word {
        "get" | "pause" | "resume" | "stop" => &["file"],
        "say" => &["text"],
        "tell" => &["to", "text"],
        _ => &[],
    };
    let foreign: Vec<&str> =
        ["file", "to", "text"].into_iter().filter(|key| !allowed.contains(key)).collect();
    let expected = if allowed.is_empty() { "no other key".into() } else { allowed.join(" and ") };
    table.refuse(&foreign, &format!("does not go with do = \"{word}\""), &expected)?;
    let file = || table.get("file").map(|file| file_name(&file)).transpose();
    Ok(match word {
        "get" => Action::Get(file_name(&table.need("file", "the file to download")?)?),
        "say" => Action::Say(read_text(table)?),
        "tell" => Action::Tell { to: read_to(table, names)?, text: read_text(table)? },
        "names" => Action::Names,
        "files" => Action::Files,
        "pause" => Action::Pause(file()?),
        "resume" => Action::Resume(file()?),
        "stop" => Action::Stop(file()?),
        "leave" => Action::Leave,
        _ => Action::Join,
    })
}

fn read_text(table: &Table<'_>) -> Read<String> {
    let value = table.need("text", "what is said")?;
    let text = value.text("what is said, as a string")?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(value.bad(format!("{} bytes", text.len()), format!("at most {MAX_TEXT_BYTES}")));
    }
    Ok(text.to_owned())
}

/// Any nickname: that nobody has it can be what is tried. A group's name is nobody's, and hardly meant.
fn read_to(table: &Table<'_>, names: &Names) -> Read<Nickname> {
    let value = table.need("to", "a nickname")?;
    let to = value.parsed("a nickname", Nickname::parse)?;
    if names.members(&to).is_some() && !names.is_one(&to) {
        return Err(value.bad(format!("the group '{to}'"), format!("one of it, such as {to}-1")));
    }
    Ok(to)
}

fn read_repeat(table: &Table<'_>, at: Duration, duration: Duration) -> Read<Repeat> {
    let Some(times) = table.get("times") else {
        table.refuse(&["every", "after"], "says nothing without 'times'", "'times' too")?;
        return Ok(Repeat::Once);
    };
    let number = times.count(1, u32::try_from(MAX_STEPS_DONE).unwrap_or(u32::MAX))?;
    match (table.get("every"), table.get("after")) {
        (None, None) => Err(times.conflict("'times' alone does not say when", "'every' or after = \"done\"")),
        (Some(_), Some(after)) => Err(after.conflict("'every' and 'after' together", "one of them")),
        (None, Some(after)) => after.word(&["done"]).map(|_| Repeat::AfterDone(number)),
        (Some(value), None) => {
            let every = value.positive_span()?;
            let last = every.saturating_mul(number - 1).saturating_add(at);
            if last > duration {
                let found = format!("{}, so that the last begins at {}", print_span(every), print_span(last));
                let expected = format!("all of them by {}, the scenario's duration", print_span(duration));
                return Err(value.bad(found, expected));
            }
            Ok(Repeat::Every(number, every))
        }
    }
}

pub(super) fn write(steps: &[Step], to: &mut Writer) {
    for step in steps {
        to.table("[[steps]]");
        to.span_above_zero("at", step.at);
        to.text("who", step.who.as_str());
        to.text("do", step.action.kind().name());
        match &step.action {
            Action::Get(file)
            | Action::Pause(Some(file))
            | Action::Resume(Some(file))
            | Action::Stop(Some(file)) => {
                // As it is: what is shown of a name is for terminals.
                to.text("file", file.as_str());
            }
            Action::Say(text) => to.text("text", text),
            Action::Tell { to: whom, text } => {
                to.text("to", whom.as_str());
                to.text("text", text);
            }
            Action::Names
            | Action::Files
            | Action::Pause(None)
            | Action::Resume(None)
            | Action::Stop(None)
            | Action::Leave
            | Action::Join => {}
        }
        match step.repeat {
            Repeat::Once => {}
            Repeat::Every(times, every) => {
                to.raw("times", times);
                to.span("every", every);
            }
            Repeat::AfterDone(times) => {
                to.raw("times", times);
                to.text("after", "done");
            }
        }
    }
}
