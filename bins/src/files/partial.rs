//! Names of partial files, and how one is opened so that it is ours alone.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use super::disk::{File, Folder, Kind, Lock, Stat};
use super::error::{Refusal, TargetError};

/// The longest name that a file may have, in bytes, on the file systems in use.
const NAME_MAX: usize = 255;

/// Bytes of the hash that makes a shortened name unique, as hexadecimal digits.
const DIGITS: usize = 16;

/// How often opening starts over because the file was renamed or removed between opening and locking it.
const OPEN_TRIES: usize = 8;

/// The name of the partial file beside `name`: `.NAME.part`, with the middle replaced by a hash of the whole
/// where that would be too long. The same name always gives the same partial file, or nothing could be resumed.
pub(super) fn partial_name(name: &OsStr) -> OsString {
    let bytes = name.as_encoded_bytes();
    let mut partial = vec![b'.'];
    if bytes.len() + ".".len() + ".part".len() <= NAME_MAX {
        partial.extend_from_slice(bytes);
    } else {
        let keep = NAME_MAX - ".~".len() - DIGITS - ".part".len();
        partial.extend_from_slice(&bytes[..floor_char(bytes, keep)]);
        partial.push(b'~');
        let digits = blake3::hash(bytes).to_hex();
        partial.extend_from_slice(&digits.as_bytes()[..DIGITS]);
    }
    partial.extend_from_slice(b".part");
    os_string(partial)
}

/// The `number`th other name for `name`: `NAME (1).ext`; the stem is shortened where that would be too long.
pub(super) fn numbered_name(name: &OsStr, number: u32) -> OsString {
    let path = Path::new(name);
    let stem = path.file_stem().unwrap_or(name).as_encoded_bytes();
    let mut ending = format!(" ({number})").into_bytes();
    if let Some(extension) = path.extension() {
        ending.push(b'.');
        ending.extend_from_slice(extension.as_encoded_bytes());
    }
    let room = NAME_MAX.saturating_sub(ending.len());
    let mut numbered = stem[..floor_char(stem, room)].to_vec();
    numbered.extend_from_slice(&ending);
    numbered.truncate(NAME_MAX);
    os_string(numbered)
}

/// A name of these bytes; on Windows, where names are no bytes, without what is no text.
fn os_string(bytes: Vec<u8>) -> OsString {
    #[cfg(unix)]
    return std::os::unix::ffi::OsStringExt::from_vec(bytes);
    #[cfg(not(unix))]
    String::from_utf8_lossy(&bytes).into_owned().into()
}

/// The most bytes, up to `at_most`, that do not cut a UTF-8 character in two.
fn floor_char(bytes: &[u8], at_most: usize) -> usize {
    if bytes.len() <= at_most {
        return bytes.len();
    }
    let is_continuation = |at: &usize| bytes.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    (0..=at_most).rev().find(|at| !is_continuation(at)).unwrap_or(0)
}

/// Opens the partial file `name`, new or left by an earlier run, and locks it. `path` is what to call it.
pub(super) fn open_partial<F: Folder>(folder: &F, name: &OsStr, path: &Path) -> Result<F::File, TargetError> {
    let io = |doing| move |source| TargetError::from_io(doing, path, 0, source);
    for _ in 0..OPEN_TRIES {
        let file = folder.create(name).map_err(|error| match error.kind() {
            io::ErrorKind::IsADirectory => {
                TargetError::Planted { path: path.to_owned(), refusal: Refusal::Folder }
            }
            _ => io("create")(error),
        })?;
        let stat = file.stat().map_err(io("look at"))?;
        if let Some(refusal) = refusal(&stat, folder.user()) {
            return Err(TargetError::Planted { path: path.to_owned(), refusal });
        }
        match file.try_lock().map_err(io("lock"))? {
            Lock::Held => {}
            Lock::Taken => return Err(TargetError::Locked { path: path.to_owned() }),
        }
        // Whoever had the lock may have given the file its final name just before: then what we hold is the
        // finished file, and writing into it would destroy it.
        match folder.stat(name) {
            Ok(there) if there.is_same_file(&stat) => return Ok(file),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io("look at")(error)),
        }
    }
    Err(TargetError::Locked { path: path.to_owned() })
}

/// Why a file is none that we left: what somebody else could have put there to have us write elsewhere.
fn refusal(stat: &Stat, user: u32) -> Option<Refusal> {
    match stat.kind {
        Kind::Folder => Some(Refusal::Folder),
        Kind::Link => Some(Refusal::Link),
        Kind::Special => Some(Refusal::Special),
        Kind::File if stat.links > 1 => Some(Refusal::HardLink),
        Kind::File if stat.owner != user => Some(Refusal::Foreign),
        Kind::File => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial(name: &str) -> String {
        partial_name(OsStr::new(name)).into_string().unwrap()
    }

    #[test]
    fn a_partial_file_is_hidden_beside_its_file() {
        assert_eq!(partial("book.bin"), ".book.bin.part");
    }

    #[test]
    fn a_name_that_would_be_too_long_is_shortened_with_a_hash() {
        assert_eq!(partial(&"a".repeat(249)).len(), 255);
        let (one, other) = (partial(&"a".repeat(250)), partial(&format!("{}b", "a".repeat(249))));
        assert_eq!((one.len(), other.len()), (255, 255));
        assert_ne!(one, other);
        assert_eq!(one, partial(&"a".repeat(250)));
        assert!(one.ends_with(".part"));
        // Two bytes a character: none is cut in two.
        assert!(partial(&"é".repeat(127)).len() <= 255);
    }

    #[test]
    fn another_name_has_its_number_before_the_extension() {
        let numbered = |name: &str, number| numbered_name(OsStr::new(name), number).into_string().unwrap();
        assert_eq!(numbered("book.bin", 1), "book (1).bin");
        assert_eq!(numbered("README", 12), "README (12)");
        assert_eq!(numbered("a.tar.gz", 1), "a.tar (1).gz");
        let long = numbered(&format!("{}.bin", "é".repeat(125)), 1);
        assert!(long.len() <= 255 && long.ends_with(" (1).bin"));
    }
}
