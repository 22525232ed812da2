//! A program in a pseudo-terminal, and the screen that its user sees.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use crate::program::process::send;

/// Longer than anything here takes on the slowest machine; only a program that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal, with a program in it or without.
pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    /// The terminal's modes before the program began.
    modes: String,
    screen: Arc<Screen>,
}

#[derive(Default)]
struct Screen {
    takes: Mutex<Takes>,
    parser: Mutex<Option<vt100::Parser>>,
    /// Every byte that was written.
    written: Mutex<Vec<u8>>,
    changed: Condvar,
    resumed: Condvar,
}

/// What a window takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Takes {
    #[default]
    Everything,
    Nothing,
}

impl Screen {
    fn wait_while_held(&self) {
        let takes = self.takes.lock().expect("no panic");
        drop(self.resumed.wait_while(takes, |takes| *takes == Takes::Nothing).expect("no panic"));
    }
}

impl Terminal {
    /// Runs a program in a terminal of this size.
    pub(crate) fn run(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let modes = modes(&*pair.master);
        let screen = Arc::new(Screen::default());
        *screen.parser.lock().expect("no panic") = Some(vt100::Parser::new(rows, columns, 0));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                shown.wait_while_held();
                shown.written.lock().expect("no panic").extend_from_slice(&bytes[..count]);
                if let Some(parser) = &mut *shown.parser.lock().expect("no panic") {
                    parser.process(&bytes[..count]);
                }
                shown.changed.notify_all();
            }
        });
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let keyboard = pair.master.take_writer().expect("a writer");
        Self { master: pair.master, keyboard, child, modes, screen }
    }

    /// Types these bytes.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).expect("typed");
    }

    /// Waits until the screen, as text, is as wanted; answers with it.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        self.until_screen(what, |screen| is_so(&screen.contents()))
    }

    /// Waits until the screen shows this.
    #[track_caller]
    pub(crate) fn shows(&self, part: &str) -> String {
        self.until(part, |screen| screen.contains(part))
    }

    #[track_caller]
    fn until_screen(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut parser = self.screen.parser.lock().expect("no panic");
        loop {
            let screen = parser.as_ref().expect("set").screen();
            if is_so(screen) {
                return screen.contents();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "never '{what}'; the screen is:\n{}", screen.contents());
            parser = self.screen.changed.wait_timeout(parser, left).expect("no panic").0;
        }
    }

    /// Waits until the program takes the mouse, or leaves it.
    #[track_caller]
    pub(crate) fn has_mouse(&self, is_taken: bool) {
        self.until_screen("mouse", |screen| {
            (screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None) == is_taken
        });
    }

    /// Everything that the program has written so far.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.screen.written.lock().expect("no panic")).into_owned()
    }

    /// Waits until the cursor is there.
    #[track_caller]
    pub(crate) fn has_cursor_at(&self, column: u16, row: u16) {
        self.until_screen(&format!("cursor at {column}, {row}"), |screen| {
            screen.cursor_position() == (row, column)
        });
    }

    /// The window takes what the program writes, or nothing any more.
    pub(crate) fn takes(&self, what: Takes) {
        *self.screen.takes.lock().expect("no panic") = what;
        self.screen.resumed.notify_all();
    }

    /// Gives the window another size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        if let Some(parser) = &mut *self.screen.parser.lock().expect("no panic") {
            parser.screen_mut().set_size(rows, columns);
        }
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("resized");
    }

    /// Sends a signal, by its name for `kill`.
    pub(crate) fn signal(&self, name: &str) {
        send(self.child.process_id().expect("it runs"), name);
    }

    /// Waits for the program's end: its exit code, once the terminal is as it was found.
    #[track_caller]
    pub(crate) fn ends(mut self) -> (u32, String) {
        let code = self.child.wait().expect("it ends").exit_code();
        let contents = self.until_screen("as it was found", |screen| strange(screen).is_empty());
        assert_eq!(modes(&*self.master), self.modes, "the modes of the terminal");
        (code, contents)
    }

    /// Waits for the program's end, however it leaves the terminal: its exit code.
    #[track_caller]
    pub(crate) fn code(mut self) -> u32 {
        self.child.wait().expect("it ends").exit_code()
    }

    /// Waits until the terminal is as it was found, while the program is there.
    #[track_caller]
    pub(crate) fn is_given_back(&self) {
        self.until_screen("given back", |screen| strange(screen).is_empty());
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a program has left switched on.
fn strange(screen: &vt100::Screen) -> String {
    let mut left = String::new();
    let mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
    for (is_on, name) in [
        (screen.alternate_screen(), "other screen"),
        (screen.bracketed_paste(), "bracketed paste"),
        (screen.hide_cursor(), "hidden cursor"),
        (mouse, "mouse"),
    ] {
        if is_on {
            let _ = write!(left, "{name} ");
        }
    }
    left
}

/// The modes of the line discipline, as text that can be compared.
fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}
