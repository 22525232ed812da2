//! What comes of a command, as lines that hold nothing a terminal would act on.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use backchat_core::chat::table::State;
use backchat_core::chat::{Nickname, Whom};
use backchat_core::node::{Answer, Order, Present};
use backchat_core::text::visible;
use backchat_core::time::UnixTime;
use indicatif::HumanCount;

use super::Kept;
use super::line::{NICK, looks_like_an_address};
use crate::cli::render::units::{count, day_and_time, size, time};
use crate::driver::Measures;

/// Most lines of a list on a screen: more would push everything else off it.
const LIST_MAX: usize = 200;

/// How much of a list is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// [`LIST_MAX`] lines.
    Screen,
    /// All of it.
    All,
}

/// What came of an order. Of a list, `only` what holds this.
pub(super) fn lines(order: &Order, answer: &Answer, only: Option<&str>, limit: Limit) -> Vec<String> {
    match (order, answer) {
        (_, Answer::Present(present)) => who(present, only.unwrap_or_default(), limit),
        (_, Answer::Bans(bans)) => {
            let line = |(ban, until): &(backchat_core::chat::Ban, Option<UnixTime>)| {
                let until =
                    until.map_or("until it is lifted".to_owned(), |at| format!("until {}", day_and_time(at)));
                format!("{}  {until}{}", as_typed(&ban.whom), because(ban.reason.as_deref()))
            };
            let mut lines: Vec<String> = bans.iter().map(line).collect();
            cut(&mut lines, limit);
            lines.push(count(bans.len() as u64, "ban"));
            lines
        }
        (Order::Ban { whom, lasts, reason }, Answer::Banned { ended, until }) => {
            let (until, because) = (until_when(*lasts, *until), because(reason.as_deref()));
            let are = if is_many(whom) { "are" } else { "is" };
            vec![format!("{} {are} banned {until}{because}{}", in_words(whom), ended_too(*ended))]
        }
        (Order::Kick { nick, .. }, Answer::Done { ended }) => {
            vec![format!("{nick} was kicked, and may come back{}", ended_too(*ended))]
        }
        (Order::Unban(whom), _) => vec![format!("{} may come in again", in_words(whom))],
        (Order::Say(_), _) => vec!["everybody was told".to_owned()],
        (Order::Who | Order::Bans | Order::Kick { .. } | Order::Ban { .. }, _) => Vec::new(),
    }
}

/// What there is to say of a ban that does not survive a restart.
pub(super) fn kept(order: &Order, kept: &Kept) -> Option<String> {
    match (order, kept) {
        (_, Kept::OnDisk) | (Order::Unban(_), Kept::InMemory) => None,
        (Order::Ban { lasts: None, .. }, Kept::InMemory) => Some(
            "it ends with the server, which has nowhere to keep it: --state-dir DIR names a folder"
                .to_owned(),
        ),
        (_, Kept::InMemory) => None,
        (_, Kept::Not(error)) => {
            Some(format!("that holds now, but could not be written for the next start: {}", visible(error)))
        }
    }
}

/// `; 1 session ended`; nothing where none has.
fn ended_too(ended: usize) -> String {
    match ended {
        0 => String::new(),
        _ => format!("; {} ended", count(ended as u64, "session")),
    }
}

/// `: flooding`.
fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {}", visible(reason))).unwrap_or_default()
}

fn until_when(lasts: Option<Duration>, until: Option<UnixTime>) -> String {
    match (lasts, until) {
        (Some(lasts), Some(until)) => {
            format!("for {}, until {}", humantime::format_duration(lasts), day_and_time(until))
        }
        _ => "until it is lifted".to_owned(),
    }
}

/// Said with what it is, so that a slip is seen: the nickname 007, the addresses 10.0.0.0/24.
fn in_words(whom: &Whom) -> String {
    match whom {
        Whom::Nick(nick) => format!("the nickname {nick}"),
        Whom::Range(network) if is_many(whom) => format!("the addresses {network}"),
        Whom::Range(network) => format!("the address {network}"),
    }
}

fn is_many(whom: &Whom) -> bool {
    matches!(whom, Whom::Range(network) if network.to_string().contains('/'))
}

/// As it is typed to lift it.
fn as_typed(whom: &Whom) -> String {
    match whom {
        Whom::Nick(nick) if looks_like_an_address(Nickname::as_str(nick)) => format!("{NICK}{nick}"),
        Whom::Nick(_) | Whom::Range(_) => whom.to_string(),
    }
}

/// Whether somebody's nickname or address holds this.
pub(super) fn is_shown(it: &Present, part: &str) -> bool {
    it.person.nick.as_ref().is_some_and(|nick| nick.as_str().contains(part))
        || it.person.peer.to_canonical().to_string().contains(part)
}

fn who(present: &[Present], part: &str, limit: Limit) -> Vec<String> {
    let row = |it: &Present| {
        let nick = it.person.nick.as_ref().map_or("-", |nick| nick.as_str()).to_owned();
        [nick, it.person.peer.to_canonical().to_string(), state(it.person.state).to_owned()]
    };
    let shown: Vec<(&Present, [String; 3])> =
        present.iter().filter(|it| is_shown(it, part)).map(|it| (it, row(it))).collect();
    let width = |column: usize| shown.iter().filter_map(|(_, row)| row.get(column)).map(String::len).max();
    let [nicks, peers, states] = [0, 1, 2].map(|column| width(column).unwrap_or_default());
    let line = |(it, [nick, peer, state]): &(&Present, [String; 3])| {
        let lasts = time(it.lasts);
        let downloads = match it.downloads {
            0 => String::new(),
            running => format!(", {}", count(running as u64, "download")),
        };
        format!("{nick:nicks$}  {peer:peers$}  {state:states$}  for {lasts}{downloads}")
    };
    let mut lines: Vec<String> = shown.iter().map(line).collect();
    cut(&mut lines, limit);
    let of = |state| present.iter().filter(|it| it.person.state == state).count();
    lines.push(format!(
        "{} joined, {} parked, {} visiting",
        of(State::Joined),
        of(State::Parked),
        of(State::Visiting)
    ));
    lines
}

pub(super) const fn state(state: State) -> &'static str {
    match state {
        State::Visiting => "visiting",
        State::Joined => "joined",
        State::Parked => "parked",
    }
}

fn cut(lines: &mut Vec<String>, limit: Limit) {
    if limit == Limit::Screen && lines.len() > LIST_MAX {
        let more = lines.len() - LIST_MAX;
        lines.truncate(LIST_MAX);
        lines.push(format!("… and {} more", HumanCount(more as u64)));
    }
}

/// What was counted.
pub(super) fn stats(measures: &Measures) -> Vec<String> {
    let Measures { stats, datagrams_lost } = measures;
    let (chat, transfer) = (&stats.chat, &stats.transfer);
    vec![
        format!(
            "sessions   {} joined, {} parked, {} visiting; {} since the start, {} resumed",
            stats.joined,
            stats.parked,
            stats.visiting,
            HumanCount(chat.opened),
            HumanCount(chat.resumed)
        ),
        format!("messages   {}", HumanCount(chat.accepted)),
        format!(
            "downloads  {} running, {} over{}; {} sent",
            stats.downloads,
            HumanCount(transfer.downloads_ended.values().sum()),
            by(&transfer.downloads_ended),
            size(transfer.bytes)
        ),
        format!(
            "segments   {}, {} of them again; {}",
            HumanCount(transfer.segments),
            HumanCount(transfer.segments_resent),
            count(transfer.timeouts, "timeout")
        ),
        format!(
            "datagrams  {} received, {} dropped{}, {} not sent for want of room",
            HumanCount(transfer.datagrams_received),
            HumanCount(transfer.datagrams_dropped.values().sum()),
            by(&transfer.datagrams_dropped),
            HumanCount(*datagrams_lost)
        ),
        format!("refused    {}{}", HumanCount(chat.refused.values().sum()), by(&chat.refused)),
        format!("bans       {}", stats.bans),
    ]
}

/// ` (3 checksum, 12 too_short)`; nothing where nothing was counted.
fn by<K: Display>(counts: &BTreeMap<K, u64>) -> String {
    let parts: Vec<String> =
        counts.iter().map(|(key, number)| format!("{} {key}", HumanCount(*number))).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::{Ban, Person, SessionId};
    use backchat_core::node::Stats;
    use backchat_core::time::Instant;

    use super::*;

    fn present(nick: Option<&str>, peer: &str, state: State, downloads: usize) -> Present {
        let person = Person {
            session: SessionId(1),
            nick: nick.map(|nick| Nickname::parse(nick).expect("a nickname")),
            peer: peer.parse().expect("an address"),
            state,
            since: Instant::ZERO,
        };
        Present { person, lasts: Duration::from_secs(75), downloads }
    }

    #[test]
    fn who_is_here_stands_in_columns() {
        let list = [
            present(Some("ann"), "::ffff:192.0.2.1", State::Joined, 2),
            present(Some("bartholomew"), "2001:db8::1", State::Parked, 0),
            present(None, "198.51.100.7", State::Visiting, 1),
        ];
        assert_eq!(
            who(&list, "", Limit::Screen),
            [
                "ann          192.0.2.1     joined    for 1m 15s, 2 downloads",
                "bartholomew  2001:db8::1   parked    for 1m 15s",
                "-            198.51.100.7  visiting  for 1m 15s, 1 download",
                "1 joined, 1 parked, 1 visiting",
            ]
        );
        assert_eq!(
            who(&list, "192.0.2", Limit::Screen)[0],
            "ann  192.0.2.1  joined  for 1m 15s, 2 downloads"
        );
        assert_eq!(who(&list, "nobody", Limit::Screen).len(), 1);
    }

    #[test]
    fn a_list_of_thousands_ends_with_how_many_more() {
        let list = vec![present(None, "192.0.2.1", State::Visiting, 0); 5_000];
        let lines = who(&list, "", Limit::Screen);
        assert_eq!(lines.len(), LIST_MAX + 2);
        assert_eq!(lines[LIST_MAX], "… and 4,800 more");
        assert_eq!(who(&list, "", Limit::All).len(), 5_001);
    }

    fn nick(text: &str) -> Whom {
        Whom::Nick(Nickname::parse(text).expect("a nickname"))
    }

    #[test]
    fn bans_say_until_when_and_hide_nothing() {
        let ban =
            |whom: Whom, reason: Option<&str>| Ban { whom, until: None, reason: reason.map(str::to_owned) };
        let until = Some(UnixTime::from_millis(1_795_348_800_000));
        let answer = Answer::Bans(vec![
            (ban(nick("bob"), Some("a\u{202e}b")), until),
            (ban(nick("10.0.0.256"), None), None),
        ]);
        assert_eq!(
            lines(&Order::Bans, &answer, None, Limit::All),
            ["bob  until 2026-11-22 12:00:00Z: a\\u{202e}b", "nick:10.0.0.256  until it is lifted", "2 bans"]
        );
    }

    #[test]
    fn what_was_done_is_said_with_whom_until_when_and_what_it_ended() {
        let until = Some(UnixTime::from_millis(1_795_348_800_000));
        let said = |whom: Whom, lasts: Option<u64>, reason: Option<&str>, ended| {
            let lasts = lasts.map(Duration::from_secs);
            let order = Order::Ban { whom, lasts, reason: reason.map(str::to_owned) };
            let until = lasts.and(until);
            lines(&order, &Answer::Banned { ended, until }, None, Limit::All).concat()
        };
        let network = |text: &str| Whom::Range(text.parse().expect("a range"));
        assert_eq!(
            said(nick("bob"), Some(600), Some("flooding"), 1),
            "the nickname bob is banned for 10m, until 2026-11-22 12:00:00Z: flooding; 1 session ended"
        );
        assert_eq!(said(nick("007"), None, None, 0), "the nickname 007 is banned until it is lifted");
        assert_eq!(
            said(network("10.0.0.7"), None, None, 0),
            "the address 10.0.0.7 is banned until it is lifted"
        );
        assert_eq!(
            said(network("10.0.0.7/24"), None, None, 2),
            "the addresses 10.0.0.0/24 are banned until it is lifted; 2 sessions ended"
        );
    }

    #[test]
    fn counters_are_told_by_what_they_count() {
        let mut stats = Stats { joined: 2, downloads: 1, ..Stats::default() };
        stats.transfer.bytes = 1 << 20;
        stats.transfer.segments = 1_234;
        stats.transfer.datagrams_dropped.insert("checksum", 3);
        let lines = super::stats(&Measures { stats, datagrams_lost: 7 });
        assert!(lines[2].ends_with("1 running, 0 over; 1.00 MiB sent"), "{lines:?}");
        assert!(lines[3].contains("1,234, 0 of them again; 0 timeouts"), "{lines:?}");
        assert!(lines[4].contains("3 dropped (3 checksum), 7 not sent"), "{lines:?}");
    }
}
