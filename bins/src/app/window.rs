//! The window: a chat, what was said in it, the line that is typed, and what stands in front of it.
//!
//! - `looking`: what a view may look at. `showing`: from what happened to lines.
//! - `folding`: who came and went, in one line.
//! - `entering`: what becomes of a line that is entered or pasted.

mod entering;
mod folding;
mod looking;
mod showing;

use std::collections::BTreeMap;
use std::time::Duration;

use backchat_core::chat::Nickname;
use backchat_core::chat::client::Comeback;
use backchat_core::node::DownloadId;
use backchat_core::text::is_blank;
use backchat_core::time::{Instant, UnixTime, earliest};

use super::action::{Action, Scroll};
use super::completion::{Completion, Direction};
use super::editor::{self, Edit, Editor, Inserted};
use super::end::End;
use super::gauge::Gauge;
use super::input::Mouse;
use super::layout::Size;
use super::scrollback::Scrollback;
use super::session::{self, Asked, Link, Session};
use super::settings::Settings;
use crate::app::get::GetOptions;
use crate::app::input::{Input, Pick};
use crate::cli::render::plain::Line;

/// Rows that the wheel moves.
const WHEEL: usize = 3;

/// How long the question whether to leave stands there.
const LEAVE_WAIT: Duration = Duration::from_secs(10);

/// What happens to a window.
#[derive(Debug)]
pub enum Message {
    /// Of the chat.
    Session(session::Message),
    /// A key that does something.
    Do(Action),
    /// Something was typed.
    Type(String),
    /// Something was pasted.
    Paste(String),
    /// The mouse's button was pressed here.
    Click {
        /// Columns from the left.
        column: u16,
        /// Rows from the top.
        row: u16,
    },
    /// The window has got the focus, or lost it.
    Focus(bool),
    /// The window has another size.
    Resized(Size),
    /// The time of [`App::deadline`] has come.
    Tick,
    /// What is shown cannot be logged, for this reason.
    NotLogged(String),
}

/// What is to be done for a window, in order.
#[derive(Debug)]
pub enum Effect {
    /// Hand this to the loop, and come back with its answer.
    Ask(Box<Asked>),
    /// End the loop: [`App::ending`] knows what follows.
    Exit,
    /// Keep this, so that another process could go on with the session.
    Keep(Comeback),
    /// Ring.
    Bell,
    /// Have the terminal notify that this one has something for us.
    Notify(Nickname),
    /// Paint everything anew.
    Redraw,
    /// Give the terminal back to the shell.
    Suspend,
    /// The mouse is ours, or the terminal's.
    Mouse(Mouse),
    /// Log this line on disk.
    Log(Line),
}

/// What follows when the loop has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The program ends.
    Leave,
    /// The user decides, and can try again.
    Offline,
    /// Another try, under this nickname.
    Again(Nickname),
}

/// What stands in place of the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Nothing: the chat itself.
    Chat,
    /// Keys and commands, from this row on.
    Help(usize),
    /// A download from inside: [`App::inspected`].
    Inspector,
}

/// Something that is asked and answered with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Leave?
    Leave {
        /// Nothing is asked any more after this.
        until: Instant,
    },
    /// Lines were pasted: send them, or put them into the line?
    Paste(Pasted),
    /// A path was dropped, or pasted: is it to be said?
    Path(String),
}

/// See the module.
#[derive(Debug)]
pub struct App {
    session: Session,
    settings: Settings,
    scrollback: Scrollback,
    editor: Editor,
    completion: Option<Completion>,
    question: Option<Question>,
    front: Front,
    /// Downloads from inside, those that have ended too while there is room; and the one that is looked at.
    gauges: BTreeMap<DownloadId, (String, Gauge)>,
    inspected: Option<DownloadId>,
    size: Size,
    mouse: Mouse,
    now: Instant,
    wall: UnixTime,
    /// Who spoke, the last first: what Tab offers first.
    speakers: Vec<Nickname>,
    /// What was looked for last, and how often.
    found: Option<(String, usize)>,
    /// Whether the terminal has the focus, where it tells.
    has_focus: Option<bool>,
    /// What was meant for us while it had not.
    missed: usize,
    /// Who came and went, as the last line says, while it is that.
    folded: Option<folding::Folded>,
    /// The day of the last line.
    day: Option<String>,
    /// Another try is wanted, under this nickname.
    again: Option<Nickname>,
    effects: Vec<Effect>,
}

impl App {
    /// A window on `session`.
    pub fn new(session: Session, settings: Settings, size: Size) -> Self {
        let scrollback = Scrollback::holding(settings.scrollback);
        Self {
            session,
            scrollback,
            editor: Editor::default(),
            completion: None,
            question: None,
            front: Front::Chat,
            gauges: BTreeMap::new(),
            inspected: None,
            size,
            mouse: settings.mouse,
            settings,
            now: Instant::ZERO,
            wall: UnixTime::from_millis(0),
            speakers: Vec::new(),
            found: None,
            has_focus: None,
            missed: 0,
            folded: None,
            day: None,
            again: None,
            effects: Vec::new(),
        }
    }

    /// Takes in what happened, at this time of the loop and of the day; answers with what is to be done.
    pub fn update(&mut self, now: Instant, wall: UnixTime, message: Message) -> Vec<Effect> {
        self.now = self.now.max(now);
        self.wall = wall;
        match message {
            Message::Session(message) => self.on_session(message),
            Message::Do(action) => self.on_action(action),
            Message::Type(text) => self.on_type(&text),
            Message::Paste(text) => self.on_paste(&text),
            Message::Click { column, row } => self.on_click(column, row),
            Message::Focus(has) => {
                self.has_focus = Some(has);
                self.missed = 0;
            }
            Message::Resized(size) => self.size = size,
            Message::Tick => self.on_session(session::Message::Tick),
            Message::NotLogged(why) => self.complain(why),
        }
        if matches!(self.question, Some(Question::Leave { until }) if until <= self.now) {
            self.question = None;
        }
        std::mem::take(&mut self.effects)
    }

    /// When [`Message::Tick`] is wanted.
    pub fn deadline(&self) -> Option<Instant> {
        let leave = match self.question {
            Some(Question::Leave { until }) => Some(until),
            _ => None,
        };
        let stalled = self.session.downloads().next_second(self.now);
        earliest([self.session.deadline(), leave, self.next_second(), stalled])
    }

    /// While seconds are counted down, the next one.
    fn next_second(&self) -> Option<Instant> {
        let until = match self.session.link() {
            Link::Waiting(until) => until,
            Link::Connecting | Link::Up | Link::Over => self.session.halfway()?.1,
        };
        let left = (until - self.now).subsec_nanos();
        Some(self.now + Duration::from_nanos(u64::from(if left == 0 { 1_000_000_000 } else { left })))
            .filter(|_| until > self.now)
    }

    /// What follows now that the loop has ended.
    pub fn ending(&mut self) -> Ending {
        match (self.session.end(), self.again.take()) {
            (_, Some(nick)) => Ending::Again(nick),
            (Some(End::Failed(_)), None) => Ending::Offline,
            (_, None) => Ending::Leave,
        }
    }

    /// The loop begins again, under this nickname. Its downloads are counted from the first again.
    pub fn begin_again(&mut self, nick: Nickname) {
        self.gauges.clear();
        self.inspected = None;
        self.session.begin_again(nick);
    }

    fn on_action(&mut self, action: Action) {
        if !matches!(action, Action::Complete(_)) {
            self.completion = None;
        }
        if self.editor.search().is_some() && self.on_search_key(action) {
            return;
        }
        if self.question.is_some() && !matches!(action, Action::Redraw | Action::Suspend | Action::Scroll(_))
        {
            return self.on_answer_key(action);
        }
        match action {
            Action::Edit(Edit::Earlier) if self.is_help() => self.scroll(Scroll::Up),
            Action::Edit(Edit::Later) if self.is_help() => self.scroll(Scroll::Down),
            Action::Edit(edit) => self.editor.edit(edit),
            Action::Enter => self.enter(),
            Action::Search => self.editor.search_earlier(),
            Action::Cancel => {}
            Action::Complete(direction) => self.complete(direction),
            Action::Scroll(scroll) => self.scroll(scroll),
            Action::Help => self.front = if self.is_help() { Front::Chat } else { Front::Help(0) },
            Action::Inspector => self.inspect(),
            Action::Find if self.found.is_some() && self.editor.is_empty() => {
                self.scrollback.to_bottom();
                self.on_input(Input::Find(None));
            }
            Action::Find => self.editor.set("/find "),
            Action::Back => self.front = Front::Chat,
            Action::Redraw => self.effects.push(Effect::Redraw),
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::Mouse => self.set_mouse(None),
            Action::Interrupt => self.ask_to_leave(),
            Action::DeleteOrLeave if self.editor.is_empty() => self.ask_to_leave(),
            Action::DeleteOrLeave => self.editor.edit(Edit::Delete),
        }
    }

    /// A key while one searches; says whether that was all that it means.
    fn on_search_key(&mut self, action: Action) -> bool {
        match action {
            Action::Search => self.editor.search_earlier(),
            Action::Edit(Edit::Backspace) => self.editor.search_for_less(),
            Action::Cancel | Action::Back | Action::Interrupt => self.editor.cancel_search(),
            Action::Redraw | Action::Suspend | Action::Scroll(_) => return false,
            _ => {
                self.editor.accept_search();
                return false;
            }
        }
        true
    }

    fn is_help(&self) -> bool {
        matches!(self.front, Front::Help(_))
    }

    fn ask_to_leave(&mut self) {
        self.question = Some(Question::Leave { until: self.now + LEAVE_WAIT });
    }

    /// A key that is no character, while something is asked.
    fn on_answer_key(&mut self, action: Action) {
        match (self.question.take(), action) {
            (Some(Question::Leave { .. }), Action::Interrupt | Action::Enter | Action::DeleteOrLeave) => {
                self.leave();
            }
            // Enter sends nothing that was not looked at: it stands in the line then, and the next one sends it.
            (Some(Question::Paste(pasted)), Action::Enter) => self.insert(&pasted.draft()),
            (Some(Question::Path(path)), Action::Enter) => self.insert(&format!("/{path}")),
            (question @ Some(Question::Paste(_) | Question::Path(_)), Action::Complete(_)) => {
                self.question = question;
            }
            _ => {}
        }
    }

    fn leave(&mut self) {
        match self.session.link() {
            Link::Over => {
                self.session.set_end(End::Done);
                self.effects.push(Effect::Exit);
            }
            _ => self.on_session(session::Message::Input(Input::Quit, None)),
        }
    }

    fn on_type(&mut self, text: &str) {
        self.completion = None;
        match self.question.take() {
            Some(question) => self.on_answer(question, text),
            None => self.on_text(text),
        }
    }

    fn on_text(&mut self, text: &str) {
        if self.editor.search().is_some() {
            return self.editor.search_for(text);
        }
        let halfway = self.session.halfway().filter(|_| self.editor.is_empty());
        match (halfway, text) {
            (Some((download, _)), "y" | "n") => self.on_halfway(download, text == "y"),
            _ => self.insert(text),
        }
        self.name_the_correspondent();
    }

    /// `/reply ` becomes `/tell NICK ` while it is typed: whoever says something meanwhile gets no answer that was meant
    /// for somebody else.
    fn name_the_correspondent(&mut self) {
        let replies = ["/reply ", "/r "].contains(&self.editor.text().trim_start_matches(is_blank));
        if let (true, Some(nick)) = (replies, self.session.correspondent()) {
            self.editor.set(&format!("/tell {nick} "));
        }
    }

    /// Puts a text into the line, or says that there is no room.
    fn insert(&mut self, text: &str) {
        if self.editor.insert(text) == Inserted::TooLong {
            let (bytes, most) = (text.len(), editor::MAX_BYTES);
            self.complain(format!(
                "{bytes} bytes were not put into the line, which holds {most}: share a file"
            ));
        }
    }

    /// The answer to the question in the middle of a download.
    fn on_halfway(&mut self, download: DownloadId, goes_on: bool) {
        let Some(file) = self.session.downloads().file_of(download) else { return };
        let pick = Pick::File(file.as_str().to_owned());
        let input = if goes_on { Input::Resume(pick) } else { Input::Stop(pick) };
        self.on_session(session::Message::Input(input, None));
    }

    fn complete(&mut self, direction: Direction) {
        if self.completion.is_none() {
            self.completion = self.completions();
        }
        if let Some(completion) = &mut self.completion {
            let (from, word) = completion.step(direction);
            self.editor.replace(from, word);
        }
    }

    fn scroll(&mut self, scroll: Scroll) {
        let chat = self.layout().chat;
        let (columns, height) = (usize::from(chat.width), usize::from(chat.height));
        let page = height.saturating_sub(2).max(1);
        if let Front::Help(row) = &mut self.front {
            *row = match scroll {
                Scroll::PageUp => row.saturating_sub(page),
                Scroll::PageDown => *row + page,
                Scroll::Up => row.saturating_sub(WHEEL),
                Scroll::Down => *row + WHEEL,
                Scroll::Bottom => usize::MAX,
            }
            .min(help(columns, &self.settings.keys).len().saturating_sub(height));
            return;
        }
        match scroll {
            Scroll::PageUp => self.scrollback.up(columns, page, height),
            Scroll::PageDown => self.scrollback.down(columns, page),
            Scroll::Up => self.scrollback.up(columns, WHEEL, height),
            Scroll::Down => self.scrollback.down(columns, WHEEL),
            Scroll::Bottom => self.scrollback.to_bottom(),
        }
    }

    /// Shows the inspector; where it is shown, the next download, and the chat after the last.
    fn inspect(&mut self) {
        let next = match (self.front, self.inspected) {
            (Front::Inspector, Some(shown)) => self.gauges.range(DownloadId(shown.0 + 1)..).next(),
            (Front::Inspector, None) => None,
            // The one that runs; else the one that ran last.
            _ => {
                let running = self.session.downloads().iter().next().map(|(id, _)| id);
                let running = running.and_then(|id| self.gauges.get_key_value(&id));
                self.front = Front::Inspector;
                self.inspected = running.or_else(|| self.gauges.last_key_value()).map(|(id, _)| *id);
                return;
            }
        };
        match next {
            Some((id, _)) => self.inspected = Some(*id),
            None => self.front = Front::Chat,
        }
    }

    /// The download that the inspector shows, by its file's name.
    pub fn inspected(&self) -> Option<(&str, &Gauge)> {
        let (name, gauge) = self.gauges.get(&self.inspected?)?;
        Some((name, gauge))
    }

    /// A name is put where it can be used: somebody to tell something, a file to get, a download to look at.
    fn on_click(&mut self, column: u16, row: u16) {
        let layout = self.layout();
        // The first row of a pane is its title.
        let line = |area: super::layout::Area| area.has(column, row).then(|| usize::from(row - area.y));
        if let Some(nick) =
            line(layout.people).and_then(|at| self.session.roster().iter().nth(at.checked_sub(1)?))
        {
            self.editor.set(&format!("/tell {nick} "));
        } else if let Some(file) =
            line(layout.files).and_then(|at| self.session.files().get(at.checked_sub(1)?))
        {
            let words = GetOptions::of(file.name.as_str()).words();
            self.editor.set(&format!("/get {}", super::request::quote_all(words.iter().map(String::as_str))));
        } else if let Some(at) = line(layout.downloads)
            && let Some((id, _)) = self.session.downloads().iter().nth(at)
        {
            self.front = Front::Inspector;
            self.inspected = Some(id);
        }
    }
}

pub use entering::Pasted;
pub use showing::{HelpRow, help};

#[cfg(test)]
mod tests;
