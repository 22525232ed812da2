//! The log, on standard error: standard output belongs to what was asked for.
//!
//! Nothing here waits for a reader, so that a log that nobody reads never stops who writes it: `writer` has the queue
//! and what becomes of lines that it has no room for.

mod writer;

use std::fmt::Display;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{DefaultFields, Format};
use tracing_subscriber::fmt::{MakeWriter, SubscriberBuilder};

use self::writer::Writer;
use super::args::{Environment, LogFormat};
use backchat_core::text::visible;

/// Takes the cursor to the beginning of its line and clears that line: what was typed there and not sent is still in
/// the terminal, which shows it again for Ctrl-R.
pub const ERASE: &str = "\r\x1b[K";

/// How long the end of a process waits for the last lines to be written. A reader that is alive takes less; one that
/// is not must not keep a process from ending.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Whether somebody types where the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Nobody, or somewhere else.
    Elsewhere,
    /// A line of the log that came behind half a command would be read by nobody: it takes its place.
    OverTheLog,
}

/// An output of the process that is never waited for: what it does not take is dropped and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

static STDOUT: OnceLock<Option<Writer>> = OnceLock::new();
static STDERR: OnceLock<Option<Writer>> = OnceLock::new();

impl Output {
    /// Writes `text` as a whole, so that nobody's line begins within it, soon or never.
    pub fn send(self, text: impl Into<Vec<u8>>) {
        let text = text.into();
        match self.writer() {
            Some(writer) => writer.send(text),
            // There are no threads: then everything else will not go on for long either.
            None => {
                let _ = match self {
                    Self::Stdout => io::stdout().write_all(&text),
                    Self::Stderr => io::stderr().write_all(&text),
                };
            }
        }
    }

    fn writer(self) -> Option<&'static Writer> {
        match self {
            Self::Stdout => STDOUT.get_or_init(|| Writer::start("stdout", io::stdout(), in_words).ok()),
            Self::Stderr => STDERR.get_or_init(|| Writer::start("stderr", io::stderr(), in_words).ok()),
        }
        .as_ref()
    }
}

impl io::Write for Output {
    /// One call is one text that is written as a whole.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.send(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits for the last lines when it is dropped, for a bounded time.
#[derive(Debug)]
#[must_use = "the last lines are lost where nobody waits for them"]
pub struct LastLines(());

impl Drop for LastLines {
    fn drop(&mut self) {
        flush();
    }
}

/// Lines will be said that somebody is to wait for.
pub fn last_lines() -> LastLines {
    LastLines(())
}

/// Waits, at the end of the process, until everything is written that was said: [`LAST_LINES`], however often and for
/// however many outputs this is called.
pub fn flush() {
    static UNTIL: OnceLock<Instant> = OnceLock::new();
    let until = *UNTIL.get_or_init(|| Instant::now() + LAST_LINES);
    for output in [&STDOUT, &STDERR] {
        if let Some(Some(writer)) = output.get() {
            writer.flush(until.saturating_duration_since(Instant::now()));
        }
    }
}

/// Lines that were dropped, of both outputs, because nobody read them or a disk was full.
pub fn lost() -> u64 {
    let lost = |output: &OnceLock<Option<Writer>>| output.get().and_then(Option::as_ref).map(Writer::lost);
    lost(&STDOUT).unwrap_or_default() + lost(&STDERR).unwrap_or_default()
}

/// Tells why a program ends. A standard error that is full or closed is no reason to end in another way.
///
/// Words of a server are a [`Text`](backchat_core::chat::Text) and visible already; those of the system quote paths and
/// arguments, which somebody else may have chosen as well. Line feeds are ours: a report on a configuration has some.
pub fn complain(why: &dyn Display) {
    let lines: Vec<String> = why.to_string().split('\n').map(|line| visible(line).to_string()).collect();
    Output::Stderr.send(format!("error: {}\n", lines.join("\n")));
    flush();
}

/// Tells what somebody should look at, and no program ends for.
pub fn warn(what: &dyn Display) {
    Output::Stderr.send(format!("warning: {what}\n"));
}

/// Writes from now on what `RUST_LOG` asks for, else what `default` does. Once in a process.
///
/// A filter that cannot be read must not keep a server from starting; it is told in the log.
pub fn start(environment: &Environment, default: &str, format: LogFormat, typing: Typing) -> LastLines {
    let asked = environment.raw("RUST_LOG").map(|filter| filter.to_string_lossy().into_owned());
    let parsed = asked.as_deref().map(EnvFilter::try_new);
    let (filter, trouble) = match parsed {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(default), Some(error)),
        None => (EnvFilter::new(default), None),
    };
    if let Some(writer) = Output::Stderr.writer() {
        writer.set_notice(match format {
            LogFormat::Text => in_text,
            LogFormat::Json => in_json,
        });
    }
    let make = move || Lines(typing);
    // Somebody else's subscriber, in a test, is as good.
    let _ = match format {
        LogFormat::Text => tracing::subscriber::set_global_default(text(filter, make)),
        LogFormat::Json => tracing::subscriber::set_global_default(json(filter, make)),
    };
    if let Some(error) = trouble {
        let filter = asked.unwrap_or_default();
        tracing::warn!("RUST_LOG is '{}', which is no filter ({error}): logging {default}", visible(&filter));
    }
    last_lines()
}

/// Standard error, an event at a time.
struct Lines(Typing);

impl io::Write for Lines {
    /// One call is one event.
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        match self.0 {
            Typing::Elsewhere => Output::Stderr.send(event),
            Typing::OverTheLog => Output::Stderr.send([ERASE.as_bytes(), event].concat()),
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How the log looks, for people.
fn text<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    plain(filter, writer).with_target(false).finish()
}

/// How the log looks, for programs.
fn json<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    plain(filter, writer).json().flatten_event(true).finish()
}

/// The parts that both have.
fn plain<W>(filter: EnvFilter, writer: W) -> SubscriberBuilder<DefaultFields, Format, EnvFilter, W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        // It would tell on standard error that standard error is broken, and panic.
        .log_internal_errors(false)
}

/// The notice of a gap where there is no log.
fn in_words(lost: u64) -> Vec<u8> {
    format!("({lost} lines were lost here: they came faster than they were read)\n").into_bytes()
}

/// The notice of a gap as a line of the log.
fn in_text(lost: u64) -> Vec<u8> {
    event(lost, |filter, lines| tracing::Dispatch::new(text(filter, lines)))
}

/// The same, for programs.
fn in_json(lost: u64) -> Vec<u8> {
    event(lost, |filter, lines| tracing::Dispatch::new(json(filter, lines)))
}

fn event(lost: u64, log: impl FnOnce(EnvFilter, Kept) -> tracing::Dispatch) -> Vec<u8> {
    let kept = Kept::default();
    let log = log(EnvFilter::new("warn"), kept.clone());
    tracing::dispatcher::with_default(&log, || {
        tracing::warn!(lost, "lines of the log were lost here: they came faster than they were read");
    });
    std::mem::take(&mut *kept.0.lock().unwrap_or_else(PoisonError::into_inner))
}

/// An event, kept.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_a_line_of_the_log_in_its_format() {
        let text = String::from_utf8(in_text(7)).expect("a text");
        assert!(
            text.contains(" WARN lines of the log were lost here: ") && text.ends_with(" lost=7\n"),
            "{text:?}"
        );
        let json: serde_json::Value = serde_json::from_slice(&in_json(7)).expect("an object");
        assert_eq!((&json["level"], &json["lost"]), (&"WARN".into(), &7.into()), "{json}");
    }
}
