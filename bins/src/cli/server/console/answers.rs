//! What the console shows, as lines that hold nothing a terminal would act on.

use std::collections::BTreeMap;
use std::fmt::Display;

use backchat_core::chat::OperatorError;
use backchat_core::chat::table::State;
use backchat_core::node::{Answer, Order, Present};
use backchat_core::text::visible;
use indicatif::HumanCount;

use crate::cli::render::units::{count, day_and_time, size, time};
use crate::driver::Measures;

/// Most lines of a list: more would push everything else off any screen.
const LIST_MAX: usize = 200;

/// What is said when an order was carried out.
pub(super) fn done(order: &Order) -> String {
    match order {
        Order::Who | Order::Bans => String::new(),
        Order::Kick { nick, .. } => format!("{nick} was kicked"),
        Order::Ban { whom, lasts, .. } => match lasts {
            Some(lasts) => format!("{whom} is banned for {}", humantime::format_duration(*lasts)),
            None => format!("{whom} is banned for as long as the server runs"),
        },
        Order::Unban(whom) => format!("{whom} may come in again"),
        Order::Say(_) => "everybody was told".to_owned(),
    }
}

/// An answer. `done` is said for what has no answer but that it was done; of a list, `only` what holds this.
pub(super) fn lines(answer: &Result<Answer, OperatorError>, done: &str, only: Option<&str>) -> Vec<String> {
    match answer {
        Err(error) => vec![format!("!! {}", visible(&error.to_string()))],
        Ok(Answer::Done { ended: 0 }) => vec![visible(done).to_string()],
        Ok(Answer::Done { ended }) => {
            vec![format!("{}; {} ended", visible(done), count(*ended as u64, "session"))]
        }
        Ok(Answer::Present(present)) => who(present, only.unwrap_or_default()),
        Ok(Answer::Bans(bans)) => {
            let mut lines: Vec<String> = Vec::new();
            for (ban, until) in bans {
                let until = until.map_or_else(
                    || "for as long as the server runs".to_owned(),
                    |until| format!("until {}", day_and_time(until)),
                );
                let reason =
                    ban.reason.as_ref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
                lines.push(format!("{}  {until}{reason}", ban.whom));
            }
            cut(&mut lines);
            lines.push(count(bans.len() as u64, "ban"));
            lines
        }
    }
}

fn who(present: &[Present], part: &str) -> Vec<String> {
    let row = |it: &Present| {
        let nick = it.person.nick.as_ref().map_or("-", |nick| nick.as_str()).to_owned();
        [nick, it.person.peer.to_canonical().to_string(), state(it.person.state).to_owned()]
    };
    let shown: Vec<(&Present, [String; 3])> = present
        .iter()
        .map(|it| (it, row(it)))
        .filter(|(_, [nick, peer, _])| nick.contains(part) || peer.contains(part))
        .collect();
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
    cut(&mut lines);
    let of = |state| present.iter().filter(|it| it.person.state == state).count();
    lines.push(format!(
        "{} joined, {} parked, {} visiting",
        of(State::Joined),
        of(State::Parked),
        of(State::Visiting)
    ));
    lines
}

const fn state(state: State) -> &'static str {
    match state {
        State::Visiting => "visiting",
        State::Joined => "joined",
        State::Parked => "parked",
    }
}

fn cut(lines: &mut Vec<String>) {
    if lines.len() > LIST_MAX {
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
    use std::time::Duration;

    use backchat_core::chat::{Ban, Nickname, Person, SessionId, Whom};
    use backchat_core::node::Stats;
    use backchat_core::time::{Instant, UnixTime};

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
            who(&list, ""),
            [
                "ann          192.0.2.1     joined    for 1m 15s, 2 downloads",
                "bartholomew  2001:db8::1   parked    for 1m 15s",
                "-            198.51.100.7  visiting  for 1m 15s, 1 download",
                "1 joined, 1 parked, 1 visiting",
            ]
        );
        assert_eq!(who(&list, "192.0.2")[0], "ann  192.0.2.1  joined  for 1m 15s, 2 downloads");
        assert_eq!(who(&list, "nobody").len(), 1);
    }

    #[test]
    fn a_list_of_thousands_ends_with_how_many_more() {
        let list = vec![present(None, "192.0.2.1", State::Visiting, 0); 5_000];
        let lines = who(&list, "");
        assert_eq!(lines.len(), LIST_MAX + 2);
        assert_eq!(lines[LIST_MAX], "… and 4,800 more");
    }

    #[test]
    fn bans_say_until_when_and_hide_nothing() {
        let bob = Whom::Nick(Nickname::parse("bob").expect("a nickname"));
        let ban =
            |reason: Option<&str>| Ban { whom: bob.clone(), until: None, reason: reason.map(str::to_owned) };
        let until = Some(UnixTime::from_millis(1_795_348_800_000));
        let answer = Ok(Answer::Bans(vec![(ban(Some("a\u{202e}b")), until), (ban(None), None)]));
        assert_eq!(
            lines(&answer, "", None),
            ["bob  until 2026-11-22 12:00:00Z: a\\u{202e}b", "bob  for as long as the server runs", "2 bans"]
        );
    }

    #[test]
    fn what_was_done_is_said_with_what_it_ended() {
        let whom = Whom::Nick(Nickname::parse("bob").expect("a nickname"));
        let order = Order::Ban { whom, lasts: Some(Duration::from_secs(600)), reason: None };
        let said = |ended| lines(&Ok(Answer::Done { ended }), &done(&order), None);
        assert_eq!(said(0), ["bob is banned for 10m"]);
        assert_eq!(said(1), ["bob is banned for 10m; 1 session ended"]);
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
