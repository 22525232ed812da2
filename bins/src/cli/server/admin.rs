//! What an operator can do to a server that runs, whoever brings the words.
//!
//! It holds nothing of the protocol: a line becomes an order for the loop, and its answer becomes a [`Reply`], for people
//! and for programs. The console and the control socket have this in common, so that neither can do what the other
//! cannot.
//!
//! Bans are on the disk, where there is one for them, before they are answered.
//!
//! - `line`: what can be asked. `answers`: what comes back, as lines. `objects`: the same, as JSON.

mod answers;
mod line;
mod objects;

use std::sync::Arc;

use backchat_core::node::{Answer, Order};
use backchat_core::text::visible;
use tokio::sync::{Mutex, mpsc, oneshot};

use self::answers::Limit;
pub(super) use self::line::Typed;
use super::direct::{Directed, Request, Wanted};
use super::state::bans::BansFile;
use crate::cli::exit::Exit;
use crate::cli::signals;
use crate::driver::Control;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Somebody at the server's terminal.
    Console,
    /// Somebody at the control socket.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is none"))]
    Socket,
}

impl By {
    /// A list of thousands would push everything else off a terminal; who reads a socket can search in it.
    const fn limit(self) -> Limit {
        match self {
            Self::Console => Limit::Screen,
            Self::Socket => Limit::All,
        }
    }
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reply {
    /// How `backchat-server ctl` ends.
    pub(super) exit: Exit,
    /// For people, without anything that a terminal would act on. What went wrong is one line.
    pub(super) lines: Vec<String>,
    /// For programs.
    pub(super) object: serde_json::Value,
}

impl Reply {
    fn done(lines: Vec<String>, object: serde_json::Value) -> Self {
        Self { exit: Exit::Done, lines, object }
    }

    /// `code` is one word, for programs.
    pub(super) fn failed(exit: Exit, code: &str, message: &str) -> Self {
        let message = visible(message).to_string();
        Self { exit, object: objects::error(code, &message, exit), lines: vec![message] }
    }
}

/// The operators' way to the loop.
#[derive(Clone, Debug)]
pub(super) struct Admin {
    control: mpsc::Sender<Control>,
    requests: mpsc::Sender<Request>,
    /// Held from a ban until it is on the disk: what is written last is what holds.
    bans: Arc<Mutex<Option<BansFile>>>,
}

/// Where a ban is when it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// On the disk.
    OnDisk,
    /// In memory: the server has nowhere to keep it.
    InMemory,
    /// In memory: the disk refused it, for this.
    Not(String),
}

impl Admin {
    /// Orders go to the loop by `control`, and what signals do as well by `requests`. Bans are kept in `bans`.
    pub(super) fn new(
        control: mpsc::Sender<Control>,
        requests: mpsc::Sender<Request>,
        bans: Option<BansFile>,
    ) -> Self {
        Self { control, requests, bans: Arc::new(Mutex::new(bans)) }
    }

    /// Carries out a line such as `/ban bob 10m`. `None` when there is no server any more.
    pub(super) async fn carry_out(&self, line: &str, by: By) -> Option<Reply> {
        let typed = match Typed::read(line) {
            Ok(typed) => typed,
            Err(error) => return Some(Reply::failed(Exit::Usage, "usage", &error.to_string())),
        };
        match typed {
            Typed::Nothing => Some(Reply::done(Vec::new(), objects::nothing())),
            Typed::Help(about) => {
                let lines = line::help(about);
                let object = objects::help(&lines);
                Some(Reply::done(lines, object))
            }
            Typed::Stop => self.stop().await,
            Typed::Reload => self.reload().await,
            Typed::Stats => {
                let (answer, measures) = oneshot::channel();
                self.control.send(Control::Measure(answer)).await.ok()?;
                let measures = measures.await.ok()?;
                Some(Reply::done(answers::stats(&measures), objects::stats(&measures)))
            }
            Typed::Order { order, only } => self.order(order, only.as_deref(), by).await,
        }
    }

    async fn order(&self, order: Order, only: Option<&str>, by: By) -> Option<Reply> {
        let file = match order {
            Order::Ban { .. } | Order::Unban(_) => Some(self.bans.lock().await),
            Order::Who | Order::Bans | Order::Kick { .. } | Order::Say(_) => None,
        };
        let answer = match self.operate(order.clone()).await? {
            Ok(answer) => answer,
            Err(error) => {
                let (exit, code) = objects::of_error(&error);
                return Some(Reply::failed(exit, code, &error.to_string()));
            }
        };
        let mut lines = answers::lines(&order, &answer, only, by.limit());
        let mut object = objects::answer(&order, &answer, only);
        let mut exit = Exit::Done;
        if let Some(file) = file {
            let kept = self.keep(file.as_ref()).await?;
            lines.extend(answers::kept(&order, &kept));
            objects::set_kept(&mut object, &kept);
            if let Kept::Not(error) = kept {
                tracing::error!("the bans could not be written, and will not survive a restart: {error}");
                exit = Exit::Local;
            }
        }
        Some(Reply { exit, lines, object })
    }

    /// Writes the bans that hold, if there is a file for them.
    async fn keep(&self, file: Option<&BansFile>) -> Option<Kept> {
        let Some(file) = file else { return Some(Kept::InMemory) };
        let Ok(Answer::Bans(bans)) = self.operate(Order::Bans).await? else { return None };
        let file = file.clone();
        // A disk that hangs holds up who has asked, and nobody else.
        let written = tokio::task::spawn_blocking(move || file.write(&bans)).await;
        Some(match written.map_err(std::io::Error::other).and_then(|written| written) {
            Ok(()) => Kept::OnDisk,
            Err(error) => Kept::Not(error.to_string()),
        })
    }

    async fn operate(&self, order: Order) -> Option<Result<Answer, backchat_core::chat::OperatorError>> {
        let (answer, answered) = oneshot::channel();
        self.control.send(Control::Operate { order, answer }).await.ok()?;
        answered.await.ok()
    }

    /// The server ends as it does for SIGTERM, because it is SIGTERM: a second one ends it at once.
    async fn stop(&self) -> Option<Reply> {
        // Asked before: after the second there is nobody to answer.
        let grace = self.request(Wanted::Grace).await?;
        if let Err(error) = signals::end() {
            return Some(Reply::failed(Exit::Other, "failed", &format!("cannot stop: {error}")));
        }
        let Directed::Grace(grace) = grace else { return None };
        let line = format!("stopping: downloads may go on for {grace}; a second stop ends at once");
        Some(Reply::done(vec![line], objects::stopping(grace)))
    }

    async fn reload(&self) -> Option<Reply> {
        match self.request(Wanted::Reload).await? {
            Directed::Reloaded { needs_restart } => {
                let mut lines = vec!["the configuration was read again".to_owned()];
                let later = |key| format!("{key} has changed: that takes effect with the next start");
                lines.extend(needs_restart.iter().map(later));
                Some(Reply::done(lines, objects::reloaded(&needs_restart)))
            }
            Directed::NotReloaded(error) => Some(Reply::failed(
                Exit::Other,
                "bad-configuration",
                &format!("nothing was changed: {error}"),
            )),
            Directed::Grace(_) => None,
        }
    }

    async fn request(&self, wanted: Wanted) -> Option<Directed> {
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { wanted, answer }).await.ok()?;
        answered.await.ok()
    }
}

/// A ban as it is kept and shown to programs.
pub(super) fn ban_object(
    whom: &backchat_core::chat::Whom,
    until: Option<backchat_core::time::UnixTime>,
    reason: Option<&str>,
) -> serde_json::Map<String, serde_json::Value> {
    objects::ban(whom, until, reason)
}

/// What `ctl` prints for programs where there is no answer.
#[cfg(unix)]
pub(super) fn no_answer(exit: Exit, message: &str) -> serde_json::Value {
    objects::error("no-answer", &visible(message).to_string(), exit)
}
