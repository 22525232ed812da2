//! The operator's console: commands on standard input when that is a terminal.
//!
//! It holds nothing of the protocol: a line becomes an order for the loop, and its answer becomes lines. There is no
//! line editor, the terminal's own will do; so nothing has to be put back when the server ends, however it ends.
//!
//! - `line`: what can be typed. `answers`: what comes back. `terminal`: where both are.

mod answers;
mod line;
mod terminal;

use tokio::sync::{mpsc, oneshot};

use self::line::Typed;
use self::terminal::Heard;
pub(super) use self::terminal::Terminal;
use crate::cli::signals;
use crate::driver::Control;

/// Reads lines and carries them out until the terminal or the server is gone.
pub(super) async fn run(terminal: Terminal, control: mpsc::Sender<Control>) {
    let mut typed = match terminal.listen() {
        Ok(typed) => typed,
        Err(error) => return tracing::warn!(%error, "there is no console"),
    };
    terminal.show(&["this terminal is the server's console: /help lists what can be typed".to_owned()]);
    while let Some(heard) = typed.recv().await {
        let lines = match heard {
            Heard::Line(line) => carry_out(&line, &control).await,
            Heard::End => Some(vec!["Ctrl-D does not stop the server; /stop does".to_owned()]),
        };
        let Some(lines) = lines else { return };
        terminal.show(&lines);
    }
    tracing::info!("the terminal is gone: no console any more");
}

/// What a line leads to, as lines; `None` when there is no server any more.
async fn carry_out(line: &str, control: &mpsc::Sender<Control>) -> Option<Vec<String>> {
    let typed = match Typed::read(line) {
        Ok(typed) => typed,
        Err(error) => return Some(vec![format!("!! {error}")]),
    };
    match typed {
        Typed::Nothing => Some(Vec::new()),
        Typed::Help(about) => Some(line::help(about)),
        Typed::Stop => Some(stop()),
        Typed::Stats => {
            let (answer, measures) = oneshot::channel();
            control.send(Control::Measure(answer)).await.ok()?;
            Some(answers::stats(&measures.await.ok()?))
        }
        Typed::Order { order, only } => {
            let (answer, answered) = oneshot::channel();
            let done = answers::done(&order);
            control.send(Control::Operate { order, answer }).await.ok()?;
            Some(answers::lines(&answered.await.ok()?, &done, only.as_deref()))
        }
    }
}

/// The server ends as it does for SIGTERM, because it is SIGTERM: a second one ends it at once.
fn stop() -> Vec<String> {
    match signals::end() {
        Ok(()) => Vec::new(),
        Err(error) => vec![format!("!! cannot stop: {error}")],
    }
}
