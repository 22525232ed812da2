//! What the server shares: files whose bytes come from the seed.
//!
//! Nothing in a run depends on what the bytes are, only on which file they are of and where in it they belong; so there are
//! [`VARIANTS`] of each file, and the seed says which. Their hashes are remembered from one run to the next, and the bytes
//! are made only where somebody looks at them: a sweep would spend most of its time on them otherwise.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use backchat::files::Content;
use backchat::files::memory::MemoryDisk;
use backchat_core::seed::{Seed, Stream};
use backchat_core::wire::Hash;

use super::user::Found;
use crate::scenario::SharedFile;

/// How many contents there are of a file with the same name and size.
pub const VARIANTS: u64 = 16;

/// Where the server's share is on its disk.
pub(super) const SHARE: &str = "/share";

/// Hashes that are remembered: about 1 MB. A process that has met more begins anew.
const REMEMBERED_MAX: usize = 10_000;

/// Bytes of a file that are made and hashed at once: whole blocks of its stream, and of BLAKE3's widest step.
const PIECE: usize = 32 << 10;

/// A file of the run, by its place among all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileIndex(pub usize);

/// Every file of a run, in the order of their names.
#[derive(Debug)]
pub struct Contents(Vec<Arc<Source>>);

/// A file that is shared, as it was made.
#[derive(Debug)]
pub struct Source {
    index: FileIndex,
    variant: u64,
    name: String,
    size: u64,
    hash: OnceLock<Hash>,
    bytes: OnceLock<Box<[u8]>>,
}

/// What decides a file's bytes.
type Key = (u64, String, u64);

/// The hash of each file that was ever made in this process. A memory of what was computed, not a state: what is in it
/// changes how long something takes and nothing else.
static HASHES: Mutex<BTreeMap<Key, Hash>> = Mutex::new(BTreeMap::new());

impl Contents {
    /// The bytes of each file are a function of the seed, its name and its size.
    pub fn new(seed: u64, files: &[SharedFile]) -> Self {
        let mut files: Vec<&SharedFile> = files.iter().collect();
        files.sort_by(|one, other| one.name.as_str().cmp(other.name.as_str()));
        let source = |(index, file): (usize, &SharedFile)| Source {
            index: FileIndex(index),
            variant: seed % VARIANTS,
            name: file.name.as_str().to_owned(),
            size: file.size,
            hash: OnceLock::new(),
            bytes: OnceLock::new(),
        };
        Self(files.into_iter().enumerate().map(source).map(Arc::new).collect())
    }

    /// Every file.
    pub fn files(&self) -> impl Iterator<Item = FileIndex> + use<> {
        (0..self.0.len()).map(FileIndex)
    }

    /// The file of this name.
    pub fn find(&self, name: &str) -> Option<FileIndex> {
        self.0.binary_search_by(|file| file.name.as_str().cmp(name)).ok().map(FileIndex)
    }

    /// A file.
    pub fn source(&self, file: FileIndex) -> Option<&Arc<Source>> {
        self.0.get(file.0)
    }

    /// A file's name.
    pub fn name(&self, file: FileIndex) -> &str {
        self.source(file).map_or("", |it| &it.name)
    }

    /// A file's bytes, as a number.
    pub fn size(&self, file: FileIndex) -> u64 {
        self.source(file).map_or(0, |it| it.size)
    }

    /// A file's bytes.
    pub fn bytes(&self, file: FileIndex) -> &[u8] {
        self.source(file).map_or(&[], |it| it.bytes())
    }

    /// The hash of a file's bytes.
    pub fn hash(&self, file: FileIndex) -> Hash {
        self.source(file).map_or_else(Hash::of_nothing, |it| it.hash())
    }

    /// A disk with all of them in the folder [`SHARE`]; `content` is what each consists of.
    pub(super) fn disk<C: Content>(&self, content: impl Fn(&Arc<Source>) -> C) -> MemoryDisk<C> {
        let disk = MemoryDisk::default();
        disk.add_folder(SHARE);
        for file in &self.0 {
            let put = disk.put(Path::new(SHARE).join(&file.name), content(file));
            debug_assert!(put.is_ok(), "the folder is there and the disk has no end");
        }
        disk
    }

    /// What `bytes` are, which should be those of the file.
    pub(super) fn compare(&self, name: &str, bytes: &[u8]) -> Found {
        Found { size: bytes.len() as u64, blake3: hash(bytes), differs_at: self.differs_at(name, bytes) }
    }

    /// The first byte in which `bytes` is not the file; `None` when it is.
    pub fn differs_at(&self, name: &str, bytes: &[u8]) -> Option<u64> {
        let Some(shared) = self.find(name).map(|file| self.bytes(file)) else { return Some(0) };
        let same = shared.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        (same < shared.len().max(bytes.len())).then_some(same as u64)
    }
}

impl Source {
    /// Its place among all of the run.
    pub const fn index(&self) -> FileIndex {
        self.index
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its bytes, as a number.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get_or_init(|| make(self.variant, &self.name, self.size))
    }

    /// The hash of its bytes.
    pub fn hash(&self) -> Hash {
        *self.hash.get_or_init(|| {
            let key = (self.variant, self.name.clone(), self.size);
            if let Some(known) = remembered().get(&key) {
                return *known;
            }
            let hash = match self.bytes.get() {
                Some(bytes) => hash(bytes),
                None => hash_of_made(self.variant, &self.name, self.size),
            };
            let mut remembered = remembered();
            if remembered.len() >= REMEMBERED_MAX {
                remembered.clear();
            }
            remembered.insert(key, hash);
            hash
        })
    }
}

fn remembered() -> std::sync::MutexGuard<'static, BTreeMap<Key, Hash>> {
    HASHES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The BLAKE3 of some bytes.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

fn stream(variant: u64, name: &str) -> Stream {
    Seed::from_number(variant).stream(&format!("file {name}"))
}

fn make(variant: u64, name: &str, size: u64) -> Box<[u8]> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    stream(variant, name).fill(&mut bytes);
    bytes.into()
}

/// The hash of what [`make`] makes, piece by piece: a large file would be memory that is touched for this alone.
fn hash_of_made(variant: u64, name: &str, size: u64) -> Hash {
    let (mut stream, mut hasher) = (stream(variant, name), blake3::Hasher::new());
    let mut piece = [0; PIECE];
    let mut left = size;
    while left > 0 {
        let length = left.min(PIECE as u64);
        let piece = &mut piece[..length as usize];
        stream.fill(piece);
        hasher.update(piece);
        left -= length;
    }
    Hash(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;

    use super::*;

    #[test]
    fn a_file_depends_on_seed_and_name_and_differences_are_found() {
        let files = ["a", "b"].map(|name| SharedFile { name: FileName::parse(name).unwrap(), size: 1000 });
        let one = Contents::new(1, &files);
        let other = Contents::new(2, &files);
        let bytes = |contents: &Contents| -> Vec<Vec<u8>> {
            contents.files().map(|file| contents.bytes(file).to_vec()).collect()
        };
        let all = [bytes(&one), bytes(&other)].concat();
        assert!((0..4).all(|i| (0..i).all(|j| all[i] != all[j])));
        let mut copy = all[0].clone();
        assert_eq!(one.differs_at("a", &copy), None);
        copy[17] ^= 1;
        assert_eq!(one.differs_at("a", &copy), Some(17));
        assert_eq!(one.differs_at("a", &all[0][..900]), Some(900));
        assert_eq!(one.differs_at("c", &copy), Some(0));
    }

    #[test]
    fn a_remembered_hash_is_that_of_the_bytes() {
        for size in [0, 5_000, PIECE as u64, 3 * PIECE as u64 + 1] {
            let files = [SharedFile { name: FileName::parse("remembered").unwrap(), size }];
            for seed in [3, 3 + VARIANTS, 4] {
                let contents = Contents::new(seed, &files);
                let file = contents.find("remembered").unwrap();
                assert_eq!(contents.hash(file), hash(contents.bytes(file)), "{size} bytes, seed {seed}");
            }
        }
    }
}
