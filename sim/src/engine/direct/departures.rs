//! Datagrams that wait in queues whose decisions come when a packet's turn does.

use std::net::SocketAddrV4;

use backchat_core::wire::Packet;

use super::agenda::What;
use super::environment::Environment;
use super::flights::Filling;
use crate::engine::network::Sent;
use crate::link::Verdict;

/// A datagram, as it was sent.
#[derive(Clone, Debug)]
pub(super) struct Held {
    packet: Packet,
    filling: Filling,
    from: SocketAddrV4,
    to: SocketAddrV4,
}

impl Environment {
    /// A datagram waits.
    pub(super) fn hold(
        &mut self,
        sent: &Sent,
        (from, to): (SocketAddrV4, SocketAddrV4),
        packet: &Packet,
        filling: &Filling,
    ) {
        let held = Held { packet: packet.clone(), filling: filling.clone(), from, to };
        self.held.insert(sent.id, held);
        self.enter_departures();
    }

    /// Sends on what has left its queue by now, and forgets what was dropped there.
    pub(super) fn depart(&mut self) {
        self.departures_at = self.departures_at.filter(|at| *at > self.now());
        while let Some(sent) = self.network.poll_departure(self.now()) {
            let Some(Held { packet, filling, from, to }) = self.held.remove(&sent.id) else { continue };
            if let Verdict::Passed(copies) = sent.verdict {
                self.fly(&sent, &copies, (from, to), (&packet, &filling));
            }
        }
        self.enter_departures();
    }

    /// Enters the next decision, if it is not entered already.
    fn enter_departures(&mut self) {
        let Some(at) = self.network.next_departure().map(|at| at.max(self.now())) else { return };
        if self.departures_at.is_none_or(|entered| at < entered) {
            self.departures_at = Some(at);
            self.agenda.enter(at, What::Departures);
        }
    }
}
