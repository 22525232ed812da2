//! Sessions: what is whose in the chat.
//!
//! - A private message is shown to its two parties alone, in the backlog too.
//! - Who comes back, with a token, while its session is parked gets that session: its own nickname is not refused to
//!   it as taken.
//! - Who does not ask to come back is not kept a session, and a visitor has none.
//! - A session's downloads end with it: nothing of them is sent any more.
//! - Our clients keep to the server's pace: nothing that they say or ask is refused for coming too soon. A visitor is
//!   told no pace, for it has no welcome.
//! - Nobody is taken as silent whose way was free all the time: it has answered.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use backchat_core::chat::{CloseReason, ErrorCode};
use backchat_core::wire::TransferId;

use super::{Checker, Found};
use crate::trace::{
    AppEvent, ChatEvent, CoreEvent, Event, Name, Node, NodeMap, Record, RunEvent, TransferEvent,
};

/// See the module.
#[derive(Debug, Default)]
pub struct Sessions {
    clients: NodeMap<Client>,
    /// Whose each session of this life of the server is.
    owners: BTreeMap<u64, Node>,
    /// The downloads of each, and those of sessions that have ended.
    downloads: BTreeMap<u64, Vec<TransferId>>,
    over: BTreeSet<TransferId>,
    /// Some clients do not join. A session that nobody has joined may be theirs.
    has_visitors: bool,
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
    /// It has no token to come back with.
    forgets: bool,
    /// It does not join.
    visits: bool,
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
            Event::Run(RunEvent::Started { .. }) if *node == Node::SERVER => {
                self.owners.clear();
                self.downloads.clear();
                self.over.clear();
                for (_, client) in self.clients.iter_mut() {
                    (client.has_token, client.is_parked, client.is_back) = (false, false, false);
                }
            }
            Event::Run(RunEvent::Started { .. }) => {
                let client = self.client(*node);
                (client.has_token, client.is_back) = (false, false);
            }
            Event::Chat(ChatEvent::Joined { session, nick, .. }) => {
                // A client is called as its node; another who takes the name of one is not told apart.
                let owner = Node::new(nick.as_str());
                let client = self.client(owner);
                client.nicks.insert(nick.clone().into());
                if client.visits {
                    found.add(*at, node, ("visitor_joined", format!("{nick} is a visitor, and has joined")));
                }
                self.owners.insert(session.0, owner);
            }
            Event::Chat(ChatEvent::Renamed { session, to, .. }) => {
                if let Some(client) = self.owner(session.0) {
                    client.nicks.insert(to.clone().into());
                }
            }
            Event::App(AppEvent::Joined { nick, .. }) => {
                let client = self.client(*node);
                client.nicks.insert(nick.clone());
                (client.has_token, client.is_back) = (!client.forgets, false);
            }
            Event::Run(RunEvent::ClientDescribed { visits, resumes, .. }) => {
                let client = self.client(*node);
                (client.visits, client.forgets) = (*visits, !resumes);
                self.has_visitors |= *visits;
            }
            Event::Chat(ChatEvent::Parked { session, reason }) => {
                let owner = self.owners.get(&session.0).copied();
                let Some(client) = self.owner(session.0) else { return };
                client.is_parked = true;
                if client.forgets
                    && let Some(owner) = owner
                {
                    let said = format!("{owner}'s session waits for it, and it will not come back");
                    found.add(*at, node, ("kept_for_nobody", said));
                }
                if *reason == CloseReason::Silent && !client.was_cut && client.round_trip <= QUICK {
                    let name = owner.unwrap_or(*node);
                    let said = format!("{name} is taken as silent, and nothing has kept its answers back");
                    found.add(*at, node, ("silent_and_heard", said));
                }
            }
            Event::Chat(ChatEvent::Resumed { session, .. }) => self.settled(session.0),
            Event::Chat(ChatEvent::Left { session, .. }) => {
                self.settled(session.0);
                self.over.extend(self.downloads.remove(&session.0).into_iter().flatten());
            }
            Event::Transfer(TransferEvent::Offered { transfer, session, .. }) => {
                self.downloads.entry(session.0).or_default().push(*transfer);
            }
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { .. }) if self.over.contains(transfer) => {
                let said = format!("{transfer} is sent on, and the session that it belongs to has ended");
                found.add(*at, node, ("sent_after_session", said));
            }
            Event::Run(RunEvent::LinkShaped { delay, jitter, .. }) => {
                if let Some(direction) = node.direction() {
                    self.client(direction.client()).round_trip += *delay + *jitter;
                }
            }
            Event::Run(RunEvent::BlackoutBegan { .. }) => {
                if let Some(direction) = node.direction() {
                    self.client(direction.client()).was_cut = true;
                }
            }
            Event::Run(RunEvent::Crashed { .. }) if *node == Node::SERVER => {
                self.clients.iter_mut().for_each(|(_, client)| client.was_cut = true);
            }
            Event::Run(RunEvent::Crashed { .. } | RunEvent::Rebound { .. }) => {
                self.client(*node).was_cut = true;
            }
            Event::Chat(ChatEvent::Refused {
                session,
                code: code @ (ErrorCode::TooFast | ErrorCode::TooManyRequests),
            }) => {
                if self.has_visitors && !self.owners.contains_key(&session.0) {
                    return;
                }
                let name = self.owners.get(&session.0).map_or("somebody", |it| it.as_str());
                let said = format!("{name} was refused with {code}, and keeps to the server's pace");
                found.add(*at, node, ("refused_too_soon", said));
            }
            Event::App(AppEvent::Connected) => {
                let client = self.client(*node);
                client.is_back = client.is_parked && client.has_token;
            }
            Event::App(AppEvent::Disconnected { .. }) => self.client(*node).is_back = false,
            Event::Chat(ChatEvent::Refused { code: ErrorCode::NickTaken, .. }) => {
                for (name, client) in self.clients.iter_mut() {
                    if core::mem::take(&mut client.is_back) {
                        let said =
                            format!("{name} came back to its parked session, and its nickname was taken");
                        found.add(*at, &name, ("parked_not_resumed", said));
                    }
                }
            }
            Event::App(AppEvent::Private { number, from, to, .. }) => {
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
    use backchat_core::chat::{Nickname, SessionId, StreamId};

    use super::*;
    use crate::checker::testing::{Sent, at, offered, segment, took, verdict};

    fn joined(session: u64, nick: &'static str) -> [Record; 2] {
        let (resumed, new_epoch) = (false, false);
        [took(1, session, nick), at(2, nick, AppEvent::Joined { nick: Name::of(nick), resumed, new_epoch })]
    }

    #[test]
    fn a_private_message_in_anothers_backlog_is_found() {
        let private = |node: &str| {
            let (from, to, text) = (Name::of("ann"), Name::of("bob"), Name::of("psst"));
            at(9, node, AppEvent::Private { number: 1, from, to, text, backlog: true })
        };
        let begin = [joined(1, "ann"), joined(2, "bob"), joined(3, "eve")].concat();
        let right = [&begin[..], &[private("ann"), private("bob")]].concat();
        assert_eq!(verdict(Sessions::new(), &right), Vec::<String>::new());
        let said = verdict(Sessions::new(), &[&begin[..], &[private("eve")]].concat());
        assert!(said[0].ends_with("eve was shown message 1, which was between ann and bob"));
    }

    #[test]
    fn a_nickname_that_is_refused_to_its_own_parked_holder_is_found() {
        let parked = at(5, "server", ChatEvent::Parked { session: SessionId(1), reason: CloseReason::Lost });
        let back = at(6, "ann", AppEvent::Connected);
        let refused =
            at(7, "server", ChatEvent::Refused { session: SessionId(2), code: ErrorCode::NickTaken });
        let resumed = at(
            7,
            "server",
            ChatEvent::Resumed {
                session: SessionId(1),
                stream: StreamId(2),
                seen: 0,
                peer: [10, 0, 0, 2].into(),
            },
        );
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
    fn a_session_that_waits_for_who_does_not_resume_is_found_and_that_of_a_visitor() {
        let described =
            |visits| at(0, "ann", RunEvent::ClientDescribed { visits, resumes: false, history: None });
        let joined = joined(1, "ann");
        let parked = at(5, "server", ChatEvent::Parked { session: SessionId(1), reason: CloseReason::Lost });
        let with = |first: Record, more: &[Record]| verdict(Sessions::new(), &[&[first], more].concat());
        assert_eq!(with(described(false), &joined), Vec::<String>::new());
        let kept = with(described(false), &[&joined[..], &[parked]].concat());
        assert!(kept[0].ends_with("ann's session waits for it, and it will not come back"), "{kept:?}");
        assert!(with(described(true), &joined)[0].ends_with("ann is a visitor, and has joined"));
    }

    #[test]
    fn segments_of_a_session_that_has_ended_are_found() {
        let offered = at(3, "server", offered().event);
        let left = ChatEvent::Left {
            session: SessionId(1),
            nick: Nickname::parse("ann").unwrap(),
            peer: [10, 0, 0, 2].into(),
            reason: CloseReason::Left,
        };
        let begin = [&joined(1, "ann")[..], &[offered, segment(3, Sent::default())]].concat();
        assert_eq!(verdict(Sessions::new(), &begin), Vec::<String>::new());
        let wrong = [&begin[..], &[at(4, "server", left), segment(5, Sent::default())]].concat();
        assert!(verdict(Sessions::new(), &wrong)[0].ends_with("the session that it belongs to has ended"));
    }

    #[test]
    fn who_is_taken_as_silent_must_have_been_cut_off() {
        let parked =
            at(9, "server", ChatEvent::Parked { session: SessionId(1), reason: CloseReason::Silent });
        let dark = at(5, "server->ann", RunEvent::BlackoutBegan { until: None });
        let cut = [&joined(1, "ann")[..], &[dark, parked.clone()]].concat();
        assert_eq!(verdict(Sessions::new(), &cut), Vec::<String>::new());
        let said = verdict(Sessions::new(), &[&joined(1, "ann")[..], &[parked]].concat());
        assert!(said[0].ends_with("ann is taken as silent, and nothing has kept its answers back"));
    }

    #[test]
    fn a_message_that_is_refused_as_too_soon_is_found() {
        let refused = at(7, "server", ChatEvent::Refused { session: SessionId(1), code: ErrorCode::TooFast });
        let said = verdict(Sessions::new(), &[&joined(1, "ann")[..], &[refused]].concat());
        assert!(said[0].ends_with("ann was refused with too-fast, and keeps to the server's pace"));
        let visitor = at(0, "eve", RunEvent::ClientDescribed { visits: true, resumes: false, history: None });
        let unknown =
            at(7, "server", ChatEvent::Refused { session: SessionId(9), code: ErrorCode::TooManyRequests });
        assert_eq!(verdict(Sessions::new(), &[visitor.clone(), unknown]), Vec::<String>::new());
        let refused = at(7, "server", ChatEvent::Refused { session: SessionId(1), code: ErrorCode::TooFast });
        assert!(
            !verdict(Sessions::new(), &[&[visitor], &joined(1, "ann")[..], &[refused]].concat()).is_empty()
        );
    }
}
