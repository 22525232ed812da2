//! The window: how long a keystroke takes to the screen while a chat is busy, and what an idle one costs.
//!
//! *Busy*: 10,000 lines of scrollback, 1,000 messages a second, 60 frames a second, as the loop does it; a key is typed
//! once a frame. The time is from the key to the last byte for the terminal, the messages of that frame among it.
//! *Idle*: one message a second and a frame for each; the processor's time of that, as a part of a second.
//!
//! The terminal is a buffer in memory: how fast a terminal takes bytes is its own affair.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use backchat::app::App;
use backchat::app::layout::Size;
use backchat::app::session::{self, Curiosity, Session};
use backchat::app::settings::Settings;
use backchat::app::window::Message;
use backchat::tui::theme::Theme;
use backchat::tui::view;
use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::{Nickname, ServerFrame};
use backchat_core::node::ClientEvent;
use backchat_core::time::{Instant as Moment, UnixTime};
use ratatui::Terminal;
use ratatui::TerminalOptions;
use ratatui::Viewport;
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;

const SCROLLBACK: u64 = 10_000;
const MESSAGES_A_SECOND: u64 = 1_000;
const FRAMES_A_SECOND: u64 = 60;
const SECONDS: u64 = 10;

/// Counts the bytes that a terminal would get.
#[derive(Default)]
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Bench {
    app: App,
    terminal: Terminal<CrosstermBackend<Counted>>,
    theme: Theme,
    now: Moment,
    number: u64,
}

impl Bench {
    fn new(size: Size) -> Self {
        let nick = Nickname::parse("ann").expect("a nickname");
        let session = Session::new("h:7", nick, Curiosity::Panes);
        let area = Rect { x: 0, y: 0, width: size.columns, height: size.rows };
        let options = TerminalOptions { viewport: Viewport::Fixed(area) };
        let terminal =
            Terminal::with_options(CrosstermBackend::new(Counted::default()), options).expect("in memory");
        let app = App::new(session, Settings::default(), size);
        Self { app, terminal, theme: Theme::coloured(), now: Moment::ZERO, number: 0 }
    }

    fn update(&mut self, message: Message) {
        let _ = self.app.update(self.now, UnixTime::from_millis(1_795_348_800_000), message);
    }

    fn message(&mut self) {
        self.number += 1;
        let number = self.number;
        let frame = format!(
            r#"{{"type":"message","number":{number},"at":"2026-11-22T12:00:00Z","from":"bob{}","text":"message {number}, about as long as what people say, 日本語 👋"}}"#,
            number % 50
        );
        let frame = ServerFrame::decode(frame.as_bytes()).expect("a frame");
        let event = ClientEvent::Chat(ClientChatEvent::Frame(frame));
        self.update(Message::Session(session::Message::Client(event)));
    }

    fn draw(&mut self) {
        let (app, theme) = (&self.app, &self.theme);
        self.terminal.draw(|frame| drop(view::draw(app, theme, frame))).expect("in memory");
    }
}

/// Times from a key to the screen, in ascending order.
fn busy(size: Size) -> Vec<Duration> {
    let mut bench = Bench::new(size);
    for _ in 0..SCROLLBACK {
        bench.message();
    }
    bench.draw();
    let mut times = Vec::new();
    for frame in 0..SECONDS * FRAMES_A_SECOND {
        bench.now += Duration::from_secs(1) / u32::try_from(FRAMES_A_SECOND).unwrap_or(1);
        let began = Instant::now();
        bench.update(Message::Type("x".to_owned()));
        for _ in 0..MESSAGES_A_SECOND / FRAMES_A_SECOND {
            bench.message();
        }
        bench.draw();
        times.push(began.elapsed());
        if frame % 60 == 59 {
            bench.update(Message::Do(backchat::app::action::Action::Edit(
                backchat::app::editor::Edit::CutToHome,
            )));
        }
    }
    times.sort_unstable();
    times
}

/// The time of one message and its frame.
fn idle(size: Size) -> Duration {
    let mut bench = Bench::new(size);
    for _ in 0..SCROLLBACK {
        bench.message();
    }
    bench.draw();
    let began = Instant::now();
    let rounds = 500;
    for _ in 0..rounds {
        bench.message();
        bench.draw();
    }
    began.elapsed() / rounds
}

fn main() {
    println!(
        "a key to the screen, {SCROLLBACK} lines of scrollback, {MESSAGES_A_SECOND} messages/s, {FRAMES_A_SECOND} frames/s"
    );
    println!(
        "{:>10}  {:>9}  {:>9}  {:>9}  {:>16}",
        "window", "median", "99 %", "longest", "idle, 1 message/s"
    );
    for (columns, rows) in [(80, 24), (120, 40), (240, 70)] {
        let size = Size { columns, rows };
        let times = busy(size);
        let at = |part: usize| times.get((times.len() - 1) * part / 100).copied().unwrap_or_default();
        let idle = idle(size).as_secs_f64() * 100.0;
        println!(
            "{:>10}  {:>9.2?}  {:>9.2?}  {:>9.2?}  {idle:>14.3} %",
            format!("{columns}x{rows}"),
            at(50),
            at(99),
            at(100),
        );
    }
}
