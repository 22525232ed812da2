//! The sessions of all lives of the server, and what their holders are owed.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::time::Instant;

use crate::trace::Node;

/// A session: the server's life, and its number in it.
pub(super) type SessionKey = (u64, u64);

/// Where a session stands among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SessionIndex(usize);

/// Sessions, in the order in which they joined.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: Vec<Session>,
    by_key: BTreeMap<SessionKey, SessionIndex>,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) key: SessionKey,
    /// Whose it is, and in which of its lives.
    pub(super) owner: (Node, u64),
    /// Messages that it is to be shown next, each with when it was taken.
    pub(super) owed: VecDeque<(u64, Instant)>,
    pub(super) is_here: bool,
}

impl Sessions {
    /// A session took a nickname.
    pub(super) fn join(&mut self, key: SessionKey, owner: (Node, u64)) -> SessionIndex {
        let new = Session { key, owner, owed: VecDeque::new(), is_here: true };
        let index = *self.by_key.entry(key).or_insert(SessionIndex(self.all.len()));
        match self.all.get_mut(index.0) {
            Some(before) => *before = new,
            None => self.all.push(new),
        }
        index
    }

    pub(super) fn index(&self, key: SessionKey) -> Option<SessionIndex> {
        self.by_key.get(&key).copied()
    }

    pub(super) fn get(&self, index: SessionIndex) -> Option<&Session> {
        self.all.get(index.0)
    }

    pub(super) fn get_mut(&mut self, index: SessionIndex) -> Option<&mut Session> {
        self.all.get_mut(index.0)
    }

    /// Those of one life of the server.
    pub(super) fn of_life(&mut self, life: u64) -> impl Iterator<Item = &mut Session> {
        self.all.iter_mut().filter(move |it| it.key.0 == life)
    }
}
