//! Splitting a stream of bytes into lines.
//!
//! A line that arrives whole is borrowed from what arrived; only a beginning without its end is kept, and its
//! buffer goes back when the end has come, so that an idle connection costs nothing.

use core::fmt;
use std::borrow::Cow;

/// Most bytes in a line, its line feed included. A message of 4 KiB whose every character is written as
/// `\u00XX` fits.
pub const MAX_LINE_BYTES: usize = 32 * 1024;

/// The beginning of a line whose end has not arrived.
#[derive(Clone, Default)]
pub struct Lines {
    /// The beginning; never holds a line feed.
    begun: Vec<u8>,
    /// The line was too long and has been reported: its rest is passed over.
    skipping: bool,
    /// Bytes of lines that were too long, since they were asked for last.
    skipped: usize,
}

/// One line of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line, without its line feed and a carriage return before that.
    Whole(Cow<'a, [u8]>),
    /// A line of more than [`MAX_LINE_BYTES`]; reported once, when it is known.
    TooLong,
}

impl fmt::Debug for Lines {
    /// Prints how much has begun, and nothing of it: there are tokens in lines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").field("begun", &self.begun.len()).field("skipping", &self.skipping).finish()
    }
}

impl Lines {
    /// Takes the next line from the front of `input`. `None` when no line ends in it: `input` is empty then.
    pub fn next_line<'a>(&mut self, input: &mut &'a [u8]) -> Option<Line<'a>> {
        while !input.is_empty() {
            let Some(end) = memchr::memchr(b'\n', input) else {
                let rest = core::mem::take(input);
                return self.begin(rest);
            };
            let (line, rest) = (input.get(..end)?, input.get(end.saturating_add(1)..)?);
            *input = rest;
            if core::mem::take(&mut self.skipping) {
                self.skip(line.len().saturating_add(1));
                continue;
            }
            let mut begun = core::mem::take(&mut self.begun);
            if begun.len().saturating_add(line.len()) >= MAX_LINE_BYTES {
                self.skip(begun.len().saturating_add(line.len()).saturating_add(1));
                return Some(Line::TooLong);
            }
            if begun.is_empty() {
                return Some(Line::Whole(Cow::Borrowed(line.strip_suffix(b"\r").unwrap_or(line))));
            }
            begun.extend_from_slice(line);
            if begun.last() == Some(&b'\r') {
                begun.pop();
            }
            return Some(Line::Whole(Cow::Owned(begun)));
        }
        None
    }

    /// Keeps `rest`, the beginning of a line or more of it.
    fn begin<'a>(&mut self, rest: &[u8]) -> Option<Line<'a>> {
        if self.skipping {
            self.skip(rest.len());
            return None;
        }
        if self.begun.len().saturating_add(rest.len()) >= MAX_LINE_BYTES {
            self.skip(self.begun.len().saturating_add(rest.len()));
            self.begun = Vec::new();
            self.skipping = true;
            return Some(Line::TooLong);
        }
        self.begun.extend_from_slice(rest);
        None
    }

    fn skip(&mut self, bytes: usize) {
        self.skipped = self.skipped.saturating_add(bytes);
    }

    /// Returns the number of bytes of lines that were too long, since the last call.
    pub fn take_skipped(&mut self) -> usize {
        core::mem::take(&mut self.skipped)
    }

    /// As many bytes of the unfinished line, and of `input` behind it, as `to` holds. Answers how many those are.
    pub fn peek(&self, input: &[u8], to: &mut [u8]) -> usize {
        let bytes = self.begun.iter().chain(input);
        to.iter_mut().zip(bytes).map(|(place, byte)| *place = *byte).count()
    }

    /// How many bytes of an unfinished line are kept.
    pub fn kept_bytes(&self) -> usize {
        self.begun.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed(chunks: &[&[u8]]) -> Vec<Option<Vec<u8>>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for chunk in chunks {
            let mut input = *chunk;
            while let Some(line) = lines.next_line(&mut input) {
                found.push(match line {
                    Line::Whole(bytes) => Some(bytes.into_owned()),
                    Line::TooLong => None,
                });
            }
            assert!(input.is_empty());
            assert!(lines.kept_bytes() < MAX_LINE_BYTES);
        }
        found
    }

    #[test]
    fn lines_end_in_line_feed_with_or_without_carriage_return() {
        let lines = feed(&[b"one\r\ntwo\n", b"thr", b"ee\r", b"\n\nrest"]);
        assert_eq!(lines, [&b"one"[..], b"two", b"three", b""].map(|line| Some(line.to_vec())));
    }

    #[test]
    fn the_limit_includes_the_line_feed() {
        let fits = [vec![b'x'; MAX_LINE_BYTES - 1], b"\n".to_vec()].concat();
        assert_eq!(feed(&[&fits]).len(), 1);
        assert_eq!(feed(&[&fits]), [Some(vec![b'x'; MAX_LINE_BYTES - 1])]);
        let over = [vec![b'x'; MAX_LINE_BYTES], b"\nnext\n".to_vec()].concat();
        assert_eq!(feed(&[&over]), [None, Some(b"next".to_vec())]);
    }

    #[test]
    fn a_line_too_long_is_reported_once_and_passed_over() {
        let part = vec![b'x'; 20_000];
        let lines = feed(&[&part, &part, &part, &part, b"end\nnext\n"]);
        assert_eq!(lines, [None, Some(b"next".to_vec())]);
    }

    #[test]
    fn every_byte_of_a_line_too_long_is_counted_once() {
        let part = vec![b'x'; 20_000];
        let mut lines = Lines::default();
        for mut chunk in [&part[..], &part, &part, b"end\nnext\n"] {
            while lines.next_line(&mut chunk).is_some() {}
        }
        assert_eq!((lines.take_skipped(), lines.take_skipped()), (60_004, 0));
        let mut whole = &[vec![b'x'; 40_000], b"\n".to_vec()].concat()[..];
        assert_eq!(lines.next_line(&mut whole), Some(Line::TooLong));
        assert_eq!(lines.take_skipped(), 40_001);
    }

    #[test]
    fn a_beginning_can_be_looked_at_across_reads() {
        let mut lines = Lines::default();
        let mut chunk = &b"abc"[..];
        assert_eq!(lines.next_line(&mut chunk), None);
        let mut to = [0; 5];
        assert_eq!((lines.peek(b"defgh", &mut to), &to), (5, b"abcde"));
        assert_eq!((lines.peek(b"", &mut to), &to[..3]), (3, &b"abc"[..]));
    }

    #[test]
    fn nothing_is_kept_between_lines() {
        let mut lines = Lines::default();
        for mut chunk in [&b"beg"[..], b"in\n"] {
            while lines.next_line(&mut chunk).is_some() {}
        }
        assert_eq!(lines.begun.capacity(), 0);
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_lines_of_the_whole(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..400),
            cuts in proptest::collection::vec(1_usize..40, 1..40),
        ) {
            let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk);
                rest = after;
            }
            chunks.push(rest);
            prop_assert_eq!(feed(&chunks), feed(&[&bytes[..]]));
        }
    }
}
