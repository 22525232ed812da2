//! Datagrams that nobody sent.

use super::*;
use crate::link::{Inject, InjectedWhat};

fn inject(what: Inject, count: u32, schedule: Schedule) -> Fault {
    Fault { schedule, kind: FaultKind::Inject(what, NonZeroU32::new(count).unwrap()) }
}

fn at(millis: u64) -> Schedule {
    Schedule { at: ms(millis), ..Schedule::ALWAYS }
}

/// Everything that arrives by `now`.
fn drained(link: &mut Link, now: Instant) -> Vec<(Instant, InjectedWhat)> {
    core::iter::from_fn(|| link.poll_injection(now)).map(|injected| (injected.at, injected.what)).collect()
}

#[test]
fn bytes_arrive_at_their_time_as_often_as_they_shall() {
    let schedule = Schedule { every: Some(span(10)), until: ms(25), ..at(5) };
    let mut link = faulty(Profile::default(), vec![inject(Inject::Bytes(vec![1, 2]), 2, schedule)]);
    assert_eq!(link.next_injection(), Some(ms(5)));
    assert!(drained(&mut link, ms(4)).is_empty());
    let bytes = InjectedWhat::Bytes(vec![1, 2]);
    assert_eq!(drained(&mut link, ms(14)), [(ms(5), bytes.clone()), (ms(5), bytes.clone())]);
    assert_eq!(drained(&mut link, ms(99)), [(ms(15), bytes.clone()), (ms(15), bytes)]);
    assert_eq!(link.next_injection(), None);
    assert_eq!((link.counters().injected, link.counters().queued), (4, 4));
    link.on_delivered();
    assert!(link.counters().is_conserved());
}

#[test]
fn random_bytes_are_the_seeds_and_do_not_move_when_another_fault_comes_first() {
    let random = || inject(Inject::Random(37), 2, at(5));
    let mut alone = faulty(Profile::default(), vec![random()]);
    let mut second = faulty(Profile::default(), vec![inject(Inject::Random(64), 1, at(1)), random()]);
    let alone = drained(&mut alone, ms(5));
    assert_eq!(drained(&mut second, ms(5))[1..], alone);
    let [(_, InjectedWhat::Bytes(one)), (_, InjectedWhat::Bytes(two))] = &alone[..] else {
        panic!("{alone:?}")
    };
    assert_eq!((one.len(), two.len()), (37, 37));
    assert_ne!(one, two);
    let mut twins = faulty(Profile::default(), vec![random(), random()]);
    let twins = drained(&mut twins, ms(5));
    assert!((0..4).all(|i| (0..i).all(|j| twins[i] != twins[j])), "{twins:?}");
}

#[test]
fn a_replay_is_kept_when_it_passes_and_left_out_when_it_never_did() {
    let identity = "data@0#2".parse().unwrap();
    let refs = vec![PacketRef::Ordinal(3), PacketRef::Ordinal(2), PacketRef::Identity(identity)];
    let mut link = faulty(Profile::default(), vec![inject(Inject::Replay(refs), 2, at(10))]);
    let kept: Vec<_> = (0..2).map(|_| link.offer(ms(0), 100, None).keep).collect();
    assert_eq!(kept, [false, true]);
    let second = InjectedWhat::Replay(2);
    assert_eq!(drained(&mut link, ms(20)), [(ms(10), second.clone()), (ms(10), second)]);
    assert_eq!(link.counters().injected, 2);
}
