//! What comes of a command, as JSON: one object, whose `type` says which.

use std::collections::BTreeMap;
use std::fmt::Display;

use backchat_core::chat::table::State;
use backchat_core::chat::{OperatorError, Whom};
use backchat_core::node::{Answer, Order, Present};
use backchat_core::time::UnixTime;
use serde_json::{Map, Value, json};

use super::Kept;
use super::answers::{is_shown, state};
use crate::cli::exit::Exit;
use crate::cli::values::Span;
use crate::driver::Measures;

/// `{"type":"error","code","message","exit_code"}`.
pub(super) fn error(code: &str, message: &str, exit: Exit) -> Value {
    json!({ "type": "error", "code": code, "message": message, "exit_code": exit.code() })
}

/// How `ctl` ends when the core refuses, and the word for it.
pub(super) fn of_error(error: &OperatorError) -> (Exit, &'static str) {
    match error {
        OperatorError::Nobody(_) => (Exit::NotFound, "no-such-nick"),
        OperatorError::NotBanned(_) | OperatorError::BannedWithin(..) => (Exit::NotFound, "not-banned"),
        OperatorError::TooManyBans => (Exit::Refused, "too-many-bans"),
        OperatorError::Text(_) => (Exit::Refused, "bad-text"),
    }
}

/// For an empty line.
pub(super) fn nothing() -> Value {
    json!({ "type": "nothing" })
}

/// `{"type":"help","lines"}`.
pub(super) fn help(lines: &[String]) -> Value {
    json!({ "type": "help", "lines": lines })
}

/// `{"type":"stopping","grace_seconds"}`.
pub(super) fn stopping(grace: Span) -> Value {
    json!({ "type": "stopping", "grace_seconds": grace.duration().as_secs_f64() })
}

/// `{"type":"reloaded","needs_restart"}`.
pub(super) fn reloaded(needs_restart: &[&str]) -> Value {
    json!({ "type": "reloaded", "needs_restart": needs_restart })
}

/// What the core answers.
pub(super) fn answer(order: &Order, answer: &Answer, only: Option<&str>) -> Value {
    match (order, answer) {
        (_, Answer::Present(present)) => who(present, only.unwrap_or_default()),
        (_, Answer::Bans(bans)) => {
            let bans =
                bans.iter().map(|(it, until)| Value::Object(ban(&it.whom, *until, it.reason.as_deref())));
            json!({ "type": "bans", "bans": bans.collect::<Vec<_>>() })
        }
        (Order::Ban { whom, reason, .. }, Answer::Banned { ended, until }) => {
            let mut object = ban(whom, *until, reason.as_deref());
            object.insert("type".into(), "banned".into());
            object.insert("ended".into(), (*ended).into());
            Value::Object(object)
        }
        (Order::Unban(whom), _) => {
            let mut object = ban(whom, None, None);
            object.insert("type".into(), "unbanned".into());
            Value::Object(object)
        }
        (Order::Kick { nick, .. }, Answer::Done { ended }) => {
            json!({ "type": "kicked", "nick": nick.as_str(), "ended": ended })
        }
        (Order::Say(_), _) => json!({ "type": "said" }),
        (Order::Who | Order::Bans | Order::Kick { .. } | Order::Ban { .. }, _) => nothing(),
    }
}

/// `{"nick" or "network","until","reason"}`, the last two where there are any.
pub(super) fn ban(whom: &Whom, until: Option<UnixTime>, reason: Option<&str>) -> Map<String, Value> {
    let mut object = Map::new();
    match whom {
        Whom::Nick(nick) => object.insert("nick".into(), nick.as_str().into()),
        Whom::Range(network) => object.insert("network".into(), network.to_string().into()),
    };
    object.extend(until.map(|until| ("until".to_owned(), until.to_string().into())));
    object.extend(reason.map(|reason| ("reason".to_owned(), reason.into())));
    object
}

/// Whether a ban survives a restart: `"kept":true`, or false, and why not where it should have been.
pub(super) fn set_kept(object: &mut Value, kept: &Kept) {
    let Some(object) = object.as_object_mut() else { return };
    object.insert("kept".into(), (*kept == Kept::OnDisk).into());
    if let Kept::Not(error) = kept {
        object.insert("not_kept".into(), error.as_str().into());
    }
}

fn who(present: &[Present], part: &str) -> Value {
    let person = |it: &Present| {
        let mut object = json!({
            "address": it.person.peer.to_canonical().to_string(),
            "state": state(it.person.state),
            "seconds": it.lasts.as_secs(),
            "downloads": it.downloads,
        });
        if let (Some(object), Some(nick)) = (object.as_object_mut(), &it.person.nick) {
            object.insert("nick".into(), nick.as_str().into());
        }
        object
    };
    let people: Vec<Value> = present.iter().filter(|it| is_shown(it, part)).map(person).collect();
    let of = |state| present.iter().filter(|it| it.person.state == state).count();
    json!({
        "type": "who",
        "people": people,
        "joined": of(State::Joined),
        "parked": of(State::Parked),
        "visiting": of(State::Visiting),
    })
}

/// What was counted, by the names of the metrics without what they have in common.
pub(super) fn stats(measures: &Measures) -> Value {
    let Measures { stats, datagrams_lost } = measures;
    let (chat, transfer) = (&stats.chat, &stats.transfer);
    json!({
        "type": "stats",
        "connections": stats.connections,
        "sessions": { "visiting": stats.visiting, "joined": stats.joined, "parked": stats.parked },
        "connections_opened": chat.opened,
        "connections_closed": by(&chat.closed),
        "sessions_joined": chat.joined,
        "sessions_parked": chat.parked,
        "sessions_resumed": chat.resumed,
        "messages": chat.accepted,
        "messages_repeated": chat.repeated,
        "lines_dropped": by(&chat.dropped),
        "refused": by(&chat.refused),
        "bans": stats.bans,
        "tickets": transfer.tickets,
        "downloads": stats.downloads,
        "downloads_ended": by(&transfer.downloads_ended),
        "download_bytes": transfer.bytes,
        "segments": transfer.segments,
        "segments_resent": transfer.segments_resent,
        "retransmission_timeouts": transfer.timeouts,
        "datagrams_received": transfer.datagrams_received,
        "datagrams_dropped": by(&transfer.datagrams_dropped),
        "datagrams_unsent": datagrams_lost,
    })
}

/// Counts by what they count, in the style of the metrics' labels.
fn by<K: Display>(counts: &BTreeMap<K, u64>) -> Value {
    let label = |key: &K| crate::cli::server::metrics::label(&key.to_string());
    counts.iter().map(|(key, count)| (label(key), Value::from(*count))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use backchat_core::chat::{CloseReason, Nickname, Person, SessionId};
    use backchat_core::node::Stats;
    use backchat_core::time::Instant;

    use super::*;

    #[test]
    fn who_is_here_and_what_was_done_are_objects() {
        let nick = Nickname::parse("ann").expect("a nickname");
        let person = Person {
            session: SessionId(1),
            nick: Some(nick.clone()),
            peer: "::ffff:192.0.2.1".parse().expect("an address"),
            state: State::Joined,
            since: Instant::ZERO,
        };
        let present = vec![Present { person, lasts: Duration::from_secs(75), downloads: 2 }];
        assert_eq!(
            answer(&Order::Who, &Answer::Present(present.clone()), None).to_string(),
            "{\"joined\":1,\"parked\":0,\"people\":[{\"address\":\"192.0.2.1\",\"downloads\":2,\"nick\":\"ann\",\
             \"seconds\":75,\"state\":\"joined\"}],\"type\":\"who\",\"visiting\":0}"
        );
        assert_eq!(answer(&Order::Who, &Answer::Present(present), Some("bob"))["people"], json!([]));
        let whom = Whom::Range("10.0.0.0/24".parse().expect("a range"));
        let order = Order::Ban { whom, lasts: None, reason: Some("x".into()) };
        let until = Some(UnixTime::from_millis(1_795_348_800_000));
        assert_eq!(
            answer(&order, &Answer::Banned { ended: 1, until }, None),
            json!({
                "type": "banned", "network": "10.0.0.0/24", "until": "2026-11-22T12:00:00.000Z",
                "reason": "x", "ended": 1,
            })
        );
        assert_eq!(
            answer(&Order::Kick { nick, reason: None }, &Answer::Done { ended: 1 }, None),
            json!({ "type": "kicked", "nick": "ann", "ended": 1 })
        );
    }

    #[test]
    fn counters_have_labels_of_one_style() {
        let mut stats = Stats::default();
        stats.chat.closed.insert(CloseReason::Lost, 4);
        stats.transfer.datagrams_dropped.insert("too_short", 5);
        let object = super::stats(&Measures { stats, datagrams_lost: 7 });
        assert_eq!(object["connections_closed"], json!({ "connection-lost": 4 }));
        assert_eq!(object["datagrams_dropped"], json!({ "too-short": 5 }));
        assert_eq!(object["datagrams_unsent"], 7);
    }
}
