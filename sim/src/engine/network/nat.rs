//! A translator of addresses (NAT) before a client, which forgets.
//!
//! It gives what the client sends a port of its own, and brings back what comes to that port. When the client has sent
//! nothing for a while the port is given up: what comes to it is lost, and what the client sends next leaves from another.
//! What comes from outside keeps no mapping alive; RFC 4787 §4.3 demands that of datagrams from inside alone.

use core::time::Duration;

use backchat_core::time::Instant;

/// What is before one client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nat {
    /// `None`: there is none, or one that never forgets.
    forgets_after: Option<Duration>,
    last_sent: Option<Instant>,
}

impl Nat {
    pub(super) const fn new(forgets_after: Option<Duration>) -> Self {
        Self { forgets_after, last_sent: None }
    }

    /// Returns true if the client has a mapping no more.
    pub(super) fn has_forgotten(&self, now: Instant) -> bool {
        let Self { forgets_after, last_sent } = *self;
        last_sent.zip(forgets_after).is_some_and(|(last, after)| now.saturating_since(last) >= after)
    }

    /// The client sends something.
    pub(super) fn on_sent(&mut self, now: Instant) {
        self.last_sent = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::seed::Seed;

    use super::*;
    use crate::engine::network::{ClientIndex, Network};
    use crate::scenario::Scenario;

    #[test]
    fn what_comes_to_a_forgotten_port_finds_nobody_and_what_goes_leaves_from_another() {
        let scenario = Scenario::parse("duration = \"9s\"\n[clients.ann]\nnat = \"1s\"").unwrap();
        let mut network = Network::<()>::new(&Seed::from_number(0), &scenario);
        let (socket, first) = network.sockets().bind_client(ClientIndex(0), ());
        let at = Instant::from_millis;
        assert_eq!(network.sends_from(at(0), socket), Some(first));
        assert!(network.reached(at(999), first).is_some() && network.reached(at(1_000), first).is_none());
        let second = network.sends_from(at(1_500), socket).unwrap();
        assert_ne!(second, first);
        assert!(network.reached(at(1_500), first).is_none() && network.reached(at(2_499), second).is_some());
    }

    #[test]
    fn a_mapping_lasts_from_each_datagram_for_as_long() {
        let at = Instant::from_millis;
        let mut nat = Nat::new(Some(Duration::from_millis(100)));
        assert!(!nat.has_forgotten(at(9_000)), "what has sent nothing has nothing to forget");
        nat.on_sent(at(9_000));
        assert!(!nat.has_forgotten(at(9_099)));
        nat.on_sent(at(9_099));
        assert!(!nat.has_forgotten(at(9_198)) && nat.has_forgotten(at(9_199)));
        let mut never = Nat::new(None);
        never.on_sent(at(0));
        assert!(!never.has_forgotten(at(1 << 30)));
    }
}
