//! One file being sent: opened, hashed along, and watched for changes. Its calls block; it lives in jobs.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use backchat_core::chat::FileName;
use backchat_core::node::{FileError, FileMeta, ReadDone};
use backchat_core::text::visible;
use backchat_core::wire::{FileVersion, Hash};
use unicode_normalization::UnicodeNormalization as _;

use super::modified;
use super::place::Place;
use crate::files::content::{Content, Hasher as _, HasherOf};
use crate::files::disk::{Disk, File, Folder, Kind, Stat};

/// Bytes read at once while a prefix is hashed.
const PIECE: u64 = 256 * 1024;

/// The largest file that is read again when it is in doubt. The client waits meanwhile, and gives up after a minute;
/// a disk reads this in half of that. Of a larger one it has nearly everything, and goes on behind that.
const READ_AGAIN_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// Whether more of a prefix is to be hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hashed {
    /// So many bytes are left.
    Left(u64),
    /// All of it, or it cannot be.
    Done(Result<Hash, FileError>),
}

/// What a reader is asked.
pub(super) enum Request<C: Content> {
    Open(FileName),
    /// A prefix of so many bytes that was hashed before.
    Recall(u64, Box<C::Hasher>),
    /// With a buffer to read into.
    Read {
        range: Range<u64>,
        buffer: C,
    },
}

/// What it answers.
pub(super) enum Answer<C> {
    Opened(Result<FileMeta, FileError>),
    PrefixHashed(Result<Hash, FileError>),
    Read(Result<(ReadDone, C), FileError>),
    /// The last range, of a file that is not quite what it was: it is to be read again as far as it was to be sent.
    Doubtful(ReadDone, C),
}

/// A file of the share, once it is open.
pub(super) struct Reader<D: Disk> {
    place: Arc<Place<D>>,
    open: Option<Open<<D::Folder as Folder>::File>>,
    /// What is hashed of a prefix, while that goes on.
    prefix: Option<Prefix<D::Content>>,
    /// The hash of this version, when an earlier reading made it.
    pub(super) known: Option<Hash>,
}

/// A prefix that is being hashed, slice by slice.
struct Prefix<C: Content> {
    hasher: C::Hasher,
    hashed: u64,
    length: u64,
}

struct Open<F: File> {
    file: F,
    /// As it was when it was opened.
    stat: Stat,
    version: FileVersion,
    hasher: <F::Content as Content>::Hasher,
    /// Everything below is in `hasher`; `None` once a range was left out.
    hashed: Option<u64>,
}

impl<D: Disk> Reader<D> {
    pub(super) fn new(place: Arc<Place<D>>) -> Self {
        Self { place, open: None, prefix: None, known: None }
    }

    /// Of the file that is open.
    pub(super) fn version(&self) -> Option<FileVersion> {
        self.open.as_ref().map(|open| open.version)
    }

    pub(super) fn answer(&mut self, request: Request<D::Content>) -> Answer<D::Content> {
        match request {
            Request::Open(name) => Answer::Opened(self.open(&name)),
            Request::Recall(length, hasher) => Answer::PrefixHashed(self.recall(length, *hasher)),
            Request::Read { range, buffer } => {
                self.read(range, buffer).unwrap_or_else(|error| Answer::Read(Err(error)))
            }
        }
    }

    fn open(&mut self, name: &FileName) -> Result<FileMeta, FileError> {
        let explain = |error: io::Error| {
            let explained = file_error(&error);
            // What is not there, or is not meant to be sent, is the stranger's mistake and not the operator's.
            if !matches!(explained, FileError::NotFound | FileError::NotAFile) {
                tracing::warn!(file = %visible(name.as_str()), %error, "a file of the share cannot be sent");
            }
            explained
        };
        let file = open_named(&*self.place.folder(), name).map_err(explain)?;
        let stat = file.stat().map_err(explain)?;
        if stat.kind != Kind::File {
            return Err(FileError::NotAFile);
        }
        let version = version(&stat);
        self.open = Some(Open { file, stat, version, hasher: Default::default(), hashed: Some(0) });
        let hash = (stat.size == 0).then(Hash::of_nothing);
        Ok(FileMeta { size: stat.size, modified: modified(&stat), version, hash })
    }

    /// A prefix is to be hashed; nothing else is asked before it is.
    pub(super) fn begin_prefix(&mut self, length: u64) {
        self.prefix = Some(Prefix { hasher: Default::default(), hashed: 0, length });
    }

    /// Whether a prefix is still to be hashed.
    pub(super) fn is_hashing(&self) -> bool {
        self.prefix.is_some()
    }

    /// Hashes so many bytes more of the prefix.
    pub(super) fn hash_slice(&mut self, slice: u64, cancelled: &AtomicBool) -> Hashed {
        let Some(mut prefix) = self.prefix.take() else { return Hashed::Done(Err(FileError::NotFound)) };
        let end = prefix.hashed.saturating_add(slice).min(prefix.length);
        if let Err(error) = self.hash_up_to(&mut prefix, end, cancelled) {
            return Hashed::Done(Err(error));
        }
        let left = prefix.length - prefix.hashed;
        if left > 0 {
            self.prefix = Some(prefix);
            return Hashed::Left(left);
        }
        Hashed::Done(self.recall(prefix.length, prefix.hasher))
    }

    fn hash_up_to(
        &self,
        prefix: &mut Prefix<D::Content>,
        end: u64,
        cancelled: &AtomicBool,
    ) -> Result<(), FileError> {
        let open = self.open.as_ref().ok_or(FileError::NotFound)?;
        let mut buffer = D::Content::default();
        while prefix.hashed < end {
            if cancelled.load(Ordering::Relaxed) {
                return Err(FileError::Other("the transfer has ended".to_owned()));
            }
            let piece = prefix.hashed..end.min(prefix.hashed + PIECE);
            read_exact_at(&open.file, piece, &mut buffer)?;
            prefix.hasher.update(&buffer, 0);
            prefix.hashed += buffer.len();
        }
        Ok(())
    }

    /// Goes on behind a prefix of so many bytes, all of which is in `hasher`.
    fn recall(&mut self, length: u64, hasher: HasherOf<D>) -> Result<Hash, FileError> {
        let open = self.open.as_mut().ok_or(FileError::NotFound)?;
        let hash = hasher.digest();
        (open.hasher, open.hashed) = (hasher, Some(length));
        Ok(hash)
    }

    /// The prefix that was hashed last, to be remembered.
    pub(super) fn hashed_prefix(&self) -> Option<((FileVersion, u64), HasherOf<D>)> {
        let open = self.open.as_ref()?;
        Some(((open.version, open.hashed?), open.hasher.clone()))
    }

    fn read(&mut self, range: Range<u64>, mut buffer: D::Content) -> Result<Answer<D::Content>, FileError> {
        let known = self.known;
        let open = self.open.as_mut().ok_or(FileError::NotFound)?;
        if range.start > range.end || range.end > open.stat.size {
            return Err(FileError::Other("a range beyond the file was asked for".to_owned()));
        }
        read_exact_at(&open.file, range.clone(), &mut buffer)?;
        if known.is_none() {
            open.hash_along(&range, &buffer);
        }
        if range.end != open.stat.size {
            return Ok(Answer::Read(Ok((ReadDone { range, hash: None }, buffer))));
        }
        // Bytes of two states of the file would have a hash that fits neither.
        let stat = open.file.stat().map_err(|error| file_error(&error))?;
        let is_whole = open.hashed == Some(range.end);
        let hash = known.or_else(|| is_whole.then(|| open.hasher.digest()));
        let done = ReadDone { range, hash };
        match Standing::of(&open.stat, &stat) {
            Standing::Same => Ok(Answer::Read(Ok((done, buffer)))),
            Standing::Doubtful if hash.is_some() && open.stat.size <= READ_AGAIN_MAX => {
                Ok(Answer::Doubtful(done, buffer))
            }
            Standing::Doubtful | Standing::Changed => Err(FileError::Changed),
        }
    }
}

impl<F: File> Open<F> {
    /// Takes into the hash what of `range` is not in it yet. What is sent again is read again and is in it already, and so
    /// is a prefix that was hashed for a client, whatever that has of it.
    fn hash_along(&mut self, range: &Range<u64>, content: &F::Content) {
        let Some(hashed) = self.hashed else { return };
        let Some(known) = hashed.checked_sub(range.start) else {
            self.hashed = None;
            return;
        };
        if known <= content.len() {
            self.hasher.update(content, known);
            self.hashed = Some(hashed.max(range.end));
        }
    }
}

/// Opens a file by its name, or by that name as another system writes it: an é is one character on most keyboards, and
/// an e with an accent behind it in what macOS has written.
fn open_named<F: Folder>(folder: &F, name: &FileName) -> io::Result<F::File> {
    let missing = match folder.open(name.as_str().as_ref()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => error,
        opened => return opened,
    };
    let spellings: [String; 2] = [name.as_str().nfc().collect(), name.as_str().nfd().collect()];
    for other in spellings.iter().filter_map(|other| FileName::parse(other).ok()) {
        match folder.open(other.as_str().as_ref()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return opened,
        }
    }
    Err(missing)
}

/// Reads all of `range`. A file that ends before has shrunk since it was opened.
fn read_exact_at<F: File>(file: &F, range: Range<u64>, into: &mut F::Content) -> Result<(), FileError> {
    let length = range.end - range.start;
    file.read_at(range, into).map_err(|error| file_error(&error))?;
    if into.len() == length { Ok(()) } else { Err(FileError::Changed) }
}

/// A digest of everything that changes when the file's bytes do.
fn version(stat: &Stat) -> FileVersion {
    let mut hasher = blake3::Hasher::new();
    let (modified, changed) = (stat.modified, stat.changed);
    for number in [stat.device, stat.inode, stat.size] {
        hasher.update(&number.to_le_bytes());
    }
    for number in [modified.0, modified.1, changed.0, changed.1] {
        hasher.update(&number.to_le_bytes());
    }
    let mut version = [0; 16];
    version.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    FileVersion(version)
}

/// What the system says of a file's bytes since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// They are what they were.
    Same,
    /// Only the bytes themselves can tell.
    Doubtful,
    /// Some are gone.
    Changed,
}

impl Standing {
    /// Bytes change the time of the last change. So does growing, which leaves alone what was to be sent. A change of
    /// properties alone (another name, mode, owner or time of access) leaves the bytes alone too, but that is also
    /// what it looks like when somebody changes bytes and sets the time back. Losing or gaining a name is no reason
    /// for doubt: whoever removes or replaces a file wants its readers to finish.
    fn of(before: &Stat, now: &Stat) -> Self {
        if now.size < before.size {
            return Self::Changed;
        }
        let is_same = (before.size, before.modified) == (now.size, now.modified)
            && (before.changed == now.changed || before.links != now.links);
        if is_same { Self::Same } else { Self::Doubtful }
    }
}

/// What the system's answer means to somebody who asked for a file. Texts go to strangers: no path in them.
fn file_error(error: &io::Error) -> FileError {
    use crate::errno::Errno;
    match (error.kind(), error.raw_os_error().map(Errno::from_raw_os_error)) {
        (io::ErrorKind::NotFound, _) => FileError::NotFound,
        // A link that leads out: cap-std's own error where it walks the path itself, the kernel's where that does.
        (io::ErrorKind::PermissionDenied, None) | (_, Some(Errno::XDEV | Errno::LOOP)) => FileError::NotAFile,
        (io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory, _) => FileError::NotAFile,
        (io::ErrorKind::PermissionDenied, Some(_)) => FileError::Denied,
        (_, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM)) => FileError::Exhausted,
        (kind, _) => FileError::Other(kind.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn running_out_of_descriptors_is_not_the_files_fault() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOMEM] {
            let error = io::Error::from_raw_os_error(errno.raw_os_error());
            assert_eq!(file_error(&error), FileError::Exhausted);
        }
        let error = io::Error::from_raw_os_error(Errno::IO.raw_os_error());
        assert!(matches!(file_error(&error), FileError::Other(_)));
    }
}
