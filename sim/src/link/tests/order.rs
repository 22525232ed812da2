//! The order of impairments, and exact times.

use super::*;

fn blackout(at: u64, lasts: u64) -> Fault {
    Fault { schedule: Schedule::once(ms(at), span(lasts)), kind: FaultKind::Blackout }
}

/// 1 ms for a datagram of 1222 bytes, 1250 with headers.
fn ten_megabit(mut profile: Profile) -> Profile {
    profile.rate = NonZeroU64::new(10_000_000).map(Rate::Constant);
    profile
}

const MILLISECOND: usize = 1222;

fn reasons(link: &mut Link, offers: &[(u64, usize)]) -> Vec<Option<DropReason>> {
    let verdicts = offers.iter().map(|&(at, length)| link.offer(ms(at), length, None).verdict);
    let reason = |verdict| match verdict {
        Verdict::Dropped(reason) => Some(reason),
        Verdict::Passed(_) | Verdict::Queued => None,
    };
    verdicts.map(reason).collect()
}

#[test]
fn a_clean_link_delays_and_nothing_else() {
    let mut link = link(Profile { delay: span(15), ..Profile::default() });
    let offered = link.offer(ms(7), LENGTH, None);
    assert_eq!((offered.ordinal, offered.departed, offered.keep), (1, ms(7), false));
    let copies = copies(&offered.verdict).unwrap();
    assert_eq!((copies.len(), copies[0].at, copies[0].damage), (1, ms(22), Damage::NONE));
}

#[test]
fn a_packet_is_on_the_line_then_on_its_way() {
    let mut link = link(ten_megabit(Profile { delay: span(15), ..Profile::default() }));
    let arrivals: Vec<_> =
        (0..3).map(|_| copies(&link.offer(ms(0), MILLISECOND, None).verdict).unwrap()[0].at).collect();
    assert_eq!(arrivals, [ms(16), ms(17), ms(18)]);
}

#[test]
fn twenty_five_wait_and_the_next_is_dropped() {
    let mut link = link(ten_megabit(Profile::default()));
    let found = reasons(&mut link, &[(0, MILLISECOND); 28]);
    assert_eq!(found.iter().position(Option::is_some), Some(26));
    assert_eq!(found[26..], [Some(DropReason::QueueFull); 2]);
    assert_eq!(reasons(&mut link, &[(1, MILLISECOND)]), [None]);
}

#[test]
fn a_packet_with_its_headers_must_fit_the_mtu() {
    let mut link = link(Profile::default());
    assert_eq!(reasons(&mut link, &[(0, 1472), (0, 1473)]), [None, Some(DropReason::Mtu)]);
    assert_eq!(reasons(&mut link, &[(0, usize::MAX)]), [Some(DropReason::Mtu)]);
}

#[test]
fn the_first_reason_in_the_order_counts() {
    let profile = ten_megabit(Profile {
        loss: Loss::Runs(runs("1", 0)),
        queue: QueueLimit::Packets(0),
        ..Profile::default()
    });
    let faults = vec![blackout(100, 100), always(FaultKind::Drop(vec![PacketRef::Ordinal(2)]))];
    let mut link = faulty(profile, faults);
    let offers =
        [(100, 1473), (100, MILLISECOND), (100, MILLISECOND), (100, MILLISECOND), (199, MILLISECOND)];
    use DropReason::{Blackout, Explicit, Loss as Lost, Mtu, QueueFull};
    let expected = [Mtu, Explicit, Blackout, QueueFull, Lost].map(Some);
    assert_eq!(reasons(&mut link, &offers), expected);
    assert_eq!(link.offer(ms(300), 1, None).ordinal, 6, "every datagram that was offered counts");
}

#[test]
fn what_is_dropped_by_name_uses_no_bandwidth_and_what_is_lost_does() {
    let drop = always(FaultKind::Drop(vec![PacketRef::Ordinal(1)]));
    let mut named = faulty(ten_megabit(Profile::default()), vec![drop]);
    named.offer(ms(0), MILLISECOND, None);
    assert_eq!(named.offer(ms(0), MILLISECOND, None).departed, ms(1));
    let mut lossy = link(ten_megabit(Profile { loss: Loss::Runs(runs("1", 0)), ..Profile::default() }));
    lossy.offer(ms(0), MILLISECOND, None);
    assert_eq!(lossy.offer(ms(0), MILLISECOND, None).departed, ms(2));
}

#[test]
fn a_policer_stands_before_the_queue_and_what_it_drops_uses_no_bandwidth() {
    let policer = Policer { rate: NonZeroU64::new(10_000_000).unwrap(), burst: 3_750 };
    let queue = QueueLimit::Packets(1);
    let profile = ten_megabit(Profile { policer: Some(policer), queue, ..Profile::default() });
    let mut link = link(profile);
    // The burst is three packets; one is in transmission, one waits, and the third finds no room.
    let (policed, full) = (Some(DropReason::Policed), Some(DropReason::QueueFull));
    assert_eq!(reasons(&mut link, &[(0, MILLISECOND); 4]), [None, None, full, policed]);
    // Another one is allowed after a millisecond, as the second of the two goes out.
    assert_eq!(link.offer(ms(1), MILLISECOND, None).departed, ms(3));
}

#[test]
fn a_policer_goes_on_when_the_links_are_healed() {
    let policer = Policer { rate: NonZeroU64::new(8_000).unwrap(), burst: 1_250 };
    let profile = Profile { policer: Some(policer), ..Profile::default() };
    let plan = Plan { profile, heal: Some(ms(1)), ..Plan::default() };
    let mut link = Link::new(&Seed::from_number(1), "a->b", &plan);
    let policed = Some(DropReason::Policed);
    assert_eq!(reasons(&mut link, &[(2, MILLISECOND), (2, MILLISECOND)]), [None, policed]);
}

#[test]
fn batches_are_handed_over_at_multiples_of_their_interval() {
    let mut link = link(Profile { delay: span(3), aggregate: span(5), ..Profile::default() });
    let arrivals: Vec<_> = [0, 1, 2, 3, 7, 8]
        .map(|at| copies(&link.offer(ms(at), MILLISECOND, None).verdict).unwrap()[0].at)
        .to_vec();
    assert_eq!(arrivals, [5, 5, 5, 10, 10, 15].map(ms));
}

#[test]
fn a_rate_that_falls_makes_the_queue_longer() {
    let steps = [(0, 10_000_000), (1, 1_000_000)]
        .map(|(millis, rate)| RateStep { at: span(millis), rate: NonZeroU64::new(rate).unwrap() });
    let rate = Some(Rate::Steps(RateSteps::new(&steps, None).unwrap()));
    let mut link = link(Profile { rate, queue: QueueLimit::Packets(2), ..Profile::default() });
    let departed: Vec<_> = (0..3).map(|_| link.offer(ms(0), MILLISECOND, None).departed).collect();
    assert_eq!(departed, [ms(1), ms(11), ms(21)]);
    // Where 10 Mbit/s had sent it long ago, the third still waits.
    let full = Some(DropReason::QueueFull);
    assert_eq!(reasons(&mut link, &[(5, MILLISECOND), (5, MILLISECOND)]), [None, full]);
}

#[test]
fn a_blackout_takes_what_leaves_the_queue_in_it_and_not_what_is_on_its_way() {
    let mut link =
        faulty(ten_megabit(Profile { delay: span(15), ..Profile::default() }), vec![blackout(10, 5)]);
    let offers = [(8, MILLISECOND), (8, MILLISECOND), (13, MILLISECOND), (14, MILLISECOND)];
    let black = Some(DropReason::Blackout);
    // They are out at 9, 10, 14 and 15 ms.
    assert_eq!(reasons(&mut link, &offers), [None, black, black, None]);
}

#[test]
fn healing_ends_faults_and_chances_and_leaves_the_path_as_long_as_it_was() {
    let profile = ten_megabit(Profile {
        delay: span(15),
        jitter: span(5),
        loss: Loss::Runs(runs("1", 0)),
        corrupt: runs("1", 0),
        duplicate: late("1", 5),
        reorder: late("1", 5),
        ..Profile::default()
    });
    let faults =
        vec![Fault { schedule: Schedule { at: ms(40), ..Schedule::ALWAYS }, kind: FaultKind::Blackout }];
    let plan = Plan { profile, faults, heal: Some(ms(50)) };
    let mut link = Link::new(&Seed::from_number(1), "a->b", &plan);
    assert_eq!(
        reasons(&mut link, &[(0, MILLISECOND), (40, MILLISECOND)]),
        [Some(DropReason::Loss), Some(DropReason::Blackout)]
    );
    // Out at 50 ms: clean.
    let offered = link.offer(ms(49), MILLISECOND, None);
    let copies = copies(&offered.verdict).unwrap();
    assert_eq!((copies.len(), copies[0].at, copies[0].damage), (1, ms(65), Damage::NONE));
}

#[test]
fn a_packet_may_overtake_another() {
    let mut link = link(Profile { jitter: span(50), ..Profile::default() });
    let arrivals: Vec<_> = fates(&mut link, 100).iter().map(|fate| copies(fate).unwrap()[0].at).collect();
    assert!(!arrivals.is_sorted());
}

#[test]
fn every_datagram_is_in_exactly_one_place() {
    let profile = ten_megabit(Profile {
        loss: Loss::Runs(runs("0.3", 0)),
        duplicate: late("0.3", 5),
        ..Profile::default()
    });
    let mut link = link(profile);
    // Ten at a time, every two milliseconds: the queue overflows.
    for burst in 0..100 {
        for _ in 0..10 {
            link.offer(ms(burst * 2), MILLISECOND, None);
        }
    }
    let counters = *link.counters();
    assert!(counters.is_conserved());
    assert_eq!(counters.offered, 1000);
    assert!(counters.dropped(DropReason::QueueFull) > 0 && counters.dropped(DropReason::Loss) > 0);
    for nth in 0..counters.queued {
        match nth % 3 {
            0 => link.on_undelivered(DropReason::Unreachable),
            _ => link.on_delivered(),
        }
        assert!(link.counters().is_conserved());
    }
    assert_eq!(link.counters().queued, 0);
}
