//! One line of the console.

use std::net::IpAddr;
use std::time::Duration;

use backchat_core::chat::{Address, Nickname, Whom};
use backchat_core::node::Order;
use backchat_core::text::visible;

use crate::cli::slash::{SlashCommand, SlashCommands};
use crate::cli::values::{BadSpan, Span};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// An empty line.
    Nothing,
    /// Something that the core does.
    Order {
        /// What.
        order: Order,
        /// Of a list, only what holds this.
        only: Option<String>,
    },
    /// Counters.
    Stats,
    /// The end.
    Stop,
    /// The list of commands, or one of them.
    Help(Option<&'static SlashCommand>),
}

/// All of them, in the order in which `/help` lists them.
const COMMANDS: SlashCommands = SlashCommands(&[
    SlashCommand::new(
        "who",
        "[PART]",
        "who is here, from where; or those with PART in name or address",
        "/who 192.0.2.",
    ),
    SlashCommand::new(
        "kick",
        "NICK [REASON]",
        "end a session; its user may come back",
        "/kick bob please stop",
    ),
    SlashCommand::new(
        "ban",
        "NICK|ADDR [TIME] [REASON]",
        "keep a nickname or an address out, for a time such as 10m, or while the server runs",
        "/ban bob 1h flooding",
    ),
    SlashCommand::new("unban", "NICK|ADDR", "let somebody in again", "/unban bob"),
    SlashCommand::new("bans", "", "who is kept out, and until when", "/bans"),
    SlashCommand::new("say", "TEXT", "tell everybody who is connected", "/say back at noon"),
    SlashCommand::new("stats", "", "what was counted, and what there is", "/stats"),
    SlashCommand::new(
        "stop",
        "",
        "end as after SIGTERM: downloads may finish; a second /stop ends at once",
        "/stop",
    ),
    SlashCommand::new("help", "[COMMAND]", "this list, or one command with an example", "/help ban"),
]);

/// Before a nickname that reads as an address: `/ban nick:10.0.0.1`. No nickname has a colon.
const NICK: &str = "nick:";

/// Why a line is nothing that can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadLine {
    /// Something to say, perhaps; but to whom?
    #[error("commands begin with a slash: /say tells everybody, /help lists the others")]
    NoSlash,
    /// There is none of that name.
    #[error("there is no command /{}{}; /help lists them", visible(.0), COMMANDS.hint(.0))]
    Unknown(String),
    /// Something is missing, or too much.
    #[error("expected {}", .0.usage())]
    Expected(&'static SlashCommand),
    /// A name that nobody can have.
    #[error(transparent)]
    Nick(#[from] backchat_core::chat::NicknameError),
    /// A time that is none.
    #[error("'{0}': {1}")]
    Time(String, BadSpan),
}

impl Typed {
    /// Reads a line.
    pub(super) fn read(line: &str) -> Result<Self, BadLine> {
        let line = line.trim();
        if line.is_empty() {
            return Ok(Self::Nothing);
        }
        let (name, rest) = first_word(line.strip_prefix('/').ok_or(BadLine::NoSlash)?);
        let command = COMMANDS.find(name).ok_or_else(|| BadLine::Unknown(name.to_owned()))?;
        let order = |order| Ok(Self::Order { order, only: None });
        let expected = || BadLine::Expected(command);
        match (command.name, rest) {
            ("who", part) => Ok(Self::Order { order: Order::Who, only: text(part) }),
            ("bans", "") => order(Order::Bans),
            ("stats", "") => Ok(Self::Stats),
            ("stop", "") => Ok(Self::Stop),
            ("help", "") => Ok(Self::Help(None)),
            ("help", about) => COMMANDS.find(about).map(|it| Self::Help(Some(it))).ok_or_else(expected),
            ("say", words) => order(Order::Say(text(words).ok_or_else(expected)?)),
            ("kick", "") | ("ban", "") | ("unban", "") => Err(expected()),
            ("kick", words) => {
                let (nick, reason) = first_word(words);
                order(Order::Kick { nick: Nickname::parse(nick)?, reason: text(reason) })
            }
            ("ban", words) => {
                let (who, rest) = first_word(words);
                let (lasts, reason) = time(rest)?;
                order(Order::Ban { whom: whom(who)?, lasts, reason: text(reason) })
            }
            ("unban", words) => match first_word(words) {
                (who, "") => order(Order::Unban(whom(who)?)),
                _ => Err(expected()),
            },
            _ => Err(expected()),
        }
    }
}

/// The lines of `/help`, or of `/help COMMAND`.
pub(super) fn help(about: Option<&SlashCommand>) -> Vec<String> {
    match about {
        Some(command) => command.explain(),
        None => {
            let mut lines = COMMANDS.list();
            lines.push("the log covers what is being typed; Ctrl-R shows it again".to_owned());
            lines
        }
    }
}

fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// What reads as an address is one.
fn whom(text: &str) -> Result<Whom, BadLine> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(Whom::Address(Address::of(address))),
        // As `/bans` shows it.
        Err(_) => match text.strip_suffix("/64").and_then(|prefix| prefix.parse::<std::net::Ipv6Addr>().ok())
        {
            Some(prefix) => Ok(Whom::Address(Address::of(prefix.into()))),
            None => Ok(Whom::Nick(Nickname::parse(text.strip_prefix(NICK).unwrap_or(text))?)),
        },
    }
}

/// A time in front of a reason, if there is one.
fn time(words: &str) -> Result<(Option<Duration>, &str), BadLine> {
    let (word, rest) = first_word(words);
    match word.parse::<Span>() {
        Ok(span) if span == Span::default() => Err(BadLine::Time(word.to_owned(), BadSpan::Zero)),
        Ok(span) => Ok((Some(span.duration()), rest)),
        Err(BadSpan::Unreadable) => Ok((None, words)),
        Err(error) => Err(BadLine::Time(visible(word).to_string(), error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(line: &str) -> Order {
        match Typed::read(line) {
            Ok(Typed::Order { order, only: None }) => order,
            other => panic!("{line}: {other:?}"),
        }
    }

    fn nick(text: &str) -> Nickname {
        Nickname::parse(text).expect("a nickname")
    }

    fn address(text: &str) -> Whom {
        Whom::Address(Address::of(text.parse().expect("an address")))
    }

    #[test]
    fn a_ban_has_a_time_and_a_reason_or_neither() {
        let ban = |whom, secs: Option<u64>, reason: Option<&str>| Order::Ban {
            whom,
            lasts: secs.map(Duration::from_secs),
            reason: reason.map(str::to_owned),
        };
        let bob = || Whom::Nick(nick("bob"));
        assert_eq!(order("/ban bob"), ban(bob(), None, None));
        assert_eq!(order("  /BAN bob  10m "), ban(bob(), Some(600), None));
        assert_eq!(order("/ban bob 10m too  much"), ban(bob(), Some(600), Some("too  much")));
        assert_eq!(order("/ban bob too much"), ban(bob(), None, Some("too much")));
        assert_eq!(order("/ban 192.0.2.1 1h x"), ban(address("192.0.2.1"), Some(3600), Some("x")));
        assert_eq!(order("/ban 2001:db8::7"), ban(address("2001:db8::"), None, None));
        assert_eq!(order("/unban 2001:db8::/64"), Order::Unban(address("2001:db8::1")));
        assert_eq!(order("/ban nick:10.0.0.1"), ban(Whom::Nick(nick("10.0.0.1")), None, None));
        assert_eq!(order("/unban BOB"), Order::Unban(Whom::Nick(nick("BOB"))));
    }

    #[test]
    fn the_other_commands_are_read() {
        let reason = Some("a b".to_owned());
        assert_eq!(order("/kick bob a b"), Order::Kick { nick: nick("bob"), reason });
        assert_eq!(order("/say  hello,  all "), Order::Say("hello,  all".to_owned()));
        assert_eq!((order("/who"), order("/bans")), (Order::Who, Order::Bans));
        let only = Some("192.".to_owned());
        assert_eq!(Typed::read("/who 192."), Ok(Typed::Order { order: Order::Who, only }));
        assert_eq!(Typed::read("/stats"), Ok(Typed::Stats));
        assert_eq!(Typed::read("/stop"), Ok(Typed::Stop));
        assert_eq!(Typed::read(" "), Ok(Typed::Nothing));
        assert_eq!(Typed::read("/help"), Ok(Typed::Help(None)));
        assert!(matches!(Typed::read("/help /ban"), Ok(Typed::Help(Some(command))) if command.name == "ban"));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_right() {
        for (line, expected) in [
            ("hello", "commands begin with a slash: /say tells everybody, /help lists the others"),
            ("/stpo", "there is no command /stpo, did you mean /stop?; /help lists them"),
            ("/\u{1b}[2J", "there is no command /\\u{1b}[2J; /help lists them"),
            ("/stop now", "expected /stop"),
            ("/kick", "expected /kick NICK [REASON]"),
            ("/say", "expected /say TEXT"),
            ("/unban bob now", "expected /unban NICK|ADDR"),
            ("/help dance", "expected /help [COMMAND]"),
            ("/ban bob 10", "'10': a unit is missing: write 10s for seconds or 10ms for milliseconds"),
            ("/ban bob 0s", "'0s': must be longer than zero"),
            ("/ban bob 999999days", "'999999days': is too long, at most 365 days"),
            ("/kick b\u{f6}b", "nickname has 'ö'; letters a-z, digits and _ - . [ ] are allowed"),
        ] {
            assert_eq!(Typed::read(line).expect_err(line).to_string(), expected, "{line}");
        }
    }

    #[test]
    fn every_example_can_be_typed_and_every_command_is_listed() {
        for command in COMMANDS.iter() {
            assert!(Typed::read(command.example).is_ok(), "{}", command.example);
            assert!(help(None).iter().any(|line| line.starts_with(&command.usage())), "{}", command.name);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_a_command_or_an_error_that_a_terminal_can_show(line: String) {
            if let Err(error) = Typed::read(&line) {
                proptest::prop_assert!(backchat_core::text::is_printable(&error.to_string()), "{error}");
            }
        }
    }
}
