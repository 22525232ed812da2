//! What a file consists of, without its bytes.

use backchat_core::wire::Hash;

use crate::engine::contents::{Contents, FileIndex, hash};

/// Bytes of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine::direct) enum Piece {
    /// So many of a shared file, from this place on.
    Of { file: FileIndex, at: u64, length: u64 },
    /// Bytes that were made, because somebody looked at them.
    Bytes(Vec<u8>),
}

impl Piece {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Of { length, .. } => *length,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

/// A file's bytes as pieces, one behind the other. Whatever is put together in order from one shared file is one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pieces: Vec<Piece>,
    length: u64,
}

impl Content {
    /// How many bytes.
    pub(super) const fn len(&self) -> u64 {
        self.length
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Nothing is left.
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.length = 0;
    }

    /// Puts a piece behind the others.
    pub(super) fn push(&mut self, piece: Piece) {
        self.length += piece.len();
        match (self.pieces.last_mut(), piece) {
            (
                Some(Piece::Of { file, at, length }),
                Piece::Of { file: next_file, at: next_at, length: more },
            ) if *file == next_file && *at + *length == next_at => *length += more,
            (Some(Piece::Bytes(bytes)), Piece::Bytes(more)) => bytes.extend_from_slice(&more),
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// Puts everything of `other` behind, and leaves it empty.
    pub(super) fn append(&mut self, other: &mut Self) {
        other.length = 0;
        for piece in other.pieces.drain(..) {
            self.push(piece);
        }
    }

    /// The shared file that it is, from the first byte to the last.
    pub(super) fn whole(&self, contents: &Contents) -> Option<FileIndex> {
        match self.pieces.as_slice() {
            [Piece::Of { file, at: 0, length }] if *length == contents.size(*file) => Some(*file),
            _ => None,
        }
    }

    /// Its bytes, made.
    pub(super) fn bytes(&self, contents: &Contents) -> Vec<u8> {
        let mut made = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Of { file, at, length } => {
                    let range = usize::try_from(*at).ok().zip(usize::try_from(*at + *length).ok());
                    let bytes = range.and_then(|(start, end)| contents.bytes(*file).get(start..end));
                    made.extend_from_slice(bytes.unwrap_or_default());
                }
                Piece::Bytes(bytes) => made.extend_from_slice(bytes),
            }
        }
        made
    }

    /// The hash of its bytes: known where it is a whole file, and otherwise made of them.
    pub(super) fn hash(&self, contents: &Contents) -> Hash {
        match self.whole(contents) {
            _ if self.is_empty() => Hash::of_nothing(),
            Some(file) => contents.hash(file),
            None => hash(&self.bytes(contents)),
        }
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;

    use super::*;
    use crate::scenario::SharedFile;

    fn contents() -> Contents {
        let file = |name: &str, size| SharedFile { name: FileName::parse(name).unwrap(), size };
        Contents::new(1, &[file("a", 1000), file("b", 1000)])
    }

    fn of(file: usize, at: u64, length: u64) -> Piece {
        Piece::Of { file: FileIndex(file), at, length }
    }

    fn content(pieces: impl IntoIterator<Item = Piece>) -> Content {
        let mut content = Content::default();
        pieces.into_iter().for_each(|piece| content.push(piece));
        content
    }

    #[test]
    fn a_file_in_its_order_is_one_piece_and_is_that_file() {
        let contents = contents();
        let whole = content([of(0, 0, 300), of(0, 300, 1), of(0, 301, 699)]);
        assert_eq!(whole.pieces.len(), 1);
        assert_eq!(whole.whole(&contents), Some(FileIndex(0)));
        assert_eq!(whole.hash(&contents), hash(contents.bytes(FileIndex(0))));
    }

    #[test]
    fn bytes_out_of_their_place_are_another_file_with_its_own_hash() {
        let contents = contents();
        for wrong in [
            content([of(0, 0, 300), of(0, 301, 699)]),
            content([of(0, 0, 300), of(1, 300, 700)]),
            content([of(0, 1, 999)]),
            content([of(0, 0, 500), of(0, 0, 500)]),
            content([of(0, 0, 999), Piece::Bytes(vec![0])]),
        ] {
            assert_eq!(wrong.whole(&contents), None, "{wrong:?}");
            assert_eq!(wrong.bytes(&contents).len() as u64, wrong.len());
            assert_eq!(wrong.hash(&contents), hash(&wrong.bytes(&contents)));
            assert_ne!(wrong.hash(&contents), contents.hash(FileIndex(0)));
        }
    }

    #[test]
    fn what_was_made_into_bytes_and_is_right_has_the_files_hash() {
        let contents = contents();
        let made = contents.bytes(FileIndex(0))[300..400].to_vec();
        let mixed = content([of(0, 0, 300), Piece::Bytes(made), of(0, 400, 600)]);
        assert_eq!(mixed.hash(&contents), contents.hash(FileIndex(0)));
        assert_eq!(Content::default().hash(&contents), Hash::of_nothing());
    }
}
