//! The downloads that run: a bar each, with rate and time left, or what it waits for.

use backchat_core::text::visible;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::downloads::Download;
use crate::app::wrap::{clip, width};
use crate::tui::theme::Theme;

pub(super) fn draw(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let running =
        app.session().downloads().iter().map(|(_, download)| (download, download.standing(app.now())));
    let waiting =
        app.session().interrupted().map(|report| (&report.state, "waits for the server".to_owned()));
    let (rows, all): (usize, Vec<_>) = (usize::from(area.height), running.chain(waiting).collect());
    let shown = if all.len() > rows { rows.saturating_sub(1) } else { all.len() };
    let columns = usize::from(area.width);
    let rows: Vec<Row<'_>> =
        all.iter().take(shown).map(|(download, state)| Row::of(download, state, &all)).collect();
    // Names and words as wide as the widest of them, so that the bars stand one below the other.
    let names = rows.iter().map(|row| width(&row.name)).max().unwrap_or(0);
    let names = names.min((columns / 3).clamp(8, 24)).min(columns);
    let words =
        rows.iter().map(|row| width(&row.words)).max().unwrap_or(0).min(columns.saturating_sub(names + 1));
    let mut lines: Vec<Line<'_>> = rows.iter().map(|row| row.line(names, words, columns, theme)).collect();
    if all.len() > shown {
        lines.push(Line::styled(format!("and {} more downloads", all.len() - shown), theme.dim));
    }
    for (place, line) in (0u16..area.height).zip(lines) {
        frame.render_widget(line, Rect { y: area.y + place, height: 1, ..area });
    }
}

/// A download, and what stands around its bar.
struct Row<'a> {
    download: &'a Download,
    name: String,
    words: String,
}

impl<'a> Row<'a> {
    /// `all` says which others run: of two of one file, the one that has another name here is told by it.
    fn of(download: &'a Download, state: &str, all: &[(&Download, String)]) -> Self {
        let is_alone = all.iter().filter(|(other, _)| other.file == download.file).count() < 2;
        let here = download.path.file_name().unwrap_or(download.path.as_os_str()).to_string_lossy();
        let name = match is_alone || here.is_empty() || here == download.file.as_str() {
            true => download.file.to_string(),
            false => format!("→ {}", visible(&here)),
        };
        Self { download, name, words: format!(" {}  {state}", download.hundredths()) }
    }

    /// `book.bin  ████████░░░░  62 %  1.20 MiB/s  3s left`: the bar takes what the words leave.
    fn line(&self, names: usize, words: usize, columns: usize, theme: &Theme) -> Line<'a> {
        let padded = |text: &str, columns: usize| {
            let text = clip(text, columns);
            let gap = columns.saturating_sub(width(&text));
            text + &" ".repeat(gap)
        };
        let room = columns.saturating_sub(names + 1 + words);
        let done = match self.download.size {
            0 => 0,
            // No more than the room, whatever a server says of sizes.
            size => (u128::from(self.download.received.min(size)) * room as u128 / u128::from(size)) as usize,
        };
        Line::from(vec![
            Span::raw(padded(&self.name, names)),
            Span::raw(" "),
            Span::styled("█".repeat(done), theme.done),
            Span::styled("░".repeat(room - done), theme.dim),
            Span::raw(padded(&self.words, words)),
        ])
    }
}
