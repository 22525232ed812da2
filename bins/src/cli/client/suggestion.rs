//! The file that somebody may have meant who asked for one that is not there.

use backchat_core::chat::{RequestId, ServerFrame};
use unicode_normalization::UnicodeNormalization as _;

/// Names that are looked at: comparing more would take longer than anybody waits for an error.
const NAMES_MAX: usize = 10_000;

/// The nearest of the names that the server lists.
#[derive(Debug)]
pub struct Suggestion {
    asked_for: String,
    /// The request for the list.
    request: Option<RequestId>,
    looked_at: usize,
    /// By how many slips it differs.
    nearest: Option<(usize, String)>,
}

/// What a frame was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Nothing that belongs to the list.
    Other,
    /// A page of the list, and not the last that is of interest.
    Page,
    /// There is no more to see.
    Last,
}

impl Suggestion {
    /// For `name`, which is not there.
    pub fn of(name: &str) -> Self {
        Self { asked_for: plain(name), request: None, looked_at: 0, nearest: None }
    }

    /// The list was asked for.
    pub fn asked(&mut self, request: RequestId) {
        self.request = Some(request);
    }

    /// Looks at a frame of the server.
    pub fn on_frame(&mut self, frame: &ServerFrame) -> Seen {
        match frame {
            ServerFrame::Files { id, files, more } if self.request.is_some() && *id == self.request => {
                for file in files.iter().take(NAMES_MAX - self.looked_at) {
                    self.looked_at += 1;
                    self.look_at(file.name.as_str());
                }
                if *more && self.looked_at < NAMES_MAX { Seen::Page } else { Seen::Last }
            }
            ServerFrame::Error(error) if error.id.is_some() && error.id == self.request => Seen::Last,
            _ => Seen::Other,
        }
    }

    /// The name that was meant, if one is near enough.
    pub fn name(&self) -> Option<&str> {
        self.nearest.as_ref().map(|(_, name)| name.as_str())
    }

    fn look_at(&mut self, name: &str) {
        let other = plain(name);
        // A slip for each four letters, and a missing extension.
        let length = self.asked_for.chars().count();
        let most = (length / 4).max(1);
        let is_begun =
            length >= 3 && other.strip_prefix(&self.asked_for).is_some_and(|rest| rest.starts_with('.'));
        let slips = if is_begun {
            1
        } else if other.chars().count().abs_diff(length) > most {
            return;
        } else {
            strsim::damerau_levenshtein(&self.asked_for, &other)
        };
        if slips <= most && self.nearest.as_ref().is_none_or(|(nearest, _)| slips < *nearest) {
            self.nearest = Some((slips, name.to_owned()));
        }
    }
}

/// A name as it is compared: case and the spelling of accents are no difference.
fn plain(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(asked_for: &str, there: &[&str]) -> Option<String> {
        let mut suggestion = Suggestion::of(asked_for);
        suggestion.asked(RequestId::Number(7));
        let page = |names: &[&str], more| {
            let files: Vec<String> = names
                .iter()
                .map(|name| format!(r#"{{"name":"{name}","size":1,"modified":"2026-11-22T13:30:00Z"}}"#))
                .collect();
            let line = format!(r#"{{"type":"files","id":7,"files":[{}],"more":{more}}}"#, files.join(","));
            ServerFrame::decode(line.as_bytes()).expect("a frame")
        };
        let (first, second) = there.split_at(there.len() / 2);
        assert_eq!(suggestion.on_frame(&page(first, true)), Seen::Page);
        assert_eq!(suggestion.on_frame(&page(second, false)), Seen::Last);
        suggestion.name().map(str::to_owned)
    }

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let there = ["book.bin", "Notes.txt", "cafe\u{301}.md", "report.pdf", "boot.bin"];
        for (asked_for, meant) in [
            ("bok.bin", Some("book.bin")),
            ("BOOK.BIN", Some("book.bin")),
            ("notes.txt", Some("Notes.txt")),
            ("notes", Some("Notes.txt")),
            ("caf\u{e9}.mb", Some("cafe\u{301}.md")),
            ("reprot.pdf", Some("report.pdf")),
            ("x", None),
            ("holiday.jpg", None),
        ] {
            assert_eq!(suggested(asked_for, &there).as_deref(), meant, "{asked_for}");
        }
    }

    #[test]
    fn a_list_without_end_is_left() {
        let mut suggestion = Suggestion::of("book.bin");
        suggestion.asked(RequestId::Number(7));
        let file = r#"{"name":"other.bin","size":1,"modified":"2026-11-22T13:30:00Z"}"#;
        let line = format!(r#"{{"type":"files","id":7,"files":[{}],"more":true}}"#, [file; 50].join(","));
        let page = ServerFrame::decode(line.as_bytes()).expect("a frame");
        let pages = (1..).find(|_| suggestion.on_frame(&page) == Seen::Last);
        assert_eq!(pages, Some(NAMES_MAX / 50));
    }
}
