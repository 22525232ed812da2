//! Commands and options. [`sweep`]: of those that make many runs.

pub mod sweep;

use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;

use backchat::cli::generate::{Generate, offering};
use clap::{Parser, Subcommand};

pub use self::sweep::{MergeArgs, Partition, Seeds, SwarmArgs, SweepArgs};
use crate::engine::direct::Payloads;
use crate::run::Engine;
use crate::scenario::parse_span;
use crate::shrink::oracle::MAX_RUNS;

/// Runs scenarios in simulated networks, and judges them.
///
/// The same scenario, seed and engine are the same run, on any machine: whatever failed once can be replayed.
#[derive(Debug, Parser)]
#[command(name = "backchat-sim", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    all passed
  1    internal error; for diff: the traces differ
  2    usage, seeds backwards, an engine or algorithm that is not in this build
  4    nothing selected: no file, no seed; for shrink: the seed passes
  96   a bad scenario or trace: file, line, column, what was expected
  100  a checker or an expectation failed
  102  the same run twice gave two traces
  130  interrupted";

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The tour: a real server and two clients on loopback, then the same session in a lossy simulation.
    Demo(DemoArgs),
    /// One run; prints a verdict and a summary.
    Run(RunArgs),
    /// The same run, with its trace printed as text.
    Replay(ReplayArgs),
    /// Many runs; ends with counts and, for each failure, the line that replays it.
    Sweep(SweepArgs),
    /// Which situations of the core scenarios have been in, how often, and the smallest run of each.
    Marks(MarksArgs),
    /// The parts of a sweep, put together to what it would have written in one piece.
    Merge(MergeArgs),
    /// Scenarios that nobody wrote: random subsets of faults over random workloads, until told to stop.
    Swarm(SwarmArgs),
    /// The checkers over a recorded trace.
    Check(CheckArgs),
    /// The scenarios, and what each is about.
    List(ListArgs),
    /// The smallest scenario that still fails in the same way, its faults written out one by one.
    Shrink(ShrinkArgs),
    /// Every combination of what can become of the first packets of a small download, or a crash at every event of it.
    Exhaust(ExhaustArgs),
    /// Where two traces part, with what led there.
    Diff(DiffArgs),
    /// Completions and manual pages.
    #[command(flatten)]
    Generate(Generate),
}

/// `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// The seed of the simulated half, decimal or 0x….
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub seed: u64,
}

/// `run`.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The scenario.
    pub file: PathBuf,
    /// The seed, decimal or 0x….
    #[arg(long, value_name = "N", default_value = "0", value_parser = seed)]
    pub seed: u64,
    /// What runs it: turmoil or direct.
    #[arg(long, default_value = "turmoil", add = offering(&Engine::NAMES))]
    pub engine: String,
    /// Makes the bytes of files, where the direct engine would carry which bytes they are. The trace is the same.
    #[arg(long)]
    pub bytes: bool,
    /// Sets a value of the scenario, as in links.default.jitter=20ms; may be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Gives up after this time, without a verdict.
    #[arg(long, value_name = "D", value_parser = sweep::duration)]
    pub max_time: Option<Duration>,
    /// Writes the trace as lines of JSON, compressed where the name ends with .gz.
    #[arg(long, value_name = "OUT.jsonl")]
    pub trace: Option<PathBuf>,
    /// Prints the result as one JSON object.
    #[arg(long)]
    pub json: bool,
    /// Runs it twice, and shows the first records that differ.
    #[arg(long)]
    pub check_determinism: bool,
}

/// `replay`.
#[derive(Debug, clap::Args)]
pub struct ReplayArgs {
    /// The scenario.
    pub file: PathBuf,
    /// The seed, decimal or 0x….
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: u64,
    /// What runs it: turmoil or direct.
    #[arg(long, default_value = "turmoil", add = offering(&Engine::NAMES))]
    pub engine: String,
    /// Makes the bytes of files, where the direct engine would carry which bytes they are. The trace is the same.
    #[arg(long)]
    pub bytes: bool,
    /// Sets a value of the scenario, as in links.default.jitter=20ms; may be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Gives up after this time, without a verdict.
    #[arg(long, value_name = "D", value_parser = sweep::duration)]
    pub max_time: Option<Duration>,
    /// Prints nothing behind what was found first.
    #[arg(long)]
    pub until_failure: bool,
    /// Prints what is at most 100ms from a time, or so much as stands behind a ~, as in 1.5s~20ms.
    #[arg(long, value_name = "T[~D]", value_parser = around)]
    pub around: Option<Around>,
    /// Prints what concerns a host and its paths, or a direction; may be given again.
    #[arg(long, value_name = "NAME")]
    pub node: Vec<String>,
    /// Prints events whose name, or its second part, begins so: net:, recovery:timer, went_back; may be given again.
    #[arg(long, value_name = "EVENT")]
    pub only: Vec<String>,
}

/// A time, and how much before and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Around {
    /// The time, from the start of the run.
    pub at: Duration,
    /// On each side; `None`: as much as is usual.
    pub margin: Option<Duration>,
}

fn around(text: &str) -> Result<Around, String> {
    // Traces and reports have seconds without a unit.
    let span = |text: &str| {
        let seconds = || parse_span(&format!("{text}s"));
        parse_span(text).or_else(|_| seconds()).map_err(|_| "expected a time such as 1.5s, or 1.5s~20ms")
    };
    let (at, margin) = match text.split_once('~') {
        None => (text, None),
        Some((at, margin)) => (at, Some(span(margin)?)),
    };
    Ok(Around { at: span(at)?, margin })
}

/// `shrink`.
#[derive(Debug, clap::Args)]
pub struct ShrinkArgs {
    /// The scenario.
    pub file: PathBuf,
    /// The seed that it fails with, decimal or 0x….
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: u64,
    /// Where the smaller scenario goes; stdout without it.
    #[arg(short, long, value_name = "OUT.toml")]
    pub output: Option<PathBuf>,
    /// What runs it: turmoil or direct.
    #[arg(long, default_value = "direct", add = offering(&Engine::NAMES))]
    pub engine: String,
    /// Sets a value of the scenario, as in links.default.jitter=20ms; may be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Runs at the same time; one for each processor by default. The result is the same whatever it is.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// The most runs.
    #[arg(long, value_name = "N", default_value_t = MAX_RUNS)]
    pub max_runs: u32,
    /// Takes what it has after this time, as after Ctrl-C.
    #[arg(long, value_name = "D", value_parser = sweep::duration)]
    pub max_time: Option<Duration>,
}

/// `marks`.
#[derive(Debug, clap::Args)]
pub struct MarksArgs {
    /// Scenarios, and folders of them.
    #[arg(default_value = "scenarios")]
    pub files: Vec<PathBuf>,
    /// From A up to and without B, decimal or 0x…; A..=B is with B, and N is 0..N.
    #[arg(long, value_name = "A..B", default_value = "0..1", value_parser = sweep::seeds)]
    pub seeds: Seeds,
    /// What runs them: turmoil or direct.
    #[arg(long, default_value = "turmoil", add = offering(&Engine::NAMES))]
    pub engine: String,
    /// Runs at the same time; one for each processor by default. The table is the same whatever it is.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

/// `exhaust`.
#[derive(Debug, clap::Args)]
pub struct ExhaustArgs {
    /// A scenario with one client and links that only take time; a download of three segments without it.
    pub file: Option<PathBuf>,
    /// Packets of which every fate is tried: delivered, lost, duplicated, delayed past the next.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=15))]
    pub first: u32,
    /// So many of each direction, and not of both together.
    #[arg(long)]
    pub each: bool,
    /// A crash of either side before and after every event instead.
    #[arg(long, conflicts_with_all = ["first", "each"])]
    pub crashes: bool,
    /// Runs at the same time; one for each processor by default.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Begins nothing further after this time, and says how far it came.
    #[arg(long, value_name = "D", value_parser = sweep::duration)]
    pub max_time: Option<Duration>,
}

/// `check`.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A trace that `run --trace` has written.
    pub trace: PathBuf,
}

/// `list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Scenarios, and folders of them.
    #[arg(default_value = "scenarios")]
    pub files: Vec<PathBuf>,
}

/// `diff`.
#[derive(Debug, clap::Args)]
pub struct DiffArgs {
    /// A trace that `run --trace` has written.
    pub first: PathBuf,
    /// Another one.
    pub second: PathBuf,
    /// Prints the result as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A seed: decimal or `0x…`.
pub fn seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.starts_with('+') => {
            return Err("expected a number of 64 bits, such as 42 or 0x2a".into());
        }
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed
        .ok()
        .filter(|_| !text.starts_with('+'))
        .ok_or_else(|| "expected a number of 64 bits, such as 42 or 0x2a".to_owned())
}

/// The engine of this name, if this build has it.
///
/// # Errors
/// It has not, or there is none of this name.
pub fn engine(name: &str, payloads: Payloads) -> Result<Engine, super::Trouble> {
    match (name, payloads) {
        ("turmoil", Payloads::Ranges) => Ok(Engine::Turmoil),
        ("turmoil", Payloads::Bytes) => {
            Err(super::Trouble::Usage("--bytes is the direct engine's: turmoil always makes them".to_owned()))
        }
        ("direct", payloads) => Ok(Engine::Direct(payloads)),
        (other, _) => {
            Err(super::Trouble::Usage(format!("there is no engine {other:?}; expected turmoil or direct")))
        }
    }
}

/// What `--bytes` says.
pub const fn payloads(bytes: bool) -> Payloads {
    if bytes { Payloads::Bytes } else { Payloads::Ranges }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Args::command().debug_assert();
    }

    #[test]
    fn seeds_are_decimal_or_hexadecimal() {
        assert_eq!((seed("42"), seed("0x2a"), seed("0")), (Ok(42), Ok(42), Ok(0)));
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["", "-1", "+1", "0x", "0x+1", "1.5", "18446744073709551616", "a"] {
            assert!(seed(wrong).is_err(), "{wrong:?}");
        }
    }
}
