//! What share and targets ask of a file system.
//!
//! The calls block and are made by the disk's executor. A folder is a handle: names are single components beneath it, so no
//! name leads out of it and a folder that is renamed meanwhile stays the same folder. The errors are `io::Error`s
//! as a Unix system would give them; the layer above makes sentences of them.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use backchat_core::time::UnixTime;

use super::content::Content;
use super::executor::Executor;

/// A file system.
pub trait Disk: Clone + Send + Sync + 'static {
    /// What its files consist of.
    type Content: Content;

    /// A folder of it.
    type Folder: Folder<File: File<Content = Self::Content>>;

    /// What carries out its calls.
    type Executor: Executor;

    /// What carries out its calls. All of them but [`folder`](Self::folder) may block.
    fn executor(&self) -> Self::Executor;

    /// Opens a folder.
    ///
    /// # Errors
    /// It is missing, not a folder, or not ours to open.
    fn folder(&self, path: &Path) -> io::Result<Self::Folder>;

    /// Whether `folder` is still what has this path.
    ///
    /// # Errors
    /// Nothing has it, or we may not know.
    fn is_at(&self, path: &Path, folder: &Self::Folder) -> io::Result<bool>;

    /// Whether a FIFO or a device has this path; links are followed. `false` where nothing has it.
    fn is_stream(&self, path: &Path) -> bool;

    /// Opens a FIFO or a device to write into. Waits for the other end of a FIFO, for as long as it takes.
    ///
    /// # Errors
    /// What the system says.
    fn open_stream(&self, path: &Path) -> io::Result<Box<dyn Write + Send>>;
}

/// An open folder.
pub trait Folder: Send + Sync + 'static {
    /// A file in it.
    type File: File;

    /// Names of its entries and what is behind them, links followed as far as they stay inside; at most so many.
    ///
    /// # Errors
    /// It cannot be read.
    fn list(&self, at_most: usize) -> io::Result<Vec<(OsString, Stat)>>;

    /// What is behind a name; a link is described itself.
    ///
    /// # Errors
    /// Nothing has this name.
    fn stat(&self, name: &OsStr) -> io::Result<Stat>;

    /// The path that a link leads to, as it stands in it.
    ///
    /// # Errors
    /// It is none.
    fn read_link(&self, name: &OsStr) -> io::Result<PathBuf>;

    /// Opens for reading. Links are followed as far as they stay inside. Does not wait for the other end of a
    /// FIFO, and does not open what is no regular file.
    ///
    /// # Errors
    /// `InvalidInput` for what is no regular file; `PermissionDenied` without a code of the system for a link that
    /// leads out.
    fn open(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Opens for reading and writing, and creates if need be. A link is not followed, a FIFO not waited for.
    ///
    /// # Errors
    /// `ELOOP` for a link.
    fn create(&self, name: &OsStr) -> io::Result<Self::File>;

    /// Gives a file another name in the same folder.
    ///
    /// # Errors
    /// `AlreadyExists` with [`Overwrite::No`] when the name is taken.
    fn rename(&self, from: &OsStr, to: &OsStr, overwrite: Overwrite) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&self, name: &OsStr) -> io::Result<()>;

    /// Makes names durable: a new file and a rename are only then sure to survive a crash.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> io::Result<()>;

    /// The user whose files are ours.
    fn user(&self) -> u32;
}

/// An open file.
pub trait File: Send + 'static {
    /// What it consists of.
    type Content: Content;

    /// What it is now.
    ///
    /// # Errors
    /// What the system says.
    fn stat(&self) -> io::Result<Stat>;

    /// Reads `range` in place of what is in `into`; of what is beyond the end nothing.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, range: Range<u64>, into: &mut Self::Content) -> io::Result<()>;

    /// Writes all of `content` at `offset`. After a failure part of it may be there.
    ///
    /// # Errors
    /// What the system says.
    fn write_all_at(&self, content: &Self::Content, offset: u64) -> io::Result<()>;

    /// Cuts or extends it.
    ///
    /// # Errors
    /// What the system says.
    fn set_len(&self, length: u64) -> io::Result<()>;

    /// Sets who may do what with it: the nine bits of user, group and others.
    ///
    /// # Errors
    /// What the system says.
    fn set_mode(&self, mode: u32) -> io::Result<()>;

    /// Sets when its bytes changed. Writing sets it anew.
    ///
    /// # Errors
    /// What the system says.
    fn set_modified(&self, at: UnixTime) -> io::Result<()>;

    /// Makes its bytes and its length durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync(&self) -> io::Result<()>;

    /// Locks it against every other handle, until it is closed.
    ///
    /// # Errors
    /// What the system says.
    fn try_lock(&self) -> io::Result<Lock>;
}

/// What came of locking a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// It is ours, or this file system has no locks.
    Held,
    /// Another handle has it.
    Taken,
}

/// Whether a rename may replace a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It may.
    Yes,
    /// It fails instead, without a gap in which it could.
    No,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, device or socket.
    Special,
}

impl From<cap_std::fs::FileType> for Kind {
    fn from(kind: cap_std::fs::FileType) -> Self {
        if kind.is_file() {
            Self::File
        } else if kind.is_dir() {
            Self::Folder
        } else if kind.is_symlink() {
            Self::Link
        } else {
            Self::Special
        }
    }
}

/// Returns the first `at_most` of a folder's entries with their names; a link stands for the file that it leads to.
pub(super) fn listed<F: Folder>(
    folder: &F,
    entries: cap_std::fs::ReadDir,
    at_most: usize,
) -> Vec<(OsString, Stat)> {
    let mut found = Vec::new();
    for entry in entries {
        // What vanishes while we look was not there.
        let Ok(entry) = entry else { continue };
        let name = entry.file_name();
        let Ok(mut stat) = folder.stat(&name) else { continue };
        if stat.kind == Kind::Link {
            // Opened rather than looked up: what cannot be opened cannot be downloaded either.
            let Ok(behind) = folder.open(&name).and_then(|file| file.stat()) else { continue };
            stat = behind;
        }
        if found.len() == at_most {
            break;
        }
        found.push((name, stat));
    }
    found
}

/// Reads `range` in place of what is in `into`, by as many calls of `read_at` as it takes: each is given a buffer and where
/// in the file it begins, and answers how much of it was filled, which is nothing at the end.
pub(super) fn read_range(
    range: Range<u64>,
    into: &mut Vec<u8>,
    read_at: impl Fn(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<()> {
    into.set_length(range.end.saturating_sub(range.start));
    let mut filled = 0;
    while filled < into.len() {
        match read_at(&mut into[filled..], range.start + filled as u64) {
            Ok(0) => into.truncate(filled),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What a file system knows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: Kind,
    /// The file system it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
    /// The user it belongs to.
    pub owner: u32,
    /// Who may do what with it, without its kind.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// When its bytes changed: seconds and nanoseconds since 1970.
    pub modified: (i64, i64),
    /// When its bytes or properties changed: seconds and nanoseconds since 1970. Nobody can set it back.
    pub changed: (i64, i64),
}

/// A time as the system has it.
///
/// # Errors
/// `InvalidInput` for one that it has not.
pub(super) fn system_time(at: UnixTime) -> io::Result<SystemTime> {
    let since = Duration::from_millis(at.as_millis().unsigned_abs());
    let at = match at.as_millis() {
        0.. => SystemTime::UNIX_EPOCH.checked_add(since),
        _ => SystemTime::UNIX_EPOCH.checked_sub(since),
    };
    at.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

impl Stat {
    /// Whether both are the same file, whatever its names.
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}
