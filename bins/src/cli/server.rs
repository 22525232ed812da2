//! `backchat-server`: from the command line to the exit code.
//!
//! - `admin`: what an operator can do. `console`: commands on a terminal. `control`: the same over a socket, to which
//!   `ctl` speaks.
//! - `state`: what is kept for the next start.
//! - `direct`: the end, and other settings.
//! - `metrics`: counters for Prometheus. `notify`: what systemd is told. `pulse`: whether the loop turns.
//! - `binding`: sockets and the share, with messages that name the thing and what to do.
//! - `descriptors`: as many as the system grants.
//! - `log`: what happens, for the operator.
//! - [`parsers`]: of bytes from outside, for fuzzers.

mod admin;
mod binding;
mod check;
mod console;
#[cfg_attr(not(unix), path = "server/control_elsewhere.rs")]
mod control;
#[cfg_attr(not(unix), path = "server/ctl_elsewhere.rs")]
mod ctl;
mod descriptors;
mod direct;
mod log;
mod metrics;
#[cfg_attr(not(unix), path = "server/notify_elsewhere.rs")]
mod notify;
pub mod parsers;
mod pulse;
mod state;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use backchat_core::text::is_hidden;
use tokio::sync::mpsc;

use self::admin::Admin;
use self::binding::{Address, Bound, Failed, ephemeral, open_share};
use self::console::Terminal;
use self::direct::direct;
use self::log::Log;
use self::metrics::Hosts;
use self::notify::Notify;
use self::pulse::Lag;
use self::state::State;
use super::args::{Environment, ServerArgs, ServerAsked};
use super::config::Config;
use super::exit::Exit;
use super::logging::{self, Output, Typing};
use super::signals::{self, Hangup, Signal};
use crate::driver::{ServerParts, ServerSettings, serve};
use crate::files::{NoShare, Share};
use crate::net::{Clock as _, ProxyListener, SystemClock, SystemEntropy};

/// Commands for the loop that wait: as many as signals can.
const CONTROLS_QUEUED: usize = 4;

/// Requests of operators that wait. Each operator waits for an answer before the next.
const REQUESTS_QUEUED: usize = 4;

/// Runs the program with these words, the first of which is its name.
pub fn main(words: impl IntoIterator<Item = OsString>, environment: &Environment) -> Exit {
    let args = match ServerArgs::read(words) {
        Ok(ServerAsked::Run(args)) => args,
        Ok(ServerAsked::Ctl(args)) => return ctl::run(&args, environment),
        Ok(ServerAsked::Generate(what)) => return what.end(ServerArgs::command(), Exit::Other),
        Err(error) => {
            // A closed output is no reason to fail: nobody reads the help.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let config = match Config::load(&args, environment) {
        Ok(config) => config,
        Err(error) => {
            logging::complain(&error);
            return Exit::Usage;
        }
    };
    if args.check_config {
        return check_config(&config, environment);
    }
    if args.print_config {
        return print(&for_a_file(config).to_commented_toml());
    }
    let terminal = Terminal::find();
    let typing = terminal.map_or(Typing::Elsewhere, Terminal::typing);
    let _last_lines = logging::start(environment, "info", config.log_format, typing);
    for unknown in environment.unknown() {
        tracing::warn!("{unknown}");
    }
    descriptors::take_all();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let ended = runtime.block_on(run(&args, environment, config, terminal));
    // A read of a disk that hangs must not keep a server that has said goodbye.
    runtime.shutdown_background();
    match ended {
        Ok(()) => Exit::Done,
        Err(error) => {
            logging::complain(&error);
            Exit::Other
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Exit> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        logging::complain(&format_args!("cannot start: {error}"));
        Exit::Other
    })
}

/// Prints what would be used, and everything that would keep a server from starting with it.
fn check_config(config: &Config, environment: &Environment) -> Exit {
    let _last_lines = logging::last_lines();
    for unknown in environment.unknown() {
        logging::warn(&unknown);
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let failed = runtime.block_on(check::check(config, environment));
    let printed = print(&config.to_toml());
    if !failed.is_empty() {
        for error in &failed {
            logging::complain(error);
        }
        return Exit::Other;
    }
    let ports: Vec<u16> = Address::all(config).map(|address| address.port()).collect();
    if let Some(hint) = ephemeral::hint(&ports) {
        logging::warn(&hint);
    }
    printed
}

/// Prints a configuration. A closed output has been read enough of.
fn print(toml: &str) -> Exit {
    match std::io::stdout().write_all(toml.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            logging::complain(&format_args!("cannot write to standard output: {error}"));
            Exit::Other
        }
        _ => Exit::Done,
    }
}

/// A configuration as it means the same in a file that is anywhere: a relative path starts at the file's folder, not
/// at ours.
fn for_a_file(mut config: Config) -> Config {
    let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
    config.share = config.share.map(absolute);
    config.state_dir = config.state_dir.map(absolute);
    config
}

/// Binds, tells that it is ready, and serves until a signal.
async fn run(
    args: &ServerArgs,
    environment: &Environment,
    config: Config,
    terminal: Option<Terminal>,
) -> Result<(), Failed> {
    // Before anything is promised: a signal that comes now is not lost.
    let signals = signals::listen(Hangup::Reload, Exit::Other.code()).map_err(Failed::Signals)?;
    let state = State::open(&config, environment)?;
    let beside = Beside { signals, terminal, state };
    match config.share.clone() {
        Some(folder) => {
            let share = open_share(&folder)?;
            let files = share.list().map_err(|error| Failed::share(&folder, error))?.len();
            let bound = Bound::new(&config).await?;
            announce(&bound, Some(&folder), files);
            bound.warn_if_apart(config.advertise);
            serve_until_signal(args, environment, config, beside, bound, share).await
        }
        None => {
            let bound = Bound::new(&config).await?;
            announce(&bound, None, 0);
            serve_until_signal(args, environment, config, beside, bound, NoShare::default()).await
        }
    }
}

/// The one line on standard output.
fn announce(bound: &Bound, share: Option<&Path>, files: usize) {
    let line = ready_line(bound, share, files);
    // Whoever started us may not care to read it; the log says the same.
    Output::Stdout.send(format!("{line}\n"));
    tracing::info!("{line}");
    if share.is_none() {
        tracing::info!("nothing is shared: this is a chat alone; --share DIR shares the files of a folder");
    }
}

fn ready_line(bound: &Bound, share: Option<&Path>, files: usize) -> String {
    let share = share.map_or_else(|| "-".to_owned(), quote);
    let metrics = bound.metrics().map(|metrics| format!(" metrics={metrics}")).unwrap_or_default();
    format!("ready chat={} transfer={} share={share} files={files}{metrics}", bound.chat(), bound.transfer())
}

/// A path as it stands in the line: JSON where it would not be one word, or could be taken for something else.
fn quote(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = !text.is_empty()
        && text != "-"
        && !text.starts_with('"')
        && !text.chars().any(|c| c.is_whitespace() || is_hidden(c));
    if is_plain {
        return text.into_owned();
    }
    // A text is always JSON.
    super::render::json::printable(&serde_json::to_string(&text).unwrap_or_default())
}

/// What goes on beside the loop, and tells it what to do.
struct Beside {
    signals: mpsc::Receiver<Signal>,
    terminal: Option<Terminal>,
    state: State,
}

async fn serve_until_signal(
    args: &ServerArgs,
    environment: &Environment,
    config: Config,
    mut beside: Beside,
    bound: Bound,
    share: impl Share,
) -> Result<(), Failed> {
    beside.state.announce();
    let ports: Vec<u16> = Address::all(&config).map(|address| address.port()).collect();
    if let Some(hint) = ephemeral::hint(&ports) {
        tracing::info!("{hint}");
    }
    let settings = ServerSettings {
        limits: config.limits.clone(),
        motd: config.motd.clone(),
        transfer: config.transfer.clone(),
        advertise: config.advertise,
        trace: false,
        bans: std::mem::take(&mut beside.state.bans),
    };
    let addresses = (bound.chat(), bound.transfer());
    let (listener, udp, scrapes) = bound.into_sockets();
    let listener = ProxyListener::new(listener, config.proxies.clone());
    let clock = SystemClock::new();
    let began = clock.wall();
    let parts = ServerParts { listener, udp, share, clock, entropy: SystemEntropy };
    let (sender, control) = mpsc::channel(CONTROLS_QUEUED);
    let (requests, requested) = mpsc::channel(REQUESTS_QUEUED);
    let admin = Admin::new(sender.clone(), requests, beside.state.bans_file.take());
    let mut log = Log::default();
    let lag = Lag::default();
    let hosts = Hosts::new(config.metrics_hosts());
    let facts = metrics::Facts { began, left_out: log.left_out(), lag: lag.clone(), hosts };
    let serving = serve(parts, settings, control, &mut log);
    let terminal = beside.terminal;
    if let Some(terminal) = terminal {
        // This and the next end with the runtime.
        tokio::spawn(console::run(terminal, admin.clone()));
    }
    if let Some(socket) = beside.state.socket.take() {
        tokio::spawn(socket.serve(admin));
    }
    if let Some(scrapes) = scrapes {
        tokio::spawn(metrics::serve(scrapes, sender.clone(), facts));
    }
    let notify = Notify::of(environment);
    let watchdog = notify::watchdog(environment, std::process::id());
    tokio::spawn(pulse::run(sender.clone(), lag, notify.clone(), watchdog));
    notify.ready(&format!("chat on {}, downloads on {}", addresses.0, addresses.1));
    let directing = async {
        let is_orphaned = || terminal.is_some_and(Terminal::is_gone);
        let load = || Config::load(args, environment);
        direct(beside.signals, requested, sender, config, &notify, is_orphaned, load).await;
        // It ends only when the signals do, which is never; if they did, the server would go on.
        std::future::pending::<()>().await;
    };
    let end = tokio::select! {
        biased;
        end = serving => end,
        () = directing => return Ok(()),
    };
    let end = end.map_err(Failed::Serving)?;
    log.stopped(&end);
    Ok(())
}

#[cfg(test)]
mod tests;
