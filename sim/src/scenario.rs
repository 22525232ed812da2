//! A scenario: who does what, over which links, with which faults, and what is expected.
//!
//! A file is read once, into exact integers: nanoseconds, bytes, bits a second, parts of 2^32. What cannot be is found
//! then and there, with its line and column. docs/SIMULATION.md is the format's reference.
//!
//! There are two forms. A [`File`] is what is written: a group of two hundred clients is one entry. It can be changed
//! and written again. A [`Scenario`] is what is run: every client by itself, with what each direction of its path is
//! like, and every step and fault in the order of its time.
//!
//! # What is where
//! - `file`: the file as a whole. A module for each of its tables, with what it reads and writes: `server`, `clients`,
//!   `transfer`, `links`, `steps`, `faults`, `expect`.
//! - `reader`, `writer`, `values`: TOML, place by place; durations, sizes and rates.
//! - `error`: what is wrong, and where.

mod clients;
mod error;
mod expect;
mod faults;
mod file;
mod links;
mod reader;
mod resolve;
mod server;
mod steps;
mod transfer;
mod values;
mod writer;

#[cfg(test)]
mod tests;

use core::ops::Range;
use core::time::Duration;
use std::sync::Arc;

use backchat_core::chat::{Nickname, Reconnect};
use backchat_core::time::Instant;

use backchat_core::seed::Seed;

use crate::link::{BottleneckPlan, LinkId, Plan, Schedule, Topology};

pub use clients::{Clients, MAX_CLIENTS, Role};
pub use error::{Place, Problem, ScenarioError};
pub use expect::{
    Download, Expect, Failure, MAX_EXPECTED, Message, NOT_TAKEN, Reason, Refusal, Request, Times,
};
pub use faults::{
    Fault, FaultKind, MAX_FAULTS, MAX_FAULTS_TOTAL, MAX_INJECTED, MAX_INJECTED_BYTES, MAX_PACKETS, Node,
    PacketFault,
};
pub use file::{File, MAX_TEXT};
pub use links::{BottleneckName, Direction, LinkName, LinkTable, Links};
pub use server::{MAX_FILE_BYTES, MAX_FILES, Server, SharedFile};
pub use steps::{Action, ActionKind, MAX_SHOWN, MAX_STEPS, MAX_STEPS_DONE, MAX_TEXT_BYTES, Repeat, Step};
pub use transfer::Transfer;
pub use values::MAX_SPAN;
pub(crate) use values::{parse_rate, parse_size, parse_span};

/// A scenario as it is run. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    file: File,
    names: clients::Names,
    clients: Vec<Client>,
    bottlenecks: Vec<BottleneckPlan>,
    steps: Vec<ClientStep>,
    node_faults: Vec<NodeFault>,
}

/// The number of a client in [`Scenario::clients`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub usize);

/// One client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its nickname.
    pub nick: Nickname,
    /// When it starts.
    pub start: Instant,
    /// After how long without a datagram from it the translator of addresses before it forgets it; `None`: never.
    pub nat: Option<Duration>,
    /// Its part in the chat.
    pub role: Role,
    /// For how long it tries to connect again; `None`: to the end of the run.
    pub reconnect: Option<Reconnect>,
    /// The direction from it to the server, with what is done to it.
    pub up: Plan,
    /// The direction from the server to it.
    pub down: Plan,
}

impl Client {
    /// One direction of its path.
    pub const fn plan(&self, direction: Direction) -> &Plan {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// A step of one client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientStep {
    /// When; one that is repeated after it is done, for the first time.
    pub at: Instant,
    /// Who.
    pub client: ClientId,
    /// What.
    pub action: Arc<Action>,
    /// How often in all: above 1, it is done again each time it has ended.
    pub times: u32,
}

/// A fault that concerns a node and not a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFault {
    /// When. A crash ends where the schedule says; a rebind is a moment.
    pub schedule: Schedule,
    /// What.
    pub kind: NodeFaultKind,
}

/// What happens to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFaultKind {
    /// It is gone, as by SIGKILL.
    Crash {
        /// Which client; `None`: the server.
        node: Option<ClientId>,
        /// Whether what was not synced may be gone too.
        power: bool,
    },
    /// It has a new source port.
    Rebind {
        /// Which client.
        client: ClientId,
        /// Whether it has a new address as well.
        addr: bool,
    },
}

impl Scenario {
    /// The scenario that a file's text is.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let (file, names) = File::parse(text)?;
        Ok(resolve::resolve(file, names))
    }

    /// The scenario that a file's bytes are.
    ///
    /// # Errors
    /// As [`Self::parse`]; and bytes that are no UTF-8.
    pub fn parse_bytes(bytes: &[u8]) -> Result<Self, ScenarioError> {
        match core::str::from_utf8(bytes) {
            Ok(text) => Self::parse(text),
            Err(error) => {
                let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
                let place = Place::of(&String::from_utf8_lossy(valid), valid.len());
                let problem =
                    Problem::Syntax { found: "bytes that are no text".into(), expected: "UTF-8".into() };
                Err(ScenarioError { place, problem })
            }
        }
    }

    /// The scenario that `file` is, after it was made or changed: written and read, so that what cannot be is found as
    /// it would be in a file.
    ///
    /// # Errors
    /// As [`Self::parse`]; places are those of [`File::to_toml`].
    pub fn from_file(file: &File) -> Result<Self, ScenarioError> {
        Self::parse(&file.to_toml())
    }

    /// The same with these faults instead of its own. They are not checked: whoever is named and is not there is nobody.
    #[must_use]
    pub fn with_faults(&self, faults: Vec<Fault>) -> Self {
        resolve::resolve(File { faults, ..self.file.clone() }, self.names.clone())
    }

    /// The same without what it expects besides what always holds.
    #[must_use]
    pub fn expecting_nothing(&self) -> Self {
        resolve::resolve(File { expect: Expect::default(), ..self.file.clone() }, self.names.clone())
    }

    /// As it was written.
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// What it is about.
    pub fn about(&self) -> &str {
        &self.file.about
    }

    /// When the run ends.
    pub fn end(&self) -> Instant {
        Instant::ZERO + self.file.duration
    }

    /// From when on all links are clean.
    pub fn heal(&self) -> Option<Instant> {
        self.file.heal.map(|heal: Duration| Instant::ZERO + heal)
    }

    /// Every client, groups spelt out. By name; members of a group by number.
    pub fn clients(&self) -> &[Client] {
        &self.clients
    }

    /// The bottlenecks that several directions may go through, by name.
    pub fn bottlenecks(&self) -> &[BottleneckPlan] {
        &self.bottlenecks
    }

    /// Every direction of every client's path, nothing having happened; [`Self::link_id`] says which is which.
    pub fn topology(&self, seed: &Seed) -> Topology {
        let both = |client: &Client| Direction::BOTH.map(|direction| direction.link_name(&client.nick));
        let directions =
            self.clients.iter().flat_map(|client| both(client).into_iter().zip([&client.up, &client.down]));
        Topology::new(seed, &self.bottlenecks, directions)
    }

    /// The number of a direction of a client's path.
    pub const fn link_id(client: ClientId, direction: Direction) -> LinkId {
        LinkId(client.0 * 2 + direction as usize)
    }

    /// The clients that a name means: one, or those of a group.
    pub fn members(&self, name: &Nickname) -> Range<usize> {
        self.names.members(name).unwrap_or_default()
    }

    /// Every step of every client, by time; at the same time in the order of the file, then of the clients.
    pub fn steps(&self) -> &[ClientStep] {
        &self.steps
    }

    /// The faults of nodes, by the time of their first occurrence, then in the order of the file. Those of links are in
    /// the clients' plans.
    pub fn node_faults(&self) -> &[NodeFault] {
        &self.node_faults
    }
}
