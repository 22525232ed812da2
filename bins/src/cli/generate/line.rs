//! The line that a shell hands over to be completed: its words, and how the last of them is quoted so far.
//!
//! The shells hand over the line as it was typed and not their own idea of its words: bash cuts words at `:` and `=`,
//! and each of them keeps quotes in another way.

/// A line up to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The words in front of the one at the cursor, without their quotes; the program is the first.
    pub before: Vec<String>,
    /// The word at the cursor, as far as it stands in front of it, without its quotes. It may be empty.
    pub current: String,
    /// The same with its quotes.
    raw: String,
}

/// The quotes that are open at the end of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Quotes {
    #[default]
    None,
    Single,
    Double,
}

impl Line {
    /// Reads what was typed. Assignments in front of the program belong to the shell.
    pub fn read(typed: &str) -> Self {
        let mut line = Self { before: Vec::new(), current: String::new(), raw: String::new() };
        let mut quotes = Quotes::None;
        let mut characters = typed.chars();
        while let Some(character) = characters.next() {
            if quotes == Quotes::None && character.is_ascii_whitespace() {
                line.end_word();
                continue;
            }
            line.raw.push(character);
            match (quotes, character) {
                (Quotes::None, '\'') => quotes = Quotes::Single,
                (Quotes::None, '"') => quotes = Quotes::Double,
                (Quotes::Single, '\'') | (Quotes::Double, '"') => quotes = Quotes::None,
                (Quotes::None | Quotes::Double, '\\') => {
                    let next = characters.next();
                    line.raw.extend(next);
                    // Within double quotes a backslash is one, but in front of what it can quote.
                    let is_kept =
                        quotes == Quotes::Double && !next.is_some_and(|next| "\"\\$`".contains(next));
                    line.current.extend(is_kept.then_some('\\'));
                    line.current.extend(next);
                }
                (_, character) => line.current.push(character),
            }
        }
        line
    }

    fn end_word(&mut self) {
        if self.raw.is_empty() {
            return;
        }
        let (word, raw) = (std::mem::take(&mut self.current), std::mem::take(&mut self.raw));
        let is_assignment = raw.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if !(self.before.is_empty() && is_assignment) {
            self.before.push(word);
        }
    }

    /// Every word up to the cursor, and the place of the last one among them.
    pub fn words(&self) -> (Vec<String>, usize) {
        let mut words = self.before.clone();
        words.push(self.current.clone());
        (words, self.before.len())
    }

    /// All words are arguments from here on, even those that begin with a dash.
    pub fn is_behind_dashes(&self) -> bool {
        self.before.iter().any(|word| word == "--")
    }

    /// The text that makes the word at the cursor `candidate`, where the shell replaces `replaced`, the end of what was
    /// typed of it. `None` where these do not fit together.
    pub fn insertion(&self, candidate: &str, replaced: &str) -> Option<String> {
        let kept = self.raw.strip_suffix(replaced)?;
        let (text, quotes) = unquoted(kept);
        Some(quoted(candidate.strip_prefix(text.as_str())?, quotes))
    }
}

/// A part of a word without its quotes, and which are open behind it.
fn unquoted(raw: &str) -> (String, Quotes) {
    let line = Line::read(raw);
    let mut quotes = Quotes::None;
    let mut is_escaped = false;
    for character in raw.chars() {
        match (quotes, character) {
            _ if is_escaped => is_escaped = false,
            (Quotes::None | Quotes::Double, '\\') => is_escaped = true,
            (Quotes::None, '\'') => quotes = Quotes::Single,
            (Quotes::None, '"') => quotes = Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => quotes = Quotes::None,
            _ => {}
        }
    }
    (line.current, quotes)
}

/// The text as bash reads it within these quotes. An exclamation mark would be history within double ones, where nothing
/// quotes it: there they are closed around it. Not at the end, where it is none, and where readline takes our quote for
/// the closing one.
fn quoted(text: &str, quotes: Quotes) -> String {
    let mut quoted = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        let is_last = place + character.len_utf8() == text.len();
        match (quotes, character) {
            (Quotes::Single, '\'') => quoted += r"'\''",
            (Quotes::Double, '!') if !is_last => quoted += "\"\\!\"",
            (Quotes::Double, '"' | '\\' | '$' | '`') => quoted.extend(['\\', character]),
            (Quotes::None, '~' | '#') if place > 0 => quoted.push(character),
            (Quotes::None, character) if needs_backslash(character) => quoted.extend(['\\', character]),
            (_, character) => quoted.push(character),
        }
    }
    quoted
}

/// Everything in ASCII that is not known to be harmless.
fn needs_backslash(character: char) -> bool {
    character.is_ascii() && !character.is_ascii_alphanumeric() && !"-_./:=+,@%^".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_those_that_a_shell_reads() {
        for (typed, before, current) in [
            ("", &[][..], ""),
            ("it", &[], "it"),
            ("it get ", &["it", "get"], ""),
            ("A=1 B='2 3' it --server a:1", &["it", "--server"], "a:1"),
            ("it a=1 b", &["it", "a=1"], "b"),
            ("it 'my b", &["it"], "my b"),
            (r#"it "a \"b\" \c" x\ y"#, &["it", r#"a "b" \c"#], "x y"),
            (r"it a\", &["it"], "a"),
        ] {
            let line = Line::read(typed);
            assert_eq!(
                (line.before.as_slice(), line.current.as_str()),
                (before.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>().as_slice(), current)
            );
        }
        assert!(Line::read("it get -- -").is_behind_dashes() && !Line::read("it get --").is_behind_dashes());
    }

    #[test]
    fn only_what_the_shell_replaces_is_written() {
        for (typed, replaced, candidate, expected) in [
            ("it get my", "my", "my book.bin", Some(r"my\ book.bin")),
            ("it get 'my", "my", "my book's", Some(r"my book'\''s")),
            ("it get \"my", "my", "my $ ! !", Some("my \\$ \"\\!\" !")),
            ("it --server=a", "a", "--server=a:1", Some("a:1")),
            ("it --server a:", "", "a:1", Some("1")),
            (r"it get a\ b", r"a\ b", "a b~#c", Some(r"a\ b~#c")),
            ("it get ", "", "~x", Some(r"\~x")),
            ("it get x", "y", "xy", None),
            ("it get x:", "", "y", None),
        ] {
            assert_eq!(Line::read(typed).insertion(candidate, replaced).as_deref(), expected, "{typed}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_what_was_meant(name in "[ -~äß€]{1,12}", open in "['\"]?") {
            let line = Line::read(&format!("it get {open}"));
            let text = line.insertion(&name, "").expect("nothing was typed of it");
            let read = shlex::split(&format!("{open}{text}{open}"));
            prop_assert_eq!(read, Some(vec![name.clone()]));
            let again = Line::read(&format!("it get {open}{text}"));
            prop_assert_eq!(again.current, name);
        }
    }
}
