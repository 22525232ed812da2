//! Finding the file that a download becomes, and opening its partial file.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use backchat_core::chat::FileName;
use backchat_core::node::Have;

use super::writer::FileWriter;
use crate::files::disk::{Disk, Folder, Kind};
use crate::files::error::{Refusal, TargetError, TargetEvent};
use crate::files::partial::{numbered_name, open_partial, partial_name};
use crate::files::spec::{Existing, Partial, Place, TargetSpec};

/// Names that `--rename` tries.
pub(super) const NAMES_MAX: u32 = 1_000;

/// How an opening went that did not fail.
pub(super) enum Opening {
    /// The file is open and has a beginning.
    Open { have: Have, event: TargetEvent },
    /// It is there and stays as it is.
    Skip { path: PathBuf },
}

/// A folder and names in it, with what to call them.
pub(super) struct Location<F> {
    pub(super) folder: F,
    /// How the user called the folder.
    pub(super) folder_path: PathBuf,
    /// The final name.
    pub(super) name: OsString,
}

impl<F> Location<F> {
    /// `name` in this folder, as the user would write it.
    pub(super) fn path(&self, name: &OsStr) -> PathBuf {
        if self.folder_path == Path::new(".") { PathBuf::from(name) } else { self.folder_path.join(name) }
    }

    /// The final file.
    pub(super) fn final_path(&self) -> PathBuf {
        self.path(&self.name)
    }
}

/// Opens what `spec` asks for; without a writer when there is nothing to write.
pub(super) fn open<D: Disk>(
    disk: D,
    name: &FileName,
    spec: TargetSpec,
) -> Result<(Option<FileWriter<D>>, Opening), TargetError> {
    let TargetSpec::File { place, existing, partial } = spec else {
        return Err(TargetError::StdoutTaken);
    };
    let mut location = locate(&disk, name, place)?;
    let first = location.name.clone();
    for number in 0..=NAMES_MAX {
        if number > 0 {
            location.name = numbered_name(&first, number);
        }
        match (existing, look(&location)?) {
            (_, Found::Nothing) | (Existing::Replace, Found::File) => {}
            (Existing::Rename, Found::File | Found::Other(_)) => continue,
            (Existing::Refuse, Found::File) => {
                return Err(TargetError::Exists { path: location.final_path() });
            }
            (Existing::Skip, Found::File) => {
                return Ok((None, Opening::Skip { path: location.final_path() }));
            }
            (_, Found::Other(refusal)) => {
                return Err(TargetError::NotAFile { path: location.final_path(), refusal });
            }
        }
        let part = partial_name(&location.name);
        let part_path = location.path(&part);
        let file = match open_partial(&location.folder, &part, &part_path) {
            // Somebody downloads into this name just now: it is taken.
            Err(TargetError::Locked { .. }) if existing == Existing::Rename => continue,
            result => result?,
        };
        let mut writer = FileWriter::new(disk, location, part, part_path.clone(), file, existing);
        let have = match partial {
            Partial::Resume => writer.read_prefix()?,
            Partial::Discard => writer.begin()?,
        };
        let event = TargetEvent::Opened {
            path: writer.final_path(),
            partial: Some(part_path),
            resumed_from: have.length,
        };
        return Ok((Some(writer), Opening::Open { have, event }));
    }
    location.name = first;
    Err(TargetError::NoName { path: location.final_path() })
}

/// What has the final name.
enum Found {
    Nothing,
    /// A file, or a link to one perhaps: replacing it replaces the link.
    File,
    Other(Refusal),
}

fn look<F: Folder>(location: &Location<F>) -> Result<Found, TargetError> {
    match location.folder.stat(&location.name) {
        Ok(stat) => Ok(match stat.kind {
            Kind::File | Kind::Link => Found::File,
            Kind::Folder => Found::Other(Refusal::Folder),
            Kind::Special => Found::Other(Refusal::Special),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(TargetError::from_io("look at", &location.final_path(), 0, error)),
    }
}

/// Opens the folder of a place.
fn locate<D: Disk>(disk: &D, name: &FileName, place: Place) -> Result<Location<D::Folder>, TargetError> {
    let (folder_path, name) = match place {
        Place::Folder(folder) => (folder, OsString::from(name.as_str())),
        Place::Path(path) => {
            // `dir/` and `dir/..` name folders, whether they exist or not.
            let last = path.as_os_str().as_encoded_bytes().last();
            let is_folder = last.is_some_and(|&byte| std::path::is_separator(char::from(byte)));
            match path.file_name() {
                Some(file) if !is_folder => {
                    (path.parent().unwrap_or(Path::new("")).to_owned(), file.to_owned())
                }
                _ => return Err(TargetError::NotAFile { path, refusal: Refusal::Folder }),
            }
        }
    };
    let folder_path = if folder_path.as_os_str().is_empty() { PathBuf::from(".") } else { folder_path };
    match disk.folder(&folder_path) {
        Ok(folder) => Ok(Location { folder, folder_path, name }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(TargetError::FolderMissing { folder: folder_path })
        }
        Err(error) => Err(TargetError::from_io("open", &folder_path, 0, error)),
    }
}
