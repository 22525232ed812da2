//! Pastes that come without brackets: a terminal, or a program between it and us, that does not know of them sends a paste
//! as keys, and each line of it would be entered.
//!
//! Keys that are there at once were not typed one by one. Where a line of such a burst is entered in its middle, the burst
//! is a paste; any other is keys, one line with its Enter too, which is what scripts type.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// How long a burst may stand still behind an Enter: a paste comes in parts of what the kernel holds, 4 KiB on Linux, and
/// a part may end there. Nobody feels it, for it holds up only what came faster than one types.
const STILL: Duration = Duration::from_millis(20);

/// Most bytes of a burst, above any paste that is taken: it is for one that never ends.
const MAX_BURST_BYTES: usize = 1024 * 1024;

/// Where events come from.
pub(super) trait Keyboard {
    /// Waits for the next.
    fn read(&mut self) -> io::Result<Event>;
    /// Waits for so long whether there is one.
    fn poll(&mut self, wait: Duration) -> io::Result<bool>;
}

/// The terminal.
#[derive(Debug)]
pub(super) struct Stdin;

impl Keyboard for Stdin {
    fn read(&mut self) -> io::Result<Event> {
        event::read()
    }

    fn poll(&mut self, wait: Duration) -> io::Result<bool> {
        event::poll(wait)
    }
}

/// The events of a keyboard, a burst that was a paste as one.
#[derive(Debug)]
pub(super) struct Bursts<K> {
    keyboard: K,
    waiting: VecDeque<io::Result<Event>>,
}

impl<K: Keyboard> Bursts<K> {
    /// Those of `keyboard`.
    pub(super) fn new(keyboard: K) -> Self {
        Self { keyboard, waiting: VecDeque::new() }
    }

    /// Waits for the next event.
    pub(super) fn next(&mut self) -> io::Result<Event> {
        if let Some(event) = self.waiting.pop_front() {
            return event;
        }
        let first = self.keyboard.read()?;
        let Some(character) = typed(&first) else { return Ok(first) };
        let (mut keys, mut text) = (VecDeque::from([Ok(first)]), String::from(character));
        let mut behind = None;
        while text.len() < MAX_BURST_BYTES && behind.is_none() {
            let wait = if keys.len() > 1 && text.ends_with('\n') { STILL } else { Duration::ZERO };
            match self
                .keyboard
                .poll(wait)
                .and_then(|more| if more { self.keyboard.read().map(Some) } else { Ok(None) })
            {
                Ok(None) => break,
                Ok(Some(event)) => match typed(&event) {
                    Some(character) => {
                        text.push(character);
                        keys.push_back(Ok(event));
                    }
                    None => behind = Some(Ok(event)),
                },
                Err(error) => behind = Some(Err(error)),
            }
        }
        let is_paste = text.trim_end_matches('\n').contains('\n');
        self.waiting = if is_paste { VecDeque::from([Ok(Event::Paste(text))]) } else { keys };
        self.waiting.extend(behind);
        self.next()
    }
}

/// The character that a key types; a line feed for Enter.
fn typed(event: &Event) -> Option<char> {
    let Event::Key(KeyEvent { code, modifiers, kind, .. }) = event else { return None };
    match code {
        _ if *kind == KeyEventKind::Release => None,
        KeyCode::Char(character) if (*modifiers - KeyModifiers::SHIFT).is_empty() => Some(*character),
        KeyCode::Enter if modifiers.is_empty() => Some('\n'),
        KeyCode::Tab if modifiers.is_empty() => Some('\t'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts, each of them there at once; between them nothing comes for long.
    struct Scripted(VecDeque<VecDeque<Event>>);

    impl Keyboard for Scripted {
        fn read(&mut self) -> io::Result<Event> {
            while let Some(burst) = self.0.front_mut() {
                match burst.pop_front() {
                    Some(event) => return Ok(event),
                    None => drop(self.0.pop_front()),
                }
            }
            Err(io::ErrorKind::UnexpectedEof.into())
        }

        fn poll(&mut self, _: Duration) -> io::Result<bool> {
            Ok(self.0.front().is_some_and(|burst| !burst.is_empty()))
        }
    }

    fn key(character: char) -> Event {
        let (code, modifiers) = match character {
            '\n' => (KeyCode::Enter, KeyModifiers::NONE),
            '\t' => (KeyCode::Tab, KeyModifiers::NONE),
            '^' => (KeyCode::Char('c'), KeyModifiers::CONTROL),
            c => (KeyCode::Char(c), KeyModifiers::NONE),
        };
        Event::Key(KeyEvent::new(code, modifiers))
    }

    /// What comes of bursts: keys as themselves, pastes in brackets.
    fn read(bursts: &[&str]) -> String {
        let bursts = bursts.iter().map(|burst| burst.chars().map(key).collect()).collect();
        let mut bursts = Bursts::new(Scripted(bursts));
        std::iter::from_fn(|| bursts.next().ok())
            .map(|event| match event {
                Event::Paste(text) => format!("[{text}]"),
                event => typed(&event).map_or_else(|| "^".to_owned(), String::from),
            })
            .collect()
    }

    #[test]
    fn lines_that_come_at_once_are_a_paste_and_lines_that_are_typed_are_not() {
        for (bursts, expected) in [
            (&["/quit\n\tx\n"][..], "[/quit\n\tx\n]"),
            (&["a\nb"], "[a\nb]"),
            (&["a\n\nb\n^"], "[a\n\nb\n]^"),
            (&["a\n\n"], "a\n\n"),
            (&["hello\n"], "hello\n"),
            (&["h", "i", "\n", "y", "\n"], "hi\ny\n"),
            (&["hi\n", "you\n"], "hi\nyou\n"),
            (&["a^b\nc"], "a^[b\nc]"),
            (&["b\t"], "b\t"),
        ] {
            assert_eq!(read(bursts), expected, "{bursts:?}");
        }
    }

    #[test]
    fn a_burst_that_never_ends_is_handed_on_in_parts() {
        let text = "x\n".repeat(MAX_BURST_BYTES);
        let shown = read(&[&text]);
        assert_eq!(shown.matches('[').count(), 2);
        assert_eq!(shown.len(), text.len() + 4);
    }
}
