//! `[bottlenecks.NAME]`: a rate and a queue that several directions go through.

use core::fmt;
use std::collections::BTreeMap;

use super::rates;
use crate::link::{BottleneckPlan, QueueLimit};
use crate::scenario::reader::{Read, Table, Value};
use crate::scenario::writer::{Writer, quoted};

/// What a shared bottleneck is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BottleneckName(String);

/// The longest name.
const MAX_NAME: usize = 32;

impl BottleneckName {
    /// The name that a text is: 1 to 32 letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_name = (1..=MAX_NAME).contains(&text.len()) && text.bytes().all(is_plain);
        is_name.then(|| Self(text.to_owned()))
    }

    /// The name that a link's `through` has; it is one of those there are.
    pub(super) fn read(value: &Value<'_>, known: &BTreeMap<Self, BottleneckPlan>) -> Read<Self> {
        let text = value.text("the name of one of [bottlenecks]")?;
        let found = Self::parse(text).filter(|name| known.contains_key(name));
        found.ok_or_else(|| value.unknown(text, known.keys().map(ToString::to_string).collect()))
    }
}

impl fmt::Display for BottleneckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub(in crate::scenario) const KEYS: &[&str] = &["rate", "queue", "codel"];

/// All of them.
pub(super) fn read(root: &Table<'_>) -> Read<BTreeMap<BottleneckName, BottleneckPlan>> {
    let mut bottlenecks = BTreeMap::new();
    let Some(value) = root.get("bottlenecks") else { return Ok(bottlenecks) };
    for (key, value) in value.table("[bottlenecks]", "a table of bottlenecks: [bottlenecks.wan]")?.entries() {
        let Some(name) = BottleneckName::parse(key.name) else {
            let expected = format!("1 to {MAX_NAME} letters, digits, '-' and '_'");
            return Err(key.conflict(format!("'{}' is no name of a bottleneck", key.name), expected));
        };
        let table = value.table(format!("[bottlenecks.{name}]"), "a table: [bottlenecks.wan]")?;
        table.check_keys(KEYS)?;
        let rate = rates::read_rate(&table.need("rate", "a rate, such as \"10Mbit/s\"")?)?;
        let queue = table.get("queue").map(|value| rates::read_queue(&value)).transpose()?;
        let codel = table.get("codel").map(|value| rates::read_codel(&value)).transpose()?;
        bottlenecks.insert(name, BottleneckPlan { rate, queue: queue.unwrap_or_default(), codel });
    }
    Ok(bottlenecks)
}

/// Writes all of them.
pub(super) fn write(bottlenecks: &BTreeMap<BottleneckName, BottleneckPlan>, to: &mut Writer) {
    for (name, BottleneckPlan { rate, queue, codel }) in bottlenecks {
        to.table(&format!("[bottlenecks.{}]", quoted(&name.0)));
        to.raw("rate", rates::print_rates(rate));
        if *queue != QueueLimit::default() {
            to.text("queue", rates::print_queue(*queue));
        }
        if let Some(codel) = codel {
            to.raw("codel", rates::print_codel(*codel));
        }
    }
}
