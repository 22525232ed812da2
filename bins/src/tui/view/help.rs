//! The help, in place of the chat.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::keymap::Keymap;
use crate::app::window::{HelpRow, help};
use crate::app::wrap::{clip, width};
use crate::tui::theme::Theme;

/// Columns for what is typed.
const TYPED: usize = 22;

pub(super) fn draw(first: usize, keys: &Keymap, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let columns = usize::from(area.width);
    let rows = help(columns, keys);
    for (place, row) in (0u16..area.height).zip(rows.iter().skip(first)) {
        let line = match row {
            HelpRow::Title(title) => Line::styled(clip(title, columns), theme.title),
            HelpRow::Space => Line::default(),
            HelpRow::Entry { typed, about } => {
                let typed = clip(typed, TYPED.min(columns));
                let gap = TYPED.saturating_sub(width(&typed)) + 1;
                let about = clip(about, columns.saturating_sub(TYPED + 1));
                Line::from(vec![
                    Span::styled(typed, theme.done),
                    Span::raw(" ".repeat(gap)),
                    Span::raw(about),
                ])
            }
        };
        frame.render_widget(line, Rect { y: area.y + place, height: 1, ..area });
    }
    let below = rows.len().saturating_sub(first + usize::from(area.height));
    if below > 0 && area.height > 0 {
        let mark = clip(&format!(" {below} more rows ↓ PageDown "), columns);
        let width = u16::try_from(width(&mark)).unwrap_or(area.width).min(area.width);
        let at = Rect { x: area.right() - width, y: area.bottom() - 1, width, height: 1 };
        frame.render_widget(Span::styled(mark, theme.status), at);
    }
}
