//! Scenarios from files and folders.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use backchat_core::text::visible;
use backchat_core::wire::{CongestionChoice, Recovery};

use super::exit::Trouble;
use super::output::{Files, Identity};
use crate::scenario::Scenario;

/// A scenario, and what it was called.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The path, as it was given or found.
    pub path: String,
    /// What stands in it.
    pub text: Vec<u8>,
    /// The scenario.
    pub scenario: Scenario,
}

/// The most bytes of a scenario, or of another file that is read whole. One with every fault that a file may have is below.
pub const MAX_FILE_BYTES: u64 = 32 << 20;

/// Folders in folders that are looked into.
const DEPTH_MAX: usize = 32;

/// The most scenarios that folders are searched for: whoever names `/` has made a mistake.
const FOUND_MAX: usize = 100_000;

/// Bad scenarios that are named; the others are counted.
const BAD_MAX: usize = 20;

/// Reads one scenario, which this build must be able to run.
///
/// # Errors
/// There is no such file, or it is no scenario, or asks for what is not built.
pub fn one(path: &Path) -> Result<Loaded, Trouble> {
    let loaded = read(path)?;
    let transfer = &loaded.scenario.file().transfer;
    let missing = match (transfer.recovery, transfer.congestion) {
        (Recovery::Selective, _) => Some("recovery selective".to_owned()),
        (_, CongestionChoice::Classic | CongestionChoice::Fixed(_)) => None,
        (_, other) => Some(format!("congestion {other}")),
    };
    match missing {
        Some(missing) => Err(Trouble::NotBuilt(format!("{}: {missing}", loaded.path))),
        None => Ok(loaded),
    }
}

/// The same as an input of a command, which none of its outputs may be.
///
/// # Errors
/// As [`one`].
pub(super) fn input(path: &Path, files: &Files) -> Result<Loaded, Trouble> {
    files.read(path);
    one(path)
}

/// Reads every scenario among `named`, as [`one`] does.
///
/// # Errors
/// Of bad scenarios every one is named, so that they can be mended at one go.
pub(super) fn all(named: &[PathBuf], files: &Files) -> Result<Vec<Loaded>, Trouble> {
    let read: Vec<_> = paths(named)?.iter().map(|path| input(path, files)).collect();
    let bad = read.iter().filter(|it| matches!(it, Err(Trouble::Scenario(_)))).count();
    if bad < 2 {
        return read.into_iter().collect();
    }
    let said = read.iter().filter_map(|it| match it {
        Err(Trouble::Scenario(said)) => Some(said.as_str()),
        _ => None,
    });
    let mut lines: Vec<&str> = said.take(BAD_MAX).collect();
    let count = format!("{bad} bad scenarios of {}; nothing was run", read.len());
    lines.push(&count);
    Err(Trouble::Scenario(lines.join("\nbackchat-sim: ")))
}

/// Reads a scenario without asking whether it can be run.
///
/// # Errors
/// As [`one`], but for what is not built.
pub fn read(path: &Path) -> Result<Loaded, Trouble> {
    let name = path.display().to_string();
    if path.is_dir() {
        let what = "is a folder; expected one scenario. 'sweep' and 'list' take folders";
        return Err(Trouble::Nothing(format!("{name} {what}")));
    }
    let text = bytes(path)?;
    let scenario = Scenario::parse_bytes(&text).map_err(|error| Trouble::Scenario(error.in_file(&name)))?;
    Ok(Loaded { path: name, text, scenario })
}

/// Reads a whole file.
///
/// # Errors
/// It cannot be read, or has no end within [`MAX_FILE_BYTES`].
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, Trouble> {
    let cannot = |error| Trouble::Nothing(format!("cannot read {}: {error}", path.display()));
    let mut text = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text)).map_err(cannot)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let what = format!("1:1: a longer file; expected at most {MAX_FILE_BYTES} bytes");
        return Err(Trouble::Scenario(format!("{}:{what}", path.display())));
    }
    Ok(text)
}

/// The scenarios among `paths`: files in the order in which they are named, those of a folder by name. What only has the
/// name of a scenario is passed over in folders, with a word about it: only what somebody names himself may be a pipe.
///
/// # Errors
/// A path that is not there, or none at all.
pub fn paths(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Trouble> {
    let mut search = Search::default();
    for path in paths {
        if path.is_dir() {
            search.folder(path, DEPTH_MAX)?;
        } else if path.exists() {
            search.found.push(path.clone());
        } else {
            return Err(Trouble::Nothing(format!(
                "there is no {}; expected a scenario, or a folder of them. Backchat's own are in the folder scenarios of its source",
                path.display()
            )));
        }
    }
    for (path, what) in &search.passed_over {
        writeln!(io::stderr(), "backchat-sim: passed over {}: {what}", visible(&path.to_string_lossy()))?;
    }
    if search.found.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Trouble::Nothing(format!("no scenario (*.toml) in {}", names.join(", "))));
    }
    Ok(search.found)
}

/// The search for scenarios in folders, with the files found so far.
#[derive(Default)]
struct Search {
    found: Vec<PathBuf>,
    /// Folders and files that were seen: a link leads to something a second time.
    seen: BTreeSet<Identity>,
    passed_over: Vec<(PathBuf, &'static str)>,
}

impl Search {
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<(), Trouble> {
        if !self.is_first(folder) {
            return Ok(());
        }
        let cannot = |error| Trouble::Nothing(format!("cannot read {}: {error}", folder.display()));
        let entries = std::fs::read_dir(folder).map_err(cannot)?;
        let mut paths = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<Vec<_>, _>>()
            .map_err(cannot)?;
        // The system's order is nobody's.
        paths.sort();
        for path in paths {
            // Editors' locks and copies, what other systems leave on a disk, and version control are hidden.
            let is_hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            if is_hidden {
                continue;
            }
            if path.is_dir() {
                if depth == 0 {
                    self.passed_over.push((path, "too deep in other folders"));
                } else {
                    self.folder(&path, depth - 1)?;
                }
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                self.file(path)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: PathBuf) -> Result<(), Trouble> {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => {
                self.passed_over.push((path, "no file, but a pipe, a socket or a device"));
                return Ok(());
            }
            // To what is not there, or to itself.
            Err(_) if path.is_symlink() => {
                self.passed_over.push((path, "a link that leads nowhere"));
                return Ok(());
            }
            Err(error) => return Err(Trouble::Nothing(format!("cannot read {}: {error}", path.display()))),
        }
        if !self.is_first(&path) {
            return Ok(());
        }
        if self.found.len() >= FOUND_MAX {
            return Err(Trouble::Nothing(format!("more than {FOUND_MAX} scenarios in these folders")));
        }
        self.found.push(path);
        Ok(())
    }

    fn is_first(&mut self, path: &Path) -> bool {
        Identity::of_path(path).is_none_or(|identity| self.seen.insert(identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(folder: &Path) -> Vec<String> {
        let mut search = Search::default();
        search.folder(folder, DEPTH_MAX).unwrap();
        let name = |path: &PathBuf| path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
        search.found.iter().map(name).collect()
    }

    #[test]
    fn what_editors_and_other_systems_leave_is_no_scenario() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.toml", "a.toml", "._a.toml", ".#b.toml", "a.toml~", "#a.toml#", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        std::fs::write(folder.path().join(".git/c.toml"), "").unwrap();
        assert_eq!(found(folder.path()), ["a.toml", "b.toml"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_back_or_nowhere_are_followed_once_or_not() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("in")).unwrap();
        std::fs::write(path("in/a.toml"), "").unwrap();
        symlink(folder.path(), path("in/back")).unwrap();
        symlink("in", path("other")).unwrap();
        symlink("in/a.toml", path("same.toml")).unwrap();
        symlink("nowhere", path("gone.toml")).unwrap();
        symlink("round.toml", path("round.toml")).unwrap();
        std::os::unix::net::UnixListener::bind(path("socket.toml")).unwrap();
        let mut search = Search::default();
        search.folder(folder.path(), DEPTH_MAX).unwrap();
        assert_eq!(found(folder.path()), ["in/a.toml"]);
        let passed_over: Vec<&str> = search.passed_over.iter().map(|(_, what)| *what).collect();
        let nowhere = "a link that leads nowhere";
        assert_eq!(passed_over, [nowhere, nowhere, "no file, but a pipe, a socket or a device"]);
    }

    #[test]
    fn a_file_without_an_end_is_not_read_for_ever() {
        #[cfg(target_os = "linux")]
        {
            let said = bytes(Path::new("/dev/zero")).unwrap_err().to_string();
            assert_eq!(said, "/dev/zero:1:1: a longer file; expected at most 33554432 bytes");
        }
    }
}
