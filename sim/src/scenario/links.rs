//! `[links.…]`: what paths are like.
//!
//! Each key is looked for in the most specific table that has it: one direction of one client, both directions of it,
//! one direction of its group, both of it, `default`.

pub(super) mod bottlenecks;
pub(super) mod rates;
pub(super) mod table;

use core::fmt;
use std::collections::BTreeMap;

use backchat_core::chat::Nickname;

use super::clients::{Names, SERVER};
use super::reader::{Key, Read, Table, Value};
use super::writer::{Writer, quoted};
use crate::link::{BottleneckPlan, Order, Profile, Through};

pub use bottlenecks::BottleneckName;
pub use table::LinkTable;

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

/// All tables of `[links]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// `[links.default]`: every direction of every path.
    pub default: LinkTable,
    /// The others.
    pub named: BTreeMap<LinkName, LinkTable>,
    /// `[bottlenecks.NAME]`: what several directions may go through.
    pub bottlenecks: BTreeMap<BottleneckName, BottleneckPlan>,
}

impl Links {
    /// What a direction of a client's path is like.
    pub(super) fn profile(
        &self,
        client: &Nickname,
        group: Option<&Nickname>,
        direction: Direction,
    ) -> Profile {
        let mut profile = Profile::default();
        let mut through = None;
        for (_, table) in self.tables(client, group, direction) {
            table.over(&mut profile);
            through = table.through.as_ref().or(through);
        }
        // A client's own line is at its own end of the path.
        let order = match direction {
            Direction::Up => Order::BehindOwn,
            Direction::Down => Order::BeforeOwn,
        };
        let place = through.and_then(|name| self.bottlenecks.keys().position(|known| known == name));
        profile.through = place.map(|bottleneck| Through { bottleneck, order });
        profile
    }

    /// The tables that say what a direction is like, the most specific last; the default has no name.
    fn tables<'a>(
        &'a self,
        client: &Nickname,
        group: Option<&Nickname>,
        direction: Direction,
    ) -> Vec<(Option<LinkName>, &'a LinkTable)> {
        let mut tables = vec![(None, &self.default)];
        for client in group.into_iter().chain([client]) {
            for direction in [None, Some(direction)] {
                let name = LinkName { client: client.clone(), direction };
                tables.extend(self.named.get(&name).map(|table| (Some(name), table)));
            }
        }
        tables
    }
}

pub(super) fn read(root: &Table<'_>, names: &Names) -> Read<Links> {
    let mut links = Links { bottlenecks: bottlenecks::read(root)?, ..Links::default() };
    let Some(value) = root.get("links") else { return Ok(links) };
    let all = value.table("[links]", "a table of links: [links.default]")?;
    let mut tables = BTreeMap::new();
    for (key, value) in all.entries() {
        let table = value.table(format!("[links.\"{}\"]", key.name), "a table: [links.default]")?;
        if key.name == "default" {
            links.default = table::read(&table, &links.bottlenecks)?;
            tables.insert(None, table);
            continue;
        }
        let name = read_name(&key, names)?;
        if links.named.insert(name.clone(), table::read(&table, &links.bottlenecks)?).is_some() {
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

/// A queue and its management do nothing without a rate: whoever wrote them expected something.
fn check_queues(links: &Links, names: &Names, tables: &BTreeMap<Option<LinkName>, Table<'_>>) -> Read<()> {
    for (client, group) in names.clients.iter().zip(&names.groups) {
        for direction in Direction::BOTH {
            let said = links.tables(client, group.as_ref(), direction);
            let said: Vec<Table<'_>> =
                said.into_iter().filter_map(|(name, _)| tables.get(&name).cloned()).collect();
            if said.iter().any(|table| table.has("rate")) {
                continue;
            }
            for key in ["queue", "codel"] {
                if let Some(value) = said.iter().rev().find_map(|table| table.get(key)) {
                    let name = direction.link_name(client);
                    let expected = format!("a rate, or no {key}");
                    return Err(value.conflict(format!("{name} has a {key} and no rate"), expected));
                }
            }
        }
    }
    Ok(())
}

pub(super) fn write(links: &Links, to: &mut Writer) {
    bottlenecks::write(&links.bottlenecks, to);
    if links.default != LinkTable::default() {
        to.table("[links.default]");
        table::write(&links.default, to);
    }
    for (name, table) in &links.named {
        to.table(&format!("[links.{}]", quoted(&name.to_string())));
        table::write(table, to);
    }
}
