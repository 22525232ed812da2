//! What was offered to the links of a run, in order: which packets somebody could have done something to.

use backchat_core::time::Instant;

use crate::link::{Identity, PacketRef, Passing};
use crate::trace::{Event, NetEvent, Node, Record, Sink};

/// A datagram that was offered to a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// When.
    pub at: Instant,
    /// Which direction: `server->alice`.
    pub direction: Node,
    /// Its number in that direction.
    pub ordinal: u64,
    /// Bytes of UDP payload.
    pub length: usize,
    /// What it is, with the number of its download; `None`: nothing of ours.
    pub identity: Option<Identity>,
}

impl Offer {
    /// What a link is told of it.
    pub fn passing(&self) -> Option<Passing> {
        let identity = self.identity?;
        Some(Passing { kind: identity.kind, at: identity.at, download: identity.download.unwrap_or(1) })
    }

    /// How a fault names it: by what it is, if it is one of ours.
    pub fn name(&self) -> PacketRef {
        self.identity.map_or(PacketRef::Ordinal(self.ordinal), PacketRef::Identity)
    }
}

/// Every datagram that was offered, in the order of the run.
#[derive(Debug, Default)]
pub struct Offers(Vec<Offer>);

impl Offers {
    /// All of them.
    pub fn all(&self) -> &[Offer] {
        &self.0
    }

    /// Those of one direction.
    pub fn of<'a>(&'a self, direction: &'a str) -> impl Iterator<Item = &'a Offer> {
        self.0.iter().filter(move |offer| *offer.direction == *direction)
    }
}

impl Sink for Offers {
    fn record(&mut self, record: &Record) {
        let Event::Net(NetEvent::Offered { ordinal, length, what, .. }) = &record.event else { return };
        // A trace leaves the number of a path's first download out, where a fault would mean any.
        let identity = what.identity().map(|it| Identity { download: it.download.or(Some(1)), ..it });
        self.0.push(Offer {
            at: record.at,
            direction: record.node,
            ordinal: *ordinal,
            length: usize::try_from(*length).unwrap_or(usize::MAX),
            identity,
        });
    }
}
