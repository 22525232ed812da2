//! How far a long command is: a bar where stderr is a terminal, a line now and then where it is a log.

use core::time::Duration;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::wall::Stopwatch;

/// From one line of a log to the next.
const LINES_EVERY: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Progress {
    bar: ProgressBar,
    watch: Stopwatch,
    /// When the last line was written; `None`: there is a bar.
    line: Option<Duration>,
    done: u64,
    total: Option<u64>,
    failed: u64,
}

impl Progress {
    /// Of `total` runs, or of nobody knows how many.
    pub(super) fn new(total: Option<u64>) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        let template = match total {
            Some(_) => "{pos}/{len} runs {wide_bar} {per_sec}, {eta} left{msg}",
            None => "{pos} runs in {elapsed}, {per_sec}{msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let line = (!is_terminal).then_some(Duration::ZERO);
        Self { bar, watch: Stopwatch::start(), line, done: 0, total, failed: 0 }
    }

    /// One run more, and how many have failed so far.
    pub(super) fn step(&mut self, failed: u64) {
        self.done += 1;
        self.bar.inc(1);
        if failed != self.failed {
            self.failed = failed;
            self.bar.set_message(format!(", {failed} failed"));
        }
        let Some(last) = self.line else { return };
        let now = self.watch.elapsed();
        if now >= last + LINES_EVERY {
            self.line = Some(now);
            // Nobody reads a log that cannot be written.
            let _ = writeln!(io::stderr(), "{}", self.text(now));
        }
    }

    fn text(&self, now: Duration) -> String {
        let rate = self.done as f64 / now.as_secs_f64().max(1e-9);
        let (done, failed) = (self.done, self.failed);
        match self.total {
            None => format!("{done} runs, {rate:.0}/s, {failed} failed"),
            Some(total) => {
                let left = Duration::from_secs(((total - done) as f64 / rate) as u64);
                let left = humantime::format_duration(left);
                format!("{done} of {total} runs, {rate:.0}/s, about {left} left, {failed} failed")
            }
        }
    }

    /// It is over: the bar is gone.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
