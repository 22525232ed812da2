//! Emoji that are made of several: families, professions, flags (UTS #51, §2.3 and §2.2).
//!
//! What joins them, ZERO WIDTH JOINER and the tag characters, is invisible anywhere else, where it makes two names look
//! alike. Not a list of all emoji: what stands here is enough for the sequences that Unicode recommends.

const JOINER: char = '\u{200d}';

const BLACK_FLAG: char = '\u{1f3f4}';

/// What follows the black flag in those of England, Scotland and Wales: all that are recommended.
const REGIONS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// The bytes of the emoji that `text` begins with, joined or beside each other; 0 where it begins with none.
pub(super) fn sequences(text: &str) -> usize {
    let mut rest = text;
    while let Some(behind) = element(rest) {
        rest = match behind.strip_prefix(JOINER) {
            Some(joined) if joined.starts_with(is_pictograph) => joined,
            _ => behind,
        };
    }
    text.len() - rest.len()
}

/// What is behind the emoji that `text` begins with, its colour and its tags.
fn element(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(is_pictograph)?;
    if text.starts_with(BLACK_FLAG)
        && let Some(behind) = REGIONS.iter().find_map(|region| rest.strip_prefix(region))
    {
        return Some(behind);
    }
    Some(rest.trim_start_matches(is_modifier))
}

/// Whether something is shown in colour, or in one of the five of skin.
fn is_modifier(character: char) -> bool {
    matches!(character, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Pictographs that are part of sequences. All of them are `Extended_Pictographic`, so that a sequence is one grapheme
/// (UAX #29, GB11).
fn is_pictograph(character: char) -> bool {
    matches!(character,
        '↔' | '↕' | '☠' | '♀' | '♂' | '⚕' | '⚖' | '⚧' | '⛓' | '⛹' | '✈' | '❄' | '❤' | '➡' | '⬛'
        | '\u{1f300}'..='\u{1f321}' | '\u{1f324}'..='\u{1f393}' | '\u{1f39e}'..='\u{1f3f0}'
        | '\u{1f3f3}'..='\u{1f3f5}' | '\u{1f3f7}'..='\u{1f3fa}' | '\u{1f400}'..='\u{1f4fd}'
        | '\u{1f4ff}'..='\u{1f53d}' | '\u{1f574}' | '\u{1f575}' | '\u{1f5e8}'
        | '\u{1f5fa}'..='\u{1f64f}' | '\u{1f680}'..='\u{1f6c5}' | '\u{1f6d5}'..='\u{1f6e5}'
        | '\u{1f6f3}'..='\u{1f6ff}' | '\u{1f7e0}'..='\u{1f7eb}' | '\u{1f90c}'..='\u{1f93a}'
        | '\u{1f93c}'..='\u{1f945}' | '\u{1f947}'..='\u{1f9ff}' | '\u{1fa70}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_end_where_nothing_is_joined() {
        for (text, bytes) in [
            ("", 0),
            ("a", 0),
            ("\u{200d}👩", 0),
            ("👩", 4),
            ("👩\u{200d}", 4),
            ("👩\u{200d}a", 4),
            ("👩\u{200d}👩 x", 11),
            ("👍🏽x", 8),
            ("👩👩\u{200d}👩", 15),
            ("❤️\u{200d}🔥", 13),
            ("🏴\u{e0067}", 4),
            ("🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}\u{e0067}", 28),
        ] {
            assert_eq!(sequences(text), bytes, "{text:?}");
        }
    }
}
