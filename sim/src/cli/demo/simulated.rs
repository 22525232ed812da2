//! The second half of the tour: the same people and programs on a network of which nothing is real.

use backchat_core::time::Instant;

use super::PEOPLE;
use super::screen::{Screen, Tone};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::explain::{self, Which};
use crate::cli::load::Loaded;
use crate::cli::run::{explained, judged};
use crate::cli::wall::Stopwatch;
use crate::link::DropReason;
use crate::run::Engine;
use crate::scenario::Scenario;
use crate::trace::{AppEvent, CoreEvent, Event, NetEvent, Record, Sink};

/// The session. It is compiled in, so that the tour runs anywhere; the replay line names it in the repository.
const SCENARIO: &str = include_str!("../../../../scenarios/network/demo.toml");

/// Where it is in the repository.
const PATH: &str = "scenarios/network/demo.toml";

/// How many marks of progress a download has.
const MARKS: u64 = 4;

/// Runs it, and shows what the two saw and what it took.
pub(super) async fn session(screen: &mut Screen, seed: u64) -> Result<Exit, Trouble> {
    let scenario = Scenario::parse(SCENARIO).map_err(|error| Trouble::Scenario(error.in_file(PATH)))?;
    let loaded = Loaded { path: PATH.to_owned(), text: SCENARIO.into(), scenario };
    let which = Which { path: PATH, seed, engine: Engine::Turmoil, set: "" };
    screen.line("a second of it takes a blink of ours; every number comes from the seed", Tone::Aside)?;
    // On a thread of its own, so that somebody who has seen enough can end it.
    let run = tokio::task::spawn_blocking(move || {
        let mut story = Story::default();
        let watch = Stopwatch::start();
        let report = judged(&loaded, seed, Engine::Turmoil, &mut story)?;
        let wall = watch.elapsed();
        let failure = if report.has_passed() { None } else { Some(explained(&loaded, which, &report)?) };
        let summary = explain::summary(which, &report, wall);
        Ok::<_, Trouble>((story, summary, failure))
    });
    let (story, summary, failure) = run.await.map_err(|error| Trouble::Demo(error.to_string()))??;
    screen.names()?;
    for Row { at, person, text, tone } in &story.rows {
        let millis = at.as_nanos() / 1_000_000;
        let text = format!("{}.{:03} {text}", millis / 1_000, millis % 1_000);
        let cells = if *person == PEOPLE[0] { [text.as_str(), ""] } else { ["", text.as_str()] };
        screen.row(cells, *tone)?;
        screen.glance().await;
    }
    if let Some(failure) = failure {
        for line in failure.lines() {
            screen.command(line)?;
        }
        return Ok(Exit::Failed);
    }
    for line in story.came_to() {
        screen.line(&line, Tone::Good)?;
    }
    screen.heading("Judged by every checker, and repeatable")?;
    for line in summary.lines() {
        screen.line(line.trim_start(), Tone::Aside)?;
    }
    screen.line("the same run again, packet by packet, today or in a year:", Tone::Said)?;
    screen.command(&which.replay())?;
    Ok(Exit::Passed)
}

/// Something that one of the two saw.
struct Row {
    at: Instant,
    person: &'static str,
    text: String,
    tone: Tone,
}

/// What a reader wants to see of a run, and counts of the rest.
#[derive(Default)]
struct Story {
    rows: Vec<Row>,
    offered: u64,
    lost: u64,
    size: u64,
    /// Bytes that were sent again.
    resent: u64,
    went_back: u64,
    /// Marks of progress that were shown.
    marks: u64,
}

impl Story {
    /// What it took, as sentences with numbers.
    fn came_to(&self) -> [String; 2] {
        let percent = |part: u64, all: u64| (part * 100).checked_div(all).unwrap_or_default();
        let Self { offered, lost, size, resent, went_back, .. } = self;
        [
            format!("{offered} datagrams, {lost} of them lost ({} %)", percent(*lost, *offered)),
            format!(
                "the sender went back {went_back} times and sent {resent} bytes again, {} % of the file's {size}",
                percent(*resent, *size)
            ),
        ]
    }

    /// A bar, when one more mark was passed.
    fn mark(&mut self, end: u64) -> Option<String> {
        let mark = (end * MARKS).checked_div(self.size)?;
        if mark <= self.marks {
            return None;
        }
        self.marks = mark;
        let bar: String = (0..MARKS).map(|it| if it < mark { "##" } else { ".." }).collect();
        Some(format!("[{bar}] {} %", mark * 100 / MARKS))
    }
}

impl Sink for Story {
    fn record(&mut self, record: &Record) {
        let told = match &record.event {
            Event::Net(NetEvent::Offered { .. }) => {
                self.offered += 1;
                None
            }
            Event::Net(NetEvent::Dropped { reason, .. }) => {
                self.lost += u64::from(*reason == DropReason::Loss);
                None
            }
            Event::Core(_, CoreEvent::SegmentsSent { resent, .. }) => {
                self.resent += resent;
                None
            }
            Event::Core(_, CoreEvent::WentBack { .. }) => {
                self.went_back += 1;
                None
            }
            Event::App(AppEvent::Joined { nick, .. }) => Some((format!("-- {nick} joined"), Tone::Aside)),
            Event::App(AppEvent::Message { from, text, .. }) => Some((format!("{from}: {text}"), Tone::Said)),
            Event::App(AppEvent::Private { from, to, text, .. }) => {
                Some((format!("{from} -> {to}: {text}"), Tone::Said))
            }
            Event::App(AppEvent::DownloadStarted { size, .. }) => {
                self.size = *size;
                Some((format!("-- book.bin begins, {} KiB", size >> 10), Tone::Aside))
            }
            Event::Core(_, CoreEvent::SegmentReceived { range, .. }) => {
                self.mark(range.end).map(|bar| (bar, Tone::Aside))
            }
            Event::App(AppEvent::DownloadFinished { file, blake3, differs_at: None, .. }) => {
                let hash = blake3.to_string();
                let hash = hash.get(..16).unwrap_or_default();
                Some((format!("{file} is whole, BLAKE3 {hash}…"), Tone::Good))
            }
            Event::App(AppEvent::DownloadFinished { file, .. }) => {
                Some((format!("{file} is another file"), Tone::Said))
            }
            Event::App(AppEvent::DownloadFailed { file, message, .. }) => {
                Some((format!("{file} failed: {message}"), Tone::Said))
            }
            _ => None,
        };
        // The server has no column.
        let person = PEOPLE.into_iter().find(|name| record.node.as_str() == *name);
        if let (Some((text, tone)), Some(person)) = (told, person) {
            self.rows.push(Row { at: record.at, person, text, tone });
        }
    }
}
