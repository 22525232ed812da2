//! Whose prefix is hashed next.
//!
//! A stranger can have a server hash a gigabyte with a line of a hundred bytes. So hashing is cut into slices, and
//! after each one it is somebody else's turn: addresses take turns, within an address its sessions, and within a
//! session what has least left goes first. Whoever comes waits for at most one slice of each other address.

use std::collections::BTreeMap;

use backchat_core::chat::{Address, SessionId};
use backchat_core::node::Asker;
use backchat_core::wire::TransferId;

/// Prefixes that wait for their turn: at most one for each download of the server.
#[derive(Debug, Default)]
pub(super) struct Turns {
    waiting: Vec<Waiting>,
    /// How many turns there were.
    turn: u64,
    /// The turn that each had last, or in which it came; of those that wait.
    addresses: BTreeMap<Address, u64>,
    sessions: BTreeMap<SessionId, u64>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    transfer: TransferId,
    asker: Asker,
    /// Bytes.
    left: u64,
}

impl Turns {
    /// A prefix with so many bytes left waits for its turn.
    pub(super) fn push(&mut self, transfer: TransferId, asker: Asker, left: u64) {
        self.addresses.entry(asker.address).or_insert(self.turn);
        self.sessions.entry(asker.session).or_insert(self.turn);
        self.waiting.push(Waiting { transfer, asker, left });
    }

    /// Whose turn it is.
    pub(super) fn pop(&mut self) -> Option<TransferId> {
        let last = |waiting: &Waiting| {
            let address = self.addresses.get(&waiting.asker.address).copied();
            let session = self.sessions.get(&waiting.asker.session).copied();
            (address, session, waiting.left)
        };
        let (place, _) = self.waiting.iter().enumerate().min_by_key(|(_, waiting)| last(waiting))?;
        let Waiting { transfer, asker, .. } = self.waiting.remove(place);
        self.turn += 1;
        self.addresses.insert(asker.address, self.turn);
        self.sessions.insert(asker.session, self.turn);
        self.forget(asker);
        Some(transfer)
    }

    /// Nobody waits for this any more.
    pub(super) fn remove(&mut self, transfer: TransferId) {
        if let Some(place) = self.waiting.iter().position(|it| it.transfer == transfer) {
            let Waiting { asker, .. } = self.waiting.remove(place);
            self.forget(asker);
        }
    }

    /// Who waits for nothing comes anew the next time: at the end.
    fn forget(&mut self, asker: Asker) {
        if self.waiting.iter().all(|it| it.asker.address != asker.address) {
            self.addresses.remove(&asker.address);
        }
        if self.waiting.iter().all(|it| it.asker.session != asker.session) {
            self.sessions.remove(&asker.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asker(host: u8, session: u64) -> Asker {
        Asker { address: Address::of([192, 0, 2, host].into()), session: SessionId(session) }
    }

    #[test]
    fn addresses_take_turns_then_sessions_and_the_smallest_is_first() {
        let mut turns = Turns::default();
        // One address with three sessions, the last of which has a small one too.
        for (transfer, session, left) in [(1, 1, 100), (2, 2, 100), (3, 3, 100), (4, 3, 1)] {
            turns.push(TransferId(transfer), asker(1, session), left);
        }
        turns.push(TransferId(9), asker(2, 9), 1_000);
        let order: Vec<u64> = std::iter::from_fn(|| turns.pop()).map(|it| it.0).collect();
        assert_eq!(order, [4, 9, 1, 2, 3]);
        assert!(turns.addresses.is_empty() && turns.sessions.is_empty());
    }

    #[test]
    fn nobody_waits_for_more_than_one_turn_of_each_other_address() {
        for crowd in 1..=64_u8 {
            let mut turns = Turns::default();
            turns.push(TransferId(0), asker(0, 0), u64::MAX);
            // Each of the others is there already, and comes back at once whenever it was served.
            for host in 1..=crowd {
                turns.push(TransferId(host.into()), asker(host, host.into()), 1);
            }
            let mut waited = 0;
            for _ in 0..1_000 {
                let Some(transfer) = turns.pop() else { panic!("somebody waits") };
                if transfer == TransferId(0) {
                    waited = 0;
                    turns.push(transfer, asker(0, 0), u64::MAX);
                    continue;
                }
                waited += 1;
                assert!(waited <= crowd, "{waited} turns of {crowd} others");
                let host = u8::try_from(transfer.0).unwrap();
                turns.push(transfer, asker(host, transfer.0), 1);
            }
        }
    }

    #[test]
    fn who_is_removed_has_no_turn() {
        let mut turns = Turns::default();
        turns.push(TransferId(1), asker(1, 1), 10);
        turns.remove(TransferId(1));
        turns.remove(TransferId(2));
        assert_eq!(turns.pop(), None);
        assert!(turns.addresses.is_empty() && turns.sessions.is_empty());
    }
}
