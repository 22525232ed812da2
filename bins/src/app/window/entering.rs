//! What becomes of a line that is entered, of a question that is answered, and of what is pasted.

use backchat_core::chat::Nickname;

use super::{App, Effect, Front, Question, WAY_ON};
use crate::app::completion::{Completion, Words};
use crate::app::happening::Happening;
use crate::app::session::{self, Link};
use crate::cli::input::commands::COMMANDS;
use crate::cli::input::{Input, read_line};

/// Most lines of a paste that are said: more belongs into a file.
const MAX_PASTED: usize = 200;

impl App {
    pub(super) fn enter(&mut self) {
        let line = self.editor.take();
        self.scrollback.to_bottom();
        match read_line(&line, |nick| self.session.roster().presence(nick)) {
            Ok(input) if self.session.link() == Link::Over && needs_a_connection(&input) => {
                self.editor.set(&line);
                self.complain(format!("not connected: {WAY_ON}"));
            }
            Ok(input) => self.on_input(input),
            Err(error) => {
                // To be mended, not typed again.
                self.editor.set(&line);
                self.complain(error.to_string());
            }
        }
    }

    fn on_input(&mut self, input: Input) {
        match input {
            Input::Clear => self.scrollback.clear(),
            Input::Help(None) => self.front = Front::Help(0),
            Input::Quit => self.leave(),
            Input::Nick(nick) if self.session.link() == Link::Over => self.try_again(&nick),
            Input::Reconnect if self.session.link() == Link::Over => {
                let nick = self.session.nick().clone();
                self.try_again(nick.as_str());
            }
            input => self.hand_on(input),
        }
    }

    fn hand_on(&mut self, input: Input) {
        self.on_session(session::Message::Input(input, None));
    }

    /// The loop has ended; it shall begin again.
    fn try_again(&mut self, nick: &str) {
        match Nickname::parse(nick) {
            Ok(nick) => {
                self.again = Some(nick);
                self.effects.push(Effect::Exit);
            }
            Err(error) => self.complain(error.to_string()),
        }
    }

    pub(super) fn complain(&mut self, message: impl Into<String>) {
        self.show(&Happening::complaint(None, "bad-input", message));
    }

    pub(super) fn on_answer(&mut self, question: Question, text: &str) {
        match (question, text) {
            (Question::Leave { .. }, "y" | "Y") => self.leave(),
            // Whoever goes on typing stays.
            (Question::Leave { .. }, "n" | "N") => {}
            (Question::Leave { .. }, text) => self.editor.insert(text),
            (Question::Paste(lines), "s" | "S") => {
                for text in lines {
                    self.hand_on(Input::Say { text, action: false });
                }
            }
            (Question::Paste(lines), "m" | "M") => self.editor.insert(&lines.join("\n")),
            (Question::Paste(lines), "o" | "O") => self.editor.insert(&lines.join(" ")),
            (Question::Paste(_), "n" | "N") => {}
            (question, _) => self.question = Some(question),
        }
    }

    /// One line goes where the cursor is. Several are offered as one question, and none is ever run.
    pub(super) fn on_paste(&mut self, text: &str) {
        self.completion = None;
        self.editor.accept_search();
        let printable = |line: &str| line.replace('\t', " ").replace(|c: char| c.is_control(), "");
        let lines: Vec<String> = text
            .lines()
            .flat_map(|line| line.split('\r'))
            .map(printable)
            .filter(|line| !line.trim().is_empty())
            .collect();
        match lines.as_slice() {
            [] => {}
            [line] => {
                let is_path = self.editor.is_empty() && line.starts_with('/') && !is_command(line);
                // A file that was dropped here is a text to say, not a command that nobody knows.
                self.editor.insert(&format!("{}{line}", if is_path { "/" } else { "" }));
            }
            lines if lines.len() > MAX_PASTED => {
                let count = lines.len();
                self.complain(format!(
                    "{count} lines were not pasted, at most {MAX_PASTED} can be: share a file"
                ));
            }
            _ => self.question = Some(Question::Paste(lines)),
        }
    }

    /// What the word before the cursor could become.
    pub(super) fn completions(&self) -> Option<Completion> {
        let session = &self.session;
        let is_other = |nick: &&Nickname| nick.key() != session.nick().key();
        let spoke = self.speakers.iter().filter(|nick| session.roster().has(nick.as_str()));
        let mut nicks: Vec<String> = spoke.filter(is_other).map(Nickname::to_string).collect();
        for nick in session.roster().iter().filter(is_other) {
            if !nicks.iter().any(|known| known == nick.as_str()) {
                nicks.push(nick.to_string());
            }
        }
        let files: Vec<String> = session.files().iter().map(|entry| entry.name.as_str().to_owned()).collect();
        let running: Vec<String> =
            session.downloads().iter().map(|(_, it)| it.file.as_str().to_owned()).collect();
        let text = self.editor.text().get(..self.editor.cursor()).unwrap_or_default();
        Completion::of(text, Words { nicks: &nicks, files: &files, running: &running })
    }
}

fn needs_a_connection(input: &Input) -> bool {
    match input {
        Input::Nothing
        | Input::Help(_)
        | Input::Stats
        | Input::Ignore(_)
        | Input::Folder(_)
        | Input::Clear
        | Input::Quit
        | Input::Nick(_)
        | Input::Reconnect => false,
        Input::Say { .. }
        | Input::Tell { .. }
        | Input::Reply(_)
        | Input::Names
        | Input::Files
        | Input::History(_)
        | Input::Get(_)
        | Input::Pause(_)
        | Input::Resume(_)
        | Input::Stop(_) => true,
    }
}

fn is_command(line: &str) -> bool {
    let name = line.trim_start_matches('/').split(char::is_whitespace).next().unwrap_or_default();
    COMMANDS.find(name).is_some()
}
