//! Bans of nicknames and of ranges of addresses, each until a time or for ever.
//!
//! They are an operator's word about people. The server holds them in memory; whoever drives it may keep them and give
//! them back to the next server.

use super::frame::TextError;
use super::nickname::{Nickname, NicknameKey};
use super::range::AddressRange;
use crate::time::Instant;
use core::fmt;
use core::net::IpAddr;
use std::collections::BTreeMap;

/// The people that a ban is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Who takes this nickname, in whatever case it is written.
    Nick(Nickname),
    /// Who connects from there.
    Range(AddressRange),
}

impl fmt::Display for Whom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nick(nick) => nick.fmt(f),
            Self::Range(network) => network.fmt(f),
        }
    }
}

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// The people that it is about.
    pub whom: Whom,
    /// When it is over; `None` for never.
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
    /// It is not banned by itself, but as a part of something that is.
    #[error("{0} is banned as a part of {1}: lift that ban")]
    BannedWithin(AddressRange, AddressRange),
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
    networks: BTreeMap<AddressRange, Ban>,
}

impl Bans {
    /// Most bans that are kept: more than anybody types, and a few megabytes where a script adds them.
    pub const MOST: usize = 10_000;

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
            Whom::Range(network) => !self.networks.contains_key(network),
        };
        if is_new && self.len() >= Self::MOST {
            return Err(OperatorError::TooManyBans);
        }
        match &ban.whom {
            Whom::Nick(nick) => self.nicks.insert(nick.key(), ban),
            Whom::Range(network) => self.networks.insert(*network, ban),
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
            Whom::Range(network) => self.networks.remove(network),
        };
        if lifted.is_some() {
            return Ok(());
        }
        if let Whom::Range(network) = &whom
            && let Some(Ban { whom: Whom::Range(around), .. }) = network.holders(&self.networks).next()
        {
            return Err(OperatorError::BannedWithin(*network, *around));
        }
        Err(OperatorError::NotBanned(whom))
    }

    /// The ban of a nickname.
    pub fn of_nick(&self, now: Instant, nick: &NicknameKey) -> Option<&Ban> {
        self.nicks.get(nick).filter(|ban| ban.holds(now))
    }

    /// The ban of an address: of all that hold, the one that is over last.
    pub fn of_address(&self, now: Instant, peer: IpAddr) -> Option<&Ban> {
        let all = AddressRange::of(peer).holders(&self.networks).filter(|ban| ban.holds(now));
        all.max_by_key(|ban| (ban.until.is_none(), ban.until))
    }

    /// Every ban that holds: nicknames, then addresses, wider ranges first.
    pub fn iter(&self, now: Instant) -> impl Iterator<Item = &Ban> {
        self.nicks.values().chain(self.networks.values()).filter(move |ban| ban.holds(now))
    }

    fn len(&self) -> usize {
        self.nicks.len() + self.networks.len()
    }

    fn forget_over(&mut self, now: Instant) {
        self.nicks.retain(|_, ban| ban.holds(now));
        self.networks.retain(|_, ban| ban.holds(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nick(text: &str) -> Whom {
        Whom::Nick(Nickname::parse(text).unwrap())
    }

    fn network(text: &str) -> Whom {
        Whom::Range(text.parse().unwrap())
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
        let there = "192.0.2.1".parse().unwrap();
        bans.add(Instant::ZERO, ban(network("192.0.2.1"), None)).unwrap();
        assert!(bans.of_address(Instant::from_millis(1_000_000), there).is_some());
        assert_eq!(bans.lift(Instant::from_millis(1_000_000), network("192.0.2.1")), Ok(()));
        assert_eq!(bans.of_address(Instant::from_millis(1_000_000), there), None);
    }

    #[test]
    fn of_the_ranges_that_hold_an_address_the_last_to_end_is_told() {
        let mut bans = Bans::default();
        let there = "10.0.0.7".parse().unwrap();
        let at = Instant::from_millis;
        for (text, until) in [("10.0.0.0/24", Some(20)), ("10.0.0.7", Some(10)), ("10.0.0.0/16", Some(15))] {
            bans.add(Instant::ZERO, ban(network(text), until)).unwrap();
        }
        assert_eq!(bans.of_address(at(5), there).unwrap().until, Some(at(20)));
        assert_eq!(bans.of_address(at(5), "10.0.1.7".parse().unwrap()).unwrap().until, Some(at(15)));
        assert_eq!(bans.of_address(at(20), there), None);
        bans.add(at(20), ban(network("10.0.0.0/8"), None)).unwrap();
        assert_eq!(bans.of_address(at(20), there).unwrap().until, None);
        let whole =
            Err(OperatorError::BannedWithin("10.0.0.7".parse().unwrap(), "10.0.0.0/8".parse().unwrap()));
        assert_eq!(bans.lift(at(20), network("10.0.0.7")), whole);
        assert_eq!(
            bans.lift(at(20), network("11.0.0.7")),
            Err(OperatorError::NotBanned(network("11.0.0.7")))
        );
    }
}
