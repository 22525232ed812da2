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

use backchat_core::chat::{ErrorFrame, FileEntry, Message, NameEntry, Private, ServerFrame, Welcome};
use backchat_core::text::visible;
use backchat_core::time::UnixTime;

use super::units::{self, day_and_time, time_of_day};

/// A notice: something that happened and that nobody said.
pub fn notice(now: UnixTime, text: &str) -> String {
    format!("{} -- {}", time_of_day(now), visible(text))
}

/// Something that went wrong.
pub fn complaint(now: UnixTime, text: &str) -> String {
    format!("{} !! {}", time_of_day(now), visible(text))
}

/// The lines of a frame; none for those that only programs need. `now` is for frames that carry no time.
pub fn frame(frame: &ServerFrame, now: UnixTime) -> Vec<String> {
    let one = |text: String| vec![notice(now, &text)];
    match frame {
        ServerFrame::Welcome(frame) => welcome(frame, now),
        ServerFrame::Joined { nick } => one(format!("{nick} joined")),
        // That somebody left because they left need not be said.
        ServerFrame::Left { nick, reason } if matches!(reason.as_str(), "" | "left") => {
            one(format!("{nick} left"))
        }
        ServerFrame::Left { nick, reason } => one(format!("{nick} left ({reason})")),
        ServerFrame::Renamed { from, to, .. } => one(format!("{from} is now {to}")),
        ServerFrame::Message(frame) => vec![message(frame)],
        ServerFrame::Private(frame) => vec![private(frame)],
        ServerFrame::Gap { missed } => {
            one(format!("{} from before this are no longer kept", units::count(*missed, "message")))
        }
        ServerFrame::Names { names, .. } => one(here(names)),
        ServerFrame::Files { files, more, .. } => list(files, *more).map(|text| notice(now, &text)).collect(),
        ServerFrame::History { count, more, .. } => {
            let older = if *more { ", older ones are kept" } else { "" };
            one(format!("{} from before{older}", units::count(u64::from(*count), "message")))
        }
        ServerFrame::Error(frame) => vec![complaint(now, &error(frame))],
        ServerFrame::Notice { text } => one(format!("the server says: {text}")),
        ServerFrame::Closing { reason } => one(format!("the server closes the connection: {reason}")),
        ServerFrame::Accepted { .. }
        | ServerFrame::Ticket(_)
        | ServerFrame::Ping
        | ServerFrame::Pong { .. } => Vec::new(),
    }
}

fn welcome(welcome: &Welcome, now: UnixTime) -> Vec<String> {
    let verb = if welcome.resumed { "back" } else { "joined" };
    let mut lines = vec![notice(now, &format!("{verb} as {}", welcome.nick))];
    if let Some(missed) = welcome.missed.filter(|missed| *missed > 0) {
        let missed = units::count(missed, "message");
        lines.push(notice(now, &format!("{missed} from meanwhile are no longer kept")));
    }
    // A greeting may have several lines, and reads best as it was written.
    let greeting = welcome.motd.as_deref().unwrap_or_default().lines();
    lines.extend(greeting.map(|line| notice(now, line)));
    lines
}

fn message(message: &Message) -> String {
    let said = match message.action {
        true => format!("* {} {}", message.from, visible(&message.text)),
        false => format!("{}: {}", message.from, visible(&message.text)),
    };
    format!("{}{said}", stamp(message.at, message.backlog))
}

fn private(private: &Private) -> String {
    let action = if private.action { "* " } else { "" };
    let stamp = stamp(private.at, private.backlog);
    format!("{stamp}{} -> {}: {action}{}", private.from, private.to, visible(&private.text))
}

/// What stands before something said: the time of day, or for what was said before, day and time and a mark.
fn stamp(at: UnixTime, is_backlog: bool) -> String {
    if is_backlog { format!("{} (earlier) ", day_and_time(at)) } else { format!("{} ", time_of_day(at)) }
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

/// What a refusal says, and what can be done.
pub fn error(error: &ErrorFrame) -> String {
    let mut text = format!("{} ({})", error.message, error.code);
    let is_said = |nick: &str| error.message.split([' ', ',']).any(|word| word == nick);
    if let Some(suggestion) = error.suggestion.as_ref().filter(|nick| !is_said(nick.as_str())) {
        text += &format!("; {suggestion} is free");
    }
    text
}

#[cfg(test)]
mod tests;
