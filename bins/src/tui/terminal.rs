//! The terminal: taken over at the beginning, and given back however the program ends.
//!
//! A quit and an error drop [`Taken`]; a panic goes through the hook that [`take`] sets; signals come to the loop as
//! values, which then ends as after a quit. SIGKILL alone leaves it as it is.

use std::io::{self, Stdout, Write as _};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    self, DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, Event,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc;

/// Events that wait between the thread that reads and the loop. As many as a fast paste without brackets brings while
/// a frame is drawn; a terminal waits when they are not taken.
const EVENTS_QUEUED: usize = 256;

/// A terminal that is ours until this is dropped.
#[derive(Debug)]
pub struct Taken {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

/// Whether the terminal is ours now. To leave its other screen twice would put the cursor back to where it was before,
/// and what was printed meanwhile would be overwritten.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Takes the terminal over: raw, on its other screen, with pastes in brackets and the mouse.
pub fn take() -> io::Result<Taken> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            // First, so that the message stands where it can be read.
            give_back();
            before(panic);
        }));
    });
    enter().inspect_err(|_| give_back())?;
    let terminal = Terminal::new(CrosstermBackend::new(io::stdout())).inspect_err(|_| give_back())?;
    Ok(Taken { terminal })
}

fn enter() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture)
}

/// Gives the terminal back, once. Each step by itself, for one that fails must not keep the others.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = execute!(io::stdout(), DisableMouseCapture);
    let _ = execute!(io::stdout(), DisableBracketedPaste);
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

impl Taken {
    /// What is drawn on.
    pub fn terminal(&mut self) -> &mut Terminal<CrosstermBackend<Stdout>> {
        &mut self.terminal
    }

    /// Rings.
    pub fn ring(&mut self) -> io::Result<()> {
        let mut out = io::stdout();
        out.write_all(b"\x07").and_then(|()| out.flush())
    }

    /// Forgets what stands there, so that the next frame is painted whole.
    pub fn forget(&mut self) -> io::Result<()> {
        // Not ratatui's own: it asks the terminal for the cursor's place, and the thread that reads would get the answer.
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
        Ok(())
    }

    /// Gives the terminal to the shell, stops, and takes it again when the shell says so.
    #[cfg(unix)]
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // The whole group, as the terminal itself would: whoever is in the pipe with us waits too.
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP)?;
        enter()?;
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
        give_back();
    }
}

/// Reads the terminal on a thread of its own, which ends with the process: nothing could interrupt its reading. The
/// queue closes after an error.
pub fn spawn_events() -> mpsc::Receiver<io::Result<Event>> {
    let (sender, receiver) = mpsc::channel(EVENTS_QUEUED);
    let failed = sender.clone();
    let read = move || loop {
        let event = event::read();
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
