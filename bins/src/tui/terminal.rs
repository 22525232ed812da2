//! The terminal: taken over at the beginning, and given back however the program ends.
//!
//! A quit and an error drop [`Taken`]; a panic goes through the hook that [`take`] sets; signals come to the loop as
//! values, which then ends as after a quit. SIGKILL alone leaves it as it is, and a terminal that takes nothing any more
//! is left on its other screen.
//!
//! - `painter`: writes to it. `links`: what can be clicked. `bursts`: pastes without brackets.

mod bursts;
mod links;
mod painter;

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use backchat_core::chat::Nickname;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
    EnableMouseCapture, Event,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::{Frame, Terminal};
use tokio::sync::mpsc;

use self::bursts::{Bursts, Stdin};
use self::links::Links;
use self::painter::{Painter, Rest};
use crate::app::input::Mouse;
use crate::app::layout::Size;
use crate::tui::view::LinkInSight;

/// Events that wait between the thread that reads and the loop. As many as a fast paste without brackets brings while
/// a frame is drawn; a terminal waits when they are not taken.
const EVENTS_QUEUED: usize = 256;

/// How long the terminal may take for its last frame before it is given back, or given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// A terminal that is ours until this is dropped.
#[derive(Debug)]
pub struct Taken {
    terminal: Terminal<CrosstermBackend<Canvas>>,
    canvas: Canvas,
    painter: Painter,
    /// For taking the terminal again when the shell has had it.
    #[cfg(unix)]
    mouse: Mouse,
    /// The title that it has.
    title: String,
    links: Links,
}

/// Keeps the title on the terminal's stack, and takes it from there again (XTWINOPS 22 and 23, as xterm has them).
const PUSH_TITLE: &[u8] = b"\x1b[22;2t";
const POP_TITLE: &[u8] = b"\x1b[23;2t";

/// What is drawn and not handed to the painter yet.
#[derive(Clone, Debug, Default)]
struct Canvas(Arc<Mutex<Vec<u8>>>);

/// The terminal, as long as it is ours: a frame that was on its way when it was given back is not written any more.
struct WhileTaken;

impl Write for WhileTaken {
    fn write(&mut self, frame: &[u8]) -> io::Result<usize> {
        // Who gives it back says so first and writes then, with this lock: it comes behind the whole frame, or before.
        let mut out = io::stdout().lock();
        if TAKEN.load(Ordering::SeqCst) {
            out.write_all(frame)?;
            out.flush()?;
        }
        Ok(frame.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Canvas {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        // Bytes are never half there.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Canvas {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the terminal is ours now. To leave its other screen twice would put the cursor back to where it was before,
/// and what was printed meanwhile would be overwritten.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the terminal over: raw, on its other screen, with pastes in brackets and the mouse.
pub fn take(mouse: Mouse) -> io::Result<Taken> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, so that the message stands where it can be read.
            give_back();
            before(panic);
        }));
    });
    enter(mouse).inspect_err(|_| give_back())?;
    let painter = Painter::new(WhileTaken).inspect_err(|_| give_back())?;
    let canvas = Canvas::default();
    let terminal = Terminal::new(CrosstermBackend::new(canvas.clone())).inspect_err(|_| give_back())?;
    Ok(Taken {
        terminal,
        canvas,
        painter,
        #[cfg(unix)]
        mouse,
        title: String::new(),
        links: Links::default(),
    })
}

fn enter(mouse: Mouse) -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
    if mouse == Mouse::Ours {
        execute!(io::stdout(), EnableMouseCapture)?;
    }
    io::stdout().write_all(PUSH_TITLE)?;
    io::stdout().flush()
}

/// Gives the terminal back, once. Each step by itself, for one that fails must not keep the others.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), DisableMouseCapture);
    let _ = execute!(io::stdout(), DisableBracketedPaste);
    let _ = execute!(io::stdout(), DisableFocusChange);
    let _ = io::stdout().write_all(POP_TITLE);
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

impl Taken {
    /// How large it is.
    pub fn size(&self) -> io::Result<Size> {
        let size = self.terminal.size()?;
        Ok(Size { columns: size.width, rows: size.height })
    }

    /// Draws a frame, once [`is_busy`](Self::is_busy) says that there is no other.
    /// What it answers with are the frame's links.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>) -> Vec<LinkInSight>) -> io::Result<()> {
        let mut links = Vec::new();
        let drawn = self.terminal.draw(|frame| links = draw(frame))?;
        self.links.write(&mut self.canvas, drawn.buffer, links)?;
        self.painter.paint(std::mem::take(&mut *self.canvas.lock()));
        Ok(())
    }

    /// Whether the terminal has not taken the last frame yet.
    pub fn is_busy(&self) -> bool {
        self.painter.is_busy()
    }

    /// Ready when it has.
    pub fn poll_painted(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.painter.poll_painted(cx)
    }

    /// Says whose the mouse is from the next frame on.
    pub fn set_mouse(&mut self, mouse: Mouse) -> io::Result<()> {
        #[cfg(unix)]
        {
            self.mouse = mouse;
        }
        match mouse {
            Mouse::Ours => execute!(self.canvas, EnableMouseCapture),
            Mouse::Theirs => execute!(self.canvas, DisableMouseCapture),
        }
    }

    /// Rings, with the next frame.
    pub fn ring(&mut self) -> io::Result<()> {
        self.canvas.write_all(b"\x07")
    }

    /// Notifies, with the next frame, that somebody has something for us (OSC 9). A nickname is of ASCII, and nothing else of
    /// a peer is in it.
    pub fn notify(&mut self, nick: &Nickname) -> io::Result<()> {
        write!(self.canvas, "\x1b]9;backchat: {nick} has something for you\x07")
    }

    /// Sets the title, with the next frame, unless it has it. Nothing but printable ASCII is written.
    pub fn set_title(&mut self, title: String) -> io::Result<()> {
        if title == self.title {
            return Ok(());
        }
        let printable: String = title.chars().filter(|c| matches!(c, ' '..='~')).collect();
        write!(self.canvas, "\x1b]2;{printable}\x07")?;
        self.title = title;
        Ok(())
    }

    /// Forgets what stands there, so that the next frame is painted whole.
    pub fn forget(&mut self) -> io::Result<()> {
        // Not ratatui's own: it asks the terminal for the cursor's place, and the thread that reads would get the answer.
        execute!(self.canvas, Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(self.canvas.clone()))?;
        self.links = Links::default();
        Ok(())
    }

    /// Gives the terminal to the shell, stops, and takes it again when the shell says so.
    #[cfg(unix)]
    pub fn suspend(&mut self) -> io::Result<()> {
        self.painter.rest(PATIENCE);
        give_back();
        // The whole group, as the terminal itself would: whoever is in the pipe with us waits too.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        enter(self.mouse)?;
        self.title.clear();
        self.forget()
    }

    /// There is nothing to be suspended by.
    #[cfg(not(unix))]
    pub fn suspend(&mut self) -> io::Result<()> {
        self.forget()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        match self.painter.rest(PATIENCE) {
            Rest::Idle => give_back(),
            // Whatever else is written to it would be waited for as well.
            Rest::Stuck => {
                TAKEN.store(false, Ordering::SeqCst);
                let _ = disable_raw_mode();
            }
        }
    }
}

/// Reads the terminal on a thread of its own, which ends with the process: nothing could interrupt its reading. The
/// queue closes after an error.
pub fn spawn_events() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(EVENTS_QUEUED);
    let failed = sender.clone();
    let mut bursts = Bursts::new(Stdin);
    let read = move || loop {
        let event = bursts.next();
        let ends = event.is_err();
        if sender.blocking_send(event).is_err() || ends {
            return;
        }
    };
    if let Err(error) = std::thread::Builder::new().name("terminal".to_owned()).spawn(read) {
        let _ = failed.try_send(Err(error));
    }
    receiver
}
