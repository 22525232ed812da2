//! Who may not come in: nicknames and addresses, each until a time or for as long as the server runs.
//!
//! They are an operator's word about people of the moment. They live as long as everything else of the chat, which is
//! as long as the server; what should hold for longer belongs in a firewall.

use super::address::Address;
use super::frame::TextError;
use super::nickname::{Nickname, NicknameKey};
use crate::time::Instant;
use core::fmt;
use std::collections::BTreeMap;

/// Whom a ban is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Who takes this nickname, in whatever case it is written.
    Nick(Nickname),
    /// Who connects from there.
    Address(Address),
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nick(nick) => nick.fmt(f),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Whom it is about.
    pub whom: Whom,
    /// When it is over; `None` for as long as the server runs.
    pub until: Option<Instant>,
    /// What the banned are told, for people.
    pub reason: Option<String>,
}

impl Ban {
    fn holds(&self, now: Instant) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What an operator asked for and cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// Nobody has that nickname.
    #[error("nobody here is called {0}")]
    Nobody(Nickname),
    /// It is not banned, or no longer.
    #[error("{0} is not banned")]
    NotBanned(Whom),
    /// There are as many bans as are kept.
    #[error("there are {} bans, which is as many as are kept: lift one first", Bans::MOST)]
    TooManyBans,
    /// A text that nobody can be sent.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// All bans.
#[derive(Clone, Debug, Default)]
pub struct Bans {
    nicks: BTreeMap<NicknameKey, Ban>,
    addresses: BTreeMap<Address, Ban>,
}

impl Bans {
    /// Most bans that are kept. They are typed by hand.
    pub const MOST: usize = 1024;

    /// Most bytes of a reason: it stands in a line beside a name and a time.
    pub const MAX_REASON_BYTES: u32 = 256;

    /// Bans somebody, in place of a ban that there was.
    ///
    /// # Errors
    /// There are too many.
    pub fn add(&mut self, now: Instant, ban: Ban) -> Result<(), OperatorError> {
        self.forget_over(now);
        let is_new = match &ban.whom {
            Whom::Nick(nick) => !self.nicks.contains_key(&nick.key()),
            Whom::Address(address) => !self.addresses.contains_key(address),
        };
        if is_new && self.len() >= Self::MOST {
            return Err(OperatorError::TooManyBans);
        }
        match &ban.whom {
            Whom::Nick(nick) => self.nicks.insert(nick.key(), ban),
            Whom::Address(address) => self.addresses.insert(*address, ban),
        };
        Ok(())
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// There is none.
    pub fn lift(&mut self, now: Instant, whom: Whom) -> Result<(), OperatorError> {
        self.forget_over(now);
        let lifted = match &whom {
            Whom::Nick(nick) => self.nicks.remove(&nick.key()),
            Whom::Address(address) => self.addresses.remove(address),
        };
        lifted.map(drop).ok_or(OperatorError::NotBanned(whom))
    }

    /// The ban of a nickname.
    pub fn of_nick(&self, now: Instant, nick: &NicknameKey) -> Option<&Ban> {
        self.nicks.get(nick).filter(|ban| ban.holds(now))
    }

    /// The ban of an address.
    pub fn of_address(&self, now: Instant, address: Address) -> Option<&Ban> {
        self.addresses.get(&address).filter(|ban| ban.holds(now))
    }

    /// Every ban that holds: nicknames, then addresses.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = &Ban> {
        self.nicks.values().chain(self.addresses.values()).filter(move |ban| ban.holds(now))
    }

    fn len(&self) -> usize {
        self.nicks.len() + self.addresses.len()
    }

    fn forget_over(&mut self, now: Instant) {
        self.nicks.retain(|_, ban| ban.holds(now));
        self.addresses.retain(|_, ban| ban.holds(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nick(text: &str) -> Whom {
        Whom::Nick(Nickname::parse(text).unwrap())
    }

    fn ban(whom: Whom, until: Option<u64>) -> Ban {
        Ban { whom, until: until.map(Instant::from_millis), reason: None }
    }

    #[test]
    fn a_ban_ends_at_its_time_and_makes_room() {
        let mut bans = Bans::default();
        for number in 0..Bans::MOST {
            bans.add(Instant::ZERO, ban(nick(&format!("n{number}")), Some(10))).unwrap();
        }
        let one_more = ban(nick("one_more"), None);
        assert_eq!(bans.add(Instant::from_millis(9), one_more.clone()), Err(OperatorError::TooManyBans));
        assert_eq!(
            bans.add(Instant::from_millis(9), ban(nick("N7"), Some(20))),
            Ok(()),
            "in place of another"
        );
        assert_eq!(bans.iter(Instant::from_millis(10)).count(), 1);
        assert_eq!(bans.add(Instant::from_millis(10), one_more), Ok(()));
        assert_eq!(bans.iter(Instant::from_millis(1_000)).count(), 1);
    }

    #[test]
    fn a_ban_that_is_over_cannot_be_lifted() {
        let mut bans = Bans::default();
        bans.add(Instant::ZERO, ban(nick("ann"), Some(10))).unwrap();
        assert!(bans.of_nick(Instant::from_millis(9), &Nickname::parse("ANN").unwrap().key()).is_some());
        let not_banned = Err(OperatorError::NotBanned(nick("ann")));
        assert_eq!(bans.lift(Instant::from_millis(10), nick("ann")), not_banned);
        let there = Address::of("192.0.2.1".parse().unwrap());
        bans.add(Instant::ZERO, ban(Whom::Address(there), None)).unwrap();
        assert!(bans.of_address(Instant::from_millis(1_000_000), there).is_some());
        assert_eq!(bans.lift(Instant::from_millis(1_000_000), Whom::Address(there)), Ok(()));
        assert_eq!(bans.of_address(Instant::from_millis(1_000_000), there), None);
    }
}
