//! What the window shows, kept on disk: a file for each server and day, readable by its owner alone.
//!
//! Lines are those of `--plain`, with times in UTC: what others chose is made visible in them. They are written by a
//! thread of their own, for a disk may hang; a line for which there is no room waits for nobody and is dropped. What goes
//! wrong is told once and ends nothing: the next line tries again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::sync::mpsc;

use crate::cli::private::{create_folder, private};
use crate::cli::render::plain::Line;
use crate::paths::shown;

/// Lines that wait for the disk: more than a history that arrives at once.
const LINES_QUEUED: usize = 4_096;

/// How long the end of the program waits for the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// Longest part of a server's name in a file's name.
const MAX_NAME: usize = 100;

/// A log that is being written.
#[derive(Debug)]
pub struct ChatLog {
    /// Dropped first, which ends the thread.
    lines: Option<SyncSender<Line>>,
    troubles: mpsc::UnboundedReceiver<String>,
    trouble: mpsc::UnboundedSender<String>,
    has_told: bool,
    /// Closed once everything is written.
    written: Receiver<()>,
}

impl ChatLog {
    /// A log of the chat with `server`, in `folder`.
    pub fn start(folder: PathBuf, server: &str) -> Self {
        let (lines, received) = sync_channel(LINES_QUEUED);
        let (trouble, troubles) = mpsc::unbounded_channel();
        let (writing, written) = channel();
        let (mut days, told) = (Days::new(folder, server), trouble.clone());
        let write = move || {
            let _writing: std::sync::mpsc::Sender<()> = writing;
            let mut is_told = false;
            for line in received {
                if let Err(error) = days.write(&line)
                    && !std::mem::replace(&mut is_told, true)
                {
                    let _ = told.send(error);
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("chat log".to_owned()).spawn(write) {
            let _ = trouble.send(format!("the chat is not logged: {error}"));
        }
        Self { lines: Some(lines), troubles, trouble, has_told: false, written }
    }

    /// Writes a line, sooner or later.
    pub fn write(&mut self, line: Line) {
        let Some(lines) = &self.lines else { return };
        if let Err(TrySendError::Full(_)) = lines.try_send(line)
            && !std::mem::replace(&mut self.has_told, true)
        {
            let _ = self
                .trouble
                .send("the disk is too slow for the log of the chat: lines are missing".to_owned());
        }
    }

    /// The next trouble to be told of.
    pub fn poll_trouble(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        // One sender is ours, so that the queue never ends.
        ready!(self.troubles.poll_recv(cx)).map_or(Poll::Pending, Poll::Ready)
    }
}

impl Drop for ChatLog {
    fn drop(&mut self) {
        self.lines = None;
        let ended = self.written.recv_timeout(PATIENCE);
        if ended == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the end of the chat is not logged: the disk does not answer");
        }
    }
}

/// The files, of which the one of a day is open.
#[derive(Debug)]
struct Days {
    folder: PathBuf,
    /// The server, as a file's name can hold it.
    server: String,
    open: Option<(String, File)>,
}

impl Days {
    fn new(folder: PathBuf, server: &str) -> Self {
        let harmless = |c: char| if c.is_ascii_alphanumeric() || ".-".contains(c) { c } else { '_' };
        let server: String = server.chars().take(MAX_NAME).map(harmless).collect();
        Self { folder, server: server.trim_start_matches('.').to_owned(), open: None }
    }

    fn write(&mut self, line: &Line) -> Result<(), String> {
        // RFC 3339, of which the first ten characters are the day.
        let day = line.at.to_string().get(..10).unwrap_or_default().to_owned();
        let path = self.folder.join(format!("{}-{day}.log", self.server));
        self.append(&path, day, &format!("{line}\n")).map_err(|error| {
            self.open = None;
            format!("the chat is not logged: cannot write {}: {error}", shown(&path))
        })
    }

    fn append(&mut self, path: &Path, day: String, text: &str) -> io::Result<()> {
        let file = match self.open.take() {
            Some((open, file)) if open == day => file,
            _ => {
                create_folder(&self.folder)?;
                private(OpenOptions::new().append(true).create(true)).open(path)?
            }
        };
        let (_, file) = self.open.insert((day, file));
        // One call, so that lines of two windows do not mix.
        file.write_all(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::time::UnixTime;

    use super::*;
    use crate::cli::render::plain::Body;

    const NOON: i64 = 1_795_348_805_123;

    fn line(at: i64, text: &str) -> Line {
        Line::now(UnixTime::from_millis(at), Body::Notice(text.to_owned()))
    }

    #[test]
    fn each_day_has_a_file_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = folder.path().join("logs");
        for text in ["one", "two\n\u{1b}[31m"] {
            let mut log = ChatLog::start(logs.clone(), "[::1]:55000");
            log.write(line(NOON, text));
            log.write(line(NOON + 24 * 60 * 60 * 1000, text));
        }
        let first = logs.join("___1__55000-2026-11-22.log");
        let text = std::fs::read_to_string(&first).expect("there");
        assert_eq!(text, "12:00:05Z -- one\n12:00:05Z -- two\\n\\u{1b}[31m\n");
        assert_eq!(std::fs::read_dir(&logs).expect("there").count(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode(&first), mode(&logs)), (0o600, 0o700));
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_once_and_ends_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let logs = folder.path().join("logs");
        std::fs::write(&logs, "no folder").expect("written");
        let mut log = ChatLog::start(logs.clone(), "h");
        log.write(line(NOON, "one"));
        let trouble = std::future::poll_fn(|cx| log.poll_trouble(cx)).await;
        assert!(
            trouble.starts_with("the chat is not logged: cannot write") && trouble.contains("logs"),
            "{trouble}"
        );
        log.write(line(NOON, "two"));
        std::fs::remove_file(&logs).expect("removed");
        log.write(line(NOON, "three"));
        log.lines = None;
        assert_eq!(log.written.recv(), Err(std::sync::mpsc::RecvError));
        let text = std::fs::read_to_string(logs.join("h-2026-11-22.log")).expect("there");
        assert!(text.ends_with("three\n"), "{text}");
        assert!(log.troubles.try_recv().is_err(), "told once");
    }
}
