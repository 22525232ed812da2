//! Scenarios from files and folders.

use std::path::{Path, PathBuf};

use backchat_core::wire::{CongestionChoice, Recovery};

use super::exit::Trouble;
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

/// Folders in folders that are looked into. A link that leads back would be followed for ever.
const DEPTH_MAX: usize = 16;

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

/// Reads a scenario without asking whether it can be run.
///
/// # Errors
/// As [`one`], but for what is not built.
pub fn read(path: &Path) -> Result<Loaded, Trouble> {
    let name = path.display().to_string();
    let text =
        std::fs::read(path).map_err(|error| Trouble::Nothing(format!("cannot read {name}: {error}")))?;
    let scenario = Scenario::parse_bytes(&text).map_err(|error| Trouble::Scenario(error.in_file(&name)))?;
    Ok(Loaded { path: name, text, scenario })
}

/// The scenarios among `paths`: files in the order in which they are named, those of a folder by name.
///
/// # Errors
/// A path that is not there, or none at all.
pub fn paths(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Trouble> {
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            walk(path, DEPTH_MAX, &mut found)?;
        } else if path.exists() {
            found.push(path.clone());
        } else {
            return Err(Trouble::Nothing(format!("there is no {}", path.display())));
        }
    }
    if found.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(Trouble::Nothing(format!("no scenario (*.toml) in {}", names.join(", "))));
    }
    Ok(found)
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Trouble> {
    let cannot = |error| Trouble::Nothing(format!("cannot read {}: {error}", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(cannot)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(cannot)?;
    // The system's order is nobody's.
    paths.sort();
    for path in paths {
        if path.is_dir() && depth > 0 {
            walk(&path, depth - 1, found)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            found.push(path);
        }
    }
    Ok(())
}
