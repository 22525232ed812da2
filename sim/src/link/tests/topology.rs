//! Several directions through one bottleneck, and queues that are managed.

use super::*;
use crate::link::{BottleneckPlan, Codel, Departure, LinkId, Order, Through, Topology};

/// 1 ms for a datagram of this length at 10 Mbit/s.
const MILLISECOND: usize = 1222;

fn megabits(rate: u64) -> Rate {
    Rate::Constant(NonZeroU64::new(rate * 1_000_000).unwrap())
}

fn shared(rate: u64, packets: u32) -> BottleneckPlan {
    BottleneckPlan { rate: megabits(rate), queue: QueueLimit::Packets(packets), codel: None }
}

fn through(order: Order, profile: Profile) -> Plan {
    let profile = Profile { through: Some(Through { bottleneck: 0, order }), ..profile };
    Plan { profile, ..Plan::default() }
}

fn topology(shared: &[BottleneckPlan], plans: &[Plan]) -> Topology {
    let names = (0..).map(|nth| format!("server->{nth}"));
    Topology::new(&Seed::from_number(1), shared, names.zip(plans))
}

fn offer(topology: &mut Topology, at: u64, link: usize) -> Verdict {
    topology.offer(ms(at), LinkId(link), MILLISECOND, None).unwrap().verdict
}

fn departures(topology: &mut Topology, until: Instant) -> Vec<Departure> {
    core::iter::from_fn(|| topology.poll_departure(until)).collect()
}

/// Which packet of which direction, and when it is out; `None`: it was dropped.
fn told(departures: &[Departure]) -> Vec<(usize, u64, Option<Instant>)> {
    let out = |it: &Departure| copies(&it.verdict).map(|_| it.departed);
    departures.iter().map(|it| (it.link.0, it.ordinal, out(it))).collect()
}

#[test]
fn two_directions_wait_in_one_queue_in_the_order_in_which_they_come() {
    let plan = through(Order::BeforeOwn, Profile::default());
    let mut topology = topology(&[shared(10, 2)], &[plan.clone(), plan]);
    for link in [0, 1, 0, 1] {
        assert_eq!(offer(&mut topology, 0, link), Verdict::Queued);
    }
    // One in transmission, two wait, and the fourth finds no room.
    let said = told(&departures(&mut topology, ms(10)));
    let out = |at| Some(ms(at));
    assert_eq!(said, [(0, 1, out(1)), (1, 2, None), (1, 1, out(2)), (0, 2, out(3))]);
    let both = [0, 1].map(|link| *topology.link(LinkId(link)).unwrap().counters());
    assert!(both.iter().all(super::super::Counters::is_conserved));
    assert_eq!(both.map(|it| it.queued), [2, 1]);
}

#[test]
fn what_has_left_a_queue_is_delayed_and_drawn_for_as_it_would_be_without() {
    let random =
        || Profile { delay: span(15), jitter: span(9), duplicate: late("0.5", 3), ..Profile::default() };
    let own = Profile { rate: Some(megabits(10)), ..random() };
    let mut alone = link(own);
    let name = "server->alice".to_owned();
    let plan = through(Order::BehindOwn, random());
    let mut topology = Topology::new(&Seed::from_number(1), &[shared(10, 25)], [(name, &plan)].into_iter());
    for nth in 0..200 {
        let expected = alone.offer(ms(2 * nth), MILLISECOND, None).verdict;
        assert_eq!(offer(&mut topology, 2 * nth, 0), Verdict::Queued);
        let said = departures(&mut topology, ms(2 * nth + 1));
        assert_eq!(said.iter().map(|it| it.verdict).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn upward_the_own_line_comes_first_and_downward_last() {
    let slow = || Profile { rate: Some(megabits(5)), queue: QueueLimit::Packets(0), ..Profile::default() };
    // Two packets at once: the own line, which has no queue, keeps the second from the shared one.
    let up = &[through(Order::BehindOwn, slow())];
    let mut topology_up = topology(&[shared(10, 25)], up);
    (0..2).for_each(|_| _ = offer(&mut topology_up, 0, 0));
    assert_eq!(told(&departures(&mut topology_up, ms(9))), [(0, 2, None), (0, 1, Some(ms(3)))]);
    // Downward both take their millisecond of the shared one, and the second finds the own line busy.
    let down = &[through(Order::BeforeOwn, slow())];
    let mut topology_down = topology(&[shared(10, 25)], down);
    (0..2).for_each(|_| _ = offer(&mut topology_down, 0, 0));
    assert_eq!(told(&departures(&mut topology_down, ms(9))), [(0, 1, Some(ms(3))), (0, 2, None)]);
}

#[test]
fn hosts_that_take_turns_within_a_tick_meet_in_the_order_of_time() {
    let plan = through(Order::BehindOwn, Profile::default());
    let mut topology = topology(&[shared(10, 25)], &[plan.clone(), plan]);
    offer(&mut topology, 5, 0);
    offer(&mut topology, 4, 1);
    let said = told(&departures(&mut topology, ms(9)));
    assert_eq!(said, [(1, 1, Some(ms(5))), (0, 1, Some(ms(6)))]);
}

#[test]
fn nothing_is_decided_ahead_of_its_time() {
    let plan = through(Order::BehindOwn, Profile::default());
    let mut topology = topology(&[shared(10, 25)], &[plan]);
    (0..3).for_each(|_| _ = offer(&mut topology, 0, 0));
    assert_eq!(topology.next_departure(), Some(ms(0)));
    assert_eq!(departures(&mut topology, ms(0)).len(), 1);
    assert_eq!(topology.next_departure(), Some(ms(1)));
    assert_eq!(departures(&mut topology, Instant::from_nanos(999_999)).len(), 0);
    assert_eq!(departures(&mut topology, ms(2)).len(), 2);
    assert_eq!(topology.next_departure(), None);
}

#[test]
fn a_managed_queue_of_ones_own_marks_where_another_drops() {
    let run = |ecn| {
        let codel = Some(Codel { ecn, ..Codel::default() });
        let profile = Profile {
            rate: Some(megabits(10)),
            queue: QueueLimit::Packets(1_000),
            codel,
            ..Profile::default()
        };
        let mut topology = topology(&[], &[Plan { profile, ..Plan::default() }]);
        for nth in 0..800 {
            offer(&mut topology, nth / 2, 0);
        }
        let said = departures(&mut topology, ms(2_000));
        assert_eq!(said.len(), 800);
        let dropped = Verdict::Dropped(DropReason::Codel);
        let counters = *topology.link(LinkId(0)).unwrap().counters();
        assert!(counters.is_conserved());
        assert_eq!(counters.marked, said.iter().filter(|it| it.is_marked).count() as u64);
        (said.iter().filter(|it| it.verdict == dropped).count(), counters.marked)
    };
    let ((dropped, none), (nothing, marked)) = (run(false), run(true));
    assert!(dropped > 5 && none == 0, "{dropped}, {none}");
    assert!(nothing == 0 && marked > 5, "{nothing}, {marked}");
}

#[test]
fn blackouts_and_chances_meet_a_packet_where_it_leaves_the_last_queue() {
    let mut plan = through(Order::BehindOwn, Profile::default());
    plan.faults.push(Fault { schedule: Schedule::once(ms(2), span(1)), kind: FaultKind::Blackout });
    let mut topology = topology(&[shared(10, 25)], &[plan]);
    (0..3).for_each(|_| _ = offer(&mut topology, 0, 0));
    // They are out at 1, 2 and 3 ms.
    let out: Vec<bool> =
        departures(&mut topology, ms(9)).iter().map(|it| copies(&it.verdict).is_some()).collect();
    assert_eq!(out, [true, false, true]);
}
