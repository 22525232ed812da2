//! What nodes are made of, in every engine.

use core::time::Duration;

use backchat_core::chat::{ClientConfig as ChatConfig, JoinAs, Reconnect};
use backchat_core::node::ClientConfig;
use backchat_core::seed::Seed;
use backchat_core::time::{Instant, UnixTime};

use crate::scenario::{Client, Role};

/// When every run begins, for the calendar: 2026-01-01T00:00:00Z.
pub(super) const EPOCH: UnixTime = UnixTime::from_millis(1_767_225_600_000);

/// How long a run goes on, beyond the longest round trip, when everything has been done.
pub(super) const LINGER: Duration = Duration::from_millis(20);

/// How long the end may take: clients that leave, a server that stops.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(30);

/// How long the server lets downloads finish at the end; everything has ended by then, or has failed.
pub(super) const GRACE: Duration = Duration::ZERO;

/// What the `life`th life of `host` has for entropy.
pub(super) fn entropy(seed: &Seed, host: &str, life: u64) -> [u8; 32] {
    seed.child(&format!("host {host} life {life}")).stream("entropy").bytes()
}

/// The calendar's time at an instant of the run.
pub(super) fn wall(now: Instant) -> UnixTime {
    EPOCH.saturating_add(now - Instant::ZERO)
}

/// A client of the scenario, which goes on trying to connect for as long as `patience` where nothing else is said.
pub(super) fn client_config(client: &Client, patience: Duration) -> ClientConfig {
    let join = match client.role {
        Role::Visitor => None,
        Role::Member { resume, history } => Some(JoinAs { nick: client.nick.clone(), history, resume }),
    };
    let reconnect = client.reconnect.unwrap_or(Reconnect::For(patience));
    let chat = ChatConfig { join, reconnect, retry_first: true };
    ClientConfig { trace: true, ..ClientConfig::new(chat) }
}
