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

/// A link that was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInSight {
    /// Rows above it.
    pub row: u16,
    /// Columns before it.
    pub column: u16,
    /// How many it has.
    pub columns: u16,
    /// Where it leads: printable ASCII.
    pub to: String,
}

/// Draws everything, and says where links are: a frame has no place for them.
pub fn draw(app: &App, theme: &Theme, frame: &mut Frame<'_>) -> Vec<LinkInSight> {
    let layout = app.layout();
    let within = frame.area();
    let place = |area: Area| rect(area).intersection(within);
    let mut links = Vec::new();
    match app.front() {
        Front::Inspector => inspector::draw(app, theme, place(layout.chat), frame),
        Front::Chat => links = chat::draw(app, theme, place(layout.chat), frame),
        Front::Help(row) => help::draw(row, &app.settings().keys, theme, place(layout.chat), frame),
    }
    side::people(app, theme, place(layout.people), frame);
    side::files(app, theme, place(layout.files), frame);
    downloads::draw(app, theme, place(layout.downloads), frame);
    status::draw(app, theme, place(layout.status), frame);
    input::draw(app, theme, place(layout.input), frame);
    links
}

fn rect(area: Area) -> Rect {
    Rect { x: area.x, y: area.y, width: area.width, height: area.height }
}
