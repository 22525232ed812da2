//! Searching backwards in what was typed, a character at a time, as readline does with C-r.

use unicode_segmentation::UnicodeSegmentation as _;

use super::{Editor, MAX_BYTES};

/// A search that goes on: the editor shows what it has found.
#[derive(Clone, Debug)]
pub struct Search {
    needle: String,
    /// The line that is shown, counted from the newest; none as long as nothing was found.
    place: Option<usize>,
    outcome: Outcome,
    /// What stood there before, and where the cursor was.
    draft: (String, usize),
}

/// How a search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The line that is shown holds what is searched for.
    Found,
    /// No line does, or no older one.
    NotFound,
}

impl Search {
    /// What is searched for.
    pub fn needle(&self) -> &str {
        &self.needle
    }

    /// How it stands.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }
}

impl Editor {
    /// The search, while there is one.
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
    }

    /// Begins to search; where one searches already, goes on to an older line.
    pub fn search_earlier(&mut self) {
        match &self.search {
            None => {
                let draft = (self.text.clone(), self.cursor);
                let needle = String::new();
                self.search = Some(Search { needle, place: None, outcome: Outcome::Found, draft });
            }
            Some(search) => self.find_from(search.place.map_or(0, |place| place + 1)),
        }
    }

    /// Searches for more: what is shown stays where it holds that as well.
    pub fn search_for(&mut self, more: &str) {
        if let Some(search) = &mut self.search
            && search.needle.len() + more.len() <= MAX_BYTES
        {
            search.needle += more;
            let place = search.place.unwrap_or(0);
            self.find_from(place);
        }
    }

    /// Searches for one character less, from the newest line on.
    pub fn search_for_less(&mut self) {
        let Some(search) = &mut self.search else { return };
        let last = search.needle.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
        search.needle.truncate(last);
        search.place = None;
        self.find_from(0);
    }

    /// Ends the search with what was there before.
    pub fn cancel_search(&mut self) {
        if let Some(search) = self.search.take() {
            (self.text, self.cursor) = search.draft;
        }
    }

    /// Ends the search with what it has found, to go on from there.
    pub fn accept_search(&mut self) {
        if let Some(Search { place: Some(place), draft, .. }) = self.search.take() {
            self.recalled = Some((place, draft.0));
        }
    }

    fn find_from(&mut self, place: usize) {
        let Some(search) = &mut self.search else { return };
        let found = (self.history.iter().rev().enumerate().skip(place))
            .find_map(|(place, line)| Some((place, line, line.find(&search.needle)?)));
        let (text, cursor) = match found {
            _ if search.needle.is_empty() => {
                (search.outcome, search.place) = (Outcome::Found, None);
                search.draft.clone()
            }
            Some((place, line, at)) => {
                (search.outcome, search.place) = (Outcome::Found, Some(place));
                (line.clone(), at)
            }
            // What was found last stays in sight.
            None => {
                search.outcome = Outcome::NotFound;
                return;
            }
        };
        (self.text, self.cursor) = (text, cursor);
        self.align();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::editor::Edit;

    fn editor() -> Editor {
        let mut editor = Editor::default();
        for line in ["get a", "hello", "get b", "over"] {
            editor.set(line);
            editor.take();
        }
        editor.set("draft");
        editor.edit(Edit::Left);
        editor
    }

    fn shown(editor: &Editor) -> (&str, usize, Option<Outcome>) {
        (editor.text(), editor.cursor(), editor.search().map(Search::outcome))
    }

    #[test]
    fn the_newest_line_that_holds_it_is_shown_and_then_older_ones() {
        let mut editor = editor();
        editor.search_earlier();
        assert_eq!(shown(&editor), ("draft", 4, Some(Outcome::Found)));
        editor.search_for("e");
        assert_eq!(shown(&editor), ("over", 2, Some(Outcome::Found)));
        editor.search_for("t");
        assert_eq!(shown(&editor), ("get b", 1, Some(Outcome::Found)));
        editor.search_earlier();
        assert_eq!(shown(&editor), ("get a", 1, Some(Outcome::Found)));
        editor.search_earlier();
        assert_eq!(shown(&editor), ("get a", 1, Some(Outcome::NotFound)));
        editor.search_for_less();
        assert_eq!(shown(&editor), ("over", 2, Some(Outcome::Found)));
        editor.search_for_less();
        editor.search_for_less();
        assert_eq!(shown(&editor), ("draft", 4, Some(Outcome::Found)));
    }

    #[test]
    fn a_search_ends_with_what_it_found_or_with_the_draft() {
        let mut editor = editor();
        editor.search_earlier();
        editor.search_for("hell");
        editor.cancel_search();
        assert_eq!(shown(&editor), ("draft", 4, None));
        editor.search_earlier();
        editor.search_for("hell");
        editor.accept_search();
        assert_eq!(shown(&editor), ("hello", 0, None));
        // Up and Down go on from there.
        editor.edit(Edit::Later);
        assert_eq!(editor.text(), "get b");
        editor.edit(Edit::Later);
        editor.edit(Edit::Later);
        assert_eq!(editor.text(), "draft");
    }
}
