//! SIGINT and SIGTERM, as a question that whoever works for long asks between two pieces of work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::{Exit, Trouble};

/// Set by the first signal. A second one ends the process at once: the handler stays.
static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether somebody listens.
static LISTENING: OnceLock<()> = OnceLock::new();

/// Listens from now on.
///
/// # Errors
/// The system has no thread or no handler left.
pub(super) fn listen() -> Result<(), Trouble> {
    if LISTENING.set(()).is_err() {
        return Ok(());
    }
    let cannot = Trouble::Signals;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(cannot)?;
    let mut signals = {
        let _guard = runtime.enter();
        Signals::new().map_err(cannot)?
    };
    let wait = move || {
        runtime.block_on(async {
            signals.next().await;
            ASKED.store(true, Ordering::Relaxed);
            signals.next().await;
            std::process::exit(i32::from(Exit::Interrupted.code()));
        });
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map_err(cannot)?;
    Ok(())
}

/// Whether a signal has asked for the end.
pub(super) fn is_asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            biased;
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
