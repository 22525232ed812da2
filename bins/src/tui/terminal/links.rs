//! Links on the terminal (OSC 8), written over what was drawn.
//!
//! The sequence is the one of <https://gist.github.com/egmontkob/eb114294efbcd5adb1944c9f3cb5feda>: `ESC ] 8 ; id=ID ;
//! ADDRESS ESC \`, and the same without an address behind the text. ratatui's cells know nothing of links and are written
//! only when they change, so that a cell keeps the link that it was written with: what is no link any more is written again
//! as well.

use std::io::{self, Write};

use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};

use crate::tui::view::LinkInSight;

/// Keeps and brings back the cursor's place (DECSC, DECRC): the frame has put it where it belongs.
const SAVE_CURSOR: &[u8] = b"\x1b7";
const RESTORE_CURSOR: &[u8] = b"\x1b8";

/// The links that the terminal shows.
#[derive(Debug, Default)]
pub(super) struct Links {
    shown: Vec<Shown>,
    area: Rect,
}

/// A link, and the cells that it was written with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    link: LinkInSight,
    cells: Vec<Cell>,
}

impl Links {
    /// Writes what has changed about the links of a frame, after the frame.
    pub(super) fn write(
        &mut self,
        mut out: impl Write,
        buffer: &Buffer,
        links: Vec<LinkInSight>,
    ) -> io::Result<()> {
        if self.area != buffer.area {
            // It was painted whole.
            *self = Self { shown: Vec::new(), area: buffer.area };
        }
        let cells = |link: &LinkInSight| cells(buffer, link).map(|(_, _, cell)| cell.clone()).collect();
        let shown: Vec<Shown> = links.into_iter().map(|link| Shown { cells: cells(&link), link }).collect();
        if shown == self.shown {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.shown, shown);
        out.write_all(SAVE_CURSOR)?;
        for gone in before.iter().filter(|gone| !self.shown.contains(gone)) {
            CrosstermBackend::new(&mut out).draw(cells_of(buffer, gone))?;
        }
        for new in self.shown.iter().filter(|new| !before.contains(new)) {
            // The address was made so; nothing else may get here, whatever comes to make addresses.
            let to: String = new.link.to.chars().filter(char::is_ascii_graphic).collect();
            let id = blake3::hash(to.as_bytes()).to_hex();
            write!(out, "\x1b]8;id={};{to}\x1b\\", id.get(..8).unwrap_or_default())?;
            CrosstermBackend::new(&mut out).draw(cells_of(buffer, new))?;
            out.write_all(b"\x1b]8;;\x1b\\")?;
        }
        out.write_all(RESTORE_CURSOR)
    }
}

fn cells_of<'a>(buffer: &'a Buffer, shown: &Shown) -> impl Iterator<Item = (u16, u16, &'a Cell)> {
    cells(buffer, &shown.link)
}

/// The cells of a link. Not the second half of a wide character: it is written with the first.
fn cells<'a>(buffer: &'a Buffer, link: &LinkInSight) -> impl Iterator<Item = (u16, u16, &'a Cell)> {
    let (row, columns) = (link.row, link.column..link.column.saturating_add(link.columns));
    let is_wide = move |column: u16| {
        let cell = buffer.cell(Position::new(column, row));
        cell.is_some_and(|cell| unicode_width::UnicodeWidthStr::width(cell.symbol()) > 1)
    };
    columns
        .filter(move |column| column.checked_sub(1).is_none_or(|before| !is_wide(before)))
        .filter_map(move |column| Some((column, row, buffer.cell(Position::new(column, row))?)))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn link(row: u16, column: u16, columns: u16, to: &str) -> LinkInSight {
        LinkInSight { row, column, columns, to: to.to_owned() }
    }

    fn buffer(rows: &[&str]) -> Buffer {
        Buffer::with_lines(rows.iter().copied())
    }

    fn written(links: &mut Links, buffer: &Buffer, now: Vec<LinkInSight>) -> String {
        let mut out = Vec::new();
        links.write(&mut out, buffer, now).expect("a vector takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn a_link_is_written_once_and_taken_away_where_it_was() {
        let mut links = Links::default();
        let first = buffer(&["see http://a ok", "               "]);
        let text = written(&mut links, &first, vec![link(0, 4, 8, "http://a")]);
        let (open, rest) = text.split_once("http://a\x1b\\").expect("an address");
        assert!(open.starts_with("\x1b7\x1b]8;id=") && rest.contains("http://a"), "{text:?}");
        assert!(text.ends_with("\x1b]8;;\x1b\\\x1b8") && !text.contains("see"), "{text:?}");
        assert_eq!(written(&mut links, &first, vec![link(0, 4, 8, "http://a")]), "");
        // The same characters lead elsewhere now.
        let text = written(&mut links, &first, vec![link(0, 4, 8, "http://b")]);
        assert!(text.contains(";http://b\x1b\\") && !text.contains(";http://a"), "{text:?}");
        // The line moved down; what stands in its place is no link.
        let second = buffer(&["what is new now", "see http://a ok"]);
        let text = written(&mut links, &second, vec![link(1, 4, 8, "http://b")]);
        assert!(text.contains(" is new") && text.contains(";http://b"), "{text:?}");
        let text = written(&mut links, &second, Vec::new());
        assert!(text.contains("http://a") && !text.contains("\x1b]8"), "{text:?}");
    }

    #[test]
    fn nothing_but_an_address_gets_between_the_sequences() {
        let text = written(
            &mut Links::default(),
            &buffer(&["a"]),
            vec![link(0, 0, 1, "http://a\x1b\\\u{9c} \x07b")],
        );
        assert!(text.contains(";http://a\\b\x1b\\") && !text.contains('\u{9c}'), "{text:?}");
    }

    #[test]
    fn no_half_of_a_character_is_written_and_nothing_outside_of_the_window() {
        let mut wide = buffer(&["日本  "]);
        wide.set_style(wide.area, Style::new());
        let text =
            written(&mut Links::default(), &wide, vec![link(0, 1, 9, "http://a"), link(7, 0, 3, "http://b")]);
        assert!(!text.contains('日') && text.contains('本'), "{text:?}");
    }
}
