//! What keys can do, as data. [`keymap`](super::keymap) says which key does it.

use super::completion::Direction;
use super::editor::Edit;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Change the line, or move in it.
    Edit(Edit),
    /// Enter the line.
    Enter,
    /// Search backwards in what was typed; again: further back.
    Search,
    /// End the search with what was there before.
    Cancel,
    /// Complete the word before the cursor.
    Complete(Direction),
    /// Scroll.
    Scroll(Scroll),
    /// Show, or hide, the help.
    Help,
    /// Show, or hide, the transfer inspector.
    Inspector,
    /// Look for something that was said; again: further up.
    Find,
    /// Back to the chat.
    Back,
    /// Paint everything anew.
    Redraw,
    /// Ask whether to leave; the second time, leave.
    Interrupt,
    /// Delete to the right, or ask whether to leave where nothing is typed.
    DeleteOrLeave,
    /// Give the terminal back to the shell for a while.
    Suspend,
    /// Leave the mouse to the terminal, or take it back.
    Mouse,
}

/// How far to scroll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scroll {
    /// A screen up, less a line.
    PageUp,
    /// A screen down, less a line.
    PageDown,
    /// A few lines up.
    Up,
    /// A few lines down.
    Down,
    /// To the end.
    Bottom,
}

/// Something that keys can do, and the keys that do it where nothing else was chosen.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// What a configuration calls it.
    pub name: &'static str,
    /// The keys, any of which does it: `C-` with Control, `M-` with Alt, `S-` with Shift.
    pub keys: &'static [&'static str],
    /// What they do.
    pub action: Action,
    /// The same, for people.
    pub about: &'static str,
}

/// All of them, in the order in which the help lists them.
pub const BINDINGS: &[Binding] = &[
    binding("send", &["Enter"], Action::Enter, "send the line, or do what it says"),
    binding("break-line", &["M-Enter", "C-j"], Action::Edit(Edit::Break), "another line of the same message"),
    binding(
        "complete",
        &["Tab"],
        Action::Complete(Direction::Forward),
        "complete a command, nickname or file; again: the next",
    ),
    binding("complete-back", &["S-Tab"], Action::Complete(Direction::Backward), "the candidate before"),
    binding("earlier", &["Up", "C-p"], Action::Edit(Edit::Earlier), "the line typed before"),
    binding("later", &["Down", "C-n"], Action::Edit(Edit::Later), "the line typed after it"),
    binding(
        "search-typed",
        &["C-r"],
        Action::Search,
        "search in what was typed; again: further back; Enter takes it",
    ),
    binding("cancel-search", &["C-g"], Action::Cancel, "end the search with what was there before; Esc too"),
    binding("page-up", &["PageUp"], Action::Scroll(Scroll::PageUp), "scroll up"),
    binding("page-down", &["PageDown"], Action::Scroll(Scroll::PageDown), "scroll down"),
    binding("scroll-up", &["C-Up", "S-Up"], Action::Scroll(Scroll::Up), "a few lines up; the wheel too"),
    binding("scroll-down", &["C-Down", "S-Down"], Action::Scroll(Scroll::Down), "a few lines down"),
    binding("bottom", &["C-End", "M->"], Action::Scroll(Scroll::Bottom), "to what is new"),
    binding("help", &["F1"], Action::Help, "this help"),
    binding(
        "inspector",
        &["F2"],
        Action::Inspector,
        "the inspector: a download while it runs; again: the next download",
    ),
    binding("find", &["C-s"], Action::Find, "look for something that was said; again: further up"),
    binding("back", &["Esc"], Action::Back, "back to the chat"),
    binding("left", &["Left", "C-b"], Action::Edit(Edit::Left), "left"),
    binding("right", &["Right", "C-f"], Action::Edit(Edit::Right), "right"),
    binding("word-left", &["C-Left", "M-b", "M-Left"], Action::Edit(Edit::WordLeft), "a word to the left"),
    binding(
        "word-right",
        &["C-Right", "M-f", "M-Right"],
        Action::Edit(Edit::WordRight),
        "a word to the right",
    ),
    binding("home", &["Home", "C-a"], Action::Edit(Edit::Home), "to the beginning"),
    binding("end", &["End", "C-e"], Action::Edit(Edit::End), "to the end"),
    binding("delete-left", &["Backspace", "C-h"], Action::Edit(Edit::Backspace), "delete to the left"),
    binding("delete-right", &["Delete"], Action::Edit(Edit::Delete), "delete to the right"),
    binding(
        "cut-word-left",
        &["C-w", "M-Backspace"],
        Action::Edit(Edit::CutWordLeft),
        "cut the word to the left",
    ),
    binding("cut-word-right", &["M-d"], Action::Edit(Edit::CutWordRight), "cut the word to the right"),
    binding("cut-to-home", &["C-u"], Action::Edit(Edit::CutToHome), "cut to the beginning"),
    binding("cut-to-end", &["C-k"], Action::Edit(Edit::CutToEnd), "cut to the end"),
    binding("insert-cut", &["C-y"], Action::Edit(Edit::Yank), "insert what was cut"),
    binding("transpose", &["C-t"], Action::Edit(Edit::Transpose), "exchange two characters"),
    binding("redraw", &["C-l"], Action::Redraw, "paint the screen anew"),
    binding("suspend", &["C-z"], Action::Suspend, "back to the shell; fg returns"),
    binding("leave", &["C-c"], Action::Interrupt, "leave, after asking once"),
    binding(
        "delete-or-leave",
        &["C-d"],
        Action::DeleteOrLeave,
        "delete to the right; on an empty line, leave",
    ),
    binding(
        "mouse",
        &["F3"],
        Action::Mouse,
        "leave the mouse to the terminal, which selects; again: take it back",
    ),
];

const fn binding(
    name: &'static str,
    keys: &'static [&'static str],
    action: Action,
    about: &'static str,
) -> Binding {
    Binding { name, keys, action, about }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_one_thing() {
        let keys: Vec<&str> = BINDINGS.iter().flat_map(|binding| binding.keys.iter().copied()).collect();
        let different: std::collections::BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(different.len(), keys.len());
        let names: std::collections::BTreeSet<&str> = BINDINGS.iter().map(|binding| binding.name).collect();
        assert_eq!(names.len(), BINDINGS.len());
    }
}
