//! `demo`: the tour. A session over real sockets of this machine, then the same session in a simulation that loses one
//! packet of ten, which can be seen again as often as one likes.
//!
//! - [`screen`]: two chats side by side, on a terminal or in a pipe.
//! - [`loopback`]: the first half. [`simulated`]: the second.

mod loopback;
mod screen;
mod simulated;

use std::io;
use std::time::Duration;

use backchat::cli::signals::{self, Hangup};

use self::screen::Screen;
use super::args::DemoArgs;
use super::exit::{Exit, Trouble};

/// Those who chat; each has a column.
const PEOPLE: [&str; 2] = ["ann", "bob"];

/// How long files that are being written may take when it is over. Then the folder goes.
const LAST_WRITES: Duration = Duration::from_secs(1);

pub(super) fn demo(args: &DemoArgs) -> Result<Exit, Trouble> {
    let failed = |error: io::Error| Trouble::Demo(error.to_string());
    // Everything that the tour writes is in here, and goes with it, however it ends.
    let folder = tempfile::tempdir().map_err(failed)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let end = runtime.block_on(async {
        let mut interrupted = signals::listen(Hangup::End, Exit::Interrupted.code()).map_err(failed)?;
        let mut screen = Screen::of_stdout(PEOPLE);
        let end = tokio::select! {
            biased;
            _ = interrupted.recv() => None,
            end = tour(&mut screen, folder.path(), args.seed) => Some(end),
        };
        screen.clear_bar();
        end.unwrap_or(Err(Trouble::Interrupted))
    });
    runtime.shutdown_timeout(LAST_WRITES);
    folder.close().map_err(failed)?;
    end
}

async fn tour(screen: &mut Screen, folder: &std::path::Path, seed: u64) -> Result<Exit, Trouble> {
    screen.heading("1. On this machine: a real server, two clients, TCP and UDP on loopback")?;
    loopback::session(screen, folder).await?;
    screen.heading("2. The same in a simulation, where one packet of ten is lost each way")?;
    simulated::session(screen, seed).await
}
