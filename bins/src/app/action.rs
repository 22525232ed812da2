//! What keys do, as data: the table that a key is looked up in is the one that the help shows.

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

/// Keys and what they do.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys, any of which does it: `C-` with Control, `M-` with Alt, `S-` with Shift.
    pub keys: &'static [&'static str],
    /// What they do.
    pub action: Action,
    /// The same, for people.
    pub about: &'static str,
}

/// All of them, in the order in which the help lists them.
pub const BINDINGS: &[Binding] = &[
    binding(&["Enter"], Action::Enter, "send the line, or do what it says"),
    binding(&["M-Enter", "C-j"], Action::Edit(Edit::Break), "another line of the same message"),
    binding(
        &["Tab"],
        Action::Complete(Direction::Forward),
        "complete a command, nickname or file; again: the next",
    ),
    binding(&["S-Tab"], Action::Complete(Direction::Backward), "the candidate before"),
    binding(&["Up", "C-p"], Action::Edit(Edit::Earlier), "the line typed before"),
    binding(&["Down", "C-n"], Action::Edit(Edit::Later), "the line typed after it"),
    binding(&["C-r"], Action::Search, "search in what was typed; again: further back; Enter takes it"),
    binding(&["C-g"], Action::Cancel, "end the search with what was there before; Esc too"),
    binding(&["PageUp"], Action::Scroll(Scroll::PageUp), "scroll up"),
    binding(&["PageDown"], Action::Scroll(Scroll::PageDown), "scroll down"),
    binding(&["C-Up", "S-Up"], Action::Scroll(Scroll::Up), "a few lines up; the wheel too"),
    binding(&["C-Down", "S-Down"], Action::Scroll(Scroll::Down), "a few lines down"),
    binding(&["C-End", "M->"], Action::Scroll(Scroll::Bottom), "to what is new"),
    binding(&["F1"], Action::Help, "this help"),
    binding(&["F2"], Action::Inspector, "the inspector: a download while it runs; again: the next download"),
    binding(&["C-s"], Action::Find, "look for something that was said; again: further up"),
    binding(&["Esc"], Action::Back, "back to the chat"),
    binding(&["Left", "C-b"], Action::Edit(Edit::Left), "left"),
    binding(&["Right", "C-f"], Action::Edit(Edit::Right), "right"),
    binding(&["C-Left", "M-b", "M-Left"], Action::Edit(Edit::WordLeft), "a word to the left"),
    binding(&["C-Right", "M-f", "M-Right"], Action::Edit(Edit::WordRight), "a word to the right"),
    binding(&["Home", "C-a"], Action::Edit(Edit::Home), "to the beginning"),
    binding(&["End", "C-e"], Action::Edit(Edit::End), "to the end"),
    binding(&["Backspace", "C-h"], Action::Edit(Edit::Backspace), "delete to the left"),
    binding(&["Delete"], Action::Edit(Edit::Delete), "delete to the right"),
    binding(&["C-w", "M-Backspace"], Action::Edit(Edit::CutWordLeft), "cut the word to the left"),
    binding(&["M-d"], Action::Edit(Edit::CutWordRight), "cut the word to the right"),
    binding(&["C-u"], Action::Edit(Edit::CutToHome), "cut to the beginning"),
    binding(&["C-k"], Action::Edit(Edit::CutToEnd), "cut to the end"),
    binding(&["C-y"], Action::Edit(Edit::Yank), "insert what was cut"),
    binding(&["C-t"], Action::Edit(Edit::Transpose), "exchange two characters"),
    binding(&["C-l"], Action::Redraw, "paint the screen anew"),
    binding(&["C-z"], Action::Suspend, "back to the shell; fg returns"),
    binding(&["C-c"], Action::Interrupt, "leave, after asking once"),
    binding(&["C-d"], Action::DeleteOrLeave, "delete to the right; on an empty line, leave"),
];

const fn binding(keys: &'static [&'static str], action: Action, about: &'static str) -> Binding {
    Binding { keys, action, about }
}

/// What a key does.
pub fn of_key(key: &str) -> Option<Action> {
    BINDINGS.iter().find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_one_thing() {
        let keys: Vec<&str> = BINDINGS.iter().flat_map(|binding| binding.keys.iter().copied()).collect();
        let different: std::collections::BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(of_key("C-a"), Some(Action::Edit(Edit::Home)));
        assert_eq!(of_key("C-q"), None);
    }
}
