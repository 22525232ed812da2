//! Lines of the server, made into frames.
//!
//! What is said to all is one line, read by each of a thousand clients. What a line says is a function of its bytes, so it
//! is made into a frame once and then remembered, as a payload is carried as (file, range). The bytes still flow, and it
//! is core that cuts them into lines; with real payloads, core makes the frames too.

use backchat_core::chat::{FrameError, ServerFrame};

use super::environment::Payloads;

/// The most places for lines: many more than there are lines that some have read and others not, since lines that come to
/// the same place push each other out. What hundreds say at one instant is hundreds of lines.
const PLACES_MAX: usize = 4_096;

/// Places for each reader, where there are few: each says little at one instant.
const PLACES_EACH: usize = 16;

/// The longest line that is remembered. Longer ones are few: so long are messages, and not lists.
const LINE_MAX: usize = 1 << 10;

/// How much of a line decides on its place.
const HEAD: usize = 48;

/// See the module.
#[derive(Debug)]
pub(super) enum Lines {
    /// Every line is made into a frame, each time.
    Forgotten,
    /// The last line of each place, with its frame.
    Remembered(Box<[Option<Box<Remembered>>]>),
}

#[derive(Debug)]
pub(super) struct Remembered {
    line: Box<[u8]>,
    frame: ServerFrame,
}

impl Lines {
    /// Of a run with so many readers.
    pub(super) fn new(payloads: Payloads, readers: usize) -> Self {
        match payloads {
            Payloads::Bytes => Self::Forgotten,
            // Nobody reads it again.
            Payloads::Ranges if readers < 2 => Self::Forgotten,
            Payloads::Ranges => {
                let places = readers.saturating_mul(PLACES_EACH).min(PLACES_MAX);
                Self::Remembered((0..places).map(|_| None).collect())
            }
        }
    }

    /// What [`ServerFrame::decode`] says of `line`.
    pub(super) fn decode(&mut self, line: &[u8]) -> Result<ServerFrame, FrameError> {
        let Self::Remembered(places) = self else { return ServerFrame::decode(line) };
        let place = place(line, places.len());
        let Some(place) = places.get_mut(place).filter(|_| line.len() <= LINE_MAX) else {
            return ServerFrame::decode(line);
        };
        if let Some(it) = place.as_ref().filter(|it| *it.line == *line) {
            return Ok(it.frame.clone());
        }
        let frame = ServerFrame::decode(line)?;
        *place = Some(Box::new(Remembered { line: line.into(), frame: frame.clone() }));
        Ok(frame)
    }
}

/// Where a line is remembered. What tells lines apart, a number or a name, stands near their beginning.
fn place(line: &[u8], places: usize) -> usize {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let (words, rest) = line.get(..HEAD).unwrap_or(line).as_chunks::<8>();
    let words =
        words.iter().map(|word| u64::from_le_bytes(*word)).chain(rest.iter().map(|byte| u64::from(*byte)));
    let mixed = words.fold(line.len() as u64, |mixed, word| {
        let mixed = (mixed ^ word).wrapping_mul(ODD);
        // A product is mixed in its upper half.
        mixed ^ (mixed >> 32)
    });
    mixed as usize % places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_the_line_says() {
        let readers = PLACES_MAX;
        let mut remembered = Lines::new(Payloads::Ranges, readers);
        let mut forgotten = Lines::new(Payloads::Bytes, readers);
        // Twice as many as there are places, so that each has seen another line; a broken one and a long one too.
        let said = (0..2 * PLACES_MAX).map(|number| format!(r#"{{"type":"gap","missed":{number}}}"#));
        let long = format!(r#"{{"type":"notice","text":"{}"}}"#, "x".repeat(LINE_MAX));
        let lines: Vec<String> = said.chain([r#"{"type":"gap"}"#.to_owned(), long]).collect();
        for line in lines.iter().chain(lines.iter().rev()) {
            for _ in 0..2 {
                let expected = ServerFrame::decode(line.as_bytes());
                assert_eq!(remembered.decode(line.as_bytes()), expected);
                assert_eq!(forgotten.decode(line.as_bytes()), expected);
            }
        }
        let Lines::Remembered(places) = &remembered else { panic!("lines are remembered") };
        let used = places.iter().flatten().count();
        assert!(used > PLACES_MAX / 2, "{used} places are used");
        assert!(places.iter().flatten().all(|it| it.line.len() <= LINE_MAX));
    }

    #[test]
    fn there_are_places_for_those_who_read_the_same() {
        let places = |readers| match Lines::new(Payloads::Ranges, readers) {
            Lines::Forgotten => 0,
            Lines::Remembered(places) => places.len(),
        };
        assert_eq!([0, 1, 2, 100, usize::MAX].map(places), [0, 0, 32, 1_600, PLACES_MAX]);
    }

    #[test]
    fn a_line_that_is_read_again_is_the_same_text() {
        let mut lines = Lines::new(Payloads::Ranges, 2);
        let mut text = || match lines.decode(br#"{"type":"notice","text":"back at noon"}"#) {
            Ok(ServerFrame::Notice { text }) => text.raw().as_ptr(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(), text());
    }
}
