//! How fast the simulator is, on one thread: seeds, datagrams and records a second, and simulated over real time.
//!
//! ```sh
//! cargo run --release -p backchat-benches --bin simulations [-- SECONDS [WHICH]]
//! ```
//!
//! Each scenario is run with one seed after the other for so many seconds (5), or only those rows whose name has WHICH
//! in it. *Judged* is what a sweep does: every
//! checker looks on. *Hashed* is the run alone, *written* the run with its trace as lines of JSON, thrown away. What
//! turmoil costs with nobody in it is the first row: it wakes every host each millisecond.
//!
//! Seconds are those that this thread had the processor for, so that the table says the same on a machine that does other
//! work as well.

use std::time::Duration;

use backchat_sim::engine::RunEnd;
use backchat_sim::engine::direct::{self, Payloads};
use backchat_sim::engine::turmoil;
use backchat_sim::run::{Engine, run};
use backchat_sim::scenario::Scenario;
use backchat_sim::trace::{Record, Sink, json};
use rustix::time::{ClockId, clock_gettime};

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

/// `people` say something in each of `times` stretches of five seconds; not in the same breath, for nobody does.
fn chat(people: u32, times: u32) -> String {
    let mut text = format!(
        "duration = \"70s\"\n[clients.people]\ncount = \
         {people}\n[links.default]\ndelay = \"50ms\"\n"
    );
    for person in 1..=people {
        let at = 1_000 + u64::from(person) * 57_000 / u64::from(people * times.max(1));
        text += &format!(
            "[[steps]]\nat = \"{at}ms\"\nwho = \"people-{person}\"\ndo = \"say\"\ntext = \"a message of some thirty \
             characters\"\n"
        );
        if times > 1 {
            text += &format!("times = {times}\nevery = \"5s\"\n");
        }
    }
    text
}

/// Writes each record, and throws it away.
struct Written(Vec<u8>);

impl Sink for Written {
    fn record(&mut self, record: &Record) {
        self.0.clear();
        json::push_record(&mut self.0, record);
    }
}

/// What is done with a run.
#[derive(Clone, Copy)]
enum Mode {
    Judged(Engine),
    Hashed(Engine),
    Written(Engine),
}

impl Mode {
    fn name(self) -> String {
        let (engine, how) = match self {
            Self::Judged(engine) => (engine, "judged"),
            Self::Hashed(engine) => (engine, "hashed"),
            Self::Written(engine) => (engine, "written"),
        };
        let bytes = if engine == Engine::Direct(Payloads::Bytes) { " --bytes" } else { "" };
        format!("{}{bytes}, {how}", engine.name())
    }

    fn run(self, scenario: &Scenario, seed: u64) -> RunEnd {
        match self {
            Self::Judged(engine) => {
                let report = run(scenario, seed, engine, &mut ()).expect("an end");
                assert!(report.has_passed(), "seed {seed}: {:?}", report.violations);
                report.end
            }
            Self::Hashed(engine) => only(engine, scenario, seed, &mut ()),
            Self::Written(engine) => only(engine, scenario, seed, &mut Written(Vec::new())),
        }
    }
}

fn only(engine: Engine, scenario: &Scenario, seed: u64, sink: &mut impl Sink) -> RunEnd {
    let end = match engine {
        Engine::Turmoil => turmoil::run(scenario, seed, sink),
        Engine::Direct(payloads) => direct::run(scenario, seed, payloads, sink),
    };
    end.expect("an end")
}

/// How long this thread has had a processor.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The most memory that this process had, in MiB; `None` where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib / 1024)
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|it| it.parse().ok()).unwrap_or(5.0);
    let only = arguments.next().unwrap_or_default();
    let least = Duration::from_secs_f64(seconds);
    let (ranges, bytes) = (Engine::Direct(Payloads::Ranges), Engine::Direct(Payloads::Bytes));
    let all = [
        Mode::Hashed(ranges),
        Mode::Written(ranges),
        Mode::Judged(ranges),
        Mode::Hashed(bytes),
        Mode::Judged(bytes),
        Mode::Judged(Engine::Turmoil),
    ];
    println!("| scenario | engine | runs | seeds/s | datagrams/s | records/s | simulated/real | peak MiB |");
    println!("|---|---|---|---|---|---|---|---|");
    // The largest last, for the system tells the peak of everything before as well.
    for (name, text, modes) in [
        ("nothing, 60 s", IDLE.to_owned(), &all[..]),
        ("chat of 1,000, 60 s", chat(1_000, 1), &all[..3]),
        ("chat of 50, 60 s", chat(50, 12), &all),
        ("64 KiB, 2 % loss, 50 ms", download("64KiB"), &all),
        ("1 MiB, 2 % loss, 50 ms", download("1MiB"), &all),
    ] {
        let scenario = Scenario::parse(&text).expect("a scenario");
        for mode in modes.iter().filter(|mode| format!("{name}, {}", mode.name()).contains(&only)) {
            measure(name, &scenario, *mode, least);
        }
    }
    if only.is_empty() {
        println!();
        growth(ranges);
    }
}

fn measure(name: &str, scenario: &Scenario, mode: Mode, least: Duration) {
    let (mut seeds, mut simulated, mut records, mut datagrams) = (0u64, Duration::ZERO, 0u64, 0u64);
    let began = processor();
    while processor() - began < least {
        let end = mode.run(scenario, seeds);
        simulated += end.at - backchat_core::time::Instant::ZERO;
        records += end.events;
        datagrams += end.datagrams;
        seeds += 1;
    }
    let took = (processor() - began).as_secs_f64();
    println!(
        "| {name} | {} | {seeds} | {:.1} | {:.0} | {:.0} | {:.0} | {} |",
        mode.name(),
        seeds as f64 / took,
        datagrams as f64 / took,
        records as f64 / took,
        simulated.as_secs_f64() / took,
        peak().map_or("-".to_owned(), |mib| mib.to_string()),
    );
}

/// How the cost of a run grows, over three decades: what it takes for each unit of work must stay what it was.
fn growth(engine: Engine) {
    println!("| what grows | to | seconds a run | each |");
    println!("|---|---|---|---|");
    for kib in [64, 640, 6_400, 64_000] {
        let (took, end) = once(engine, &download(&format!("{kib}KiB")));
        row("length, 2 % loss", &format!("{kib} KiB"), took, took / end.datagrams as f64, "datagram");
    }
    for window in [1, 10, 100, 1_000] {
        let clean = download("6400KiB").replace("loss = 0.02\n", "");
        let text = format!("[transfer]\ncongestion = \"fixed:{window}\"\nreceive_buffer = \"64MiB\"\n");
        // Tables may stand in any order, but the keys of the top come first.
        let (took, end) = once(engine, &format!("{clean}{text}"));
        row("window", &format!("{window} segments"), took, took / end.datagrams as f64, "datagram");
    }
    for people in [1, 10, 100, 1_000] {
        let (took, _) = once(engine, &chat(people, 1));
        let deliveries = f64::from(people) * f64::from(people);
        row("clients, a message each", &format!("{people}"), took, took / deliveries, "delivery");
    }
}

fn row(what: &str, to: &str, took: f64, each: f64, unit: &str) {
    println!("| {what} | {to} | {took:.4} | {:.0} ns/{unit} |", each * 1e9);
}

/// The median of some runs, for what it takes. Each seed is run twice and the second time counts: what a file's hash is,
/// a process finds out once.
fn once(engine: Engine, text: &str) -> (f64, RunEnd) {
    let scenario = Scenario::parse(text).expect("a scenario");
    let mut runs: Vec<(f64, RunEnd)> = (0..5)
        .map(|seed| {
            only(engine, &scenario, seed, &mut ());
            let began = processor();
            let end = only(engine, &scenario, seed, &mut ());
            ((processor() - began).as_secs_f64(), end)
        })
        .collect();
    runs.sort_by(|one, other| one.0.total_cmp(&other.0));
    runs.swap_remove(2)
}
