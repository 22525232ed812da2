//! What a datagram is called: `data@12000#2`, and before that `2:` where it is of the path's second download.

use std::collections::BTreeMap;

use backchat_core::wire::{Packet, TransferId};

use super::Way;
use crate::link::{Identity, Passing};
use crate::trace::Name;

/// What was sent on one client's path so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Downloads of this path, in the order of their first packets.
    downloads: Vec<TransferId>,
    /// How often each packet was sent so far, in both directions.
    sent: BTreeMap<(Way, Identity), u32>,
}

impl Names {
    /// What a packet is.
    pub(super) fn passing(&mut self, packet: &Packet) -> Passing {
        let known = self.downloads.iter().position(|transfer| *transfer == packet.transfer);
        let place = known.unwrap_or_else(|| {
            self.downloads.push(packet.transfer);
            self.downloads.len() - 1
        });
        Passing::of(packet, u32::try_from(place + 1).unwrap_or(u32::MAX))
    }

    /// The name of the next one that is sent `way`.
    pub(super) fn name_of(&mut self, way: Way, passing: Option<&Passing>) -> Name {
        let Some(passing) = passing else { return Name::of("unknown") };
        let download = Some(passing.download);
        let first = Identity { download, kind: passing.kind, at: passing.at, nth: 1 };
        let nth = self.sent.entry((way, first)).and_modify(|nth| *nth = nth.saturating_add(1)).or_insert(1);
        let identity = Identity { download: download.filter(|it| *it > 1), nth: *nth, ..first };
        identity.to_string().into()
    }
}
