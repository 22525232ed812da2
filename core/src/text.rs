//! Text from strangers, made fit for a terminal.
//!
//! A nickname, message or file name can hold escape sequences that move a cursor, or bidi controls that make
//! `exe.txt` out of `txt.exe`. Whoever shows such text shows it through [`visible`].
//!
//! - `emoji`: what is invisible and may stay so, because it holds an emoji together.

mod emoji;

use core::fmt::{self, Write as _};

/// `text` with every character that a terminal would act on, or that would reorder its neighbours, spelt out:
/// `\n`, `\t`, `\u{1b}`, `\u{202e}`. What is left is printable and stays on its line. What joins emoji is spelt out
/// where it joins none.
pub fn visible(text: &str) -> Visible<'_> {
    Visible(text)
}

/// See [`visible`].
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a>(&'a str);

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        loop {
            let (emoji, behind) = rest.split_at(emoji::sequences(rest));
            f.write_str(emoji)?;
            let mut characters = behind.chars();
            let Some(character) = characters.next() else { return Ok(()) };
            rest = characters.as_str();
            match character {
                '\n' => f.write_str("\\n")?,
                '\t' => f.write_str("\\t")?,
                '\r' => f.write_str("\\r")?,
                hidden if is_hidden(hidden) => write!(f, "\\u{{{:x}}}", u32::from(hidden))?,
                plain => f.write_char(plain)?,
            }
        }
    }
}

/// Whether a text is shown as it is: [`visible`] spells nothing out.
pub fn is_printable(text: &str) -> bool {
    first_hidden(text).is_none()
}

/// The first character that [`visible`] spells out.
pub fn first_hidden(text: &str) -> Option<char> {
    let mut rest = text;
    loop {
        rest = &rest[emoji::sequences(rest)..];
        let mut characters = rest.chars();
        match characters.next() {
            Some(plain) if !is_hidden(plain) => rest = characters.as_str(),
            hidden_or_end => return hidden_or_end,
        }
    }
}

/// Whether a character acts instead of showing: C0 and C1 controls, line and paragraph separators, the bidi
/// controls of UAX #9, and what is invisible and makes two names look alike: format characters, and fillers
/// (`Default_Ignorable_Code_Point` of Unicode, but for the selectors of a variant, which change how a letter looks).
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}'
        )
}

/// Returns true if nothing is to be seen where a character stands: white space, hidden characters, the empty
/// pattern of Braille, and selectors of a variant.
pub fn is_blank(character: char) -> bool {
    character.is_whitespace()
        || is_hidden(character)
        || matches!(character, '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
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
        let shown = visible(&all).to_string();
        assert!(!shown.chars().any(is_hidden) && is_printable(&shown));
    }

    #[test]
    fn what_shows_nothing_is_blank() {
        for blank in [
            ' ', '\t', '\u{a0}', '\u{feff}', '\u{200b}', '\u{3000}', '\u{3164}', '\u{2800}', '\u{fe0f}',
            '\u{0}',
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(['/', 'a', '-', '日', '👩', '\u{301}'].into_iter().all(|seen| !is_blank(seen)));
    }

    #[test]
    fn joined_emoji_stay_joined() {
        for emoji in [
            "👩‍👩‍👧‍👦",
            "👩🏽‍💻",
            "🧑‍🚀",
            "🏳️‍🌈",
            "🏳️‍⚧️",
            "🏴‍☠️",
            "❤️‍🔥",
            "👁️‍🗨️",
            "🐻‍❄️",
            "🐦‍⬛",
            "🙂‍↔️",
            "⛓️‍💥",
            "🧔🏿‍♂️",
            "👩🏻‍❤️‍💋‍👨🏿",
            "⛹🏽‍♀️",
            "👨‍⚕️",
            "👨🏾‍⚖️",
            "👩‍✈️",
            "🧑🏼‍🦯‍➡️",
            "🍋‍🟩",
            "😶‍🌫️",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
        ] {
            let text = format!("a{emoji}b{emoji}{emoji}");
            assert_eq!(visible(&text).to_string(), text);
            assert!(is_printable(&text), "{text:?}");
        }
    }

    #[test]
    fn what_joins_nothing_is_spelt_out() {
        for (text, shown) in [
            ("a\u{200d}b", "a\\u{200d}b"),
            ("👩\u{200d}", "👩\\u{200d}"),
            ("👩\u{200d}\u{200d}👩", "👩\\u{200d}\\u{200d}👩"),
            ("\u{200d}👩", "\\u{200d}👩"),
            ("👩\u{200d}x", "👩\\u{200d}x"),
            ("क्\u{200d}ष", "क्\\u{200d}ष"),
            ("🏴\u{e0067}\u{e007f}", "🏴\\u{e0067}\\u{e007f}"),
            ("x\u{e0067}", "x\\u{e0067}"),
            ("👩\u{200d}\u{202e}👩", "👩\\u{200d}\\u{202e}👩"),
        ] {
            assert_eq!(visible(text).to_string(), shown);
            assert!(!is_printable(text), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_visible_is_printable_and_visible_again(parts in proptest::collection::vec(0usize..14, 0..12)) {
            const PARTS: [&str; 14] = [
                "\u{200d}", "\u{200d}", "👩", "🏴", "\u{fe0f}", "🏽", "\u{e0067}", "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
                "\u{e007f}", "❤", "\u{202e}", "\u{1b}", "x", "\n",
            ];
            let text: String = parts.into_iter().map(|part| PARTS[part]).collect();
            let shown = visible(&text).to_string();
            proptest::prop_assert!(is_printable(&shown), "{shown:?}");
            proptest::prop_assert_eq!(visible(&shown).to_string(), shown);
        }
    }
}
