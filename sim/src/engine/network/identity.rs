//! What a datagram is called: `data@12000#2`, and before that `2:` where it is of the path's second download.

use backchat_core::wire::{Packet, TransferId};

use super::Way;
use crate::link::{self, Passing};
use crate::trace::Datagram;

/// What was sent on one client's path so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Downloads of this path, in the order of their first packets.
    downloads: Vec<TransferId>,
    /// What went each way.
    up: link::Names,
    down: link::Names,
}

impl Names {
    /// What a packet is.
    pub(super) fn passing(&mut self, packet: &Packet) -> Passing {
        let known = self.downloads.iter().rposition(|transfer| *transfer == packet.transfer);
        let place = known.unwrap_or_else(|| {
            self.downloads.push(packet.transfer);
            self.downloads.len() - 1
        });
        Passing::of(packet, u32::try_from(place + 1).unwrap_or(u32::MAX))
    }

    /// The name of the next one that is sent `way`.
    pub(super) fn name_of(&mut self, way: Way, passing: Option<&Passing>) -> Datagram {
        let names = match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        };
        passing.map_or(Datagram::Unknown, |passing| Datagram::Packet(names.next(passing)))
    }
}
