//! Commands and options.

use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;

use backchat::cli::generate::Generate;
use clap::{Parser, Subcommand};

use crate::engine::direct::Payloads;
use crate::run::Engine;
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
  130  interrupted, and nothing had failed";

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
    /// The checkers over a recorded trace.
    Check(CheckArgs),
    /// The scenarios, and what each is about.
    List(ListArgs),
    /// The smallest scenario that still fails in the same way, its faults written out one by one.
    Shrink(ShrinkArgs),
    /// Every combination of what can become of the first packets of a small download, or a crash at every event of it.
    Exhaust(ExhaustArgs),
    /// Where two traces part, with what led there (not in this build).
    Diff(Unbuilt),
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
    #[arg(long, default_value = "turmoil")]
    pub engine: String,
    /// Makes the bytes of files, where the direct engine would carry which bytes they are. The trace is the same.
    #[arg(long)]
    pub bytes: bool,
    /// Writes the trace as lines of JSON.
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
    #[arg(long, default_value = "turmoil")]
    pub engine: String,
    /// Makes the bytes of files, where the direct engine would carry which bytes they are. The trace is the same.
    #[arg(long)]
    pub bytes: bool,
}

/// `sweep`.
#[derive(Debug, clap::Args)]
pub struct SweepArgs {
    /// Scenarios, and folders of them.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// From A up to and without B, decimal or 0x….
    #[arg(long, value_name = "A..B", default_value = "0..100", value_parser = seeds)]
    pub seeds: Seeds,
    /// What runs them: turmoil or direct.
    #[arg(long, default_value = "direct")]
    pub engine: String,
    /// Makes the bytes of files, where the direct engine would carry which bytes they are. The trace is the same.
    #[arg(long)]
    pub bytes: bool,
    /// Runs at the same time; one for each processor by default. Results come in the same order whatever it is.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// One part of N, so that several machines share a sweep: slice:M/N, M from 1.
    #[arg(long, value_name = "slice:M/N", value_parser = partition)]
    pub partition: Option<Partition>,
    /// Writes one JSON object a line for each run, in order of file and seed.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// Writes a JUnit report.
    #[arg(long, value_name = "OUT")]
    pub junit: Option<PathBuf>,
    /// Saves scenario, trace and explanation of each failure into a folder.
    #[arg(long, value_name = "DIR")]
    pub save_failures: Option<PathBuf>,
    /// Begins no further run after this time.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub max_time: Option<Duration>,
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
    #[arg(long, default_value = "direct")]
    pub engine: String,
    /// Runs at the same time; one for each processor by default. The result is the same whatever it is.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// The most runs.
    #[arg(long, value_name = "N", default_value_t = MAX_RUNS)]
    pub max_runs: u32,
    /// Takes what it has after this time.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub max_time: Option<Duration>,
}

/// `marks`.
#[derive(Debug, clap::Args)]
pub struct MarksArgs {
    /// Scenarios, and folders of them.
    #[arg(default_value = "scenarios")]
    pub files: Vec<PathBuf>,
    /// From A up to and without B, decimal or 0x….
    #[arg(long, value_name = "A..B", default_value = "0..1", value_parser = seeds)]
    pub seeds: Seeds,
    /// What runs them: turmoil or direct.
    #[arg(long, default_value = "turmoil")]
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
    pub jobs: Option<usize>,
    /// Begins nothing further after this time, and says how far it came.
    #[arg(long, value_name = "D", value_parser = duration)]
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

/// A command that is documented and not built: whatever follows it.
#[derive(Debug, clap::Args)]
pub struct Unbuilt {
    /// Passed over.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub rest: Vec<String>,
}

/// Seeds from the first up to and without the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seeds {
    /// The first.
    pub from: u64,
    /// The first that is not.
    pub to: u64,
}

/// One part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl Partition {
    /// Whether the `nth` run is in it.
    pub const fn has(self, nth: u64) -> bool {
        nth % self.count == self.index
    }
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

fn seeds(text: &str) -> Result<Seeds, String> {
    let (from, to) = text.split_once("..").ok_or("expected A..B, such as 0..100")?;
    let (from, to) = (seed(from)?, seed(to)?);
    if from > to {
        return Err(format!("backwards: {from} is above {to}"));
    }
    Ok(Seeds { from, to })
}

fn partition(text: &str) -> Result<Partition, String> {
    let parts = text.strip_prefix("slice:").and_then(|rest| rest.split_once('/'));
    let parsed =
        parts.and_then(|(part, count)| Some((part.parse::<u64>().ok()?, count.parse::<u64>().ok()?)));
    match parsed {
        Some((part, count)) if (1..=count).contains(&part) => Ok(Partition { index: part - 1, count }),
        _ => Err("expected slice:M/N with M from 1 to N, such as slice:1/4".to_owned()),
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}: expected a time such as 90s or 10m"))
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
        assert_eq!(seeds("3..0x10"), Ok(Seeds { from: 3, to: 16 }));
        assert_eq!(seeds("9..3"), Err("backwards: 9 is above 3".to_owned()));
        assert!(seeds("3").is_err());
    }

    #[test]
    fn parts_together_are_everything_and_no_run_is_in_two() {
        let parts: Vec<Partition> =
            ["slice:1/3", "slice:2/3", "slice:3/3"].iter().map(|text| partition(text).unwrap()).collect();
        assert!((0..100).all(|nth| parts.iter().filter(|part| part.has(nth)).count() == 1));
        for wrong in ["slice:0/3", "slice:4/3", "1/3", "slice:1", "slice:1/0"] {
            assert!(partition(wrong).is_err(), "{wrong:?}");
        }
    }
}
