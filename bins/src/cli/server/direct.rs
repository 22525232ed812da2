//! What signals, and operators, want of the loop as a whole: its end, or other settings.

use std::fmt::Display;

use backchat_core::text::visible;
use tokio::sync::{mpsc, oneshot};

use super::notify::Notify;
use crate::cli::config::Config;
use crate::cli::signals::Signal;
use crate::cli::values::Span;
use crate::driver::{Control, Reload};

/// What an operator asks for, and is answered.
#[derive(Debug)]
pub(super) struct Request {
    /// What.
    pub(super) wanted: Wanted,
    /// Where the answer goes, if anybody still waits for it.
    pub(super) answer: oneshot::Sender<Directed>,
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// How long would downloads go on if this were the end?
    Grace,
    /// The configuration and the share, read again.
    Reload,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Directed {
    /// So long.
    Grace(Span),
    /// It was read again; these have changed and wait for the next start.
    Reloaded {
        /// The keys.
        needs_restart: Vec<&'static str>,
    },
    /// Nothing was changed, for this.
    NotReloaded(String),
}

/// Turns signals and requests into commands for the loop, and tells `notify`. `is_orphaned`: the terminal
/// that had a console is gone. `load` reads the configuration again.
pub(super) async fn direct<E: Display>(
    mut signals: mpsc::Receiver<Signal>,
    mut requests: mpsc::Receiver<Request>,
    control: mpsc::Sender<Control>,
    mut config: Config,
    notify: &Notify,
    is_orphaned: impl Fn() -> bool,
    load: impl Fn() -> Result<Config, E>,
) {
    loop {
        // Where nobody can ask any more, there are still signals.
        let command = tokio::select! {
            biased;
            signal = signals.recv() => match signal {
                Some(Signal::End) => Some(end(&config, notify)),
                // The system tells with the same signal that the terminal is gone. A server that somebody had in front
                // of them would go on unseen, and hold its port against the next.
                Some(Signal::Reload) if is_orphaned() => {
                    tracing::info!("the terminal is gone, and the server ends with it");
                    Some(end(&config, notify))
                }
                Some(Signal::Reload) => reload(&mut config, notify, &load).0,
                None => return,
            },
            Some(Request { wanted, answer }) = requests.recv() => {
                let (command, directed) = match wanted {
                    Wanted::Grace => (None, Directed::Grace(config.grace)),
                    Wanted::Reload => reload(&mut config, notify, &load),
                };
                if let Some(command) = command
                    && control.send(command).await.is_err()
                {
                    return;
                }
                let _ = answer.send(directed);
                continue;
            }
        };
        if let Some(command) = command
            && control.send(command).await.is_err()
        {
            return;
        }
    }
}

fn end(config: &Config, notify: &Notify) -> Control {
    let grace = config.grace;
    notify.stopping(grace.duration());
    tracing::info!("stopping: downloads may go on for {grace}; a second signal ends at once");
    Control::Shutdown { grace: grace.duration() }
}

/// What the loop is told, if anything, and what whoever asked is.
fn reload<E: Display>(
    config: &mut Config,
    notify: &Notify,
    load: impl Fn() -> Result<Config, E>,
) -> (Option<Control>, Directed) {
    notify.reloading();
    let loaded = load();
    notify.reloaded();
    let new = match loaded {
        Ok(new) => new,
        Err(error) => {
            let error = visible(&error.to_string()).to_string();
            tracing::error!("nothing was changed: {error}");
            return (None, Directed::NotReloaded(error));
        }
    };
    let needs_restart = config.needs_restart(&new);
    for key in &needs_restart {
        tracing::warn!("{key} has changed: that takes effect with the next start");
    }
    // What cannot change keeps its old value, and is reported again if it is still different.
    config.grace = new.grace;
    config.motd = new.motd;
    config.limits = new.limits;
    config.transfer = new.transfer;
    tracing::info!("the configuration was read again");
    let (limits, motd) = (config.limits.clone(), config.motd.clone());
    let reload = Reload { limits, motd, transfer: config.transfer.clone() };
    (Some(Control::Reload(Box::new(reload))), Directed::Reloaded { needs_restart })
}
