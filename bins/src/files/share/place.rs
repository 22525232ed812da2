//! Where the share is: a path, and the folder that was there when it was opened.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::files::disk::Disk;
use crate::paths::shown;

/// A folder that follows its path: whoever replaces a share, by a rename or by another link, means the new one to be
/// served. Files that are being sent stay open.
pub(super) struct Place<D: Disk> {
    disk: D,
    path: PathBuf,
    opened: Mutex<Opened<D::Folder>>,
}

struct Opened<F> {
    folder: Arc<F>,
    /// That nothing can be had at the path was said already.
    is_told: bool,
}

impl<D: Disk> Place<D> {
    /// Opens the folder at `path`.
    pub(super) fn open(disk: D, path: PathBuf) -> io::Result<Self> {
        let folder = Arc::new(disk.folder(&path)?);
        Ok(Self { disk, path, opened: Mutex::new(Opened { folder, is_told: false }) })
    }

    /// The folder that has the path now; the last one that had it, while none has. Blocks.
    pub(super) fn folder(&self) -> Arc<D::Folder> {
        let folder = Arc::clone(&self.opened().folder);
        match self.disk.is_at(&self.path, &folder) {
            Ok(true) => {
                self.opened().is_told = false;
                folder
            }
            Ok(false) => self.reopen_after(&folder),
            Err(error) => self.keep(folder, &error),
        }
    }

    /// Opens what has the path now, whatever it is. Blocks.
    pub(super) fn reopen(&self) {
        let folder = Arc::clone(&self.opened().folder);
        self.reopen_after(&folder);
    }

    fn reopen_after(&self, before: &Arc<D::Folder>) -> Arc<D::Folder> {
        match self.disk.folder(&self.path) {
            Ok(folder) => {
                let folder = Arc::new(folder);
                let mut opened = self.opened();
                // Another thread may have found the same.
                if Arc::ptr_eq(&opened.folder, before) {
                    *opened = Opened { folder, is_told: false };
                    tracing::info!(path = %self.name(), "the share was opened anew");
                }
                Arc::clone(&opened.folder)
            }
            Err(error) => self.keep(Arc::clone(before), &error),
        }
    }

    fn keep(&self, folder: Arc<D::Folder>, error: &io::Error) -> Arc<D::Folder> {
        if !std::mem::replace(&mut self.opened().is_told, true) {
            let path = self.name();
            tracing::warn!(%path, %error, "the share's folder is not there any more; what was opened stays");
        }
        folder
    }

    fn name(&self) -> String {
        shown(&self.path)
    }

    fn opened(&self) -> MutexGuard<'_, Opened<D::Folder>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
