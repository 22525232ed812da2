//! Memory for what downloads hold of their files: one budget for all of them, shared out.
//!
//! Every place for a download is worth the least that one gets anywhere with. What the budget holds beyond that is shared
//! equally by addresses, by the sessions of an address, by the downloads of a session; so nobody's windows, tickets or
//! silence take memory from somebody else. All shares together are never more than the budget.

use std::collections::BTreeMap;

use super::{Server, TransferLimits};
use crate::chat::address::Network;
use crate::chat::{Address, SessionId};
use crate::time::Instant;
use crate::transfer::MIN_BUDGET;

/// Number of downloads that hold bytes, by network and by session.
#[derive(Debug, Default)]
struct Holders(BTreeMap<Option<Network>, BTreeMap<SessionId, u64>>);

/// The widest network that an address is in: whoever has a /48 of IPv6 has one share. Addresses that no limit counts, such
/// as loopback, have one together.
fn party(address: Option<Address>) -> Option<Network> {
    address.and_then(|address| address.networks().next_back())
}

impl Holders {
    fn add(&mut self, address: Option<Address>, session: SessionId) {
        *self.0.entry(party(address)).or_default().entry(session).or_default() += 1;
    }

    /// Bytes for one download of this session; it is among the holders.
    fn share(&self, limits: &TransferLimits, address: Option<Address>, session: SessionId) -> u64 {
        let reserved = limits.places() * MIN_BUDGET;
        let sessions = self.0.get(&party(address));
        let downloads = sessions.and_then(|sessions| sessions.get(&session)).copied().unwrap_or(1);
        let sessions = sessions.map_or(1, |sessions| sessions.len() as u64);
        let parties = (self.0.len() as u64).max(1);
        MIN_BUDGET + limits.memory.saturating_sub(reserved) / parties / sessions / downloads
    }
}

impl TransferLimits {
    /// Downloads at once: as many as may be, and as the memory has places for.
    pub(super) fn places(&self) -> u64 {
        u64::from(self.downloads).min(self.memory / MIN_BUDGET)
    }
}

impl Server {
    /// Bytes for another download of this session.
    pub(super) fn memory_for(&self, address: Option<Address>, session: SessionId) -> u64 {
        let mut holders = self.holders();
        holders.add(address, session);
        holders.share(&self.config.transfer, address, session)
    }

    /// Another download holds bytes, or one does no more: everybody's share is another.
    pub(super) fn share_out_memory(&mut self, now: Instant) {
        let holders = self.holders();
        let limits = &self.config.transfer;
        let mut changed = Vec::new();
        for (transfer, download) in self.downloads.iter_mut().filter(|(_, it)| it.holds_memory) {
            let budget = holders.share(limits, download.address, download.session);
            if let Some(sender) = download.sender() {
                sender.set_budget(now, budget);
                changed.push(*transfer);
            }
        }
        for transfer in changed {
            self.collect(now, transfer);
        }
    }

    fn holders(&self) -> Holders {
        let mut holders = Holders::default();
        for download in self.downloads.values().filter(|it| it.holds_memory) {
            holders.add(download.address, download.session);
        }
        holders
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Option<Address> {
        Some(Address::of([192, 0, 2, last].into()))
    }

    /// All shares, of as many downloads a session as each address has.
    fn shares(limits: &TransferLimits, addresses: &[&[u64]]) -> Vec<u64> {
        let mut holders = Holders::default();
        let mut all = Vec::new();
        for (last, sessions) in (0..).zip(addresses) {
            for (session, downloads) in (0..).zip(sessions.iter()) {
                for _ in 0..*downloads {
                    let session = SessionId(u64::from(last) * 1000 + session);
                    holders.add(address(last), session);
                    all.push((address(last), session));
                }
            }
        }
        all.iter().map(|&(address, session)| holders.share(limits, address, session)).collect()
    }

    #[test]
    fn whoever_takes_many_places_takes_them_from_itself() {
        let limits = TransferLimits::default();
        let alone = shares(&limits, &[&[1]])[0];
        let beside = shares(&limits, &[&[1], &[8; 31]]);
        assert_eq!(beside.len(), 249);
        assert!(beside[0] >= alone / 2, "{} of {alone}", beside[0]);
        // And within an address by session.
        let beside = shares(&limits, &[&[1, 200]]);
        assert!(beside[0] >= alone / 2 && beside[1] < alone / 100, "{} {} of {alone}", beside[0], beside[1]);
    }

    #[test]
    fn all_shares_together_are_within_the_budget_and_each_is_enough() {
        for limits in [
            TransferLimits::default(),
            TransferLimits { memory: 0, ..TransferLimits::default() },
            TransferLimits { memory: 1 << 20, ..TransferLimits::default() },
            TransferLimits { downloads: 100_000, ..TransferLimits::default() },
        ] {
            for addresses in [&[&[1][..]][..], &[&[3, 1], &[2; 4], &[40]], &[&[1][..]; 50]] {
                let shares = shares(&limits, addresses);
                let fits = u64::try_from(shares.len()).expect("few") <= limits.places();
                assert!(!fits || shares.iter().sum::<u64>() <= limits.memory, "{limits:?} {shares:?}");
                assert!(shares.iter().all(|share| *share >= MIN_BUDGET), "{shares:?}");
            }
        }
    }
}
