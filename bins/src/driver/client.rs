//! The client's loop.
//!
//! - [`run_client`]: waits, and hands each input to the core.
//! - [`commands`]: what a user wants, as calls of the core. `running`: carries out what the core and the application
//!   want done.

pub mod commands;
mod running;

use std::future::pending;
use std::io;
use std::time::Duration;

use backchat_core::node::{Client, ClientConfig, Counters};
use backchat_core::seed::Seed;
use tokio::task::yield_now;

pub use self::running::READS_PER_TURN;
use self::running::Running;
use super::application::Application;
use super::round::{Round, Source};
use crate::files::Targets;
use crate::net::{Batch, Clock, DIAL_TIMEOUT, Entropy, Network, Udp};

/// How long a connection may take. A host that swallows packets would hold a client for two minutes otherwise (Linux
/// repeats a SYN six times); within this it is sent four times.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const _: () =
    assert!(DIAL_TIMEOUT.as_millis() < CONNECT_TIMEOUT.as_millis(), "what the network says is more exact");

/// Datagrams that are kept until there is a socket: the first of each download, and a few repeats.
pub const EARLY_MAX: usize = 16;

/// How many bytes may be in flight so that a socket with this buffer, in the system's own count, holds them: three
/// eighths, since single packets cost more than twice their payload and nobody knows how many share a buffer.
pub fn receive_window(buffer: usize) -> u64 {
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
    // See "Order and fairness" in the overview: this loop bounds its own work.
    tokio::task::unconstrained(run(parts, config, application)).await
}

async fn run<N, T, C, E>(
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
    let mut running: Running<'_, N, T, _> = Running::new(Client::new(config, &seed), targets, application);
    let mut batch = Batch::new();
    let mut round = Round::default();
    let mut connecting = None;
    let mut binding = None;
    running.start(clock.now());
    loop {
        let deadline = running.drain(clock.now());
        if running.has_ended() {
            return Ok(running.end());
        }
        if running.take_connect() {
            let until = clock.now() + CONNECT_TIMEOUT;
            let (network, clock) = (&network, &clock);
            connecting = Some(Box::pin(async move {
                tokio::select! {
                    biased;
                    result = network.connect() => result,
                    () = clock.sleep_until(until) => Err(io::ErrorKind::TimedOut.into()),
                }
            }));
        }
        if let Some(server) = running.take_bind() {
            binding = Some(Box::pin(network.bind_udp(server)));
        }
        let due = async {
            match deadline {
                Some(at) if at > clock.now() => clock.sleep_until(at).await,
                Some(_) => {}
                None => pending().await,
            }
        };
        let connected = async {
            match &mut connecting {
                Some(connecting) => connecting.await,
                None => pending().await,
            }
        };
        let bound = async {
            match &mut binding {
                Some(binding) => binding.await,
                None => pending().await,
            }
        };
        let readable = async {
            match &running.udp {
                Some(udp) => udp.readable().await,
                None => pending().await,
            }
        };
        let writable = async {
            match &running.udp {
                Some(udp) => udp.writable().await,
                None => pending().await,
            }
        };
        let source = tokio::select! {
            biased;
            command = running.application.command(), if round.may(Source::Control) => {
                running.command(clock.now(), command);
                Source::Control
            }
            () = due, if round.may(Source::Timer) => {
                running.timeout(clock.now());
                Source::Timer
            }
            completion = running.targets.next(), if round.may(Source::Files) => {
                running.completion(clock.now(), completion);
                Source::Files
            }
            result = readable, if round.may(Source::Received) => {
                running.receive(&result, &mut batch, &clock);
                Source::Received
            }
            _ = writable, if running.outgoing.is_blocked() && round.may(Source::Writable) => {
                running.writable();
                Source::Writable
            }
            stream = running.streams.next(), if round.may(Source::Streams) => {
                running.read(stream, &clock);
                Source::Streams
            }
            result = connected, if round.may(Source::Connect) => {
                connecting = None;
                running.connected(clock.now(), result);
                Source::Connect
            }
            result = bound, if round.may(Source::Bind) => {
                binding = None;
                running.bound(clock.now(), result);
                Source::Bind
            }
            () = std::future::ready(()), if round.has_begun() => {
                round = Round::default();
                yield_now().await;
                continue;
            }
        };
        round.served(source);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_sockets_window_is_what_was_measured_to_fit() {
        assert_eq!(receive_window(425_984), 159_744);
    }
}
