//! `demo`: the tour. A session over real sockets of this machine, then the same session in a simulation where nothing
//! goes right, which can be seen again as often as one likes.

mod loopback;

use std::io::{self, Write};

use super::args::DemoArgs;
use super::exit::{Exit, Trouble};
use super::explain::{self, Which};
use super::load::Loaded;
use super::run::{explained, judged};
use super::wall::Stopwatch;
use crate::run::Engine;
use crate::scenario::Scenario;
use crate::trace::{Event, Record, Sink};

/// The simulated half. It is compiled in, so that the tour runs anywhere; the replay line names it in the repository.
const SCENARIO: &str = include_str!("../../../scenarios/network/demo.toml");

/// Where it is in the repository.
const PATH: &str = "scenarios/network/demo.toml";

pub(super) fn demo(args: &DemoArgs) -> Result<Exit, Trouble> {
    let mut out = io::stdout().lock();
    writeln!(out, "1. On this machine: a real server and two clients, TCP and UDP on loopback")?;
    loopback::session(&mut out)?;
    let scenario = Scenario::parse(SCENARIO).map_err(|error| Trouble::Scenario(error.in_file(PATH)))?;
    let loaded = Loaded { path: PATH.to_owned(), text: SCENARIO.into(), scenario };
    writeln!(out, "\n2. In a simulation: the same programs, and a network that loses, damages and reorders")?;
    let mut story = Story::default();
    let watch = Stopwatch::start();
    let report = judged(&loaded, args.seed, Engine::Turmoil, &mut story)?;
    let wall = watch.elapsed();
    for line in &story.lines {
        writeln!(out, "{line}")?;
    }
    let Story { offered, dropped, damaged, duplicated, went_back, .. } = story;
    writeln!(
        out,
        "   {offered} datagrams: {dropped} dropped, {damaged} damaged, {duplicated} doubled; \
         the sender went back {went_back} times",
    )?;
    let which = Which { path: PATH, seed: args.seed, engine: Engine::Turmoil };
    writeln!(out)?;
    if !report.has_passed() {
        write!(out, "{}", explained(&loaded, which, &report)?)?;
        return Ok(Exit::Failed);
    }
    write!(out, "{}", explain::summary(which, &report, wall))?;
    writeln!(out, "\nThe same run again, packet by packet, today or in a year:")?;
    writeln!(out, "  {}", which.replay())?;
    Ok(Exit::Passed)
}

/// What a reader wants to see of a run, and counts of the rest.
#[derive(Default)]
struct Story {
    lines: Vec<String>,
    offered: u64,
    dropped: u64,
    damaged: u64,
    duplicated: u64,
    went_back: u64,
}

impl Sink for Story {
    fn record(&mut self, record: &Record) {
        let node = &record.node;
        let told = match &record.event {
            Event::Offered { .. } => {
                self.offered += 1;
                None
            }
            Event::NetDropped { .. } => {
                self.dropped += 1;
                None
            }
            Event::Damaged { .. } => {
                self.damaged += 1;
                None
            }
            Event::Duplicated { .. } => {
                self.duplicated += 1;
                None
            }
            Event::WentBack { .. } => {
                self.went_back += 1;
                None
            }
            Event::Joined { nick, .. } => Some(format!("joined as {nick}")),
            Event::Message { from, text, .. } if **from != **node => Some(format!("{from}: {text}")),
            Event::Private { from, text, .. } if **from != **node => {
                Some(format!("{from}, privately: {text}"))
            }
            Event::DownloadStarted { size, .. } => Some(format!("download of {size} bytes begins")),
            Event::DownloadFinished { file, blake3, duplicates, .. } => Some(format!(
                "{file} is whole, {duplicates} segments came twice; BLAKE3 {}…",
                blake3.to_string().get(..16).unwrap_or_default()
            )),
            Event::DownloadFailed { file, message, .. } => Some(format!("{file} failed: {message}")),
            _ => None,
        };
        if let Some(told) = told {
            let millis = record.at.as_nanos() / 1_000_000;
            self.lines.push(format!("   {:>5}.{:03} s  {node:<4} {told}", millis / 1_000, millis % 1_000));
        }
    }
}
