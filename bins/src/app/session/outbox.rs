//! Messages of a paste, handed to the loop one after the other: each when the one before was taken.
//!
//! The loop would keep them all, and send them as fast as the server's limits allow; but what is there is said before
//! whatever comes later, a word to one alone too, and nothing takes it back.

use std::collections::VecDeque;

use backchat_core::chat::RequestId;

use super::{Asked, Link, Origin, Session};
use crate::cli::render::units;
use crate::driver::application::Command;

/// Most messages that wait: more than a paste can be made of.
const MAX_WAITING: usize = 1024;

/// What is to be said to all.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    text: String,
    action: bool,
}

/// The messages that wait, and the one that was handed on.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    sending: Sending,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Sending {
    #[default]
    Nothing,
    /// Handed on, and it is not known yet under which id.
    Handed,
    /// Not taken yet.
    Untaken(RequestId),
}

impl Outbox {
    fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Messages that nobody was handed yet.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The one that was handed on has this id.
    pub(super) fn handed(&mut self, id: RequestId) {
        self.sending = Sending::Untaken(id);
    }

    /// The one that was handed on will not be sent.
    pub(super) fn failed(&mut self) {
        self.sending = Sending::Nothing;
    }

    /// A request was answered, or will not be.
    pub(super) fn settled(&mut self, id: &RequestId) {
        if matches!(&self.sending, Sending::Untaken(sending) if sending == id) {
            self.sending = Sending::Nothing;
        }
    }
}

impl Session {
    /// Messages to all, one after the other.
    pub(super) fn say_in_turn(&mut self, texts: Vec<String>) {
        if self.outbox.len() + texts.len() > MAX_WAITING {
            let count = self.outbox.len();
            return self.complain(
                None,
                "refused",
                format!("not sent: {count} messages wait already; /cancel takes them back"),
            );
        }
        self.outbox.waiting.extend(texts.into_iter().map(|text| Waiting { text, action: false }));
        self.send_in_turn();
    }

    /// Something to say to all: behind what waits, so that it is read in its place.
    pub(super) fn say_behind(&mut self, text: String, action: bool) -> Option<(String, bool)> {
        if self.outbox.is_empty() || self.outbox.len() >= MAX_WAITING {
            return Some((text, action));
        }
        self.outbox.waiting.push_back(Waiting { text, action });
        None
    }

    /// Hands on the next message, when the one before was taken.
    pub(super) fn send_in_turn(&mut self) {
        if self.link != Link::Up || self.end.is_some() || self.outbox.sending != Sending::Nothing {
            return;
        }
        if let Some(Waiting { text, action }) = self.outbox.waiting.pop_front() {
            self.outbox.sending = Sending::Handed;
            let command = Command::Say { text, action };
            self.ask_for(Asked { command, id: None, get: None, origin: Origin::Outbox });
        }
    }

    /// A request was answered, or will not be: what a program calls it.
    pub(super) fn settle(&mut self, id: &RequestId) -> Option<RequestId> {
        self.outbox.settled(id);
        self.requests.settle(id)
    }

    /// There will be no session: what waits is not sent.
    pub(super) fn give_up_outbox(&mut self) {
        let waiting = std::mem::take(&mut self.outbox).len() as u64;
        if waiting > 0 {
            self.complain(
                None,
                "unsent",
                format!("{} that waited: not sent", units::count(waiting, "message")),
            );
        }
    }

    /// Takes back what nobody was handed yet.
    pub(super) fn cancel(&mut self) {
        let text = match std::mem::take(&mut self.outbox.waiting).len() as u64 {
            0 => "nothing waits to be sent".to_owned(),
            count => format!("{} taken back, and not sent", units::count(count, "message")),
        };
        self.notice(text);
    }

    /// Messages that were not sent, or of which it is not known yet.
    pub fn unsent(&self) -> usize {
        self.outbox.len() + self.untaken()
    }

    /// Messages that wait, and that [`Input::Cancel`](crate::app::input::Input::Cancel) takes back.
    pub fn in_turn(&self) -> usize {
        self.outbox.len()
    }
}
