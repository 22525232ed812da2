//! Fewer and shorter files.
//!
//! A file is cut at its end; or at its beginning, and then the packets that faults name move with their bytes: a
//! loss in the middle of a mebibyte becomes one near the beginning of a few segments.

use super::{Case, Oracle, below, changed, packets_mut};
use crate::link::{Identity, PacketRef};

/// Without one of them.
pub(super) fn fewer(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let without = |place: usize| {
        let mut without = case.clone();
        without.base.server.files.remove(place);
        without
    };
    (0..case.base.server.files.len()).map(without).collect()
}

/// One of them shorter by segments: nothing, one segment, and so on.
pub(super) fn shorter(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let segment = u64::from(case.base.transfer.segment).max(1);
    let mut candidates = Vec::new();
    for (place, file) in case.base.server.files.iter().enumerate() {
        let size = |case: &mut Case, bytes: u64| {
            if let Some(file) = case.base.server.files.get_mut(place) {
                file.size = bytes;
            }
        };
        for segments in below(file.size.div_ceil(segment), 0) {
            // Whole segments, or with as long a last one as there was.
            for bytes in [segments * segment, segments * segment + file.size % segment] {
                let mut cut = case.clone();
                size(&mut cut, bytes.min(file.size));
                candidates.push(cut);
            }
        }
        let lowest = lowest(case).unwrap_or(0) / segment;
        for segments in below(lowest, 0) {
            let away = (lowest - segments) * segment;
            let Some(left) = file.size.checked_sub(away) else { continue };
            let mut cut = moved(case, away);
            size(&mut cut, left);
            candidates.push(cut);
        }
    }
    changed(case, candidates)
}

/// The lowest place in a file, above its beginning, that a fault names.
fn lowest(case: &Case) -> Option<u64> {
    let mut atoms = case.atoms.clone();
    let places = atoms.iter_mut().flat_map(packets_mut).filter_map(|packet| match packet {
        PacketRef::Identity(identity) => identity.at.filter(|at| *at > 0),
        PacketRef::Ordinal(_) => None,
    });
    places.min()
}

/// All named packets, so many bytes nearer to the beginning.
fn moved(case: &Case, away: u64) -> Case {
    let mut moved = case.clone();
    for packet in moved.atoms.iter_mut().flat_map(packets_mut) {
        if let PacketRef::Identity(identity) = packet {
            let at = identity.at.map(|at| at.saturating_sub(away));
            *packet = PacketRef::Identity(Identity { at, ..*identity });
        }
    }
    moved
}
