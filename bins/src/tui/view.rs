//! A picture of the model. Pure: the same model is the same picture, and drawing changes nothing.
//!
//! - `chat`, `side`, `downloads`, `status`, `input`, `help`, `inspector`: the panes.
//!
//! Whatever a stranger chose comes here made visible already, or is made so here: no cell holds a control character.

mod chat;
mod downloads;
mod help;
mod input;
mod inspector;
mod side;
mod status;

use ratatui::Frame;
use ratatui::layout::Rect;

use super::theme::Theme;
use crate::app::App;
use crate::app::layout::Area;
use crate::app::window::Front;

/// Draws everything.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame<'_>) {
    let layout = app.layout();
    let within = frame.area();
    let place = |area: Area| rect(area).intersection(within);
    match app.front() {
        Front::Inspector => inspector::draw(app, theme, place(layout.chat), frame),
        Front::Chat => chat::draw(app, theme, place(layout.chat), frame),
        Front::Help(row) => help::draw(row, theme, place(layout.chat), frame),
    }
    side::people(app, theme, place(layout.people), frame);
    side::files(app, theme, place(layout.files), frame);
    downloads::draw(app, theme, place(layout.downloads), frame);
    status::draw(app, theme, place(layout.status), frame);
    input::draw(app, theme, place(layout.input), frame);
}

fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}
