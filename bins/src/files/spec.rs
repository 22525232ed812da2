//! Where a download is to end up, as the user asked for it.
//!
//! Nothing here touches a file system: command lines make these values, the targets carry them out.

use std::path::PathBuf;

/// What to do with the bytes of one download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// A file: written to a partial file beside it, which gets the final name when its hash is right. Where a FIFO
    /// or a device has the path, it is written into as standard output is: in order, and nothing is taken back.
    File {
        /// Which file.
        place: Place,
        /// What to do when it is there already.
        existing: Existing,
        /// Whether an earlier, unfinished download goes on.
        partial: Partial,
        /// Which time it gets.
        time: Time,
    },
    /// Standard output (`-o -`): no partial file, no resume; what was written before a failure stays written.
    Stdout,
}

impl TargetSpec {
    /// Into `folder`, under the name that the server has for the file; refuses to replace, and resumes.
    pub fn folder(folder: impl Into<PathBuf>) -> Self {
        Self::File {
            place: Place::Folder(folder.into()),
            existing: Existing::Refuse,
            partial: Partial::Resume,
            time: Time::Now,
        }
    }
}

/// Which file a download becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This one (`-o FILE`). Its folder must exist.
    Path(PathBuf),
    /// The server's name for it, in this folder (`-d DIR`; `.` when nothing was said).
    Folder(PathBuf),
}

/// What to do when the final file is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// Fail with [`TargetError::Exists`](crate::files::TargetError::Exists).
    #[default]
    Refuse,
    /// Replace it (`--force`), in one step and only when the new one is whole; the new one may be used for what the old
    /// one could be. Where it is a link of ours, what it leads to is replaced and the link stays.
    Replace,
    /// Take the first free name of `NAME (1).ext`, `NAME (2).ext`, … (`--rename`).
    Rename,
    /// Download nothing and call it done (`--skip-existing`): see
    /// [`TargetEvent::Skipped`](crate::files::TargetEvent::Skipped).
    Skip,
}

/// When the bytes of a file are said to have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    /// When they were written here.
    #[default]
    Now,
    /// When they changed on the server (`--remote-time`).
    Remote,
}

/// What to do with a partial file that an earlier run left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partial {
    /// Offer it to the server as a prefix, and go on behind it if it is one.
    #[default]
    Resume,
    /// Throw it away and begin at 0 (`--no-resume`).
    Discard,
}
