//! Commands with a slash, as data: what the chat and the server's console list, explain, and take for a slip.
//!
//! What they do is decided where they are read.

/// One command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlashCommand {
    /// Its name, without the slash.
    pub name: &'static str,
    /// What stands behind the name.
    pub arguments: &'static str,
    /// What it does, as part of a list.
    pub about: &'static str,
    /// A line that can be typed.
    pub example: &'static str,
    /// The original's word for it, typed as a whole line.
    pub original: Option<&'static str>,
    /// What other chats call it: understood, and not listed.
    pub aliases: &'static [&'static str],
}

impl SlashCommand {
    /// A command that the original did not have.
    pub const fn new(
        name: &'static str,
        arguments: &'static str,
        about: &'static str,
        example: &'static str,
    ) -> Self {
        Self { name, arguments, about, example, original: None, aliases: &[] }
    }

    /// The same, for which the original had a word.
    #[must_use]
    pub const fn originally(self, word: &'static str) -> Self {
        Self { original: Some(word), ..self }
    }

    /// The same, which other chats call otherwise.
    #[must_use]
    pub const fn or(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Its name, and what others call it.
    fn words(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// How it is typed: `/tell NICK TEXT`.
    pub fn usage(&self) -> String {
        format!("/{} {}", self.name, self.arguments).trim_end().to_owned()
    }

    /// What it does, with an example, in lines.
    pub fn explain(&self) -> Vec<String> {
        let mut lines =
            vec![format!("{}: {}", self.usage(), self.about), format!("example: {}", self.example)];
        lines.extend(self.original.map(|word| format!("or as a whole line: {word}")));
        if !self.aliases.is_empty() {
            let aliases: Vec<String> = self.aliases.iter().map(|alias| format!("/{alias}")).collect();
            lines.push(format!("understood too: {}", aliases.join(", ")));
        }
        lines
    }
}

/// Most slips between what was typed and what was meant: more and the guess is no help.
const MAX_SLIPS: usize = 2;

/// The commands of one place, in the order in which its `/help` lists them.
#[derive(Clone, Copy, Debug)]
pub struct SlashCommands(pub &'static [SlashCommand]);

impl SlashCommands {
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = &'static SlashCommand> + Clone {
        self.0.iter()
    }

    /// The one of this name, or that others call so, in capitals or not, with its slash or without.
    pub fn find(self, name: &str) -> Option<&'static SlashCommand> {
        let name = name.trim_start_matches('/');
        self.iter().find(|command| command.words().any(|word| word.eq_ignore_ascii_case(name)))
    }

    /// The one that `typed` comes nearest to: one that it begins, or one a few slips away.
    pub fn nearest(self, typed: &str) -> Option<&'static SlashCommand> {
        let typed = typed.trim_start_matches('/').to_ascii_lowercase();
        if typed.is_empty() {
            return None;
        }
        if let Some(begun) = self.iter().find(|command| command.name.starts_with(&typed)) {
            return Some(begun);
        }
        // Shorter names take fewer slips: `/x` is not a slip for `/me`.
        let words = self.iter().flat_map(|command| command.words().map(move |word| (word, command)));
        let slips = |(word, _): &(&str, &SlashCommand)| strsim::damerau_levenshtein(word, &typed);
        let best = words.min_by_key(slips)?;
        (slips(&best) <= MAX_SLIPS.min(best.0.len() / 2)).then_some(best.1)
    }

    /// A question whether that one was meant, to follow a complaint; empty where none is near.
    pub fn hint(self, typed: &str) -> String {
        self.nearest(typed).map(|command| format!(", did you mean /{}?", command.name)).unwrap_or_default()
    }

    /// A line for each.
    pub fn list(self) -> Vec<String> {
        let width = self.iter().map(|command| command.usage().len()).max().unwrap_or_default();
        self.iter().map(|command| format!("{:width$}  {}", command.usage(), command.about)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: SlashCommands = SlashCommands(&[
        SlashCommand::new("names", "", "who is here", "/names").originally("nicknames"),
        SlashCommand::new("tell", "NICK TEXT", "say something to one", "/tell bob psst")
            .or(&["msg", "query"]),
        SlashCommand::new("resume", "[NAME]", "go on", "/resume book.bin"),
        SlashCommand::new("get", "NAME", "download", "/get book.bin"),
        SlashCommand::new("me", "TEXT", "say what you do", "/me waves"),
    ]);

    #[test]
    fn a_slip_names_the_nearest_command() {
        for (typed, meant) in [
            ("nmaes", Some("names")),
            ("/name", Some("names")),
            ("r", Some("resume")),
            ("resmue", Some("resume")),
            ("GTE", Some("get")),
            ("DOWNLOAD", None),
            ("mgs", Some("tell")),
            ("querry", Some("tell")),
            ("x", None),
            ("", None),
            ("usr/bin/env", None),
        ] {
            assert_eq!(COMMANDS.nearest(typed).map(|command| command.name), meant, "{typed}");
        }
        assert_eq!(
            (COMMANDS.hint("/nmaes"), COMMANDS.hint("x")),
            (", did you mean /names?".into(), "".into())
        );
    }

    #[test]
    fn commands_are_listed_in_columns_and_explained_with_an_example() {
        assert_eq!(
            COMMANDS.list()[..2],
            ["/names           who is here", "/tell NICK TEXT  say something to one"]
        );
        let names = COMMANDS.find("/NAMES").expect("there");
        assert_eq!(
            names.explain(),
            ["/names: who is here", "example: /names", "or as a whole line: nicknames"]
        );
        assert_eq!(COMMANDS.find("name"), None);
        let tell = COMMANDS.find("/MSG").expect("there");
        assert_eq!(tell.explain()[2..], ["understood too: /msg, /query"]);
    }
}
