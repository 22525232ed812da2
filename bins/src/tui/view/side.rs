//! Beside the chat: who is here, and what can be downloaded.

use backchat_core::text::visible;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders};

use crate::app::App;
use crate::app::wrap::{clip, width};
use crate::cli::render::units;
use crate::tui::theme::Theme;

pub(super) fn people(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let roster = app.session().roster();
    let count = roster.iter().len();
    let rows = roster.iter().map(|nick| {
        let name = clip(nick.as_str(), usize::from(area.width.saturating_sub(2)));
        let style = if app.session().ignores(nick) { theme.dim } else { theme.nick(nick) };
        Line::styled(name, style)
    });
    pane(&format!("{count} here"), rows, count, theme, area, frame);
}

pub(super) fn files(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let files = app.session().files();
    let columns = usize::from(area.width.saturating_sub(2));
    let rows = files.iter().map(|entry| {
        let size = short_size(entry.size);
        let name = clip(&visible(entry.name.as_str()).to_string(), columns.saturating_sub(width(&size) + 1));
        let gap = " ".repeat(columns.saturating_sub(width(&name) + width(&size)));
        Line::from(vec![Span::raw(name), Span::raw(gap), Span::styled(size, theme.dim)])
    });
    pane(&units::count(files.len() as u64, "file"), rows, files.len(), theme, area, frame);
}

/// `512K`, `1.5M`: what fits beside a name.
fn short_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["K", "M", "G", "T", "P", "E"];
    if bytes < 1000 {
        return bytes.to_string();
    }
    // In tenths, so that 1.5M can be told from 2M.
    let (mut tenths, mut unit) = (u128::from(bytes) * 10 / 1024, 0);
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    let name = UNITS.get(unit).copied().unwrap_or_default();
    if tenths < 100 {
        format!("{}.{}{name}", tenths / 10, tenths % 10)
    } else {
        format!("{}{name}", tenths / 10)
    }
}

/// A title, and as many rows as fit; how many do not, where there are such.
fn pane<'a>(
    title: &str,
    rows: impl Iterator<Item = Line<'a>>,
    count: usize,
    theme: &Theme,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    if area.is_empty() {
        return;
    }
    let block = Block::new().borders(Borders::LEFT).border_style(theme.dim);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let inner = Rect { x: inner.x + inner.width.min(1), width: inner.width.saturating_sub(1), ..inner };
    frame.render_widget(Line::styled(title.to_owned(), theme.title), inner);
    let room = usize::from(inner.height.saturating_sub(1));
    let shown = if count > room { room.saturating_sub(1) } else { count };
    let more =
        (count > shown && room > 0).then(|| Line::styled(format!("and {} more", count - shown), theme.dim));
    for (place, line) in (1u16..).zip(rows.take(shown).chain(more)) {
        frame.render_widget(line, Rect { y: inner.y + place, height: 1, ..inner });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_fit_beside_a_name() {
        let sizes = [0, 999, 1000, 1536, 10_240, 1_572_864, u64::MAX].map(short_size);
        assert_eq!(sizes, ["0", "999", "0.9K", "1.5K", "10K", "1.5M", "15E"]);
    }
}
