//! What the server shares: files whose bytes come from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use backchat_core::seed::Seed;
use backchat_core::wire::Hash;

use super::user::Found;
use crate::scenario::SharedFile;

/// Every file of a run.
#[derive(Clone, Debug, Default)]
pub struct Contents(BTreeMap<String, Shared>);

#[derive(Clone, Debug)]
struct Shared {
    bytes: Arc<[u8]>,
    hash: Hash,
}

impl Contents {
    /// The bytes of each file are a function of the seed, its name and its size.
    pub fn new(seed: &Seed, files: &[SharedFile]) -> Self {
        let shared = |file: &SharedFile| {
            let mut stream = seed.stream(&format!("file {}", file.name));
            let size = usize::try_from(file.size).unwrap_or(usize::MAX);
            let mut bytes = Vec::with_capacity(size + 64);
            while bytes.len() < size {
                bytes.extend_from_slice(&stream.bytes::<64>());
            }
            bytes.truncate(size);
            let hash = Hash(*blake3::hash(&bytes).as_bytes());
            (file.name.to_string(), Shared { bytes: bytes.into(), hash })
        };
        Self(files.iter().map(shared).collect())
    }

    /// Every file: its name, its bytes, its hash.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8], Hash)> {
        self.0.iter().map(|(name, shared)| (name.as_str(), &*shared.bytes, shared.hash))
    }

    /// What `bytes` are, which should be those of the file.
    pub(super) fn compare(&self, name: &str, bytes: &[u8]) -> Found {
        Found {
            size: bytes.len() as u64,
            blake3: Hash(*blake3::hash(bytes).as_bytes()),
            differs_at: self.differs_at(name, bytes),
        }
    }

    /// The first byte in which `bytes` is not the file; `None` when it is.
    pub fn differs_at(&self, name: &str, bytes: &[u8]) -> Option<u64> {
        let Some(shared) = self.0.get(name) else { return Some(0) };
        let same = shared.bytes.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        (same < shared.bytes.len().max(bytes.len())).then_some(same as u64)
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;

    use super::*;

    #[test]
    fn a_file_depends_on_seed_and_name_and_differences_are_found() {
        let files = ["a", "b"].map(|name| SharedFile { name: FileName::parse(name).unwrap(), size: 1000 });
        let one = Contents::new(&Seed::from_number(1), &files);
        let other = Contents::new(&Seed::from_number(2), &files);
        let bytes = |contents: &Contents| -> Vec<Vec<u8>> {
            contents.files().map(|(_, bytes, _)| bytes.to_vec()).collect()
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
}
