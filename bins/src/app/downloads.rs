//! The downloads that run, as a user sees them: the core's events and the file's events, joined into reports.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backchat_core::chat::{FileName, RequestId};
use backchat_core::node::{DownloadEvent, DownloadId, FailReason, LocalError};
use backchat_core::time::Instant;

use crate::cli::failure::Failure;
use crate::cli::render::units;
use crate::files::{TargetError, TargetEvent};
use crate::paths::shown;

/// A download that brings nothing for so long is shown as waiting: progress is told ten times a second.
const STALLED_AFTER: Duration = Duration::from_secs(3);

/// How often progress is told: as often as anybody reads it.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// The downloads that run.
#[derive(Debug, Default)]
pub struct Downloads {
    running: BTreeMap<DownloadId, Download>,
    /// What paths that are not absolute begin at; empty where people know.
    base: PathBuf,
}

/// One download.
#[derive(Clone, Debug)]
pub struct Download {
    /// The server's name for the file.
    pub file: FileName,
    /// What a program called the request.
    pub id: Option<RequestId>,
    /// Where the bytes go; `-` is standard output. Known once the file is open.
    pub path: PathBuf,
    /// The same for people, from the root where they may not know what it begins at.
    place: PathBuf,
    /// Bytes in all; known once the server has answered.
    pub size: u64,
    /// Bytes that are written, those of an earlier run among them.
    pub received: u64,
    /// Bytes a second, lately.
    pub bytes_per_second: u64,
    /// Whether it is held.
    pub is_paused: bool,
    /// When something happened to it last; set by everything that does.
    heard: Option<Instant>,
    /// When progress was told last.
    told: Option<Instant>,
    /// The file was there and is left alone.
    is_skipped: bool,
    /// It timed out while the server, or this process, was away altogether.
    pub is_of_an_absence: bool,
    /// Nobody reads standard output any more, which is no news to whoever closed it.
    pub is_unread: bool,
    /// Its bytes go into a pipe or a device: nothing of it can be gone on from.
    pub is_stream: bool,
    /// What went wrong with the file, in words that name it.
    trouble: Option<String>,
}

/// What there is to tell about a download.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which one.
    pub download: DownloadId,
    /// As it is now.
    pub state: Download,
    /// What happened.
    pub news: News,
}

/// What happened to a download.
#[derive(Clone, Debug)]
pub enum News {
    /// The server sends; `resumed_from` bytes are there already.
    Started {
        /// How many.
        resumed_from: u64,
    },
    /// More is there.
    Progress,
    /// It is held.
    Paused,
    /// It goes on.
    Resumed,
    /// It is done.
    Done(Box<Done>),
    /// The file was there already, and that was fine.
    Skipped,
    /// It ended without the file.
    Failed(Failure),
}

/// A download that is done, in numbers.
#[derive(Clone, Debug)]
pub struct Done {
    /// Bytes in all.
    pub bytes: u64,
    /// Bytes that this run received.
    pub received: u64,
    /// How long it took.
    pub duration: Duration,
    /// Segments that arrived, whatever became of them.
    pub segments_received: u64,
    /// Those among them that had arrived before.
    pub duplicates: u64,
    /// Segments that the server sends or sent again: duplicates, and those that came out of order.
    pub sent_again: u64,
    /// Where an earlier run had stopped.
    pub resumed_from: u64,
    /// The hash of the file.
    pub blake3: String,
    /// The round trip to the server.
    pub round_trip: Option<Duration>,
}

impl News {
    /// Whether nothing follows.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Skipped | Self::Failed(_))
    }
}

impl Downloads {
    /// People are told where files are from the root on, for paths that begin at `base`.
    pub fn begin_at(&mut self, base: PathBuf) {
        self.base = base;
    }

    /// What files' paths begin at.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// A download begins.
    pub fn begin(&mut self, download: DownloadId, file: FileName, id: Option<RequestId>) {
        let begun = Download {
            file,
            id,
            path: PathBuf::new(),
            place: PathBuf::new(),
            size: 0,
            received: 0,
            bytes_per_second: 0,
            is_paused: false,
            heard: None,
            told: None,
            is_skipped: false,
            is_of_an_absence: false,
            is_unread: false,
            is_stream: false,
            trouble: None,
        };
        self.running.insert(download, begun);
    }

    /// Those that run, in the order in which they began.
    pub fn iter(&self) -> impl Iterator<Item = (DownloadId, &Download)> {
        self.running.iter().map(|(id, download)| (*id, download))
    }

    /// How many run.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether none runs.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The one of a file; the one that began last, if there are several.
    pub fn of_file(&self, file: &str) -> Option<DownloadId> {
        self.iter().filter(|(_, download)| download.file.as_str() == file).map(|(id, _)| id).last()
    }

    /// While one brings nothing, the time at which this has lasted another second.
    pub fn next_second(&self, now: Instant) -> Option<Instant> {
        self.running.values().filter_map(|it| it.next_second(now)).min()
    }

    /// What a download is of.
    pub fn file_of(&self, download: DownloadId) -> Option<&FileName> {
        self.running.get(&download).map(|running| &running.file)
    }

    /// Something happened to the file of a download.
    pub fn on_target(&mut self, download: DownloadId, event: &TargetEvent) {
        let Some(running) = self.running.get_mut(&download) else {
            return;
        };
        match event {
            TargetEvent::Opened { path, partial, resumed_from } => {
                running.is_stream = partial.is_none();
                running.path.clone_from(path);
                running.received = *resumed_from;
            }
            TargetEvent::Committed { path } => running.path.clone_from(path),
            TargetEvent::Skipped { path } => {
                running.path.clone_from(path);
                running.is_skipped = true;
            }
            TargetEvent::Failed { error } => {
                running.is_unread = matches!(error, TargetError::StdoutClosed);
                running.trouble = Some(error.to_string());
            }
            TargetEvent::Kept { .. } | TargetEvent::Discarded { .. } | TargetEvent::Closed { .. } => {}
        }
        running.place = match self.base.as_os_str().is_empty() || running.path.as_os_str() == "-" {
            true => running.path.clone(),
            // Without the dots in it.
            false => self.base.join(&running.path).components().collect(),
        };
    }

    /// Something happened to a download. `None` when it is not one of these, and for progress that was just told.
    pub fn on_event(&mut self, now: Instant, download: DownloadId, event: &DownloadEvent) -> Option<Report> {
        let running = self.running.get_mut(&download)?;
        running.heard = Some(now);
        let news = match event {
            DownloadEvent::Admitted => return None,
            DownloadEvent::Started { size, start, .. } => {
                running.size = *size;
                running.received = *start;
                News::Started { resumed_from: *start }
            }
            DownloadEvent::Progress { written, size, rate, .. } => {
                running.received = *written;
                running.size = *size;
                running.bytes_per_second = *rate;
                let is_whole = running.received == running.size;
                if !is_whole && running.told.is_some_and(|told| now.saturating_since(told) < TOLD_EVERY) {
                    return None;
                }
                running.told = Some(now);
                News::Progress
            }
            DownloadEvent::Paused => {
                running.is_paused = true;
                News::Paused
            }
            DownloadEvent::Resumed => {
                running.is_paused = false;
                News::Resumed
            }
            DownloadEvent::Finished(summary) => {
                running.size = summary.size;
                running.received = summary.size;
                News::Done(Box::new(Done {
                    bytes: summary.size,
                    received: summary.size.saturating_sub(summary.resumed_from),
                    duration: summary.took,
                    segments_received: summary.segments_received,
                    duplicates: summary.duplicates,
                    sent_again: summary.duplicates.saturating_add(summary.discarded),
                    resumed_from: summary.resumed_from,
                    blake3: summary.hash.to_string(),
                    round_trip: summary.round_trip,
                }))
            }
            DownloadEvent::Failed { reason: FailReason::Local(LocalError::Exists), .. }
                if running.is_skipped =>
            {
                News::Skipped
            }
            DownloadEvent::Failed { reason, message, kept, away } => {
                running.received = *kept;
                running.is_of_an_absence = *away;
                let message = running.trouble.clone().unwrap_or_else(|| message.to_string());
                News::Failed(Failure::download(reason, message))
            }
        };
        let state = running.clone();
        if news.is_last() {
            self.running.remove(&download);
        }
        Some(Report { download, state, news })
    }
}

impl Download {
    /// How it stands: rate and time left, or what it waits for. While nothing comes, no time is promised.
    pub fn standing(&self, now: Instant) -> String {
        if self.is_paused {
            return "held: /resume, /stop".to_owned();
        }
        if self.size == 0 {
            return "asking for it".to_owned();
        }
        if self.received == self.size {
            return "checking its hash".to_owned();
        }
        if let Some(silence) = self.stalled(now) {
            return format!("nothing for {} s", silence.as_secs());
        }
        let rate = units::rate(self.bytes_per_second);
        match self.size.saturating_sub(self.received).checked_div(self.bytes_per_second) {
            None => rate,
            Some(seconds) => {
                format!("{rate}  {} left", humantime::format_duration(Duration::from_secs(seconds.max(1))))
            }
        }
    }

    /// ` 62 %`, as wide for each.
    pub fn hundredths(&self) -> String {
        match self.size {
            0 => "     ".to_owned(),
            size => format!("{:3} %", u128::from(self.received) * 100 / u128::from(size)),
        }
    }

    /// For how long nothing has arrived of one that should bring something.
    pub fn stalled(&self, now: Instant) -> Option<Duration> {
        let silence = now.saturating_since(self.waits_since()?);
        (silence >= STALLED_AFTER).then_some(silence)
    }

    fn waits_since(&self) -> Option<Instant> {
        self.heard.filter(|_| !self.is_paused && self.received < self.size)
    }

    /// While nothing comes, the time at which this has lasted another second.
    pub fn next_second(&self, now: Instant) -> Option<Instant> {
        let since = self.waits_since()?;
        let seconds = now.saturating_since(since).as_secs() + 1;
        Some(since + Duration::from_secs(seconds).max(STALLED_AFTER))
    }
}

impl Report {
    /// The report in words, without its time; `None` for mere progress, which a bar shows.
    pub fn words(&self) -> Option<String> {
        let file = self.state.file.to_string();
        let (path, place) = (show(&self.state.path), show(&self.state.place));
        Some(match &self.news {
            News::Started { resumed_from: 0 } => {
                format!("{file}: {} to {path}", units::size(self.state.size))
            }
            News::Started { resumed_from } => {
                let (size, from) = (units::size(self.state.size), units::size(*resumed_from));
                format!("{file}: {size} to {path}, going on at {from}")
            }
            News::Progress => return None,
            News::Paused => format!("{file}: held; /resume goes on"),
            News::Resumed => format!("{file}: goes on"),
            News::Done(done) if self.is_to_stdout() => format!("{file}: {}", done.summary()),
            News::Done(done) => format!("{file}: {}, saved as {place}", done.summary()),
            News::Skipped => format!("{file}: {place} exists and is left as it is"),
            // Most messages name the file, or the path that it has here.
            News::Failed(failure) if failure.message.contains(&file) => failure.message.clone(),
            News::Failed(failure) => format!("{file}: {}", failure.message),
        })
    }

    /// Where the file is that is done.
    pub fn saved(&self) -> Option<&Path> {
        let is_file = matches!(self.news, News::Done(_)) && !self.state.is_stream && !self.is_to_stdout();
        is_file.then_some(self.state.place.as_path())
    }

    fn is_to_stdout(&self) -> bool {
        self.state.path.as_os_str() == "-"
    }
}

impl Done {
    /// The closing summary: bytes, time, rate, what was sent again, round trip.
    fn summary(&self) -> String {
        let mut text = format!("{} in {}", units::exact_size(self.bytes), units::time(self.duration));
        if self.resumed_from > 0 {
            text += &format!(" ({} were there)", units::size(self.resumed_from));
        }
        let rate = units::bytes_per_second(self.received, self.duration);
        text += &format!(", {}, {} sent again", units::rate(rate), units::count(self.sent_again, "segment"));
        if let Some(round_trip) = self.round_trip {
            text += &format!(", round trip {}", units::time(round_trip));
        }
        text
    }
}

/// A path for a terminal.
fn show(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard output".to_owned();
    }
    shown(path)
}

#[cfg(test)]
mod tests;
