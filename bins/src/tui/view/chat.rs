//! What was said, from the bottom up.

use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::scrollback::{Emphasis, Entry, InSight};
use crate::app::wrap::width;
use crate::cli::render::plain::Body;
use crate::tui::theme::Theme;
use crate::tui::view::LinkInSight;

/// Draws it, and says where links are.
pub(super) fn draw(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) -> Vec<LinkInSight> {
    let mut links = Vec::new();
    let (columns, mut bottom) = (usize::from(area.width), area.bottom());
    for seen in app.scrollback().in_sight(columns, usize::from(area.height)) {
        for (place, range) in seen.ranges.iter().enumerate().rev() {
            bottom = bottom.saturating_sub(1);
            if bottom < area.y {
                return links;
            }
            let is_first = place == 0 && seen.is_whole;
            let before = if is_first { seen.entry.head } else { seen.entry.indent(columns) };
            let pieces = pieces(seen.entry, range, theme);
            links.extend(in_sight(&pieces, before, Rect { y: bottom, height: 1, ..area }));
            let text = pieces.into_iter().map(|(text, style, _)| Span::styled(text, style));
            let line: Line<'_> = head(seen.entry, is_first, columns, theme).into_iter().chain(text).collect();
            let row = Rect { y: bottom, height: 1, ..area };
            frame.render_widget(line, row);
            if place == 0 && seen.is_first_new {
                mark(&seen, theme, row, frame);
            }
        }
    }
    links
}

/// The line from which on everything is new says so, at its right edge.
fn mark(seen: &InSight<'_>, theme: &Theme, row: Rect, frame: &mut Frame<'_>) {
    const MARK: &str = " ← new ";
    debug_assert!(seen.is_first_new);
    let width = 7.min(row.width);
    let at = Rect { x: row.right() - width, width, ..row };
    frame.render_widget(Span::styled(MARK, theme.question), at);
}

/// What stands before a row's text.
fn head<'a>(entry: &'a Entry, is_first: bool, columns: usize, theme: &Theme) -> Vec<Span<'a>> {
    if !is_first {
        return vec![Span::raw(" ".repeat(entry.indent(columns)))];
    }
    let mut spans = Vec::with_capacity(6);
    if !entry.stamp.is_empty() {
        spans.push(Span::styled(entry.stamp.as_str(), theme.dim));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::styled(entry.who.as_str(), who_style(entry, theme)));
    spans.push(Span::raw(" "));
    spans
}

/// A part of a row's text, how it looks, and where it leads.
type Piece<'a> = (&'a str, Style, Option<&'a str>);

/// A row's text, cut where links begin and end.
fn pieces<'a>(entry: &'a Entry, row: &Range<usize>, theme: &Theme) -> Vec<Piece<'a>> {
    let style = text_style(entry, theme);
    let text = |range: Range<usize>| entry.text.get(range).unwrap_or_default();
    let mut pieces = Vec::new();
    let mut from = row.start;
    for link in &entry.links {
        let range = link.range.start.max(row.start)..link.range.end.min(row.end);
        if range.is_empty() {
            continue;
        }
        pieces.push((text(from..range.start), style, None));
        from = range.end;
        pieces.push((text(range), style.add_modifier(Modifier::UNDERLINED), Some(link.to.as_str())));
    }
    pieces.push((text(from..row.end), style, None));
    pieces
}

/// The links of a row that has so many columns before its text.
fn in_sight(pieces: &[Piece<'_>], before: usize, row: Rect) -> Vec<LinkInSight> {
    let mut links = Vec::new();
    let mut column = before;
    for (text, _, to) in pieces {
        let columns = width(text).min(usize::from(row.width).saturating_sub(column));
        if let (Some(to), 1..) = (to, columns)
            && let (Ok(within), Ok(columns)) = (u16::try_from(column), u16::try_from(columns))
        {
            links.push(LinkInSight { row: row.y, column: row.x + within, columns, to: (*to).to_owned() });
        }
        column += width(text);
    }
    links
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
