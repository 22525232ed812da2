//! A download from inside: plots of how it went, and what happened.

use std::time::Duration;

use backchat_core::text::visible;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use crate::app::App;
use crate::app::gauge::{Gauge, Incident, Sample};
use crate::app::wrap::{clip, width};
use crate::cli::render::units;
use crate::tui::theme::Theme;

/// Rows that a plot needs to say anything.
const PLOT: u16 = 5;

/// Most rows of what happened, its title among them.
const MOST_EVENTS: u16 = 6;

pub(super) fn draw(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let Some((name, gauge)) = app.inspected() else {
        let text = "no download yet: /get NAME begins one, F2 then shows it from inside";
        return frame.render_widget(Line::styled(clip(text, usize::from(area.width)), theme.notice), area);
    };
    let mut rest = area;
    let title = format!("{} (F2: the next, Esc: back)", visible(name));
    row(Line::styled(clip(&title, usize::from(area.width)), theme.title), &mut rest, frame);
    for text in rows(&numbers(gauge), usize::from(area.width)) {
        row(Line::raw(text), &mut rest, frame);
    }
    let events = MOST_EVENTS.min(rest.height / 3).max(1);
    let plots = rest.height.saturating_sub(events);
    let count = (plots / PLOT).min(3);
    for (place, plot) in PLOTS.iter().take(usize::from(count)).enumerate() {
        let left = count - u16::try_from(place).unwrap_or(0);
        let height = (rest.height - events) / left;
        draw_plot(plot, gauge, theme, Rect { height, ..rest }, frame);
        rest = Rect { y: rest.y + height, height: rest.height - height, ..rest };
    }
    row(Line::styled("what was seen here", theme.title), &mut rest, frame);
    for (at, incident) in gauge.incidents().take(usize::from(rest.height)) {
        let at = format!("{:>10}  ", units::time(*at));
        let words = words(incident, gauge.view().segment);
        row(Line::from(vec![Span::styled(at, theme.dim), Span::raw(words)]), &mut rest, frame);
    }
}

fn row(line: Line<'_>, rest: &mut Rect, frame: &mut Frame<'_>) {
    if rest.height > 0 {
        frame.render_widget(line, Rect { height: 1, ..*rest });
        *rest = Rect { y: rest.y + 1, height: rest.height - 1, ..*rest };
    }
}

/// What is known now, in numbers, and who measured it.
fn numbers(gauge: &Gauge) -> [String; 9] {
    let view = gauge.view();
    let round_trip = view.round_trip.map_or_else(|| "unknown".to_owned(), units::time);
    [
        format!("rcv_nxt {}", view.rcv_nxt),
        format!("window {}", units::size(view.limit.saturating_sub(view.rcv_nxt))),
        format!("ahead {}", units::size(view.highest.saturating_sub(view.rcv_nxt))),
        format!("RTT {round_trip}"),
        format!("RTO {}", units::time(view.rto)),
        format!("segments of {} B", view.segment),
        format!("{} behind a gap", view.discarded),
        format!("{} twice", view.duplicates),
        format!("{} measured at this end", units::time(span(gauge))),
    ]
}

/// Puts as many parts into a row as it takes.
fn rows(parts: &[String], columns: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for part in parts {
        match rows.last_mut() {
            Some(row) if width(row) + 3 + width(part) <= columns => *row += &format!(" · {part}"),
            _ => rows.push(clip(part, columns)),
        }
    }
    rows
}

/// How long what the plots show took.
fn span(gauge: &Gauge) -> Duration {
    gauge.step() * u32::try_from(gauge.samples().len()).unwrap_or(u32::MAX)
}

/// A line of a plot: its name, and its value in a step.
type Series = (&'static str, fn(&Sample) -> f64);

/// How a plot's values become heights.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// From zero.
    Linear,
    /// From the least value, in powers: for values of which one is many times the other.
    Logarithmic,
}

/// One plot: its lines, and how its values are written.
struct Plot {
    title: &'static str,
    scale: Scale,
    lines: &'static [Series],
    write: fn(f64) -> String,
}

const PLOTS: [Plot; 3] = [
    Plot {
        title: "goodput",
        scale: Scale::Linear,
        lines: &[("new bytes a second", |sample| sample.goodput as f64)],
        write: |value| units::rate(value as u64),
    },
    Plot {
        title: "window",
        scale: Scale::Linear,
        lines: &[
            ("arrived in a round trip", |sample| sample.flight as f64),
            ("window told", |sample| sample.window as f64),
        ],
        write: |value| units::size(value as u64),
    },
    Plot {
        title: "time (log)",
        scale: Scale::Logarithmic,
        lines: &[
            ("round trip", |sample| sample.round_trip.as_secs_f64()),
            ("RTO", |sample| sample.rto.as_secs_f64()),
        ],
        write: |value| units::time(Duration::from_secs_f64(value)),
    },
];

fn draw_plot(plot: &Plot, gauge: &Gauge, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let mut title = vec![Span::styled(format!("{}  ", plot.title), theme.title)];
    let styles = theme.series.iter().copied().chain(std::iter::repeat(Style::new()));
    for ((name, _), style) in plot.lines.iter().zip(styles.clone()) {
        title.push(Span::styled("— ", style));
        title.push(Span::raw(format!("{name}  ")));
    }
    let mut below = area;
    row(Line::from(title), &mut below, frame);
    // All of it, however short it was; a step that is alone is a line from its beginning to its end.
    let count = gauge.samples().len();
    let once = if count == 1 { 2 } else { 1 };
    let points: Vec<Vec<(f64, f64)>> = plot
        .lines
        .iter()
        .map(|(_, value)| {
            let values = gauge.samples().flat_map(|sample| std::iter::repeat_n(value(sample), once));
            let places = values.enumerate().map(|(at, value)| (at as f64, value));
            // What is not known yet is no value, and has no logarithm.
            places.filter(|(_, value)| plot.scale == Scale::Linear || *value > 0.0).collect()
        })
        .collect();
    let last = count.saturating_sub(1).max(1) as f64;
    let most = points.iter().flatten().map(|(_, value)| *value).fold(0.0, f64::max);
    let least = points.iter().flatten().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
    let (points, bounds, least) = match plot.scale {
        Scale::Linear => (points, [0.0, if most > 0.0 { most * 1.1 } else { 1.0 }], 0.0),
        Scale::Logarithmic if most <= 0.0 => (points, [0.0, 1.0], 0.0),
        Scale::Logarithmic => {
            let heights =
                |line: Vec<(f64, f64)>| line.into_iter().map(|(at, value)| (at, value.log10())).collect();
            // Half of a power around them, so that a line that is level does not lie on the edge.
            let bounds = [least.log10() - 0.25, most.log10() + 0.25];
            (points.into_iter().map(heights).collect(), bounds, least)
        }
    };
    let datasets = points.iter().zip(styles).map(|(points, style)| {
        Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).style(style).data(points)
    });
    let scale =
        [(plot.write)(least), (plot.write)(most)].map(|text| Span::styled(format!("{text:>12}"), theme.dim));
    let chart = Chart::new(datasets.collect())
        .x_axis(Axis::default().bounds([0.0, last]).style(theme.dim))
        .y_axis(Axis::default().bounds(bounds).labels(scale).style(theme.dim));
    frame.render_widget(chart, below);
}

/// `went back 41 ← 58`: in segments, as the field counts.
fn words(incident: &Incident, segment: u16) -> String {
    let segments = |byte: u64| byte.checked_div(u64::from(segment)).unwrap_or(byte);
    match incident {
        Incident::Began(0) => "began".to_owned(),
        Incident::Began(start) => format!("began at segment {}", segments(*start)),
        Incident::WentBack { from, to, times } => {
            let times = if *times > 1 { format!(", the last of {times} times") } else { String::new() };
            format!("went back {} ← {}{times}", segments(*to), segments(*from))
        }
        Incident::Duplicates(1) => "a segment came twice".to_owned(),
        Incident::Duplicates(count) => format!("{count} segments came twice"),
        Incident::Paused => "paused".to_owned(),
        Incident::Resumed => "goes on".to_owned(),
        Incident::Complete { bytes, took } => {
            let rate = units::rate(units::bytes_per_second(*bytes, *took));
            format!("complete: {} in {}, {rate}", units::size(*bytes), units::time(*took))
        }
        Incident::Ended(how) => format!("ended: {how}"),
    }
}
