//! What Tab makes of the beginning of a word: a command, a nickname or a file.

use crate::cli::input::commands::COMMANDS;

/// What there is to complete with.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// Nicknames, those who spoke last first.
    pub nicks: &'a [String],
    /// Files that can be downloaded.
    pub files: &'a [String],
    /// Files whose download runs.
    pub running: &'a [String],
}

/// The candidates for a word, which Tab goes round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Where the word begins, in bytes.
    from: usize,
    candidates: Vec<String>,
    /// Which one stands there.
    place: usize,
}

/// Which way Tab goes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the next candidate.
    Forward,
    /// To the one before.
    Backward,
}

impl Completion {
    /// What the word before the cursor could become; `None` where nothing begins like it.
    pub fn of(text: &str, words: Words<'_>) -> Option<Self> {
        let (from, mut candidates) = candidates(text, words);
        candidates.dedup();
        let place = candidates.len().checked_sub(1)?;
        // The first step forward comes to the first of them.
        Some(Self { from, candidates, place })
    }

    /// Goes to the next candidate: where it begins, and what stands there then.
    pub fn step(&mut self, direction: Direction) -> (usize, &str) {
        let count = self.candidates.len();
        self.place = match direction {
            Direction::Forward => (self.place + 1) % count,
            Direction::Backward => (self.place + count - 1) % count,
        };
        (self.from, self.candidates.get(self.place).map_or("", String::as_str))
    }

    /// All candidates, and which one stands there.
    pub fn candidates(&self) -> (&[String], usize) {
        (&self.candidates, self.place)
    }
}

/// Where the word begins, and what it could become.
fn candidates(text: &str, words: Words<'_>) -> (usize, Vec<String>) {
    if let Some(begun) = text.strip_prefix('/').filter(|begun| !begun.contains(char::is_whitespace)) {
        let begins = |name: &&str| name.starts_with(&begun.to_ascii_lowercase());
        let names = COMMANDS.iter().map(|command| command.name).filter(begins);
        return (0, names.map(|name| format!("/{name} ")).collect());
    }
    let (command, argument_at) = match text.split_once(char::is_whitespace) {
        Some((command, rest)) => (command, text.len() - rest.len()),
        None => ("", 0),
    };
    let argument = text.get(argument_at..).unwrap_or_default();
    let is_first_argument = !argument.contains(char::is_whitespace);
    match command {
        // What begins with a dash would be an option.
        "/get" => match argument.strip_prefix("--").map(str::trim_start).filter(|_| argument != "--") {
            Some(begun) if argument.starts_with("-- ") => {
                (text.len() - begun.len(), quoted(words.files, begun))
            }
            _ => (argument_at, quoted(words.files, argument).into_iter().map(behind_dashes).collect()),
        },
        "download" => (argument_at, begin(words.files, argument).cloned().collect()),
        "/pause" | "/resume" | "/stop" => (argument_at, quoted(words.running, argument)),
        "/tell" | "/ignore" | "to" if is_first_argument => (argument_at, spaced(words.nicks, argument)),
        "/help" => {
            let begins = |name: &&str| name.starts_with(argument);
            let names = COMMANDS.iter().map(|command| command.name).filter(begins);
            (argument_at, names.map(str::to_owned).collect())
        }
        _ => {
            let from = text
                .rfind(char::is_whitespace)
                .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
            let begun = text.get(from..).unwrap_or_default();
            if begun.is_empty() {
                return (from, Vec::new());
            }
            let end = if from == 0 { ": " } else { " " };
            (from, begin(words.nicks, begun).map(|nick| format!("{nick}{end}")).collect())
        }
    }
}

fn begin<'a>(words: &'a [String], begun: &str) -> impl Iterator<Item = &'a String> {
    let begun = begun.to_lowercase();
    words.iter().filter(move |word| word.to_lowercase().starts_with(&begun))
}

fn spaced(words: &[String], begun: &str) -> Vec<String> {
    begin(words, begun).map(|word| format!("{word} ")).collect()
}

/// A name that would be taken for an option, behind the two dashes after which there are none.
fn behind_dashes(word: String) -> String {
    if word.trim_start_matches('\'').starts_with('-') { format!("-- {word}") } else { word }
}

/// Names of files as the command reads them: in quotes where they need some.
fn quoted(words: &[String], begun: &str) -> Vec<String> {
    let begun = begun.trim_start_matches(['\'', '"']);
    begin(words, begun)
        .map(|word| shlex::try_quote(word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let (nicks, files) =
            (owned(&["bob", "Bea", "ann"]), owned(&["book.bin", "my book.bin", "-rf", "--no resume"]));
        let words = Words { nicks: &nicks, files: &files, running: &owned(&["big one"]) };
        let Some(mut completion) = Completion::of(text, words) else { return Vec::new() };
        let count = completion.candidates().0.len();
        let step = |_| {
            let (from, word) = completion.step(Direction::Forward);
            format!("{}{word}", &text[..from])
        };
        (0..count).map(step).collect()
    }

    #[test]
    fn commands_nicknames_and_files_are_completed_where_they_belong() {
        for (typed, expected) in [
            ("/na", vec!["/names "]),
            ("/st", vec!["/stop ", "/stats "]),
            ("b", vec!["bob: ", "Bea: "]),
            ("hello b", vec!["hello bob ", "hello Bea "]),
            ("/tell B", vec!["/tell bob ", "/tell Bea "]),
            ("to a", vec!["to ann "]),
            ("/tell bob a", vec!["/tell bob ann "]),
            ("/get b", vec!["/get book.bin"]),
            ("/get -", vec!["/get -- -rf", "/get -- '--no resume'"]),
            ("/get -- -r", vec!["/get -- -rf"]),
            ("/get -- b", vec!["/get -- book.bin"]),
            ("/get m", vec!["/get 'my book.bin'"]),
            ("/get 'my b", vec!["/get 'my book.bin'"]),
            ("download my", vec!["download my book.bin"]),
            ("/stop ", vec!["/stop 'big one'"]),
            ("/help na", vec!["/help names"]),
            ("hello ", vec![]),
            ("", vec![]),
            ("x", vec![]),
        ] {
            assert_eq!(all(typed), expected, "{typed}");
        }
    }

    #[test]
    fn it_goes_round_in_both_directions() {
        let nicks = ["bob".to_owned(), "bea".to_owned()];
        let words = Words { nicks: &nicks, files: &[], running: &[] };
        let mut completion = Completion::of("b", words).expect("two");
        let mut steps = |direction| completion.step(direction).1.to_owned();
        assert_eq!(
            [Direction::Forward, Direction::Forward, Direction::Forward, Direction::Backward].map(&mut steps),
            ["bob: ", "bea: ", "bob: ", "bea: "]
        );
    }
}
