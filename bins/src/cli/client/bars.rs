//! A bar for each download that runs, in words that the window has too.

use std::collections::BTreeMap;

use backchat_core::node::DownloadId;
use backchat_core::text::visible;
use backchat_core::time::Instant;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::downloads::{Download, News, Report};
use crate::app::wrap::{clip, width};
use crate::cli::render::units;

/// Widest name, in columns: what follows needs the rest of a narrow terminal.
const NAME_COLUMNS: usize = 24;

/// A bar for each download that runs.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    bars: BTreeMap<DownloadId, (ProgressBar, Download)>,
    is_hidden: bool,
}

/// What stands on both sides of a bar.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sides {
    name: String,
    words: String,
}

impl Bars {
    /// Bars that are drawn to `target`.
    pub fn new(target: ProgressDrawTarget) -> Self {
        Self {
            is_hidden: target.is_hidden(),
            all: MultiProgress::with_draw_target(target),
            bars: BTreeMap::new(),
        }
    }

    /// Bars that nobody sees.
    pub fn hidden() -> Self {
        Self::new(ProgressDrawTarget::hidden())
    }

    /// Takes the bars away while `f` writes.
    pub fn suspend<R>(&self, f: impl FnOnce() -> R) -> R {
        self.all.suspend(f)
    }

    /// Shows what a report says.
    pub fn on_report(&mut self, now: Instant, report: &Report) {
        match &report.news {
            News::Started { .. } => {
                // Hidden until it is added: by itself it would draw each step of this, wherever standard error goes.
                let bar =
                    ProgressBar::with_draw_target(Some(report.state.size), ProgressDrawTarget::hidden());
                let bar = self.all.add(bar.with_style(style()));
                self.bars.insert(report.download, (bar, report.state.clone()));
            }
            News::Progress | News::Paused | News::Resumed => {
                if let Some((_, state)) = self.bars.get_mut(&report.download) {
                    state.clone_from(&report.state);
                }
            }
            News::Done(_) | News::Skipped | News::Failed(_) => {
                if let Some((bar, _)) = self.bars.remove(&report.download) {
                    bar.finish_and_clear();
                    self.all.remove(&bar);
                }
            }
        }
        self.draw(now);
    }

    /// When they say something else, though nothing has happened.
    pub fn next_second(&self, now: Instant) -> Option<Instant> {
        let states = self.bars.values().filter(|_| !self.is_hidden);
        states.filter_map(|(_, state)| state.next_second(now)).min()
    }

    /// Draws them as they stand now.
    pub fn draw(&mut self, now: Instant) {
        let states: Vec<&Download> = self.bars.values().map(|(_, state)| state).collect();
        for ((bar, state), sides) in self.bars.values().zip(sides(&states, now)) {
            bar.set_length(state.size);
            bar.set_prefix(sides.name);
            bar.set_message(sides.words);
            bar.set_position(state.received);
        }
    }
}

/// What stands around the bars, names and amounts as wide as the widest of them, so that they stand one below the other.
fn sides(states: &[&Download], now: Instant) -> Vec<Sides> {
    let name = |state: &&Download| clip(&visible(state.file.as_str()).to_string(), NAME_COLUMNS);
    let amount = |state: &&Download| format!("{}/{}", units::size(state.received), units::size(state.size));
    let names = states.iter().map(|state| width(&name(state))).max().unwrap_or(0);
    let amounts = states.iter().map(|state| amount(state).len()).max().unwrap_or(0);
    let of = |state: &&Download| {
        let (mut name, amount) = (name(state), amount(state));
        name += &" ".repeat(names.saturating_sub(width(&name)));
        let standing = state.standing(now);
        Sides { name, words: format!("{}  {amount:>amounts$}  {standing}", state.hundredths()) }
    };
    states.iter().map(of).collect()
}

/// `book.bin  [####----]   40 %  1.20 MiB/3.00 MiB  800 KiB/s  2s left`. The core's rate: the bar's own would count what
/// an earlier run left as speed.
fn style() -> ProgressStyle {
    const TEMPLATE: &str = "{prefix}  [{bar:24}]  {msg}";
    // A template that cannot be read would be a mistake of ours; the plain bar is then good enough.
    ProgressStyle::with_template(TEMPLATE)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("##-")
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;
    use backchat_core::node::DownloadEvent;
    use backchat_core::transfer::ReceiverView;

    use super::*;
    use crate::app::downloads::Downloads;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn running(files: &[(&str, u64, u64)]) -> Downloads {
        let mut downloads = Downloads::default();
        for (id, (name, written, size)) in (1..).map(DownloadId).zip(files) {
            downloads.begin(id, FileName::parse(name).expect("a name"), None);
            let view = Box::new(ReceiverView::default());
            let event = DownloadEvent::Progress { written: *written, size: *size, rate: 512, view };
            assert!(downloads.on_event(at(1000), id, &event).is_some());
        }
        downloads
    }

    #[test]
    fn bars_stand_one_below_the_other_and_promise_nothing_while_nothing_comes() {
        let downloads = running(&[("a", 512, 1024), ("longer.bin", 100 << 20, 200 << 20)]);
        let states: Vec<&Download> = downloads.iter().map(|(_, state)| state).collect();
        let lines = |now| -> Vec<String> {
            sides(&states, now).into_iter().map(|sides| format!("{}|{}", sides.name, sides.words)).collect()
        };
        assert_eq!(
            lines(at(1500)),
            [
                "a         | 50 %         512 B/1.00 KiB  512 B/s  1s left",
                "longer.bin| 50 %  100.00 MiB/200.00 MiB  512 B/s  2days 8h 53m 20s left",
            ]
        );
        assert_eq!(
            lines(at(5000)),
            [
                "a         | 50 %         512 B/1.00 KiB  nothing for 4 s",
                "longer.bin| 50 %  100.00 MiB/200.00 MiB  nothing for 4 s",
            ]
        );
    }

    #[test]
    fn only_bars_that_are_seen_want_to_be_drawn_again() {
        let downloads = running(&[("a", 512, 1024)]);
        let (id, state) = downloads.iter().next().expect("one");
        let report = Report { download: id, state: state.clone(), news: News::Started { resumed_from: 0 } };
        let mut bars = Bars::hidden();
        bars.on_report(at(1000), &report);
        assert_eq!(bars.next_second(at(1000)), None);
        bars.is_hidden = false;
        assert_eq!(bars.next_second(at(1000)), Some(at(4000)));
        assert_eq!(bars.suspend(|| 7), 7);
        bars.on_report(at(1000), &Report { news: News::Skipped, ..report });
        assert_eq!(bars.next_second(at(1000)), None);
    }

    #[test]
    fn the_bar_can_be_drawn() {
        assert!(ProgressStyle::with_template("{prefix} [{bar:24}] {msg}").is_ok());
    }
}
