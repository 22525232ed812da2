//! Everything that can go wrong for a client, with its word and its exit code, in one table.

use backchat_core::chat::client::CommandError;
use backchat_core::chat::{ErrorCode, ErrorFrame};
use backchat_core::node::{DownloadError, FailReason, LocalError};

use super::exit::Exit;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code that the process ends with.
    pub exit: Exit,
    /// One word, for programs: that of the contract where it has one.
    pub reason: &'static str,
    /// What happened, to what, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure that stands for a code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, reason: word(exit), message: message.into() }
    }

    /// What a refusal of the server means.
    pub fn refused(error: &ErrorFrame) -> Self {
        Self::new(exit_of_code(&error.code), refusal(error))
    }

    /// What it means that the client did not take a command.
    pub fn command(error: &DownloadError) -> Self {
        let exit = match error {
            DownloadError::NotBuilt(_) => Exit::Usage,
            // The limits are the server's, whoever applies them.
            DownloadError::Chat(CommandError::Text(_)) => Exit::Refused,
            DownloadError::TooMany { .. } | DownloadError::NoSuchDownload | DownloadError::Chat(_) => {
                Exit::Other
            }
        };
        Self::new(exit, error.to_string())
    }

    /// What the end of a download means. `message` is the core's, or the file's own where it is about a file.
    pub fn download(reason: &FailReason, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if *reason == FailReason::NotFound {
            message += "; 'files' lists what there is";
        }
        Self { exit: exit_of_download(reason), reason: reason.name(), message }
    }
}

/// The word for a code. Those of downloads are the contract's.
const fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Other => "other",
        Exit::Usage => "usage",
        Exit::NotFound => "not-found",
        Exit::Refused => "refused",
        Exit::Connection => "lost",
        Exit::TimedOut => "timed-out",
        Exit::Integrity => "integrity",
        Exit::Local => "local",
        Exit::Exists => "exists",
        Exit::Interrupted => "stopped",
    }
}

/// The exit code of a refusal. What nobody could have is not found; the rest is the server's will.
pub const fn exit_of_code(code: &ErrorCode) -> Exit {
    match code {
        ErrorCode::NoSuchNick | ErrorCode::NoSuchFile | ErrorCode::BadName => Exit::NotFound,
        _ => Exit::Refused,
    }
}

/// The exit code of a download that ended without its file.
pub const fn exit_of_download(reason: &FailReason) -> Exit {
    match reason {
        FailReason::NotFound => Exit::NotFound,
        FailReason::Refused => Exit::Refused,
        FailReason::Lost => Exit::Connection,
        FailReason::TimedOut => Exit::TimedOut,
        FailReason::Integrity => Exit::Integrity,
        FailReason::Local(LocalError::Exists) => Exit::Exists,
        FailReason::Local(_) => Exit::Local,
        FailReason::Stopped => Exit::Interrupted,
    }
}

/// The words of a refusal, with the nickname that is free where the server named one.
pub fn refusal(error: &ErrorFrame) -> String {
    let mut text = format!("{} ({})", error.message, error.code);
    let is_said = |nick: &str| error.message.raw().split([' ', ',']).any(|word| word == nick);
    if let Some(suggestion) = error.suggestion.as_ref().filter(|nick| !is_said(nick.as_str())) {
        text += &format!("; {suggestion} is free");
    }
    text
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::TextError;

    use super::*;

    #[test]
    fn every_end_of_a_download_has_its_code_and_word() {
        for (reason, code, word) in [
            (FailReason::NotFound, 3, "not-found"),
            (FailReason::Refused, 4, "refused"),
            (FailReason::Lost, 5, "lost"),
            (FailReason::TimedOut, 6, "timed-out"),
            (FailReason::Integrity, 7, "integrity"),
            (FailReason::Local(LocalError::NoSpace), 8, "local"),
            (FailReason::Local(LocalError::Locked), 8, "local"),
            (FailReason::Local(LocalError::Denied), 8, "local"),
            (FailReason::Local(LocalError::Other("x".into())), 8, "local"),
            (FailReason::Local(LocalError::Exists), 9, "exists"),
            (FailReason::Stopped, 130, "stopped"),
        ] {
            let failure = Failure::download(&reason, "x");
            assert_eq!((failure.exit.code(), failure.reason), (code, word), "{reason:?}");
        }
    }

    #[test]
    fn every_refusal_has_its_code() {
        for code in ErrorCode::ALL {
            let expected = match code.raw() {
                "no-such-nick" | "no-such-file" | "bad-name" => 3,
                _ => 4,
            };
            assert_eq!(exit_of_code(code).code(), expected, "{code}");
        }
        assert_eq!(exit_of_code(&ErrorCode::from("of-tomorrow")).code(), 4);
    }

    #[test]
    fn a_text_that_cannot_be_said_is_refused_whoever_finds_out() {
        let too_long = CommandError::Text(TextError::TooLong { bytes: 20_000, limit: 15_360 });
        assert_eq!(Failure::command(&too_long.into()).exit, Exit::Refused);
        assert_eq!(Failure::command(&DownloadError::NotBuilt("bbr")).exit, Exit::Usage);
        assert_eq!(Failure::command(&CommandError::Over.into()).exit, Exit::Other);
    }

    #[test]
    fn a_refusal_says_what_is_free() {
        let mut error = ErrorFrame::new(None, ErrorCode::NickTaken, "ann is taken");
        error.suggestion = backchat_core::chat::Nickname::parse("ann2").ok();
        let failure = Failure::refused(&error);
        assert_eq!(failure.message, "ann is taken (nick-taken); ann2 is free");
        assert_eq!((failure.exit, failure.reason), (Exit::Refused, "refused"));
    }
}
