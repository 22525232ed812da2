//! Faults that name their packets, by ordinal and by identity.

use backchat_core::wire::Kind;

use super::*;
use crate::link::Passing;

fn data(offset: u64, download: u32) -> Passing {
    Passing { kind: Kind::Data, at: Some(offset), download }
}

fn named(text: &str) -> Vec<PacketRef> {
    vec![PacketRef::Identity(text.parse().unwrap())]
}

/// Which of these packets are dropped, counted from 0.
fn dropped(fault: Fault, packets: &[Passing]) -> Vec<usize> {
    let mut link = faulty(Profile::default(), vec![fault]);
    let mut hit = Vec::new();
    for (nth, packet) in packets.iter().enumerate() {
        if link.offer(ms(nth as u64), LENGTH, Some(packet)).verdict == Verdict::Dropped(DropReason::Explicit)
        {
            hit.push(nth);
        }
    }
    hit
}

#[test]
fn an_identity_is_the_nth_transmission_of_that_segment() {
    let packets = [data(0, 1), data(1200, 1), data(0, 1), data(1200, 2), data(1200, 1), data(1200, 1)];
    let drop = |text| dropped(always(FaultKind::Drop(named(text))), &packets);
    assert_eq!(drop("data@0"), [0]);
    assert_eq!(drop("data@0#2"), [2]);
    assert_eq!(drop("data@1200#2"), [3], "of any download");
    assert_eq!(drop("1:data@1200#2"), [4]);
    assert_eq!(drop("data#5"), [4], "at any offset");
    assert_eq!(drop("ack@0"), [0; 0]);
    assert_eq!(drop("data@0#3"), [0; 0]);
}

#[test]
fn ordinals_count_every_packet_from_one() {
    let packets = [data(0, 1); 6];
    let refs = [6, 1, 3].map(PacketRef::Ordinal).to_vec();
    assert_eq!(dropped(always(FaultKind::Drop(refs)), &packets), [0, 2, 5]);
}

#[test]
fn a_fault_that_is_not_on_names_nobody_but_counts() {
    let packets = [data(0, 1); 6];
    // Packets 0 to 5 come at 0 to 5 ms.
    let fault =
        |at, text| Fault { schedule: Schedule::once(ms(at), span(2)), kind: FaultKind::Drop(named(text)) };
    assert_eq!(dropped(fault(3, "data@0#2"), &packets), [0; 0]);
    assert_eq!(dropped(fault(3, "data@0#5"), &packets), [4]);
}

#[test]
fn a_named_packet_is_duplicated_damaged_or_late() {
    let one = || vec![PacketRef::Ordinal(1)];
    let first = |kinds: Vec<FaultKind>| {
        let mut link = faulty(Profile::default(), kinds.into_iter().map(always).collect());
        let verdict = link.offer(ms(0), LENGTH, None).verdict;
        // The second packet is never touched.
        let second = link.offer(ms(0), LENGTH, None).verdict;
        let second = copies(&second).unwrap();
        assert_eq!((second.len(), second[0].at, second[0].damage), (1, ms(0), Damage::NONE));
        *copies(&verdict).unwrap()
    };
    let late = Duration::from_millis(20);
    let twice = first(vec![FaultKind::Duplicate(one(), late)]);
    assert_eq!((twice.len(), twice[1].at - twice[0].at), (2, late));
    let corrupt = first(vec![FaultKind::Corrupt(one())])[0].damage;
    assert!((1..=8).contains(&corrupt.flipped_bits(LENGTH)));
    assert!(first(vec![FaultKind::Truncate(one())])[0].damage.is_truncated());
    assert_eq!(first(vec![FaultKind::Delay(one(), span(30))])[0].at, ms(30));
    let sum = vec![FaultKind::Delay(one(), span(30)), FaultKind::Delay(one(), span(12))];
    assert_eq!(first(sum)[0].at, ms(42));
    let both = first(vec![FaultKind::Duplicate(one(), Duration::ZERO), FaultKind::Corrupt(one())]);
    assert!(both.iter().all(|copy| !copy.damage.is_none()), "every copy");
    assert_ne!(both[0].damage, both[1].damage, "each by itself");
}

#[test]
fn an_empty_datagram_can_be_named_for_anything() {
    let kinds =
        [FaultKind::Corrupt(vec![PacketRef::Ordinal(1)]), FaultKind::Truncate(vec![PacketRef::Ordinal(1)])];
    let mut link = faulty(Profile::default(), kinds.into_iter().map(always).collect());
    let verdict = link.offer(ms(0), 0, None).verdict;
    let mut bytes = Vec::new();
    copies(&verdict).unwrap()[0].damage.apply(&mut bytes);
    assert!(bytes.is_empty());
}
