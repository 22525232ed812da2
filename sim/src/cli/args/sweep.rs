//! Options of the commands that make many runs, and the sets of seeds that they are about.

use core::fmt;
use core::num::NonZeroUsize;
use core::time::Duration;
use std::path::PathBuf;

use backchat::cli::generate::offering;
use clap::ValueHint;
use serde::{Deserialize, Serialize};

use super::seed;
use crate::run::Engine;

/// `sweep`.
#[derive(Debug, clap::Args)]
pub struct SweepArgs {
    /// Scenarios, and folders of them.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// From A up to and without B, decimal or 0x…; A..=B is with B, and N is 0..N.
    #[arg(long, value_name = "A..B", default_value = "0..100", value_parser = seeds)]
    pub seeds: Seeds,
    /// What runs them: turmoil or direct.
    #[arg(long, default_value = "direct", add = offering(&Engine::NAMES))]
    pub engine: String,
    /// Makes the bytes of files, where the direct engine would carry which bytes they are. The trace is the same.
    #[arg(long)]
    pub bytes: bool,
    /// Sets a value of the scenarios, as in links.default.jitter=20ms; 0..20ms draws one for each seed; may be given again.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Runs at the same time; one for each processor by default. Results are the same whatever it is.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// One part of N, so that several machines share a sweep: slice:M/N, M from 1. See merge.
    #[arg(long, value_name = "slice:M/N", value_parser = partition)]
    pub partition: Option<Partition>,
    /// Writes one JSON object a line for each run, in order of file and seed; beside it, OUT.sweep says what it is of.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// Goes on with --json OUT where an earlier sweep of the same has stopped.
    #[arg(long, requires = "json")]
    pub resume: bool,
    /// Writes a JUnit report.
    #[arg(long, value_name = "OUT")]
    pub junit: Option<PathBuf>,
    /// Saves scenario, trace and explanation of the first three failures of each signature into a folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub save_failures: Option<PathBuf>,
    /// Begins no further run after this time.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub max_time: Option<Duration>,
}

impl SweepArgs {
    /// Runs at the same time.
    pub fn jobs(&self) -> usize {
        jobs(self.jobs)
    }
}

/// `merge`.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// What 'sweep --partition --json' has written, in any order.
    #[arg(required = true, value_name = "OUT")]
    pub parts: Vec<PathBuf>,
    /// Writes the lines of all of them into a file, and not to stdout.
    #[arg(short, long, value_name = "MERGED")]
    pub output: Option<PathBuf>,
    /// Writes a JUnit report of all of them.
    #[arg(long, value_name = "OUT")]
    pub junit: Option<PathBuf>,
}

/// `swarm`.
#[derive(Debug, clap::Args)]
pub struct SwarmArgs {
    /// Within what is drawn: a TOML file. See --print-bounds.
    #[arg(value_name = "BOUNDS.toml")]
    pub bounds: Option<PathBuf>,
    /// From A up to and without B, decimal or 0x…; A..=B is with B, and N is 0..N; for ever without it.
    #[arg(long, value_name = "A..B", default_value = "0..0xffffffffffffffff", hide_default_value = true, value_parser = seeds)]
    pub seeds: Seeds,
    /// What runs them: turmoil or direct.
    #[arg(long, default_value = "direct", add = offering(&Engine::NAMES))]
    pub engine: String,
    /// Runs at the same time; one for each processor by default. Results are the same whatever it is.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Begins no further run after this time.
    #[arg(long, value_name = "D", value_parser = duration)]
    pub max_time: Option<Duration>,
    /// Writes one JSON object a line for each run: its faults, and how it failed.
    #[arg(long, value_name = "OUT")]
    pub json: Option<PathBuf>,
    /// Saves scenario, trace and explanation of the first three failures of each signature into a folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub save_failures: Option<PathBuf>,
    /// Prints the bounds that hold where no file is given, and ends.
    #[arg(long)]
    pub print_bounds: bool,
}

/// As many as there are processors, unless somebody says how many.
pub fn jobs(wanted: Option<NonZeroUsize>) -> usize {
    wanted.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
}

/// Seeds from the first up to and without the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Seeds {
    /// The first.
    pub from: u64,
    /// The first that is not.
    pub to: u64,
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.from, self.to)
    }
}

impl From<Seeds> for String {
    fn from(seeds: Seeds) -> Self {
        seeds.to_string()
    }
}

impl TryFrom<String> for Seeds {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        seeds(&text)
    }
}

/// One part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Partition {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl Partition {
    /// The only part.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// How many of `all` runs are in it.
    pub const fn share(self, all: u64) -> u64 {
        all / self.count + (self.index < all % self.count) as u64
    }

    /// The number, among all runs, of the one at a place of this part.
    pub const fn number(self, place: u64) -> u64 {
        place * self.count + self.index
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slice:{}/{}", self.index + 1, self.count)
    }
}

impl From<Partition> for String {
    fn from(partition: Partition) -> Self {
        partition.to_string()
    }
}

impl TryFrom<String> for Partition {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        partition(&text)
    }
}

pub(super) fn seeds(text: &str) -> Result<Seeds, String> {
    const EXPECTED: &str = "expected A..B, A..=B, or how many: 0..100, 0..=99 and 100 are the same";
    let (from, to) = match text.split_once("..") {
        None => (0, seed(text).map_err(|_| EXPECTED)?),
        Some((from, to)) => {
            let from = seed(from).map_err(|_| EXPECTED)?;
            let to = match to.strip_prefix('=') {
                None => seed(to).map_err(|_| EXPECTED)?,
                Some(last) => seed(last)
                    .map_err(|_| EXPECTED)?
                    .checked_add(1)
                    .ok_or("the last seed is one too many; leave out the =")?,
            };
            (from, to)
        }
    };
    if from > to {
        return Err(format!("backwards: {from} is above {to}"));
    }
    Ok(Seeds { from, to })
}

fn partition(text: &str) -> Result<Partition, String> {
    const EXPECTED: &str = "expected slice:M/N with M from 1 to N, such as slice:1/4";
    let parts = text.strip_prefix("slice:").and_then(|rest| rest.split_once('/'));
    let parsed =
        parts.and_then(|(part, count)| Some((part.parse::<u64>().ok()?, count.parse::<u64>().ok()?)));
    match parsed {
        None => Err(EXPECTED.to_owned()),
        Some((_, 0)) => Err(format!("there are no parts; {EXPECTED}")),
        Some((0, _)) => Err(format!("parts are counted from 1; {EXPECTED}")),
        Some((part, count)) if part > count => Err(format!("there is no part {part} of {count}; {EXPECTED}")),
        Some((part, count)) => Ok(Partition { index: part - 1, count }),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}: expected a time such as 90s or 10m"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_have_a_first_and_one_behind_the_last() {
        assert_eq!(seeds("3..0x10"), Ok(Seeds { from: 3, to: 16 }));
        assert_eq!(seeds("9..3"), Err("backwards: 9 is above 3".to_owned()));
        assert_eq!((seeds("100"), seeds("0..=99")), (seeds("0..100"), seeds("0..100")));
        assert_eq!(seeds("0x2..=0x3"), Ok(Seeds { from: 2, to: 4 }));
        for wrong in ["", "..", "3..", "..3", "a", "-1", "1..=", "0..=18446744073709551615", "1,2"] {
            assert!(seeds(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_part_says_what_is_wrong_with_it() {
        assert_eq!(partition("slice:2/3"), Ok(Partition { index: 1, count: 3 }));
        for (wrong, expected) in [
            ("slice:0/4", "parts are counted from 1"),
            ("slice:5/4", "there is no part 5 of 4"),
            ("slice:1/0", "there are no parts"),
            ("1/3", "expected slice:M/N"),
            ("slice:1", "expected slice:M/N"),
        ] {
            let said = partition(wrong).unwrap_err();
            assert!(said.starts_with(expected), "{wrong}: {said}");
        }
    }

    #[test]
    fn both_are_written_as_they_are_read() {
        let (all, part) = (Seeds { from: 3, to: 16 }, Partition { index: 1, count: 3 });
        assert_eq!((seeds(&all.to_string()), partition(&part.to_string())), (Ok(all), Ok(part)));
    }
}
