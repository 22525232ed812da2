//! What the engines must have in common, one test for each file in `scenarios/`.
//!
//! The direct engine runs core's machines with loops, files and streams of its own; turmoil runs the shipped ones. Where
//! both come to the same, neither has made it up.

use std::collections::BTreeMap;
use std::path::Path;

use backchat_sim::cli::load;
use backchat_sim::engine::direct::Payloads;
use backchat_sim::run::{Engine, Report, run};
use backchat_sim::scenario::Scenario;
use backchat_sim::trace::{Event, Name, Record, Sink};
use libtest_mimic::{Arguments, Failed, Trial};

/// Seeds at which the engines are compared.
const SEEDS: [u64; 2] = [0, 1];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = Arguments::from_args();
    let paths = load::paths(&[root.join("scenarios")]).expect("scenarios/ has scenarios");
    let trials = paths.into_iter().map(|path| {
        let name = path.strip_prefix(root.join("scenarios")).unwrap_or(&path).with_extension("");
        let name = name.display().to_string();
        Trial::test(name, move || check(&path))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
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
        direct.compare(&turmoil).map_err(|difference| format!("seed {seed}: {difference}"))?;
    }
    Ok(())
}

/// What came of a download.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    file: Name,
    failed: Option<Name>,
    bytes: Option<u64>,
}

/// What a run came to, as far as it must not depend on the engine.
struct Told {
    report: Report,
    /// What each client was shown, by sender: who was there for all of it sees the same.
    shown: BTreeMap<Name, BTreeMap<Name, Vec<Name>>>,
}

impl Told {
    fn of(scenario: &Scenario, seed: u64, engine: Engine) -> Result<Self, Failed> {
        let mut messages = Messages::default();
        let report = run(scenario, seed, engine, &mut messages)?;
        if let Some(first) = report.violations.first() {
            let engine = engine.name();
            return Err(format!(
                "{engine}, seed {seed}: {} at {} s: {}",
                first.checker, first.at, first.message
            )
            .into());
        }
        Ok(Self { report, shown: messages.0 })
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
        if self.shown != other.shown {
            return Err(format!("messages: {:#?} and {:#?}", self.shown, other.shown));
        }
        Ok(())
    }
}

/// Messages that clients were shown.
#[derive(Default)]
struct Messages(BTreeMap<Name, BTreeMap<Name, Vec<Name>>>);

impl Sink for Messages {
    fn record(&mut self, record: &Record) {
        if let Event::Message { from, text, .. } | Event::Private { from, text, .. } = &record.event {
            let shown = self.0.entry(record.node.into()).or_default();
            shown.entry(from.clone()).or_default().push(text.clone());
        }
    }
}
