//! How fast the simulator is: seeds a second, and simulated time over real time, on one thread.
//!
//! ```sh
//! cargo run --release -p backchat-benches --bin simulations [-- SECONDS]
//! ```
//!
//! Three scenarios, each run with one seed after the other for so many seconds (5): every checker looks on, as in a
//! sweep. What turmoil costs with nobody in it is the first row: it wakes every host each millisecond.

use std::time::{Duration, Instant};

use backchat_sim::run::{Engine, run};
use backchat_sim::scenario::Scenario;

const IDLE: &str = r#"
duration = "60s"
[clients.ann]
[[steps]]
at = "59s"
who = "ann"
do = "names"
"#;

fn download(size: &str) -> String {
    format!(
        r#"
duration = "600s"
[server]
files = [{{ name = "book.bin", size = "{size}" }}]
[clients.ann]
[links.default]
delay = "50ms"
loss = 0.02
[[steps]]
who = "ann"
do = "get"
file = "book.bin"
[expect]
downloads = [{{ client = "ann", file = "book.bin" }}]
"#
    )
}

const CHAT: &str = r#"
duration = "70s"
[clients.people]
count = 50
[links.default]
delay = "50ms"
[[steps]]
at = "1s"
who = "people"
do = "say"
text = "a message of some thirty characters"
times = 12
every = "5s"
"#;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|it| it.parse().ok()).unwrap_or(5);
    let least = Duration::from_secs(seconds);
    let rows = [
        ("nothing, 60 s", IDLE.to_owned()),
        ("64 KiB, 2 % loss, 50 ms", download("64KiB")),
        ("1 MiB, 2 % loss, 50 ms", download("1MiB")),
        ("chat of 50, 60 s", CHAT.to_owned()),
    ];
    println!("| scenario | seeds | seeds/s | simulated s/run | simulated/real | records/s |");
    println!("|---|---|---|---|---|---|");
    for (name, text) in rows {
        let scenario = Scenario::parse(&text).expect("a scenario");
        let (mut seeds, mut simulated, mut records) = (0u64, Duration::ZERO, 0u64);
        let began = Instant::now();
        while began.elapsed() < least {
            let report = run(&scenario, seeds, Engine::Turmoil, &mut ()).expect("an end");
            assert!(report.has_passed(), "{name}, seed {seeds}: {:?}", report.violations);
            simulated += report.end.at - backchat_core::time::Instant::ZERO;
            records += report.end.events;
            seeds += 1;
        }
        let took = began.elapsed().as_secs_f64();
        println!(
            "| {name} | {seeds} | {:.1} | {:.1} | {:.0} | {:.0} |",
            seeds as f64 / took,
            simulated.as_secs_f64() / seeds as f64,
            simulated.as_secs_f64() / took,
            records as f64 / took,
        );
    }
}
