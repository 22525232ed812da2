//! How an application speaks: in lines or in objects, with bars beside them, to wherever its output goes.
//!
//! Writing waits for a reader that is slow: a terminal that is stopped stops the client, which the server then treats
//! as any slow reader, and which comes back. What is closed is another matter: the client ends without a word, as
//! `head` expects.

use std::io::{self, Write};
use std::time::SystemTime;

use backchat_core::chat::ServerFrame;
use backchat_core::text::visible;
use backchat_core::time::{Instant, UnixTime};
use indicatif::ProgressDrawTarget;

use super::bars::Bars;
use crate::app::downloads::Report;
use crate::app::end::{self, End};
use crate::app::happening::Happening;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::input::commands;
use crate::cli::render::json::{self, Event};
use crate::cli::render::plain;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Lines for people.
    Plain,
    /// Objects for programs.
    Json,
}

/// Writes what happens.
pub struct Voice {
    style: Style,
    out: Box<dyn Write + Send>,
    clock: fn() -> UnixTime,
    bars: Bars,
    /// Why nothing more can be written.
    broken: Option<io::Error>,
}

impl Voice {
    /// Writes to `out`.
    pub fn new(style: Style, out: impl Write + Send + 'static) -> Self {
        Self { style, out: Box::new(out), clock: wall_clock, bars: Bars::hidden(), broken: None }
    }

    /// The same, with bars on standard error where that is a terminal.
    #[must_use]
    pub fn with_bars(self) -> Self {
        // indicatif hides them itself where nobody would see them.
        Self { bars: Bars::new(ProgressDrawTarget::stderr()), ..self }
    }

    /// The same, at a time that is always the same.
    #[cfg(test)]
    pub(super) fn at(self, clock: fn() -> UnixTime) -> Self {
        Self { clock, ..self }
    }

    /// How it writes.
    pub fn style(&self) -> Style {
        self.style
    }

    /// Whether nothing more can be written, so that there is no use in going on.
    pub fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// What the end of the output means: nothing when the reader just went, else a failure.
    pub fn failure(&self) -> Option<Failure> {
        let error = self.broken.as_ref()?;
        let quiet = error.kind() == io::ErrorKind::BrokenPipe;
        (!quiet).then(|| Failure::new(Exit::Local, format!("cannot write to standard output: {error}")))
    }

    /// A line, whatever the style. Frames and objects hold nothing that a terminal acts on; neither does what the system
    /// and the arguments brought into a line, after this.
    pub fn line(&mut self, line: &str) {
        if self.broken.is_some() {
            return;
        }
        let line = visible(line);
        let out = &mut self.out;
        // One call, so that lines of several processes do not mix; and at once, because somebody waits for it.
        let written =
            self.bars.suspend(|| out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush()));
        self.broken = written.err();
    }

    /// An event of the client's own; only programs are told.
    pub fn event(&mut self, event: &Event<'_>) {
        if self.style == Style::Json {
            self.line(&event.line());
        }
    }

    /// Something that a user is told.
    pub fn tell(&mut self, happening: Happening) {
        match self.style {
            Style::Plain => {
                for line in plain::lines(&happening, (self.clock)()) {
                    self.line(&line.to_string());
                }
            }
            Style::Json => self.tell_program(happening),
        }
    }

    fn tell_program(&mut self, happening: Happening) {
        match happening {
            Happening::Connected => self.event(&Event::Connected),
            Happening::Disconnected { reason, .. } => self.event(&Event::Disconnected { reason: &reason }),
            Happening::Reconnecting { after } => {
                self.event(&Event::Reconnecting { after_seconds: json::seconds(after) });
            }
            Happening::Frame { frame, id } => self.line(&json::frame(frame, id)),
            Happening::Farewell(frame) => self.line(&json::frame(frame, None)),
            Happening::Unconfirmed { id, text, what } => {
                self.event(&Event::Unconfirmed { id: id.as_ref(), text: text.raw(), message: what });
            }
            Happening::Report { report, resume } => {
                json::report(&report, resume.as_deref(), |event| self.event(event));
            }
            Happening::Interrupted { file, received } => {
                self.event(&Event::Interrupted { file: &file, received });
            }
            Happening::Halfway { file, wait } => {
                self.event(&Event::Halfway { file: &file, seconds: json::seconds(wait) });
            }
            Happening::Help(about) => {
                for told in commands::told(about.as_deref()) {
                    self.tell_program(told);
                }
            }
            Happening::Notice(text) => self.event(&Event::Notice { text: &text }),
            Happening::Complaint { id, code, message } => {
                self.event(&Event::Error { id: id.as_ref(), code, message: &message });
            }
            Happening::Failed { id, file, failure } => {
                self.event(&Event::failed(id.as_ref(), file.as_deref(), &failure, None));
            }
        }
    }

    /// A frame of the server, to a program.
    pub fn frame(&mut self, frame: ServerFrame) {
        self.line(&json::frame(frame, None));
    }

    /// Shows what a report says on its bar alone.
    pub fn bars(&mut self, now: Instant, report: &Report) {
        self.bars.on_report(now, report);
    }

    /// When the bars say something else, though nothing has happened.
    pub fn next_second(&self, now: Instant) -> Option<Instant> {
        self.bars.next_second(now)
    }

    /// It is that time.
    pub fn tick(&mut self, now: Instant) {
        self.bars.draw(now);
    }

    /// The end of a run that said `end`, or nothing. An output that is broken comes before both: what could not be
    /// written was not done, and what nobody wanted to read is no failure.
    pub fn end_of(&self, end: Option<End>) -> End {
        if self.is_broken() {
            return self.failure().map_or(End::Done, End::Failed);
        }
        end.unwrap_or_else(end::unanswered)
    }
}

impl std::fmt::Debug for Voice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Voice")
            .field("style", &self.style)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// An output that may be closed or full without anybody minding.
#[derive(Debug)]
pub struct Careless<W>(pub W);

impl<W: Write> Write for Careless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// The time of the system.
fn wall_clock() -> UnixTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pipe that nobody reads.
    struct Closed(io::ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_output_ends_quietly_and_a_full_one_does_not() {
        let mut voice = Voice::new(Style::Plain, Closed(io::ErrorKind::BrokenPipe));
        assert!(!voice.is_broken());
        voice.tell(Happening::Notice("hello".to_owned()));
        assert!(voice.is_broken());
        assert_eq!(voice.failure(), None);
        let mut voice = Voice::new(Style::Plain, Closed(io::ErrorKind::StorageFull));
        voice.tell(Happening::Notice("hello".to_owned()));
        assert_eq!(voice.failure().map(|failure| failure.exit), Some(Exit::Local));
    }
}
