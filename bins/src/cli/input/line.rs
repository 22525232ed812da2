//! One line of the chat: a command with a slash, one of the original's words, or something to say.

use std::path::PathBuf;

use backchat_core::text::visible;

use super::commands::COMMANDS;
use crate::cli::args::{GetArgs, GetWords};

/// What a line wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing: an empty line.
    Nothing,
    /// Something to say to all.
    Say {
        /// The text.
        text: String,
        /// Whether it is an action (`/me`).
        action: bool,
    },
    /// Something to say to one.
    Tell {
        /// To whom.
        to: String,
        /// The text.
        text: String,
    },
    /// Something to say to whoever said something privately last.
    Reply(String),
    /// Who is not to be heard.
    Ignore(Ignore),
    /// Who is here.
    Names,
    /// What can be downloaded.
    Files,
    /// Another nickname.
    Nick(String),
    /// What was said before; so many messages, or as many as the server chooses.
    History(Option<u32>),
    /// A download.
    Get(GetArgs),
    /// Where downloads go from now on; without a folder, where they go now.
    Folder(Option<PathBuf>),
    /// Hold downloads.
    Pause(Pick),
    /// Go on with them.
    Resume(Pick),
    /// End them.
    Stop(Pick),
    /// How the downloads and the connection are doing.
    Stats,
    /// Another connection, at once.
    Reconnect,
    /// A clear screen.
    Clear,
    /// Help, on one command or all.
    Help(Option<String>),
    /// Leave.
    Quit,
}

/// What is to change about who is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignore {
    /// Nothing: say who is ignored.
    List,
    /// Ignore this nickname, or end that.
    Switch(String),
    /// Ignore this nickname.
    Begin(String),
    /// Hear this nickname.
    End(String),
}

/// Which downloads a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// All that run.
    All,
    /// Those of this file.
    File(String),
}

/// Why a line is nothing that can be done. It is never said to the others instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadInput {
    /// A slash, and behind it no command.
    #[error("there is no command /{}{}; /help lists them, and a second slash in front says it as text",
        visible(.0), COMMANDS.hint(.0))]
    UnknownCommand(String),
    /// Something is missing behind a command, or it is not what belongs there.
    #[error("expected {0}")]
    Expected(String),
    /// Something stands behind a command that takes nothing.
    #[error("/{0} takes nothing behind it")]
    TakesNothing(&'static str),
    /// A quote that opens and never closes.
    #[error("a quote is not closed: write a name with spaces as 'my file.txt'")]
    OpenQuote,
    /// The options of a download.
    #[error("/get: {0}")]
    Get(String),
}

/// Reads a line, without its line end. `is_here` says whether somebody of that nickname is in the chat: only then is
/// `to NICK TEXT` a private message, and otherwise it is something to say.
pub fn read_line(line: &str, is_here: impl Fn(&str) -> bool) -> Result<Input, BadInput> {
    let trimmed = line.trim();
    if trimmed.is_empty() {
        return Ok(Input::Nothing);
    }
    // Not of the trimmed line: who indents a path or a comment wants to say it.
    match line.strip_prefix('/') {
        Some(text) if text.starts_with('/') => Ok(say(text)),
        Some(command) => read_command(command),
        None => Ok(read_original(trimmed, is_here).unwrap_or_else(|| say(line))),
    }
}

fn say(text: &str) -> Input {
    Input::Say { text: text.to_owned(), action: false }
}

/// The original's words. They are a command only as a whole line.
fn read_original(line: &str, is_here: impl Fn(&str) -> bool) -> Option<Input> {
    match line {
        "nicknames" => return Some(Input::Names),
        "files" => return Some(Input::Files),
        _ => {}
    }
    let (word, rest) = split_word(line);
    match word {
        // The rest of the line is the name, its spaces included: the original knew no quotes.
        "download" if !rest.is_empty() => Some(Input::Get(GetArgs::of(rest))),
        "to" => {
            let (to, text) = split_word(rest);
            let told = !text.is_empty() && is_here(to);
            told.then(|| Input::Tell { to: to.to_owned(), text: text.to_owned() })
        }
        _ => None,
    }
}

/// What stands behind a slash.
fn read_command(line: &str) -> Result<Input, BadInput> {
    let (name, rest) = split_word(line);
    let command = COMMANDS.find(name).ok_or_else(|| BadInput::UnknownCommand(name.to_owned()))?;
    let expected = || BadInput::Expected(command.usage());
    let nothing = |input| if rest.is_empty() { Ok(input) } else { Err(BadInput::TakesNothing(command.name)) };
    let text = || if rest.is_empty() { Err(expected()) } else { Ok(rest.to_owned()) };
    match command.name {
        "names" => nothing(Input::Names),
        "files" => nothing(Input::Files),
        "get" => {
            let words = shlex::split(rest).ok_or(BadInput::OpenQuote)?;
            GetWords::read(words).map(Input::Get).map_err(BadInput::Get)
        }
        "tell" => match split_word(rest) {
            (_, "") => Err(expected()),
            (to, text) => Ok(Input::Tell { to: to.to_owned(), text: text.to_owned() }),
        },
        "folder" if rest.is_empty() => Ok(Input::Folder(None)),
        "folder" => match shlex::split(rest) {
            None => Err(BadInput::OpenQuote),
            Some(words) if words.len() == 1 => Ok(Input::Folder(Some(words.concat().into()))),
            Some(_) => Ok(Input::Folder(Some(rest.into()))),
        },
        "reply" => Ok(Input::Reply(text()?)),
        "ignore" => match split_word(rest) {
            ("", _) => Ok(Input::Ignore(Ignore::List)),
            (nick, "") => Ok(Input::Ignore(Ignore::Switch(nick.to_owned()))),
            _ => Err(expected()),
        },
        "say" => Ok(Input::Say { text: text()?, action: false }),
        "me" => Ok(Input::Say { text: text()?, action: true }),
        "nick" => match split_word(rest) {
            ("", _) => Err(expected()),
            (nick, "") => Ok(Input::Nick(nick.to_owned())),
            _ => Err(expected()),
        },
        "history" if rest.is_empty() => Ok(Input::History(None)),
        "history" => rest.parse().map(|count| Input::History(Some(count))).map_err(|_| expected()),
        "pause" => Ok(Input::Pause(pick(rest))),
        "resume" => Ok(Input::Resume(pick(rest))),
        "stop" => Ok(Input::Stop(pick(rest))),
        "stats" => nothing(Input::Stats),
        "reconnect" => nothing(Input::Reconnect),
        "clear" => nothing(Input::Clear),
        "help" => Ok(Input::Help((!rest.is_empty()).then(|| rest.to_owned()))),
        // The table has no other name; a test types every one of them.
        _ => nothing(Input::Quit),
    }
}

fn pick(rest: &str) -> Pick {
    if rest.is_empty() {
        return Pick::All;
    }
    // In quotes or not, as for /get.
    match shlex::split(rest) {
        Some(words) if words.len() == 1 => Pick::File(words.concat()),
        _ => Pick::File(rest.to_owned()),
    }
}

/// The first word, and what stands behind it without the white space around it.
fn split_word(line: &str) -> (&str, &str) {
    match line.split_once(char::is_whitespace) {
        Some((word, rest)) => (word, rest.trim()),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cli::values::Rate;

    fn read(line: &str) -> Result<Input, BadInput> {
        read_line(line, |nick| nick.eq_ignore_ascii_case("bob"))
    }

    fn tell(to: &str, text: &str) -> Input {
        Input::Tell { to: to.into(), text: text.into() }
    }

    fn act(text: &str) -> Input {
        Input::Say { text: text.into(), action: true }
    }

    #[test]
    fn every_line_is_read() {
        for (line, expected) in [
            ("", Input::Nothing),
            ("  \t ", Input::Nothing),
            ("hello", say("hello")),
            ("  hello ", say("  hello ")),
            ("//names", say("/names")),
            ("//", say("/")),
            (" /names", say(" /names")),
            ("/names", Input::Names),
            ("/NAMES  ", Input::Names),
            ("/files", Input::Files),
            ("/get book.bin", Input::Get(GetArgs::of("book.bin"))),
            ("/get 'my book.bin'", Input::Get(GetArgs::of("my book.bin"))),
            ("/tell bob psst", tell("bob", "psst")),
            ("/tell   carol  two  words ", tell("carol", "two  words")),
            ("/reply  me too ", Input::Reply("me too".into())),
            ("/folder", Input::Folder(None)),
            ("/folder 'my books'", Input::Folder(Some("my books".into()))),
            ("/folder my books", Input::Folder(Some("my books".into()))),
            ("/ignore", Input::Ignore(Ignore::List)),
            ("/ignore eve", Input::Ignore(Ignore::Switch("eve".into()))),
            ("/say files", say("files")),
            ("/me waves", act("waves")),
            ("/nick ann2", Input::Nick("ann2".into())),
            ("/history", Input::History(None)),
            ("/history 100", Input::History(Some(100))),
            ("/pause", Input::Pause(Pick::All)),
            ("/resume my book.bin", Input::Resume(Pick::File("my book.bin".into()))),
            ("/stop 'my book.bin'", Input::Stop(Pick::File("my book.bin".into()))),
            ("/stats", Input::Stats),
            ("/clear", Input::Clear),
            ("/help", Input::Help(None)),
            ("/help get", Input::Help(Some("get".into()))),
            ("/quit", Input::Quit),
        ] {
            assert_eq!(read(line), Ok(expected), "{line:?}");
        }
    }

    #[test]
    fn the_originals_words_are_commands_as_a_whole_line_only() {
        for (line, expected) in [
            ("nicknames", Input::Names),
            ("nicknames please", say("nicknames please")),
            ("files", Input::Files),
            ("files are nice", say("files are nice")),
            ("Files", say("Files")),
            ("download book.bin", Input::Get(GetArgs::of("book.bin"))),
            ("download my book's draft.bin", Input::Get(GetArgs::of("my book's draft.bin"))),
            ("download", say("download")),
            ("to bob psst", tell("bob", "psst")),
            ("to BOB psst", tell("BOB", "psst")),
            ("to bob", say("to bob")),
            ("to be or not to be", say("to be or not to be")),
        ] {
            assert_eq!(read(line), Ok(expected), "{line:?}");
        }
    }

    #[test]
    fn what_cannot_be_done_says_what_can() {
        for (line, expected) in [
            (
                "/nmaes",
                "there is no command /nmaes, did you mean /names?; /help lists them, and a second slash in front says it as text",
            ),
            (
                "/usr/bin/env",
                "there is no command /usr/bin/env; /help lists them, and a second slash in front says it as text",
            ),
            ("/", "there is no command /; /help lists them, and a second slash in front says it as text"),
            (
                "/\u{1b}[2J",
                "there is no command /\\u{1b}[2J; /help lists them, and a second slash in front says it as text",
            ),
            ("/tell bob", "expected /tell NICK TEXT"),
            ("/tell", "expected /tell NICK TEXT"),
            ("/say", "expected /say TEXT"),
            ("/me ", "expected /me TEXT"),
            ("/nick", "expected /nick NAME"),
            ("/nick a b", "expected /nick NAME"),
            ("/history all", "expected /history [COUNT]"),
            ("/names now", "/names takes nothing behind it"),
            ("/get", "/get: which file? write /get NAME"),
            ("/get 'book", "a quote is not closed: write a name with spaces as 'my file.txt'"),
            ("/get x --fast", "/get: unexpected argument '--fast' found"),
        ] {
            assert_eq!(read(line).expect_err(line).to_string(), expected, "{line:?}");
        }
    }

    #[test]
    fn the_options_of_get_are_those_of_the_command_line() {
        let Ok(Input::Get(args)) = read("/get x -d 'my books' --limit-rate 500K") else {
            panic!("a download");
        };
        assert_eq!(args.folder, Some("my books".into()));
        assert_eq!(args.limit_rate.map(Rate::bytes_per_second), Some(500_000));
    }

    proptest! {
        #[test]
        fn a_line_with_a_single_slash_is_never_said(rest in "[^/]\\PC*") {
            if let Ok(Input::Say { text, .. }) = read(&format!("/{rest}")) {
                let command = rest.to_ascii_lowercase();
                prop_assert!(command.starts_with("say") || command.starts_with("me"), "{:?}", text);
            }
        }

        #[test]
        fn any_line_is_an_input_or_an_error(line: String) {
            let _ = read(&line);
        }
    }
}
