//! `[clients.NAME]`: who is there, and what each is called.

use core::ops::Range;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use backchat_core::chat::{Nickname, Reconnect};

use super::reader::{Read, Table, Value};
use super::values::parse_span;
use super::writer::Writer;

/// The most clients, all groups together.
pub const MAX_CLIENTS: u32 = 10_000;

/// The node that is not a client.
pub(super) const SERVER: &str = "server";

/// A client, or a group of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clients {
    /// For a group: how many, called `NAME-1`, `NAME-2` and so on.
    pub count: Option<u32>,
    /// When it starts.
    pub start: Duration,
    /// After how long without a datagram from it the translator of addresses before it forgets it; `None`: never.
    pub nat: Option<Duration>,
    /// Its part in the chat.
    pub role: Role,
    /// For how long it tries to connect again; `None`: to the end of the run.
    pub reconnect: Option<Reconnect>,
}

/// The part that a client takes in the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It joins under its nickname.
    Member {
        /// It asks for a token to come back with, and for pings. Without, its session ends with its connection.
        resume: bool,
        /// How many messages from before it asks for when it joins; `None` leaves it to the server.
        history: Option<u32>,
    },
    /// It does not join: it asks for lists and downloads, and nobody sees it.
    Visitor,
}

impl Default for Role {
    fn default() -> Self {
        Self::Member { resume: true, history: None }
    }
}

pub(super) const KEYS: &[&str] = &["count", "start", "nat", "resume", "visitor", "history", "reconnect"];

/// Every name, and whom it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Each client's nickname, in the order of their numbers.
    pub(super) clients: Vec<Nickname>,
    /// For each client the group that it is in.
    pub(super) groups: Vec<Option<Nickname>>,
    /// Clients and groups that do not join.
    visitors: BTreeSet<Nickname>,
    /// Clients and groups: which numbers they are.
    known: BTreeMap<Nickname, Range<usize>>,
}

impl Names {
    /// Which clients a name means.
    pub(super) fn members(&self, name: &Nickname) -> Option<Range<usize>> {
        self.known.get(name).cloned()
    }

    /// Whether the name is that of visitors.
    pub(super) fn is_visitor(&self, name: &Nickname) -> bool {
        self.visitors.contains(name)
    }

    /// Whether the name is that of one client, and not of a group.
    pub(super) fn is_one(&self, name: &Nickname) -> bool {
        self.members(name).is_some_and(|range| self.clients.get(range.start) == Some(name))
    }

    /// What errors list: groups and single clients, not each member.
    pub(super) fn listed(&self) -> Vec<String> {
        let is_member = |name: &Nickname| {
            let range = self.members(name).unwrap_or_default();
            self.is_one(name) && self.groups.get(range.start).is_some_and(Option::is_some)
        };
        self.known.keys().filter(|name| !is_member(name)).map(ToString::to_string).collect()
    }

    /// The client or group that a value names.
    pub(super) fn find(&self, value: &Value<'_>, expected: &str) -> Read<Nickname> {
        let text = value.text(expected)?;
        self.lookup(text).ok_or_else(|| value.unknown(text, self.listed()))
    }

    pub(super) fn lookup(&self, text: &str) -> Option<Nickname> {
        Nickname::parse(text).ok().filter(|name| self.known.contains_key(name))
    }
}

pub(super) fn read(root: &Table<'_>, duration: Duration) -> Read<(BTreeMap<Nickname, Clients>, Names)> {
    let mut clients = BTreeMap::new();
    let Some(value) = root.get("clients") else { return Ok((clients, Names::default())) };
    // By nickname key: who differs in case alone could not join.
    let mut taken: BTreeMap<_, Nickname> = BTreeMap::new();
    let mut total: u32 = 0;
    for (key, value) in value.table("[clients]", "a table of clients: [clients.alice]")?.entries() {
        let name = Nickname::parse(key.name)
            .map_err(|error| key.conflict(format!("'{}' is no nickname: {error}", key.name), "a nickname"))?;
        if key.name.eq_ignore_ascii_case(SERVER) {
            return Err(key.conflict("a client is called 'server'", "another name: the server has this one"));
        }
        let table = value.table(format!("[clients.{name}]"), "a table: [clients.alice]")?;
        table.check_keys(KEYS)?;
        let mut group = Clients::default();
        if let Some(count) = table.get("count") {
            let number = count.count(1, MAX_CLIENTS)?;
            total = total.saturating_add(number);
            if total > MAX_CLIENTS {
                return Err(count.bad(number.to_string(), format!("at most {MAX_CLIENTS} clients in all")));
            }
            group.count = Some(number);
        } else {
            total = total.saturating_add(1);
        }
        if let Some(start) = table.get("start") {
            group.start = start.span()?;
            if group.start > duration {
                return Err(start.bad("after the end", "a time within the scenario's duration"));
            }
        }
        group.nat = table.get("nat").map(|nat| nat.positive_span()).transpose()?;
        group.role = role(&table)?;
        group.reconnect = table.get("reconnect").map(|value| reconnect(&value)).transpose()?;
        for member in members(&name, &group) {
            let member = member.map_err(|error| {
                key.conflict(
                    format!("the last of '{name}' would have no nickname: {error}"),
                    "a shorter name",
                )
            })?;
            if let Some(other) = taken.insert(member.key(), member.clone()) {
                let found = if other == member {
                    format!("the nickname '{member}' is there twice")
                } else {
                    format!("'{member}' would be the same nickname as '{other}'")
                };
                return Err(key.conflict(found, "names that differ in more than case"));
            }
        }
        if group.count.is_some()
            && let Some(other) = taken.get(&name.key())
        {
            return Err(
                key.conflict(format!("the group '{name}' is called as the client '{other}'"), "another name")
            );
        }
        clients.insert(name, group);
    }
    let names = names(&clients);
    Ok((clients, names))
}

fn role(table: &Table<'_>) -> Read<Role> {
    if table.get("visitor").map(|visitor| visitor.boolean()).transpose()? == Some(true) {
        table.refuse(&["resume", "history"], "goes with joining, and a visitor does not", "no such key")?;
        return Ok(Role::Visitor);
    }
    let resume = table.get("resume").map(|resume| resume.boolean()).transpose()?.unwrap_or(true);
    let history = table.get("history").map(|history| history.count(0, u32::MAX)).transpose()?;
    Ok(Role::Member { resume, history })
}

fn reconnect(value: &Value<'_>) -> Read<Reconnect> {
    match value.text("\"never\", \"always\" or a duration, such as \"30s\"")? {
        "never" => Ok(Reconnect::Never),
        "always" => Ok(Reconnect::Always),
        text => match parse_span(text) {
            Ok(Duration::ZERO) => Err(value.bad("zero", "\"never\", or a duration above zero")),
            Ok(span) => Ok(Reconnect::For(span)),
            Err(expected) => Err(value.bad_text(text, format!("never, always or {expected}"))),
        },
    }
}

fn members(
    name: &Nickname,
    group: &Clients,
) -> impl Iterator<Item = Result<Nickname, backchat_core::chat::NicknameError>> {
    let numbered =
        (1..=group.count.unwrap_or(0)).map(move |number| Nickname::parse(&format!("{name}-{number}")));
    group.count.is_none().then(|| Ok(name.clone())).into_iter().chain(numbered)
}

fn names(clients: &BTreeMap<Nickname, Clients>) -> Names {
    let mut names = Names::default();
    for (name, group) in clients {
        let begin = names.clients.len();
        for member in members(name, group).flatten() {
            let number = names.clients.len();
            names.known.insert(member.clone(), number..number + 1);
            names.groups.push(group.count.map(|_| name.clone()));
            if group.role == Role::Visitor {
                names.visitors.insert(member.clone());
            }
            names.clients.push(member);
        }
        if group.role == Role::Visitor {
            names.visitors.insert(name.clone());
        }
        names.known.insert(name.clone(), begin..names.clients.len());
    }
    names
}

pub(super) fn write(clients: &BTreeMap<Nickname, Clients>, to: &mut Writer) {
    for (name, group) in clients {
        to.table(&format!("[clients.{}]", super::writer::quoted(name.as_str())));
        if let Some(count) = group.count {
            to.raw("count", count);
        }
        to.span_above_zero("start", group.start);
        if let Some(nat) = group.nat {
            to.span("nat", nat);
        }
        match group.role {
            Role::Visitor => to.raw("visitor", true),
            Role::Member { resume, history } => {
                if !resume {
                    to.raw("resume", false);
                }
                if let Some(history) = history {
                    to.raw("history", history);
                }
            }
        }
        match group.reconnect {
            None => {}
            Some(Reconnect::Never) => to.text("reconnect", "never"),
            Some(Reconnect::Always) => to.text("reconnect", "always"),
            Some(Reconnect::For(span)) => to.span("reconnect", span),
        }
    }
}
