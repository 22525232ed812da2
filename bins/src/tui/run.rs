//! The window as the loop's application: events go into the model, commands come out, and what changed is drawn.
//!
//! Drawn at most [`FRAMES_PER_SECOND`] times a second, only after something changed and only when the terminal has taken
//! the frame before: an idle chat costs nothing, and a slow terminal holds up nothing.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use ratatui::crossterm::event::Event;
use tokio::sync::mpsc;

use super::terminal::Taken;
use super::theme::Theme;
use super::{keys, view};
use crate::app::session::{self, Asked};
use crate::app::window::{App, Effect, Ending, Message};
use crate::cli::home::chatlog::ChatLog;
use crate::cli::home::sessions::Keeper;
use crate::cli::signals::Signal;
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::driver::sockets::Alarm;
use crate::files::TargetEvent;
use crate::net::{Clock as _, SystemClock};

/// More than anybody sees; fewer would be felt when typing.
const FRAMES_PER_SECOND: u32 = 60;

/// Why the window was left to itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Until {
    /// The program ends, in good order.
    Leave,
    /// A signal ended it.
    Interrupted,
    /// The chat begins again, as [`Ending::Again`] has it.
    Again(backchat_core::chat::Nickname),
}

/// See the module.
#[derive(Debug)]
pub struct Tui {
    app: App,
    theme: Theme,
    terminal: Taken,
    events: mpsc::Receiver<io::Result<Event>>,
    signals: mpsc::Receiver<Signal>,
    /// Commands that the loop will be given, in order.
    pending: VecDeque<Asked>,
    /// The one that the loop was given last, until it has answered.
    given: Option<Asked>,
    /// The loop's, and that of every loop after it.
    clock: SystemClock,
    /// Something is not drawn yet.
    is_dirty: bool,
    /// Not before this.
    next_frame: Instant,
    /// Runs until then.
    frame: Alarm,
    /// Runs until the model wants to be told the time.
    tick: Alarm,
    /// The window shall end.
    exits: bool,
    /// The loop was told that: telling it again would end it before its files are closed.
    has_quit: bool,
    is_interrupted: bool,
    /// Where the session's token is kept.
    keeper: Option<Keeper>,
    /// Where what is shown is logged.
    log: Option<ChatLog>,
    /// Why it cannot go on: the terminal is gone.
    broken: Option<io::Error>,
}

impl Tui {
    /// Draws `app` on `terminal`, whose events come from `events`, at the time of `clock`, which is the loop's.
    pub fn new(
        app: App,
        theme: Theme,
        terminal: Taken,
        events: mpsc::Receiver<io::Result<Event>>,
        signals: mpsc::Receiver<Signal>,
        clock: SystemClock,
    ) -> Self {
        let next_frame = clock.now();
        Self {
            app,
            theme,
            terminal,
            events,
            signals,
            pending: VecDeque::new(),
            given: None,
            clock,
            is_dirty: true,
            next_frame,
            frame: Alarm::default(),
            tick: Alarm::default(),
            exits: false,
            has_quit: false,
            is_interrupted: false,
            keeper: None,
            log: None,
            broken: None,
        }
    }

    /// Keeps the session's token here from now on; what was kept for another session is removed.
    pub fn keep(&mut self, keeper: Option<Keeper>) {
        if let Some(before) = std::mem::replace(&mut self.keeper, keeper) {
            before.forget();
        }
    }

    /// Logs what is shown from now on.
    #[must_use]
    pub fn logging(self, log: Option<ChatLog>) -> Self {
        Self { log, ..self }
    }

    /// The model.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The chat is over, and its user decides what follows: goes on until they have.
    ///
    /// # Errors
    /// The terminal is gone.
    pub async fn decide(&mut self) -> io::Result<Until> {
        loop {
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
            if self.is_interrupted {
                return Ok(Until::Interrupted);
            }
            match self.app.ending() {
                Ending::Leave => return Ok(Until::Leave),
                Ending::Again(nick) => {
                    self.app.begin_again(nick.clone());
                    self.pending.clear();
                    self.given = None;
                    self.exits = false;
                    self.has_quit = false;
                    return Ok(Until::Again(nick));
                }
                Ending::Offline => poll_fn(|cx| self.poll_event(cx)).await,
            }
        }
    }

    fn update(&mut self, now: Instant, message: Message) -> Flow {
        self.is_dirty = true;
        let wall = self.clock.wall();
        for effect in self.app.update(now, wall, message) {
            let done = match effect {
                Effect::Ask(asked) => {
                    self.pending.push_back(*asked);
                    Ok(())
                }
                Effect::Exit => {
                    self.exits = true;
                    Ok(())
                }
                Effect::Keep(comeback) => {
                    // A session that cannot be kept is one that ends with this process.
                    let kept = self.keeper.as_mut().map_or(Ok(()), |keeper| keeper.keep(&comeback));
                    if let Err(error) = kept {
                        tracing::warn!(%error, "the session is not kept");
                    }
                    Ok(())
                }
                Effect::Bell => self.terminal.ring(),
                Effect::Notify(nick) => self.terminal.notify(&nick),
                Effect::Redraw => self.terminal.forget(),
                Effect::Suspend => self.suspend(),
                Effect::Mouse(mouse) => self.terminal.set_mouse(mouse),
                Effect::Log(line) => {
                    if let Some(log) = &mut self.log {
                        log.write(line);
                    }
                    Ok(())
                }
            };
            self.check(done);
        }
        if self.exits || self.broken.is_some() { Flow::Exit } else { Flow::Continue }
    }

    /// Hands on what the loop has brought.
    fn take(&mut self, now: Instant, message: session::Message) -> Flow {
        let flow = self.update(now, Message::Session(message));
        self.has_quit |= flow == Flow::Exit;
        flow
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.terminal.suspend()?;
        let size = self.terminal.size()?;
        let _ = self.app.update(self.clock.now(), self.clock.wall(), Message::Resized(size));
        Ok(())
    }

    fn check(&mut self, done: io::Result<()>) {
        if let Err(error) = done {
            self.broken.get_or_insert(error);
        }
    }

    fn draw(&mut self) {
        self.is_dirty = false;
        self.next_frame = self.clock.now() + Duration::from_secs(1) / FRAMES_PER_SECOND;
        let (app, theme) = (&self.app, &self.theme);
        if let Some(title) = app.title()
            && let Err(error) = self.terminal.set_title(title)
        {
            self.broken.get_or_insert(error);
        }
        let drawn = self.terminal.draw(|frame| view::draw(app, theme, frame));
        self.check(drawn);
    }

    /// Deals with the next thing that happens here; pends while nothing does.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Poll::Ready(Some(_)) = self.signals.poll_recv(cx) {
            self.is_interrupted = true;
            let _ = self.update(self.clock.now(), Message::Session(session::Message::Interrupted));
            return Poll::Ready(());
        }
        if self.terminal.is_busy() {
            if let Poll::Ready(painted) = self.terminal.poll_painted(cx) {
                self.check(painted);
                return Poll::Ready(());
            }
        } else if self.is_dirty && self.frame.poll(cx, self.clock.to_tokio(self.next_frame)).is_ready() {
            self.draw();
            return Poll::Ready(());
        }
        if let Poll::Ready(event) = self.events.poll_recv(cx) {
            match event {
                Some(Ok(event)) => {
                    if let Some(message) = keys::message(event, &self.app.settings().keys) {
                        let _ = self.update(self.clock.now(), message);
                    }
                }
                Some(Err(error)) => self.check(Err(error)),
                None => self.check(Err(io::ErrorKind::UnexpectedEof.into())),
            }
            return Poll::Ready(());
        }
        if let Some(log) = &mut self.log
            && let Poll::Ready(trouble) = log.poll_trouble(cx)
        {
            let _ = self.update(self.clock.now(), Message::NotLogged(trouble));
            return Poll::Ready(());
        }
        let due = self.app.deadline().and_then(|at| self.clock.to_tokio(at));
        ready!(self.tick.poll(cx, due));
        let _ = self.update(self.clock.now(), Message::Tick);
        Poll::Ready(())
    }
}

impl Application for Tui {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        loop {
            if self.broken.is_some() || self.exits {
                if !std::mem::replace(&mut self.has_quit, true) {
                    return Poll::Ready(Command::Quit);
                }
                if self.broken.is_some() {
                    // Nothing more comes from a terminal that is gone.
                    return Poll::Pending;
                }
            }
            if let Some(asked) = self.pending.pop_front() {
                let command = asked.command.clone();
                self.given = Some(asked);
                return Poll::Ready(command);
            }
            ready!(self.poll_event(cx));
        }
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        match self.given.take() {
            Some(asked) => self.take(now, session::Message::Answered(Box::new(asked), answer)),
            None => Flow::Continue,
        }
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        self.take(now, session::Message::Client(event))
    }

    fn target(&mut self, download: DownloadId, event: TargetEvent, now: Instant) -> Flow {
        self.take(now, session::Message::Target(download, event))
    }

    fn cannot_connect(&mut self, error: &io::Error, now: Instant) -> Flow {
        self.take(now, session::Message::CannotConnect(error.to_string()))
    }
}
