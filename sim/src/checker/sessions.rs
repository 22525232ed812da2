//! Sessions: what is whose in the chat.
//!
//! - A private message is shown to its two parties alone, in the backlog too.
//! - Who comes back, with a token, while its session is parked gets that session: its own nickname is not refused to
//!   it as taken.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, Found};
use crate::trace::{Event, Name, Node, NodeMap, Record};

/// See the module.
#[derive(Debug, Default)]
pub struct Sessions {
    clients: NodeMap<Client>,
    /// Whose each session of this life of the server is.
    owners: BTreeMap<u64, Node>,
}

#[derive(Debug, Default)]
struct Client {
    /// Every nickname that it ever had.
    nicks: BTreeSet<Name>,
    /// It was welcomed in this life, of its own and of the server, and so it has a token.
    has_token: bool,
    is_parked: bool,
    /// Parked, and it has connected since.
    is_back: bool,
}

impl Sessions {
    /// Nobody is here.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&mut self, node: Node) -> &mut Client {
        self.clients.get_or(node, Client::default)
    }

    /// The client of a session.
    fn owner(&mut self, session: u64) -> Option<&mut Client> {
        self.clients.get_mut(*self.owners.get(&session)?)
    }
}

impl Checker for Sessions {
    fn name(&self) -> &'static str {
        "sessions"
    }

    fn record(&mut self, record: &Record, found: &mut Found<'_>) {
        let Record { at, node, event } = record;
        match event {
            Event::Started { .. } if *node == "server" => {
                self.owners.clear();
                for (_, client) in self.clients.iter_mut() {
                    (client.has_token, client.is_parked, client.is_back) = (false, false, false);
                }
            }
            Event::Started { .. } => {
                let client = self.client(*node);
                (client.has_token, client.is_back) = (false, false);
            }
            Event::ChatJoined { session, nick } => {
                // A client is called as its node; another who takes the name of one is not told apart.
                let owner = Node::new(nick);
                self.client(owner).nicks.insert(nick.clone());
                self.owners.insert(*session, owner);
            }
            Event::ChatRenamed { session, to, .. } => {
                if let Some(client) = self.owner(*session) {
                    client.nicks.insert(to.clone());
                }
            }
            Event::Joined { nick, .. } => {
                let client = self.client(*node);
                client.nicks.insert(nick.clone());
                (client.has_token, client.is_back) = (true, false);
            }
            Event::ChatParked { session, .. } => {
                if let Some(client) = self.owner(*session) {
                    client.is_parked = true;
                }
            }
            Event::ChatResumed { session, .. } | Event::ChatLeft { session, .. } => {
                if let Some(client) = self.owner(*session) {
                    (client.is_parked, client.is_back) = (false, false);
                }
            }
            Event::Connected {} => {
                let client = self.client(*node);
                client.is_back = client.is_parked && client.has_token;
            }
            Event::Disconnected { .. } => self.client(*node).is_back = false,
            Event::ChatRefused { code, .. } if *code == "nick-taken" => {
                for (name, client) in self.clients.iter_mut() {
                    if core::mem::take(&mut client.is_back) {
                        let said =
                            format!("{name} came back to its parked session, and its nickname was taken");
                        found.add(*at, &name, ("parked_not_resumed", said));
                    }
                }
            }
            Event::Private { number, from, to, .. } => {
                let client = self.client(*node);
                if !client.nicks.contains(from) && !client.nicks.contains(to) {
                    let said =
                        format!("{node} was shown message {number}, which was between {from} and {to}");
                    found.add(*at, node, ("anothers_message", said));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{at, verdict};

    fn joined(session: u64, nick: &'static str) -> [Record; 2] {
        let (it, resumed, new_epoch) = (Name::of(nick), false, false);
        [
            at(1, "server", Event::ChatJoined { session, nick: it.clone() }),
            at(2, nick, Event::Joined { nick: it, resumed, new_epoch }),
        ]
    }

    #[test]
    fn a_private_message_in_anothers_backlog_is_found() {
        let private = |node: &str| {
            let (from, to, text) = (Name::of("ann"), Name::of("bob"), Name::of("psst"));
            at(9, node, Event::Private { number: 1, from, to, text, backlog: true })
        };
        let begin = [joined(1, "ann"), joined(2, "bob"), joined(3, "eve")].concat();
        let right = [&begin[..], &[private("ann"), private("bob")]].concat();
        assert_eq!(verdict(Sessions::new(), &right), Vec::<String>::new());
        let said = verdict(Sessions::new(), &[&begin[..], &[private("eve")]].concat());
        assert!(said[0].ends_with("eve was shown message 1, which was between ann and bob"));
    }

    #[test]
    fn a_nickname_that_is_refused_to_its_own_parked_holder_is_found() {
        let parked = at(5, "server", Event::ChatParked { session: 1, reason: Name::of("lost") });
        let back = at(6, "ann", Event::Connected {});
        let refused = at(7, "server", Event::ChatRefused { session: 2, code: Name::of("nick-taken") });
        let resumed = at(7, "server", Event::ChatResumed { session: 1, stream: 2, seen: 0 });
        let begin = [&joined(1, "ann")[..], &[parked, back]].concat();
        let said = verdict(Sessions::new(), &[&begin[..], core::slice::from_ref(&refused)].concat());
        assert!(said[0].ends_with("ann came back to its parked session, and its nickname was taken"));
        // Somebody else's.
        assert_eq!(
            verdict(Sessions::new(), &[&begin[..], &[resumed, refused]].concat()),
            Vec::<String>::new()
        );
    }
}
