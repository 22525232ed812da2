//! The line that is being typed: text, a cursor between graphemes, what was cut, and the lines before it.
//!
//! Written here and not taken from a text area widget: those step by `char`, which puts a cursor into the middle of an
//! emoji of several code points or between a letter and its accent, and one line with the editing of a shell is less
//! than a text area anyway.
//!
//! - [`search`]: backwards in what was typed.

pub mod search;

use std::collections::VecDeque;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation as _};

use self::search::Search;

/// Lines that are remembered.
const MAX_HISTORY: usize = 500;

/// Most bytes that a line can have: more than any message, so that what is too long is refused with the server's
/// limit and not cut.
pub const MAX_BYTES: usize = 64 * 1024;

/// A way of changing the line, or of moving in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Begins another line of the same message.
    Break,
    /// A grapheme to the left.
    Left,
    /// A grapheme to the right.
    Right,
    /// To the beginning of the word.
    WordLeft,
    /// To the end of the word.
    WordRight,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Deletes the grapheme before the cursor.
    Backspace,
    /// Deletes the grapheme behind the cursor.
    Delete,
    /// Cuts back to white space.
    CutWordLeft,
    /// Cuts to the end of the word.
    CutWordRight,
    /// Cuts to the beginning.
    CutToHome,
    /// Cuts to the end.
    CutToEnd,
    /// Inserts what was cut last.
    Yank,
    /// Exchanges the graphemes around the cursor.
    Transpose,
    /// The line before, in what was typed.
    Earlier,
    /// The line after.
    Later,
}

/// What became of a text that was to be put into the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It stands there.
    Done,
    /// The line would have more than [`MAX_BYTES`]; nothing has changed.
    TooLong,
}

/// The line that is typed, and those before it.
#[derive(Clone, Debug, Default)]
pub struct Editor {
    text: String,
    /// A byte, at the boundary of a grapheme.
    cursor: usize,
    cut: String,
    /// What was entered, the newest last.
    history: VecDeque<String>,
    /// Which of them is shown, counted from the newest, and the draft it stands in place of.
    recalled: Option<(usize, String)>,
    search: Option<Search>,
}

impl Editor {
    /// What stands there.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in bytes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether nothing stands there.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Puts `text` in, and the cursor behind it. What would make the line too long is left out whole: whoever asks says so.
    #[must_use]
    pub fn insert(&mut self, text: &str) -> Inserted {
        if self.text.len() + text.len() > MAX_BYTES {
            return Inserted::TooLong;
        }
        self.text.insert_str(self.cursor, text);
        self.cursor += text.len();
        self.align();
        Inserted::Done
    }

    /// Puts `text` in place of the bytes from `from` to the cursor.
    pub fn replace(&mut self, from: usize, text: &str) {
        if self.text.is_char_boundary(from) && from <= self.cursor {
            self.text.replace_range(from..self.cursor, "");
            self.cursor = from;
            let _ = self.insert(text);
        }
    }

    /// Takes the line: it is entered, or thrown away by whoever asks. It goes into the history.
    pub fn take(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        self.cursor = 0;
        self.recalled = None;
        if !text.trim().is_empty() && self.history.back() != Some(&text) {
            if self.history.len() == MAX_HISTORY {
                self.history.pop_front();
            }
            self.history.push_back(text.clone());
        }
        text
    }

    /// Puts `text` in place of everything.
    pub fn set(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.cursor = self.text.len();
    }

    /// Changes the line, or moves in it.
    pub fn edit(&mut self, edit: Edit) {
        match edit {
            Edit::Break => drop(self.insert("\n")),
            Edit::Left => self.cursor = self.before(),
            Edit::Right => self.cursor = self.behind(),
            Edit::WordLeft => self.cursor = self.word_before(char::is_alphanumeric),
            Edit::WordRight => self.cursor = self.word_behind(),
            Edit::Home => self.cursor = 0,
            Edit::End => self.cursor = self.text.len(),
            Edit::Backspace => {
                let before = self.before();
                self.remove(before, self.cursor);
            }
            Edit::Delete => self.remove(self.cursor, self.behind()),
            Edit::CutWordLeft => self.cut(self.word_before(|c| !c.is_whitespace()), self.cursor),
            Edit::CutWordRight => self.cut(self.cursor, self.word_behind()),
            Edit::CutToHome => self.cut(0, self.cursor),
            Edit::CutToEnd => self.cut(self.cursor, self.text.len()),
            Edit::Yank => drop(self.insert(&self.cut.clone())),
            Edit::Transpose => self.transpose(),
            Edit::Earlier => self.recall(self.recalled.as_ref().map_or(0, |(place, _)| place + 1)),
            Edit::Later => self.recall_later(),
        }
    }

    fn before(&self) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        cursor.prev_boundary(&self.text, 0).ok().flatten().unwrap_or(0)
    }

    fn behind(&self) -> usize {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        cursor.next_boundary(&self.text, 0).ok().flatten().unwrap_or(self.text.len())
    }

    /// The beginning of the word before the cursor, made of characters that `belong`.
    fn word_before(&self, belongs: impl Fn(char) -> bool) -> usize {
        let mut chars = self.text[..self.cursor].char_indices().rev().skip_while(|(_, c)| !belongs(*c));
        let mut at = 0;
        for (place, c) in chars.by_ref() {
            if !belongs(c) {
                at = place + c.len_utf8();
                break;
            }
        }
        at
    }

    fn word_behind(&self) -> usize {
        let is_word = |c: char| c.is_alphanumeric();
        let mut chars = self.text[self.cursor..].char_indices().skip_while(|(_, c)| !is_word(*c));
        chars.find(|(_, c)| !is_word(*c)).map_or(self.text.len(), |(place, _)| self.cursor + place)
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
        self.align();
    }

    fn cut(&mut self, from: usize, to: usize) {
        if from < to {
            self.text[from..to].clone_into(&mut self.cut);
            self.remove(from, to);
        }
    }

    fn transpose(&mut self) {
        let end = if self.cursor == self.text.len() { self.cursor } else { self.behind() };
        let mut last = self.text[..end].grapheme_indices(true).rev();
        let (Some((second_at, second)), Some((first_at, first))) = (last.next(), last.next()) else { return };
        let swapped = format!("{second}{first}");
        debug_assert!(first_at < second_at);
        self.text.replace_range(first_at..end, &swapped);
        self.cursor = end;
        self.align();
    }

    /// Two that stand together now may be one grapheme: the cursor goes behind it.
    fn align(&mut self) {
        let mut cursor = GraphemeCursor::new(self.cursor, self.text.len(), true);
        if !cursor.is_boundary(&self.text, 0).unwrap_or(true) {
            self.cursor = self.behind();
        }
    }

    fn recall(&mut self, place: usize) {
        let Some(line) = self.history.iter().rev().nth(place).cloned() else { return };
        let draft = self.recalled.take().map_or_else(|| self.text.clone(), |(_, draft)| draft);
        self.recalled = Some((place, draft));
        self.set(&line);
    }

    fn recall_later(&mut self) {
        match self.recalled.take() {
            None => {}
            Some((0, draft)) => self.set(&draft),
            Some((place, draft)) => {
                self.recalled = Some((place, draft));
                self.recall(place - 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An editor in which `|` is the cursor.
    fn editor(text: &str) -> Editor {
        let cursor = text.find('|').expect("a cursor");
        Editor { text: text.replacen('|', "", 1), cursor, ..Editor::default() }
    }

    fn shown(editor: &Editor) -> String {
        let mut text = editor.text.clone();
        text.insert(editor.cursor, '|');
        text
    }

    #[test]
    fn every_edit_does_what_a_shell_does() {
        for (before, edit, after) in [
            ("ab|c", Edit::Break, "ab\n|c"),
            ("ab|c", Edit::Left, "a|bc"),
            ("|abc", Edit::Left, "|abc"),
            ("ab|c", Edit::Right, "abc|"),
            ("abc|", Edit::Right, "abc|"),
            ("one two|", Edit::WordLeft, "one |two"),
            ("one, |two", Edit::WordLeft, "|one, two"),
            ("one| two three", Edit::WordRight, "one two| three"),
            ("one|", Edit::WordRight, "one|"),
            ("a|b", Edit::Home, "|ab"),
            ("a|b", Edit::End, "ab|"),
            ("ab|c", Edit::Backspace, "a|c"),
            ("|abc", Edit::Backspace, "|abc"),
            ("a|bc", Edit::Delete, "a|c"),
            ("abc|", Edit::Delete, "abc|"),
            ("say a/b.c |", Edit::CutWordLeft, "say |"),
            ("one |two three", Edit::CutWordRight, "one | three"),
            ("one |two", Edit::CutToHome, "|two"),
            ("one |two", Edit::CutToEnd, "one |"),
            ("ab|c", Edit::Transpose, "acb|"),
            ("abc|", Edit::Transpose, "acb|"),
            ("a|", Edit::Transpose, "a|"),
        ] {
            let mut editor = editor(before);
            editor.edit(edit);
            assert_eq!(shown(&editor), after, "{before} {edit:?}");
        }
    }

    #[test]
    fn a_grapheme_of_many_characters_is_one_step() {
        for grapheme in ["👩‍👩‍👧‍👦", "e\u{301}", "🇩🇪", "각", "👍🏽", "नि"] {
            let mut editor = editor(&format!("a{grapheme}|b"));
            editor.edit(Edit::Left);
            assert_eq!(shown(&editor), format!("a|{grapheme}b"));
            editor.edit(Edit::Delete);
            assert_eq!(shown(&editor), "a|b");
        }
    }

    #[test]
    fn what_was_cut_comes_back() {
        let mut editor = editor("one two|");
        editor.edit(Edit::CutWordLeft);
        editor.edit(Edit::Home);
        editor.edit(Edit::Yank);
        assert_eq!(shown(&editor), "two|one ");
    }

    #[test]
    fn history_goes_back_and_forth_and_keeps_the_draft() {
        let mut editor = Editor::default();
        for line in ["one", "two", "two", " "] {
            editor.set(line);
            editor.take();
        }
        let _ = editor.insert("draft");
        let mut seen = Vec::new();
        for edit in [Edit::Earlier, Edit::Earlier, Edit::Earlier, Edit::Later, Edit::Later, Edit::Later] {
            editor.edit(edit);
            seen.push(editor.text.clone());
        }
        assert_eq!(seen, ["two", "one", "one", "two", "draft", "draft"]);
    }

    proptest! {
        #[test]
        fn the_cursor_stays_between_graphemes(text in "\\PC{0,12}", edits in prop::collection::vec((0usize..17, "\\PC{0,3}"), 0..24)) {
            const EDITS: [Edit; 17] = [
                Edit::Break, Edit::Left, Edit::Right, Edit::WordLeft, Edit::WordRight, Edit::Home, Edit::End, Edit::Backspace,
                Edit::Delete, Edit::CutWordLeft, Edit::CutWordRight, Edit::CutToHome, Edit::CutToEnd, Edit::Yank,
                Edit::Transpose, Edit::Earlier, Edit::Later,
            ];
            let mut editor = Editor::default();
            let _ = editor.insert(&text);
            for (edit, typed) in edits {
                editor.edit(EDITS[edit]);
                let _ = editor.insert(&typed);
                let boundaries: Vec<usize> = editor.text.grapheme_indices(true).map(|(at, _)| at).collect();
                prop_assert!(
                    editor.cursor == editor.text.len() || boundaries.contains(&editor.cursor),
                    "{:?}", shown(&editor)
                );
            }
        }
    }
}
