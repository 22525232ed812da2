//! Where the panes are, in cells: a function of the window's size and of what there is to show.

/// Columns from which there is room for who is here beside the chat, and for wide names.
const WIDE: u16 = 64;
const VERY_WIDE: u16 = 100;

/// Most downloads that have a line of their own.
const MAX_DOWNLOADS: u16 = 4;

/// The size of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Across.
    pub columns: u16,
    /// Down.
    pub rows: u16,
}

/// A rectangle of cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Area {
    /// Columns to the left of it.
    pub x: u16,
    /// Rows above it.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Area {
    /// Whether a cell is in it.
    pub fn has(&self, column: u16, row: u16) -> bool {
        (self.x..self.x + self.width).contains(&column) && (self.y..self.y + self.height).contains(&row)
    }
}

/// The panes. One without room has no cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// What was said; help and inspector stand in its place.
    pub chat: Area,
    /// Who is here.
    pub people: Area,
    /// What can be downloaded.
    pub files: Area,
    /// The downloads, one a row.
    pub downloads: Area,
    /// The status line.
    pub status: Area,
    /// The line that is typed, or a question.
    pub input: Area,
}

impl Layout {
    /// The panes of a window, with so many downloads and people.
    pub fn of(size: Size, downloads: usize, people: usize) -> Self {
        let Size { columns, rows } = size;
        let input = rows.min(1);
        let status = (rows - input).min(1);
        let above = rows - input - status;
        let lines = u16::try_from(downloads).unwrap_or(u16::MAX).min(MAX_DOWNLOADS).min(above / 3);
        let height = above - lines;
        let side = match columns {
            0..WIDE => 0,
            WIDE..VERY_WIDE => 21,
            _ => 29,
        };
        let width = columns - side;
        // Those who are here get what they need, and leave half of it to the files at least.
        let people = u16::try_from(people + 1).unwrap_or(u16::MAX).clamp(2, (height / 2).max(2)).min(height);
        let row = |y, height| Area { x: 0, y, width: columns, height };
        let beside = |y, height| Area { x: width, y, width: side, height };
        Self {
            chat: Area { x: 0, y: 0, width, height },
            people: beside(0, people),
            files: beside(people, height - people),
            downloads: row(height, lines),
            status: row(above, status),
            input: row(above + status, input),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_window_keeps_the_chat_and_the_input() {
        let layout = Layout::of(Size { columns: 40, rows: 10 }, 3, 5);
        assert_eq!(layout.chat, Area { x: 0, y: 0, width: 40, height: 6 });
        assert_eq!(layout.downloads, Area { x: 0, y: 6, width: 40, height: 2 });
        assert_eq!((layout.status.y, layout.input.y), (8, 9));
        assert_eq!(layout.people.width, 0);
    }

    proptest! {
        #[test]
        fn panes_cover_the_window_and_never_each_other(columns in 0u16..200, rows in 0u16..80, downloads in 0usize..70, people in 0usize..300) {
            let it = Layout::of(Size { columns, rows }, downloads, people);
            for row in 0..rows {
                for column in 0..columns {
                    let panes = [it.chat, it.people, it.files, it.downloads, it.status, it.input];
                    prop_assert_eq!(panes.iter().filter(|pane| pane.has(column, row)).count(), 1, "{} {} {:?}", column, row, it);
                }
            }
        }
    }
}
