//! Requests that wait for their answer: what a program calls them, and which are messages.

use std::collections::BTreeMap;

use backchat_core::chat::RequestId;

/// Requests that wait for their answer. The client below bounds how many there can be.
#[derive(Debug)]
pub(crate) struct Requests {
    waiting: BTreeMap<RequestId, Waiting>,
    /// Messages among them.
    untaken: usize,
    /// Most bytes in a message, as the server told.
    text_limit: u32,
}

#[derive(Debug)]
struct Waiting {
    name: Option<RequestId>,
    is_message: bool,
    /// Asked by the model, not by its user.
    is_silent: bool,
}

impl Default for Requests {
    fn default() -> Self {
        let text_limit = backchat_core::chat::Limits::default().text_bytes;
        Self { waiting: BTreeMap::new(), untaken: 0, text_limit }
    }
}

impl Requests {
    /// A request was handed to the client; `name` is what a program calls it.
    pub(crate) fn insert(
        &mut self,
        id: RequestId,
        name: Option<RequestId>,
        is_message: bool,
        is_silent: bool,
    ) {
        let before = self.waiting.insert(id, Waiting { name, is_message, is_silent });
        debug_assert!(before.is_none(), "an id is given once");
        self.untaken += usize::from(is_message);
    }

    /// A request was answered, or will not be: what a program calls it.
    pub(crate) fn settle(&mut self, id: &RequestId) -> Option<RequestId> {
        let waiting = self.waiting.remove(id)?;
        self.untaken -= usize::from(waiting.is_message);
        waiting.name
    }

    /// What a program calls a request.
    pub(crate) fn name_of(&self, id: &RequestId) -> Option<&RequestId> {
        self.waiting.get(id)?.name.as_ref()
    }

    /// Whether the model asked this by itself.
    pub(crate) fn is_silent(&self, id: &RequestId) -> bool {
        self.waiting.get(id).is_some_and(|waiting| waiting.is_silent)
    }

    /// Whether nothing waits for an answer.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many wait for an answer.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether somebody other than the model waits for an answer.
    pub(crate) fn has_wanted(&self) -> bool {
        self.waiting.values().any(|waiting| !waiting.is_silent)
    }

    /// Messages that were not taken yet.
    pub(crate) fn untaken(&self) -> usize {
        self.untaken
    }

    /// Most bytes in a message.
    pub(crate) fn text_limit(&self) -> u32 {
        self.text_limit
    }

    /// The server told how many bytes fit.
    pub(crate) fn set_text_limit(&mut self, bytes: u32) {
        self.text_limit = bytes;
    }
}
