//! The status line: server, nickname, connection, round trip, what is unread.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::app::App;
use crate::app::session::Link;
use crate::app::wrap::{clip, width};
use crate::cli::render::units;
use crate::tui::theme::Theme;

pub(super) fn draw(app: &App, theme: &Theme, area: Rect, frame: &mut Frame<'_>) {
    let session = app.session();
    let connection = match session.link() {
        Link::Connecting => "connecting".to_owned(),
        Link::Up => match session.round_trip() {
            Some(round_trip) => format!("up, {}", units::time(round_trip)),
            None => "up".to_owned(),
        },
        Link::Waiting(until) => {
            let seconds = until.saturating_since(app.now()).as_millis().div_ceil(1000);
            format!("not connected, again in {seconds} s")
        }
        Link::Over => "not connected".to_owned(),
    };
    let untaken = match session.untaken() {
        0 => String::new(),
        count => format!(" · {count} not taken yet"),
    };
    let untaken = match session.in_turn() {
        0 => untaken,
        count => format!(" · {count} wait, /cancel takes them back"),
    };
    let here = match session.roster().iter().len() {
        0 => String::new(),
        count => format!(" · {count} here"),
    };
    let left = format!(" {} @ {} · {connection}{untaken}{here}", session.nick(), session.server());
    let unread = match app.scrollback() {
        it if it.unread() > 0 => format!("{} new ↓ C-End ", it.unread()),
        it if !it.is_at_bottom() => "earlier · C-End ".to_owned(),
        _ => "F1 help ".to_owned(),
    };
    let columns = usize::from(area.width);
    let left = clip(&left, columns.saturating_sub(width(&unread) + 1));
    let gap = " ".repeat(columns.saturating_sub(width(&left) + width(&unread)));
    frame.render_widget(Line::styled(format!("{left}{gap}{unread}"), theme.status), area);
}
