//! From what was typed to a command for the loop, or to an answer at once.

use std::path::PathBuf;

use backchat_core::chat::{Nickname, RequestId};
use backchat_core::node::FailReason;

use super::{Asked, Origin, Session};
use crate::app::end::End;
use crate::app::get::GetOptions;
use crate::app::input::{Ignore, Input, Pick};
use crate::app::request;
use crate::cli::render::units;
use crate::driver::application::{Command, Which};
use crate::files::TargetSpec;

/// How many messages `/history` shows when no number is given.
const DEFAULT_HISTORY: u32 = 50;

/// Most nicknames that are ignored: more is a script gone wrong.
const MAX_IGNORED: usize = 1000;

impl Session {
    pub(super) fn on_input(&mut self, input: Input, id: Option<RequestId>) {
        match input {
            Input::Nothing => {}
            Input::Say { text, action } => {
                if let Some((text, action)) = self.say_behind(text, action) {
                    self.ask(Command::Say { text, action }, id);
                }
            }
            Input::Cancel => self.cancel(),
            Input::Tell { to, text } => match Nickname::parse(&to) {
                Ok(to) => self.ask(Command::Tell { to, text, action: false }, id),
                Err(error) => self.complain(id, "no-such-nick", error.to_string()),
            },
            Input::Reply(text) => match self.correspondent.clone() {
                Some(to) => self.ask(Command::Tell { to, text, action: false }, id),
                None => self.complain(id, "no-such-nick", "nobody has said anything to you alone yet"),
            },
            Input::Names => self.ask(Command::Names, id),
            Input::Files => self.ask(Command::Files, id),
            Input::Nick(nick) => match Nickname::parse(&nick) {
                Ok(nick) => self.ask(Command::Nick(nick), id),
                Err(error) => self.complain(id, "bad-nick", error.to_string()),
            },
            Input::History(count) => self.ask(Command::History(count.unwrap_or(DEFAULT_HISTORY)), id),
            Input::Get(args) => self.on_get(args, id),
            Input::Folder(folder) => self.on_folder(folder),
            Input::Pause(pick) => self.on_pick(&pick, id, Command::Pause),
            Input::Resume(pick) => self.on_pick(&pick, id, Command::Resume),
            Input::Stop(pick) => {
                let of =
                    |file: &str| matches!(&pick, Pick::All) || matches!(&pick, Pick::File(it) if it == file);
                let dropped = self.drop_waiting(of, "stopped by the user", &FailReason::Stopped);
                if dropped == 0 || !self.downloads.is_empty() {
                    self.on_pick(&pick, id, Command::Stop);
                }
            }
            Input::Ignore(ignore) => self.on_ignore(&ignore, id),
            Input::Stats => self.on_stats(),
            Input::Reconnect => self.ask(Command::Reconnect, id),
            Input::Find(_) => self.notice("there is nothing to look through: these are plain lines"),
            Input::Mouse(_) => self.notice("there is no mouse here: these are plain lines"),
            Input::Clear => self.notice("there is nothing to clear: these are plain lines"),
            Input::Help(about) => self.tell(super::Happening::Help(about)),
            Input::Quit => {
                self.end = Some(End::Done);
                self.left_undone +=
                    self.drop_waiting(|_| true, "left before its turn came", &FailReason::Stopped);
                self.ask(Command::Quit, id);
            }
        }
    }

    pub(super) fn notice(&mut self, text: impl Into<String>) {
        self.tell(super::Happening::Notice(text.into()));
    }

    fn on_folder(&mut self, folder: Option<PathBuf>) {
        self.folder = folder.or_else(|| self.folder.take());
        let folder = self.folder.as_ref().map_or_else(|| ".".into(), |folder| folder.to_string_lossy());
        let text = format!("downloads go to {folder}");
        self.notice(text);
    }

    fn on_get(&mut self, mut args: GetOptions, id: Option<RequestId>) {
        if args.output.is_none() && args.folder.is_none() {
            args.folder.clone_from(&self.folder);
        }
        match request::of(&args) {
            Ok((_, TargetSpec::Stdout)) => {
                self.complain(id, "usage", "standard output belongs to the chat: choose a file with -o");
            }
            Ok((request, target)) => {
                let command = Command::Get { request, target };
                self.get(Asked { command, id, get: Some(args), origin: Origin::User });
            }
            Err(failure) => self.fail_request(failure, id, Some(args.name)),
        }
    }

    fn on_pick(&mut self, pick: &Pick, id: Option<RequestId>, command: fn(Which) -> Command) {
        let which = match pick {
            Pick::All if self.downloads.is_empty() => Err("no download is running".to_owned()),
            Pick::All => Ok(Which::All),
            Pick::File(file) => self
                .downloads
                .of_file(file)
                .map(Which::One)
                .ok_or_else(|| format!("no download of '{file}' is running")),
        };
        match which {
            Ok(which) => {
                self.keeping.answered(which);
                self.ask(command(which), id);
            }
            Err(text) => self.complain(id, "no-such-download", text),
        }
    }

    /// Ignores a nickname, or no longer, or says who is ignored.
    fn on_ignore(&mut self, ignore: &Ignore, id: Option<RequestId>) {
        let (Ignore::Switch(nick) | Ignore::Begin(nick) | Ignore::End(nick)) = ignore else {
            let names: Vec<&str> = self.ignored.values().map(Nickname::as_str).collect();
            let text = match names.as_slice() {
                [] => "nobody is ignored".to_owned(),
                names => format!("ignored: {}", names.join(", ")),
            };
            return self.notice(text);
        };
        let nick = match Nickname::parse(nick) {
            Ok(nick) => nick,
            Err(error) => return self.complain(id, "no-such-nick", error.to_string()),
        };
        let begins = match ignore {
            Ignore::Begin(_) => true,
            Ignore::End(_) | Ignore::List => false,
            Ignore::Switch(_) => !self.ignores(&nick),
        };
        if !begins {
            self.ignored.remove(&nick.key());
            self.notice(format!("{nick} is heard again"));
        } else if self.ignored.len() < MAX_IGNORED || self.ignores(&nick) {
            self.notice(format!("{nick} is ignored; /ignore {nick} again ends it"));
            self.ignored.insert(nick.key(), nick);
        } else {
            self.complain(id, "refused", format!("{MAX_IGNORED} are ignored already"));
        }
    }

    fn on_stats(&mut self) {
        let mut lines = vec![format!(
            "{} sent and not taken yet",
            units::count(self.requests.untaken() as u64, "message")
        )];
        if let Some(round_trip) = self.round_trip() {
            lines.push(format!("{}: round trip {}", self.server(), units::time(round_trip)));
        }
        lines.extend(self.downloads.iter().map(|(_, download)| {
            let (received, size) = (units::size(download.received), units::size(download.size));
            let pace = match download.is_paused {
                true => "held".to_owned(),
                false => units::rate(download.bytes_per_second),
            };
            format!("{}: {received} of {size}, {pace}", download.file)
        }));
        for line in lines {
            self.notice(line);
        }
    }
}
