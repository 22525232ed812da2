//! One kind's fates do not move when another kind is switched on; a link's not when there is another link.

use super::*;

/// Every kind at once.
fn everything() -> Profile {
    Profile {
        delay: span(15),
        jitter: span(3),
        loss: Loss::Runs(runs("0.2", 3)),
        corrupt: runs("0.3", 2),
        truncate: runs("0.3", 2),
        duplicate: late("0.3", 20),
        reorder: late("0.3", 50),
        ..Profile::default()
    }
}

const COUNT: u64 = 20_000;

/// For each packet and each kind what it says of the packets that both links let through.
#[track_caller]
fn assert_same(name: &str, other: Profile, look: impl Fn(&Copies) -> Vec<u64>) {
    let (one, two) = (fates(&mut link(everything()), COUNT), fates(&mut link(other), COUNT));
    let mut compared = 0;
    for (nth, pair) in one.iter().zip(&two).enumerate() {
        if let (Some(one), Some(two)) = (copies(pair.0), copies(pair.1)) {
            assert_eq!(look(one), look(two), "{name}: packet {}", nth + 1);
            compared += 1;
        }
    }
    assert!(compared > COUNT / 2, "{name}");
}

/// Times and damages of all copies.
fn all(copies: &Copies) -> Vec<u64> {
    let mut seen = Vec::new();
    for copy in copies.iter() {
        seen.extend([u64::from(copy.number), copy.at.as_nanos(), copy.damage.length(LENGTH) as u64]);
        seen.extend(copy.damage.bits(LENGTH).map(|bit| bit as u64));
    }
    seen
}

fn times(copies: &Copies) -> Vec<u64> {
    copies.iter().map(|copy| copy.at.as_nanos()).collect()
}

fn first_only(copies: &Copies) -> Vec<u64> {
    all(&Copies::of(copies[0]))
}

#[test]
fn switching_a_kind_off_leaves_the_others_where_they_were() {
    let with = everything;
    assert_same("loss", Profile { loss: Loss::default(), ..with() }, all);
    let enter_leave = Loss::GilbertElliott { enter: chance("0.1"), leave: chance("0.5"), max_burst: None };
    assert_same("another loss", Profile { loss: enter_leave, ..with() }, all);
    assert_same("duplicate", Profile { duplicate: Late::NEVER, ..with() }, first_only);
    assert_same("corrupt", Profile { corrupt: Runs::NEVER, ..with() }, times);
    assert_same("truncate", Profile { truncate: Runs::NEVER, ..with() }, times);
    let lengths = |copies: &Copies| copies.iter().map(|copy| copy.damage.length(LENGTH) as u64).collect();
    assert_same("corrupt", Profile { corrupt: Runs::NEVER, ..with() }, lengths);
    let flips = |copies: &Copies| {
        copies.iter().map(|copy| u64::from(copy.damage.bits(LENGTH).next().is_some())).collect()
    };
    let long = Profile { jitter: Duration::ZERO, reorder: Late::NEVER, ..with() };
    assert_same("jitter and reorder", long, flips);
}

#[test]
fn a_rate_a_queue_and_an_mtu_move_no_draw() {
    let rate = NonZeroU64::new(5_000_000).map(Rate::Constant);
    let slow = Profile { rate, queue: QueueLimit::Packets(3), ..everything() };
    // 1260 bytes take 2,016 µs, one comes each millisecond: about half are dropped, and no fate moves for that.
    let (one, two) = (fates(&mut link(everything()), COUNT), fates(&mut link(slow), COUNT));
    for (one, two) in one.iter().zip(&two) {
        if let (Some(one), Verdict::Passed(two)) = (copies(one), two) {
            let damages = |copies: &Copies| copies.iter().map(|copy| copy.damage).collect::<Vec<_>>();
            assert_eq!(damages(one), damages(two));
        }
        assert_eq!(
            *one == Verdict::Dropped(DropReason::Loss) && *two != Verdict::Dropped(DropReason::QueueFull),
            *two == Verdict::Dropped(DropReason::Loss)
        );
    }
}

#[test]
fn a_policer_and_batches_move_no_draw() {
    let policer = Some(Policer { rate: NonZeroU64::new(5_000_000).unwrap(), burst: 9_000 });
    let damages = |copies: &Copies| -> Vec<u64> {
        copies.iter().flat_map(|copy| copy.damage.bits(LENGTH)).map(|bit| bit as u64).collect()
    };
    assert_same("batches", Profile { aggregate: span(7), ..everything() }, damages);
    let (one, two) =
        (fates(&mut link(everything()), COUNT), fates(&mut link(Profile { policer, ..everything() }), COUNT));
    let policed = two.iter().filter(|fate| **fate == Verdict::Dropped(DropReason::Policed)).count();
    assert!(policed > 0);
    for (one, two) in one.iter().zip(&two) {
        assert!(one == two || *two == Verdict::Dropped(DropReason::Policed));
    }
}

#[test]
fn naming_a_packet_moves_no_other_packet() {
    let packets = vec![PacketRef::Ordinal(3), PacketRef::Ordinal(50)];
    let faults = vec![
        always(FaultKind::Drop(packets.clone())),
        always(FaultKind::Duplicate(vec![PacketRef::Ordinal(7)], Duration::ZERO)),
    ];
    let (one, two) = (fates(&mut link(everything()), 1000), fates(&mut faulty(everything(), faults), 1000));
    for (ordinal, pair) in (1..).zip(one.iter().zip(&two)) {
        match ordinal {
            3 | 50 => assert_eq!(*pair.1, Verdict::Dropped(DropReason::Explicit)),
            7 => assert_eq!(copies(pair.0).map(|all| all[0]), copies(pair.1).map(|all| all[0])),
            _ => assert_eq!(pair.0, pair.1, "{ordinal}"),
        }
    }
}

#[test]
fn the_same_seed_and_name_are_the_same_fates_and_others_are_not() {
    let plan = Plan { profile: everything(), ..Plan::default() };
    let of = |seed, name| fates(&mut Link::new(&Seed::from_number(seed), name, &plan), 1000);
    let here = of(1, "server->alice");
    assert_eq!(of(1, "server->alice"), here);
    assert_ne!(of(1, "alice->server"), here);
    assert_ne!(of(1, "server->bob"), here);
    assert_ne!(of(2, "server->alice"), here);
}
