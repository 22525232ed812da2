//! A window on a stage: what happens is written down, time too, and the picture is the one that people see.

use std::time::Duration;

use backchat::app::App;
use backchat::app::keymap::Keymap;
use backchat::app::layout::Size;
use backchat::app::session::{self, Curiosity, Session};
use backchat::app::settings::Settings;
use backchat::app::window::{Effect, Message};
use backchat::driver::application::{Command, Receipt};
use backchat::files::TargetEvent;
use backchat::tui::theme::Theme;
use backchat::tui::view;
use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};
use backchat_core::chat::{Nickname, RequestId, ServerFrame};
use backchat_core::node::{ClientEvent, DownloadEvent, DownloadId};
use backchat_core::time::{Instant, UnixTime};
use backchat_core::transfer::ReceiverView;
use backchat_core::wire::{CongestionChoice, FileVersion, TransferId};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

/// When the play begins: 2026-11-22, noon.
const NOON: UnixTime = UnixTime::from_millis(1_795_348_800_000);

/// See the module.
pub(crate) struct Stage {
    pub(crate) app: App,
    pub(crate) theme: Theme,
    now: Instant,
    next_request: u64,
    next_download: u64,
    next_number: u64,
    /// What the loop was asked for, and has answered.
    pub(crate) asked: Vec<Command>,
    /// How often it rang.
    pub(crate) bells: usize,
}

impl Stage {
    /// An empty window, before there is a connection.
    pub(crate) fn new(columns: u16, rows: u16) -> Self {
        Self::with(columns, rows, |session| session)
    }

    pub(crate) fn with(columns: u16, rows: u16, change: impl FnOnce(Session) -> Session) -> Self {
        let nick = Nickname::parse("ann").expect("a nickname");
        let session = change(Session::new("chat.example.org:55000", nick, Curiosity::Panes));
        Self {
            app: App::new(session, Settings::default(), Size { columns, rows }),
            theme: Theme::coloured(),
            now: Instant::ZERO,
            next_request: 0,
            next_download: 0,
            next_number: 0,
            asked: Vec::new(),
            bells: 0,
        }
    }

    /// Joined, with others there and files to download.
    pub(crate) fn joined(columns: u16, rows: u16) -> Self {
        let mut stage = Self::new(columns, rows);
        stage.join(&["ann", "bob", "carol"]);
        stage
    }

    pub(crate) fn join(&mut self, names: &[&str]) {
        self.chat(ClientChatEvent::Connected);
        self.frame(r#"{"type":"welcome","protocol":1,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":false,"motd":"Be kind."}"#);
        let first = self.next_request + 1;
        self.chat(ClientChatEvent::Joined { resumed: false, new_epoch: false });
        self.pass(2);
        let names: Vec<String> = names.iter().map(|name| format!(r#"{{"nick":"{name}"}}"#)).collect();
        self.frame(&format!(r#"{{"type":"names","id":{first},"names":[{}],"more":false}}"#, names.join(",")));
        let files = [("book.bin", 524_288_000_u64), ("my notes.txt", 3_100), ("日本語.txt", 15_000_000)];
        let files = files.map(|(name, size)| {
            format!(r#"{{"name":"{name}","size":{size},"modified":"2026-11-22T09:30:00Z"}}"#)
        });
        let second = first + 1;
        self.frame(&format!(
            r#"{{"type":"files","id":{second},"files":[{}],"more":false}}"#,
            files.join(",")
        ));
    }

    /// So many milliseconds pass.
    pub(crate) fn pass(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self
    }

    /// They pass, and the window is told.
    pub(crate) fn tick(&mut self, millis: u64) {
        self.pass(millis);
        self.update(Message::Tick);
    }

    pub(crate) fn update(&mut self, message: Message) {
        let wall = NOON.saturating_add(self.now - Instant::ZERO);
        for effect in self.app.update(self.now, wall, message) {
            match effect {
                Effect::Ask(asked) => {
                    self.asked.push(asked.command.clone());
                    let receipt = match asked.command {
                        Command::Get { .. } => {
                            self.next_download += 1;
                            Receipt::Download(DownloadId(self.next_download))
                        }
                        Command::Pause(_) | Command::Resume(_) | Command::Stop(_) => Receipt::Done,
                        Command::Quit | Command::Finish | Command::Reconnect => Receipt::Done,
                        _ => {
                            self.next_request += 1;
                            Receipt::Request(RequestId::Number(self.next_request))
                        }
                    };
                    self.update(Message::Session(session::Message::Answered(asked, Ok(receipt))));
                }
                Effect::Bell => self.bells += 1,
                Effect::Exit
                | Effect::Redraw
                | Effect::Suspend
                | Effect::Keep(_)
                | Effect::Notify(_)
                | Effect::Mouse(_)
                | Effect::Log(_) => {}
            }
        }
    }

    pub(crate) fn chat(&mut self, event: ClientChatEvent) {
        self.update(Message::Session(session::Message::Client(ClientEvent::Chat(event))));
    }

    pub(crate) fn frame(&mut self, json: &str) {
        let frame = ServerFrame::decode(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"));
        self.chat(ClientChatEvent::Frame(frame));
    }

    /// Somebody says something.
    pub(crate) fn says(&mut self, from: &str, text: &str) {
        self.next_number += 1;
        let at = NOON.saturating_add(self.now - Instant::ZERO);
        let (number, text) = (self.next_number, serde_json::Value::from(text));
        self.frame(&format!(
            r#"{{"type":"message","number":{number},"at":"{at}","from":"{from}","text":{text}}}"#
        ));
    }

    /// Keys by their names, and text as it is.
    pub(crate) fn keys(&mut self, keys: &[&str]) {
        for key in keys {
            match Keymap::default().of_key(key) {
                Some(action) => self.update(Message::Do(action)),
                None => key.chars().for_each(|c| self.update(Message::Type(c.to_string()))),
            }
        }
    }

    /// A download of `size` bytes begins at `start`.
    pub(crate) fn begins(&mut self, file: &str, size: u64, start: u64) -> DownloadId {
        self.keys(&[&format!("/get '{file}'"), "Enter"]);
        let download = DownloadId(self.next_download);
        let path = file.into();
        let opened = TargetEvent::Opened { path, partial: Some(".part".into()), resumed_from: start };
        self.update(Message::Session(session::Message::Target(download, opened)));
        self.download(
            download,
            DownloadEvent::Started {
                transfer: TransferId(7),
                size,
                start,
                version: FileVersion([9; 16]),
                congestion: CongestionChoice::Classic,
                segment: 1200,
            },
        );
        download
    }

    pub(crate) fn download(&mut self, download: DownloadId, event: DownloadEvent) {
        self.update(Message::Session(session::Message::Client(ClientEvent::Download { download, event })));
    }

    pub(crate) fn progress(&mut self, download: DownloadId, written: u64, size: u64, rate: u64) {
        let view = ReceiverView { rcv_nxt: written, segment: 1200, ..ReceiverView::default() };
        self.download(download, DownloadEvent::Progress { written, size, rate, view: Box::new(view) });
    }

    /// The connection is lost, and tried again after so many milliseconds.
    pub(crate) fn loses(&mut self, after: u64) {
        self.chat(ClientChatEvent::Disconnected { reason: DisconnectReason::Lost });
        self.chat(ClientChatEvent::Reconnecting { after: Duration::from_millis(after) });
    }

    /// The picture.
    pub(crate) fn drawn(&self) -> Terminal<TestBackend> {
        let (columns, rows) = self.size();
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).expect("no terminal can fail");
        terminal.draw(|frame| drop(view::draw(&self.app, &self.theme, frame))).expect("no terminal can fail");
        terminal
    }

    fn size(&self) -> (u16, u16) {
        let layout = self.app.layout();
        (layout.input.width.max(layout.status.width), layout.input.y + layout.input.height)
    }

    /// The picture as text, and where the cursor is.
    pub(crate) fn screen(&self) -> String {
        let mut terminal = self.drawn();
        let cursor = terminal.get_cursor_position().expect("a cursor");
        let mut text = rows(terminal.backend().buffer()).join("\n");
        text += &format!("\n[cursor at column {}, row {}]", cursor.x, cursor.y);
        text
    }
}

/// The rows of a picture, without the white space at their ends.
pub(crate) fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (area.top()..area.bottom())
        .map(|y| {
            let mut row = String::new();
            let mut x = area.left();
            while x < area.right() {
                let symbol = buffer[(x, y)].symbol();
                row += symbol;
                x += u16::try_from(symbol.width().max(1)).unwrap_or(1);
            }
            row.trim_end().to_owned()
        })
        .collect()
}
