//! Engines: what runs a scenario.
//!
//! - [`script`]: what a client's user wants, and when. [`contents`]: what the server shares.
//! - [`turmoil`]: the shipped drivers on simulated hosts.
//! - [`outcome`]: what came of a run.

pub mod contents;
pub mod outcome;
pub mod script;
pub mod shape;
pub mod turmoil;

pub use outcome::RunEnd;
