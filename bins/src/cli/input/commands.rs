//! The chat's own commands, as data: what `/help` shows, and which one a slip of the finger was meant to be.

use crate::cli::args::option_lines;

/// One command of the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatCommand {
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
}

/// All of them, in the order in which `/help` lists them.
pub const COMMANDS: &[ChatCommand] = &[
    command("names", "", "who is here", "/names").originally("nicknames"),
    command("files", "", "what can be downloaded", "/files").originally("files"),
    command(
        "get",
        "NAME [OPTIONS]",
        "download a file; the options are those of 'get' on the command line",
        "/get book.bin -d books",
    )
    .originally("download NAME"),
    command("folder", "[DIR]", "where downloads go; without a folder, where they go now", "/folder books"),
    command("tell", "NICK TEXT", "say something to one alone", "/tell bob psst").originally("to NICK TEXT"),
    command("reply", "TEXT", "answer whoever said something to you alone", "/reply me too"),
    command("say", "TEXT", "say a text that would otherwise be a command", "/say files"),
    command("me", "TEXT", "say what you do", "/me waves"),
    command("nick", "NAME", "take another nickname", "/nick ann2"),
    command("history", "[COUNT]", "show what was said before", "/history 100"),
    command(
        "ignore",
        "[NICK]",
        "hear nothing of somebody; again ends it, without a name lists them",
        "/ignore eve",
    ),
    command("pause", "[NAME]", "hold a download; without a name all of them", "/pause book.bin"),
    command("resume", "[NAME]", "go on with a download that is held", "/resume book.bin"),
    command("stop", "[NAME]", "end a download; /get goes on where it stopped", "/stop book.bin"),
    command("stats", "", "how the downloads and the connection are doing", "/stats"),
    command("reconnect", "", "connect again, without waiting", "/reconnect"),
    command("clear", "", "clear the screen", "/clear"),
    command("help", "[COMMAND]", "this list, or one command with an example", "/help get"),
    command("quit", "", "leave the chat; downloads keep what they have", "/quit"),
];

const fn command(
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    example: &'static str,
) -> ChatCommand {
    ChatCommand { name, arguments, about, example, original: None }
}

impl ChatCommand {
    const fn originally(self, word: &'static str) -> Self {
        Self { original: Some(word), ..self }
    }

    /// The command called `name`, in capitals or not, without its slash.
    pub fn find(name: &str) -> Option<&'static Self> {
        COMMANDS.iter().find(|command| command.name.eq_ignore_ascii_case(name))
    }

    /// How it is typed: `/tell NICK TEXT`.
    pub fn usage(&self) -> String {
        if self.arguments.is_empty() {
            format!("/{}", self.name)
        } else {
            format!("/{} {}", self.name, self.arguments)
        }
    }
}

/// Most slips between what was typed and what was meant: more and the guess is no help.
const MAX_SLIPS: usize = 2;

/// The command that `typed` comes nearest to.
pub fn nearest(typed: &str) -> Option<&'static ChatCommand> {
    nearest_name(COMMANDS.iter().map(|command| command.name), typed).and_then(ChatCommand::find)
}

/// The name that `typed` comes nearest to: one that it begins, or one a few slips away.
pub fn nearest_name(names: impl Iterator<Item = &'static str> + Clone, typed: &str) -> Option<&'static str> {
    let typed = typed.to_ascii_lowercase();
    if typed.is_empty() {
        return None;
    }
    if let Some(begun) = names.clone().find(|name| name.starts_with(&typed)) {
        return Some(begun);
    }
    // Shorter names take fewer slips: `/x` is not a slip for `/me`.
    let slips = |name: &&str| strsim::damerau_levenshtein(name, &typed);
    let best = names.min_by_key(slips)?;
    (slips(&best) <= MAX_SLIPS.min(best.len() / 2)).then_some(best)
}

/// The lines of `/help`, or of `/help COMMAND`; `None` when there is no such command.
pub fn help(about: Option<&str>) -> Option<Vec<String>> {
    let Some(name) = about else {
        let width = COMMANDS.iter().map(|command| command.usage().len()).max().unwrap_or_default();
        let mut lines: Vec<String> =
            COMMANDS.iter().map(|command| format!("{:width$}  {}", command.usage(), command.about)).collect();
        lines
            .push("//text says a text that begins with a slash; everything else is said as it is".to_owned());
        return Some(lines);
    };
    let command = ChatCommand::find(name.trim_start_matches('/'))?;
    let mut lines = vec![format!("{}: {}", command.usage(), command.about)];
    lines.push(format!("example: {}", command.example));
    if let Some(word) = command.original {
        lines.push(format!("or as a whole line: {word}"));
    }
    if command.name == "get" {
        lines.extend(option_lines());
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::input::{Input, read_line};

    #[test]
    fn a_slip_names_the_nearest_command() {
        for (typed, meant) in [
            ("nmaes", Some("names")),
            ("name", Some("names")),
            ("fiels", Some("files")),
            ("quti", Some("quit")),
            ("q", Some("quit")),
            ("DOWNLOAD", None),
            ("resmue", Some("resume")),
            ("gte", Some("get")),
            ("x", None),
            ("", None),
            ("usr/bin/env", None),
        ] {
            assert_eq!(nearest(typed).map(|command| command.name), meant, "{typed}");
        }
    }

    #[test]
    fn every_example_is_a_line_that_can_be_typed() {
        for command in COMMANDS {
            let read = read_line(command.example, |_| false);
            assert!(read.is_ok(), "{}: {read:?}", command.example);
            assert!(command.example.starts_with(&format!("/{}", command.name)), "{}", command.example);
        }
    }

    #[test]
    fn help_on_get_lists_its_options() {
        let lines = help(Some("get")).expect("explained");
        for option in ["-o, --output FILE ", "-d, --dir DIR ", "--force ", "--limit-rate RATE "] {
            assert!(lines.iter().any(|line| line.starts_with(option)), "{option}: {lines:?}");
        }
    }

    #[test]
    fn help_lists_every_command_and_explains_each() {
        let list = help(None).expect("a list");
        for command in COMMANDS {
            assert!(list.iter().any(|line| line.starts_with(&command.usage())), "{}", command.name);
            let explained = help(Some(command.name)).expect("explained");
            assert_eq!(explained[1], format!("example: {}", command.example));
        }
        assert_eq!(help(Some("/get")), help(Some("GET")));
        assert_eq!(help(Some("dance")), None);
        assert_eq!(read_line("/help", |_| false), Ok(Input::Help(None)));
    }
}
