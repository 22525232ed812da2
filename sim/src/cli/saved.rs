//! A folder of failures: the scenario, the trace and the explanation of each.

use core::cell::Cell;
use std::path::{Path, PathBuf};

use super::exit::Trouble;
use super::explain::Which;
use super::load::Loaded;
use super::output::{Files, Manner};
use super::run::{explained, judged, traced};

/// Failures of one signature that are saved. The first is the one to look at; two more show whether it is the seed's doing.
pub(super) const OF_A_SIGNATURE_MAX: u64 = 3;

/// See the module.
pub(super) struct Saved<'a> {
    folder: PathBuf,
    files: &'a Files,
    /// Something could not be saved, and was told of.
    has_failed: Cell<bool>,
}

impl<'a> Saved<'a> {
    /// The folder is made where it is not there, and tried before anything is run for it.
    ///
    /// # Errors
    /// Nothing can be written into it.
    pub(super) fn into(folder: &Path, files: &'a Files) -> Result<Self, Trouble> {
        let tried = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
        tried.map_err(Trouble::write(folder))?;
        Ok(Self { folder: folder.to_owned(), files, has_failed: Cell::new(false) })
    }

    /// Where a failure's scenario is, once it is saved.
    pub(super) fn scenario(&self, signature: &str, which: Which<'_>) -> PathBuf {
        self.path(signature, which, "toml")
    }

    /// `expect-too_late-client.network_demo-seed-7.toml`: those of one kind stand together.
    fn path(&self, signature: &str, which: Which<'_>, ending: &str) -> PathBuf {
        let plain = |text: &str, other: char| -> String {
            text.chars().map(|c| if c.is_alphanumeric() || c == '_' { c } else { other }).collect()
        };
        let stem = plain(which.path.trim_end_matches(".toml"), '_');
        let (signature, stem) = (plain(signature, '-'), stem.trim_matches('_'));
        self.folder.join(format!("{signature}.{stem}-seed-{}.{ending}", which.seed))
    }

    /// Saves a failure, or says that it cannot be saved: what is looked for further is worth more than its file.
    pub(super) fn try_to_save(&self, signature: &str, loaded: &Loaded, which: Which<'_>) {
        if let Err(trouble) = self.save(signature, loaded, which)
            && !self.has_failed.replace(true)
        {
            trouble.complain();
        }
    }

    /// Saves a failure: it is run again for what led there and for its trace.
    fn save(&self, signature: &str, loaded: &Loaded, which: Which<'_>) -> Result<(), Trouble> {
        let path = |ending| self.path(signature, which, ending);
        let open = |ending| self.files.write("--save-failures", &path(ending), Manner::Replace);
        let write = |ending, bytes: &[u8]| open(ending)?.fill(bytes).map_err(Trouble::write(&path(ending)));
        write("toml", &loaded.text)?;
        write("txt", explanation(loaded, which).as_bytes())?;
        match traced(open("jsonl.gz")?, loaded, which.seed, which.engine, None) {
            Ok((_, written)) => written,
            // What was written up to there is what there is of such a run.
            Err(Trouble::Run { .. }) => Ok(()),
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
