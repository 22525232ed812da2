//! What two records about the same thing say.
//!
//! What only names something (a transfer's number, a session's, a packet's, a datagram's) is what the record is about and not
//! what it says; hashes are held against each other by which of their trace's they are.

use core::time::Duration;

use backchat_core::time::Instant;
use backchat_core::wire::Hash;

use super::names::Names;
use crate::trace::field::Value;
use crate::trace::{Datagram, Event, Record};

/// How like each other two records about the same thing are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likeness {
    /// They say the same.
    Same,
    /// Only times differ: when it happened, what was measured, for when a timer was set; that one was set once more.
    Times,
    /// Something else came of it.
    Different,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name; `at` and `event` as well.
    pub name: &'static str,
    /// What each says; `None`: it has none.
    pub values: [Option<String>; 2],
}

/// How the field is called in which the events themselves differ.
pub(super) const EVENT: &str = "event";

/// A field's value, held for a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Number(u64),
    Text(String),
    Datagram(Datagram),
    Flag(bool),
    At(Instant),
    Span(Duration),
    /// The how-many-th of its trace.
    Hash(Option<u64>, Hash),
}

impl Said {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hash(first, _), Self::Hash(second, _)) => first == second,
            (first, second) => first == second,
        }
    }

    const fn is_time(&self) -> bool {
        matches!(self, Self::At(_) | Self::Span(_))
    }

    fn show(&self) -> Option<String> {
        Some(match self {
            Self::Nothing => return None,
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Datagram(datagram) => datagram.to_string(),
            Self::Flag(flag) => (if *flag { "yes" } else { "no" }).to_owned(),
            Self::At(at) => at.to_string(),
            Self::Span(span) => format!("{span:?}"),
            Self::Hash(_, hash) => hash.to_string(),
        })
    }
}

/// What a record says, by the names of its fields.
fn said(record: &Record, names: &Names) -> Vec<(&'static str, Said)> {
    let mut all = Vec::with_capacity(8);
    record.event.visit(&mut |name: &'static str, value: Value<'_>| {
        let said = match value {
            // What it is about.
            Value::Transfer(_) => return,
            Value::Number(_) if matches!(name, "session" | "stream" | "ordinal" | "transmission") => return,
            Value::None => Said::Nothing,
            Value::Number(number) => Said::Number(number),
            Value::Word(text, _) | Value::Text(text) => Said::Text(text.to_owned()),
            Value::Datagram(datagram) => Said::Datagram(datagram),
            Value::Flag(flag) => Said::Flag(flag),
            Value::At(at) => Said::At(at),
            Value::Span(span) => Said::Span(span),
            Value::Hash(hash) => Said::Hash(names.hash(hash), hash),
        };
        all.push((name, said));
    });
    all
}

/// How like each other two records about the same thing are, and their fields that differ.
pub(super) fn compare(records: [&Record; 2], names: [&Names; 2]) -> (Likeness, Vec<Field>) {
    let [first, second] = records;
    let mut fields = Vec::new();
    let mut likeness = Likeness::Same;
    if first.at != second.at {
        likeness = Likeness::Times;
        fields.push(Field { name: "at", values: records.map(|it| Some(it.at.to_string())) });
    }
    if first.event == second.event {
        return (likeness, fields);
    }
    if first.event.name() != second.event.name() {
        likeness = Likeness::Different;
        fields.push(Field { name: EVENT, values: records.map(|it| Some(it.event.name().to_owned())) });
    }
    let [ours, theirs] = [said(first, names[0]), said(second, names[1])];
    let find = |all: &[(&str, Said)], name: &str| {
        all.iter().find(|(other, _)| *other == name).map_or(Said::Nothing, |(_, said)| said.clone())
    };
    let missing = theirs.iter().filter(|(name, _)| !ours.iter().any(|(other, _)| other == name));
    let both = ours.iter().map(|(name, said)| (*name, said.clone(), find(&theirs, name)));
    let both = both.chain(missing.map(|(name, said)| (*name, Said::Nothing, said.clone())));
    // What the scenario says of times is no measurement.
    let is_measured = !matches!(first.event, Event::Run(_));
    for (name, first, second) in both.filter(|(_, first, second)| !first.is(second)) {
        let is_time = is_measured && first.is_time() && second.is_time();
        likeness = likeness.max(if is_time { Likeness::Times } else { Likeness::Different });
        fields.push(Field { name, values: [first.show(), second.show()] });
    }
    (likeness, fields)
}
