//! What a user is told of the chat.

use backchat::driver::Flow;
use backchat_core::chat::{ClientChatEvent, RequestId, ServerFrame};
use backchat_core::time::Instant;

use super::{LifeEnd, Surroundings, User};
use crate::trace::AppEvent;
use crate::trace::event::{Answer, Completion, ShownKind};

impl User {
    pub(super) fn chat(
        &mut self,
        now: Instant,
        event: ClientChatEvent,
        around: &mut impl Surroundings,
    ) -> Flow {
        let mut over = |user: &mut Self, id: &RequestId, how: Completion| {
            user.answered_with(now, id, how.into(), None, around);
        };
        match event {
            ClientChatEvent::Frame(frame) => self.frame(now, frame, around),
            ClientChatEvent::Connected => around.record(now, AppEvent::Connected),
            ClientChatEvent::Joined { resumed, new_epoch } => {
                self.may_begin = true;
                let nick = self.nick.clone();
                around.record(now, AppEvent::Joined { nick, resumed, new_epoch });
            }
            ClientChatEvent::Refused(error) => {
                around.record(now, AppEvent::Refused { code: error.code });
                self.end = LifeEnd::Refused;
                return Flow::Exit;
            }
            ClientChatEvent::Disconnected { reason } => {
                around.record(now, AppEvent::Disconnected { reason: reason.to_string().into() });
            }
            ClientChatEvent::Reconnecting { after } => around.record(now, AppEvent::Reconnecting { after }),
            ClientChatEvent::GaveUp => {
                around.record(now, AppEvent::GaveUp);
                if !self.is_leaving {
                    self.end = LifeEnd::GaveUp;
                }
                return Flow::Exit;
            }
            ClientChatEvent::Unconfirmed { id, text: _ } => over(self, &id, Completion::Unconfirmed),
            ClientChatEvent::Unsent { id, text: _ } => over(self, &id, Completion::Unsent),
            ClientChatEvent::Unanswered { id } => over(self, &id, Completion::Unanswered),
        }
        Flow::Continue
    }

    fn frame(&mut self, now: Instant, frame: ServerFrame, around: &mut impl Surroundings) {
        let event = match frame {
            ServerFrame::Message(it) => {
                let (from, text) = (it.from.into(), it.text.into());
                AppEvent::Message { number: it.number, from, text, backlog: it.backlog }
            }
            ServerFrame::Private(it) => {
                let (from, to, text) = (it.from.into(), it.to.into(), it.text.into());
                AppEvent::Private { number: it.number, from, to, text, backlog: it.backlog }
            }
            ServerFrame::Gap { missed } => AppEvent::Gap { missed },
            ServerFrame::Joined { nick } => AppEvent::PeerJoined { nick: nick.into() },
            ServerFrame::Left { nick, reason } => {
                AppEvent::PeerLeft { nick: nick.into(), reason: reason.into() }
            }
            ServerFrame::Accepted { id, number } => {
                if let Some(id) = id {
                    self.answered_with(now, &id, Completion::Accepted.into(), Some(number), around);
                }
                return;
            }
            ServerFrame::Error(error) => {
                let text = Some(error.code.raw().into());
                around.record(now, AppEvent::Shown { kind: ShownKind::Error, text });
                if let Some(id) = error.id {
                    self.answered_with(now, &id, Answer::Error(error.code), None, around);
                }
                return;
            }
            ServerFrame::Names { id, names, more } => {
                let list: Vec<&str> = names.iter().map(|it| it.nick.as_str()).collect();
                self.list(
                    now,
                    (ShownKind::Names, Completion::Names),
                    id.filter(|_| !more).as_ref(),
                    &list,
                    around,
                );
                return;
            }
            ServerFrame::Files { id, files, more } => {
                let list: Vec<&str> = files.iter().map(|it| it.name.as_str()).collect();
                self.list(
                    now,
                    (ShownKind::Files, Completion::Files),
                    id.filter(|_| !more).as_ref(),
                    &list,
                    around,
                );
                return;
            }
            ServerFrame::Notice { text } => {
                AppEvent::Shown { kind: ShownKind::Notice, text: Some(text.into()) }
            }
            ServerFrame::Closing { reason } => {
                AppEvent::Shown { kind: ShownKind::Closing, text: Some(reason.into()) }
            }
            ServerFrame::Welcome(welcome) => {
                self.nick = welcome.nick.as_str().into();
                return;
            }
            ServerFrame::Renamed { from, to, .. } => {
                AppEvent::Shown { kind: ShownKind::Renamed, text: Some(format!("{from} {to}").into()) }
            }
            ServerFrame::History { .. } => AppEvent::Shown { kind: ShownKind::History, text: None },
            ServerFrame::Ticket(_) | ServerFrame::Ping | ServerFrame::Pong { .. } => return,
        };
        around.record(now, event);
    }

    /// A page of a list; `ends` is the request that its last one answers.
    fn list(
        &mut self,
        now: Instant,
        (kind, end): (ShownKind, Completion),
        ends: Option<&RequestId>,
        items: &[&str],
        around: &mut impl Surroundings,
    ) {
        let text = Some(items.join(" ").into());
        around.record(now, AppEvent::Shown { kind, text });
        if let Some(id) = ends {
            self.answered_with(now, id, end.into(), None, around);
        }
    }
}
