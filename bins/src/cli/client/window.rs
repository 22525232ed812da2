//! The chat in a window, until its user leaves: what ends a connection for good does not end the window.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use backchat_core::chat::Nickname;
use backchat_core::chat::client::{ClientConfig as ChatClientConfig, JoinAs, Reconnect};
use backchat_core::node::DownloadHosts;
use tokio::sync::mpsc;

use super::look::Look;
use super::{nick, run};
use crate::app::App;
use crate::app::end::End;
use crate::app::session::{Curiosity, Session};
use crate::cli::args::{ClientOptions, Environment};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::home::chatlog::ChatLog;
use crate::cli::home::sessions::Keeper;
use crate::cli::home::{Home, Last};
use crate::cli::signals::Signal;
use crate::cli::values::HostPort;
use crate::net::SystemClock;
use crate::tui::{Tui, Until, terminal};

/// A window that is to be opened.
#[derive(Debug)]
pub(super) struct Window {
    server: HostPort,
    nick: Nickname,
    look: Look,
    asks_halfway: bool,
    folder: Option<PathBuf>,
    timeout: Duration,
    hosts: DownloadHosts,
    history: Option<u32>,
    home: Home,
    /// The folder of the chat's log.
    log: Option<PathBuf>,
}

impl Window {
    /// By the command line, then the environment, then what was chosen, then what was last, then the defaults.
    pub(super) fn plan(
        options: &ClientOptions,
        environment: &Environment,
        timeout: Duration,
    ) -> Result<Self, Failure> {
        let home = Home::of(environment);
        let preferences = home.preferences()?;
        let last = home.last();
        let nick = nick::choose(options.nick.as_deref(), environment, || {
            preferences.nick.clone().or(last.nick).or_else(nick::login_name)
        })?;
        let chosen = preferences.server.as_deref().or(last.server.as_deref());
        let remembered = chosen.and_then(|server| server.parse::<HostPort>().ok());
        let server = match (&options.server, environment.raw("BACKCHAT_SERVER"), remembered) {
            (None, None, Some(remembered)) => remembered,
            _ => options.server(environment).map_err(|error| Failure::new(Exit::Usage, error.to_string()))?,
        };
        Ok(Self {
            server,
            nick,
            look: Look::of(options, &preferences, environment),
            asks_halfway: options.ask_halfway || preferences.ask_halfway,
            // One that is gone is no place for downloads.
            folder: last.folder.filter(|folder| folder.is_dir()),
            timeout,
            hosts: options.udp_host.unwrap_or_default(),
            history: options.history,
            log: preferences.log(environment),
            home,
        })
    }

    /// Opens it.
    pub(super) async fn run(
        self,
        signals: mpsc::Receiver<Signal>,
        clock: SystemClock,
    ) -> Result<End, Failure> {
        let cannot = |error: io::Error| Failure::new(Exit::Other, format!("the terminal: {error}"));
        let server = self.server.to_string();
        let session = Session::new(server.clone(), self.nick.clone(), Curiosity::Panes)
            .downloading_to(self.folder)
            .based_at(std::env::current_dir().unwrap_or_default());
        let session = if self.asks_halfway { session.asking_halfway() } else { session };
        let log = self.log.map(|folder| ChatLog::start(folder, &server));
        let taken = terminal::take(self.look.settings.mouse).map_err(cannot)?;
        let size = taken.size().map_err(cannot)?;
        let app = App::new(session, self.look.settings, size);
        let tui = Tui::new(app, self.look.theme, taken, terminal::spawn_events(), signals, clock);
        let mut tui = tui.logging(log);
        let mut nick = self.nick;
        let end = loop {
            let keeper = self.home.keeper(&server, &nick);
            let comeback = keeper.as_ref().and_then(Keeper::comeback);
            tui.keep(keeper);
            let join = JoinAs { nick, history: self.history, resume: true };
            let chat = ChatClientConfig { join: Some(join), reconnect: Reconnect::Always, retry_first: true };
            let (server, silence, hosts) = (&self.server, self.timeout, self.hosts);
            run::run(run::Way { server, chat, comeback, silence, hosts }, clock, &mut tui).await?;
            match tui.decide().await.map_err(cannot)? {
                Until::Leave => break End::Done,
                Until::Interrupted => break End::Interrupted,
                Until::Again(other) => nick = other,
            }
        };
        tui.keep(None);
        let last = Last {
            server: Some(server),
            nick: Some(tui.app().session().nick().to_string()),
            folder: tui.app().session().folder().map(std::path::absolute).and_then(Result::ok),
        };
        if let Err(error) = self.home.remember(&last) {
            tracing::warn!(%error, "the chat is not remembered");
        }
        Ok(end)
    }
}
