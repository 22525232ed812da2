//! Draws the README's picture from a test's screen: `cargo run -p backchat --example screenshot > docs/tui.svg`.
//! A test holds the file against what this draws, so it cannot lie.

use std::io::{self, Write as _};

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/bins/screens/plays.rs"]
mod plays;
#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/bins/screens/stage.rs"]
mod stage;
#[path = "../../tests/bins/screens/svg.rs"]
mod svg;

fn main() -> io::Result<()> {
    let mut terminal = plays::readme().drawn();
    let cursor = terminal.get_cursor_position().map_err(io::Error::other)?;
    let picture = svg::draw(terminal.backend().buffer(), (cursor.x, cursor.y));
    io::stdout().write_all(picture.as_bytes())
}
