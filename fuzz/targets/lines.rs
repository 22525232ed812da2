//! A stream, split into lines. However it is cut into pieces, the lines are the same, and none is too long.
#![no_main]

use backchat_core::chat::lines::{Line, Lines, MAX_LINE_BYTES};
use libfuzzer_sys::fuzz_target;

/// The lines of a stream that comes in these pieces; `None` for one that is too long.
fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<Option<Vec<u8>>> {
    let mut lines = Lines::default();
    let mut found = Vec::new();
    for mut piece in pieces {
        while let Some(line) = lines.next_line(&mut piece) {
            found.push(match line {
                Line::Whole(line) => Some(line.into_owned()),
                Line::TooLong => None,
            });
        }
        assert!(piece.is_empty(), "everything is taken");
    }
    found
}

fuzz_target!(|input: &[u8]| {
    // The first two bytes say how long the pieces are, and how often the rest comes, so that long lines are reached.
    let [size, times, rest @ ..] = input else { return };
    let stream = rest.repeat(usize::from(*times) + 1);
    let whole = split(std::iter::once(&stream[..]));
    assert_eq!(split(stream.chunks(usize::from(*size) + 1)), whole);
    assert!(whole.iter().flatten().all(|line| line.len() < MAX_LINE_BYTES && !line.contains(&b'\n')));
});
