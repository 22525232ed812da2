//! Which key does what: as usual, with what a person has chosen in its place.

use std::collections::BTreeMap;

use super::action::{Action, BINDINGS, Binding};
use backchat_core::text::visible;

/// The word for a key that does nothing.
const NOTHING: &str = "none";

/// Most slips between the name of an action and what was meant.
const MAX_SLIPS: usize = 3;

/// Keys with names. The others are single characters, and F1 to F12.
const NAMED: [&str; 13] = [
    "Enter",
    "Tab",
    "Backspace",
    "Delete",
    "Esc",
    "Left",
    "Right",
    "Up",
    "Down",
    "Home",
    "End",
    "PageUp",
    "PageDown",
];

/// Keys for which a terminal sends what it sends for another one.
const SAME: [(&str, &str); 3] = [("C-i", "Tab"), ("C-m", "Enter"), ("C-[", "Esc")];

/// Which key does what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bound: BTreeMap<String, Action>,
}

/// A choice that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// There is no such key.
    #[error("'{}' is no key, such as C-x, M-Enter, S-Tab or F5", visible(.0))]
    Unknown(String),
    /// It is typed into the line.
    #[error("'{}' types a character: put C- (Control) or M- (Alt) before it", visible(.0))]
    Types(String),
    /// A terminal cannot tell it from another key.
    #[error("a terminal sends the same for {0} as for {1}: say {1}")]
    Same(&'static str, &'static str),
    /// Nothing is called so.
    #[error("'{}' is nothing that {key} could do{}", visible(.action), did_you_mean(*.meant))]
    NoAction {
        /// The key.
        key: String,
        /// What it was to do.
        action: String,
        /// What may have been meant.
        meant: Option<&'static str>,
    },
    /// The keys that are left do not send a line.
    #[error("no key is left that would send the line")]
    NothingSends,
}

impl BadKey {
    /// The key that was chosen badly; none where it is about all of them.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Unknown(key) | Self::Types(key) | Self::NoAction { key, .. } => Some(key),
            Self::Same(key, _) => Some(key),
            Self::NothingSends => None,
        }
    }
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map_or_else(
        || format!("; '{NOTHING}' is a key that does nothing"),
        |meant| format!(", did you mean '{meant}'?"),
    )
}

impl Default for Keymap {
    fn default() -> Self {
        let all = BINDINGS
            .iter()
            .flat_map(|binding| binding.keys.iter().map(|key| ((*key).to_owned(), binding.action)));
        Self { bound: all.collect() }
    }
}

impl Keymap {
    /// The usual keys, with these in their place: a key, and the name of what it does.
    ///
    /// # Errors
    /// The first that is no key or no action, or that nothing could be sent any more.
    pub fn with(chosen: &BTreeMap<String, String>) -> Result<Self, BadKey> {
        let mut keymap = Self::default();
        for (key, action) in chosen {
            check(key)?;
            match BINDINGS.iter().find(|binding| binding.name == action) {
                Some(binding) => {
                    keymap.bound.insert(key.clone(), binding.action);
                }
                None if action == NOTHING => {
                    keymap.bound.remove(key);
                }
                None => {
                    let slips = |name: &&str| strsim::damerau_levenshtein(name, action);
                    let nearest = BINDINGS.iter().map(|binding| binding.name).min_by_key(slips);
                    let meant = nearest.filter(|name| slips(name) <= MAX_SLIPS);
                    return Err(BadKey::NoAction { key: key.clone(), action: action.clone(), meant });
                }
            }
        }
        match keymap.bound.values().any(|action| *action == Action::Enter) {
            true => Ok(keymap),
            false => Err(BadKey::NothingSends),
        }
    }

    /// What a key does.
    pub fn of_key(&self, key: &str) -> Option<Action> {
        self.bound.get(key).copied()
    }

    /// The keys that do this, the usual ones first.
    pub fn keys_of(&self, binding: &Binding) -> Vec<&str> {
        let does = |key: &&str| self.of_key(key) == Some(binding.action);
        let usual = binding.keys.iter().copied().filter(does);
        let chosen = self.bound.keys().map(String::as_str).filter(|key| !binding.keys.contains(key));
        usual.chain(chosen.filter(does)).collect()
    }
}

/// Whether there is such a key, and a window could have it.
fn check(key: &str) -> Result<(), BadKey> {
    if let Some((same, as_this)) = SAME.into_iter().find(|(same, _)| *same == key) {
        return Err(BadKey::Same(same, as_this));
    }
    let unknown = || BadKey::Unknown(key.to_owned());
    let bare = key.strip_prefix("C-").unwrap_or(key);
    let bare = bare.strip_prefix("M-").unwrap_or(bare);
    let has_modifier = bare.len() < key.len();
    let named = bare.strip_prefix("S-").unwrap_or(bare);
    let number = named.strip_prefix('F').and_then(|number| number.parse().ok());
    if NAMED.contains(&named) || number.is_some_and(|number: u8| (1..=12).contains(&number)) {
        return Ok(());
    }
    let mut characters = bare.chars();
    match (characters.next(), characters.next()) {
        (Some(c), None) if backchat_core::text::is_hidden(c) || c == ' ' => Err(unknown()),
        (Some(_), None) if !has_modifier => Err(BadKey::Types(key.to_owned())),
        // A terminal sends the same for both, which is the small letter.
        (Some(c), None) if key.starts_with("C-") && c.is_ascii_uppercase() => Err(unknown()),
        (Some(_), None) => Ok(()),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::editor::Edit;

    fn with(chosen: &[(&str, &str)]) -> Result<Keymap, String> {
        let chosen = chosen.iter().map(|(key, action)| ((*key).to_owned(), (*action).to_owned())).collect();
        Keymap::with(&chosen).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_do_what_was_chosen_and_the_others_what_they_did() {
        let keymap = with(&[("C-a", "inspector"), ("F5", "redraw"), ("C-r", "none"), ("M-Left", "left")]);
        let keymap = keymap.expect("valid");
        assert_eq!(keymap.of_key("C-a"), Some(Action::Inspector));
        assert_eq!(keymap.of_key("Home"), Some(Action::Edit(Edit::Home)));
        assert_eq!((keymap.of_key("C-r"), keymap.of_key("F5")), (None, Some(Action::Redraw)));
        let keys_of = |name| {
            let binding = BINDINGS.iter().find(|binding| binding.name == name).expect("an action");
            keymap.keys_of(binding).join(", ")
        };
        assert_eq!(keys_of("home"), "Home");
        assert_eq!(keys_of("inspector"), "F2, C-a");
        assert_eq!(keys_of("search-typed"), "");
        assert_eq!(keys_of("left"), "Left, C-b, M-Left");
        assert_eq!(with(&[]), Ok(Keymap::default()));
    }

    #[test]
    fn every_action_is_documented() {
        let text = include_str!("../../../docs/COMMANDS.md");
        for binding in BINDINGS {
            assert!(text.contains(&format!("`{}`", binding.name)), "{}", binding.name);
        }
    }

    #[test]
    fn every_usual_key_and_action_could_have_been_chosen() {
        for binding in BINDINGS {
            for key in binding.keys {
                assert_eq!(with(&[(key, binding.name)]), Ok(Keymap::default()), "{key}");
            }
        }
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (key, action, part) in [
            ("a", "help", "types a character"),
            ("S-x", "help", "is no key"),
            ("C-", "help", "is no key"),
            ("C-X", "help", "is no key"),
            ("F13", "help", "is no key"),
            ("", "help", "is no key"),
            ("M-C-x", "help", "is no key"),
            ("\u{1b}", "help", "is no key"),
            ("C-i", "help", "say Tab"),
            ("F5", "redrow", "did you mean 'redraw'?"),
            ("F5", "make tea", "'none' is a key"),
            ("Enter", "none", "send the line"),
        ] {
            let error = with(&[(key, action)]).expect_err(key);
            assert!(error.contains(part) && !error.contains('\u{1b}'), "{error}");
        }
        assert!(with(&[("Enter", "break-line"), ("M-Enter", "send")]).is_ok());
    }
}
