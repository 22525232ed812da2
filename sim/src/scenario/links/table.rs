//! A table of `[links]`: the keys of one level, read and written.

use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::BTreeMap;

use super::bottlenecks::BottleneckName;
use super::rates;
use crate::link::{BottleneckPlan, Codel, Late, Loss, Policer, Profile, QueueLimit, Rate, Runs};
use crate::scenario::reader::{Read, Table, Value};
use crate::scenario::values::print_span;
use crate::scenario::writer::{Writer, inline, quoted};

/// What a table of `[links]` says; `None`: left to the less specific ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkTable {
    /// See [`Profile::delay`].
    pub delay: Option<Duration>,
    /// See [`Profile::jitter`].
    pub jitter: Option<Duration>,
    /// See [`Profile::policer`].
    pub policer: Option<Policer>,
    /// See [`Profile::rate`].
    pub rate: Option<Rate>,
    /// See [`Profile::queue`].
    pub queue: Option<QueueLimit>,
    /// See [`Profile::codel`].
    pub codel: Option<Codel>,
    /// See [`Profile::through`].
    pub through: Option<BottleneckName>,
    /// See [`Profile::mtu`].
    pub mtu: Option<u32>,
    /// See [`Profile::loss`].
    pub loss: Option<Loss>,
    /// See [`Profile::corrupt`].
    pub corrupt: Option<Runs>,
    /// See [`Profile::truncate`].
    pub truncate: Option<Runs>,
    /// See [`Profile::duplicate`].
    pub duplicate: Option<Late>,
    /// See [`Profile::reorder`].
    pub reorder: Option<Late>,
    /// See [`Profile::aggregate`].
    pub aggregate: Option<Duration>,
}

pub(in crate::scenario) const KEYS: &[&str] = &[
    "delay",
    "jitter",
    "policer",
    "rate",
    "queue",
    "codel",
    "through",
    "mtu",
    "loss",
    "corrupt",
    "truncate",
    "duplicate",
    "reorder",
    "aggregate",
];
pub(in crate::scenario) const LOSS_KEYS: &[&str] = &["probability", "enter", "leave", "max_burst"];
pub(in crate::scenario) const RUNS_KEYS: &[&str] = &["probability", "max_burst"];
pub(in crate::scenario) const LATE_KEYS: &[&str] = &["probability", "by"];

/// The smallest mtu that IPv4 knows (RFC 791 §3.2), and the longest packet there is.
const MTU: core::ops::RangeInclusive<u64> = 68..=65_535;
/// A longer run is no run but a blackout.
const MAX_BURST: u32 = 1_000_000;

impl LinkTable {
    /// Lays what is set here over `profile`, but for `through`, which is a name.
    pub(super) fn over(&self, profile: &mut Profile) {
        fn set<T: Clone>(to: &mut T, from: Option<&T>) {
            if let Some(from) = from {
                to.clone_from(from);
            }
        }
        set(&mut profile.delay, self.delay.as_ref());
        set(&mut profile.jitter, self.jitter.as_ref());
        profile.policer = self.policer.or(profile.policer);
        profile.rate = self.rate.clone().or(profile.rate.take());
        set(&mut profile.queue, self.queue.as_ref());
        profile.codel = self.codel.or(profile.codel);
        set(&mut profile.mtu, self.mtu.as_ref());
        set(&mut profile.loss, self.loss.as_ref());
        set(&mut profile.corrupt, self.corrupt.as_ref());
        set(&mut profile.truncate, self.truncate.as_ref());
        set(&mut profile.duplicate, self.duplicate.as_ref());
        set(&mut profile.reorder, self.reorder.as_ref());
        set(&mut profile.aggregate, self.aggregate.as_ref());
    }
}

/// What a table says.
pub(super) fn read(
    table: &Table<'_>,
    bottlenecks: &BTreeMap<BottleneckName, BottleneckPlan>,
) -> Read<LinkTable> {
    table.check_keys(KEYS)?;
    let mut link = LinkTable::default();
    for (key, value) in table.entries() {
        match key.name {
            "delay" => link.delay = Some(value.span()?),
            "jitter" => link.jitter = Some(value.span()?),
            "policer" => link.policer = Some(rates::read_policer(&value)?),
            "rate" => link.rate = Some(rates::read_rate(&value)?),
            "queue" => link.queue = Some(rates::read_queue(&value)?),
            "codel" => link.codel = Some(rates::read_codel(&value)?),
            "through" => link.through = Some(BottleneckName::read(&value, bottlenecks)?),
            "mtu" => link.mtu = u32::try_from(value.size(MTU)?).ok(),
            "loss" => link.loss = Some(read_loss(&value)?),
            "corrupt" => link.corrupt = Some(read_runs(&value)?),
            "truncate" => link.truncate = Some(read_runs(&value)?),
            "duplicate" => link.duplicate = Some(read_late(&value, LateForm::ChanceOrTable)?),
            "reorder" => link.reorder = Some(read_late(&value, LateForm::Table)?),
            "aggregate" => link.aggregate = Some(value.positive_span()?),
            // Held against KEYS before.
            _ => {}
        }
    }
    Ok(link)
}

fn read_burst(table: &Table<'_>) -> Read<Option<NonZeroU32>> {
    match table.get("max_burst") {
        None => Ok(None),
        Some(value) => Ok(NonZeroU32::new(value.count(1, MAX_BURST)?)),
    }
}

fn read_loss(value: &Value<'_>) -> Read<Loss> {
    const EXPECTED: &str = "a chance, { probability, max_burst } or { enter, leave, max_burst }";
    if !value.is_table() {
        return Ok(Loss::Runs(Runs { chance: chance_or(value, EXPECTED)?, max_burst: None }));
    }
    let table = value.table("loss", EXPECTED)?;
    table.check_keys(LOSS_KEYS)?;
    if !table.has("enter") && !table.has("leave") {
        return Ok(Loss::Runs(runs_of(&table)?));
    }
    table.refuse(&["probability"], "does not go with 'enter' and 'leave'", EXPECTED)?;
    let enter = table.need("enter", "the chance to enter the bad state")?.chance()?;
    let leave = table.need("leave", "the chance to leave the bad state")?;
    let chance = leave.chance()?;
    if chance.is_never() {
        return Err(leave.bad("0", "above 0: a bad state without an end is a blackout"));
    }
    Ok(Loss::GilbertElliott { enter, leave: chance, max_burst: read_burst(&table)? })
}

fn read_runs(value: &Value<'_>) -> Read<Runs> {
    const EXPECTED: &str = "a chance or { probability, max_burst }";
    if !value.is_table() {
        return Ok(Runs { chance: chance_or(value, EXPECTED)?, max_burst: None });
    }
    let table = value.table(value.key(), EXPECTED)?;
    table.check_keys(RUNS_KEYS)?;
    runs_of(&table)
}

fn runs_of(table: &Table<'_>) -> Read<Runs> {
    let chance = table.need("probability", "a chance from 0 to 1")?.chance()?;
    Ok(Runs { chance, max_burst: read_burst(table)? })
}

/// A chance, where a table could stand as well.
fn chance_or(value: &Value<'_>, expected: &str) -> Read<crate::link::Chance> {
    if value.is_number() { value.chance() } else { Err(value.not(expected)) }
}

/// How a chance with a lateness can be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LateForm {
    ChanceOrTable,
    Table,
}

fn read_late(value: &Value<'_>, form: LateForm) -> Read<Late> {
    let expected = match form {
        LateForm::ChanceOrTable => "a chance or { probability, by }",
        LateForm::Table => "a table: { probability = 0.05, by = \"10ms\" }",
    };
    if !value.is_table() && form == LateForm::ChanceOrTable {
        return Ok(Late { chance: chance_or(value, expected)?, by: Duration::ZERO });
    }
    let table = value.table(value.key(), expected)?;
    table.check_keys(LATE_KEYS)?;
    let chance = table.need("probability", "a chance from 0 to 1")?.chance()?;
    let by = table.need("by", "how much later, such as \"10ms\"")?;
    let by = if form == LateForm::Table { by.positive_span()? } else { by.span()? };
    Ok(Late { chance, by })
}

/// Writes a table.
pub(super) fn write(link: &LinkTable, to: &mut Writer) {
    if let Some(delay) = link.delay {
        to.span("delay", delay);
    }
    if let Some(jitter) = link.jitter {
        to.span("jitter", jitter);
    }
    if let Some(policer) = link.policer {
        to.raw("policer", rates::print_policer(policer));
    }
    if let Some(rate) = &link.rate {
        to.raw("rate", rates::print_rates(rate));
    }
    if let Some(queue) = link.queue {
        to.text("queue", rates::print_queue(queue));
    }
    if let Some(codel) = link.codel {
        to.raw("codel", rates::print_codel(codel));
    }
    if let Some(name) = &link.through {
        to.text("through", name);
    }
    if let Some(mtu) = link.mtu {
        to.raw("mtu", mtu);
    }
    match link.loss {
        None => {}
        Some(Loss::Runs(runs)) => to.raw("loss", print_runs(&runs)),
        Some(Loss::GilbertElliott { enter, leave, max_burst }) => {
            let (enter, leave) = (Some(enter.to_string()), Some(leave.to_string()));
            let most = max_burst.map(|most| most.to_string());
            to.raw("loss", inline(&[("enter", enter), ("leave", leave), ("max_burst", most)]));
        }
    }
    if let Some(runs) = link.corrupt {
        to.raw("corrupt", print_runs(&runs));
    }
    if let Some(runs) = link.truncate {
        to.raw("truncate", print_runs(&runs));
    }
    if let Some(late) = link.duplicate {
        to.raw("duplicate", print_late(&late));
    }
    if let Some(late) = link.reorder {
        to.raw("reorder", print_late(&late));
    }
    if let Some(interval) = link.aggregate {
        to.span("aggregate", interval);
    }
}

fn print_runs(runs: &Runs) -> String {
    let chance = runs.chance.to_string();
    match runs.max_burst {
        None => chance,
        Some(most) => inline(&[("probability", Some(chance)), ("max_burst", Some(most.to_string()))]),
    }
}

fn print_late(late: &Late) -> String {
    let by = quoted(&print_span(late.by));
    inline(&[("probability", Some(late.chance.to_string())), ("by", Some(by))])
}
