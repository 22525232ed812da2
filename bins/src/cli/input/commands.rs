//! The chat's own commands.

use crate::app::happening::Happening;
use crate::cli::args::option_lines;
use crate::cli::slash::{SlashCommand, SlashCommands};

/// All of them, in the order in which `/help` lists them.
pub const COMMANDS: SlashCommands = SlashCommands(&[
    SlashCommand::new("names", "", "who is here", "/names")
        .originally("nicknames")
        .or(&["who", "whois", "users"]),
    SlashCommand::new("files", "", "what can be downloaded", "/files").originally("files").or(&["ls", "dir"]),
    SlashCommand::new(
        "get",
        "NAME [OPTIONS]",
        "download a file; the options are those of 'get' on the command line",
        "/get book.bin -d books",
    )
    .originally("download NAME")
    .or(&["download"]),
    SlashCommand::new(
        "folder",
        "[DIR]",
        "where downloads go; without a folder, where they go now",
        "/folder books",
    ),
    SlashCommand::new("tell", "NICK TEXT", "say something to one alone", "/tell bob psst")
        .originally("to NICK TEXT")
        .or(&["msg", "query", "whisper", "dm"]),
    SlashCommand::new("reply", "TEXT", "answer whoever said something to you alone", "/reply me too")
        .or(&["r"]),
    SlashCommand::new("say", "TEXT", "say a text that would otherwise be a command", "/say files"),
    SlashCommand::new("me", "TEXT", "say what you do", "/me waves"),
    SlashCommand::new("nick", "NAME", "take another nickname", "/nick ann2"),
    SlashCommand::new("history", "[COUNT]", "show what was said before", "/history 100"),
    SlashCommand::new(
        "ignore",
        "[NICK]",
        "hear nothing of somebody; again ends it, without a name lists them",
        "/ignore eve",
    ),
    SlashCommand::new("pause", "[NAME]", "hold a download; without a name all of them", "/pause book.bin"),
    SlashCommand::new("resume", "[NAME]", "go on with a download that is held", "/resume book.bin"),
    SlashCommand::new("stop", "[NAME]", "end a download; /get goes on where it stopped", "/stop book.bin"),
    SlashCommand::new("stats", "", "how the downloads and the connection are doing", "/stats"),
    SlashCommand::new("cancel", "", "take back pasted messages that wait for their turn", "/cancel"),
    SlashCommand::new("reconnect", "", "connect again, without waiting", "/reconnect"),
    SlashCommand::new(
        "find",
        "[TEXT]",
        "go up to the line that holds it; without a text, to the one before",
        "/find tea",
    )
    .or(&["search", "lastlog", "grep"]),
    SlashCommand::new(
        "mouse",
        "[on|off]",
        "whose the mouse is: the window's, or the terminal's, which selects",
        "/mouse off",
    ),
    SlashCommand::new("clear", "", "clear the screen", "/clear").or(&["cls"]),
    SlashCommand::new("help", "[COMMAND]", "this list, or one command with an example", "/help get")
        .or(&["commands"]),
    SlashCommand::new("quit", "", "leave the chat; downloads keep what they have", "/quit")
        .or(&["exit", "part", "leave", "bye", "logout"]),
]);

/// The lines of `/help`, or of `/help COMMAND`; `None` when there is no such command.
pub fn help(about: Option<&str>) -> Option<Vec<String>> {
    let Some(name) = about else {
        let mut lines = COMMANDS.list();
        lines
            .push("//text says a text that begins with a slash; everything else is said as it is".to_owned());
        return Some(lines);
    };
    let command = COMMANDS.find(name)?;
    let mut lines = command.explain();
    if command.name == "get" {
        lines.extend(option_lines());
    }
    Some(lines)
}

/// The answer to `/help`, or to `/help COMMAND`: notices, or a complaint when there is no such command.
pub fn told(about: Option<&str>) -> Vec<Happening> {
    if let Some(lines) = help(about) {
        return lines.into_iter().map(Happening::Notice).collect();
    }
    let typed = about.unwrap_or_default();
    let message = format!("there is no command '{typed}'{}", COMMANDS.hint(typed));
    vec![Happening::complaint(None, "bad-input", message)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::input::{Input, Presence};
    use crate::cli::input::read_line;

    #[test]
    fn every_example_is_a_line_that_can_be_typed() {
        for command in COMMANDS.iter() {
            let read = read_line(command.example, |_| Presence::Stranger);
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
        for command in COMMANDS.iter() {
            assert!(list.iter().any(|line| line.starts_with(&command.usage())), "{}", command.name);
            let explained = help(Some(command.name)).expect("explained");
            assert_eq!(explained[1], format!("example: {}", command.example));
        }
        let words: Vec<&str> =
            COMMANDS.iter().flat_map(|it| it.aliases.iter().copied().chain([it.name])).collect();
        assert!(
            words.iter().all(|word| words.iter().filter(|other| *other == word).count() == 1),
            "{words:?}"
        );
        assert_eq!(help(Some("/get")), help(Some("GET")));
        assert_eq!(help(Some("dance")), None);
        assert_eq!(read_line("/help", |_| Presence::Stranger), Ok(Input::Help(None)));
    }
}
