//! Backchat's simulator: what a run is made of.
//!
//! A run is a pure function of scenario and seed. This crate reads no clock, has no hash order and no randomness but
//! the seed's.
//!
//! # What is where
//! - [`scenario`]: the file that says who does what, over which links, with which faults, and what is expected.
//! - [`link`]: one direction of one path, as a machine that is told what is offered and says what arrives.
//! - [`checker`]: what must hold in every run.
//! - [`cli`]: the command line.
//! - [`engine`]: what runs a scenario.
//! - [`run`]: one run, judged. [`summary`]: what came of it. [`signature`]: what a failure is, whatever its seed.
//! - [`shrink`]: from a failure to the smallest scenario that fails in the same way.
//! - [`marks`]: which situations of the core runs have been in.
//! - [`exhaust`]: every fate of the first packets, and a crash at every event. [`swarm`]: scenarios that nobody wrote.
//! - [`before`]: what led to a failure. [`spent`]: where a download's time went.
//! - [`diff`]: where two traces part, what led there, and what came of it.
//! - [`trace`]: what happened, as typed records in one order. [`offers`]: what was offered to the links.
//! - `workers`: work on several threads, whose results come in the order of the work.
#![forbid(unsafe_code)]

pub mod before;
pub mod checker;
pub mod cli;
pub mod diff;
pub mod engine;
pub mod exhaust;
pub mod link;
pub mod marks;
pub mod offers;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod signature;
pub mod spent;
pub mod summary;
pub mod swarm;
pub mod trace;
pub mod workers;
