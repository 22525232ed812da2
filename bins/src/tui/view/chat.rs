//! What was said, from the bottom up.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::scrollback::{Emphasis, Entry, InSight};
use crate::cli::render::plain::Body;
use crate::tui::theme::Theme;

pub(super) fn draw(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let (columns, mut bottom) = (usize::from(area.width), area.bottom());
    for seen in app.scrollback().in_sight(columns, usize::from(area.height)) {
        for (place, range) in seen.ranges.iter().enumerate().rev() {
            bottom = bottom.saturating_sub(1);
            if bottom < area.y {
                return;
            }
            let text = seen.entry.text.get(range.clone()).unwrap_or_default();
            let line = match place == 0 && seen.is_whole {
                true => first(seen.entry, text, theme),
                false => indented(seen.entry, text, columns, theme),
            };
            let row = Rect { y: bottom, height: 1, ..area };
            frame.render_widget(line, row);
            if place == 0 && seen.is_first_new {
                mark(&seen, theme, row, frame);
            }
        }
    }
}

/// The line from which on everything is new says so, at its right edge.
fn mark(seen: &InSight<'_>, theme: &Theme, row: Rect, frame: &mut Frame<'_>) {
    const MARK: &str = " ← new ";
    debug_assert!(seen.is_first_new);
    let width = 7.min(row.width);
    let at = Rect { x: row.right() - width, width, ..row };
    frame.render_widget(Span::styled(MARK, theme.question), at);
}

fn first<'a>(entry: &'a Entry, text: &'a str, theme: &Theme) -> Line<'a> {
    let mut spans = Vec::with_capacity(6);
    if !entry.stamp.is_empty() {
        spans.push(Span::styled(entry.stamp.as_str(), theme.dim));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::styled(entry.who.as_str(), who_style(entry, theme)));
    spans.push(Span::raw(" "));
    spans.push(Span::styled(text, text_style(entry, theme)));
    Line::from(spans)
}

fn indented<'a>(entry: &Entry, text: &'a str, columns: usize, theme: &Theme) -> Line<'a> {
    let indent = " ".repeat(entry.indent(columns));
    Line::from(vec![Span::raw(indent), Span::styled(text, text_style(entry, theme))])
}

fn who_style(entry: &Entry, theme: &Theme) -> Style {
    match &entry.line.body {
        Body::Presence(_) => theme.dim,
        Body::Notice(_) => theme.notice,
        Body::Complaint(_) => theme.complaint,
        Body::Said { from, .. } => theme.nick(from),
        Body::Told { .. } => theme.private,
    }
}

fn text_style(entry: &Entry, theme: &Theme) -> Style {
    match (&entry.line.body, entry.emphasis) {
        (_, Emphasis::Mention) => theme.mention,
        (Body::Presence(_), _) => theme.dim,
        (Body::Notice(_), _) => theme.notice,
        (Body::Complaint(_), _) => theme.complaint,
        (Body::Told { .. }, _) => theme.private,
        (Body::Said { .. }, _) if entry.line.is_earlier => theme.dim,
        (Body::Said { .. }, _) => Style::new(),
    }
}
