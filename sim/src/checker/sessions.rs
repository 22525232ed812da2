//! Sessions: what is whose in the chat.
//!
//! - A private message is shown to its two parties alone, in the backlog too.
//! - Who comes back, with a token, while its session is parked gets that session: its own nickname is not refused to
//!   it as taken.
//! - A session's downloads end with it: nothing of them is sent any more.
//! - Our clients keep to the server's pace: nothing that they say or ask is refused for coming too soon.
//! - Nobody is taken as silent whose way was free all the time: it has answered.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use backchat_core::wire::TransferId;

use super::{Checker, Found};
use crate::trace::{Event, Name, Node, NodeMap, Record};

/// Why a session is parked whose client did not answer.
const SILENT: &str = "did not answer a ping";

/// See the module.
#[derive(Debug, Default)]
pub struct Sessions {
    clients: NodeMap<Client>,
    /// Whose each session of this life of the server is.
    owners: BTreeMap<u64, Node>,
    /// The downloads of each, and those of sessions that have ended.
    downloads: BTreeMap<u64, Vec<TransferId>>,
    over: BTreeSet<TransferId>,
}

/// A ping and its answer have at least the time of a few of these, whatever the server's limit.
const QUICK: Duration = Duration::from_millis(300);

#[derive(Debug, Default)]
struct Client {
    /// Every nickname that it ever had.
    nicks: BTreeSet<Name>,
    /// It was welcomed in this life, of its own and of the server, and so it has a token.
    has_token: bool,
    is_parked: bool,
    /// Parked, and it has connected since.
    is_back: bool,
    /// Its way was dark, or it was down or elsewhere, for some time.
    was_cut: bool,
    round_trip: Duration,
}

impl Sessions {
    /// Nobody is here.
    pub fn new() -> Self {
        Self::default()
    }

    fn client(&mut self, node: Node) -> &mut Client {
        self.clients.get_or(node, Client::default)
    }

    /// A session is no longer parked.
    fn settled(&mut self, session: u64) {
        if let Some(client) = self.owner(session) {
            (client.is_parked, client.is_back) = (false, false);
        }
    }

    /// The client of a session.
    fn owner(&mut self, session: u64) -> Option<&mut Client> {
        self.clients.get_mut(*self.owners.get(&session)?)
    }
}

impl Checker for Sessions {
    const NAME: &'static str = "sessions";

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        match event {
            Event::Started { .. } if *node == "server" => {
                self.owners.clear();
                self.downloads.clear();
                self.over.clear();
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
            Event::ChatParked { session, reason } => {
                let owner = self.owners.get(session).copied();
                let Some(client) = self.owner(*session) else { return };
                client.is_parked = true;
                if *reason == SILENT && !client.was_cut && client.round_trip <= QUICK {
                    let name = owner.unwrap_or(*node);
                    let said = format!("{name} is taken as silent, and nothing has kept its answers back");
                    found.add(*at, node, ("silent_and_heard", said));
                }
            }
            Event::ChatResumed { session, .. } => self.settled(*session),
            Event::ChatLeft { session, .. } => {
                self.settled(*session);
                self.over.extend(self.downloads.remove(session).into_iter().flatten());
            }
            Event::TransferOffered { transfer, session, .. } => {
                self.downloads.entry(*session).or_default().push(*transfer);
            }
            Event::SegmentsSent { transfer, .. } if self.over.contains(transfer) => {
                let said = format!("{transfer} is sent on, and the session that it belongs to has ended");
                found.add(*at, node, ("sent_after_session", said));
            }
            Event::LinkShaped { delay, jitter, .. } => {
                if let Some(direction) = node.direction() {
                    self.client(direction.client()).round_trip += *delay + *jitter;
                }
            }
            Event::BlackoutBegan { .. } => {
                if let Some(direction) = node.direction() {
                    self.client(direction.client()).was_cut = true;
                }
            }
            Event::Crashed { .. } if *node == Node::SERVER => {
                self.clients.iter_mut().for_each(|(_, client)| client.was_cut = true);
            }
            Event::Crashed { .. } | Event::Rebound { .. } => self.client(*node).was_cut = true,
            Event::ChatRefused { session, code } if *code == "too-fast" || *code == "too-many-requests" => {
                let name = self.owners.get(session).map_or("somebody", |it| it.as_str());
                let said = format!("{name} was refused with {code}, and keeps to the server's pace");
                found.add(*at, node, ("refused_too_soon", said));
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
    use crate::checker::testing::{Sent, at, offered, segment, verdict};

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

    #[test]
    fn segments_of_a_session_that_has_ended_are_found() {
        let offered = at(3, "server", offered().event);
        let left = Event::ChatLeft { session: 1, nick: Name::of("ann"), reason: Name::of("left") };
        let begin = [&joined(1, "ann")[..], &[offered, segment(3, Sent::default())]].concat();
        assert_eq!(verdict(Sessions::new(), &begin), Vec::<String>::new());
        let wrong = [&begin[..], &[at(4, "server", left), segment(5, Sent::default())]].concat();
        assert!(verdict(Sessions::new(), &wrong)[0].ends_with("the session that it belongs to has ended"));
    }

    #[test]
    fn who_is_taken_as_silent_must_have_been_cut_off() {
        let parked = at(9, "server", Event::ChatParked { session: 1, reason: Name::of(SILENT) });
        let dark = at(5, "server->ann", Event::BlackoutBegan { until: None });
        let cut = [&joined(1, "ann")[..], &[dark, parked.clone()]].concat();
        assert_eq!(verdict(Sessions::new(), &cut), Vec::<String>::new());
        let said = verdict(Sessions::new(), &[&joined(1, "ann")[..], &[parked]].concat());
        assert!(said[0].ends_with("ann is taken as silent, and nothing has kept its answers back"));
    }

    #[test]
    fn a_message_that_is_refused_as_too_soon_is_found() {
        let refused = at(7, "server", Event::ChatRefused { session: 1, code: Name::of("too-fast") });
        let said = verdict(Sessions::new(), &[&joined(1, "ann")[..], &[refused]].concat());
        assert!(said[0].ends_with("ann was refused with too-fast, and keeps to the server's pace"));
    }
}
