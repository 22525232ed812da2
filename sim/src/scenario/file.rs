//! A scenario as its file has it: groups are one entry, a repeated step is one step.

use core::time::Duration;
use std::collections::BTreeMap;

use backchat_core::chat::Nickname;
use toml::de::DeTable;

use super::clients::{self, Clients, Names};
use super::error::{Place, Problem, ScenarioError};
use super::expect::{self, Expect};
use super::faults::{self, Fault};
use super::links::{self, Links};
use super::reader::{Read, Table};
use super::server::{self, Server};
use super::steps::{self, Known, Step};
use super::transfer::{self, Transfer};
use super::writer::Writer;

/// The longest file. The largest scenario that is not made by a machine has a few kilobytes.
pub const MAX_TEXT: usize = 4 << 20;

/// See the module. What stands here can be changed, and read again with [`super::Scenario::from_file`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File {
    /// What it is about, in a sentence or two.
    pub about: String,
    /// Virtual time: what has not finished by then has failed.
    pub duration: Duration,
    /// From then on all links are clean.
    pub heal: Option<Duration>,
    /// The server.
    pub server: Server,
    /// Clients and groups, by name.
    pub clients: BTreeMap<Nickname, Clients>,
    /// How downloads are done.
    pub transfer: Transfer,
    /// What paths are like.
    pub links: Links,
    /// What clients do.
    pub steps: Vec<Step>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What must have happened.
    pub expect: Expect,
}

pub(super) const KEYS: &[&str] = &[
    "about",
    "duration",
    "heal",
    "server",
    "clients",
    "transfer",
    "bottlenecks",
    "links",
    "steps",
    "faults",
    "expect",
];

impl File {
    /// Reads a file's text, and checks it as a whole.
    pub(super) fn parse(text: &str) -> Read<(Self, Names)> {
        if text.len() > MAX_TEXT {
            let found = format!("{} bytes", text.len());
            let problem =
                Problem::Value { key: "the file".into(), found, expected: format!("at most {MAX_TEXT}") };
            return Err(ScenarioError { place: Place { line: 1, column: 1 }, problem });
        }
        let document = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
        let root = Table::root(text, &document);
        root.check_keys(KEYS)?;
        let about = root.get("about").map_or(Ok(""), |value| value.text("a sentence or two, as a string"))?;
        let duration = root
            .need("duration", "the virtual time of a run, such as duration = \"60s\"")?
            .positive_span()?;
        let heal = match root.get("heal") {
            None => None,
            Some(value) => Some(steps::within(&value, duration)?),
        };
        let server = server::read(&root)?;
        let (clients, names) = clients::read(&root, duration)?;
        let known = Known { names: &names, duration };
        let steps = steps::read(&root, &known)?;
        let file = Self {
            about: about.to_owned(),
            duration,
            heal,
            server,
            clients,
            transfer: transfer::read(&root)?,
            links: links::read(&root, &names)?,
            faults: faults::read(&root, &known, heal)?,
            expect: expect::read(&root, &names, &steps)?,
            steps,
        };
        Ok((file, names))
    }

    /// The file's text: reads as the same.
    pub fn to_toml(&self) -> String {
        let mut to = Writer::default();
        if !self.about.is_empty() {
            to.text("about", &self.about);
        }
        to.span("duration", self.duration);
        if let Some(heal) = self.heal {
            to.span("heal", heal);
        }
        server::write(&self.server, &mut to);
        clients::write(&self.clients, &mut to);
        transfer::write(&self.transfer, &mut to);
        links::write(&self.links, &mut to);
        steps::write(&self.steps, &mut to);
        faults::write(&self.faults, &mut to);
        expect::write(&self.expect, &mut to);
        to.finish()
    }
}

/// What the parser of TOML says, as what it found and what it expected.
fn syntax(text: &str, error: &toml::de::Error) -> ScenarioError {
    let span = error.span().unwrap_or_default();
    let (found, expected) = match error.message().split_once(", expected ") {
        Some((found, expected)) => (found.to_owned(), expected.to_owned()),
        None if error.message().contains("duplicate") => (error.message().to_owned(), "each key once".into()),
        None => (error.message().to_owned(), "TOML".into()),
    };
    ScenarioError::at(text, &span, Problem::Syntax { found, expected })
}
