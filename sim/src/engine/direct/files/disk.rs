//! What is on a client's disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::content::Content;
use crate::engine::contents::Contents;
use crate::engine::user::Found;

/// Every file, under the name that it has or shall get.
///
/// Each is of one wish, and a wish has one download at a time, so nobody else ever holds it. A partial file is synced in
/// the breath in which it becomes whole, and the folder with it: of what was not synced there is nothing but the bytes of
/// partial files, and a loss of power takes all of those.
#[derive(Clone, Debug, Default)]
pub(in crate::engine::direct) struct RangeDisk {
    files: BTreeMap<PathBuf, Stored>,
}

#[derive(Clone, Debug)]
enum Stored {
    Partial(Content),
    Whole(Content),
}

impl RangeDisk {
    /// Whether the whole file is there.
    pub(super) fn has_whole(&self, path: &Path) -> bool {
        matches!(self.files.get(path), Some(Stored::Whole(_)))
    }

    /// The partial file, which is made if it is not there. Not to be asked for where there is a whole one.
    pub(super) fn partial(&mut self, path: &Path) -> &mut Content {
        let stored = self.files.entry(path.to_owned()).or_insert_with(|| Stored::Partial(Content::default()));
        match stored {
            Stored::Partial(content) | Stored::Whole(content) => content,
        }
    }

    /// The partial file is synced and whole from now on.
    pub(super) fn commit(&mut self, path: &Path) {
        if let Some(stored) = self.files.get_mut(path)
            && let Stored::Partial(content) = stored
        {
            *stored = Stored::Whole(core::mem::take(content));
        }
    }

    /// The partial file is removed.
    pub(super) fn remove(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// What was not synced is gone.
    pub(super) fn lose_power(&mut self) {
        self.files.retain(|_, stored| matches!(stored, Stored::Whole(_)));
    }

    /// What is at `path`, where the shared file `name` should be.
    pub(super) fn look(&self, path: &Path, name: &str, contents: &Contents) -> Found {
        let nothing = Content::default();
        let content = match self.files.get(path) {
            Some(Stored::Whole(content)) => content,
            Some(Stored::Partial(_)) | None => &nothing,
        };
        match content.whole(contents) {
            Some(file) if contents.name(file) == name => {
                Found { size: content.len(), blake3: contents.hash(file), differs_at: None }
            }
            _ => contents.compare(name, &content.bytes(contents)),
        }
    }
}
