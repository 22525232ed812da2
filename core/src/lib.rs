//! Backchat's protocol: chat sessions over streams and file downloads over datagrams, as state machines.
//!
//! This crate is *sans-IO*. It opens no socket, reads no clock, draws no entropy and starts no task. Time,
//! entropy and bytes come in as arguments; effects go out as values, in one queue, so that they have one total
//! order. Who holds the other end, real sockets or a simulated network, is a *driver*.
//!
//! # How it is driven
//! Mutate, drain, mutate: call one `handle_*`, then `poll_output` until it answers `Timeout`, carry out each
//! output as it comes, then wait for the next input or for the time that `Timeout` named.
//!
//! # What is where
//! - [`time`], [`seed`], [`text`], [`hex`], [`queue`]: the small things that everything stands on.
//!
//! # What it promises
//! No input from a peer panics, is believed unchecked, or makes memory grow without a named bound. Misuse by the
//! caller is an error value. The same inputs give the same outputs, on every platform.
#![forbid(unsafe_code)]

#[macro_use]
pub mod mutants;
#[macro_use]
pub mod trace;

pub mod chat;
mod from_text;
pub mod hex;
pub mod histogram;
pub mod node;
pub mod queue;
pub mod seed;
pub mod text;
pub mod time;
pub mod transfer;
pub mod wire;
