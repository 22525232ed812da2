//! What the link model costs a packet. `cargo bench -p backchat-sim`
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a benchmark measures real time")]

use std::hint::black_box;
use std::num::NonZeroU64;
use std::time::Instant as Clock;

use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use backchat_core::wire::Kind;
use backchat_sim::link::{
    Fault, FaultKind, Late, Link, Loss, PacketRef, Passing, Plan, Profile, Rate, Runs, Schedule,
};

const PACKETS: u64 = 4_000_000;
const ROUNDS: usize = 5;

/// Nanoseconds a packet, the best of some rounds: what disturbs a round makes it slower, never faster.
fn cost(plan: &Plan, packet: Option<Passing>) -> f64 {
    let round = || {
        let mut link = Link::new(&Seed::from_number(1), "server->alice", plan);
        let begin = Clock::now();
        for nth in 0..PACKETS {
            black_box(link.offer(Instant::from_nanos(nth * 1_100_000), black_box(1232), packet.as_ref()));
        }
        begin.elapsed().as_secs_f64() * 1e9 / PACKETS as f64
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() {
    let chance = |text: &str| text.parse().unwrap_or_default();
    let runs = |text| Runs { chance: chance(text), max_burst: None };
    let late = |text| Late { chance: chance(text), by: std::time::Duration::from_millis(20) };
    let with = |profile| Plan { profile, ..Plan::default() };
    let rate = NonZeroU64::new(10_000_000).map(Rate::Constant);
    let lossy = Profile { rate: rate.clone(), loss: Loss::Runs(runs("0.02")), ..Profile::default() };
    let everything = Profile {
        jitter: std::time::Duration::from_millis(1),
        corrupt: runs("0.02"),
        truncate: runs("0.02"),
        duplicate: late("0.02"),
        reorder: late("0.02"),
        ..lossy.clone()
    };
    let named = "data@12000#2".parse().map(PacketRef::Identity).into_iter().collect();
    let fault = Fault { schedule: Schedule::ALWAYS, kind: FaultKind::Drop(named) };
    let data = Passing { kind: Kind::Data, at: Some(0), download: 1 };
    let rows = [
        ("clean", with(Profile::default()), None),
        ("rate and queue", with(Profile { rate, ..Profile::default() }), None),
        ("rate, 2 % loss", with(lossy.clone()), None),
        ("every kind of chance", with(everything), None),
        ("2 % loss, one named packet", Plan { faults: vec![fault], ..with(lossy) }, Some(data)),
    ];
    for (name, plan, packet) in rows {
        println!("{name:<28} {:>6.1} ns a packet", cost(&plan, packet));
    }
}
