//! Engines: what runs a scenario.
//!
//! - [`turmoil`]: the shipped drivers on simulated hosts. [`direct`]: core's machines alone, in exact virtual time.
//! - What is the same in every engine: [`script`], what a client's user wants, and when; `user`, who wants it and is
//!   told what came of it. [`contents`], what the server shares; `pieces`, files without their bytes. `network`, who is
//!   where and what links do to datagrams. `node`, what they are made of; `faults`, when nodes are killed and moved.
//!   [`shape`], what a trace says of its scenario.
//! - [`outcome`]: what came of a run.

pub mod contents;
pub mod direct;
mod faults;
mod network;
mod node;
pub mod outcome;
mod pieces;
pub mod script;
pub mod shape;
pub mod turmoil;
mod user;

pub use outcome::RunEnd;
