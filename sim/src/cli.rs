//! The command line of `backchat-sim`.
//!
//! - [`args`]: commands and options. [`exit`]: exit codes, and what went wrong.
//! - [`load`]: scenarios from files and folders. `output`: files that are written, and none that is read among them.
//! - `run`, `sweep`, `swarm`, `shrink`, `exhaust`, `marks`, `check`, `diff`, `list`, `demo`: the
//!   commands. `determinism`: the same
//!   run twice.
//! - `packed`: traces that are compressed.
//! - `settings`: values of scenarios that the command line sets.
//! - `within`: runs that can be stopped.
//! - `filter`: which records a replay prints.
//! - `progress`, `interrupt`, `saved`: what commands that make many runs have in common.
//! - [`explain`]: a failure in at most 25 lines. [`json`]: results for programs.
//! - `wall`: the one place where real time is measured; it never gets into a trace.

pub mod args;
mod check;
mod demo;
mod determinism;
mod diff;
mod exhaust;
pub mod exit;
pub mod explain;
mod filter;
mod interrupt;
pub mod json;
mod list;
pub mod load;
mod marks;
mod output;
mod packed;
mod progress;
mod run;
mod saved;
mod settings;
mod shrink;
mod swarm;
mod sweep;
mod wall;
mod within;

use std::ffi::OsString;
use std::io;
use std::panic::UnwindSafe;
use std::process::ExitCode;

use backchat::cli::generate::Unwritable;
use clap::{CommandFactory as _, Parser as _};

use self::args::{Args, Command};
use self::exit::{Exit, Trouble};

/// Does what this process' command line says.
pub fn main() -> ExitCode {
    guarded(|| command(std::env::args_os()))
}

/// A panic is an internal error, with its exit code; what it said is on stderr already.
fn guarded(whole: impl FnOnce() -> ExitCode + UnwindSafe) -> ExitCode {
    std::panic::catch_unwind(whole).unwrap_or(ExitCode::from(Exit::Internal.code()))
}

/// Does what a command line says, of which the first word is the program.
pub fn command(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    log();
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => {
            let code = error.exit_code();
            // A pipe that is closed has read enough.
            let _ = error.print();
            return ExitCode::from(u8::try_from(code).unwrap_or(2));
        }
    };
    let done = match args.command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => run::replay(&args),
        Command::Sweep(args) => sweep::sweep(&args),
        Command::Marks(args) => marks::marks(&args),
        Command::Merge(args) => sweep::merge(&args),
        Command::Swarm(args) => swarm::swarm(&args),
        Command::Check(args) => check::check(&args),
        Command::List(args) => list::list(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Shrink(args) => shrink::shrink(&args),
        Command::Exhaust(args) => exhaust::exhaust(&args),
        Command::Generate(what) => what
            .run(Args::command())
            .map(|()| Exit::Passed)
            .map_err(|Unwritable { path, source }| Trouble::Write { path, error: source }),
        Command::Diff(args) => diff::diff(&args),
    };
    let exit = match done {
        Ok(exit) => exit,
        Err(Trouble::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Passed,
        Err(trouble) => {
            trouble.complain();
            trouble.exit()
        }
    };
    ExitCode::from(exit.code())
}

/// Logs to stderr what `RUST_LOG` asks for; nothing without it. No line of a log changes a run.
fn log() {
    let filter = tracing_subscriber::EnvFilter::builder()
        .with_default_directive(tracing_subscriber::filter::LevelFilter::OFF.into())
        .from_env_lossy();
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error() {
        let code = guarded(|| panic!("a mistake of ours"));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(1)));
    }
}
