//! What becomes of a line that is entered, of a question that is answered, and of what is pasted.

use backchat_core::chat::Nickname;
use backchat_core::text::is_blank;

use super::showing::MAX_ROWS_SAID;
use super::{App, Effect, Front, Question};
use crate::app::completion::{Completion, Words};
use crate::app::editor::MAX_BYTES;
use crate::app::happening::Happening;
use crate::app::input::{Input, Mouse};
use crate::app::scrollback::Entry;
use crate::app::session::{self, Link, WAY_ON};
use crate::cli::input::commands::COMMANDS;
use crate::cli::input::read_line;
use crate::cli::render::plain::Body;

/// Most lines of a paste that are said: more belongs into a file.
const MAX_PASTED: usize = 1000;

/// Lines that were pasted, as they were but for control characters and the empty lines around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pasted {
    text: String,
}

/// A line that no message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TooLong {
    line: usize,
    bytes: usize,
}

impl Pasted {
    /// Lines in all.
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }

    /// In how many messages of at most `limit` bytes it goes out; `None` where a line is longer.
    pub fn count(&self, limit: usize) -> Option<usize> {
        self.messages(limit).ok().map(|messages| messages.len())
    }

    /// As few messages as hold it, none longer than `limit` bytes, or than the lines that a window shows as such.
    fn messages(&self, limit: usize) -> Result<Vec<String>, TooLong> {
        let mut messages: Vec<(String, usize)> = Vec::new();
        for (number, line) in self.text.lines().enumerate() {
            if line.len() > limit {
                return Err(TooLong { line: number + 1, bytes: line.len() });
            }
            match messages.last_mut() {
                Some((message, lines))
                    if message.len() + 1 + line.len() <= limit && *lines < MAX_ROWS_SAID =>
                {
                    message.push('\n');
                    message.push_str(line);
                    *lines += 1;
                }
                _ => messages.push((line.to_owned(), 1)),
            }
        }
        // A message of nothing is none.
        Ok(messages
            .into_iter()
            .map(|(message, _)| message)
            .filter(|message| !message.trim().is_empty())
            .collect())
    }

    /// As a draft that is said when it is entered, and no command of it is run.
    pub(super) fn draft(&self) -> String {
        draft(&self.text)
    }

    /// The same in one line.
    fn one_line(&self) -> String {
        draft(&self.text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// A second slash in front of what would be taken for a command.
fn draft(text: &str) -> String {
    let slash = if text.trim_start_matches(is_blank).starts_with('/') { "/" } else { "" };
    format!("{slash}{}", if slash.is_empty() { text } else { text.trim_start_matches(is_blank) })
}

/// Whether a line is the path of a file, as terminals write one that is dropped on them: absolute, in quotes or with
/// backslashes, or a URL.
fn is_path(line: &str) -> bool {
    let bare = line.trim().trim_start_matches(['\'', '"']);
    let drive = |text: &str| {
        let mut characters = text.chars();
        characters.next().is_some_and(|c| c.is_ascii_alphabetic()) && characters.as_str().starts_with(":\\")
    };
    match bare.strip_prefix('/') {
        // A command that was copied is one to be looked at and entered.
        Some(rest) => !rest.is_empty() && !rest.starts_with('/') && !is_command(bare),
        None => bare.starts_with("file://") || bare.starts_with("~/") || drive(bare),
    }
}

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

    pub(super) fn on_input(&mut self, input: Input) {
        match input {
            Input::Clear => {
                self.scrollback.clear();
                self.folded = None;
            }
            Input::Find(text) => self.find(text),
            Input::Mouse(mouse) => self.set_mouse(mouse),
            Input::Help(None) => self.front = Front::Help(0),
            Input::Quit if self.session.unsent() > 0 && self.session.link() != Link::Over => {
                self.ask_to_leave();
            }
            Input::Quit => self.leave(),
            Input::Nick(nick) if self.session.link() == Link::Over => self.try_again(&nick),
            Input::Reconnect if self.session.link() == Link::Over => {
                let nick = self.session.nick().clone();
                self.try_again(nick.as_str());
            }
            input => self.hand_on(input),
        }
    }

    /// Goes up to what holds a text, in capitals or not; again: further up. Enter has gone to the end, so that the place is
    /// remembered here.
    fn find(&mut self, text: Option<String>) {
        match text {
            Some(text) => self.found = Some((text.to_lowercase(), 0)),
            None if self.found.is_none() => return self.complain("find what? write /find TEXT"),
            None => {}
        }
        let Some((needle, times)) = &mut self.found else { return };
        let holds = |entry: &Entry| {
            !matches!(entry.line.body, Body::Complaint(_))
                && (entry.text.to_lowercase().contains(needle.as_str())
                    || entry.who.to_lowercase().contains(needle.as_str()))
        };
        let is_found = (0..=*times).all(|_| self.scrollback.find(holds));
        *times += usize::from(is_found);
        if !is_found {
            let needle = needle.clone();
            self.scrollback.to_bottom();
            self.complain(format!("nothing further up holds '{needle}'"));
            self.found = None;
        }
    }

    /// Says whose the mouse is from now on; the other's, where nothing is said.
    pub(super) fn set_mouse(&mut self, mouse: Option<Mouse>) {
        let other = if self.mouse == Mouse::Ours { Mouse::Theirs } else { Mouse::Ours };
        self.mouse = mouse.unwrap_or(other);
        self.effects.push(Effect::Mouse(self.mouse));
        let text = match self.mouse {
            Mouse::Ours => {
                "the mouse is the window's: the wheel scrolls, clicks on names and files prepare a line"
            }
            Mouse::Theirs => "the mouse is the terminal's, which selects; /mouse on takes it back",
        };
        self.show(&Happening::Notice(text.to_owned()));
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
            (Question::Leave { .. }, text) => self.insert(text),
            (Question::Paste(pasted), "s" | "S") => self.send(pasted),
            (Question::Paste(pasted), "m" | "M") => self.insert(&pasted.draft()),
            (Question::Paste(pasted), "o" | "O") => self.insert(&pasted.one_line()),
            (Question::Path(path), "s" | "S") => self.insert(&format!("/{path}")),
            (Question::Paste(_) | Question::Path(_), "n" | "N") => {}
            (question, _) => self.question = Some(question),
        }
    }

    /// Sends what was pasted, in as few messages as hold it.
    fn send(&mut self, pasted: Pasted) {
        if self.session.link() == Link::Over {
            self.complain(format!("not connected: {WAY_ON}"));
            self.question = Some(Question::Paste(pasted));
            return;
        }
        let limit = self.session.text_limit();
        match pasted.messages(limit as usize) {
            Ok(messages) => self.on_session(session::Message::Say(messages)),
            Err(TooLong { line, bytes }) => {
                self.complain(format!(
                    "nothing was sent: line {line} of what was pasted has {bytes} bytes, and {limit} fit into a message; share a file"
                ));
            }
        }
    }

    /// One line goes where the cursor is. Several are offered as one question, and none is ever run.
    pub(super) fn on_paste(&mut self, text: &str) {
        self.completion = None;
        self.editor.accept_search();
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        // What a message may not hold, and the empty lines around it.
        let text = text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "");
        let text = text.trim_end().trim_start_matches('\n');
        let lines = text.lines().count();
        if text.len() > MAX_BYTES || lines > MAX_PASTED {
            let (bytes, most) = (text.len(), MAX_BYTES / 1024);
            self.complain(format!(
                "{bytes} bytes in {lines} lines were not pasted, at most {most} KiB and {MAX_PASTED} lines can be: share a file"
            ));
        } else if lines > 1 {
            self.question = Some(Question::Paste(Pasted { text: text.to_owned() }));
        } else if self.editor.is_empty() && is_path(text) {
            self.question = Some(Question::Path(text.to_owned()));
        } else {
            self.insert(text);
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
        | Input::Cancel
        | Input::Ignore(_)
        | Input::Folder(_)
        | Input::Find(_)
        | Input::Mouse(_)
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
