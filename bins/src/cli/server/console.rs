//! The operator's console: commands on standard input when that is a terminal.
//!
//! There is no line editor, the terminal's own will do; so nothing has to be put back when the server ends, however it
//! ends. What is typed is carried out by [`Admin`]; `terminal` is where lines come from and go to.

mod terminal;

use self::terminal::Heard;
pub(super) use self::terminal::Terminal;
use super::admin::{Admin, By};
use crate::cli::exit::Exit;

/// Reads lines and carries them out until the terminal or the server is gone.
pub(super) async fn run(terminal: Terminal, admin: Admin) {
    let mut typed = match terminal.listen() {
        Ok(typed) => typed,
        Err(error) => return tracing::warn!(%error, "there is no console"),
    };
    terminal.show(&["this terminal is the server's console: /help lists what can be typed".to_owned()]);
    while let Some(heard) = typed.recv().await {
        let lines = match heard {
            Heard::Line(line) => {
                let Some(reply) = admin.carry_out(&line, By::Console).await else { return };
                match reply.exit {
                    Exit::Done => reply.lines,
                    _ => reply.lines.iter().map(|line| format!("!! {line}")).collect(),
                }
            }
            Heard::End => vec!["Ctrl-D does not stop the server; /stop does".to_owned()],
        };
        terminal.show(&lines);
    }
    tracing::info!("the terminal is gone: no console any more; SIGHUP ends the server, SIGTERM too");
}
