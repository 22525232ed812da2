//! The terminal of the console: lines in, lines out.
//!
//! A terminal cannot be waited for on every system, so a thread waits, as for the client's standard input. A process in
//! the background must not read from its terminal: the system would stop it, and the server with it. So the thread asks
//! whether there is a line, and then whose turn it is.

use std::io::{self, IsTerminal as _};
#[cfg(unix)]
use std::time::Duration;

use backchat_core::text::is_printable;
use tokio::sync::mpsc;

use crate::cli::logging::{ERASE, Output, Typing};

/// Most bytes of a line that are kept. A terminal hands over fewer at once.
const LINE_MAX: usize = 8 * 1024;

/// Lines that wait to be carried out. An operator sees what each has led to.
const LINES_QUEUED: usize = 4;

/// How often a server in the background, for which something was typed, looks whether it has come to the front: nothing
/// tells it.
#[cfg(unix)]
const BACKGROUND_EVERY: Duration = Duration::from_millis(500);

/// Where an operator types and reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::server) enum Terminal {
    /// Answers are shown on standard error, beside the log.
    Stderr,
    /// Answers are shown on standard output: standard error goes elsewhere.
    Stdout,
}

/// What was typed.
#[derive(Debug)]
pub(super) enum Heard {
    /// A line, without its end.
    Line(String),
    /// Ctrl-D at the beginning of a line.
    End,
}

impl Terminal {
    /// The terminal on standard input, if there is one, and something to show lines on.
    pub(in crate::cli::server) fn find() -> Option<Self> {
        match (io::stdin().is_terminal(), io::stderr().is_terminal(), io::stdout().is_terminal()) {
            (true, true, _) => Some(Self::Stderr),
            (true, false, true) => Some(Self::Stdout),
            _ => None,
        }
    }

    /// What the log has to look out for.
    pub(in crate::cli::server) fn typing(self) -> Typing {
        match self {
            Self::Stderr => Typing::OverTheLog,
            Self::Stdout => Typing::Elsewhere,
        }
    }

    /// Whether it is gone: its window was closed, or the connection to it lost.
    #[cfg(unix)]
    pub(in crate::cli::server) fn is_gone(self) -> bool {
        use rustix::event::{PollFd, PollFlags, poll};
        let stdin = io::stdin();
        let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut polled, Some(&now)).is_ok()
            && polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
    }

    /// Never: nothing tells of it that could be asked for.
    #[cfg(not(unix))]
    pub(in crate::cli::server) fn is_gone(self) -> bool {
        false
    }

    /// Shows lines, all at once, so that nothing comes between.
    pub(super) fn show(self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        let mut text = String::from(ERASE);
        for line in lines {
            debug_assert!(is_printable(line), "{line:?} would act on the terminal");
            text += line;
            text.push('\n');
        }
        // A terminal that is gone is found out by reading; one that Ctrl-S has stopped is not waited for.
        match self {
            Self::Stderr => Output::Stderr.send(text),
            Self::Stdout => Output::Stdout.send(text),
        }
    }

    /// What is typed from now on; the queue closes when the terminal is gone. The thread ends with it or with the
    /// process: nothing joins it, because nothing could interrupt its waiting.
    pub(super) fn listen(self) -> io::Result<mpsc::Receiver<Heard>> {
        let (sender, receiver) = mpsc::channel(LINES_QUEUED);
        std::thread::Builder::new().name("console".to_owned()).spawn(move || hear(&sender))?;
        Ok(receiver)
    }
}

/// Reads lines until the terminal is gone or nobody listens.
fn hear(listener: &mpsc::Sender<Heard>) {
    let mut begun = Vec::new();
    while let Some(bytes) = read() {
        if bytes.is_empty() {
            if listener.blocking_send(Heard::End).is_err() {
                return;
            }
            continue;
        }
        begun.extend(bytes);
        while let Some(end) = begun.iter().position(|byte| *byte == b'\n') {
            let rest = begun.split_off(end + 1);
            let line = std::mem::replace(&mut begun, rest);
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if listener.blocking_send(Heard::Line(line)).is_err() {
                return;
            }
        }
        if begun.len() > LINE_MAX {
            begun.clear();
        }
    }
}

/// What comes next; nothing for Ctrl-D, `None` when the terminal is gone.
#[cfg(unix)]
fn read() -> Option<Vec<u8>> {
    use std::os::fd::AsFd as _;

    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::process::getpgrp;
    use rustix::termios::tcgetpgrp;

    let stdin = io::stdin();
    loop {
        let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut polled, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(_) => return None,
        }
        if polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return None;
        }
        // Where there is no job control there is no background.
        if tcgetpgrp(&stdin).is_ok_and(|foreground| foreground != getpgrp()) {
            std::thread::sleep(BACKGROUND_EVERY);
            continue;
        }
        let mut bytes = vec![0; LINE_MAX];
        // Not through the standard library's buffer: what is in there no `poll` would tell of.
        match rustix::io::read(stdin.as_fd(), &mut bytes) {
            Ok(count) => {
                bytes.truncate(count);
                return Some(bytes);
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
            Err(_) => return None,
        }
    }
}

/// What comes next; `None` when the terminal is gone, or Ctrl-Z says that nothing more comes.
#[cfg(not(unix))]
fn read() -> Option<Vec<u8>> {
    let mut line = String::new();
    match io::stdin().read_line(&mut line) {
        Ok(1..) => Some(line.into_bytes()),
        _ => None,
    }
}
