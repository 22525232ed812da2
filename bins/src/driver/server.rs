//! The server.
//!
//! - [`serve`]: a server over sockets.
//! - [`ServerLoop`]: its turns, over any outside.
//! - `closing`: connections on their way out.

mod closing;
mod looping;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use backchat_core::chat::{ChatConfig, Limits, Loopback, OperatorError, StoredBan};
use backchat_core::node::{
    Answer, Counters, Order, Server, ServerConfig, ServerEvent, Stats, TransferLimits,
};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use backchat_core::trace::Record;
use tokio::sync::{mpsc, oneshot};

pub(super) use self::looping::SLICES_MAX;
pub use self::looping::ServerLoop;
use super::driven;
use super::outside::Datagrams as _;
use super::sockets::server::ServerSockets;
use crate::files::Share;
use crate::net::{Clock, Entropy, Listener, Udp};

/// How often the core is told what the calendar says: clocks are set.
const WALL_CLOCK_EVERY: Duration = Duration::from_secs(30);

/// The outside of a server.
#[derive(Debug)]
pub struct ServerParts<L, U, F, C, E> {
    /// Where chat connections come from.
    pub listener: L,
    /// The socket that downloads are served from.
    pub udp: U,
    /// What can be downloaded.
    pub share: F,
    /// Time.
    pub clock: C,
    /// Where tickets and tokens come from.
    pub entropy: E,
}

/// What an operator decides.
#[derive(Clone, Debug, Default)]
pub struct ServerSettings {
    /// How much clients may do in the chat.
    pub limits: Limits,
    /// The message of the day.
    pub motd: Option<String>,
    /// What downloads may take.
    pub transfer: TransferLimits,
    /// Where clients find the downloads, when that is not the address that the socket is bound to.
    pub advertise: Option<SocketAddr>,
    /// Whether [`Observer::trace`] is called.
    pub trace: bool,
    /// Who is kept out from the start.
    pub bans: Vec<StoredBan>,
}

/// What an operator, or a signal, wants of a server that runs. A closed channel wants nothing.
#[derive(Debug)]
pub enum Control {
    /// Tell the users, let downloads finish for as long as `grace`, and end. A second one ends the grace.
    Shutdown {
        /// How long.
        grace: Duration,
    },
    /// End at once, without a word.
    Abort,
    /// Take other settings and open the share's folder anew.
    Reload(Box<Reload>),
    /// Do what an operator asks for.
    Operate {
        /// What.
        order: Order,
        /// Where the answer goes, if anybody still waits for it.
        answer: oneshot::Sender<Result<Answer, OperatorError>>,
    },
    /// Say something, when its turn comes: who asks wants to know whether there is one, and when.
    Probe(oneshot::Sender<()>),
    /// Tell what was counted, and what there is.
    Measure(oneshot::Sender<Measures>),
}

/// What was counted, and what there is.
#[derive(Clone, Debug)]
pub struct Measures {
    /// By the core.
    pub stats: Stats,
    /// Datagrams that were not sent because the socket was full.
    pub datagrams_lost: u64,
}

/// Settings that can change while a server runs.
#[derive(Clone, Debug)]
pub struct Reload {
    /// How much clients may do in the chat.
    pub limits: Limits,
    /// The message of the day.
    pub motd: Option<String>,
    /// What downloads may take.
    pub transfer: TransferLimits,
}

/// Who is told what happens: a log, a test, a checker.
pub trait Observer {
    /// Something that an operator wants to read.
    fn event(&mut self, now: Instant, event: ServerEvent) {
        let _ = (now, event);
    }

    /// What an operator has asked for, and what came of it.
    fn operated(&mut self, order: &Order, result: &Result<Answer, OperatorError>) {
        let _ = (order, result);
    }

    /// An observation; only where [`ServerSettings::trace`] asks for them.
    fn trace(&mut self, record: Record) {
        let _ = record;
    }
}

/// Nobody is told.
impl Observer for () {}

/// How a server ended, in good order.
#[derive(Clone, Debug)]
pub struct ServerEnd {
    /// Whether everybody was told.
    pub how: Ending,
    /// What the core has counted.
    pub counters: Counters,
    /// Datagrams that were not sent because the socket was full.
    pub datagrams_lost: u64,
}

/// Whether everybody was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// After [`Control::Shutdown`].
    Stopped,
    /// After [`Control::Abort`].
    Aborted,
}

/// Why a server cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// There is nothing to make tickets of.
    #[error("the system has no entropy for us: {0}")]
    Entropy(io::Error),
    /// No connection will come any more.
    #[error("cannot accept connections any more: {0}")]
    Listener(io::Error),
    /// No datagram will come any more.
    #[error("the socket for downloads is broken: {0}")]
    Udp(io::Error),
}

/// Serves until [`Control::Shutdown`] or [`Control::Abort`]. The caller owns signals, and has bound the sockets.
///
/// # Errors
/// The outside has failed for good.
pub async fn serve<L, U, F, C, E>(
    parts: ServerParts<L, U, F, C, E>,
    settings: ServerSettings,
    control: mpsc::Receiver<Control>,
    observer: &mut impl Observer,
) -> Result<ServerEnd, ServeError>
where
    L: Listener,
    U: Udp,
    F: Share,
    C: Clock,
    E: Entropy,
{
    let ServerParts { listener, udp, share, clock, mut entropy } = parts;
    let seed = Seed::from_entropy(entropy.seed().map_err(ServeError::Entropy)?);
    let config = ServerConfig {
        chat: ChatConfig { limits: settings.limits, motd: settings.motd, at: clock.wall() },
        transfer: settings.transfer,
        udp: settings.advertise.unwrap_or_else(|| udp.local_addr()),
        max_segments: udp.max_segments(),
        trace: settings.trace,
    };
    let now = clock.now();
    let mut server = Server::new(now, config, &seed);
    // On a server that others can reach, loopback may be a tunnel of theirs.
    let is_local = listener.local_addr().ip().is_loopback();
    server.set_loopback(if is_local { Loopback::Exempt } else { Loopback::Counted });
    for ban in settings.bans {
        // Whoever has kept them has kept what a server would take.
        let _ = server.restore_ban(now, ban);
    }
    let mut turns = ServerLoop::new(now, server);
    let mut out = ServerSockets::of_server((listener, udp, share, clock), control, observer);
    let how = driven(|cx| turns.poll_turn(&mut out, cx)).await?;
    Ok(ServerEnd { how, counters: turns.counters().clone(), datagrams_lost: out.datagrams_lost() })
}
