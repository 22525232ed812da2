//! Delivery: a finished download is the file, byte for byte; within one life of the server a message that was accepted
//! appears exactly once, in the same order, at everyone who was there for it; across its restart never doubled.
//!
//! Order and completeness are one rule: whoever was there when a message was taken is owed it, and what is shown has to
//! be what is owed next. A gap that a client was told of is none of our business. What is owed at the end must have
//! come, if things had been calm for long enough.
//!
//! Every message comes by here once for each client, so what belongs to it is found without a search.
//!
//! - `shown`: what was taken, and what everybody was shown of it. `sessions`: who is owed what.

mod sessions;
mod shown;

use core::time::Duration;
use std::collections::BTreeMap;

use backchat_core::chat::{Nickname, RequestId};
use backchat_core::time::Instant;
use backchat_core::wire::Hash;

use self::sessions::{SessionIndex, Sessions};
use self::shown::{Messages, Said};
use super::{Checker, Found, Wrong};
use crate::trace::{AppEvent, ChatEvent, Direction, Event, Name, Node, NodeMap, Record, RunEvent};

/// How much longer than twice the path's delay a message may take on a calm path: servers and clients are woken by
/// the millisecond.
const MARGIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub struct Delivery {
    files: BTreeMap<Name, (u64, Hash)>,
    /// The server's lives so far.
    life: u64,
    sessions: Sessions,
    /// Whose a nickname is, or was last: a welcome that was under way when the server was killed arrives in its next life.
    nicks: BTreeMap<Name, SessionIndex>,
    clients: NodeMap<Client>,
    parts: NodeMap<Part>,
    /// Messages of this life.
    messages: Messages,
    /// What was taken under which id: client, life of the client, id.
    taken: BTreeMap<(Node, u64, RequestId), (u64, u64)>,
    delays: NodeMap<Duration>,
    calm: Option<Instant>,
}

#[derive(Debug, Default)]
struct Client {
    life: u64,
    /// The session that it was welcomed to.
    session: Option<SessionIndex>,
    /// The number of the last message that it was shown, in this life of the server.
    last: u64,
    /// It was told that messages are missing.
    has_gap: bool,
    /// How many messages from before it may still be shown; `None`: as many as the server likes.
    backlog_left: Option<u64>,
}

/// The part that a client takes in the chat, where the scenario says so.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    /// It does not come back to its session: what it was owed is lost with its connection.
    forgets: bool,
    /// How many messages from before it asks for.
    history: Option<u64>,
}

impl Delivery {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&mut self, node: Node) -> &mut Client {
        self.clients.get_or(node, Client::default)
    }

    fn joined(&mut self, session: u64, nick: &Nickname) {
        // A client is called as its node.
        let client = Node::new(nick.as_str());
        let owner = (client, self.client(client).life);
        let index = self.sessions.join((self.life, session), owner);
        self.nicks.insert(nick.clone().into(), index);
    }

    fn said(
        &mut self,
        record: &Record,
        session: u64,
        number: u64,
        to: Option<u64>,
        id: Option<&RequestId>,
        wrong: &mut Vec<Wrong>,
    ) {
        if self.messages.take(number).is_err() {
            wrong.push(("number_given_twice", format!("number {number} was given to two messages")));
        }
        let index = self.sessions.index((self.life, session));
        let owner = index.and_then(|index| self.sessions.get(index)).map(|session| session.owner);
        if let (Some((client, life)), Some(id)) = (owner, id) {
            let key = (client, life, id.clone());
            if let Some((before, in_life)) = self.taken.insert(key, (number, self.life)) {
                let from = if in_life == self.life { "the same" } else { "an earlier" };
                let said = format!(
                    "{client}'s message {id} was taken as number {number}, and before as number {before} in {from} \
                     life of the server",
                );
                wrong.push(("taken_twice", said));
            }
        }
        for it in self.sessions.of_life(self.life).filter(|it| it.is_here) {
            if to.is_none_or(|to| [to, session].contains(&it.key.1)) {
                it.owed.push_back((number, record.at));
            }
        }
    }

    fn shown(&mut self, name: Node, number: u64, said: Said<'_>, backlog: bool, wrong: &mut Vec<Wrong>) {
        let client = self.clients.get_or(name, Client::default);
        if number <= client.last {
            let said = format!("{name} was shown message {number} after {}", client.last);
            wrong.push(("shown_out_of_order", said));
        }
        client.last = client.last.max(number);
        let has_gap = core::mem::take(&mut client.has_gap);
        if backlog && let Some(left) = &mut client.backlog_left {
            match left.checked_sub(1) {
                Some(less) => *left = less,
                None => {
                    let said =
                        format!("{name} was shown message {number} from before, beyond what it asked for");
                    wrong.push(("more_than_asked_for", said));
                }
            }
        }
        let Some(session) = client.session.and_then(|index| self.sessions.get_mut(index)) else {
            let said = format!("{name} was shown message {number} before it had joined");
            return wrong.push(("shown_before_joined", said));
        };
        // A message that is still on its way when the server is restarted is of a life that is gone.
        if session.key.0 == self.life {
            wrong.extend(self.messages.show(name, number, said).err());
        }
        let missed: Vec<u64> =
            session.owed.iter().map(|(owed, _)| *owed).take_while(|owed| *owed < number).collect();
        session.owed.drain(..missed.len());
        if !missed.is_empty() && !has_gap {
            let said = format!("{name} was shown message {number} and not {missed:?}, which came before");
            wrong.push(("missed", said));
        }
        if session.owed.front().is_some_and(|(owed, _)| *owed == number) {
            session.owed.pop_front();
        } else if !backlog && missed.is_empty() {
            let said = format!("{name} was shown message {number}, which it was not there for");
            wrong.push(("not_there_for", said));
        }
    }

    fn finished(
        &self,
        name: Node,
        file: &Name,
        size: u64,
        blake3: Hash,
        differs_at: Option<u64>,
    ) -> Option<Wrong> {
        let Some((expected, hash)) = self.files.get(file) else {
            return Some(("not_shared", format!("{name} finished {file}, which the server does not share")));
        };
        (size != *expected || blake3 != *hash || differs_at.is_some()).then(|| {
            let place = differs_at.map_or_else(String::new, |at| format!(", the first other byte is {at}"));
            let said = format!(
                "{name} finished {file} with {size} bytes that are not the server's {expected}{place}"
            );
            ("other_bytes", said)
        })
    }

    /// At the end, whoever is still here must have been shown what it is owed.
    fn check_owed(&self, now: Instant, found: &mut Found<'_, Self>) {
        if self.calm.is_none_or(|calm| calm > now) {
            return;
        }
        for (client, it) in self.clients.iter() {
            let Some(session) = it.session.and_then(|index| self.sessions.get(index)) else { continue };
            let is_current = session.key.0 == self.life;
            let delay = self.delays.get(client).copied().unwrap_or_default();
            let patience = delay * 2 + MARGIN;
            let Some((number, at)) = session.owed.front().filter(|_| session.is_here && is_current) else {
                continue;
            };
            let since = (*at).max(self.calm.unwrap_or_default());
            if since + patience < now {
                let waited = now - *at;
                let said = format!(
                    "{client} was not shown message {number}, which was taken {waited:?} ago at {at}"
                );
                found.add(now, &client, ("owed", said));
            }
        }
    }
}

impl Checker for Delivery {
    const NAME: &'static str = "delivery";

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        let mut wrong: Vec<Wrong> = Vec::new();
        match event {
            Event::Run(RunEvent::FileShared { name, size, blake3 }) => {
                self.files.insert(name.clone(), (*size, *blake3));
            }
            Event::Run(RunEvent::LinkShaped { delay, .. }) => {
                if let Some(Direction::Down(client)) = node.direction() {
                    *self.delays.get_or(client, Duration::default) = *delay;
                }
            }
            Event::Run(RunEvent::ClientDescribed { resumes, history, .. }) => {
                *self.parts.get_or(*node, Part::default) = Part { forgets: !resumes, history: *history };
            }
            Event::Run(RunEvent::CalmExpected { from, .. }) => self.calm = Some(*from),
            Event::Run(RunEvent::Started { life }) if *node == Node::SERVER => {
                self.life = *life;
                self.messages = Messages::default();
            }
            Event::Run(RunEvent::Started { life }) => {
                *self.client(*node) = Client { life: *life, ..Client::default() };
            }
            Event::Run(RunEvent::Crashed { .. }) if *node != Node::SERVER => {
                let session = self.client(*node).session.take();
                if let Some(session) = session.and_then(|index| self.sessions.get_mut(index)) {
                    session.owed.clear();
                }
            }
            Event::Chat(ChatEvent::Joined { session, nick, .. }) => self.joined(session.0, nick),
            Event::Chat(ChatEvent::Renamed { session, from, to }) => {
                self.nicks.remove(from.as_str());
                if let Some(index) = self.sessions.index((self.life, session.0)) {
                    self.nicks.insert(to.clone().into(), index);
                }
            }
            Event::Chat(ChatEvent::Left { session, nick, .. }) => {
                let index = self.sessions.index((self.life, session.0));
                if index.is_some() && self.nicks.get(nick.as_str()).copied() == index {
                    self.nicks.remove(nick.as_str());
                }
                if let Some(session) = index.and_then(|index| self.sessions.get_mut(index)) {
                    session.is_here = false;
                }
            }
            Event::Chat(ChatEvent::Said { session, number, to, id }) => {
                self.said(record, session.0, *number, to.map(|to| to.0), id.as_ref(), &mut wrong);
            }
            Event::App(AppEvent::Disconnected { .. })
                if self.parts.get(*node).is_some_and(|part| part.forgets) =>
            {
                self.client(*node).session = None;
            }
            Event::App(AppEvent::Joined { nick, new_epoch, resumed }) => {
                let session = self.nicks.get(nick).copied();
                let history = self.parts.get(*node).and_then(|part| part.history).filter(|_| !resumed);
                let client = self.client(*node);
                if *new_epoch || !*resumed {
                    client.last = 0;
                }
                client.session = session;
                client.backlog_left = history;
            }
            Event::App(AppEvent::Gap { .. }) => self.client(*node).has_gap = true,
            Event::App(AppEvent::Message { number, from, text, backlog }) => {
                self.shown(*node, *number, Said { from, to: None, text }, *backlog, &mut wrong);
            }
            Event::App(AppEvent::Private { number, from, to, text, backlog }) => {
                self.shown(*node, *number, Said { from, to: Some(to), text }, *backlog, &mut wrong);
            }
            Event::App(AppEvent::DownloadFinished { file, size, blake3, differs_at, .. }) => {
                wrong.extend(self.finished(*node, file, *size, **blake3, *differs_at));
            }
            Event::Run(RunEvent::Ending { .. }) => self.check_owed(*at, found),
            _ => return,
        }
        for wrong in wrong {
            found.add(*at, node, wrong);
        }
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::SessionId;

    use super::*;
    use crate::checker::testing::{at, took, verdict};
    use crate::trace::event::Ending;

    fn calm() -> Record {
        at(0, "sim", RunEvent::CalmExpected { from: Instant::ZERO, duration: Duration::from_secs(60) })
    }

    fn joined(session: u64, nick: &'static str) -> [Record; 2] {
        let (resumed, new_epoch) = (false, false);
        [took(1, session, nick), at(2, nick, AppEvent::Joined { nick: Name::of(nick), resumed, new_epoch })]
    }

    fn said(millis: u64, number: u64, to: Option<u64>) -> Record {
        let (session, to, id) = (SessionId(1), to.map(SessionId), Some(RequestId::Number(number)));
        at(millis, "server", ChatEvent::Said { session, number, to, id })
    }

    fn shown(millis: u64, node: &str, number: u64) -> Record {
        let (from, text) = (Name::of("ann"), Name::from(format!("text {number}")));
        at(millis, node, AppEvent::Message { number, from, text, backlog: false })
    }

    fn ending(millis: u64) -> Record {
        at(millis, "sim", RunEvent::Ending { reason: Ending::Done })
    }

    fn two(more: &[Record]) -> Vec<String> {
        let begin = [vec![calm()], joined(1, "ann").to_vec(), joined(2, "bob").to_vec()].concat();
        verdict(Delivery::new(), &[begin, more.to_vec()].concat())
    }

    #[test]
    fn messages_that_everybody_sees_once_and_in_order_are_right() {
        let right = [
            said(10, 1, None),
            said(11, 2, None),
            shown(20, "ann", 1),
            shown(21, "bob", 1),
            shown(22, "ann", 2),
            shown(23, "bob", 2),
            ending(9_000),
        ];
        assert_eq!(two(&right), Vec::<String>::new());
    }

    #[test]
    fn a_message_shown_twice_or_out_of_order_is_found() {
        assert!(
            two(&[said(10, 1, None), shown(20, "bob", 1), shown(21, "bob", 1)])[0]
                .ends_with("bob was shown message 1 after 1")
        );
        let records = [said(10, 1, None), said(11, 2, None), shown(20, "bob", 2), shown(21, "bob", 1)];
        let said = two(&records);
        assert!(said[0].ends_with("bob was shown message 2 and not [1], which came before"), "{said:?}");
        assert!(said[1].ends_with("bob was shown message 1 after 2"));
    }

    #[test]
    fn a_welcome_that_was_under_way_when_the_server_was_killed_is_one() {
        let welcome = AppEvent::Joined { nick: Name::of("eve"), resumed: false, new_epoch: false };
        let welcome = at(20, "eve", welcome);
        let restarted = [
            took(15, 3, "eve"),
            at(16, "server", RunEvent::Crashed { power: false }),
            at(17, "server", RunEvent::Started { life: 1 }),
        ];
        let backlog =
            AppEvent::Message { number: 1, from: Name::of("ann"), text: Name::of("text 1"), backlog: true };
        let records = [&[said(10, 1, None)], &restarted[..], &[welcome, at(20, "eve", backlog)]].concat();
        assert_eq!(two(&records), Vec::<String>::new());
        assert!(two(&[said(10, 1, None), shown(20, "eve", 1)])[0].ends_with("before it had joined"));
    }

    #[test]
    fn a_gap_that_was_told_excuses_what_is_missing() {
        let gap = at(15, "bob", AppEvent::Gap { missed: 1 });
        let records = [said(10, 1, None), said(11, 2, None), gap, shown(20, "bob", 2)];
        assert_eq!(two(&records), Vec::<String>::new());
    }

    fn described(resumes: bool, history: Option<u64>) -> Record {
        at(0, "bob", RunEvent::ClientDescribed { visits: false, resumes, history })
    }

    #[test]
    fn who_does_not_resume_is_owed_nothing_of_the_time_away() {
        let lost = at(15, "bob", AppEvent::Disconnected { reason: Name::of("lost") });
        let records = [said(10, 1, None), shown(11, "ann", 1), lost, ending(9_000)];
        assert!(two(&records)[0].contains("bob was not shown message 1"));
        assert_eq!(two(&[&[described(false, None)], &records[..]].concat()), Vec::<String>::new());
    }

    #[test]
    fn a_backlog_that_is_longer_than_what_was_asked_for_is_found() {
        let before = |number: u64| {
            let (from, text) = (Name::of("ann"), Name::from(format!("text {number}")));
            at(30, "eve", AppEvent::Message { number, from, text, backlog: true })
        };
        let asked =
            at(0, "eve", RunEvent::ClientDescribed { visits: false, resumes: true, history: Some(1) });
        let begin = [&[asked, said(10, 1, None), said(11, 2, None)][..], &joined(3, "eve")[..], &[before(1)]]
            .concat();
        assert_eq!(two(&begin), Vec::<String>::new());
        assert!(two(&[&begin[..], &[before(2)]].concat())[0].ends_with("beyond what it asked for"));
    }

    #[test]
    fn a_message_that_never_comes_is_found_at_the_end() {
        let said_ = two(&[said(10, 1, None), shown(20, "ann", 1), ending(9_000)]);
        assert_eq!(
            said_,
            ["9.000000000: bob was not shown message 1, which was taken 8.99s ago at 0.010000000"]
        );
        // Not yet late.
        assert_eq!(two(&[said(10, 1, None), shown(20, "ann", 1), ending(900)]), Vec::<String>::new());
    }

    #[test]
    fn what_was_never_said_and_what_others_saw_differently_is_found() {
        assert!(two(&[shown(20, "bob", 1)])[0].ends_with("bob was shown message 1, which was never taken"));
        let text = Name::of("another text");
        let other =
            at(21, "bob", AppEvent::Message { number: 1, from: Name::of("ann"), text, backlog: false });
        let said = two(&[said(10, 1, None), shown(20, "ann", 1), other]);
        assert!(said[0].contains("bob was shown message 1 as \"ann: another text\", ann as \"ann: text 1\""));
    }

    #[test]
    fn a_private_message_is_for_its_parties_alone() {
        let begin =
            [vec![calm()], joined(1, "ann").to_vec(), joined(2, "bob").to_vec(), joined(3, "eve").to_vec()];
        let private = |node: &str| {
            let (from, to, text) = (Name::of("ann"), Name::of("bob"), Name::of("psst"));
            at(20, node, AppEvent::Private { number: 1, from, to, text, backlog: false })
        };
        let right = [said(10, 1, Some(2)), private("ann"), private("bob"), ending(9_000)];
        assert_eq!(
            verdict(Delivery::new(), &[begin.concat(), right.to_vec()].concat()),
            Vec::<String>::new()
        );
        let wrong = [said(10, 1, Some(2)), private("eve")];
        let said = verdict(Delivery::new(), &[begin.concat(), wrong.to_vec()].concat());
        assert!(said[0].ends_with("eve was shown message 1, which it was not there for"));
    }

    #[test]
    fn a_message_that_is_taken_again_after_a_restart_is_found() {
        let again = [
            said(10, 1, None),
            at(20, "server", RunEvent::Crashed { power: false }),
            at(30, "server", RunEvent::Started { life: 1 }),
            took(40, 1, "ann"),
            said(50, 1, None),
        ];
        assert!(
            two(&again)[0]
                .contains("ann's message 1 was taken as number 1, and before as number 1 in an earlier")
        );
    }

    #[test]
    fn a_finished_file_that_is_not_the_servers_is_found() {
        let file = |blake3: Hash, differs_at| {
            let name = Name::of("f");
            let hash = Hash::of_nothing();
            let shared = RunEvent::FileShared { name: name.clone(), size: 0, blake3: hash };
            let finished = AppEvent::DownloadFinished {
                wish: 1,
                file: name,
                size: 0,
                blake3: Box::new(blake3),
                differs_at,
                resumed_from: 0,
                segments_received: 0,
                duplicates: 0,
            };
            verdict(Delivery::new(), &[at(0, "sim", shared), at(9, "ann", finished)])
        };
        assert_eq!(file(Hash::of_nothing(), None), Vec::<String>::new());
        assert!(
            file(Hash([0; 32]), None)[0].contains("ann finished f with 0 bytes that are not the server's 0")
        );
        assert!(file(Hash::of_nothing(), Some(3))[0].ends_with("the first other byte is 3"));
    }
}
