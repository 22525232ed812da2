//! One partial file being written. Its calls block; it lives in jobs.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use backchat_core::node::Have;
use backchat_core::time::UnixTime;
use backchat_core::wire::Hash;

use super::Answer;
use super::opening::{Location, NAMES_MAX};
use crate::files::content::{Content as _, Hasher as _, HasherOf};
use crate::files::disk::{Disk, File, Folder, Kind, Overwrite};
use crate::files::error::{TargetError, TargetEvent};
use crate::files::partial::numbered_name;
use crate::files::spec::{Existing, Time};

/// Bytes read at once while the prefix is hashed.
const PIECE: u64 = 256 * 1024;

/// A locked partial file and the hash of what is in it.
pub(super) struct FileWriter<D: Disk> {
    disk: D,
    location: Location<D::Folder>,
    part: OsString,
    part_path: PathBuf,
    file: <D::Folder as Folder>::File,
    existing: Existing,
    time: Time,
    hasher: HasherOf<D>,
    /// Bytes that are in the file and in `hasher`.
    position: u64,
    /// Set by the first failure: what comes after it would leave a hole.
    has_failed: bool,
}

impl<D: Disk> FileWriter<D> {
    pub(super) fn new(
        disk: D,
        location: Location<D::Folder>,
        part: OsString,
        part_path: PathBuf,
        file: <D::Folder as Folder>::File,
        (existing, time): (Existing, Time),
    ) -> Self {
        let hasher = HasherOf::<D>::default();
        Self { disk, location, part, part_path, file, existing, time, hasher, position: 0, has_failed: false }
    }

    pub(super) fn final_path(&self) -> PathBuf {
        self.location.final_path()
    }

    pub(super) fn into_disk(self) -> D {
        self.disk
    }

    /// Hashes what an earlier run left, to go on behind it.
    pub(super) fn read_prefix(&mut self) -> Result<Have, TargetError> {
        let mut buffer = D::Content::default();
        loop {
            match self.file.read_at(self.position..self.position + PIECE, &mut buffer) {
                Ok(()) if buffer.is_empty() => {
                    return Ok(Have { length: self.position, hash: self.digest() });
                }
                Ok(()) => {
                    self.hasher.update(&buffer, 0);
                    self.position += buffer.len();
                }
                Err(error) => return Err(self.explain("read", error)),
            }
        }
    }

    /// Throws away what an earlier run left.
    pub(super) fn begin(&mut self) -> Result<Have, TargetError> {
        self.file.set_len(0).map_err(|error| self.explain("cut", error))?;
        self.hasher = HasherOf::<D>::default();
        self.position = 0;
        Ok(Have { length: 0, hash: Hash::of_nothing() })
    }

    pub(super) fn write(&mut self, offset: u64, buffer: D::Content) -> Answer<D::Content> {
        if self.has_failed {
            return Answer::Dropped;
        }
        if offset != self.position {
            let (path, end) = (self.part_path.clone(), self.position);
            return self.fail(TargetError::Hole { path, end, offset });
        }
        match self.file.write_all_at(&buffer, offset) {
            Ok(()) => {
                self.hasher.update(&buffer, 0);
                self.position += buffer.len();
                Answer::Written { through: self.position, buffer }
            }
            Err(error) => {
                let error = self.explain("write", error);
                self.fail(error)
            }
        }
    }

    pub(super) fn restart(&mut self) -> Answer<D::Content> {
        match self.begin() {
            Ok(_) => Answer::Restarted,
            Err(error) => self.fail(error),
        }
    }

    pub(super) fn digest(&self) -> Hash {
        self.hasher.digest()
    }

    /// Gives the file its final name, once the disk has its bytes.
    pub(super) fn commit(&mut self, modified: UnixTime) -> Result<TargetEvent, TargetError> {
        self.dress(modified);
        if let Err(source) = self.file.sync() {
            // What was not written is forgotten by many systems, which answer the next sync as if it were there.
            self.position = 0;
            return Err(TargetError::NotSynced { path: self.part_path.clone(), source });
        }
        if !self.has_partial() {
            return Err(TargetError::PartialGone { path: self.part_path.clone() });
        }
        self.rename()?;
        if let Err(error) = self.location.folder.sync() {
            // The file is whole and has its name; only a crash of the machine could still take that away.
            tracing::warn!(folder = %self.location.folder_path.display(), %error, "the folder cannot be synced");
        }
        Ok(TargetEvent::Committed { path: self.final_path() })
    }

    /// Gives the file what it is to have beside its bytes. Where that cannot be, its bytes are good all the same.
    fn dress(&self, modified: UnixTime) {
        let mut done = Ok(());
        if self.existing == Existing::Replace
            && let Ok(before) = self.location.folder.stat(&self.location.name)
            && before.kind == Kind::File
        {
            done = self.file.set_mode(before.mode);
        }
        if self.time == Time::Remote {
            done = done.and(self.file.set_modified(modified));
        }
        if let Err(error) = done {
            tracing::warn!(path = %self.part_path.display(), %error, "mode or time cannot be set");
        }
    }

    /// Whether the partial file's name is still that of the file that we write.
    fn has_partial(&self) -> bool {
        match (self.location.folder.stat(&self.part), self.file.stat()) {
            (Ok(there), Ok(ours)) => there.is_same_file(&ours),
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => false,
            // What cannot be known is found out by what is done next.
            (Err(_), _) | (_, Err(_)) => true,
        }
    }

    fn rename(&mut self) -> Result<(), TargetError> {
        let overwrite = match self.existing {
            Existing::Replace => Overwrite::Yes,
            Existing::Refuse | Existing::Rename | Existing::Skip => Overwrite::No,
        };
        let first = self.location.name.clone();
        let mut number = 0;
        loop {
            let error = match self.location.folder.rename(&self.part, &self.location.name, overwrite) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let is_taken = error.kind() == io::ErrorKind::AlreadyExists;
            if is_taken && self.existing == Existing::Rename && number < NAMES_MAX {
                // Somebody took the name while we were downloading.
                number += 1;
                self.location.name = numbered_name(&first, number);
                continue;
            }
            self.location.name = first;
            let path = self.final_path();
            return Err(if is_taken {
                TargetError::Exists { path }
            } else {
                TargetError::from_io("rename to", &path, self.position, error)
            });
        }
    }

    /// Removes the partial file.
    pub(super) fn discard(self) -> (D, TargetEvent) {
        // What somebody has put in its place is not ours to remove.
        if self.has_partial()
            && let Err(error) = self.location.folder.remove(&self.part)
        {
            tracing::warn!(path = %self.part_path.display(), %error, "the partial file cannot be removed");
        }
        (self.disk, TargetEvent::Discarded { partial: self.part_path })
    }

    /// Leaves the partial file for a resume, if there is anything in it.
    pub(super) fn keep(self) -> (D, TargetEvent) {
        if self.position == 0 || !self.has_partial() {
            return self.discard();
        }
        // A write that failed half-way may have left bytes that nobody has hashed. A resume hashes what it
        // finds, so cutting them off saves bytes on the wire and nothing more.
        if let Err(error) = self.file.set_len(self.position) {
            tracing::debug!(path = %self.part_path.display(), %error, "the partial file cannot be cut");
        }
        (self.disk, TargetEvent::Kept { partial: self.part_path, length: self.position })
    }

    fn explain(&self, doing: &'static str, error: io::Error) -> TargetError {
        TargetError::from_io(doing, &self.part_path, self.position, error)
    }

    fn fail(&mut self, error: TargetError) -> Answer<D::Content> {
        self.has_failed = true;
        Answer::Failed(error)
    }
}
