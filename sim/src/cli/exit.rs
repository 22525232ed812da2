//! Exit codes, and what went wrong before a run could be judged.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::engine::outcome::RunError;
use crate::trace::ReadError;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All passed.
    Passed,
    /// A mistake of this program; a panic too.
    Internal,
    /// Two traces differ.
    Differ,
    /// A command line that cannot be, or what this build does not have.
    Usage,
    /// No file, no seed.
    NothingSelected,
    /// A scenario or a trace that is none.
    BadFile,
    /// A checker or an expectation failed.
    Failed,
    /// The same run twice gave two traces.
    Nondeterministic,
    /// Somebody has asked for the end.
    Interrupted,
}

impl Exit {
    /// The process' exit code.
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Internal | Self::Differ => 1,
            Self::Usage => 2,
            Self::NothingSelected => 4,
            Self::BadFile => 96,
            Self::Failed => 100,
            Self::Nondeterministic => 102,
            Self::Interrupted => 130,
        }
    }
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something that this build does not have.
    #[error("{0} is not in this build")]
    NotBuilt(String),
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    /// There is nothing to run.
    #[error("{0}")]
    Nothing(String),
    /// A scenario with a mistake in it, with its place.
    #[error("{0}")]
    Scenario(String),
    /// A trace with a mistake in it.
    #[error("{}:{error}", path.display())]
    Trace {
        /// Which.
        path: PathBuf,
        /// Where, and what.
        error: ReadError,
    },
    /// Results of a sweep that are none, or of another one.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Results {
        /// Which.
        path: PathBuf,
        /// Where in it.
        line: u64,
        /// Where in the line.
        column: u64,
        /// What was found, and expected.
        what: String,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A run came to no end.
    #[error("{what}: {error}")]
    Run {
        /// Which.
        what: String,
        /// Why.
        error: RunError,
    },
    /// A run was not over when its time was: there is no verdict.
    #[error(
        "{what}: stopped at {at} s of virtual time, after the {most:?} that --max-time allows; there is no verdict"
    )]
    OutOfTime {
        /// Which.
        what: String,
        /// The virtual time that the run reached.
        at: backchat_core::time::Instant,
        /// The limit of the run, in real time.
        most: core::time::Duration,
    },
    /// What was shrunk is not what it should be.
    #[error("the smaller scenario does not fail in the same way: {0}")]
    Shrunk(String),
    /// The demonstration with real sockets could not go on.
    #[error("the demonstration failed: {0}")]
    Demo(String),
    /// Nobody would hear that somebody asks for the end.
    #[error("cannot listen for signals: {0}")]
    Signals(io::Error),
    /// Ctrl-C, where something had to be cleared away first.
    #[error("interrupted")]
    Interrupted,
    /// Standard output cannot be written to.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] io::Error),
}

impl Trouble {
    /// How the program ends with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::NotBuilt(_) | Self::Usage(_) => Exit::Usage,
            Self::Nothing(_) => Exit::NothingSelected,
            Self::Scenario(_) | Self::Trace { .. } | Self::Results { .. } => Exit::BadFile,
            Self::Write { .. }
            | Self::Run { .. }
            | Self::OutOfTime { .. }
            | Self::Shrunk(_)
            | Self::Demo(_)
            | Self::Signals(_)
            | Self::Output(_) => Exit::Internal,
        }
    }

    /// Says it on stderr, where nobody may be listening.
    pub fn complain(&self) {
        let _ = writeln!(io::stderr(), "backchat-sim: {self}");
    }

    /// A trace with a mistake in it.
    pub fn trace(path: &Path) -> impl FnOnce(ReadError) -> Self + '_ {
        |error| Self::Trace { path: path.to_owned(), error }
    }

    /// A file that cannot be written.
    pub fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |error| Self::Write { path: path.to_owned(), error }
    }
}
