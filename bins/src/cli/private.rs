//! Files and folders that their owner alone can read: tokens, bans, sockets.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// The moment at which a file that was replaced counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    /// The system has it: a loss of power may take it back.
    Cached,
    /// It is on the disk, and so is its name.
    Synced,
}

/// Creates a folder for its owner alone, where it is missing.
pub(super) fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes `options` create files for their owner alone.
pub(super) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Writes `path` whole or not at all, by way of `new`: a name in the same folder that nobody else writes to meanwhile. A
/// process that was killed here may have left it.
///
/// # Errors
/// The I/O error of the operating system; the file at `path` is what it was, unless only its folder could not be synced.
pub(super) fn replace(new: &Path, path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let _ = fs::remove_file(new);
    let written = private(OpenOptions::new().write(true).create_new(true))
        .open(new)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            if durability == Durability::Synced { file.sync_all() } else { Ok(()) }
        })
        .and_then(|()| fs::rename(new, path));
    if written.is_err() {
        let _ = fs::remove_file(new);
        return written;
    }
    // The name is on the disk with its folder. Windows cannot be asked.
    let folder = path.parent().filter(|_| durability == Durability::Synced && cfg!(unix));
    folder.map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
