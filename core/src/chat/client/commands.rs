//! What a user can ask for.

use super::{
    Asked, ChatClient, ClientAction, ClientChatEvent, CommandError, DisconnectReason, Phase, Queued, link,
};
use crate::chat::filename::FileName;
use crate::chat::frame::{ClientFrame, Have, Request, RequestId, check_text};
use crate::chat::limits::MAX_TEXT_BYTES;
use crate::chat::nickname::Nickname;
use crate::hex::Hex;
use crate::time::Instant;
use crate::trace::Mark;

/// Most messages that wait to be sent or confirmed: at two a second, more than eight minutes. A driver with more
/// input than that waits until some are confirmed.
pub(super) const MAX_MESSAGES: usize = 1024;

/// Most other requests that wait to be sent or answered.
pub(super) const MAX_ASKS: usize = 256;

impl ChatClient {
    /// A message to all. The id comes back in `accepted`, and where it was not confirmed.
    pub fn say(&mut self, now: Instant, text: &str, action: bool) -> Result<RequestId, CommandError> {
        self.check_text(text)?;
        self.queue(now, Request::Say { text: text.into(), action })
    }

    /// A message to one.
    pub fn tell(
        &mut self,
        now: Instant,
        to: &Nickname,
        text: &str,
        action: bool,
    ) -> Result<RequestId, CommandError> {
        self.check_text(text)?;
        self.queue(now, Request::Tell { to: to.as_str().into(), text: text.into(), action })
    }

    /// Another nickname. It goes out in its place among the messages; while nobody lets us in because the one we want is
    /// somebody else's, it is tried in that one's place at once.
    pub fn nick(&mut self, now: Instant, nick: &Nickname) -> Result<RequestId, CommandError> {
        if let (true, Phase::Waiting, Some(join)) = (self.is_nick_taken, self.phase, &mut self.config.join) {
            join.nick = nick.clone();
            let now = self.begin(now);
            let id = self.next_id();
            // The welcome says how it ended.
            self.event(ClientChatEvent::Unanswered { id: id.clone() });
            self.connect_again();
            self.settle(now);
            return Ok(id);
        }
        self.queue(now, Request::Nick { nick: nick.as_str().into() })
    }

    /// Who is here?
    pub fn names(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        self.ask(now, Request::Names)
    }

    /// What can be downloaded?
    pub fn files(&mut self, now: Instant) -> Result<RequestId, CommandError> {
        self.ask(now, Request::Files)
    }

    /// Messages from before the number `before`, or the last ones.
    pub fn history(
        &mut self,
        now: Instant,
        before: Option<u64>,
        count: Option<u32>,
    ) -> Result<RequestId, CommandError> {
        if self.config.join.is_none() {
            return Err(CommandError::NotJoining);
        }
        self.ask(now, Request::History { before, count })
    }

    /// A download; answered with [`ClientAction::Ticket`], or with an error frame that has this id.
    pub fn download(
        &mut self,
        now: Instant,
        file: &FileName,
        have: Option<Have>,
    ) -> Result<RequestId, CommandError> {
        let (length, blake3) = (have.map(|have| have.length), have.map(|have| Hex(have.hash.0)));
        self.ask(now, Request::Download { file: file.as_str().into(), have: length, blake3 })
    }

    /// The end of a download, by its number. Nothing is said where no connection is.
    pub fn stop(&mut self, now: Instant, transfer: u64) -> Result<RequestId, CommandError> {
        self.ask(now, Request::Stop { transfer: transfer.into() })
    }

    /// Another connection at once: without waiting for the next attempt, or in place of one that seems dead. The session
    /// goes on as after any loss.
    pub fn reconnect(&mut self, now: Instant) -> Result<(), CommandError> {
        let now = self.begin(now);
        self.admit(0, 1)?;
        self.connect_again();
        self.settle(now);
        Ok(())
    }

    /// Leaves. What was not sent is not sent any more: who wants that waits for [`is_idle`](Self::is_idle) first.
    pub fn leave(&mut self, now: Instant) {
        let now = self.begin(now);
        if !self.messages.is_empty() {
            self.mark(Mark::LeftWithQueue);
        }
        match self.phase {
            Phase::Up => {
                self.send(Request::Leave, None);
                self.phase = Phase::Leaving;
                self.timer = Some(now + link::LEAVE_TIMEOUT);
            }
            Phase::Joining => {
                self.actions.push_back(ClientAction::Close);
                self.end(DisconnectReason::Left);
            }
            Phase::New | Phase::Connecting | Phase::Waiting | Phase::Resting => {
                self.end(DisconnectReason::Left);
            }
            Phase::Leaving | Phase::Over => {}
        }
        self.settle(now);
    }

    /// Leaves without a word: the server does not answer, so its goodbye is not waited for.
    pub fn abandon(&mut self, now: Instant) {
        let now = self.begin(now);
        match self.phase {
            Phase::Joining | Phase::Up | Phase::Leaving => {
                self.actions.push_back(ClientAction::Close);
                self.end(DisconnectReason::Left);
            }
            Phase::New | Phase::Connecting | Phase::Waiting | Phase::Resting => {
                self.end(DisconnectReason::Left);
            }
            Phase::Over => {}
        }
        self.settle(now);
    }

    fn check_text(&self, text: &str) -> Result<(), CommandError> {
        let limit = if self.has_joined { self.limits.text_bytes } else { MAX_TEXT_BYTES };
        Ok(check_text(text, limit)?)
    }

    fn queue(&mut self, now: Instant, request: Request) -> Result<RequestId, CommandError> {
        let now = self.begin(now);
        if self.config.join.is_none() {
            return Err(CommandError::NotJoining);
        }
        self.admit(self.messages.len(), MAX_MESSAGES)?;
        let id = self.next_id();
        self.messages.push_back(Queued { id: id.clone(), request, sent: false });
        self.settle(now);
        Ok(id)
    }

    fn ask(&mut self, now: Instant, request: Request) -> Result<RequestId, CommandError> {
        let now = self.begin(now);
        self.admit(self.asks.len(), MAX_ASKS)?;
        let id = self.next_id();
        self.asks.push_back(Asked { id: id.clone(), request, sent: None });
        if self.phase == Phase::Resting {
            self.connect();
        }
        self.settle(now);
        Ok(id)
    }

    fn admit(&self, waiting: usize, most: usize) -> Result<(), CommandError> {
        match self.phase {
            Phase::Leaving | Phase::Over => Err(CommandError::Over),
            _ if waiting >= most => Err(CommandError::Full { waiting }),
            _ => Ok(()),
        }
    }

    /// Hands a frame to the connection.
    pub(super) fn send(&mut self, request: Request, id: Option<RequestId>) {
        self.outgoing.push(ClientFrame { request, id }.encode());
    }
}
