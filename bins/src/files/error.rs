//! What can go wrong with a download's file, in sentences that name the path and the remedy.

use std::io;
use std::path::{Path, PathBuf};

use crate::errno::Errno;
use crate::paths::shown;
use backchat_core::node::LocalError;

/// What happened to the file of a download, for the application.
#[derive(Debug)]
pub enum TargetEvent {
    /// It is open.
    Opened {
        /// The final name; `-` for standard output.
        path: PathBuf,
        /// Where the bytes are until then.
        partial: Option<PathBuf>,
        /// How many of them an earlier run left.
        resumed_from: u64,
    },
    /// It is there already and was to be left alone. A `ClientEvent::Download` that failed with `Exists` follows,
    /// and is no failure.
    Skipped {
        /// What is there.
        path: PathBuf,
    },
    /// It has its final name, and the disk has it.
    Committed {
        /// The final name.
        path: PathBuf,
    },
    /// It is closed and was kept for a resume.
    Kept {
        /// The partial file.
        partial: PathBuf,
        /// Bytes in it.
        length: u64,
    },
    /// It was removed: its hash was wrong, or nothing was in it.
    Discarded {
        /// The partial file that was.
        partial: PathBuf,
    },
    /// It is closed, and nothing of it could be kept or removed: an output that only takes.
    Closed {
        /// How the user called it; `-` for standard output.
        path: PathBuf,
    },
    /// It failed. The `ClientEvent::Download` that ends the download follows.
    Failed {
        /// What to tell the user.
        error: TargetError,
    },
}

/// Why a download's file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The final file is there.
    #[error(
        "{} exists already: --force replaces it, --rename takes another name, --skip-existing leaves it",
        shown(.path)
    )]
    Exists {
        /// It.
        path: PathBuf,
    },
    /// Another download writes the same file.
    #[error("{} is being written by another download: wait for it, or choose another name with -o", shown(.path))]
    Locked {
        /// The partial file.
        path: PathBuf,
    },
    /// Something else is where the folder should be.
    #[error("{} is not a folder: choose another with -d", shown(.path))]
    NotAFolder {
        /// It.
        path: PathBuf,
    },
    /// The folder is not there.
    #[error("the folder {} does not exist: create it, or choose another with -d", shown(.folder))]
    FolderMissing {
        /// It.
        folder: PathBuf,
    },
    /// We may not.
    #[error("no permission to write {}: choose another folder with -d", shown(.path))]
    Denied {
        /// What was to be written.
        path: PathBuf,
    },
    /// Nobody may.
    #[error("{} is on a read-only file system: choose another folder with -d", shown(.path))]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
    },
    /// The disk, or the user's part of it, is full.
    #[error("no space left for {}: make room and run it again, {kept} bytes are kept", shown(.path))]
    NoSpace {
        /// What was being written.
        path: PathBuf,
        /// Bytes of it that a later run can go on from.
        kept: u64,
    },
    /// A limit on the size of one file.
    #[error("{} would be larger than a file may be here, {kept} bytes are kept: raise the limit (ulimit -f), or choose another folder with -d", shown(.path))]
    TooLarge {
        /// What was being written.
        path: PathBuf,
        /// Bytes of it that a later run can go on from.
        kept: u64,
    },
    /// Something else has the name.
    #[error("{} is not a regular file but {refusal}: choose another name with -o (-o - is standard output)", shown(.path))]
    NotAFile {
        /// It.
        path: PathBuf,
        /// What it is.
        refusal: Refusal,
    },
    /// Something that we did not leave there has the partial file's name.
    #[error("{} is {refusal}, not a partial download of yours: remove it and run it again", shown(.path))]
    Planted {
        /// It.
        path: PathBuf,
        /// What it is.
        refusal: Refusal,
    },
    /// Every name that could be tried is taken.
    #[error("{} and all its numbered names are taken: choose another name with -o", shown(.path))]
    NoName {
        /// The first one.
        path: PathBuf,
    },
    /// Whoever read standard output has seen enough.
    #[error("nobody reads standard output any more")]
    StdoutClosed,
    /// Standard output is in use.
    #[error("another download already writes to standard output: wait for it, or choose a file with -o")]
    StdoutTaken,
    /// What was written cannot be taken back.
    #[error("{} cannot start over: run it again, or download into a file", shown(.path))]
    StreamRestart {
        /// What the bytes went into.
        path: PathBuf,
    },
    /// Somebody removed the partial file, or put another in its place.
    #[error("{} was removed or replaced while it was written: run it again", shown(.path))]
    PartialGone {
        /// It.
        path: PathBuf,
    },
    /// What was written may not be on the disk, and what the disk has may be something else.
    #[error("the disk did not take {}, which was removed: {source}; choose another disk with -d, or run it again", shown(.path))]
    NotSynced {
        /// The partial file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A write that was not asked for, behind a hole.
    #[error("{} ends at byte {end}, a write at {offset} would leave a hole (this is a bug)", shown(.path))]
    Hole {
        /// What was being written.
        path: PathBuf,
        /// Where it ends.
        end: u64,
        /// Where it was to be written.
        offset: u64,
    },
    /// Anything else.
    #[error("cannot {doing} {}: {source}", shown(.path))]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What has the name that a file of ours was to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A folder.
    #[error("a folder")]
    Folder,
    /// A symbolic link.
    #[error("a symbolic link")]
    Link,
    /// A symbolic link that somebody else has made.
    #[error("a symbolic link of another user")]
    ForeignLink,
    /// A FIFO, device or socket.
    #[error("a device, pipe or socket")]
    Special,
    /// A file with several names, one of which may be elsewhere.
    #[error("a file with other names")]
    HardLink,
    /// A file of somebody else.
    #[error("a file of another user")]
    Foreign,
}

impl TargetError {
    /// What the core is told.
    pub fn kind(&self) -> LocalError {
        match self {
            Self::Exists { .. } => LocalError::Exists,
            Self::Locked { .. } | Self::StdoutTaken => LocalError::Locked,
            Self::NoSpace { .. } => LocalError::NoSpace,
            Self::Denied { .. } | Self::ReadOnly { .. } => LocalError::Denied,
            Self::FolderMissing { .. }
            | Self::NotAFolder { .. }
            | Self::TooLarge { .. }
            | Self::NotAFile { .. }
            | Self::Planted { .. }
            | Self::NoName { .. }
            | Self::StdoutClosed
            | Self::StreamRestart { .. }
            | Self::PartialGone { .. }
            | Self::NotSynced { .. }
            | Self::Hole { .. }
            | Self::Io { .. } => LocalError::Other(self.to_string()),
        }
    }

    /// What `source` means for `path`, of which `kept` bytes are safe.
    pub(super) fn from_io(doing: &'static str, path: &Path, kept: u64, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOSPC | Errno::DQUOT) => Self::NoSpace { path, kept },
            Some(Errno::FBIG) => Self::TooLarge { path, kept },
            Some(Errno::ROFS) => Self::ReadOnly { path },
            Some(Errno::ACCESS | Errno::PERM) => Self::Denied { path },
            Some(Errno::NOTDIR) => Self::NotAFolder { path },
            Some(Errno::LOOP) => Self::Planted { path, refusal: Refusal::Link },
            Some(Errno::ISDIR) => Self::NotAFile { path, refusal: Refusal::Folder },
            Some(Errno::NXIO) => Self::Planted { path, refusal: Refusal::Special },
            _ => Self::Io { doing, path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_the_path_and_the_remedy_and_shows_no_control_character() {
        let errno = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
        let text = |errno_: Errno| {
            TargetError::from_io("write", Path::new("d/a\u{1b}b"), 7, errno(errno_)).to_string()
        };
        assert_eq!(
            text(Errno::NOSPC),
            "no space left for d/a\\u{1b}b: make room and run it again, 7 bytes are kept"
        );
        assert_eq!(
            text(Errno::ROFS),
            "d/a\\u{1b}b is on a read-only file system: choose another folder with -d"
        );
        assert_eq!(text(Errno::ACCESS), "no permission to write d/a\\u{1b}b: choose another folder with -d");
        assert!(text(Errno::IO).starts_with("cannot write d/a\\u{1b}b: "));
    }
}
