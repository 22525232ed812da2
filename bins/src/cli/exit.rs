//! The exit codes of `backchat-client`, in one place.
//!
//! Every way in which a command can end has one [`Exit`]; scripts branch on the number. The server uses three of
//! them: [`Exit::Done`], [`Exit::Other`] and [`Exit::Usage`].

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Exit {
    /// It did what was asked.
    Done = 0,
    /// Something that has no code of its own.
    Other = 1,
    /// The command line or the configuration is wrong, or names what this build does not have.
    Usage = 2,
    /// There is no such file, or nobody of that nickname.
    NotFound = 3,
    /// The server refused.
    Refused = 4,
    /// No connection, or it was lost.
    Connection = 5,
    /// The other side was silent for too long.
    TimedOut = 6,
    /// The bytes that arrived are not the file.
    Integrity = 7,
    /// A file or folder of this machine.
    Local = 8,
    /// The file exists already.
    Exists = 9,
    /// The user interrupted.
    Interrupted = 130,
}

impl Exit {
    /// All of them, in ascending order of code.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Other,
        Self::Usage,
        Self::NotFound,
        Self::Refused,
        Self::Connection,
        Self::TimedOut,
        Self::Integrity,
        Self::Local,
        Self::Exists,
        Self::Interrupted,
    ];

    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What the number means, as `--help` lists it.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Other => "anything else",
            Self::Usage => "usage, or a setting that this build does not have",
            Self::NotFound => "no such file or nickname",
            Self::Refused => "refused by the server",
            Self::Connection => "cannot connect, or the connection was lost",
            Self::TimedOut => "timed out",
            Self::Integrity => "what arrived is not the file (integrity)",
            Self::Local => "local file error",
            Self::Exists => "the file exists",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_that_scripts_rely_on() {
        let codes: Vec<u8> = Exit::ALL.into_iter().map(Exit::code).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130]);
    }
}
