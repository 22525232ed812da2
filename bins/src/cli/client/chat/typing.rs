//! From a line that was typed to a command for the loop, or to an answer at once.

use std::io;

use backchat_core::chat::{Nickname, RequestId};

use super::{Asked, Chat, Origin};
use crate::cli::args::GetArgs;
use crate::cli::client::end::End;
use crate::cli::client::request;
use crate::cli::client::voice::Style;
use crate::cli::failure::Failure;
use crate::cli::input::{Input, JsonInput, Line, Pick, commands, read_line, read_object};
use crate::cli::render::json::Event;
use crate::cli::render::units;
use crate::driver::application::{Command, Which};

/// How many messages `/history` shows when no number is given.
const DEFAULT_HISTORY: u32 = 50;

impl Chat {
    pub(super) fn on_line(&mut self, line: Option<io::Result<Line>>) {
        match line {
            Some(Ok(Line::Text(text))) => match self.voice.style() {
                Style::Plain => match read_line(&text, |nick| self.roster.has(nick)) {
                    Ok(input) => self.on_input(input, None),
                    Err(error) => self.voice.complain(None, "bad-input", &error.to_string()),
                },
                Style::Json => match read_object(&text) {
                    None => {}
                    Some(Ok(JsonInput { id, input })) => self.on_input(input, id),
                    Some(Err(bad)) => self.voice.complain(bad.id.as_ref(), bad.code, &bad.message),
                },
            },
            Some(Ok(Line::TooLong(bytes))) => {
                let limit = self.requests.text_limit();
                let text = format!("a line of {bytes} bytes was not sent, at most {limit} fit");
                self.voice.complain(None, "text-too-long", &text);
            }
            Some(Ok(Line::NotText)) => {
                self.voice.complain(None, "bad-text", "a line was not sent because it is not UTF-8");
            }
            Some(Err(error)) => {
                self.voice.complain(None, "local", &format!("cannot read standard input: {error}"));
                self.end_of_input();
            }
            None => self.end_of_input(),
        }
    }

    fn end_of_input(&mut self) {
        if self.lines.take().is_some() {
            self.ask(Command::Finish, None);
            self.end = Some(End::Done);
        }
    }

    fn on_input(&mut self, input: Input, id: Option<RequestId>) {
        match input {
            Input::Nothing => {}
            Input::Say { text, action } => self.ask(Command::Say { text, action }, id),
            Input::Tell { to, text } => match Nickname::parse(&to) {
                Ok(to) => self.ask(Command::Tell { to, text, action: false }, id),
                Err(error) => self.voice.complain(id.as_ref(), "no-such-nick", &error.to_string()),
            },
            Input::Names => self.ask(Command::Names, id),
            Input::Files => self.ask(Command::Files, id),
            Input::Nick(nick) => match Nickname::parse(&nick) {
                Ok(nick) => self.ask(Command::Nick(nick), id),
                Err(error) => self.voice.complain(id.as_ref(), "bad-nick", &error.to_string()),
            },
            Input::History(count) => self.ask(Command::History(count.unwrap_or(DEFAULT_HISTORY)), id),
            Input::Get(args) => self.on_get(args, id),
            Input::Pause(pick) => self.on_pick(&pick, id, Command::Pause),
            Input::Resume(pick) => self.on_pick(&pick, id, Command::Resume),
            Input::Stop(pick) => self.on_pick(&pick, id, Command::Stop),
            Input::Stats => self.on_stats(),
            Input::Clear => self.voice.notice("there is nothing to clear: these are plain lines"),
            Input::Help(about) => self.on_help(about.as_deref()),
            Input::Quit => {
                self.lines = None;
                self.end = Some(End::Done);
                self.ask(Command::Quit, id);
            }
        }
    }

    fn on_get(&mut self, args: GetArgs, id: Option<RequestId>) {
        match request::of(&args) {
            Ok((_, crate::files::TargetSpec::Stdout)) => {
                let text = "standard output belongs to the chat: choose a file with -o";
                self.voice.complain(id.as_ref(), "usage", text);
            }
            Ok((request, target)) => {
                let command = Command::Get { request, target };
                self.pending.push_back(Asked { command, id, get: Some(args), origin: Origin::User });
            }
            Err(failure) => self.fail_request(&failure, id.as_ref(), Some(&args.name)),
        }
    }

    /// Something that was asked for and will not be had, while the chat goes on.
    fn fail_request(&mut self, failure: &Failure, id: Option<&RequestId>, file: Option<&str>) {
        match self.voice.style() {
            Style::Plain => self.voice.complain(id, failure.reason, &failure.message),
            Style::Json => self.voice.event(&Event::failed(id, file, failure, None)),
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
            Ok(which) => self.ask(command(which), id),
            Err(text) => self.voice.complain(id.as_ref(), "no-such-download", &text),
        }
    }

    fn on_stats(&mut self) {
        let mut lines = vec![format!(
            "{} sent and not taken yet",
            units::count(self.requests.untaken() as u64, "message")
        )];
        lines.extend(self.downloads.iter().map(|(_, download)| {
            let (received, size) = (units::size(download.received), units::size(download.size));
            let pace = match download.is_paused {
                true => "held".to_owned(),
                false => units::rate(download.bytes_per_second),
            };
            format!("{}: {received} of {size}, {pace}", download.file)
        }));
        for line in lines {
            self.voice.notice(&line);
        }
    }

    fn on_help(&mut self, about: Option<&str>) {
        let Some(lines) = commands::help(about) else {
            let typed = about.unwrap_or_default();
            let nearest = commands::nearest(typed.trim_start_matches('/'));
            let hint =
                nearest.map(|command| format!(", did you mean /{}?", command.name)).unwrap_or_default();
            return self.voice.complain(None, "bad-input", &format!("there is no command '{typed}'{hint}"));
        };
        for line in lines {
            self.voice.notice(&line);
        }
    }
}
