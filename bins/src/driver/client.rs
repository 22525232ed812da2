//! The client.
//!
//! - [`run_client`]: a client over sockets.
//! - [`ClientLoop`]: its turns, over any outside.
//! - `commands`: what a user wants, as calls of the core.

mod commands;
mod looping;

use std::io;
use std::task::Context;
use std::time::Duration;

use backchat_core::node::{Client, ClientConfig, Counters};
use backchat_core::seed::Seed;

pub use self::looping::ClientLoop;
use super::application::Application;
use super::driven;
use super::outside::Datagrams as _;
use super::sockets::client::ClientSockets;
use crate::files::Targets;
use crate::net::{Clock, DIAL_TIMEOUT, Entropy, Network};

/// How long a connection may take. A host that swallows packets would hold a client for two minutes otherwise (Linux
/// repeats a SYN six times); within this it is sent four times.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const _: () =
    assert!(DIAL_TIMEOUT.as_millis() < CONNECT_TIMEOUT.as_millis(), "what the network says is more exact");

/// Datagrams that are kept until there is a socket: the first of each download, and a few repeats.
const EARLY_MAX: usize = 16;

/// How many bytes may be in flight so that a socket with this buffer, in the system's own count, holds them: three
/// eighths, since single packets cost more than twice their payload and nobody knows how many share a buffer.
fn receive_window(buffer: usize) -> u64 {
    (buffer as u64) * 3 / 8
}

/// The outside of a client.
#[derive(Debug)]
pub struct ClientParts<N, T, C, E> {
    /// The ways to the server.
    pub network: N,
    /// Where downloads are written.
    pub targets: T,
    /// Time.
    pub clock: C,
    /// Where request ids and waits between attempts come from.
    pub entropy: E,
}

/// How a client ended, in good order.
#[derive(Clone, Debug)]
pub struct ClientEnd {
    /// What the core has counted.
    pub counters: Counters,
    /// Datagrams that were not sent because the socket was full or not there yet.
    pub datagrams_lost: u64,
}

/// Why a client cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// There is nothing to make nonces of.
    #[error("the system has no entropy for us: {0}")]
    Entropy(io::Error),
}

/// Runs until the application wants to end: [`Command::Quit`](super::Command::Quit),
/// [`Command::Finish`](super::Command::Finish) or [`Flow::Exit`](super::Flow::Exit). That a connection is lost, a
/// server refuses or a disk is full ends nothing here: the application is told and decides.
///
/// When it returns, no file is open and everything that happened was told.
///
/// # Errors
/// Nothing could be begun.
pub async fn run_client<N, T, C, E>(
    parts: ClientParts<N, T, C, E>,
    config: ClientConfig,
    application: &mut impl Application,
) -> Result<ClientEnd, ClientError>
where
    N: Network,
    T: Targets<Content = Vec<u8>>,
    C: Clock,
    E: Entropy,
{
    let ClientParts { network, targets, clock, mut entropy } = parts;
    let seed = Seed::from_entropy(entropy.seed().map_err(ClientError::Entropy)?);
    let mut turns = ClientLoop::new(clock.now(), Client::new(config, &seed));
    let mut out = ClientSockets::of_client((network, targets, clock), application);
    let turn = |cx: &mut Context<'_>| turns.poll_turn(&mut out, cx).map(Ok::<_, ClientError>);
    driven(turn).await?;
    let datagrams_lost = out.datagrams_lost() + turns.without_socket();
    Ok(ClientEnd { counters: turns.counters().clone(), datagrams_lost })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_sockets_window_is_what_was_measured_to_fit() {
        assert_eq!(receive_window(425_984), 159_744);
    }
}
