//! Delivery: a finished download is the file, byte for byte; within one life of the server a message that was accepted
//! appears exactly once, in the same order, at everyone who was there for it; across its restart never doubled.
//!
//! Order and completeness are one rule: whoever was there when a message was taken is owed it, and what is shown has to
//! be what is owed next. A gap that a client was told of is none of our business. What is owed at the end must have
//! come, if things had been calm for long enough.

use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use backchat_core::time::Instant;
use backchat_core::wire::Hash;

use super::{Checker, Found, Wrong};
use crate::trace::{Direction, Event, Name, Node, NodeMap, Record};

/// How much longer than twice the path's delay a message may take on a calm path: servers and clients are woken by
/// the millisecond.
const MARGIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug, Default)]
pub struct Delivery {
    files: BTreeMap<Name, (u64, Hash)>,
    /// The server's lives so far.
    life: u64,
    sessions: BTreeMap<SessionKey, Session>,
    /// Whose a nickname is, or was last: a welcome that was under way when the server was killed arrives in its next life.
    nicks: BTreeMap<Name, SessionKey>,
    clients: NodeMap<Client>,
    /// Messages of this life: who said them, and what everybody was shown.
    messages: BTreeMap<u64, Message>,
    /// What was taken under which id: client, life of the client, id.
    taken: BTreeMap<(Node, u64, Name), (u64, u64)>,
    delays: NodeMap<Duration>,
    calm: Option<Instant>,
}

/// A session in a life of the server.
type SessionKey = (u64, u64);

#[derive(Debug)]
struct Session {
    nick: Name,
    /// Whose it is, and in which of its lives.
    owner: (Node, u64),
    owed: VecDeque<(u64, Instant)>,
    is_here: bool,
}

#[derive(Debug, Default)]
struct Client {
    life: u64,
    /// The session that it was welcomed to.
    session: Option<SessionKey>,
    /// The number of the last message that it was shown, in this life of the server.
    last: u64,
    /// It was told that messages are missing.
    has_gap: bool,
}

#[derive(Debug)]
struct Message {
    /// What the first one who saw it saw.
    shown: Option<(Node, Content)>,
}

/// Who said what to whom; to all, if to nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Content {
    from: Name,
    to: Option<Name>,
    text: Name,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            None => write!(f, "{}: {}", self.from, self.text),
            Some(to) => write!(f, "{} to {to}: {}", self.from, self.text),
        }
    }
}

impl Delivery {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&mut self, node: Node) -> &mut Client {
        self.clients.get_or(node, Client::default)
    }

    fn session(&mut self, session: u64) -> Option<&mut Session> {
        self.sessions.get_mut(&(self.life, session))
    }

    fn joined(&mut self, session: u64, nick: &Name) {
        self.nicks.insert(nick.clone(), (self.life, session));
        // A client is called as its node.
        let client = Node::new(nick);
        let owner = (client, self.client(client).life);
        let new = Session { nick: nick.clone(), owner, owed: VecDeque::new(), is_here: true };
        self.sessions.insert((self.life, session), new);
    }

    fn said(
        &mut self,
        record: &Record,
        session: u64,
        number: u64,
        to: Option<u64>,
        id: Option<&Name>,
    ) -> Option<Wrong> {
        let mut wrong = None;
        if self.messages.insert(number, Message { shown: None }).is_some() {
            wrong = Some(("number_given_twice", format!("number {number} was given to two messages")));
        }
        let owner = self.session(session).map(|session| session.owner);
        if let (Some((client, life)), Some(id)) = (owner, id) {
            let key = (client, life, id.clone());
            if let Some((before, in_life)) = self.taken.insert(key, (number, self.life)) {
                let from = if in_life == self.life { "the same" } else { "an earlier" };
                let said = format!(
                    "{client}'s message {id} was taken as number {number}, and before as number {before} in {from} \
                     life of the server",
                );
                wrong = Some(("taken_twice", said));
            }
        }
        let life = self.life;
        for ((_, of), it) in self.sessions.range_mut((life, 0)..=(life, u64::MAX)) {
            let is_party = to.is_none_or(|to| *of == to || *of == session);
            if it.is_here && is_party {
                it.owed.push_back((number, record.at));
            }
        }
        wrong
    }

    fn shown(&mut self, record: &Record, number: u64, content: Content, backlog: bool) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let name = record.node;
        let client = self.clients.get_or(name, Client::default);
        if number <= client.last {
            let said = format!("{name} was shown message {number} after {}", client.last);
            wrong.push(("shown_out_of_order", said));
        }
        client.last = client.last.max(number);
        let has_gap = core::mem::take(&mut client.has_gap);
        let Some(key) = client.session else {
            wrong.push((
                "shown_before_joined",
                format!("{name} was shown message {number} before it had joined"),
            ));
            return wrong;
        };
        // A message that is still on its way when the server is restarted is of a life that is gone.
        if key.0 == self.life {
            match self.messages.get_mut(&number) {
                None => {
                    let said = format!("{name} was shown message {number}, which was never taken");
                    wrong.push(("shown_and_never_taken", said));
                }
                Some(message) => match &message.shown {
                    None => message.shown = Some((name, content)),
                    Some((other, theirs)) if *theirs != content => {
                        let (here, there) = (content.to_string(), theirs.to_string());
                        let said =
                            format!("{name} was shown message {number} as {here:?}, {other} as {there:?}");
                        wrong.push(("shown_differently", said));
                    }
                    Some(_) => {}
                },
            }
        }
        if let Some(session) = self.sessions.get_mut(&key) {
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
        wrong
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
            let Some(session) = it.session.and_then(|key| self.sessions.get(&key)) else { continue };
            let is_current = it.session.is_some_and(|(life, _)| life == self.life);
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
            Event::FileShared { name, size, blake3 } => {
                self.files.insert(name.clone(), (*size, *blake3));
            }
            Event::LinkShaped { delay, .. } => {
                if let Some(Direction::Down(client)) = node.direction() {
                    *self.delays.get_or(client, Duration::default) = *delay;
                }
            }
            Event::CalmExpected { from, .. } => self.calm = Some(*from),
            Event::Started { life } if *node == Node::SERVER => {
                self.life = *life;
                self.messages.clear();
            }
            Event::Started { life } => {
                *self.client(*node) = Client { life: *life, ..Client::default() };
            }
            Event::Crashed { .. } if *node != Node::SERVER => {
                if let Some(session) =
                    self.client(*node).session.take().and_then(|it| self.sessions.get_mut(&it))
                {
                    session.owed.clear();
                }
            }
            Event::ChatJoined { session, nick } => self.joined(*session, nick),
            Event::ChatRenamed { session, from, to } => {
                self.nicks.remove(from);
                self.nicks.insert(to.clone(), (self.life, *session));
                if let Some(session) = self.session(*session) {
                    session.nick = to.clone();
                }
            }
            Event::ChatLeft { session, nick, .. } => {
                if self.nicks.get(nick) == Some(&(self.life, *session)) {
                    self.nicks.remove(nick);
                }
                if let Some(session) = self.session(*session) {
                    session.is_here = false;
                }
            }
            Event::ChatSaid { session, number, to, id } => {
                wrong.extend(self.said(record, *session, *number, *to, id.as_ref()));
            }
            Event::Joined { nick, new_epoch, resumed } => {
                let session = self.nicks.get(nick).copied();
                let client = self.client(*node);
                if *new_epoch || !*resumed {
                    client.last = 0;
                }
                client.session = session;
            }
            Event::Gap { .. } => self.client(*node).has_gap = true,
            Event::Message { number, from, text, backlog } => {
                let content = Content { from: from.clone(), to: None, text: text.clone() };
                wrong = self.shown(record, *number, content, *backlog);
            }
            Event::Private { number, from, to, text, backlog } => {
                let (from, to, text) = (from.clone(), Some(to.clone()), text.clone());
                let content = Content { from, to, text };
                wrong = self.shown(record, *number, content, *backlog);
            }
            Event::DownloadFinished { file, size, blake3, differs_at, .. } => {
                wrong.extend(self.finished(*node, file, *size, *blake3, *differs_at));
            }
            Event::Ending { .. } => self.check_owed(*at, found),
            _ => return,
        }
        for wrong in wrong {
            found.add(*at, node, wrong);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{at, verdict};

    fn calm() -> Record {
        at(0, "sim", Event::CalmExpected { from: Instant::ZERO, duration: Duration::from_secs(60) })
    }

    fn joined(session: u64, nick: &'static str) -> [Record; 2] {
        let (nick_, resumed, new_epoch) = (Name::of(nick), false, false);
        [
            at(1, "server", Event::ChatJoined { session, nick: nick_.clone() }),
            at(2, nick, Event::Joined { nick: nick_, resumed, new_epoch }),
        ]
    }

    fn said(millis: u64, number: u64, to: Option<u64>) -> Record {
        let id = Some(Name::from(number.to_string()));
        at(millis, "server", Event::ChatSaid { session: 1, number, to, id })
    }

    fn shown(millis: u64, node: &str, number: u64) -> Record {
        let (from, text) = (Name::of("ann"), Name::from(format!("text {number}")));
        at(millis, node, Event::Message { number, from, text, backlog: false })
    }

    fn ending(millis: u64) -> Record {
        at(millis, "sim", Event::Ending { reason: Name::of("done") })
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
        let welcome = Event::Joined { nick: Name::of("eve"), resumed: false, new_epoch: false };
        let welcome = at(20, "eve", welcome);
        let restarted = [
            at(15, "server", Event::ChatJoined { session: 3, nick: Name::of("eve") }),
            at(16, "server", Event::Crashed { power: false }),
            at(17, "server", Event::Started { life: 1 }),
        ];
        let backlog =
            Event::Message { number: 1, from: Name::of("ann"), text: Name::of("text 1"), backlog: true };
        let records = [&[said(10, 1, None)], &restarted[..], &[welcome, at(20, "eve", backlog)]].concat();
        assert_eq!(two(&records), Vec::<String>::new());
        assert!(two(&[said(10, 1, None), shown(20, "eve", 1)])[0].ends_with("before it had joined"));
    }

    #[test]
    fn a_gap_that_was_told_excuses_what_is_missing() {
        let gap = at(15, "bob", Event::Gap { missed: 1 });
        let records = [said(10, 1, None), said(11, 2, None), gap, shown(20, "bob", 2)];
        assert_eq!(two(&records), Vec::<String>::new());
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
        let other = at(21, "bob", Event::Message { number: 1, from: Name::of("ann"), text, backlog: false });
        let said = two(&[said(10, 1, None), shown(20, "ann", 1), other]);
        assert!(said[0].contains("bob was shown message 1 as \"ann: another text\", ann as \"ann: text 1\""));
    }

    #[test]
    fn a_private_message_is_for_its_parties_alone() {
        let begin =
            [vec![calm()], joined(1, "ann").to_vec(), joined(2, "bob").to_vec(), joined(3, "eve").to_vec()];
        let private = |node: &str| {
            let (from, to, text) = (Name::of("ann"), Name::of("bob"), Name::of("psst"));
            at(20, node, Event::Private { number: 1, from, to, text, backlog: false })
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
            at(20, "server", Event::Crashed { power: false }),
            at(30, "server", Event::Started { life: 1 }),
            at(40, "server", Event::ChatJoined { session: 1, nick: Name::of("ann") }),
            at(50, "server", Event::ChatSaid { session: 1, number: 1, to: None, id: Some(Name::of("1")) }),
        ];
        assert!(
            two(&again)[0]
                .contains("ann's message 1 was taken as number 1, and before as number 1 in an earlier")
        );
    }

    #[test]
    fn a_finished_file_that_is_not_the_servers_is_found() {
        let file = |blake3, differs_at| {
            let name = Name::of("f");
            let hash = Hash::of_nothing();
            let shared = Event::FileShared { name: name.clone(), size: 0, blake3: hash };
            let finished = Event::DownloadFinished {
                wish: 1,
                file: name,
                size: 0,
                blake3,
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
