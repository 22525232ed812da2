//! Who is here: every nickname that is held, by parked sessions too.

use super::id::SessionId;
use super::nickname::{Nickname, NicknameKey};
use core::ops::Bound;
use std::collections::BTreeMap;

/// The nicknames and their holders, in the order of the names.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    holders: BTreeMap<NicknameKey, (Nickname, SessionId)>,
}

impl Roster {
    /// How many nicknames are held.
    pub fn len(&self) -> usize {
        self.holders.len()
    }

    /// Whether nobody is here.
    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    /// Who holds a nickname.
    pub fn holder(&self, key: &NicknameKey) -> Option<SessionId> {
        self.holders.get(key).map(|&(_, session)| session)
    }

    /// Gives `nick` to `session`, unless somebody has it: then that is told.
    pub fn take(&mut self, nick: &Nickname, session: SessionId) -> Result<(), SessionId> {
        match self.holder(&nick.key()) {
            Some(other) if other != session => Err(other),
            _ => {
                self.holders.insert(nick.key(), (nick.clone(), session));
                Ok(())
            }
        }
    }

    /// Frees a nickname.
    pub fn free(&mut self, nick: &Nickname) {
        self.holders.remove(&nick.key());
    }

    /// The names that come after `after`, in order. A list that is shown in pages goes on behind the last name
    /// shown, so that who comes and goes meanwhile moves nobody else off the list.
    pub fn after<'a>(&'a self, after: Option<&'a NicknameKey>) -> impl Iterator<Item = &'a Nickname> {
        let beginning = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rest = self.holders.range::<NicknameKey, _>((beginning, Bound::Unbounded));
        rest.map(|(_, (nick, _))| nick)
    }

    /// Every nickname with its holder.
    pub fn iter(&self) -> impl Iterator<Item = (&Nickname, SessionId)> {
        self.holders.values().map(|(nick, session)| (nick, *session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nick(text: &str) -> Nickname {
        Nickname::parse(text).unwrap()
    }

    #[test]
    fn a_name_is_held_without_regard_to_case() {
        let mut roster = Roster::default();
        assert_eq!(roster.take(&nick("Ann"), SessionId(1)), Ok(()));
        assert_eq!(roster.take(&nick("aNN"), SessionId(2)), Err(SessionId(1)));
        assert_eq!(roster.take(&nick("ANN"), SessionId(1)), Ok(()));
        assert_eq!(roster.iter().next(), Some((&nick("ANN"), SessionId(1))));
        roster.free(&nick("ann"));
        assert!(roster.is_empty());
    }

    #[test]
    fn a_page_goes_on_behind_a_name_that_has_gone() {
        let mut roster = Roster::default();
        for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
            roster.take(&nick(name), SessionId(number as u64)).unwrap();
        }
        roster.free(&nick("b"));
        let shown = nick("b").key();
        let rest: Vec<&str> = roster.after(Some(&shown)).map(Nickname::as_str).collect();
        assert_eq!(rest, ["c", "d"]);
    }
}
