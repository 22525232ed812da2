//! `backchat-client`: from the command line to the exit code.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use backchat_core::chat::Nickname;
use backchat_core::chat::client::{ClientConfig as ChatClientConfig, Comeback, JoinAs, Reconnect};
use backchat_core::node::{ClientConfig, DownloadHosts};

use super::candidates;
use super::chat::Chat;
use super::get::Get;
use super::look;
use super::nick;
use super::once::Once;
use super::silence::Silence;
use super::voice::{Careless, Style, Voice};
use super::window::Window;
use crate::app::end::End;
use crate::app::request;
use crate::app::session::{Curiosity, Session};
use crate::cli::args::{CHAT_PORT, ClientArgs, ClientCommand, Environment, LogFormat};
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::generate::{Asked, Generate};
use crate::cli::input::spawn_stdin;
use crate::cli::logging;
use crate::cli::render::json::Event;
use crate::cli::signals::{self, Hangup, Signal};
use crate::cli::values::{HostPort, Span};
use crate::driver::application::{Application, Command};
use crate::driver::{ClientParts, run_client};
use crate::files::real::RealDisk;
use crate::files::target::stdout;
use crate::files::{FileTargets, TargetSpec};
use crate::net::{SystemClock, SystemEntropy, TcpNetwork};

/// Runs the program with these words, the first of which is its name.
pub fn main(words: impl IntoIterator<Item = OsString>, environment: &Environment) -> Exit {
    let words: Vec<OsString> = words.into_iter().collect();
    let args = match ClientArgs::read(&words) {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Generate(what)) => {
            let command = match &what {
                Generate::Complete(question) => candidates::command(question, environment),
                Generate::Completions { .. } | Generate::Man { .. } => ClientArgs::command(),
            };
            return what.end(command, Exit::Local);
        }
        Err(error) => {
            // A closed output is no reason to fail: nobody reads the help.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let _last_lines = logging::start(environment, "off", LogFormat::Text, logging::Typing::Elsewhere);
    for unknown in environment.unknown() {
        logging::warn(&unknown);
    }
    let style = if args.options.json { Style::Json } else { Style::Plain };
    let mut errors = Voice::new(style, io::stdout());
    let end = Plan::make(args, &words, environment).and_then(|plan| {
        errors = plan.voice(style);
        plan.run()
    });
    tell(&end.unwrap_or_else(End::Failed), &mut errors)
}

/// Tells how it ended, where nothing has told it yet.
fn tell(end: &End, voice: &mut Voice) -> Exit {
    match end {
        End::Failed(failure) => match voice.style() {
            Style::Json => {
                voice.event(&Event::failed(None, None, failure, None));
                // Where programs cannot be told, people are.
                if voice.failure().is_some() {
                    logging::complain(&failure.message);
                }
            }
            Style::Plain => logging::complain(&failure.message),
        },
        End::Interrupted if voice.style() == Style::Json => {
            let failure = Failure::new(Exit::Interrupted, "interrupted");
            voice.event(&Event::failed(None, None, &failure, None));
        }
        End::Done | End::Interrupted | End::Told(_) => {}
    }
    end.exit()
}

/// What is to be done, checked as far as it can be without a connection.
#[derive(Debug)]
struct Plan {
    server: HostPort,
    patience: Patience,
    hosts: DownloadHosts,
    style: Style,
    /// Progress is drawn on standard error.
    has_bars: bool,
    /// A download is held in its middle and its user asked.
    asks_halfway: bool,
    task: Task,
}

/// How long the user wants to wait.
#[derive(Clone, Copy, Debug)]
struct Patience {
    timeout: Duration,
    max_time: Option<Duration>,
}

impl Patience {
    /// From now on.
    fn begins(self) -> Silence {
        Silence::new(self.timeout).within(self.max_time)
    }
}

#[derive(Debug)]
enum Task {
    Chat { nick: Nickname, history: Option<u32> },
    Window(Box<Window>),
    Once { command: Command, join: Option<Nickname> },
    Get { request: Box<(backchat_core::node::GetRequest, TargetSpec)>, resume: String },
}

impl Plan {
    fn make(args: ClientArgs, words: &[OsString], environment: &Environment) -> Result<Self, Failure> {
        let usage = |error: crate::cli::args::BadVariable| Failure::new(Exit::Usage, error.to_string());
        let options = args.options;
        let server = options.server(environment).map_err(usage)?;
        let timeout = options.timeout(environment).map_err(usage)?;
        let style = if options.json { Style::Json } else { Style::Plain };
        let nick = || nick::choose(options.nick.as_deref(), environment, nick::login_name);
        let task = match args.command {
            None if !options.plain && !options.json && look::is_window(environment) => {
                if options.max_time.is_some() {
                    let text =
                        "--max-time is for commands and for a chat in lines: a window is left by its user";
                    return Err(Failure::new(Exit::Usage, text));
                }
                Task::Window(Box::new(Window::plan(&options, environment, timeout)?))
            }
            None => {
                // Who pipes a line in wants it said, and no fifty others printed.
                let is_for_input = style == Style::Plain && !io::stdin().is_terminal();
                Task::Chat { nick: nick()?, history: options.history.or(is_for_input.then_some(0)) }
            }
            Some(ClientCommand::Names) => Task::Once { command: Command::Names, join: None },
            Some(ClientCommand::Files) => Task::Once { command: Command::Files, join: None },
            Some(ClientCommand::Say { text }) => {
                let command = Command::Say { text: text.join(" "), action: false };
                Task::Once { command, join: Some(nick()?) }
            }
            Some(ClientCommand::Tell { to, text }) => {
                let to = nick::addressee(&to)?;
                let command = Command::Tell { to, text: text.join(" "), action: false };
                Task::Once { command, join: Some(nick()?) }
            }
            Some(ClientCommand::Get(get)) => {
                let words: Vec<String> =
                    words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
                Task::Get {
                    request: Box::new(request::of(&get.into())?),
                    resume: request::resume_command(&words),
                }
            }
        };
        // Plain lines have no escape sequences, on standard error neither.
        let has_bars = style == Style::Plain && !options.plain && io::stderr().is_terminal();
        let patience = Patience { timeout, max_time: options.max_time.map(Span::duration) };
        let hosts = options.udp_host.unwrap_or_default();
        Ok(Self { server, patience, hosts, style, has_bars, asks_halfway: options.ask_halfway, task })
    }

    /// Where this plan speaks: people read lists and chats on standard output and news of a download on standard
    /// error; programs read everything on standard output, unless that belongs to the data.
    fn voice(&self, style: Style) -> Voice {
        match (&self.task, style) {
            (Task::Get { request, .. }, Style::Json) if request.1 != TargetSpec::Stdout => {
                Voice::new(style, io::stdout())
            }
            // Bars draw over their lines, so both are written in one order: by the loop, to a terminal.
            (Task::Get { .. }, _) if self.has_bars => Voice::new(style, Careless(io::stderr())),
            // A download is not worse for having nobody who reads of it.
            (Task::Get { .. }, _) => Voice::new(style, logging::Output::Stderr),
            (Task::Chat { .. } | Task::Window(_) | Task::Once { .. }, _) => Voice::new(style, io::stdout()),
        }
    }

    fn run(self) -> Result<End, Failure> {
        let cannot = |error: io::Error| Failure::new(Exit::Other, format!("cannot start: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(cannot)?;
        let end = runtime.block_on(async {
            let signals = signals::listen(Hangup::End, Exit::Interrupted.code()).map_err(cannot)?;
            self.run_with(signals).await
        });
        // The thread that reads standard input cannot be woken, and a disk may hang.
        runtime.shutdown_background();
        end
    }

    async fn run_with(self, signals: tokio::sync::mpsc::Receiver<Signal>) -> Result<End, Failure> {
        let voice = self.voice(self.style);
        let clock = SystemClock::new();
        let Self { server, patience, hosts, style: _, has_bars, asks_halfway, task } = self;
        let timeout = patience.timeout;
        let way = |chat| Way { server: &server, chat, comeback: None, silence: timeout, hosts };
        match task {
            Task::Chat { nick, history } => {
                let session = Session::new(server.to_string(), nick.clone(), Curiosity::Lines);
                let session = if asks_halfway { session.asking_halfway() } else { session };
                let mut chat = Chat::new(session, voice, spawn_stdin(), signals, clock, patience.begins());
                // A chat that breaks comes back; one that never was there is a mistake in the address.
                let join = JoinAs { nick, history, resume: true };
                let again = Reconnect::For(timeout);
                let chat_config = ChatClientConfig { join: Some(join), reconnect: again, retry_first: false };
                run(way(chat_config), clock, &mut chat).await?;
                Ok(chat.end())
            }
            Task::Window(window) => window.run(signals, clock).await,
            Task::Once { command, join } => {
                let mut once = Once::new(command, &server, voice, signals, patience.begins());
                let join = join.map(|nick| JoinAs { nick, history: Some(0), resume: false });
                run(way(once_only(join)), clock, &mut once).await?;
                Ok(once.end())
            }
            Task::Get { request, resume } => {
                let voice = if has_bars { voice.with_bars() } else { voice };
                let mut get = Get::new(*request, &server, resume, voice, signals, patience.begins(), clock);
                run(way(once_only(None)), clock, &mut get).await?;
                Ok(get.end())
            }
        }
    }
}

/// One connection, for one thing.
pub(super) fn once_only(join: Option<JoinAs>) -> ChatClientConfig {
    ChatClientConfig { join, reconnect: Reconnect::Never, retry_first: false }
}

/// To which server, and how.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) server: &'a HostPort,
    pub(super) chat: ChatClientConfig,
    pub(super) comeback: Option<Comeback>,
    pub(super) silence: Duration,
    pub(super) hosts: DownloadHosts,
}

/// Runs an application over the real network and the real file system.
pub(super) async fn run(
    way: Way<'_>,
    clock: SystemClock,
    application: &mut impl Application,
) -> Result<(), Failure> {
    let Way { server, chat, comeback, silence, hosts } = way;
    let parts = ClientParts {
        network: TcpNetwork::new(server.host(), server.port_or(CHAT_PORT)),
        targets: FileTargets::new(RealDisk, stdout().unwrap_or_else(|_| Box::new(io::stdout()))),
        clock,
        entropy: SystemEntropy,
    };
    let config = ClientConfig { silence, comeback, hosts, ..ClientConfig::new(chat) };
    let end = run_client(parts, config, application).await;
    let end = end.map_err(|error| Failure::new(Exit::Other, error.to_string()))?;
    tracing::debug!(datagrams_lost = end.datagrams_lost, "ended: {:?}", end.counters);
    Ok(())
}
