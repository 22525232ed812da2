//! Where a download is to end up, as the user asked for it.
//!
//! Nothing here touches a file system: command lines make these values, the targets carry them out.

use std::path::PathBuf;

/// What to do with the bytes of one download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetSpec {
    /// A file: written to a partial file beside it, which gets the final name when its hash is right.
    File {
        /// Which file.
        place: Place,
        /// What to do when it is there already.
        existing: Existing,
        /// Whether an earlier, unfinished download goes on.
        partial: Partial,
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
    /// Replace it (`--force`), in one step and only when the new one is whole.
    Replace,
    /// Take the first free name of `NAME (1).ext`, `NAME (2).ext`, … (`--rename`).
    Rename,
    /// Download nothing and call it done (`--skip-existing`): see
    /// [`TargetEvent::Skipped`](crate::files::TargetEvent::Skipped).
    Skip,
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
