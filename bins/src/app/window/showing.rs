//! From what happened to lines of the scrollback.

use std::path::Path;

use backchat_core::chat::client::{ClientChatEvent, Comeback};
use backchat_core::chat::{Nickname, ServerFrame};
use backchat_core::node::{ClientEvent, DownloadEvent, DownloadId};
use backchat_core::text::visible;
use backchat_core::time::UnixTime;

use super::folding::Folded;
use super::{App, Effect};
use crate::app::action::BINDINGS;
use crate::app::end::End;
use crate::app::gauge::Gauge;
use crate::app::happening::Happening;
use crate::app::keymap::Keymap;
use crate::app::links::{self, Link};
use crate::app::scrollback::{Emphasis, Entry};
use crate::app::session::{self, WAY_ON};
use crate::app::settings::{Bell, Links};
use crate::app::wrap::width;
use crate::cli::input::commands::COMMANDS;
use crate::cli::render::plain::{self, Body, Line};
use crate::paths::shown;

/// Downloads that can be looked at from inside: as many as a client runs at once.
const MAX_GAUGES: usize = 64;

/// Most rows that the line feeds of a message make, so that nobody wipes the window with one. The others are spelt out.
pub(super) const MAX_ROWS_SAID: usize = 20;

/// Speakers that are remembered for Tab.
const MAX_SPEAKERS: usize = 50;

impl App {
    pub(super) fn on_session(&mut self, message: session::Message) {
        if let session::Message::Client(ClientEvent::Download { download, event }) = &message {
            self.measure(*download, event);
        }
        if let session::Message::Client(ClientEvent::Chat(ClientChatEvent::Frame(frame))) = &message
            && let ServerFrame::Welcome(welcome) = frame
            && let Some(token) = welcome.token
        {
            // Ids are counted below the driver; whoever keeps this knows where those of the next life begin.
            let comeback = Comeback { token, epoch: welcome.epoch, seen: welcome.number, requests: 0 };
            self.effects.push(Effect::Keep(comeback));
        }
        for effect in self.session.update(self.now, message) {
            match effect {
                session::Effect::Ask(asked) => self.effects.push(Effect::Ask(asked)),
                session::Effect::Tell(happening) => self.show(&happening),
                session::Effect::Exit => {
                    self.show_the_end();
                    self.effects.push(Effect::Exit);
                }
            }
        }
    }

    fn measure(&mut self, download: DownloadId, event: &DownloadEvent) {
        if let DownloadEvent::Started { .. } = event {
            let name =
                self.session.downloads().file_of(download).map(ToString::to_string).unwrap_or_default();
            self.gauges.insert(download, (name, Gauge::new(self.now)));
            while self.gauges.len() > MAX_GAUGES {
                self.gauges.pop_first();
            }
        }
        if let Some((_, gauge)) = self.gauges.get_mut(&download) {
            gauge.on_event(self.now, event);
        }
        if self.inspected.is_none_or(|shown| !self.gauges.contains_key(&shown)) {
            self.inspected = self.gauges.keys().next().copied();
        }
    }

    /// A chat that is over says why, and how it can go on.
    fn show_the_end(&mut self) {
        if let Some(End::Failed(failure)) = self.session.end() {
            let message = failure.message.clone();
            self.push(Line::now(self.wall, Body::Complaint(message)));
            self.push(Line::now(self.wall, Body::Notice(WAY_ON.to_owned())));
        }
    }

    /// Puts what happened into the scrollback.
    pub(super) fn show(&mut self, happening: &Happening) {
        if let Happening::Frame { frame: ServerFrame::Message(message), .. } = happening
            && !message.backlog
        {
            self.spoke(&message.from);
        }
        // A window has no end that would tell it.
        let happening = match happening {
            Happening::Disconnected { reason, was_there: false } => {
                &Happening::Disconnected { reason: self.why_not(reason), was_there: true }
            }
            it => it,
        };
        let lines = plain::lines(happening, self.wall);
        // What was said before is in the log already, or was not for it.
        for line in lines.iter().filter(|line| self.settings.is_logged && !line.is_earlier) {
            self.effects.push(Effect::Log(line.clone()));
        }
        if let Happening::Frame { frame, .. } = happening
            && let [line] = lines.as_slice()
            && self.fold(frame, line)
        {
            return;
        }
        let saved = match happening {
            Happening::Report { report, .. } => report.saved(),
            _ => None,
        };
        for line in lines {
            self.push_about(line, saved);
        }
    }

    /// Shows who came or went in the line of those who did before; `false` where it is about something else.
    fn fold(&mut self, frame: &ServerFrame, line: &Line) -> bool {
        self.begin_day(line.at);
        let Some(mut folded) = self.folded.take() else {
            let mut folded = Folded::default();
            if !folded.take(frame) {
                return false;
            }
            self.push(line.clone());
            self.folded = Some(folded);
            return true;
        };
        if !folded.take(frame) {
            return false;
        }
        let body = folded.words().map_or_else(|| line.body.clone(), Body::Presence);
        let entry = self.entry(Line { body, ..line.clone() });
        self.scrollback.replace_last(entry);
        self.folded = Some(folded);
        true
    }

    /// A line between the days: times have none.
    fn begin_day(&mut self, at: UnixTime) {
        let day = self.settings.day(at);
        if self.day.as_ref().is_some_and(|before| *before != day) {
            self.folded = None;
            let entry =
                self.entry(Line { at, is_earlier: false, body: Body::Notice(format!("{day} ———")) });
            self.scrollback
                .push(Entry { stamp: String::new(), who: "———".to_owned(), head: 4, ..entry });
        }
        self.day = Some(day);
    }

    fn why_not(&self, reason: &str) -> String {
        self.session
            .trouble()
            .map_or_else(|| reason.to_owned(), |why| format!("{reason} to {}: {why}", self.session.server()))
    }

    fn push(&mut self, line: Line) {
        self.push_about(line, None);
    }

    /// A line that may end with the place of a file.
    fn push_about(&mut self, line: Line, saved: Option<&Path>) {
        self.begin_day(line.at);
        self.folded = None;
        let emphasis = self.emphasis(&line);
        let is_told =
            matches!(&line.body, Body::Told { from, .. } if from.key() != self.session.nick().key());
        if !line.is_earlier && (is_told || emphasis == Emphasis::Mention) {
            self.on_mention(&line);
        }
        let mut entry = self.entry(line);
        if let (Links::Clickable { host }, Some(path)) = (&self.settings.links, saved)
            && let Some(start) = entry.text.strip_suffix(shown(path).as_str()).map(str::len)
        {
            let range = start..entry.text.len();
            entry.links = links::of_file(host, path).map(|to| Link { range, to }).into_iter().collect();
        }
        self.scrollback.push(entry);
    }

    /// Something is meant for us.
    fn on_mention(&mut self, line: &Line) {
        if self.settings.bell == Bell::Mentions {
            self.effects.push(Effect::Bell);
        }
        if self.has_focus == Some(false) {
            self.missed += 1;
            if let (true, Body::Said { from, .. } | Body::Told { from, .. }) =
                (self.settings.notify, &line.body)
            {
                self.effects.push(Effect::Notify(from.clone()));
            }
        }
    }

    fn entry(&self, line: Line) -> Entry {
        let emphasis = self.emphasis(&line);
        let stamp = match line.is_earlier {
            true => self.settings.day_and_time(line.at),
            false => self.settings.time_of_day(line.at),
        };
        let (who, text) = parts(&line.body);
        let columns = |part: &str| if part.is_empty() { 0 } else { width(part) + 1 };
        let head = columns(&stamp) + columns(&who);
        let links = match (&self.settings.links, &line.body) {
            (Links::Plain, _) | (_, Body::Presence(_)) => Vec::new(),
            (Links::Clickable { .. }, _) => links::in_text(&text),
        };
        Entry { line, emphasis, stamp, who, head, text, links }
    }

    fn emphasis(&self, line: &Line) -> Emphasis {
        match &line.body {
            Body::Said { from, text, .. }
                if from.key() != self.session.nick().key()
                    && self.settings.is_mention(text.raw(), self.session.nick().as_str()) =>
            {
                Emphasis::Mention
            }
            _ => Emphasis::Plain,
        }
    }

    fn spoke(&mut self, nick: &Nickname) {
        self.speakers.retain(|known| known.key() != nick.key());
        self.speakers.truncate(MAX_SPEAKERS - 1);
        self.speakers.insert(0, nick.clone());
    }
}

/// What stands before a text, and the text, both made visible.
fn parts(body: &Body) -> (String, String) {
    let (who, text) = match body {
        Body::Presence(text) | Body::Notice(text) => return ("--".to_owned(), visible(text).to_string()),
        Body::Complaint(text) => return ("!!".to_owned(), visible(text).to_string()),
        Body::Said { from, text, action: true } => (format!("* {from}"), text),
        Body::Said { from, text, action: false } => (format!("{from}:"), text),
        Body::Told { from, to, text, action: true } => (format!("{from} -> {to}: *"), text),
        Body::Told { from, to, text, action: false } => (format!("{from} -> {to}:"), text),
    };
    // What people say may have lines; each stands behind the head of the first, where nobody takes it for another's.
    let lines: Vec<String> =
        text.raw().splitn(MAX_ROWS_SAID, '\n').map(|line| visible(line).to_string()).collect();
    (who, lines.join("\n"))
}

/// A row of the help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelpRow {
    /// What follows.
    Title(&'static str),
    /// Something that can be typed, and what it does.
    Entry {
        /// What is typed.
        typed: String,
        /// What it does.
        about: String,
    },
    /// Nothing.
    Space,
}

/// The rows of the help: every command with an example, then every key.
pub fn help(columns: usize, keys: &Keymap) -> Vec<HelpRow> {
    let mut rows = vec![HelpRow::Title("Commands (Esc: back to the chat)")];
    for command in COMMANDS.iter() {
        rows.push(HelpRow::Entry { typed: command.usage(), about: command.about.to_owned() });
        if columns >= 60 && !command.arguments.is_empty() {
            rows.push(HelpRow::Entry {
                typed: String::new(),
                about: format!("such as: {}", command.example),
            });
        }
    }
    rows.push(HelpRow::Space);
    rows.push(HelpRow::Title("Keys"));
    for binding in BINDINGS.iter().filter(|binding| !keys.keys_of(binding).is_empty()) {
        rows.push(HelpRow::Entry {
            typed: keys.keys_of(binding).join(", "),
            about: binding.about.to_owned(),
        });
    }
    rows.push(HelpRow::Space);
    rows.push(HelpRow::Title("Mouse"));
    for (typed, about) in [
        ("wheel", "scrolls"),
        ("a name", "prepares a private message"),
        ("a file", "prepares its download"),
        ("a download", "opens the inspector"),
        ("with Shift", "the terminal's own selection"),
    ] {
        rows.push(HelpRow::Entry { typed: typed.to_owned(), about: about.to_owned() });
    }
    rows
}
