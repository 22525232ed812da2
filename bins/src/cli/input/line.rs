//! One line of the chat: a command with a slash, one of the original's words, or something to say.

use backchat_core::text::{is_blank, visible};

use super::commands::COMMANDS;
use crate::app::get::GetOptions;
use crate::app::input::{Ignore, Input, Mouse, Pick, Presence};
use crate::cli::args::GetWords;

/// Characters that look like a slash, which some keyboards and input methods type in its place.
const LIKE_A_SLASH: [char; 4] = ['\u{ff0f}', '\u{2215}', '\u{2044}', '\u{29f8}'];

/// Commands whose text is for one alone.
const PRIVATE: [&str; 2] = ["tell", "reply"];

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
    /// A backslash in front of a command.
    #[error("commands begin with a slash: /{0}; nothing was said, and /say in front says it to all")]
    Backslash(&'static str),
    /// Something for one alone, in the middle of what all would read.
    #[error(
        "a line of this begins with /{0}, and all would read it: enter it by itself, or /say in front says it to all"
    )]
    Within(&'static str),
    /// `to NICK TEXT`, and NICK has gone.
    #[error("{} is not here any more, and nothing was said; /say in front says it to all", visible(.0))]
    Gone(String),
    /// `to NICK TEXT`, and it is not known who is here.
    #[error("it is not known yet who is here, and nothing was said; '/tell {} TEXT' tells one alone, /say in front says it to all",
        visible(.0))]
    Unknown(String),
}

/// Reads a line, without its line end. `presence` says what is known of a nickname: `to NICK TEXT` is a private message
/// when NICK is in the chat, and something to say when nobody of that name ever was.
///
/// A line is a command when the first character of it that can be seen is a slash. What stands unseen before it, a space,
/// a byte order mark, must not make public what somebody tells one alone; nor must a slash that is none, or the
/// absence of the one who was meant. In doubt nothing is said, and the words say how to say it.
pub fn read_line(line: &str, presence: impl Fn(&str) -> Presence) -> Result<Input, BadInput> {
    let seen = line.trim_matches(is_blank);
    let mut characters = seen.chars();
    let Some(first) = characters.next() else { return Ok(Input::Nothing) };
    let rest = characters.as_str();
    match first {
        '/' if rest.starts_with('/') => Ok(say(rest)),
        '/' => read_command(rest),
        like if LIKE_A_SLASH.contains(&like) && rest.starts_with(char::is_alphabetic) => read_command(rest),
        '\\' if let Some(command) = COMMANDS.find(split_word(rest).0) => {
            Err(BadInput::Backslash(command.name))
        }
        _ => match read_original(seen, presence)? {
            Some(input) => Ok(input),
            None => {
                private_within(seen).map_or_else(|| Ok(say(line.trim_start_matches(BYTE_ORDER_MARK))), Err)
            }
        },
    }
}

/// A byte order mark, with which some programs begin what they write.
pub(super) const BYTE_ORDER_MARK: char = '\u{feff}';

/// Whether a line of a text of several, none of which is a command, begins as one whose text is for one alone.
fn private_within(text: &str) -> Option<BadInput> {
    text.lines().skip(1).find_map(|line| {
        let command = COMMANDS.find(split_word(line.trim_matches(is_blank).strip_prefix('/')?).0)?;
        PRIVATE.contains(&command.name).then_some(BadInput::Within(command.name))
    })
}

fn say(text: &str) -> Input {
    Input::Say { text: text.to_owned(), action: false }
}

/// The original's words. They are a command only as a whole line.
fn read_original(line: &str, presence: impl Fn(&str) -> Presence) -> Result<Option<Input>, BadInput> {
    match line {
        "nicknames" => return Ok(Some(Input::Names)),
        "files" => return Ok(Some(Input::Files)),
        _ => {}
    }
    let (word, rest) = split_word(line);
    match word {
        // The rest of the line is the name, its spaces included: the original knew no quotes.
        "download" if !rest.is_empty() => Ok(Some(Input::Get(GetOptions::of(rest)))),
        // In capitals too, which a keyboard may set by itself at the beginning of a line.
        to if to.eq_ignore_ascii_case("to") => {
            let (to, text) = split_word(rest);
            if text.is_empty() {
                return Ok(None);
            }
            match presence(to) {
                Presence::Here => Ok(Some(Input::Tell { to: to.to_owned(), text: text.to_owned() })),
                Presence::Gone => Err(BadInput::Gone(to.to_owned())),
                Presence::Unknown => Err(BadInput::Unknown(to.to_owned())),
                Presence::Stranger => Ok(None),
            }
        }
        _ => Ok(None),
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
        // There is nothing to be told of one that the list does not say.
        "names" if name.eq_ignore_ascii_case("whois") => Ok(Input::Names),
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
        "cancel" => nothing(Input::Cancel),
        "reconnect" => nothing(Input::Reconnect),
        "find" => Ok(Input::Find((!rest.is_empty()).then(|| rest.to_owned()))),
        "mouse" => match rest {
            "" => Ok(Input::Mouse(None)),
            "on" => Ok(Input::Mouse(Some(Mouse::Ours))),
            "off" => Ok(Input::Mouse(Some(Mouse::Theirs))),
            _ => Err(expected()),
        },
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
        read_line(line, |nick| match nick.to_ascii_lowercase().as_str() {
            "bob" => Presence::Here,
            "eve" => Presence::Gone,
            "mallory" => Presence::Unknown,
            _ => Presence::Stranger,
        })
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
            (" /names", Input::Names),
            ("\u{feff}hello", say("hello")),
            ("\u{200b}\u{3164}", Input::Nothing),
            ("/names", Input::Names),
            ("/NAMES  ", Input::Names),
            ("/files", Input::Files),
            ("/get book.bin", Input::Get(GetOptions::of("book.bin"))),
            ("/get 'my book.bin'", Input::Get(GetOptions::of("my book.bin"))),
            ("/tell bob psst", tell("bob", "psst")),
            ("/tell   carol  two  words ", tell("carol", "two  words")),
            ("/msg bob psst", tell("bob", "psst")),
            ("/whois bob", Input::Names),
            ("/exit", Input::Quit),
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
            ("/cancel", Input::Cancel),
            ("/find two words", Input::Find(Some("two words".into()))),
            ("/find", Input::Find(None)),
            ("/mouse off", Input::Mouse(Some(Mouse::Theirs))),
            ("/mouse", Input::Mouse(None)),
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
            ("download book.bin", Input::Get(GetOptions::of("book.bin"))),
            ("download my book's draft.bin", Input::Get(GetOptions::of("my book's draft.bin"))),
            ("download", say("download")),
            ("to bob psst", tell("bob", "psst")),
            ("to BOB psst", tell("BOB", "psst")),
            ("To bob psst", tell("bob", "psst")),
            ("\u{feff}to bob psst", tell("bob", "psst")),
            ("to bob", say("to bob")),
            ("to be or not to be", say("to be or not to be")),
        ] {
            assert_eq!(read(line), Ok(expected), "{line:?}");
        }
    }

    #[test]
    fn what_stands_unseen_before_a_slash_says_no_secret() {
        for before in [
            " ",
            "\t",
            "\u{feff}",
            "\u{a0}",
            "\u{200b}",
            "\u{3000}",
            "\u{2800}",
            "\u{1b}",
            "\r",
            "\n",
            " \u{202e}\u{ad} ",
        ] {
            assert_eq!(read(&format!("{before}/tell bob psst")), Ok(tell("bob", "psst")), "{before:?}");
            assert_eq!(read(&format!("{before}to bob psst")), Ok(tell("bob", "psst")), "{before:?}");
            assert!(read(&format!("{before}/tel bob psst")).is_err(), "{before:?}");
        }
        for line in ["／tell bob psst", "∕tell bob psst", "⁄tell\u{3000}bob psst"] {
            assert_eq!(read(line), Ok(tell("bob", "psst")), "{line}");
        }
        assert_eq!(read("1 ⁄ 2"), Ok(say("1 ⁄ 2")));
    }

    #[test]
    fn what_cannot_be_done_says_what_can() {
        for (line, expected) in [
            (
                r"\tell bob psst",
                "commands begin with a slash: /tell; nothing was said, and /say in front says it to all",
            ),
            (
                "hello\n /tell bob psst",
                "a line of this begins with /tell, and all would read it: enter it by itself, or /say in front says it to all",
            ),
            ("to eve psst", "eve is not here any more, and nothing was said; /say in front says it to all"),
            (
                "to mallory psst",
                "it is not known yet who is here, and nothing was said; '/tell mallory TEXT' tells one alone, /say in front says it to all",
            ),
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
        fn a_line_with_a_single_slash_is_never_said(before in "[ \\t\u{feff}\u{a0}\u{200b}\\p{Cf}\\p{Zs}]{0,4}", rest in "[^/]\\PC*") {
            prop_assume!(before.chars().all(is_blank));
            if let Ok(Input::Say { text, .. }) = read(&format!("{before}/{rest}")) {
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
