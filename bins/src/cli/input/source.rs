//! Lines from a terminal or a pipe, read on a thread of their own.
//!
//! A terminal cannot be read without blocking on every system, so a thread blocks and a bounded queue carries the
//! lines over; when nobody takes them, the thread waits, the pipe fills and its writer waits. The thread ends with
//! the process: nothing joins it, because nothing could interrupt its reading.

use std::io::{self, BufRead};

use tokio::sync::mpsc;

/// Lines that wait between the thread and the chat. A few hide the change of threads; more would only be memory.
const LINES_QUEUED: usize = 64;

/// Longest line that is kept. Twice a frame of the wire, so that what is merely too long for a message is refused
/// with the server's own limit.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// A line, without its end.
    Text(String),
    /// A line of so many bytes, above [`MAX_LINE_BYTES`]. It was skipped, whole.
    TooLong(u64),
    /// A line that is not UTF-8. It was skipped, whole.
    NotText,
}

/// The lines of a reader. The last one needs no line end.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`.
    pub fn new(reader: R) -> Self {
        Self { reader, line: Vec::new() }
    }

    /// Reads to the next line feed; `None` at the end.
    fn read(&mut self) -> io::Result<Option<Line>> {
        self.line.clear();
        let mut length: u64 = 0;
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok((length > 0).then(|| self.finish(length)));
            }
            let (part, ends) = match available.iter().position(|byte| *byte == b'\n') {
                Some(at) => (available.get(..at).unwrap_or_default(), true),
                None => (available, false),
            };
            length += part.len() as u64;
            if length <= MAX_LINE_BYTES as u64 {
                self.line.extend_from_slice(part);
            }
            let consumed = part.len() + usize::from(ends);
            self.reader.consume(consumed);
            if ends {
                return Ok(Some(self.finish(length)));
            }
        }
    }

    fn finish(&mut self, length: u64) -> Line {
        if length > MAX_LINE_BYTES as u64 {
            return Line::TooLong(length);
        }
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        String::from_utf8(line).map_or(Line::NotText, Line::Text)
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// Reads standard input on a thread of its own. The channel closes at the end of the input; an error is the last item.
pub fn spawn_stdin() -> mpsc::Receiver<io::Result<Line>> {
    let (sender, receiver) = mpsc::channel(LINES_QUEUED);
    let failed = sender.clone();
    let read = move || {
        for line in Lines::new(io::stdin().lock()) {
            let ends = line.is_err();
            if sender.blocking_send(line).is_err() || ends {
                return;
            }
        }
    };
    if let Err(error) = std::thread::Builder::new().name("stdin".to_owned()).spawn(read) {
        // The queue is empty and open, so this cannot fail; if it did, the channel would close all the same.
        let _ = failed.try_send(Err(error));
    }
    receiver
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8], capacity: usize) -> Vec<Line> {
        Lines::new(BufReader::with_capacity(capacity, bytes)).map(|line| line.expect("no error")).collect()
    }

    fn text(text: &str) -> Line {
        Line::Text(text.to_owned())
    }

    #[test]
    fn lines_end_in_line_feeds_or_at_the_end() {
        assert_eq!(lines(b"", 8), []);
        assert_eq!(lines(b"one\ntwo\r\n\nlast", 2), [text("one"), text("two"), text(""), text("last")]);
        assert_eq!(lines(b"one\n", 8), [text("one")]);
    }

    #[test]
    fn what_is_too_long_or_no_text_is_skipped_whole() {
        let mut bytes = vec![b'x'; MAX_LINE_BYTES];
        bytes.extend_from_slice(b"\nshort\n");
        assert_eq!(lines(&bytes, 8192)[1], text("short"));
        bytes.insert(0, b'x');
        assert_eq!(lines(&bytes, 8192), [Line::TooLong(MAX_LINE_BYTES as u64 + 1), text("short")]);
        assert_eq!(lines(b"\xff\xfe\nshort", 8), [Line::NotText, text("short")]);
    }

    #[test]
    fn a_reader_that_fails_ends_with_its_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::Other.into())
            }
        }
        let mut lines = Lines::new(BufReader::new((&b"one\ntwo"[..]).chain(Broken)));
        assert!(matches!(lines.next(), Some(Ok(Line::Text(line))) if line == "one"));
        assert!(matches!(lines.next(), Some(Err(_))));
    }

    proptest! {
        #[test]
        fn the_size_of_the_buffer_changes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200), capacity in 1usize..20) {
            prop_assert_eq!(lines(&bytes, capacity), lines(&bytes, 4096));
        }
    }
}
