//! The loops that join the core with the outside: bytes, time and files in, effects out.
//!
//! A loop is one task. It starts nothing, blocks on nothing and decides nothing of the protocol: each turn it hands the
//! inputs that are there to the core, carries out each output in order, and waits for the next input or the time that
//! the core named. It is a machine without a runtime, over an [`outside`]: real sockets and simulated ones under tokio,
//! and the simulator's event queue, call the same turns. The loop that ships is the loop that is simulated.
//!
//! - [`server`]: [`serve`] and [`ServerLoop`]. [`client`]: [`run_client`], [`ClientLoop`], and an [`Application`] above.
//! - [`outside`]: what a loop asks of the world. [`sockets`]: the world under tokio.
//! - [`round`]: the sources of a loop, and which of them were served.
//!
//! # Order and fairness
//! Sources are looked at in a fixed order, so that a simulated run can be repeated. The first would then starve the
//! last, so the waits go in *rounds*: a source that was served is left out until every other that has something was
//! served too, and each does a bounded amount of work at a time.
//!
//! Between two rounds a loop yields, so that its runtime hears of new events. tokio's own budget is switched off
//! for it: when that runs out, after 128 operations of a task, streams say that they take nothing more. A server that
//! writes one message to a few hundred people would hold them for slow readers, and close them.

pub mod application;
pub mod client;
pub mod outside;
pub mod round;
pub mod server;
pub mod sockets;

use std::future::poll_fn;
use std::task::{Context, Poll};

use tokio::task::{unconstrained, yield_now};

pub use application::{Application, Command, Flow, Receipt, Which};
pub use client::{ClientEnd, ClientError, ClientLoop, ClientParts, run_client};
pub use round::Turn;
pub use server::{
    Control, Ending, Measures, Observer, Reload, ServeError, ServerEnd, ServerLoop, ServerParts,
    ServerSettings, serve,
};

/// Gives a loop turns until it ends.
async fn driven<E, R>(mut turn: impl FnMut(&mut Context<'_>) -> Poll<Result<Turn<E>, R>>) -> Result<E, R> {
    unconstrained(async {
        loop {
            match poll_fn(&mut turn).await? {
                Turn::Again => yield_now().await,
                Turn::Ended(end) => return Ok(end),
            }
        }
    })
    .await
}
