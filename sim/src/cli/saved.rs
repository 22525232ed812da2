//! A folder of failures: the scenario, the trace and the explanation of each.

use std::path::{Path, PathBuf};

use super::exit::Trouble;
use super::explain::Which;
use super::load::Loaded;
use super::run::{explained, judged, traced};

/// Failures of one signature that are saved. The first is the one to look at; two more show whether it is the seed's doing.
pub(super) const OF_A_SIGNATURE_MAX: u64 = 3;

/// See the module.
pub(super) struct Saved {
    folder: PathBuf,
}

impl Saved {
    /// The folder is made where it is not there, and tried before anything is run for it.
    ///
    /// # Errors
    /// Nothing can be written into it.
    pub(super) fn into(folder: &Path) -> Result<Self, Trouble> {
        let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
        tried.map_err(Trouble::write(folder))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Where a failure's scenario is, once it is saved.
    pub(super) fn scenario(&self, which: Which<'_>) -> PathBuf {
        self.path(which, "toml")
    }

    fn path(&self, which: Which<'_>, ending: &str) -> PathBuf {
        let stem = which.path.trim_end_matches(".toml");
        let stem: String = stem.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        self.folder.join(format!("{}-seed-{}.{ending}", stem.trim_matches('_'), which.seed))
    }

    /// Saves a failure: it is run again for what led there and for its trace.
    ///
    /// # Errors
    /// Something cannot be written.
    pub(super) fn save(&self, loaded: &Loaded, which: Which<'_>) -> Result<(), Trouble> {
        let write = |ending, bytes: &[u8]| {
            let path = self.path(which, ending);
            std::fs::write(&path, bytes).map_err(Trouble::write(&path))
        };
        write("toml", &loaded.text)?;
        write("txt", explanation(loaded, which).as_bytes())?;
        match traced(&self.path(which, "jsonl"), loaded, which.seed, which.engine) {
            // What was written up to there is what there is of such a run.
            Ok(_) | Err(Trouble::Run { .. }) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}

/// A failure that was found before, explained; one that comes to no end as far as it goes.
pub(super) fn explanation(loaded: &Loaded, which: Which<'_>) -> String {
    let again = judged(loaded, which.seed, which.engine, &mut ());
    match again.and_then(|report| explained(loaded, which, &report)) {
        Ok(text) => text,
        Err(trouble) => {
            let (path, seed, engine) = (which.path, which.seed, which.engine.name());
            format!("FAIL {path}  seed {seed}  engine {engine}\n  {trouble}\n{}\n", which.replay())
        }
    }
}
