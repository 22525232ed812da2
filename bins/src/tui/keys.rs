//! From the terminal's events to messages of the model.

use ratatui::crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::app::action::{Action, Scroll};
use crate::app::keymap::Keymap;
use crate::app::layout::Size;
use crate::app::window::Message;

/// What an event of the terminal means; `None` where it means nothing.
pub fn message(event: Event, keymap: &Keymap) -> Option<Message> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => of_key(key, keymap),
        Event::Mouse(mouse) => of_mouse(mouse),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, rows) => Some(Message::Resized(Size { columns, rows })),
        Event::FocusGained => Some(Message::Focus(true)),
        Event::FocusLost => Some(Message::Focus(false)),
        Event::Key(_) => None,
    }
}

fn of_key(key: KeyEvent, keymap: &Keymap) -> Option<Message> {
    if let Some(action) = keymap.of_key(&name(key)?) {
        return Some(Message::Do(action));
    }
    match key.code {
        KeyCode::Char(c) if is_text(key.modifiers) => Some(Message::Type(c.to_string())),
        _ => None,
    }
}

/// Whether a character is typed with these. On Windows, Control and Alt together are AltGr, as in @ on many keyboards.
fn is_text(modifiers: KeyModifiers) -> bool {
    let both = KeyModifiers::CONTROL | KeyModifiers::ALT;
    !modifiers.intersects(both) || (cfg!(windows) && modifiers.contains(both))
}

/// The key's name, as the keymap has it.
fn name(key: KeyEvent) -> Option<String> {
    let code = match key.code {
        KeyCode::Char(c) => c.to_string(),
        KeyCode::F(number) => format!("F{number}"),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => return Some("S-Tab".to_owned()),
        KeyCode::Backspace => "Backspace".to_owned(),
        KeyCode::Delete => "Delete".to_owned(),
        KeyCode::Esc => "Esc".to_owned(),
        KeyCode::Left => "Left".to_owned(),
        KeyCode::Right => "Right".to_owned(),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::PageUp => "PageUp".to_owned(),
        KeyCode::PageDown => "PageDown".to_owned(),
        _ => return None,
    };
    let mut name = String::new();
    for (modifier, prefix) in [(KeyModifiers::CONTROL, "C-"), (KeyModifiers::ALT, "M-")] {
        if key.modifiers.contains(modifier) {
            name += prefix;
        }
    }
    // A capital letter is its own key.
    if key.modifiers.contains(KeyModifiers::SHIFT) && !matches!(key.code, KeyCode::Char(_)) {
        name += "S-";
    }
    Some(name + &code)
}

fn of_mouse(mouse: MouseEvent) -> Option<Message> {
    match mouse.kind {
        MouseEventKind::ScrollUp => Some(Message::Do(Action::Scroll(Scroll::Up))),
        MouseEventKind::ScrollDown => Some(Message::Do(Action::Scroll(Scroll::Down))),
        MouseEventKind::Down(MouseButton::Left) => {
            Some(Message::Click { column: mouse.column, row: mouse.row })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::editor::Edit;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Option<Message> {
        message(Event::Key(KeyEvent::new(code, modifiers)), &Keymap::default())
    }

    #[test]
    fn keys_are_characters_or_what_the_table_says() {
        let is = |message: Option<Message>, expected: Action| {
            assert!(matches!(message, Some(Message::Do(action)) if action == expected), "{expected:?}");
        };
        is(key(KeyCode::Char('a'), KeyModifiers::CONTROL), Action::Edit(Edit::Home));
        is(key(KeyCode::Char('b'), KeyModifiers::ALT), Action::Edit(Edit::WordLeft));
        is(key(KeyCode::Left, KeyModifiers::CONTROL), Action::Edit(Edit::WordLeft));
        is(key(KeyCode::F(2), KeyModifiers::NONE), Action::Inspector);
        let typed = |message| matches!(message, Some(Message::Type(text)) if text == "@");
        assert_eq!(typed(key(KeyCode::Char('@'), KeyModifiers::CONTROL | KeyModifiers::ALT)), cfg!(windows));
        assert!(typed(key(KeyCode::Char('@'), KeyModifiers::SHIFT)));
        assert!(key(KeyCode::Char('q'), KeyModifiers::CONTROL).is_none());
        let mut released = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        released.kind = KeyEventKind::Release;
        assert!(message(Event::Key(released), &Keymap::default()).is_none());
    }
}
