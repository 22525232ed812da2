//! The line that is typed, with the cursor in its column; or a question in its place.

use backchat_core::text::visible;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::app::App;
use crate::app::editor::search::Outcome;
use crate::app::window::Question;
use crate::app::wrap::{clip, width};
use crate::cli::render::units;
use crate::tui::theme::Theme;

const PROMPT: &str = "> ";

/// How a line feed of the draft is shown.
const BREAK: &str = "↵";

pub(super) fn draw(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    if area.is_empty() {
        return;
    }
    if let Some(question) = question(app) {
        let question = clip(&question, usize::from(area.width));
        let column = u16::try_from(width(&question)).unwrap_or(u16::MAX).min(area.width - 1);
        frame.render_widget(Line::styled(question, theme.question), area);
        frame.set_cursor_position(Position { x: area.x + column, y: area.y });
        return;
    }
    let prompt = clip(&prompt(app), PROMPT.len().max(usize::from(area.width) / 2));
    let room = usize::from(area.width).saturating_sub(width(&prompt) + 1);
    let (before, after) = in_sight(app.editor().text(), app.editor().cursor(), room);
    let column = u16::try_from(width(&prompt) + width(&before)).unwrap_or(u16::MAX).min(area.width - 1);
    let line = Line::from(vec![Span::styled(prompt, theme.title), Span::raw(before), Span::raw(after)]);
    frame.render_widget(line, area);
    frame.set_cursor_position(Position { x: area.x + column, y: area.y });
}

/// What stands before the line.
fn prompt(app: &App) -> String {
    app.editor().search().map_or_else(
        || PROMPT.to_owned(),
        |search| {
            let what = match search.outcome() {
                Outcome::Found => "search",
                Outcome::NotFound => "not found",
            };
            format!("{what} '{}': ", visible(search.needle()))
        },
    )
}

fn question(app: &App) -> Option<String> {
    match app.question() {
        Some(Question::Leave { .. }) => {
            let downloads = app.session().downloads().iter().count();
            let kept = if downloads == 0 { "" } else { ", downloads keep what they have" };
            let unsent = match app.session().unsent() {
                0 => String::new(),
                count => format!(", {} not sent yet", units::count(count as u64, "message")),
            };
            Some(format!("leave{unsent}{kept}? y, or C-c again; n stays "))
        }
        Some(Question::Paste(pasted)) => {
            let limit = app.session().text_limit() as usize;
            let send = match pasted.count(limit) {
                Some(count) => format!("s: send as {}", units::count(count as u64, "message")),
                None => "too long to send".to_owned(),
            };
            Some(format!("paste {} lines? {send}, Enter: edit, o: one line, n: not ", pasted.lines()))
        }
        Some(Question::Path(path)) => Some(format!(
            "the path {} is not sent: Enter: into the line, as a text; n: not ",
            clip(&visible(path).to_string(), 24)
        )),
        None => {
            let (download, until) = app.session().halfway().filter(|_| app.editor().is_empty())?;
            let file = visible(app.session().downloads().file_of(download)?.as_str()).to_string();
            let left = until.saturating_since(app.now()).as_millis().div_ceil(1000);
            Some(format!("half of {} is here, go on? y n ({left} s) ", clip(&file, 16)))
        }
    }
}

/// As much of a text as there is room for, before and behind the cursor, made visible. The cursor is in sight, and a
/// little of what stands before it.
fn in_sight(text: &str, cursor: usize, room: usize) -> (String, String) {
    let shown = |part: &str| if part == "\n" { BREAK.to_owned() } else { visible(part).to_string() };
    let before: Vec<String> = text.get(..cursor).unwrap_or_default().graphemes(true).map(shown).collect();
    let mut used = 0;
    let fits = |used: &mut usize, part: &String| {
        *used += width(part);
        *used <= room
    };
    let kept = before.iter().rev().take_while(|part| fits(&mut used, part)).count();
    let before: String = before.get(before.len() - kept..).unwrap_or_default().concat();
    let mut used = width(&before);
    let after = text.get(cursor..).unwrap_or_default().graphemes(true).map(shown);
    let after: String = after.take_while(|part| fits(&mut used, part)).collect();
    (before, after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_always_in_sight_and_in_its_column() {
        for (text, cursor, before, after) in [
            ("hello", 5, "hello", ""),
            ("hello", 0, "", "hello"),
            ("a long line of text", 19, "ne of text", ""),
            ("日本語日本語", 9, "日本語", "日本"),
            ("日本語日本語", 18, "本語日本語", ""),
            ("a\u{202e}b", 4, "a\\u{202e}", "b"),
            ("a\nb", 2, "a↵", "b"),
        ] {
            let (seen_before, seen_after) = in_sight(text, cursor, 10);
            assert_eq!((seen_before.as_str(), seen_after.as_str()), (before, after), "{text}");
        }
    }
}
