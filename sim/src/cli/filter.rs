//! Which records of a replay are printed.

use core::time::Duration;

use backchat_core::time::Instant;

use super::args::{Around, ReplayArgs};
use super::exit::Trouble;
use crate::run::Report;
use crate::scenario::Scenario;
use crate::trace::{Event, Node, Record};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Up to this time, and with the record of this number, if it is known.
    until: Option<(Instant, Option<u64>)>,
    around: Option<(Instant, Instant)>,
    nodes: Vec<Node>,
    only: Vec<String>,
    seen: u64,
    taken: u64,
}

impl Filter {
    /// Builds the filter that the command line asks for.
    ///
    /// # Errors
    /// A node or an event that there is not.
    pub(super) fn new(args: &ReplayArgs, scenario: &Scenario) -> Result<Self, Trouble> {
        let nodes = args.node.iter().map(|name| node(name, scenario)).collect::<Result<Vec<_>, _>>()?;
        for word in &args.only {
            if !Event::names().any(|name| is_meant(name, word)) {
                let mut categories: Vec<&str> =
                    Event::names().filter_map(|name| name.split_once(':')).map(|(it, _)| it).collect();
                categories.dedup();
                let categories = categories.join(": ");
                return Err(Trouble::Usage(format!(
                    "--only {word}: no event is called so; expected the beginning of a name ({categories}:), or of its \
                     second part, such as timer_expired"
                )));
            }
        }
        let around = args.around.map(|Around { at, margin }| {
            let margin = margin.unwrap_or(MARGIN);
            let from = at.checked_sub(margin).unwrap_or_default();
            (Instant::ZERO + from, Instant::ZERO + at + margin)
        });
        Ok(Self { around, nodes, only: args.only.clone(), ..Self::default() })
    }

    /// Nothing behind what was found first.
    pub(super) fn until_failure(&mut self, report: &Report) {
        self.until = report.violations.first().map(|first| (first.at, report.found_with));
    }

    /// Returns true if the next record is printed.
    pub(super) fn takes(&mut self, record: &Record) -> bool {
        let number = self.seen;
        self.seen += 1;
        let is_before = self.until.is_none_or(|(at, found_with)| {
            record.at <= at && found_with.is_none_or(|last| number <= last || record.at < at)
        });
        let is_near = self.around.is_none_or(|(from, to)| from <= record.at && record.at <= to);
        let is_theirs = self.nodes.is_empty() || self.nodes.iter().any(|node| concerns(record.node, *node));
        let name = record.event.name();
        let is_one = self.only.is_empty() || self.only.iter().any(|word| is_meant(name, word));
        let takes = is_before && is_near && is_theirs && is_one;
        self.taken += u64::from(takes);
        takes
    }

    /// Returns the number of records printed, in words; `None`: none was left out.
    pub(super) fn left_out(&self) -> Option<String> {
        (self.taken < self.seen).then(|| format!("{} of {} records", self.taken, self.seen))
    }
}

/// On each side, where nobody says how much.
const MARGIN: Duration = Duration::from_millis(100);

/// Returns true if a record of `at` is one of `node`: a host includes its paths, but the server does
/// not include all paths.
fn concerns(at: Node, node: Node) -> bool {
    at == node || at.direction().is_some_and(|direction| direction.client() == node)
}

fn is_meant(name: &str, word: &str) -> bool {
    name.starts_with(word) || name.split_once(':').is_some_and(|(_, rest)| rest.starts_with(word))
}

fn node(name: &str, scenario: &Scenario) -> Result<Node, Trouble> {
    let clients = || scenario.clients().iter().map(|client| client.nick.as_str());
    let client = name.strip_prefix("server->").or_else(|| name.strip_suffix("->server")).unwrap_or(name);
    if ["server", "sim"].contains(&name) || clients().any(|nick| nick == client) {
        return Ok(Node::new(name));
    }
    let near = clients().chain(["server"]).min_by_key(|nick| strsim::damerau_levenshtein(nick, client));
    let near = near.unwrap_or("server");
    let expected = "expected a client, a direction such as server->alice, server or sim";
    Err(Trouble::Usage(format!("--node {name}: nobody is called so; {expected}; did you mean {near}?")))
}
