//! A run for people: a verdict and a summary, or a failure in at most 25 lines.

use core::fmt::Write as _;
use core::time::Duration;

use backchat_core::hex::Hex;

use crate::before::Before;
use crate::diff::report::step;
use crate::run::{Engine, Report};
use crate::summary::Download;
use crate::trace::text::Line;

/// The most lines of a failure.
pub const LINES_MAX: usize = 25;

/// Violations that are shown; the others are counted.
const VIOLATIONS_MAX: usize = 4;

/// Faults of hosts and links that are shown, the latest; the others are counted.
const FAULTS_MAX: usize = 5;

/// The nearest causes.
const CAUSES_MAX: usize = 8;

/// Lines that what the hosts did last has in any case.
const LAST_MIN: usize = 4;

/// Kinds of refusals that a summary lists; the others are counted.
const REFUSALS_MAX: usize = 4;

/// Downloads that a summary lists; the others are counted.
const DOWNLOADS_MAX: usize = 8;

/// Which run it is.
#[derive(Clone, Copy, Debug)]
pub struct Which<'a> {
    /// The scenario, as it was given.
    pub path: &'a str,
    /// The seed.
    pub seed: u64,
    /// The engine.
    pub engine: Engine,
    /// The settings that the command line makes in it: ` --set a=b`, or empty.
    pub set: &'a str,
}

impl Which<'_> {
    /// The line that, pasted, runs it again and prints its trace.
    pub fn replay(&self) -> String {
        format!("replay: {}", self.command("replay"))
    }

    /// The line that, pasted, makes the smallest scenario that fails in the same way.
    pub fn shrink(&self) -> String {
        format!("shrink: {} -o shrunk.toml", self.command("shrink"))
    }

    fn command(&self, command: &str) -> String {
        let path = quoted(self.path);
        // Under cargo nobody has the program in the path.
        let program = if std::env::var_os("CARGO").is_some() {
            "cargo run -q -p backchat-sim --"
        } else {
            "backchat-sim"
        };
        #[cfg(backchat_mutants)]
        let planted = backchat_core::mutants::alive().map(|bug| format!("cargo planted {}", bug.name()));
        #[cfg(backchat_mutants)]
        let program = planted.as_deref().unwrap_or(program);
        let (seed, engine, set) = (self.seed, self.engine.name(), self.set);
        format!("{program} {command} {path} --seed {seed} --engine {engine}{set}")
    }
}

/// A word of a command line, as a shell takes it. What holds no quote and no space needs no quoting, and no path of ours
/// does.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@%:,=".contains(&byte);
    match word {
        plain if !plain.is_empty() && plain.bytes().all(is_plain) => plain.to_owned(),
        other => format!("'{}'", other.replace('\'', r"'\''")),
    }
}

/// A verdict and a summary.
pub fn summary(which: Which<'_>, report: &Report, wall: Duration) -> String {
    let mut text = String::new();
    let verdict = if report.has_passed() { "PASS" } else { "FAIL" };
    let _ = writeln!(text, "{verdict} {}  seed {}  engine {}", which.path, which.seed, which.engine.name());
    let end = &report.end;
    let hash = Hex(end.hash).to_string();
    let _ = writeln!(
        text,
        "  {:.3} s of virtual time in {:.3} s, {} events, {} datagrams, trace {}",
        (end.at - backchat_core::time::Instant::ZERO).as_secs_f64(),
        wall.as_secs_f64(),
        end.events,
        end.datagrams,
        hash.get(..16).unwrap_or_default(),
    );
    let downloads = report.summary.downloads();
    for download in downloads.iter().take(DOWNLOADS_MAX) {
        let _ = writeln!(text, "  {}", line(download));
    }
    if downloads.len() > DOWNLOADS_MAX {
        let complete = downloads.iter().filter(|it| it.is_complete()).count();
        let _ = writeln!(text, "  … {} downloads in all, {complete} complete", downloads.len());
    }
    let (accepted, delivered) = (report.summary.accepted, report.summary.delivered);
    if accepted > 0 {
        let _ = writeln!(text, "  {accepted} messages taken, shown {delivered} times");
    }
    let refused: u64 = report.summary.refusals().map(|it| it.count).sum();
    if refused > 0 {
        let _ = writeln!(text, "  {refused} requests refused:");
        let kinds = report.summary.refusals().count();
        for refusal in report.summary.refusals().take(REFUSALS_MAX) {
            let _ = writeln!(text, "    {refusal}");
        }
        if kinds > REFUSALS_MAX {
            let _ = writeln!(text, "    … {kinds} kinds in all");
        }
    }
    text
}

fn line(it: &Download) -> String {
    let end = match (&it.end, it.took()) {
        (Some(end), Some(took)) => {
            let how = end.failed.as_ref().map_or("complete".to_owned(), |failed| format!("failed: {failed}"));
            format!("{how} after {:.3} s", took.as_secs_f64())
        }
        _ => "not ended".to_owned(),
    };
    let served = it.served;
    let rate = if it.is_complete() { format!(", {} bit/s", it.goodput()) } else { String::new() };
    format!(
        "{} {}: {} bytes, {end}{rate}; {} segments, {} again, {} timeouts",
        it.client, it.file, it.bytes, served.segments_sent, served.segments_resent, served.timeouts,
    )
}

/// What was expected, what happened, when, what led there, and how to see it again.
pub fn failure(which: Which<'_>, report: &Report, before: &Before) -> String {
    let mut lines = vec![format!("FAIL {}  seed {}  engine {}", which.path, which.seed, which.engine.name())];
    for violation in report.violations.iter().take(VIOLATIONS_MAX) {
        lines.push(format!("  {} at {} s: {}", violation.checker, violation.at, violation.message));
    }
    let more = report.violations.len().saturating_sub(VIOLATIONS_MAX);
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    lines.extend(before.spent().map(|spent| format!("  where the time went: {spent}")));
    let faults = before.faults();
    if !faults.is_empty() {
        lines.push("  what happened to those concerned:".to_owned());
        let left_out = faults.len().saturating_sub(FAULTS_MAX);
        if left_out > 0 {
            lines.push(format!("  … and {left_out} times before"));
        }
        lines.extend(faults.iter().skip(left_out).map(|record| format!("  {}", Line(record))));
    }
    let causes = before.causes();
    lines.push("  what led there:".to_owned());
    let room = LINES_MAX.saturating_sub(lines.len() + 2 + LAST_MIN).min(CAUSES_MAX);
    let shown = causes.iter().skip(causes.len().saturating_sub(room));
    lines.extend(shown.map(|it| format!("  {}", step(it, None))));
    if !causes.is_empty() {
        lines.push("  what they did last:".to_owned());
    }
    let replay = which.replay();
    let room = LINES_MAX.saturating_sub(lines.len() + 1);
    lines.extend(before.last(room).into_iter().map(|record| format!("  {}", Line(record))));
    lines.push(replay);
    lines.join("\n") + "\n"
}
