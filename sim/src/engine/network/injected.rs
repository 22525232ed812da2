//! Datagrams that nobody sent.

use std::net::SocketAddrV4;

use backchat_core::time::Instant;
use bytes::Bytes;

use super::{ClientIndex, Network, Way, server_udp};
use crate::link::{DropReason, InjectedWhat};
use crate::trace::event::INJECTED;
use crate::trace::{Datagram, NetEvent};

/// A datagram that nobody sent, at its receiver's.
pub(in crate::engine) struct Injected {
    client: ClientIndex,
    way: Way,
    ordinal: u64,
    /// Where it seems to come from.
    pub(in crate::engine) from: SocketAddrV4,
    /// Where it arrives.
    pub(in crate::engine) to: SocketAddrV4,
    /// Its bytes.
    pub(in crate::engine) bytes: Bytes,
}

impl<S> Network<S> {
    /// How many clients there are.
    pub(in crate::engine) fn clients(&self) -> usize {
        self.clients.len()
    }

    /// When something is injected next.
    pub(in crate::engine) fn next_injection(&mut self, client: ClientIndex, way: Way) -> Option<Instant> {
        self.link(client, way)?.next_injection()
    }

    /// What a fault has injected by `now`. What became of it has to be told to [`Self::injected`].
    pub(in crate::engine) fn poll_injection(
        &mut self,
        now: Instant,
        client: ClientIndex,
        way: Way,
    ) -> Option<Injected> {
        let injected = self.link(client, way)?.poll_injection(now)?;
        let direction = self.direction(client, way)?;
        direction.injected += 1;
        let ordinal = INJECTED + direction.injected;
        let (bytes, what): (Bytes, Datagram) = match injected.what {
            InjectedWhat::Bytes(bytes) => (bytes.into(), Datagram::Bytes),
            InjectedWhat::Replay(of) => {
                let bytes = direction.kept.get(&of).cloned().unwrap_or_default();
                (bytes, Datagram::Replay(of))
            }
        };
        let name = direction.name;
        let length = bytes.len() as u64;
        self.recorder.add(now, name, NetEvent::Injected { ordinal, length, what });
        let its = self.sockets.seen_at(client);
        let (from, to) = match way {
            Way::Up => (its, server_udp()),
            Way::Down => (server_udp(), its),
        };
        Some(Injected { client, way, ordinal, from, to, bytes })
    }

    /// What became of it.
    pub(in crate::engine) fn injected(
        &mut self,
        now: Instant,
        injected: &Injected,
        taken: Result<(), DropReason>,
    ) {
        let Injected { client, way, ordinal, ref bytes, .. } = *injected;
        self.came_to_its_end(now, (client, way), (ordinal, 0), bytes.len(), taken);
    }
}
