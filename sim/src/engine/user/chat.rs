//! What a user is told of the chat.

use backchat::driver::Flow;
use backchat_core::chat::{ClientChatEvent, RequestId, ServerFrame};
use backchat_core::time::Instant;

use super::{LifeEnd, Surroundings, User};
use crate::trace::{Event, Name};

impl User {
    pub(super) fn chat(
        &mut self,
        now: Instant,
        event: ClientChatEvent,
        around: &mut impl Surroundings,
    ) -> Flow {
        let mut over = |user: &mut Self, id: &RequestId, outcome| {
            user.answered_with(now, id, Name::of(outcome), None, around);
        };
        match event {
            ClientChatEvent::Frame(frame) => self.frame(now, frame, around),
            ClientChatEvent::Connected => around.record(now, Event::Connected {}),
            ClientChatEvent::Joined { resumed, new_epoch } => {
                self.may_begin = true;
                let nick = self.nick.clone();
                around.record(now, Event::Joined { nick, resumed, new_epoch });
            }
            ClientChatEvent::Refused(error) => {
                around.record(now, Event::Refused { code: error.code.raw().into() });
                self.end = LifeEnd::Refused;
                return Flow::Exit;
            }
            ClientChatEvent::Disconnected { reason } => {
                around.record(now, Event::Disconnected { reason: reason.to_string().into() });
            }
            ClientChatEvent::Reconnecting { after } => around.record(now, Event::Reconnecting { after }),
            ClientChatEvent::GaveUp => {
                around.record(now, Event::GaveUp {});
                if !self.is_leaving {
                    self.end = LifeEnd::GaveUp;
                }
                return Flow::Exit;
            }
            ClientChatEvent::Unconfirmed { id, text: _ } => over(self, &id, "unconfirmed"),
            ClientChatEvent::Unsent { id, text: _ } => over(self, &id, "unsent"),
            ClientChatEvent::Unanswered { id } => over(self, &id, "unanswered"),
        }
        Flow::Continue
    }

    fn frame(&mut self, now: Instant, frame: ServerFrame, around: &mut impl Surroundings) {
        let event = match frame {
            ServerFrame::Message(it) => {
                let (from, text) = (it.from.into(), it.text.into());
                Event::Message { number: it.number, from, text, backlog: it.backlog }
            }
            ServerFrame::Private(it) => {
                let (from, to, text) = (it.from.into(), it.to.into(), it.text.into());
                Event::Private { number: it.number, from, to, text, backlog: it.backlog }
            }
            ServerFrame::Gap { missed } => Event::Gap { missed },
            ServerFrame::Joined { nick } => Event::PeerJoined { nick: nick.into() },
            ServerFrame::Left { nick, reason } => {
                Event::PeerLeft { nick: nick.into(), reason: reason.into() }
            }
            ServerFrame::Accepted { id, number } => {
                if let Some(id) = id {
                    self.answered_with(now, &id, Name::of("accepted"), Some(number), around);
                }
                return;
            }
            ServerFrame::Error(error) => {
                let code: Name = error.code.raw().into();
                around.record(now, Event::Shown { kind: Name::of("error"), text: Some(code.clone()) });
                if let Some(id) = error.id {
                    self.answered_with(now, &id, code, None, around);
                }
                return;
            }
            ServerFrame::Names { id, names, more } => {
                let list: Vec<&str> = names.iter().map(|it| it.nick.as_str()).collect();
                self.list(now, "names", id.filter(|_| !more).as_ref(), &list, around);
                return;
            }
            ServerFrame::Files { id, files, more } => {
                let list: Vec<&str> = files.iter().map(|it| it.name.as_str()).collect();
                self.list(now, "files", id.filter(|_| !more).as_ref(), &list, around);
                return;
            }
            ServerFrame::Notice { text } => {
                Event::Shown { kind: Name::of("notice"), text: Some(text.into()) }
            }
            ServerFrame::Closing { reason } => {
                Event::Shown { kind: Name::of("closing"), text: Some(reason.into()) }
            }
            ServerFrame::Welcome(welcome) => {
                self.nick = welcome.nick.as_str().into();
                return;
            }
            ServerFrame::Renamed { from, to, .. } => {
                Event::Shown { kind: Name::of("renamed"), text: Some(format!("{from} {to}").into()) }
            }
            ServerFrame::History { .. } => Event::Shown { kind: Name::of("history"), text: None },
            ServerFrame::Ticket(_) | ServerFrame::Ping | ServerFrame::Pong { .. } => return,
        };
        around.record(now, event);
    }

    /// A page of a list; `ends` is the request that its last one answers.
    fn list(
        &mut self,
        now: Instant,
        kind: &'static str,
        ends: Option<&RequestId>,
        items: &[&str],
        around: &mut impl Surroundings,
    ) {
        let text = Some(items.join(" ").into());
        around.record(now, Event::Shown { kind: Name::of(kind), text });
        if let Some(id) = ends {
            self.answered_with(now, id, Name::of(kind), None, around);
        }
    }
}
