//! The real file system, on Windows; `real.rs` is the same for every other system.
//!
//! Everything goes through cap-std, relative to the folder's handle. Three things are less than on Unix: a file has no
//! owner or mode that could be compared, a folder cannot be synced (NTFS keeps names in a journal of its own), and locks are
//! obligatory there, so a partial file cannot be read by others while it is written.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::os::windows::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use backchat_core::time::UnixTime;
use cap_fs_ext::{FollowSymlinks, MetadataExt as _, OpenOptionsFollowExt as _};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};

use super::disk::{Disk, File, Folder, Kind, Lock, Overwrite, Stat, listed, read_range, system_time};
use super::executor::Pool;
use crate::errno::Errno;

/// The file system that this process sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    type Content = Vec<u8>;
    type Folder = RealFolder;
    type Executor = Pool;

    fn executor(&self) -> Pool {
        Pool
    }

    fn folder(&self, path: &Path) -> io::Result<RealFolder> {
        Dir::open_ambient_dir(path, ambient_authority()).map(RealFolder)
    }

    fn is_at(&self, path: &Path, folder: &RealFolder) -> io::Result<bool> {
        let (there, ours) = (self.folder(path)?.0.dir_metadata()?, folder.0.dir_metadata()?);
        Ok((there.dev(), there.ino()) == (ours.dev(), ours.ino()))
    }

    fn is_stream(&self, _: &Path) -> bool {
        false
    }

    fn open_stream(&self, _: &Path) -> io::Result<Box<dyn Write + Send>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A folder, opened once.
#[derive(Debug)]
pub struct RealFolder(Dir);

/// A file, opened.
#[derive(Debug)]
pub struct RealFile(fs::File);

impl Folder for RealFolder {
    type File = RealFile;

    fn list(&self, at_most: usize) -> io::Result<Vec<(OsString, Stat)>> {
        Ok(listed(self, self.0.entries()?, at_most))
    }

    fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        self.0.symlink_metadata(name)?.try_into()
    }

    fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        self.0.read_link_contents(name)
    }

    fn open(&self, name: &OsStr) -> io::Result<RealFile> {
        // Opening a device can already do something: look first. The look after it is the one that counts.
        if !matches!(self.stat(name)?.kind, Kind::File | Kind::Link) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let file = RealFile(self.0.open_with(name, OpenOptions::new().read(true))?.into_std());
        if file.stat()?.kind == Kind::File { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    fn create(&self, name: &OsStr) -> io::Result<RealFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).follow(FollowSymlinks::No);
        Ok(RealFile(self.0.open_with(name, &options)?.into_std()))
    }

    fn rename(&self, from: &OsStr, to: &OsStr, overwrite: Overwrite) -> io::Result<()> {
        if overwrite == Overwrite::Yes {
            return self.0.rename(from, &self.0, to);
        }
        match self.0.hard_link(from, &self.0, to) {
            Ok(()) => return self.0.remove_file(from),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // No hard links, as on FAT.
            Err(_) => {}
        }
        match self.stat(to) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.0.rename(from, &self.0, to),
            Err(error) => Err(error),
        }
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.0.remove_file(name)
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    fn user(&self) -> u32 {
        NOBODY
    }
}

/// The owner of every file.
const NOBODY: u32 = 0;

impl File for RealFile {
    type Content = Vec<u8>;

    fn stat(&self) -> io::Result<Stat> {
        Metadata::from_file(&self.0)?.try_into()
    }

    fn read_at(&self, range: Range<u64>, into: &mut Vec<u8>) -> io::Result<()> {
        read_range(range, into, |buffer, offset| self.0.seek_read(buffer, offset))
    }

    fn write_all_at(&self, bytes: &Vec<u8>, mut offset: u64) -> io::Result<()> {
        let mut bytes = bytes.as_slice();
        while !bytes.is_empty() {
            let written = self.0.seek_write(bytes, offset)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = bytes.get(written..).unwrap_or_default();
            offset += written as u64;
        }
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn set_mode(&self, _: u32) -> io::Result<()> {
        Ok(())
    }

    fn set_modified(&self, at: UnixTime) -> io::Result<()> {
        self.0.set_times(fs::FileTimes::new().set_modified(system_time(at)?))
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn try_lock(&self) -> io::Result<Lock> {
        match self.0.try_lock() {
            Ok(()) => Ok(Lock::Held),
            Err(fs::TryLockError::WouldBlock) => Ok(Lock::Taken),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}

impl TryFrom<Metadata> for Stat {
    type Error = io::Error;

    fn try_from(metadata: Metadata) -> io::Result<Self> {
        // A file of the years before 1970 is one of 1970.
        let modified = metadata.modified()?.into_std().duration_since(UNIX_EPOCH).unwrap_or_default();
        let modified = (modified.as_secs().cast_signed(), i64::from(modified.subsec_nanos()));
        Ok(Self {
            kind: metadata.file_type().into(),
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            owner: NOBODY,
            mode: 0,
            size: metadata.len(),
            modified,
            // There is no time that nobody can set back.
            changed: modified,
        })
    }
}
