//! `[links.…]`: what paths are like.
//!
//! Each key is looked for in the most specific table that has it: one direction of one client, both directions of it,
//! one direction of its group, both of it, `default`.

use core::fmt;
use core::num::{NonZeroU32, NonZeroU64};
use core::time::Duration;
use std::collections::BTreeMap;

use backchat_core::chat::Nickname;

use super::clients::{Names, SERVER};
use super::reader::{Key, Read, Table, Value};
use super::values::{print_rate, print_size};
use super::writer::{Writer, inline, quoted};
use crate::link::{BitsPerSecond, Late, Loss, Profile, QueueLimit, Runs};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Direction {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::Up, Self::Down];

    /// The name of this direction of a client's path, by which its randomness is found.
    pub fn link_name(self, client: &Nickname) -> String {
        LinkName { client: client.clone(), direction: Some(self) }.to_string()
    }
}

/// The name of a path, or of one of its directions: `alice<->server`, `server->alice`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LinkName {
    /// A client, or a group.
    pub client: Nickname,
    /// One direction; `None`: both.
    pub direction: Option<Direction>,
}

impl LinkName {
    /// Whether this direction is meant.
    pub fn has(&self, direction: Direction) -> bool {
        self.direction.is_none_or(|only| only == direction)
    }

    pub(super) fn parse(text: &str, names: &Names) -> Result<Self, BadLink> {
        let (left, right, is_both) = match text.split_once("<->") {
            Some((left, right)) => (left, right, true),
            None => match text.split_once("->") {
                Some((left, right)) => (left, right, false),
                None => return Err(BadLink::Form),
            },
        };
        let (client, direction) = match (left.trim(), right.trim()) {
            (SERVER, SERVER) => return Err(BadLink::Form),
            (client, SERVER) => (client, Direction::Up),
            (SERVER, client) => (client, Direction::Down),
            // Clients talk to the server alone.
            _ => return Err(BadLink::Form),
        };
        let client = names.lookup(client).ok_or_else(|| BadLink::Unknown(client.to_owned()))?;
        Ok(Self { client, direction: (!is_both).then_some(direction) })
    }

    /// The link that a fault names.
    pub(super) fn read(value: &Value<'_>, names: &Names) -> Read<Self> {
        let text = value.text("a link: \"alice<->server\" or one direction, \"server->alice\"")?;
        Self::parse(text, names).map_err(|bad| match bad {
            BadLink::Form => value.bad_text(text, FORM),
            BadLink::Unknown(name) => value.unknown(&name, names.listed()),
        })
    }
}

/// What a link's name looks like.
const FORM: &str = "a path between a client and the server, such as \"alice<->server\" or \"server->alice\"";

/// Why a text names no link.
pub(super) enum BadLink {
    Form,
    Unknown(String),
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.direction {
            None => write!(f, "{}<->{SERVER}", self.client),
            Some(Direction::Up) => write!(f, "{}->{SERVER}", self.client),
            Some(Direction::Down) => write!(f, "{SERVER}->{}", self.client),
        }
    }
}

/// What a table of `[links]` says; `None`: left to the less specific ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkTable {
    /// See [`Profile::delay`].
    pub delay: Option<Duration>,
    /// See [`Profile::jitter`].
    pub jitter: Option<Duration>,
    /// See [`Profile::rate`].
    pub rate: Option<BitsPerSecond>,
    /// See [`Profile::queue`].
    pub queue: Option<QueueLimit>,
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
}

/// All tables of `[links]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// `[links.default]`: every direction of every path.
    pub default: LinkTable,
    /// The others.
    pub named: BTreeMap<LinkName, LinkTable>,
}

pub(super) const KEYS: &[&str] =
    &["delay", "jitter", "rate", "queue", "mtu", "loss", "corrupt", "truncate", "duplicate", "reorder"];
pub(super) const LOSS_KEYS: &[&str] = &["probability", "enter", "leave", "max_burst"];
pub(super) const RUNS_KEYS: &[&str] = &["probability", "max_burst"];
pub(super) const LATE_KEYS: &[&str] = &["probability", "by"];

/// The smallest mtu that IPv4 knows (RFC 791 §3.2), and the longest packet there is.
const MTU: core::ops::RangeInclusive<u64> = 68..=65_535;
/// From where a byte takes 8 s, to where a packet takes no time that counts.
const RATE: core::ops::RangeInclusive<u64> = 1..=1_000_000_000_000;
/// More than any router has.
const MAX_QUEUE_PACKETS: u32 = 1_000_000;
const MAX_QUEUE_BYTES: u64 = 1 << 30;
/// A longer run is no run but a blackout.
const MAX_BURST: u32 = 1_000_000;

impl Links {
    /// What a direction of a client's path is like, and in which tables a queue is set.
    pub(super) fn profile(
        &self,
        client: &Nickname,
        group: Option<&Nickname>,
        direction: Direction,
    ) -> (Profile, Option<Option<LinkName>>) {
        let mut profile = Profile::default();
        let mut queue = None;
        self.default.over(&mut profile);
        if self.default.queue.is_some() {
            queue = Some(None);
        }
        for client in group.into_iter().chain([client]) {
            for direction in [None, Some(direction)] {
                let name = LinkName { client: client.clone(), direction };
                if let Some(table) = self.named.get(&name) {
                    table.over(&mut profile);
                    if table.queue.is_some() {
                        queue = Some(Some(name));
                    }
                }
            }
        }
        (profile, queue)
    }
}

impl LinkTable {
    /// Lays what is set here over `profile`.
    fn over(&self, profile: &mut Profile) {
        fn set<T: Copy>(to: &mut T, from: Option<T>) {
            if let Some(from) = from {
                *to = from;
            }
        }
        set(&mut profile.delay, self.delay);
        set(&mut profile.jitter, self.jitter);
        profile.rate = self.rate.or(profile.rate);
        set(&mut profile.queue, self.queue);
        set(&mut profile.mtu, self.mtu);
        set(&mut profile.loss, self.loss);
        set(&mut profile.corrupt, self.corrupt);
        set(&mut profile.truncate, self.truncate);
        set(&mut profile.duplicate, self.duplicate);
        set(&mut profile.reorder, self.reorder);
    }
}

pub(super) fn read(root: &Table<'_>, names: &Names) -> Read<Links> {
    let mut links = Links::default();
    let Some(value) = root.get("links") else { return Ok(links) };
    let all = value.table("[links]", "a table of links: [links.default]")?;
    let mut tables = BTreeMap::new();
    for (key, value) in all.entries() {
        let table = value.table(format!("[links.\"{}\"]", key.name), "a table: [links.default]")?;
        table.check_keys(KEYS)?;
        if key.name == "default" {
            links.default = read_table(&table)?;
            tables.insert(None, table);
            continue;
        }
        let name = read_name(&key, names)?;
        if links.named.insert(name.clone(), read_table(&table)?).is_some() {
            return Err(key.conflict(format!("a second table for {name}"), "one"));
        }
        tables.insert(Some(name), table);
    }
    check_queues(&links, names, &tables)?;
    Ok(links)
}

fn read_name(key: &Key<'_>, names: &Names) -> Read<LinkName> {
    LinkName::parse(key.name, names).map_err(|bad| match bad {
        BadLink::Form => key.conflict(format!("'{}' is no link", key.name), format!("default, or {FORM}")),
        BadLink::Unknown(_) => {
            let is_both = key.name.contains("<->");
            let is_down = key.name.trim_start().starts_with(SERVER);
            let form = |name: String| match (is_both, is_down) {
                (true, _) => format!("{name}<->{SERVER}"),
                (false, true) => format!("{SERVER}->{name}"),
                (false, false) => format!("{name}->{SERVER}"),
            };
            let known = names.listed().into_iter();
            key.unknown(known.map(form).chain(["default".into()]).collect())
        }
    })
}

/// A queue does nothing without a rate: whoever wrote it expected something.
fn check_queues(links: &Links, names: &Names, tables: &BTreeMap<Option<LinkName>, Table<'_>>) -> Read<()> {
    for (client, group) in names.clients.iter().zip(&names.groups) {
        for direction in Direction::BOTH {
            let (profile, queue) = links.profile(client, group.as_ref(), direction);
            if let (None, Some(set_by)) = (profile.rate, queue)
                && let Some(value) = tables.get(&set_by).and_then(|table| table.get("queue"))
            {
                let name = direction.link_name(client);
                return Err(value.conflict(format!("{name} has a queue and no rate"), "a rate, or no queue"));
            }
        }
    }
    Ok(())
}

fn read_table(table: &Table<'_>) -> Read<LinkTable> {
    let mut link = LinkTable::default();
    for (key, value) in table.entries() {
        match key.name {
            "delay" => link.delay = Some(value.span()?),
            "jitter" => link.jitter = Some(value.span()?),
            "rate" => link.rate = NonZeroU64::new(value.rate(RATE)?),
            "queue" => link.queue = Some(read_queue(&value)?),
            "mtu" => link.mtu = u32::try_from(value.size(MTU)?).ok(),
            "loss" => link.loss = Some(read_loss(&value)?),
            "corrupt" => link.corrupt = Some(read_runs(&value)?),
            "truncate" => link.truncate = Some(read_runs(&value)?),
            "duplicate" => link.duplicate = Some(read_late(&value, LateForm::ChanceOrTable)?),
            "reorder" => link.reorder = Some(read_late(&value, LateForm::Table)?),
            // Held against KEYS before.
            _ => {}
        }
    }
    Ok(link)
}

fn read_queue(value: &Value<'_>) -> Read<QueueLimit> {
    const EXPECTED: &str = "packets or a size, such as \"25pkt\" or \"64KiB\"";
    let text = value.text(EXPECTED)?;
    if let Some(number) = text.trim().strip_suffix("pkt") {
        let packets = number.trim_end().parse::<u32>().ok().filter(|packets| *packets <= MAX_QUEUE_PACKETS);
        let range = format!("0pkt to {MAX_QUEUE_PACKETS}pkt");
        return packets.map(QueueLimit::Packets).ok_or_else(|| value.bad_text(text, range));
    }
    if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            value.bad_text(text, format!("a unit: \"{0}pkt\" for packets, \"{0}B\" for bytes", text.trim()))
        );
    }
    match super::values::parse_size(text) {
        Ok(bytes) if bytes <= MAX_QUEUE_BYTES => Ok(QueueLimit::Bytes(bytes)),
        Ok(_) => Err(value.bad_text(text, format!("at most {}", print_size(MAX_QUEUE_BYTES)))),
        Err(_) => Err(value.bad_text(text, EXPECTED)),
    }
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

pub(super) fn write(links: &Links, to: &mut Writer) {
    if links.default != LinkTable::default() {
        to.table("[links.default]");
        write_table(&links.default, to);
    }
    for (name, table) in &links.named {
        to.table(&format!("[links.{}]", quoted(&name.to_string())));
        write_table(table, to);
    }
}

fn write_table(link: &LinkTable, to: &mut Writer) {
    if let Some(delay) = link.delay {
        to.span("delay", delay);
    }
    if let Some(jitter) = link.jitter {
        to.span("jitter", jitter);
    }
    if let Some(rate) = link.rate {
        to.text("rate", print_rate(rate.get()));
    }
    match link.queue {
        None => {}
        Some(QueueLimit::Packets(packets)) => to.text("queue", format!("{packets}pkt")),
        Some(QueueLimit::Bytes(bytes)) => to.text("queue", print_size(bytes)),
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
}

fn print_runs(runs: &Runs) -> String {
    let chance = runs.chance.to_string();
    match runs.max_burst {
        None => chance,
        Some(most) => inline(&[("probability", Some(chance)), ("max_burst", Some(most.to_string()))]),
    }
}

fn print_late(late: &Late) -> String {
    let by = quoted(&super::values::print_span(late.by));
    inline(&[("probability", Some(late.chance.to_string())), ("by", Some(by))])
}
