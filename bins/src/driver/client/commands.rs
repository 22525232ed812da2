//! What a user wants, as calls of the core.

use std::collections::BTreeSet;

use backchat_core::node::{Client, DownloadError, DownloadId};
use backchat_core::time::Instant;

use crate::driver::application::{Command, Receipt, Which};

/// Hands a command to the core; `running` are the downloads that [`Which::All`] means. What `Finish` and `Quit` mean is
/// for the loop to know.
///
/// # Errors
/// What the core says.
pub(super) fn carry(
    client: &mut Client,
    now: Instant,
    command: &Command,
    running: &BTreeSet<DownloadId>,
) -> Result<Receipt, DownloadError> {
    let request = match command {
        Command::Say { text, action } => client.say(now, text, *action),
        Command::Tell { to, text, action } => client.tell(now, to, text, *action),
        Command::Names => client.names(now),
        Command::Files => client.files(now),
        Command::Nick(nick) => client.nick(now, nick),
        Command::History(count) => client.history(now, Some(*count)),
        Command::Get { request, .. } => return client.get(now, request.clone()).map(Receipt::Download),
        Command::Pause(which) => return each(running, *which, |it| client.pause(now, it)),
        Command::Resume(which) => return each(running, *which, |it| client.resume(now, it)),
        Command::Stop(which) => return each(running, *which, |it| client.stop(now, it)),
        Command::Reconnect => {
            client.reconnect(now)?;
            return Ok(Receipt::Done);
        }
        Command::Finish | Command::Abandon | Command::Quit => return Ok(Receipt::Done),
    };
    Ok(Receipt::Request(request?))
}

/// Does the same to the downloads that are meant.
fn each(
    running: &BTreeSet<DownloadId>,
    which: Which,
    mut command: impl FnMut(DownloadId) -> Result<(), DownloadError>,
) -> Result<Receipt, DownloadError> {
    match which {
        Which::One(download) => command(download)?,
        Which::All => {
            for download in running {
                // One that has just ended is none that anybody could mean.
                match command(*download) {
                    Ok(()) | Err(DownloadError::NoSuchDownload) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
    Ok(Receipt::Done)
}
