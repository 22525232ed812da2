//! What files of a simulated host consist of, without their bytes.
//!
//! Of which shared file a byte is, and where it stands in that file, says what it is. So a download of a gigabyte is one
//! piece of 32 bytes on the disk, and bytes are made only of what somebody has damaged or looks at.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use backchat::files::content::{Content, Hasher};
use backchat_core::wire::Hash;

use super::contents::{Contents, FileIndex, Source, hash};
use super::user::Found;

/// Bytes one behind the other. Whatever is put together in order from one shared file is one piece.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces {
    /// The first piece has a place of its own: there is mostly no other.
    first: Option<Piece>,
    others: Vec<Piece>,
    length: u64,
}

#[derive(Clone, Debug)]
enum Piece {
    /// So many bytes of a shared file, from this place on.
    Of { file: Arc<Source>, at: u64, length: u64 },
    /// Bytes that were made, because somebody looked at them.
    Bytes(Vec<u8>),
}

/// A part of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part<'a> {
    /// So many bytes of a shared file, from this place on.
    Of { file: &'a Arc<Source>, at: u64, length: u64 },
    /// Bytes.
    Bytes(&'a [u8]),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Of { length, .. } => *length,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Those of its bytes that are in `range`, which is within it.
    fn part(&self, range: Range<u64>) -> Part<'_> {
        match self {
            Self::Of { file, at, .. } => {
                Part::Of { file, at: at + range.start, length: range.end - range.start }
            }
            Self::Bytes(bytes) => Part::Bytes(within(bytes, range)),
        }
    }

    /// Cuts what is beyond `length`.
    fn cut(&mut self, length: u64) {
        match self {
            Self::Of { length: its, .. } => *its = length.min(*its),
            Self::Bytes(bytes) => bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX)),
        }
    }
}

impl<'a> Part<'a> {
    const fn len(self) -> u64 {
        match self {
            Self::Of { length, .. } => length,
            Self::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// Its bytes, made.
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Of { file, at, length } => within(file.bytes(), at..at + length),
            Self::Bytes(bytes) => bytes,
        }
    }

    fn to_piece(self) -> Piece {
        match self {
            Self::Of { file, at, length } => Piece::Of { file: Arc::clone(file), at, length },
            Self::Bytes(bytes) => Piece::Bytes(bytes.to_vec()),
        }
    }
}

impl Pieces {
    /// All of a shared file.
    pub(super) fn of(file: &Arc<Source>) -> Self {
        let mut pieces = Self::default();
        pieces.push(Part::Of { file, at: 0, length: file.size() });
        pieces
    }

    /// The shared file that it is, from the first byte to the last.
    pub(super) fn whole(&self) -> Option<&Arc<Source>> {
        match (&self.first, self.others.as_slice()) {
            (Some(Piece::Of { file, at: 0, length }), []) if *length == file.size() => Some(file),
            _ => None,
        }
    }

    /// The shared file that the byte at `place` is of, and its place there.
    pub(super) fn origin(&self, place: u64) -> Option<(FileIndex, u64)> {
        match self.parts(place..place.saturating_add(1)).next()? {
            Part::Of { file, at, .. } => Some((file.index(), at)),
            Part::Bytes(_) => None,
        }
    }

    /// What it is, which should be the shared file `name`.
    pub(super) fn found(&self, name: &str, contents: &Contents) -> Found {
        match self.whole() {
            Some(file) if file.name() == name => {
                Found { size: self.length, blake3: file.hash(), differs_at: None }
            }
            _ => contents.compare(name, &self.bytes()),
        }
    }

    /// The hash of its bytes: known where it is a whole file, and otherwise made of them.
    pub(super) fn hash(&self) -> Hash {
        match self.whole() {
            _ if self.is_empty() => Hash::of_nothing(),
            Some(file) => file.hash(),
            None => hash(&self.bytes()),
        }
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.first.iter().chain(&self.others)
    }

    /// What is in `range`, as far as it is there.
    fn parts(&self, range: Range<u64>) -> impl Iterator<Item = Part<'_>> {
        let mut begin = 0;
        self.pieces().filter_map(move |piece| {
            let its = begin..begin + piece.len();
            begin = its.end;
            let (start, end) = (range.start.max(its.start), range.end.min(its.end));
            (start < end).then(|| piece.part(start - its.start..end - its.start))
        })
    }
}

impl Content for Pieces {
    type Part<'a> = Part<'a>;
    type Hasher = PiecesHasher;

    fn length_of(part: Part<'_>) -> u64 {
        part.len()
    }

    fn len(&self) -> u64 {
        self.length
    }

    fn capacity(&self) -> u64 {
        // Its memory does not depend on how many bytes it stands for.
        self.length
    }

    fn set_length(&mut self, length: u64) {
        if length > self.length {
            let zeros = usize::try_from(length - self.length).unwrap_or(usize::MAX);
            return self.push(Part::Bytes(&vec![0; zeros]));
        }
        while self.length > length {
            let Some(last) = self.others.last_mut().or(self.first.as_mut()) else { return };
            let begin = self.length - last.len();
            if begin < length {
                last.cut(length - begin);
                self.length = length;
            } else {
                self.length = begin;
                drop(self.others.pop().or_else(|| self.first.take()));
            }
        }
    }

    fn push(&mut self, part: Part<'_>) {
        if part.len() == 0 {
            return;
        }
        self.length += part.len();
        match (self.others.last_mut().or(self.first.as_mut()), part) {
            (Some(Piece::Of { file, at, length }), Part::Of { file: next_file, at: next, length: more })
                if *at + *length == next && Arc::ptr_eq(file, next_file) =>
            {
                *length += more;
            }
            (Some(Piece::Bytes(bytes)), Part::Bytes(more)) => bytes.extend_from_slice(more),
            (Some(_), part) => self.others.push(part.to_piece()),
            (None, part) => self.first = Some(part.to_piece()),
        }
    }

    fn extend_from(&mut self, other: &Self, range: Range<u64>) {
        other.parts(range).for_each(|part| self.push(part));
    }

    fn copy(&self, start: u64, into: &mut [u8]) -> bool {
        let mut filled = 0;
        for part in self.parts(start..start.saturating_add(into.len() as u64)) {
            let bytes = part.bytes();
            let Some(place) = into.get_mut(filled..filled + bytes.len()) else { return false };
            place.copy_from_slice(bytes);
            filled += bytes.len();
        }
        filled == into.len()
    }

    fn bytes(&self) -> Cow<'_, [u8]> {
        let mut parts = self.parts(0..self.length);
        match (parts.next(), parts.next()) {
            (None, _) => Cow::default(),
            (Some(only), None) => Cow::Borrowed(only.bytes()),
            (Some(_), Some(_)) => {
                Cow::Owned(self.parts(0..self.length).flat_map(Part::bytes).copied().collect())
            }
        }
    }
}

/// Hashes pieces when it is asked to: of a whole file it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct PiecesHasher(Pieces);

impl Hasher<Pieces> for PiecesHasher {
    fn update(&mut self, content: &Pieces, start: u64) {
        self.0.extend_from(content, start..content.len());
    }

    fn digest(&self) -> Hash {
        self.0.hash()
    }
}

/// The bytes of `range`, which is within them.
fn within(bytes: &[u8], range: Range<u64>) -> &[u8] {
    let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    range.and_then(|(start, end)| bytes.get(start..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::SharedFile;

    fn contents() -> Contents {
        let file = |name: &str, size| SharedFile { name: FileName::parse(name).unwrap(), size };
        Contents::new(1, &[file("a", 1000), file("b", 1000)])
    }

    fn of(contents: &Contents, file: usize, at: u64, length: u64) -> Part<'_> {
        Part::Of { file: contents.source(FileIndex(file)).unwrap(), at, length }
    }

    fn pieces<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> Pieces {
        let mut pieces = Pieces::default();
        parts.into_iter().for_each(|part| pieces.push(part));
        pieces
    }

    #[test]
    fn a_file_in_its_order_is_one_piece_and_is_that_file() {
        let contents = contents();
        let of = |at, length| of(&contents, 0, at, length);
        let whole = pieces([of(0, 300), of(300, 1), of(301, 699)]);
        assert!(whole.others.is_empty());
        assert_eq!(whole.whole().map(|file| file.index()), Some(FileIndex(0)));
        assert_eq!(whole.hash(), hash(contents.bytes(FileIndex(0))));
        assert_eq!((whole.origin(999), whole.origin(1000)), (Some((FileIndex(0), 999)), None));
    }

    #[test]
    fn bytes_out_of_their_place_are_another_file_with_its_own_hash() {
        let contents = contents();
        let of = |file, at, length| of(&contents, file, at, length);
        for wrong in [
            pieces([of(0, 0, 300), of(0, 301, 699)]),
            pieces([of(0, 0, 300), of(1, 300, 700)]),
            pieces([of(0, 1, 999)]),
            pieces([of(0, 0, 500), of(0, 0, 500)]),
            pieces([of(0, 0, 999), Part::Bytes(&[0])]),
        ] {
            assert!(wrong.whole().is_none(), "{wrong:?}");
            assert_eq!(wrong.bytes().len() as u64, wrong.len());
            assert_eq!(wrong.hash(), hash(&wrong.bytes()));
            assert_ne!(wrong.hash(), contents.hash(FileIndex(0)));
        }
    }

    #[test]
    fn what_was_made_into_bytes_and_is_right_has_the_files_hash() {
        let contents = contents();
        let made = &contents.bytes(FileIndex(0))[300..400];
        let of = |at, length| of(&contents, 0, at, length);
        let mixed = pieces([of(0, 300), Part::Bytes(made), of(400, 600)]);
        assert_eq!(mixed.hash(), contents.hash(FileIndex(0)));
        assert_eq!(Pieces::default().hash(), Hash::of_nothing());
    }

    /// Something that is done to content.
    #[derive(Clone, Debug)]
    enum Change {
        Push {
            file: usize,
            at: u64,
            length: u64,
            as_bytes: bool,
        },
        SetLength(u64),
        /// Puts a range of itself behind it.
        Extend(u64, u64),
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            4 => (0..2_usize, 0..500_u64, 0..500_u64, any::<bool>())
                .prop_map(|(file, at, length, as_bytes)| Change::Push { file, at, length, as_bytes }),
            1 => (0..1500_u64).prop_map(Change::SetLength),
            1 => (0..1500_u64, 0..1500_u64).prop_map(|(start, length)| Change::Extend(start, start + length)),
        ]
    }

    proptest! {
        #[test]
        fn pieces_are_the_bytes_that_they_stand_for(
            changes in proptest::collection::vec(change(), 0..12),
            start in 0..2000_u64,
            length in 0..500_usize,
        ) {
            let contents = contents();
            let (mut pieces, mut bytes) = (Pieces::default(), Vec::new());
            for change in changes {
                match change {
                    Change::Push { file, at, length, as_bytes } => {
                        let its = within(contents.bytes(FileIndex(file)), at..at + length);
                        let part = of(&contents, file, at, length);
                        pieces.push(if as_bytes { Part::Bytes(its) } else { part });
                        Content::push(&mut bytes, its);
                    }
                    Change::SetLength(length) => {
                        pieces.set_length(length);
                        bytes.set_length(length);
                    }
                    Change::Extend(start, end) => {
                        let (before, bytes_before) = (pieces.clone(), bytes.clone());
                        pieces.extend_from(&before, start..end);
                        bytes.extend_from(&bytes_before, start..end);
                    }
                }
            }
            prop_assert_eq!(pieces.len(), bytes.len() as u64);
            prop_assert_eq!(&*pieces.bytes(), bytes.as_slice());
            prop_assert_eq!(pieces.hash(), hash(&bytes));
            let (mut some, mut bytes_some) = (vec![0; length], vec![0; length]);
            prop_assert_eq!(pieces.copy(start, &mut some), bytes.copy(start, &mut bytes_some));
            prop_assert!(some == bytes_some || !bytes.copy(start, &mut bytes_some));
        }
    }
}
