//! The real file system.
//!
//! Reading goes through cap-std, which resolves every name beneath the folder's handle (`openat2` where there is
//! one) so that no link leads out. Writing goes through single calls relative to the same handle that follow no
//! link at all.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileExt, FileTypeExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use backchat_core::time::UnixTime;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, MetadataExt as _, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::disk::{Disk, File, Folder, Kind, Lock, Overwrite, Stat, listed, read_range, system_time};
use super::executor::Pool;

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
        let (there, ours) = (rustix::fs::stat(path)?, rustix::fs::fstat(&folder.0)?);
        Ok((there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino))
    }

    fn is_stream(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| {
            let kind = metadata.file_type();
            kind.is_fifo() || kind.is_char_device() || kind.is_block_device()
        })
    }

    fn open_stream(&self, path: &Path) -> io::Result<Box<dyn Write + Send>> {
        let flags = OFlags::NOCTTY.bits().cast_signed();
        let options = fs::OpenOptions::new().write(true).custom_flags(flags).clone();
        Ok(Box::new(options.open(path)?))
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
        Ok(self.0.symlink_metadata(name)?.into())
    }

    fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        self.0.read_link_contents(name)
    }

    fn open(&self, name: &OsStr) -> io::Result<RealFile> {
        // Opening a device can already do something: look first. The look after it is the one that counts.
        let kind = self.stat(name)?.kind;
        if !matches!(kind, Kind::File | Kind::Link) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut options = OpenOptions::new();
        options.read(true).custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
        let file = RealFile(self.0.open_with(name, &options)?.into_std());
        if file.stat()?.kind == Kind::File { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }

    fn create(&self, name: &OsStr) -> io::Result<RealFile> {
        let flags = OFlags::RDWR
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        // The umask takes away what the user does not want to share.
        let file = rustix::fs::openat(&self.0, name, flags, Mode::from_raw_mode(0o666))?;
        Ok(RealFile(file.into()))
    }

    fn rename(&self, from: &OsStr, to: &OsStr, overwrite: Overwrite) -> io::Result<()> {
        let folder = &self.0;
        if overwrite == Overwrite::Yes {
            return Ok(rustix::fs::renameat(folder, from, folder, to)?);
        }
        match rename_unless_taken(folder, from, to) {
            // This system, this kernel or this file system does not know the flag.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
            result => return Ok(result?),
        }
        match rustix::fs::linkat(folder, from, folder, to, AtFlags::empty()) {
            Ok(()) => return Ok(rustix::fs::unlinkat(folder, from, AtFlags::empty())?),
            Err(Errno::EXIST) => return Err(Errno::EXIST.into()),
            // Nor hard links, as on FAT.
            Err(_) => {}
        }
        match self.stat(to) {
            Ok(_) => Err(Errno::EXIST.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(rustix::fs::renameat(folder, from, folder, to)?)
            }
            Err(error) => Err(error),
        }
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?)
    }

    fn sync(&self) -> io::Result<()> {
        // The handle may be one that only names the folder (O_PATH), which cannot be synced.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder: OwnedFd = rustix::fs::openat(&self.0, ".", flags, Mode::empty())?;
        match rustix::fs::fsync(folder.as_fd()) {
            // Some file systems keep names durable by themselves and know no sync of a folder.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn user(&self) -> u32 {
        rustix::process::geteuid().as_raw()
    }
}

/// Renames where the new name is free, in one call where the system has one.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn rename_unless_taken(folder: &Dir, from: &OsStr, to: &OsStr) -> Result<(), Errno> {
    rustix::fs::renameat_with(folder, from, folder, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn rename_unless_taken(_: &Dir, _: &OsStr, _: &OsStr) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

impl File for RealFile {
    type Content = Vec<u8>;

    fn stat(&self) -> io::Result<Stat> {
        Ok(Metadata::from_file(&self.0)?.into())
    }

    fn read_at(&self, range: Range<u64>, into: &mut Vec<u8>) -> io::Result<()> {
        read_range(range, into, |buffer, offset| self.0.read_at(buffer, offset))
    }

    fn write_all_at(&self, bytes: &Vec<u8>, offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.0.set_permissions(fs::Permissions::from_mode(mode & 0o777))
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
            Err(fs::TryLockError::Error(error)) => match error.raw_os_error().map(Errno::from_raw_os_error) {
                // Better a download without protection against a second one than none.
                Some(Errno::NOTSUP | Errno::NOSYS | Errno::NOLCK | Errno::INVAL) => Ok(Lock::Held),
                _ => Err(error),
            },
        }
    }
}

impl From<Metadata> for Stat {
    fn from(metadata: Metadata) -> Self {
        Self {
            kind: metadata.file_type().into(),
            device: metadata.dev(),
            inode: metadata.ino(),
            links: metadata.nlink(),
            owner: metadata.uid(),
            mode: metadata.mode() & 0o7777,
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
