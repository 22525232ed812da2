//! What the engines must have in common, one test for each file in `scenarios/`.
//!
//! Both run the loops that ship. The direct engine has a clock, sockets, connections and files of its own below them, turmoil
//! those of its hosts. Where both come to the same, neither has made it up.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use backchat_sim::cli::load;
use backchat_sim::engine::direct::Payloads;
use backchat_sim::link::DropReason;
use backchat_sim::run::{Engine, Report, run};
use backchat_sim::scenario::Scenario;
use backchat_sim::summary;
use backchat_sim::trace::{AppEvent, Event, Name, NetEvent, Record, Sink};
use libtest_mimic::{Arguments, Failed, Trial};

/// Seeds at which the engines are compared.
const SEEDS: [u64; 2] = [0, 1];

/// Seeds whose median is compared, and by how much it may differ. It takes minutes:
/// `cargo test --release --test engines -- --ignored`.
const MEDIAN_SEEDS: u64 = 50;
const MEDIANS: f64 = 0.15;

/// By how much times may differ: turmoil looks at what has arrived once a millisecond, so a round trip of 30 ms has up to
/// two more.
const TICKS: f64 = 0.07;

/// And where a queue was full: a millisecond decides which segment is the one too many, and so how far the sender goes back
/// and how small its window becomes. Of the scenarios the most was 19 %.
const OVERFLOWN: f64 = 0.25;

/// The same for what is short: a handshake, a first answer, a timer that a tick has rounded up.
const A_FEW_TICKS: Duration = Duration::from_millis(30);

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = Arguments::from_args();
    let paths = load::paths(&[root.join("scenarios")]).expect("scenarios/ has scenarios");
    let trials = paths.into_iter().flat_map(|path| {
        let name = path.strip_prefix(root.join("scenarios")).unwrap_or(&path).with_extension("");
        let name = name.display().to_string();
        let medians = (format!("medians/{name}"), path.clone());
        let same = Trial::test(name, move || check(&path));
        [same, Trial::test(medians.0, move || check_medians(&medians.1)).with_ignored_flag(true)]
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// Where fates are drawn, the median time of a client's downloads of a file over [`MEDIAN_SEEDS`] must be the same within
/// [`MEDIANS`].
fn check_medians(path: &Path) -> Result<(), Failed> {
    let scenario = load::one(path)?.scenario;
    if !is_random(&scenario) {
        return Ok(());
    }
    let direct = medians(&scenario, Engine::Direct(Payloads::Ranges))?;
    let turmoil = medians(&scenario, Engine::Turmoil)?;
    if !direct.keys().eq(turmoil.keys()) {
        return Err(format!("{:?} on direct and {:?} on turmoil", direct.keys(), turmoil.keys()).into());
    }
    for (((client, file), direct), turmoil) in direct.iter().zip(turmoil.values()) {
        if direct.abs_diff(*turmoil) > turmoil.mul_f64(MEDIANS) + A_FEW_TICKS {
            let said = format!("{file} takes {client} {direct:?} on direct and {turmoil:?} on turmoil");
            return Err(said.into());
        }
    }
    Ok(())
}

/// The median time of a client's downloads of a file, of those that are complete. Fifty in a row of the same file are
/// fifty draws of the same thing, whose medians taken one by one would differ by chance alone.
fn medians(scenario: &Scenario, engine: Engine) -> Result<BTreeMap<(Name, Name), Duration>, Failed> {
    let mut times: BTreeMap<(Name, Name), Vec<Duration>> = BTreeMap::new();
    for seed in 0..MEDIAN_SEEDS {
        let report = run(scenario, seed, engine, &mut ())?;
        for download in report.summary.downloads() {
            let Some(took) = download.took().filter(|_| download.is_complete()) else { continue };
            times.entry((download.client, download.file)).or_default().push(took);
        }
    }
    let median = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    Ok(times.into_iter().map(|(of, times)| (of, median(times))).collect())
}

/// Whether anybody's packets have fates that are drawn.
fn is_random(scenario: &Scenario) -> bool {
    let mut plans = scenario.clients().iter().flat_map(|client| [&client.up, &client.down]);
    plans.any(|plan| plan.profile.is_random())
}

fn check(path: &Path) -> Result<(), Failed> {
    let scenario = load::one(path)?.scenario;
    for seed in SEEDS {
        let direct = Told::of(&scenario, seed, Engine::Direct(Payloads::Ranges))?;
        let bytes = Told::of(&scenario, seed, Engine::Direct(Payloads::Bytes))?;
        if direct.report.end != bytes.report.end {
            let (ranges, bytes) = (direct.report.end, bytes.report.end);
            return Err(format!("seed {seed}: with ranges {ranges:?}, with bytes {bytes:?}").into());
        }
        let turmoil = Told::of(&scenario, seed, Engine::Turmoil)?;
        let same = direct.compare(&turmoil).and_then(|()| direct.compare_times(&turmoil, &scenario));
        same.map_err(|difference| format!("seed {seed}, direct and turmoil: {difference}"))?;
    }
    Ok(())
}

/// What came of a download.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    file: Name,
    failed: Option<summary::Failed>,
    bytes: Option<u64>,
}

/// What a run came to, as far as it must not depend on the engine.
struct Told {
    report: Report,
    seen: Seen,
}

impl Told {
    fn of(scenario: &Scenario, seed: u64, engine: Engine) -> Result<Self, Failed> {
        let mut seen = Seen::default();
        let report = run(scenario, seed, engine, &mut seen)?;
        if let Some(first) = report.violations.first() {
            let engine = engine.name();
            return Err(format!(
                "{engine}, seed {seed}: {} at {} s: {}",
                first.checker, first.at, first.message
            )
            .into());
        }
        Ok(Self { report, seen })
    }

    /// Of each client the first, the second, … with its bytes where they are not a matter of when it ended.
    fn downloads(&self) -> BTreeMap<Name, Vec<Outcome>> {
        let mut downloads: BTreeMap<Name, Vec<Outcome>> = BTreeMap::new();
        for it in self.report.summary.downloads() {
            let bytes = it.is_complete().then_some(it.bytes);
            let failed = it.end.and_then(|end| end.failed);
            downloads.entry(it.client).or_default().push(Outcome { file: it.file, failed, bytes });
        }
        downloads
    }

    fn compare(&self, other: &Self) -> Result<(), String> {
        let (ours, theirs) = (self.downloads(), other.downloads());
        if ours != theirs {
            return Err(format!("downloads: {ours:#?} and {theirs:#?}"));
        }
        if self.seen.shown != other.seen.shown {
            return Err(format!("messages: {:#?} and {:#?}", self.seen.shown, other.seen.shown));
        }
        Ok(())
    }

    /// How long finished downloads took, where nothing is drawn: after one draw each engine has a fate of its own. So it
    /// has where a receive buffer was too small for what comes within a tick: what was read between two datagrams that
    /// are less than a millisecond apart, turmoil finds together, and throws the second away.
    fn compare_times(&self, other: &Self, scenario: &Scenario) -> Result<(), String> {
        let lost_in_buffers = (self.seen.lost_in_buffers, other.seen.lost_in_buffers);
        if is_random(scenario) || lost_in_buffers.0 != lost_in_buffers.1 {
            return Ok(());
        }
        let share = if self.seen.has_overflown || other.seen.has_overflown { OVERFLOWN } else { TICKS };
        let downloads = self.report.summary.downloads().into_iter().zip(other.report.summary.downloads());
        for (ours, theirs) in downloads.filter(|(ours, theirs)| ours.is_complete() && theirs.is_complete()) {
            let (Some(took), Some(took_there)) = (ours.took(), theirs.took()) else { continue };
            let most = took_there.mul_f64(share) + A_FEW_TICKS;
            if took.abs_diff(took_there) > most {
                return Err(format!("{} of {} took {took:?} and {took_there:?}", ours.file, ours.client));
            }
        }
        Ok(())
    }
}

/// What is looked at while a run goes on.
#[derive(Default)]
struct Seen {
    /// What each client was shown, by sender.
    shown: BTreeMap<Name, BTreeMap<Name, Vec<Name>>>,
    /// A queue was full, or a policer or a queue's management has dropped something.
    has_overflown: bool,
    /// How many datagrams found a receive buffer full.
    lost_in_buffers: u64,
}

impl Sink for Seen {
    fn record(&mut self, record: &Record) {
        if let Event::Net(NetEvent::Dropped { reason, .. }) = &record.event {
            self.has_overflown |=
                matches!(reason, DropReason::QueueFull | DropReason::Policed | DropReason::Codel);
            self.lost_in_buffers += u64::from(*reason == DropReason::ReceiveBuffer);
        }
        if let Event::App(AppEvent::Message { from, text, .. } | AppEvent::Private { from, text, .. }) =
            &record.event
        {
            let shown = self.shown.entry(record.node.into()).or_default();
            shown.entry(from.clone()).or_default().push(text.clone());
        }
    }
}
