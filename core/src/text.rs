//! Text from strangers, made fit for a terminal.
//!
//! A nickname, message or file name can hold escape sequences that move a cursor, or bidi controls that make
//! `exe.txt` out of `txt.exe`. Whoever shows such text shows it through [`visible`].

use core::fmt::{self, Write as _};

/// `text` with every character that a terminal would act on, or that would reorder its neighbours, spelt out:
/// `\n`, `\t`, `\u{1b}`, `\u{202e}`. What is left is printable and stays on its line.
pub fn visible(text: &str) -> Visible<'_> {
    Visible(text)
}

/// See [`visible`].
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(&'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                hidden if is_hidden(hidden) => write!(f, "\\u{{{:x}}}", u32::from(hidden))?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}

/// Whether a character acts instead of showing: C0 and C1 controls, line and paragraph separators, the bidi
/// controls of UAX #9, and the invisible format characters that make two names look alike.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_bidi_controls_are_spelt_out() {
        assert_eq!(visible("a\u{1b}[2Jb").to_string(), "a\\u{1b}[2Jb");
        assert_eq!(visible("\u{202e}txt.exe").to_string(), "\\u{202e}txt.exe");
        assert_eq!(visible("two\nlines\tand\r").to_string(), "two\\nlines\\tand\\r");
        assert_eq!(visible("grüße 👋 שלום").to_string(), "grüße 👋 שלום");
    }

    #[test]
    fn nothing_hidden_is_left_of_any_character() {
        let all: String = ('\0'..=char::MAX).collect();
        assert!(!visible(&all).to_string().chars().any(is_hidden));
    }
}
