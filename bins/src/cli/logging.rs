//! The log, on standard error: standard output belongs to what was asked for.

use std::fmt::Display;
use std::io::{self, Write as _};

use tracing_subscriber::EnvFilter;

use super::args::{Environment, LogFormat};
use backchat_core::text::visible;

/// Takes the cursor to the beginning of its line and clears that line: what was typed there and not sent is still in
/// the terminal, which shows it again for Ctrl-R.
pub const ERASE: &str = "\r\x1b[K";

/// Whether somebody types where the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Nobody, or somewhere else.
    Elsewhere,
    /// A line of the log that came behind half a command would be read by nobody: it takes its place.
    OverTheLog,
}

/// Standard error, a line at a time.
struct Lines(Typing);

impl io::Write for Lines {
    /// One call is one event: it is written as a whole, so that nobody's line begins within it.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        match self.0 {
            Typing::Elsewhere => io::stderr().write_all(event)?,
            Typing::OverTheLog => io::stderr().write_all(&[ERASE.as_bytes(), event].concat())?,
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Tells why a program ends. A standard error that is full or closed is no reason to end in another way.
///
/// Words of a server are a [`Text`](backchat_core::chat::Text) and visible already; those of the system quote paths and
/// arguments, which somebody else may have chosen as well. Line feeds are ours: a report on a configuration has some.
pub fn complain(why: &dyn Display) {
    let lines: Vec<String> = why.to_string().split('\n').map(|line| visible(line).to_string()).collect();
    let _ = io::stderr().write_all(format!("error: {}\n", lines.join("\n")).as_bytes());
}

/// Writes from now on what `RUST_LOG` asks for, else what `default` does. Once in a process.
///
/// A filter that cannot be read must not keep a server from starting; it is told in the log.
pub fn start(environment: &Environment, default: &str, format: LogFormat, typing: Typing) {
    let asked = environment.raw("RUST_LOG").map(|filter| filter.to_string_lossy().into_owned());
    let parsed = asked.as_deref().map(EnvFilter::try_new);
    let (filter, trouble) = match parsed {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
        None => (EnvFilter::new(default), None),
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Lines(typing))
        .with_ansi(false)
        // It would tell on standard error that standard error is broken, and panic.
        .log_internal_errors(false);
    // Somebody else's subscriber, in a test, is as good.
    let _ = match format {
        LogFormat::Text => log.with_target(false).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    if let Some(error) = trouble {
        let filter = asked.unwrap_or_default();
        tracing::warn!("RUST_LOG is '{}', which is no filter ({error}): logging {default}", visible(&filter));
    }
}
