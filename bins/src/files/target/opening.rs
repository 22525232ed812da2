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

/// Links that are followed from one to the next; as many as Linux follows.
const LINKS_MAX: u32 = 40;

/// How an opening went that did not fail.
pub(super) enum Opening {
    /// The file is open and has a beginning.
    Open { have: Have, event: TargetEvent },
    /// It is there and stays as it is.
    Skip { path: PathBuf },
}

/// What was found where a download is to go.
pub(super) enum Opened<D: Disk> {
    /// A partial file was opened.
    File(Box<FileWriter<D>>, Opening),
    /// There is nothing to write.
    Skip(Opening),
    /// A FIFO or a device has the path. Opening it may take for ever.
    Stream(PathBuf),
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

/// Opens what `spec` asks for.
pub(super) fn open<D: Disk>(disk: D, name: &FileName, spec: TargetSpec) -> Result<Opened<D>, TargetError> {
    let TargetSpec::File { place, existing, partial, time } = spec else {
        return Err(TargetError::StdoutTaken);
    };
    if let Place::Path(path) = &place
        && disk.is_stream(path)
    {
        return Ok(Opened::Stream(path.clone()));
    }
    let mut location = locate(&disk, name, place)?;
    if existing == Existing::Replace {
        location = follow(&disk, name, location)?;
    }
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
                return Ok(Opened::Skip(Opening::Skip { path: location.final_path() }));
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
        let mut writer = FileWriter::new(disk, location, part, part_path.clone(), file, (existing, time));
        let have = match partial {
            Partial::Resume => writer.read_prefix()?,
            Partial::Discard => writer.begin()?,
        };
        let event = TargetEvent::Opened {
            path: writer.final_path(),
            partial: Some(part_path),
            resumed_from: have.length,
        };
        return Ok(Opened::File(Box::new(writer), Opening::Open { have, event }));
    }
    location.name = first;
    Err(TargetError::NoName { path: location.final_path() })
}

/// Where a link that is to be replaced leads to: that is replaced, and the link stays. One that somebody else has made is
/// not followed, as in a folder for everybody it may lead to a file of ours.
fn follow<D: Disk>(
    disk: &D,
    name: &FileName,
    mut location: Location<D::Folder>,
) -> Result<Location<D::Folder>, TargetError> {
    for _ in 0..LINKS_MAX {
        let stat = match location.folder.stat(&location.name) {
            Ok(stat) if stat.kind == Kind::Link => stat,
            // What else is wrong with it is found out by who looks next.
            Ok(_) | Err(_) => return Ok(location),
        };
        let path = location.final_path();
        if stat.owner != location.folder.user() && stat.owner != ROOT {
            return Err(TargetError::NotAFile { path, refusal: Refusal::ForeignLink });
        }
        let target = location.folder.read_link(&location.name);
        let target = target.map_err(|error| TargetError::from_io("look at", &path, 0, error))?;
        location = locate(disk, name, Place::Path(location.folder_path.join(target)))?;
    }
    Err(TargetError::NotAFile { path: location.final_path(), refusal: Refusal::Link })
}

/// The user who may do everything anyway.
const ROOT: u32 = 0;

/// What has the final name.
enum Found {
    Nothing,
    /// A file, or a link to one perhaps.
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
