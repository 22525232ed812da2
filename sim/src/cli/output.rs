//! Files that a command writes.
//!
//! Before anything is written, every output is opened without emptying it, and its identity is held against whatever the
//! command reads and whatever else it writes: by another name, by a link or by a hard link, one file is one file. A lock
//! keeps a second program away. Only then does an output change: [`Output`]s that are whole or nothing are written beside
//! their place and renamed, so that a failure leaves what was there; those that grow for hours are written in place.

use core::cell::RefCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tempfile::NamedTempFile;

use super::exit::Trouble;

/// The files of one command: what it reads, and what it writes.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(Rc<RefCell<Vec<Known>>>);

/// A file whose identity is known: while it is there, for a system gives what has gone to the next that comes.
#[derive(Debug)]
struct Known {
    identity: Identity,
    use_: Use,
}

#[derive(Clone, Debug)]
enum Use {
    Read(PathBuf),
    /// By this option, or `standard output`.
    Written(String),
}

/// The way in which an output comes to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Whole or not at all: written beside it, and renamed at the end.
    Replace,
    /// In place, as it comes: what is there when the program is killed can be gone on with.
    Grow,
    /// In place, behind what is there, which is read as well.
    GoOn,
}

impl Files {
    /// Standard output is one of the outputs where it is a file.
    pub(super) fn new() -> Self {
        let files = Self::default();
        if let Some(identity) = Identity::of_stdout() {
            files.know(identity, Use::Written("standard output".to_owned()));
        }
        files
    }

    /// The command reads `path`. One that cannot be read is somebody else's to complain about.
    pub(super) fn read(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        if let Some(identity) = Identity::of_path(path) {
            self.know(identity, Use::Read(path.to_owned()));
        }
    }

    fn know(&self, identity: Identity, use_: Use) {
        self.0.borrow_mut().push(Known { identity, use_ });
    }

    /// The file of an output is gone, and there may be another in its place.
    fn replaced(&self, gone: &Identity, by: Option<Identity>) {
        let mut all = self.0.borrow_mut();
        let place = all.iter().position(|it| it.identity == *gone);
        let known = place.map(|place| all.swap_remove(place));
        all.extend(known.zip(by).map(|(known, identity)| Known { identity, ..known }));
    }

    /// The file that `option` names is written. Nothing of it changes before [`Output::begin`], or the first byte.
    ///
    /// # Errors
    /// It is an input or another output, somebody else is writing it, or it cannot be written.
    pub(super) fn write(&self, option: &str, path: &Path, manner: Manner) -> Result<Output, Trouble> {
        let cannot = |error| Trouble::Write { path: path.to_owned(), error };
        let is_new = !path.exists();
        let mut options = OpenOptions::new();
        // Only what is gone on with must be readable.
        options.write(true).create(true).truncate(false).read(manner == Manner::GoOn);
        let target = options.open(path).map_err(cannot)?;
        let is_file = target.metadata().map_err(cannot)?.is_file();
        let mut output = Output {
            files: self.clone(),
            path: path.to_owned(),
            place: path.to_owned(),
            target,
            beside: None,
            is_file,
            is_begun: manner == Manner::GoOn && !is_new,
            is_kept: !is_new,
        };
        // A pipe or a device keeps nothing that could be lost, and takes from everybody.
        if !is_file {
            return Ok(output);
        }
        let shown = format!("{option} {}", path.display());
        if let Some(identity) = Identity::of_file(&output.target, path) {
            if let Some(known) = self.0.borrow().iter().find(|it| it.identity == identity) {
                return Err(Trouble::Usage(match &known.use_ {
                    Use::Read(input) => {
                        format!(
                            "{shown} would overwrite {}, which is read; name another file",
                            input.display()
                        )
                    }
                    Use::Written(other) => format!("{shown} is the file of {other} too; name another file"),
                }));
            }
            self.know(identity, Use::Written(shown.clone()));
        }
        match output.target.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let what =
                    "is being written by another program; wait until it has ended, or name another file";
                return Err(Trouble::Usage(format!("{shown} {what}")));
            }
            // Not every file system has locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        output.place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // By such a name a shell hands over a file that it holds itself, and would never see the new one.
        let is_handed_over = path.starts_with("/dev") || path.starts_with("/proc");
        if manner == Manner::Replace && !is_handed_over {
            output.beside = beside(&output.place, &output.target);
        }
        Ok(output)
    }
}

/// A file beside `place`, with its permissions. Where none can be made, the output is written in place.
fn beside(place: &Path, target: &File) -> Option<NamedTempFile> {
    let name = place.file_name()?.to_string_lossy().into_owned();
    let prefix = format!(".{name}.");
    let beside = tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(place.parent()?).ok()?;
    let permissions = target.metadata().ok()?.permissions();
    beside.as_file().set_permissions(permissions).ok()?;
    Some(beside)
}

/// An output that was checked.
#[derive(Debug)]
pub(super) struct Output {
    files: Files,
    /// As it was given.
    path: PathBuf,
    /// Behind all links.
    place: PathBuf,
    /// Open and locked for as long as this lives.
    target: File,
    beside: Option<NamedTempFile>,
    is_file: bool,
    /// Emptied, or wanted as it was.
    is_begun: bool,
    /// There is something under its name that stays there.
    is_kept: bool,
}

impl Output {
    /// As it was given.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns true if it is a file, and no pipe or device.
    pub(super) const fn is_file(&self) -> bool {
        self.is_file
    }

    /// The file itself, to be read.
    pub(super) const fn target(&mut self) -> &mut File {
        &mut self.target
    }

    /// Empties it.
    ///
    /// # Errors
    /// The I/O error of the operating system.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        if self.is_begun {
            return Ok(());
        }
        self.is_begun = true;
        if self.is_file && self.beside.is_none() {
            self.is_kept = true;
            self.target.set_len(0)?;
            self.target.seek(SeekFrom::Start(0))?;
        }
        Ok(())
    }

    /// Everything was written: it has its name from now on.
    ///
    /// # Errors
    /// The I/O error of the operating system. A file that was to be replaced is still there as it was.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.begin()?;
        match self.beside.take() {
            None => self.target.flush()?,
            Some(beside) => {
                let there = beside.persist(&self.place).map_err(|error| error.error)?;
                if let Some(gone) = Identity::of_file(&self.target, &self.place) {
                    self.files.replaced(&gone, Identity::of_file(&there, &self.place));
                }
            }
        }
        self.is_kept = true;
        Ok(())
    }

    /// Writes the whole of it.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub(super) fn fill(mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)?;
        self.finish()
    }

    fn to(&mut self) -> io::Result<&mut File> {
        self.begin()?;
        Ok(self.beside.as_mut().map_or(&mut self.target, NamedTempFile::as_file_mut))
    }
}

impl Drop for Output {
    /// A file that was made only to be locked is nobody's.
    fn drop(&mut self) {
        if !self.is_kept && self.is_file {
            let identity = Identity::of_file(&self.target, &self.place);
            let _ = std::fs::remove_file(&self.place);
            if let Some(identity) = identity {
                self.files.replaced(&identity, None);
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to()?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to()?.flush()
    }
}

impl Seek for Output {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.to()?.seek(to)
    }
}

/// Which file it is, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity(Id);

#[cfg(unix)]
type Id = (u64, u64);

#[cfg(unix)]
impl Identity {
    fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        Self((metadata.dev(), metadata.ino()))
    }

    /// The one behind a path.
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        std::fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    fn of_file(file: &File, _: &Path) -> Option<Self> {
        file.metadata().ok().map(|metadata| Self::of(&metadata))
    }

    fn of_stdout() -> Option<Self> {
        use std::os::fd::AsFd as _;
        let stdout = File::from(io::stdout().as_fd().try_clone_to_owned().ok()?);
        let metadata = stdout.metadata().ok().filter(std::fs::Metadata::is_file)?;
        Some(Self::of(&metadata))
    }
}

#[cfg(not(unix))]
type Id = PathBuf;

/// Hard links have no name in common here, and are not known.
#[cfg(not(unix))]
impl Identity {
    /// The one behind a path.
    pub(super) fn of_path(path: &Path) -> Option<Self> {
        path.canonicalize().ok().map(Self)
    }

    fn of_file(_: &File, path: &Path) -> Option<Self> {
        Self::of_path(path)
    }

    fn of_stdout() -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(result: Result<Output, Trouble>) -> String {
        result.err().map_or_else(|| "nothing".to_owned(), |trouble| trouble.to_string())
    }

    #[test]
    fn an_output_that_fails_leaves_what_was_there_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::write(&old, "before").unwrap();
        let files = Files::default();
        for path in [&old, &new] {
            let mut output = files.write("-o", path, Manner::Replace).unwrap();
            output.write_all(b"half").unwrap();
        }
        drop(files.write("--json", &folder.path().join("other"), Manner::Grow).unwrap());
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "before");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        Files::default().write("-o", &old, Manner::Replace).unwrap().fill(b"after").unwrap();
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "after");
    }

    #[test]
    fn one_file_by_two_names_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("in"), "read").unwrap();
        std::fs::hard_link(path("in"), path("hard")).unwrap();
        let files = Files::default();
        files.read(path("in"));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("in", path("soft")).unwrap();
            for name in ["in", "hard", "soft"] {
                let said = said(files.write("--trace", &path(name), Manner::Replace));
                assert!(
                    said.contains(&format!("/{name} would overwrite ")) && said.contains("/in, "),
                    "{said}"
                );
            }
        }
        let first = files.write("--json", &path("out"), Manner::Grow).unwrap();
        let said = said(files.write("--junit", &path("out"), Manner::Replace));
        assert!(said.contains("--junit ") && said.contains(" is the file of --json "), "{said}");
        drop(first);
        assert_eq!(std::fs::read_to_string(path("in")).unwrap(), "read");
        assert!(!path("out").exists());
    }

    #[test]
    fn what_is_gone_is_not_taken_for_what_comes_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::default();
        for number in 0..50 {
            let path = folder.path().join(number.to_string());
            files.write("--save-failures", &path, Manner::Replace).unwrap().fill(b"").unwrap();
        }
        // The refused one's identity was that of a file that is no longer there.
        let said = said(files.write("--json", &folder.path().join("7"), Manner::Grow));
        assert!(said.contains(" is the file of --save-failures "), "{said}");
    }

    #[test]
    fn what_somebody_else_is_writing_is_left_to_him() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        let (ours, theirs) = (Files::default(), Files::default());
        let mut first = theirs.write("--json", &path, Manner::Grow).unwrap();
        first.write_all(b"line").unwrap();
        for manner in [Manner::Replace, Manner::Grow, Manner::GoOn] {
            let said = said(Files::default().write("--json", &path, manner));
            assert!(said.contains("is being written by another program"), "{said}");
        }
        first.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "line");
        ours.write("--json", &path, Manner::Grow).unwrap().begin().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "before").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        Files::default().write("-o", &link, Manner::Replace).unwrap().fill(b"after").unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "after");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
