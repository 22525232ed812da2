//! What a view may look at.

use backchat_core::time::{Instant, UnixTime};

use super::{App, Front, Question};
use crate::app::completion::Completion;
use crate::app::editor::Editor;
use crate::app::layout::Layout;
use crate::app::scrollback::Scrollback;
use crate::app::session::Session;
use crate::app::settings::Settings;

/// Most characters of a server in a title.
const MAX_TITLE: usize = 100;

impl App {
    /// The chat.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What the user has chosen.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What was said.
    pub fn scrollback(&self) -> &Scrollback {
        &self.scrollback
    }

    /// What the terminal's title should be: ours in every character, for a nickname is of ASCII, and so is what stands for
    /// whatever is not in the server's name.
    pub fn title(&self) -> Option<String> {
        let server =
            self.session.server().chars().filter(char::is_ascii_graphic).take(MAX_TITLE).collect::<String>();
        let missed = if self.missed > 0 { format!("({}) ", self.missed) } else { String::new() };
        self.settings.title.then(|| format!("{missed}backchat {} @ {server}", self.session.nick()))
    }

    /// The line that is typed.
    pub fn editor(&self) -> &Editor {
        &self.editor
    }

    /// What Tab goes round, while it does.
    pub fn completion(&self) -> Option<&Completion> {
        self.completion.as_ref()
    }

    /// What is asked.
    pub fn question(&self) -> Option<&Question> {
        self.question.as_ref()
    }

    /// What stands in place of the chat.
    pub fn front(&self) -> Front {
        self.front
    }

    /// The time of the last message.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The time of day of the last message.
    pub fn wall(&self) -> UnixTime {
        self.wall
    }

    /// Where the panes are.
    pub fn layout(&self) -> Layout {
        let downloads = self.session.downloads().iter().count() + self.session.interrupted().count();
        Layout::of(self.size, downloads, self.session.roster().iter().len())
    }
}
