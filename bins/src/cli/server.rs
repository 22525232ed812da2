//! `backchat-server`: from the command line to the exit code.
//!
//! - `console`: commands on a terminal. `metrics`: counters for Prometheus.
//! - `binding`: sockets and the share, with messages that name the thing and what to do.
//! - `descriptors`: as many as the system grants.
//! - `log`: what happens, for the operator.

mod binding;
mod console;
mod descriptors;
mod log;
mod metrics;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;

use backchat_core::text::{is_hidden, visible};
use tokio::sync::mpsc;

use self::binding::{Bound, Failed, open_share};
use self::console::Terminal;
use self::log::Log;
use super::args::{Environment, ServerArgs};
use super::config::Config;
use super::exit::Exit;
use super::generate::Asked;
use super::logging::{self, Output, Typing};
use super::signals::{self, Hangup, Signal};
use crate::driver::{Control, Reload, ServerParts, ServerSettings, serve};
use crate::files::{NoShare, Share};
use crate::net::{Clock as _, ProxyListener, SystemClock, SystemEntropy};

/// Commands for the loop that wait: as many as signals can.
const CONTROLS_QUEUED: usize = 4;

/// Runs the program with these words, the first of which is its name.
pub fn main(words: impl IntoIterator<Item = OsString>, environment: &Environment) -> Exit {
    let args = match ServerArgs::read(words) {
        Ok(Asked::Run(args)) => args,
        Ok(Asked::Generate(what)) => return what.end(ServerArgs::command(), Exit::Other),
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
        return print(&config.to_toml());
    }
    if args.print_config {
        return print(&for_a_file(config).to_commented_toml());
    }
    let terminal = Terminal::find();
    let typing = terminal.map_or(Typing::Elsewhere, Terminal::typing);
    let _last_lines = logging::start(environment, "info", config.log_format, typing);
    descriptors::take_all();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            logging::complain(&format_args!("cannot start: {error}"));
            return Exit::Other;
        }
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

/// A configuration as it means the same in a file that is anywhere: a relative share starts at the file's folder, not
/// at ours.
fn for_a_file(mut config: Config) -> Config {
    config.share = config.share.map(|share| std::path::absolute(&share).unwrap_or(share));
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
    match config.share.clone() {
        Some(folder) => {
            let share = open_share(&folder)?;
            let files = share.list().map_err(|error| Failed::share(&folder, error))?.len();
            let bound = Bound::new(&config).await?;
            announce(&bound, Some(&folder), files);
            bound.warn_if_apart(config.advertise);
            serve_until_signal(args, environment, config, Beside { signals, terminal }, bound, share).await
        }
        None => {
            let bound = Bound::new(&config).await?;
            announce(&bound, None, 0);
            serve_until_signal(
                args,
                environment,
                config,
                Beside { signals, terminal },
                bound,
                NoShare::default(),
            )
            .await
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
}

async fn serve_until_signal(
    args: &ServerArgs,
    environment: &Environment,
    config: Config,
    beside: Beside,
    bound: Bound,
    share: impl Share,
) -> Result<(), Failed> {
    let settings = ServerSettings {
        limits: config.limits.clone(),
        motd: config.motd.clone(),
        transfer: config.transfer.clone(),
        advertise: config.advertise,
        trace: false,
    };
    let (listener, udp, scrapes) = bound.into_sockets();
    let listener = ProxyListener::new(listener, config.proxies.clone());
    let clock = SystemClock::new();
    let began = clock.wall();
    let parts = ServerParts { listener, udp, share, clock, entropy: SystemEntropy };
    let (sender, control) = mpsc::channel(CONTROLS_QUEUED);
    let mut log = Log::default();
    let facts = metrics::Facts { began, left_out: log.left_out() };
    let serving = serve(parts, settings, control, &mut log);
    if let Some(terminal) = beside.terminal {
        // This and the next end with the runtime.
        tokio::spawn(console::run(terminal, sender.clone()));
    }
    if let Some(scrapes) = scrapes {
        tokio::spawn(metrics::serve(scrapes, sender.clone(), facts));
    }
    let directing = async {
        direct(beside.signals, sender, config, || Config::load(args, environment)).await;
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

/// Turns signals into commands for the loop. `load` reads the configuration again.
async fn direct<E: std::fmt::Display>(
    mut signals: mpsc::Receiver<Signal>,
    control: mpsc::Sender<Control>,
    mut config: Config,
    load: impl Fn() -> Result<Config, E>,
) {
    while let Some(signal) = signals.recv().await {
        let command = match signal {
            Signal::End => {
                let grace = config.grace;
                tracing::info!("stopping: downloads may go on for {grace}; a second signal ends at once");
                Control::Shutdown { grace: grace.duration() }
            }
            Signal::Reload => match load() {
                Ok(new) => {
                    for key in config.needs_restart(&new) {
                        tracing::warn!("{key} has changed: that takes effect with the next start");
                    }
                    // What cannot change keeps its old value, and is reported again if it is still different.
                    config = Config {
                        grace: new.grace,
                        motd: new.motd,
                        limits: new.limits,
                        transfer: new.transfer,
                        ..config
                    };
                    tracing::info!("the configuration was read again");
                    let (limits, motd) = (config.limits.clone(), config.motd.clone());
                    Control::Reload(Box::new(Reload { limits, motd, transfer: config.transfer.clone() }))
                }
                Err(error) => {
                    tracing::error!("nothing was changed: {}", visible(&error.to_string()));
                    continue;
                }
            },
        };
        if control.send(command).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
