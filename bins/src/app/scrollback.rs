//! What was said and told, and which part of it is in sight.
//!
//! The place is held by a line, not by a distance from the end: what comes in meanwhile moves nothing.

use std::collections::VecDeque;

use super::links::Link;
use super::wrap::wrap;
use crate::cli::render::plain::Line;

/// Lines that are kept where nothing else is said.
pub const MAX_LINES: usize = 10_000;

/// How a line stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Emphasis {
    /// Not at all.
    Plain,
    /// It names us, or a word that we listen for.
    Mention,
}

/// A line of the scrollback.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What it says.
    pub line: Line,
    /// How it stands out.
    pub emphasis: Emphasis,
    /// Its time, as it is shown. This and what follows is kept because it is looked at in every frame.
    pub stamp: String,
    /// What stands before its text.
    pub who: String,
    /// The columns of both.
    pub head: usize,
    /// Its text, made visible but for the line feeds at which it breaks.
    pub text: String,
    /// What in it leads somewhere, from the left.
    pub links: Vec<Link>,
}

/// Which part is in sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The end.
    Bottom,
    /// This line, counted from the first that there ever was, is the last in sight, without so many of its rows.
    At { line: u64, hidden: usize },
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Scrollback {
    entries: VecDeque<Entry>,
    /// Most of them.
    most: usize,
    /// Lines that are no longer kept.
    dropped: u64,
    place: Place,
    /// The first line that was not in sight when it came.
    unread: Option<u64>,
}

impl Default for Scrollback {
    fn default() -> Self {
        Self { entries: VecDeque::new(), most: MAX_LINES, dropped: 0, place: Place::Bottom, unread: None }
    }
}

impl Scrollback {
    /// One that keeps at most so many lines.
    pub fn holding(most: usize) -> Self {
        Self { most: most.max(1), ..Self::default() }
    }

    /// Goes up to the next line above the last in sight that `is` what one looks for; `false` where there is none.
    pub fn find(&mut self, is: impl Fn(&Entry) -> bool) -> bool {
        let above = match self.place {
            Place::Bottom => self.end(),
            Place::At { line, .. } => line,
        };
        let found = (self.dropped..above).rev().find(|number| self.entry(*number).is_some_and(&is));
        if let Some(line) = found {
            self.place = Place::At { line, hidden: 0 };
        }
        found.is_some()
    }

    /// Adds a line at the end.
    pub fn push(&mut self, entry: Entry) {
        if self.entries.len() >= self.most {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(entry);
        let first = self.dropped;
        if let Place::At { line, hidden } = &mut self.place
            && *line < first
        {
            (*line, *hidden) = (first, 0);
        }
        if self.place != Place::Bottom {
            let newest = self.end() - 1;
            self.unread.get_or_insert(newest);
        }
    }

    /// Puts a line in place of the last.
    pub fn replace_last(&mut self, entry: Entry) {
        if let Some(last) = self.entries.back_mut() {
            *last = entry;
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        *self = Self { dropped: self.end(), ..Self::holding(self.most) };
    }

    /// Lines that came while the end was not in sight, and were not looked at.
    pub fn unread(&self) -> u64 {
        self.unread.map_or(0, |first| self.end() - first.max(self.dropped))
    }

    /// Whether the end is in sight.
    pub fn is_at_bottom(&self) -> bool {
        self.place == Place::Bottom
    }

    /// The lines in sight from the last to the first: each with its rows that are in sight, and whether what is new
    /// begins with it.
    pub fn in_sight(&self, columns: usize, rows: usize) -> Vec<InSight<'_>> {
        let (last, mut hidden) = match self.place {
            Place::Bottom => (self.end(), 0),
            Place::At { line, hidden } => (line + 1, hidden),
        };
        let mut left = rows;
        let mut lines = Vec::new();
        for number in (self.dropped..last).rev() {
            let Some(entry) = self.entry(number) else { break };
            let mut ranges = entry.rows(columns);
            ranges.truncate(ranges.len().saturating_sub(hidden).max(1));
            hidden = 0;
            let cut = ranges.len().saturating_sub(left);
            let is_first_new = self.unread == Some(number);
            left -= ranges.len() - cut;
            let is_whole = cut == 0;
            ranges.drain(..cut);
            lines.push(InSight { entry, ranges, is_whole, is_first_new });
            if left == 0 {
                break;
            }
        }
        lines
    }

    /// Goes up by so many rows of so many columns; no further than a full screen from the beginning.
    pub fn up(&mut self, columns: usize, rows: usize, height: usize) {
        let (mut line, mut hidden) = match self.place {
            Place::Bottom => match self.end().checked_sub(1) {
                Some(last) if last >= self.dropped => (last, 0),
                _ => return,
            },
            Place::At { line, hidden } => (line, hidden),
        };
        for _ in 0..rows {
            let Some(entry) = self.entry(line) else { return };
            if !self.has_rows_above(line, hidden, columns, height) {
                break;
            }
            if hidden + 1 < entry.rows(columns).len() {
                hidden += 1;
            } else if line > self.dropped {
                (line, hidden) = (line - 1, 0);
            }
        }
        if (line, hidden) != (self.end() - 1, 0) {
            self.place = Place::At { line, hidden };
        }
    }

    /// Goes down by so many rows; to the end, where there are not that many.
    pub fn down(&mut self, columns: usize, rows: usize) {
        let Place::At { mut line, mut hidden } = self.place else { return };
        for _ in 0..rows {
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            line += 1;
            let Some(entry) = self.entry(line) else { return self.to_bottom() };
            hidden = entry.rows(columns).len() - 1;
        }
        if (line + 1, hidden) == (self.end(), 0) {
            return self.to_bottom();
        }
        self.place = Place::At { line, hidden };
    }

    /// Goes to the end: everything is read.
    pub fn to_bottom(&mut self) {
        self.place = Place::Bottom;
        self.unread = None;
    }

    /// Whether more than `height` rows stand from the beginning to this place.
    fn has_rows_above(&self, line: u64, hidden: usize, columns: usize, height: usize) -> bool {
        let mut rows = 0;
        for number in (self.dropped..=line).rev() {
            rows += self.entry(number).map_or(0, |entry| entry.rows(columns).len());
            if rows > height + hidden {
                return true;
            }
        }
        false
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        let place = usize::try_from(number.checked_sub(self.dropped)?).ok()?;
        self.entries.get(place)
    }

    /// The number of the line that comes next.
    fn end(&self) -> u64 {
        self.dropped + self.entries.len() as u64
    }
}

/// A line in sight.
#[derive(Clone, Debug)]
pub struct InSight<'a> {
    /// The line.
    pub entry: &'a Entry,
    /// The parts of its text, one a row.
    pub ranges: Vec<std::ops::Range<usize>>,
    /// Whether its first row is among them.
    pub is_whole: bool,
    /// Whether everything from it on is new.
    pub is_first_new: bool,
}

impl Entry {
    /// The parts of the text, one a row: all of them indented by the head, unless that leaves too little.
    fn rows(&self, columns: usize) -> Vec<std::ops::Range<usize>> {
        wrap(&self.text, columns.saturating_sub(self.head), columns.saturating_sub(self.indent(columns)))
    }

    /// Columns before the second row and those after it.
    pub fn indent(&self, columns: usize) -> usize {
        if self.head * 2 <= columns { self.head } else { 2.min(columns) }
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::time::UnixTime;

    use super::*;
    use crate::cli::render::plain::Body;

    fn entry(text: &str) -> Entry {
        let line = Line::now(UnixTime::from_millis(0), Body::Notice(text.to_owned()));
        Entry {
            line,
            emphasis: Emphasis::Plain,
            stamp: String::new(),
            who: String::new(),
            head: 0,
            text: text.to_owned(),
            links: Vec::new(),
        }
    }

    fn filled(count: usize) -> Scrollback {
        let mut scrollback = Scrollback::default();
        for number in 0..count {
            scrollback.push(entry(&number.to_string()));
        }
        scrollback
    }

    /// The rows in sight, from the top, 5 of 10 columns.
    fn seen(scrollback: &Scrollback) -> Vec<String> {
        let lines = scrollback.in_sight(10, 5);
        let rows =
            lines.iter().rev().flat_map(|it| it.ranges.iter().map(|range| &it.entry.text[range.clone()]));
        rows.map(str::to_owned).collect()
    }

    #[test]
    fn the_end_is_in_sight_until_somebody_goes_up() {
        let mut scrollback = filled(9);
        assert_eq!(seen(&scrollback), ["4", "5", "6", "7", "8"]);
        scrollback.up(10, 2, 5);
        assert_eq!(seen(&scrollback), ["2", "3", "4", "5", "6"]);
        scrollback.push(entry("new"));
        scrollback.push(entry("newer"));
        assert_eq!(seen(&scrollback), ["2", "3", "4", "5", "6"]);
        assert_eq!(scrollback.unread(), 2);
        scrollback.down(10, 3);
        assert_eq!(seen(&scrollback), ["5", "6", "7", "8", "new"]);
        assert!(scrollback.in_sight(10, 5)[0].is_first_new);
        scrollback.down(10, 100);
        assert_eq!((scrollback.is_at_bottom(), scrollback.unread()), (true, 0));
    }

    #[test]
    fn what_is_looked_for_is_found_from_the_last_to_the_first() {
        let mut scrollback = Scrollback::holding(8);
        (0..20).for_each(|number| scrollback.push(entry(&number.to_string())));
        assert_eq!(seen(&scrollback), ["15", "16", "17", "18", "19"]);
        assert!(scrollback.find(|entry| entry.text.contains('4') || entry.text.contains('6')));
        assert_eq!(seen(&scrollback), ["12", "13", "14", "15", "16"]);
        assert!(scrollback.find(|entry| entry.text.contains('4')));
        assert_eq!(seen(&scrollback), ["12", "13", "14"]);
        assert!(!scrollback.find(|entry| entry.text.contains('4')));
        assert_eq!(seen(&scrollback), ["12", "13", "14"]);
    }

    #[test]
    fn nobody_goes_above_the_beginning() {
        let mut scrollback = filled(7);
        scrollback.up(10, 100, 5);
        assert_eq!(seen(&scrollback), ["0", "1", "2", "3", "4"]);
        let mut short = filled(3);
        short.up(10, 100, 5);
        assert!(short.is_at_bottom());
        Scrollback::default().up(10, 1, 5);
    }

    #[test]
    fn long_lines_scroll_by_rows() {
        let mut scrollback = filled(5);
        scrollback.push(entry("one two three four five"));
        assert_eq!(seen(&scrollback), ["3", "4", "one two", "three four", "five"]);
        scrollback.up(10, 1, 5);
        assert_eq!(seen(&scrollback), ["2", "3", "4", "one two", "three four"]);
        scrollback.up(10, 2, 5);
        assert_eq!(seen(&scrollback), ["0", "1", "2", "3", "4"]);
        scrollback.down(10, 1);
        assert_eq!(seen(&scrollback), ["1", "2", "3", "4", "one two"]);
        scrollback.down(10, 2);
        assert!(scrollback.is_at_bottom());
    }

    #[test]
    fn what_is_dropped_moves_the_place_to_what_is_left() {
        let mut scrollback = filled(MAX_LINES);
        scrollback.up(10, MAX_LINES, 5);
        for _ in 0..20 {
            scrollback.push(entry("new"));
        }
        assert_eq!(seen(&scrollback), ["20"]);
        assert_eq!(scrollback.unread(), 20);
        scrollback.clear();
        assert_eq!((seen(&scrollback).len(), scrollback.unread()), (0, 0));
    }
}
