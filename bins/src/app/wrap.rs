//! Text in columns: how wide it is on a terminal, and where its lines break.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Columns that a text takes.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(grapheme_width).sum()
}

/// Columns that a grapheme takes: at most two, since a terminal has no wider cell.
pub fn grapheme_width(grapheme: &str) -> usize {
    grapheme.width().min(2)
}

/// The ranges of `text`, in bytes, that fit into lines of so many columns: the first into `first`, the others into
/// `rest`. Breaks at line feeds, which are in none of them, then behind white space where there is some, else between
/// graphemes. A text without anything is one line.
pub fn wrap(text: &str, first: usize, rest: usize) -> Vec<std::ops::Range<usize>> {
    let mut lines = Vec::new();
    let (mut start, mut used, mut last_space) = (0, 0, None);
    let mut room = first.max(2);
    let (mut from, mut graphemes) = (0, text.grapheme_indices(true));
    while let Some((offset, grapheme)) = graphemes.next() {
        let at = from + offset;
        if grapheme == "\n" {
            lines.push(start..at);
            (start, used, last_space, room) = (at + 1, 0, None, rest.max(2));
            continue;
        }
        let wide = grapheme_width(grapheme);
        if used + wide > room {
            room = rest.max(2);
            used = 0;
            if grapheme.chars().all(char::is_whitespace) {
                // The white space at the break is not shown.
                lines.push(start..at);
                (start, last_space) = (at + grapheme.len(), None);
                continue;
            }
            if let Some((space, behind)) = last_space.take() {
                // What stands behind it is measured anew: it may be too long for a line of its own.
                lines.push(start..space);
                (start, from, graphemes) = (behind, behind, text[behind..].grapheme_indices(true));
                continue;
            }
            lines.push(start..at);
            start = at;
        }
        used += wide;
        if grapheme == " " {
            last_space = Some((at, at + 1));
        }
    }
    lines.push(start..text.len());
    lines
}

/// As much of the beginning of `text` as fits into so many columns, with `…` where something is missing.
pub fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let wide = grapheme_width(grapheme);
        if used + wide + 1 > columns {
            break;
        }
        used += wide;
        clipped.push_str(grapheme);
    }
    if columns > 0 {
        clipped.push('…');
    }
    clipped
}

#[cfg(test)]
mod tests {
    use backchat_core::text::is_printable;
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str, first: usize, rest: usize) -> Vec<&str> {
        wrap(text, first, rest).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn lines_break_behind_white_space_or_between_graphemes() {
        assert_eq!(lines("", 10, 10), [""]);
        assert_eq!(lines("one two three", 7, 7), ["one two", "three"]);
        assert_eq!(lines("one\ntwo three\n\n", 4, 5), ["one", "two", "three", "", ""]);
        assert_eq!(lines("one two three", 4, 9), ["one", "two three"]);
        assert_eq!(lines("abcdefgh", 3, 3), ["abc", "def", "gh"]);
        assert_eq!(lines("日本語です", 4, 4), ["日本", "語で", "す"]);
        assert_eq!(lines("日本語", 3, 3), ["日", "本", "語"]);
        assert_eq!(lines(" aaaa日", 5, 5), ["", "aaaa", "日"]);
        assert_eq!(lines("a bbbbbbbb", 9, 4), ["a", "bbbb", "bbbb"]);
        assert_eq!(lines("👩‍👩‍👧‍👦👍🏽e\u{301}x", 4, 4), ["👩‍👩‍👧‍👦👍🏽", "e\u{301}x"]);
    }

    #[test]
    fn emoji_that_are_shown_joined_are_one_grapheme_of_two_columns() {
        let joined = |c: char| format!("{c}\u{200d}{c}");
        let shown: Vec<String> = ('\0'..=char::MAX).map(joined).filter(|text| is_printable(text)).collect();
        assert!(shown.len() > 1000, "{}", shown.len());
        for text in &shown {
            assert_eq!(text.graphemes(true).count(), 1, "{text:?}");
        }
        for emoji in ["👩‍👩‍👧‍👦", "👩🏽‍💻", "🏳️‍🌈", "❤️‍🔥", "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}"]
        {
            assert_eq!((width(emoji), is_printable(emoji)), (2, true), "{emoji}");
        }
    }

    #[test]
    fn what_does_not_fit_is_clipped_with_a_mark() {
        assert_eq!(clip("book.bin", 8), "book.bin");
        assert_eq!(clip("book.bin", 5), "book…");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("abc", 0), "");
    }

    proptest! {
        #[test]
        fn every_line_fits_and_nothing_but_white_space_is_left_out(text in "\\PC{0,60}", columns in 2usize..20) {
            let lines = lines(&text, columns, columns);
            for line in &lines {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
            let kept = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(kept(&lines.concat()), kept(&text));
        }
    }
}
