//! One command of an operator.

use std::time::Duration;

use backchat_core::chat::{AddressRangeError, Nickname, Whom};
use backchat_core::node::Order;
use backchat_core::text::visible;

use crate::cli::slash::{SlashCommand, SlashCommands};
use crate::cli::values::{BadSpan, Span};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::server) enum Typed {
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
    /// The configuration and the share, read again.
    Reload,
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
        "NICK|ADDR|RANGE [TIME] [REASON]",
        "keep a nickname, an address or a range such as 10.0.0.0/24 out, for a time such as 10m, or until /unban",
        "/ban bob 1h flooding",
    ),
    SlashCommand::new("unban", "NICK|ADDR|RANGE", "let somebody in again", "/unban bob"),
    SlashCommand::new("bans", "", "who is kept out, and until when", "/bans"),
    SlashCommand::new("say", "TEXT", "tell everybody who is connected", "/say back at noon"),
    SlashCommand::new("stats", "", "what was counted, and what there is", "/stats"),
    SlashCommand::new("reload", "", "read the configuration and the share again, as after SIGHUP", "/reload"),
    SlashCommand::new(
        "stop",
        "",
        "end as after SIGTERM: downloads may finish; a second /stop ends at once",
        "/stop",
    ),
    SlashCommand::new("help", "[COMMAND]", "this list, or one command with an example", "/help ban"),
]);

/// Before a nickname that reads as an address: `/ban nick:10.0.0.1`. No nickname has a colon.
pub(super) const NICK: &str = "nick:";

/// In place of a time: until it is lifted. For a reason that begins with a number, such as `3rd time`.
const ALWAYS: &str = "always";

/// Why a line is nothing that can be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli::server) enum BadLine {
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
    /// An address where a session is meant.
    #[error("'{}' is no nickname: /ban takes addresses, and ends the sessions that come from there", visible(.0))]
    KickAddress(String),
    /// What looks like an address and is none.
    #[error("'{}' is no address: {error}{}", visible(.text), or_nick(.text))]
    Address { text: String, error: AddressRangeError },
    /// A time that is none.
    #[error("'{}': {error}{}", visible(.text), or_always(.error))]
    Time { text: String, error: BadSpan },
    /// A time that would be a part of the reason.
    #[error("the time stands before the reason: /ban {} {time} …, or '{ALWAYS}' in its place", visible(.whom))]
    TimeBehind { whom: String, time: Span },
}

/// How to say that a nickname was meant, where that can be.
fn or_nick(text: &str) -> String {
    Nickname::parse(text).map(|nick| format!("; for a nickname write {NICK}{nick}")).unwrap_or_default()
}

/// How to say that a reason was meant.
fn or_always(error: &BadSpan) -> String {
    match error {
        BadSpan::Unreadable | BadSpan::TooLong => format!("; '{ALWAYS}' in its place is without an end"),
        BadSpan::NoUnit(_) | BadSpan::Zero => String::new(),
    }
}

impl Typed {
    /// Reads a line.
    pub(in crate::cli::server) fn read(line: &str) -> Result<Self, BadLine> {
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
            ("reload", "") => Ok(Self::Reload),
            ("stop", "") => Ok(Self::Stop),
            ("help", "") => Ok(Self::Help(None)),
            ("help", about) => COMMANDS.find(about).map(|it| Self::Help(Some(it))).ok_or_else(expected),
            ("say", words) => order(Order::Say(text(words).ok_or_else(expected)?)),
            ("kick", "") | ("ban", "") | ("unban", "") => Err(expected()),
            ("kick", words) => {
                let (who, reason) = first_word(words);
                let nick = match whom(who) {
                    Ok(Whom::Nick(nick)) => nick,
                    // Somebody may be called so.
                    _ if Nickname::parse(who).is_ok() => Nickname::parse(who)?,
                    Ok(Whom::Range(_)) | Err(BadLine::Address { .. }) => {
                        return Err(BadLine::KickAddress(who.to_owned()));
                    }
                    Err(error) => return Err(error),
                };
                order(Order::Kick { nick, reason: text(reason) })
            }
            ("ban", words) => {
                let (who, rest) = first_word(words);
                let whom = whom(who)?;
                let (lasts, reason) = time(who, rest)?;
                order(Order::Ban { whom, lasts, reason: text(reason) })
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
pub(in crate::cli::server) fn help(about: Option<&SlashCommand>) -> Vec<String> {
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

/// What looks like an address is one, or a slip: a ban of the nickname `10.0.0.256` keeps nobody out.
fn whom(text: &str) -> Result<Whom, BadLine> {
    if let Some(nick) = text.strip_prefix(NICK) {
        return Ok(Whom::Nick(Nickname::parse(nick)?));
    }
    if !looks_like_an_address(text) {
        return Ok(Whom::Nick(Nickname::parse(text)?));
    }
    let bad = |error| BadLine::Address { text: text.to_owned(), error };
    text.parse().map(Whom::Range).map_err(bad)
}

/// As people and other programs write them: `127.1`, `010.0.0.1`, `0x7f.0.0.1`, `10.0.0.l`, `10.0.0.*`, `10.0.0.1-9`,
/// `::1`, `10.0.0.0/8`. No nickname has a colon or a slash.
pub(super) fn looks_like_an_address(text: &str) -> bool {
    if text.contains([':', '/']) {
        return true;
    }
    let is_number = |label: &str| {
        let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
        match digits {
            Some(hex) => !hex.is_empty() && hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
            None => !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()),
        }
    };
    let labels: Vec<&str> = text.trim_matches(['.', '[', ']']).split('.').collect();
    labels.len() > 1
        && labels.first().is_some_and(|label| is_number(label))
        && (labels.len() >= 4 || labels.iter().all(|label| is_number(label)))
}

/// A time in front of a reason, if there is one: `1h 30m flooding`.
fn time<'a>(who: &str, words: &'a str) -> Result<(Option<Duration>, &'a str), BadLine> {
    let (word, rest) = first_word(words);
    if word.eq_ignore_ascii_case(ALWAYS) {
        return Ok((None, rest));
    }
    if !looks_like_a_time(word) {
        return match words.split_whitespace().next_back().map(|last| (last, last.parse::<Span>())) {
            Some((last, Ok(time))) if looks_like_a_time(last) && time != Span::default() => {
                Err(BadLine::TimeBehind { whom: who.to_owned(), time })
            }
            _ => Ok((None, words)),
        };
    }
    let bad = |text: &str, error| BadLine::Time { text: text.to_owned(), error };
    let span = |text: &str| match text.parse::<Span>() {
        Ok(span) if span == Span::default() => Err(bad(text, BadSpan::Zero)),
        Ok(span) => Ok(span),
        Err(error) => Err(bad(text, error)),
    };
    let (mut time, mut reason) = (span(word)?.duration(), rest);
    while let (word, rest) = first_word(reason)
        && looks_like_a_time(word)
        && let Ok(more) = word.parse::<Span>()
    {
        (time, reason) = (time.saturating_add(more.duration()), rest);
    }
    match Span::new(time) {
        Some(time) => Ok((Some(time.duration()), reason)),
        None => Err(bad(words, BadSpan::TooLong)),
    }
}

/// `10m`, and what can only be a slip of it: `-5m`, `10`, `1,5h`, `5mx`.
fn looks_like_a_time(word: &str) -> bool {
    word.trim_start_matches(['+', '-', '.', ',', '\u{2212}']).starts_with(|c: char| c.is_ascii_digit())
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
        Whom::Range(text.parse().expect("an address"))
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
        assert_eq!(order("/ban 10.0.0.9/24 1h"), ban(address("10.0.0.0/24"), Some(3600), None));
        assert_eq!(order("/ban bob 1h 30m too much"), ban(bob(), Some(5400), Some("too much")));
        assert_eq!(order("/ban bob 1h 2nd offence"), ban(bob(), Some(3600), Some("2nd offence")));
        assert_eq!(order("/ban bob always 3rd time"), ban(bob(), None, Some("3rd time")));
        assert_eq!(order("/ban bob always"), ban(bob(), None, None));
        assert_eq!(order("/ban 007 10m"), ban(Whom::Nick(nick("007")), Some(600), None));
        assert_eq!(order("/ban bob2.0"), ban(Whom::Nick(nick("bob2.0")), None, None));
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
            ("/unban bob now", "expected /unban NICK|ADDR|RANGE"),
            ("/help dance", "expected /help [COMMAND]"),
            ("/ban bob 10", "'10': a unit is missing: write 10s for seconds or 10ms for milliseconds"),
            ("/ban bob 0s", "'0s': must be longer than zero"),
            (
                "/ban bob 999999days",
                "'999999days': is too long, at most 365 days; 'always' in its place is without an end",
            ),
            ("/kick b\u{f6}b", "nickname has 'ö'; letters a-z, digits and _ - . [ ] are allowed"),
        ] {
            assert_eq!(Typed::read(line).expect_err(line).to_string(), expected, "{line}");
        }
    }

    #[test]
    fn a_slip_in_an_address_or_a_time_bans_nobody() {
        for address in
            ["10.0.0.256", "127.1", "010.0.0.1", "10.0.0", "1.2.3.4.5", "10.0.0.1.", "10.0.0.l", "0x7f.1"]
        {
            let nick = format!("write nick:{address}");
            let error = Typed::read(&format!("/ban {address} 10m")).expect_err(address).to_string();
            assert!(
                error.starts_with(&format!("'{address}' is no address: ")) && error.ends_with(&nick),
                "{error}"
            );
            assert!(Typed::read(&format!("/unban {address}")).is_err(), "{address}");
        }
        for address in
            ["10.0.0.1:80", "10.0.0.0/33", "0.0.0.0/0", "10.0.0.*", "fe80::1%eth0", "http://10.0.0.1"]
        {
            let error = Typed::read(&format!("/ban {address}")).expect_err(address).to_string();
            assert!(error.starts_with(&format!("'{address}' is no address: expected ")), "{error}");
        }
        for time in ["-5m", "+5m", "1,5h", "5mx", "\u{2212}5m", "3rd"] {
            assert!(Typed::read(&format!("/ban ann {time}")).is_err(), "{time}");
        }
        for (line, expected) in [
            (
                "/ban ann -5m",
                "'-5m': expected a time such as 15ms, 10s, 2m or 1h; 'always' in its place is without an end",
            ),
            (
                "/ban ann flooding 10m",
                "the time stands before the reason: /ban ann 10m …, or 'always' in its place",
            ),
            (
                "/ban ann 300d 300d",
                "'300d 300d': is too long, at most 365 days; 'always' in its place is without an end",
            ),
            (
                "/kick 10.0.0.0/8",
                "'10.0.0.0/8' is no nickname: /ban takes addresses, and ends the sessions that come from there",
            ),
        ] {
            assert_eq!(Typed::read(line).expect_err(line).to_string(), expected, "{line}");
        }
        assert!(matches!(order("/kick 10.0.0.1"), Order::Kick { nick, .. } if nick.as_str() == "10.0.0.1"));
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
