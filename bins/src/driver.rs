//! The loops that join the core with the outside: bytes, time and files in, effects out.
//!
//! A loop is one task. It starts nothing, blocks on nothing and decides nothing of the protocol: it hands each
//! input to the core, carries out each output in order, and waits for the next input or the time that the core
//! named. Everything of the outside is a trait ([`crate::net`], [`crate::files`]), so the loop that ships is the
//! loop that a simulator runs.
//!
//! - [`server`]: [`serve`], many streams and a share.
//! - [`client`]: [`run_client`], one stream, targets, and an [`Application`] above.
//! - [`streams`]: many streams in one task. `datagrams`: sending by the batch.
//! - [`round`]: whose turn it is. [`server::closing`], [`client::commands`]: other parts without a runtime, of which a
//!   simulator makes its own loop.
//!
//! # Order and fairness
//! Every `select!` is `biased;`: without that it picks at random, and a simulated run could not be repeated. What
//! stands first would then starve what stands last, so the waits go in *rounds*: a source that was served is left
//! out until every other that has something was served too, and each does a bounded amount of work at a time.
//!
//! Between two rounds a loop yields, so that its runtime hears of new events. tokio's own budget is switched off
//! for it: when that runs out, after 128 operations of a task, streams say that they take nothing more. A server that
//! writes one message to a few hundred people would hold them for slow readers, and close them.

pub mod application;
pub mod client;
mod datagrams;
pub mod round;
pub mod server;
pub mod streams;

pub use application::{Application, Command, Flow, Receipt, Which};
pub use client::{ClientEnd, ClientError, ClientParts, run_client};
pub use server::{
    Control, Ending, Measures, Observer, Reload, ServeError, ServerEnd, ServerParts, ServerSettings, serve,
};
