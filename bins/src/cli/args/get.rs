//! `get NAME` and its options: the same on a command line and behind `/get` in the chat.

use std::path::PathBuf;

use backchat_core::text::visible;
use backchat_core::wire::{CongestionChoice, Recovery};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, ValueHint};

use crate::app::get::GetOptions;
use crate::cli::algorithms::{parse_congestion, parse_recovery};
use crate::cli::values::Rate;

/// What to download, to where, and how.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct GetArgs {
    /// The file's name, as `files` lists it
    #[arg(value_name = "NAME")]
    pub name: String,

    /// Write to FILE; '-' is standard output, which then carries nothing else, and a FIFO or device is written in order
    /// as well [default: NAME in the current folder]
    #[arg(short = 'o', long = "output", value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "folder")]
    pub output: Option<PathBuf>,

    /// Write into the folder DIR, under the file's own name
    #[arg(short = 'd', long = "dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,

    /// Replace a file that exists, in one step and only when the new one is whole and its hash right; it keeps its mode,
    /// and where it is a link, what that leads to is replaced
    #[arg(long, conflicts_with_all = ["rename", "skip_existing"])]
    pub force: bool,

    /// Where the file exists, write to the first free name of 'NAME (1)', 'NAME (2)', …
    #[arg(long, conflicts_with = "skip_existing")]
    pub rename: bool,

    /// Where the file exists, download nothing and call it done
    #[arg(long)]
    pub skip_existing: bool,

    /// Give the file the time at which the server's was last changed, not that of the download
    #[arg(short = 'R', long)]
    pub remote_time: bool,

    /// Begin at 0, even where an earlier download left a part of the file
    #[arg(long)]
    pub no_resume: bool,

    /// At most RATE: 500K, 2M and 1MiB/s are bytes a second, 10Mbit/s bits [default: no limit]
    #[arg(long, value_name = "RATE")]
    pub limit_rate: Option<Rate>,

    /// At least RATE on average over --timeout, or the download ends and can go on later [default: one byte in that time]
    #[arg(long, value_name = "RATE")]
    pub min_rate: Option<Rate>,

    /// How losses are repaired: go-back-n (selective is known, but not in this build) [default: go-back-n]
    #[arg(long, value_name = "WAY", value_parser = parse_recovery)]
    pub recovery: Option<Recovery>,

    /// How the rate is found: classic, or fixed:N for a window of N segments, which the server caps (newreno, cubic
    /// and bbr are known, but not in this build) [default: classic]
    #[arg(long, value_name = "CONTROL", value_parser = parse_congestion)]
    pub congestion: Option<CongestionChoice>,
}

impl From<GetArgs> for GetOptions {
    fn from(args: GetArgs) -> Self {
        Self {
            name: args.name,
            output: args.output,
            folder: args.folder,
            force: args.force,
            rename: args.rename,
            skip_existing: args.skip_existing,
            remote_time: args.remote_time,
            no_resume: args.no_resume,
            limit_rate: args.limit_rate,
            min_rate: args.min_rate,
            recovery: args.recovery,
            congestion: args.congestion,
        }
    }
}

/// The words behind `/get` in the chat, read as a command line would be.
#[derive(Parser, Debug)]
#[command(name = "/get", no_binary_name = true, disable_help_flag = true)]
pub struct GetWords {
    /// The download.
    #[command(flatten)]
    pub args: GetArgs,
}

impl GetWords {
    /// Reads the words; an error is one line, without the usage that would follow it on a command line.
    pub fn read(words: Vec<String>) -> Result<GetOptions, String> {
        match Self::try_parse_from(words) {
            Ok(read) => {
                let options = GetOptions::from(read.args);
                match options.contradiction() {
                    Some(text) => Err(text.to_owned()),
                    None => Ok(options),
                }
            }
            // What it quotes may have been pasted.
            Err(error) => Err(visible(&one_line(&error)).to_string()),
        }
    }
}

/// What may stand behind `/get NAME`, an option a line.
pub fn option_lines() -> Vec<String> {
    let command = GetWords::command();
    let options = command.get_opts().map(|option| {
        let short = option.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        let value = option.get_value_names().filter(|_| option.get_action().takes_values());
        let value = value.and_then(<[_]>::first).map(|value| format!(" {value}")).unwrap_or_default();
        let usage = format!("{short}--{}{value}", option.get_long().unwrap_or_default());
        (usage, option.get_help().map(ToString::to_string).unwrap_or_default())
    });
    let options: Vec<(String, String)> = options.collect();
    let width = options.iter().map(|(usage, _)| usage.len()).max().unwrap_or_default();
    options.iter().map(|(usage, help)| format!("{usage:width$}  {help}")).collect()
}

/// The first line of clap's message, without its "error: ".
fn one_line(error: &clap::Error) -> String {
    if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
        && error.kind() == clap::error::ErrorKind::UnknownArgument
        && !argument.starts_with('-')
    {
        return format!("'{argument}' is too much: write a name with spaces in quotes");
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default().trim();
    let first = first.strip_prefix("error: ").unwrap_or(first);
    if first.ends_with("were not provided:") {
        return "which file? write /get NAME".to_owned();
    }
    first.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::get::Output;

    fn read(line: &str) -> Result<GetOptions, String> {
        GetWords::read(shlex::split(line).expect("balanced quotes"))
    }

    #[test]
    fn what_an_error_quotes_is_made_visible() {
        for line in [
            "a \u{1b}[31m",
            "a --\u{202e}",
            "a --limit-rate \u{7}",
            "a --congestion '\u{85}'",
            "a --force=\u{1}",
        ] {
            let error = read(line).expect_err(line);
            assert!(!error.contains(backchat_core::text::is_hidden), "{error:?}");
        }
    }

    #[test]
    fn every_option_is_read() {
        let line = "'my book.bin' -d books --force --no-resume --limit-rate 10Mbit/s --recovery go-back-n \
                    --congestion fixed:16";
        let args = read(line).expect("valid");
        assert_eq!(args.name, "my book.bin");
        assert_eq!(args.destination(), Output::Folder("books".into()));
        assert!(args.force && args.no_resume && !args.rename && !args.skip_existing);
        assert_eq!(args.limit_rate.map(Rate::bytes_per_second), Some(1_250_000));
        assert_eq!(args.recovery, Some(Recovery::GoBackN));
        assert_eq!(args.congestion.map(|control| control.to_string()), Some("fixed:16".into()));
    }

    #[test]
    fn the_words_to_go_on_with_mean_the_same() {
        for line in [
            "x",
            "'my book.bin' -d 'a b' --force --limit-rate 10Mbit/s --recovery go-back-n --congestion fixed:16",
            "x -o y --rename",
            "x --min-rate 1K --limit-rate 2K",
            "x --skip-existing --limit-rate 3 -R",
            "-o=-out --force -- -rf",
            "-d=--dir -- --force",
            "-- -",
        ] {
            let args = read(line).expect("valid");
            assert_eq!(GetWords::read(args.words()), Ok(args));
        }
        assert_eq!(read("x --no-resume").expect("valid").words(), ["x"]);
    }

    #[test]
    fn a_dash_is_standard_output_and_nothing_is_this_folder() {
        assert_eq!(read("x -o -").expect("valid").destination(), Output::Stdout);
        assert_eq!(read("x -o ./-").expect("valid").destination(), Output::File("./-".into()));
        assert_eq!(read("x").expect("valid"), GetOptions::of("x"));
        assert_eq!(GetOptions::of("x").destination(), Output::Folder(".".into()));
    }

    #[test]
    fn what_is_wrong_fits_a_line() {
        for (line, expected) in [
            ("", "which file? write /get NAME"),
            ("my book.bin", "'book.bin' is too much: write a name with spaces in quotes"),
            ("x -o a -d b", "the argument '--output <FILE>' cannot be used with '--dir <DIR>'"),
            ("x --force --rename", "the argument '--force' cannot be used with '--rename'"),
            (
                "x --min-rate 2K --limit-rate 1K",
                "--min-rate is above --limit-rate, so that no download could go on",
            ),
            ("x --quick", "unexpected argument '--quick' found"),
            (
                "x --congestion bbr",
                "invalid value 'bbr' for '--congestion <CONTROL>': bbr is not in this build, which has classic \
                 and fixed:N",
            ),
            (
                "x --limit-rate 0",
                "invalid value '0' for '--limit-rate <RATE>': is too small, at least 1bit/s",
            ),
        ] {
            assert_eq!(read(line), Err(expected.to_owned()), "{line}");
        }
    }
}
