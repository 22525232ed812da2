//! What happened in a run: typed records from the network, the core and the applications, in one total order.
//!
//! A record says when, where and what. Records are put in order by time, then by the order in which they were made; a
//! run has one thread, so there is one order. From the same record come a line of JSON for programs, a line in fixed
//! columns for people, and the bytes that are hashed: nothing is written down twice.
//!
//! - [`event`]: every event, and the tables of what they are called. [`field`]: what a field can be; `name`, `datagram`: texts
//!   and packets.
//! - [`record`]: one record. [`node`]: where. [`TransferMap`]: what is known of each download. [`recorder`]: where records are made, put in order and handed on.
//! - [`json`], [`text`]: the two forms; [`condensed`]: one to be reviewed. [`recorded`]: a recorded trace, back from its lines,
//!   whole or record by record.
//! - `hash`: BLAKE3 over a fixed-width, length-prefixed form.
//!
//! Nothing here decides anything in a run: without a trace the same packets would go the same ways.

pub mod condensed;
mod datagram;
pub mod event;
pub mod field;
mod hash;
pub mod json;
mod name;
pub mod node;
pub mod record;
pub mod recorded;
pub mod recorder;
pub mod text;
mod transfers;

pub use datagram::Datagram;
pub use event::{AppEvent, ChatEvent, CoreEvent, Event, NetEvent, RunEvent, TransferEvent};
pub use name::Name;
pub use node::{Direction, Node, NodeMap};
pub use record::{Header, Record};
pub use recorded::{ReadError, Reading, Recorded, read};
pub use recorder::{Recorder, Sink};
pub use transfers::TransferMap;

/// The version of the format. A reader refuses another. 2: a trace has an end. 3: events are typed, so the hash is of another
/// form; what the server tells has all of its fields.
pub const FORMAT: u64 = 3;
