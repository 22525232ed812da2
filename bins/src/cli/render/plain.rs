//! Lines for people: one an event, each begun by a time of day (UTC, as everywhere in the project, so that two
//! people who compare what they saw compare the same clock).
//!
//! ```text
//! 12:00:05Z -- bob joined                        a notice
//! 12:00:06Z bob: hello                           a message
//! 12:00:07Z * bob waves                          an action
//! 12:00:08Z bob -> ann: psst                     a private message
//! 12:00:09Z !! ann is taken (nick-taken)         something that went wrong
//! 2026-11-21 09:30:00Z (earlier) bob: good morning      said before
//! ```
//!
//! No nickname can hold `-`, `*` or `!` and a space behind it, and no text can hold a line end: nobody can imitate
//! a notice.

use std::fmt;

use backchat_core::chat::{FileEntry, NameEntry, Nickname, ServerFrame, Text, Welcome};
use backchat_core::text::visible;
use backchat_core::time::UnixTime;

use super::units::{self, day_and_time, time_of_day};
use crate::app::downloads::{News, Report};
use crate::app::happening::Happening;
use crate::cli::exit::Exit;
use crate::cli::failure::refusal;
use crate::cli::input::commands;

/// One line that people read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was said, or told.
    pub at: UnixTime,
    /// Whether it was said before we came.
    pub is_earlier: bool,
    /// What it says.
    pub body: Body,
}

/// What a line says. What others chose is a [`Text`], or made visible where it was put into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Who came, went, or is called otherwise now.
    Presence(String),
    /// Something that happened and that nobody said.
    Notice(String),
    /// Something that went wrong.
    Complaint(String),
    /// Something said to all.
    Said {
        /// By whom.
        from: Nickname,
        /// What.
        text: Text,
        /// Whether it is what somebody does.
        action: bool,
    },
    /// Something said to one.
    Told {
        /// By whom.
        from: Nickname,
        /// To whom.
        to: Nickname,
        /// What.
        text: Text,
        /// Whether it is what somebody does.
        action: bool,
    },
}

impl Line {
    /// A line of this moment.
    pub fn now(at: UnixTime, body: Body) -> Self {
        Self { at, is_earlier: false, body }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_earlier {
            true => write!(f, "{} (earlier) ", day_and_time(self.at))?,
            false => write!(f, "{} ", time_of_day(self.at))?,
        }
        match &self.body {
            Body::Presence(text) | Body::Notice(text) => write!(f, "-- {}", visible(text)),
            Body::Complaint(text) => write!(f, "!! {}", visible(text)),
            Body::Said { from, text, action: true } => write!(f, "* {from} {text}"),
            Body::Said { from, text, action: false } => write!(f, "{from}: {text}"),
            Body::Told { from, to, text, action } => {
                let action = if *action { "* " } else { "" };
                write!(f, "{from} -> {to}: {action}{text}")
            }
        }
    }
}

/// The lines of something that happened; none for what only programs need. `now` is for what carries no time.
pub fn lines(happening: &Happening, now: UnixTime) -> Vec<Line> {
    let one = |body| vec![Line::now(now, body)];
    let notice = |text: String| one(Body::Notice(text));
    match happening {
        Happening::Frame { frame, .. } => self::frame(frame, now),
        Happening::Disconnected { reason, was_there: true } => notice(reason.clone()),
        // The end tells it with more words, or we know.
        Happening::Disconnected { was_there: false, .. } | Happening::Farewell(_) | Happening::Connected => {
            Vec::new()
        }
        Happening::Reconnecting { after } => notice(format!("trying again in {}", units::time(*after))),
        Happening::Unconfirmed { text, what, .. } => one(Body::Complaint(format!("{what}: {text}"))),
        Happening::Report { report, resume } => self::report(report, resume.as_deref(), now),
        Happening::Interrupted { file, received } => {
            let received = units::size(*received);
            notice(format!("{file}: interrupted at {received}; it goes on when the server is back"))
        }
        Happening::Halfway { file, wait } => {
            let wait = units::time(*wait);
            notice(format!(
                "{file}: half of it is here; /resume goes on, /stop ends it, it goes on in {wait}"
            ))
        }
        Happening::Help(about) => {
            commands::told(about.as_deref()).iter().flat_map(|told| lines(told, now)).collect()
        }
        Happening::Notice(text) => notice(text.clone()),
        Happening::Complaint { message, .. } => one(Body::Complaint(message.clone())),
        Happening::Failed { failure, .. } => one(Body::Complaint(failure.message.clone())),
    }
}

/// The lines of a report on a download.
fn report(report: &Report, resume: Option<&str>, now: UnixTime) -> Vec<Line> {
    let body = |words| match &report.news {
        // Whoever stops it knows; nothing went wrong.
        News::Failed(failure) if failure.exit != Exit::Interrupted => Body::Complaint(words),
        _ => Body::Notice(words),
    };
    let resume = resume.map(|resume| Body::Notice(format!("to go on: {resume}")));
    report.words().map(body).into_iter().chain(resume).map(|body| Line::now(now, body)).collect()
}

/// The lines of a frame.
fn frame(frame: &ServerFrame, now: UnixTime) -> Vec<Line> {
    let one = |body| vec![Line::now(now, body)];
    let notice = |text: String| one(Body::Notice(text));
    let presence = |text: String| one(Body::Presence(text));
    match frame {
        ServerFrame::Welcome(frame) => welcome(frame, now),
        ServerFrame::Joined { nick } => presence(format!("{nick} joined")),
        // That somebody left because they left need not be said.
        ServerFrame::Left { nick, reason } if matches!(reason.raw(), "" | "left") => {
            presence(format!("{nick} left"))
        }
        ServerFrame::Left { nick, reason } => presence(format!("{nick} left ({reason})")),
        ServerFrame::Renamed { from, to, .. } => presence(format!("{from} is now {to}")),
        ServerFrame::Message(it) => {
            let body = Body::Said { from: it.from.clone(), text: it.text.clone(), action: it.action };
            vec![Line { at: it.at, is_earlier: it.backlog, body }]
        }
        ServerFrame::Private(it) => {
            let (from, to) = (it.from.clone(), it.to.clone());
            let body = Body::Told { from, to, text: it.text.clone(), action: it.action };
            vec![Line { at: it.at, is_earlier: it.backlog, body }]
        }
        ServerFrame::Gap { missed } => {
            notice(format!("{} from before this are no longer kept", units::count(*missed, "message")))
        }
        ServerFrame::Names { names, .. } => notice(here(names)),
        ServerFrame::Files { files, more, .. } => {
            list(files, *more).map(|text| Line::now(now, Body::Notice(text))).collect()
        }
        ServerFrame::History { count, more, .. } => {
            let older = if *more { ", older ones are kept" } else { "" };
            notice(format!("{} from before{older}", units::count(u64::from(*count), "message")))
        }
        ServerFrame::Error(frame) => one(Body::Complaint(refusal(frame))),
        ServerFrame::Notice { text } => notice(format!("the server says: {text}")),
        ServerFrame::Closing { reason } => notice(format!("the server closes the connection: {reason}")),
        ServerFrame::Accepted { .. }
        | ServerFrame::Ticket(_)
        | ServerFrame::Ping
        | ServerFrame::Pong { .. } => Vec::new(),
    }
}

fn welcome(welcome: &Welcome, now: UnixTime) -> Vec<Line> {
    let verb = if welcome.resumed { "back" } else { "joined" };
    let mut texts = vec![format!("{verb} as {}", welcome.nick)];
    if let Some(missed) = welcome.missed.filter(|missed| *missed > 0) {
        let missed = units::count(missed, "message");
        texts.push(format!("{missed} from meanwhile are no longer kept"));
    }
    // A greeting may have several lines, and reads best as it was written.
    texts.extend(welcome.motd.iter().flat_map(Text::lines).map(|line| line.to_string()));
    texts.into_iter().map(|text| Line::now(now, Body::Notice(text))).collect()
}

/// One page of who is here.
fn here(names: &[NameEntry]) -> String {
    if names.is_empty() {
        return "nobody is here".to_owned();
    }
    let names: Vec<&str> = names.iter().map(|entry| entry.nick.as_str()).collect();
    format!("here: {}", names.join(", "))
}

/// One page of what can be downloaded.
fn list(files: &[FileEntry], more: bool) -> impl Iterator<Item = String> {
    let none = (files.is_empty() && !more).then(|| "no files are shared".to_owned());
    let line = |entry: &FileEntry| {
        let changed = day_and_time(entry.modified);
        format!("{}  {}, changed {changed}", entry.name, units::size(entry.size))
    };
    none.into_iter().chain(files.iter().map(line))
}

#[cfg(test)]
mod tests;
