//! Signals of the operating system, as values in a queue.
//!
//! What this process was started with as ignored (`nohup`, `trap '' INT`) does not end it. A server whose terminal is closed
//! has lost its operator, who cannot see that it still holds the port: it ends. `nohup`, or a service manager, is the way to
//! have one that goes on, and SIGHUP then still has it read its configuration again.
//!
//! The first interrupt asks; a second one does not: it ends the process at once, whatever is going on, because a
//! person who presses Ctrl-C twice has waited long enough.

#[cfg(unix)]
mod ignored;

use std::io::IsTerminal as _;

use tokio::sync::mpsc;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, or SIGTERM: end.
    End,
    /// SIGHUP: read the configuration again.
    Reload,
}

/// What SIGHUP means: a server reads its configuration again, a client has lost its terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// [`Signal::Reload`].
    Reload,
    /// [`Signal::End`].
    End,
}

/// Signals that wait to be looked at. One would do for [`Signal::End`], and reloads that wait are one reload.
const SIGNALS_QUEUED: usize = 4;

/// Listens from now on, on a task of the runtime that this is called in. A second [`Signal::End`] ends the process
/// with `at_once`.
pub fn listen(hangup: Hangup, at_once: u8) -> std::io::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(SIGNALS_QUEUED);
    let mut source = Source::new(hangup)?;
    let ends_with_terminal = std::io::stdin().is_terminal() && !source.is_hangup_ignored;
    tokio::spawn(async move {
        let mut has_ended = false;
        loop {
            let signal = match (source.next().await, hangup) {
                // A terminal that is gone is none any more.
                (Raw::Hangup, Hangup::Reload) if !ends_with_terminal || std::io::stdin().is_terminal() => {
                    Signal::Reload
                }
                (Raw::Hangup | Raw::Interrupt, _) => Signal::End,
            };
            if signal == Signal::End && std::mem::replace(&mut has_ended, true) {
                std::process::exit(i32::from(at_once));
            }
            // A full queue holds what this one would say.
            let _ = sender.try_send(signal);
        }
    });
    Ok(receiver)
}

/// Asks this process to end as SIGTERM does.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn end() -> std::io::Result<()> {
    use rustix::process::{Signal, getpid, kill_process};
    Ok(kill_process(getpid(), Signal::TERM)?)
}

/// Asks this process to end as Ctrl-C does.
///
/// # Errors
/// None.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
pub fn end() -> std::io::Result<()> {
    ASKED.notify_one();
    Ok(())
}

/// Set off by [`end`]: Windows has no signals that a process sends itself.
#[cfg(not(unix))]
static ASKED: tokio::sync::Notify = tokio::sync::Notify::const_new();

/// A signal before it means anything.
enum Raw {
    Interrupt,
    #[cfg_attr(not(unix), expect(dead_code, reason = "Windows has none"))]
    Hangup,
}

#[cfg(unix)]
struct Source {
    /// `None` where it was ignored from the start.
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: tokio::signal::unix::Signal,
    /// `None` where it would end us and was ignored from the start.
    hangup: Option<tokio::signal::unix::Signal>,
    is_hangup_ignored: bool,
}

#[cfg(unix)]
impl Source {
    fn new(hangup: Hangup) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // A file that grows above the user's limit is an error of that file. Unless somebody listens, the signal that
        // comes with the error ends the process.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
        let ignored = ignored::Ignored::of_process();
        let unless = |is_ignored: bool, kind| (!is_ignored).then(|| signal(kind)).transpose();
        Ok(Self {
            interrupt: unless(ignored.interrupt, SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: unless(ignored.hangup && hangup == Hangup::End, SignalKind::hangup())?,
            is_hangup_ignored: ignored.hangup,
        })
    }

    async fn next(&mut self) -> Raw {
        async fn recv(signal: &mut Option<tokio::signal::unix::Signal>) {
            match signal {
                Some(signal) => drop(signal.recv().await),
                None => std::future::pending().await,
            }
        }
        tokio::select! {
            biased;
            () = recv(&mut self.interrupt) => Raw::Interrupt,
            _ = self.terminate.recv() => Raw::Interrupt,
            () = recv(&mut self.hangup) => Raw::Hangup,
        }
    }
}

#[cfg(not(unix))]
struct Source {
    is_hangup_ignored: bool,
}

#[cfg(not(unix))]
impl Source {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn new(_: Hangup) -> std::io::Result<Self> {
        Ok(Self { is_hangup_ignored: false })
    }

    async fn next(&mut self) -> Raw {
        tokio::select! {
            biased;
            () = ASKED.notified() => Raw::Interrupt,
            Ok(()) = tokio::signal::ctrl_c() => Raw::Interrupt,
            else => std::future::pending().await,
        }
    }
}
