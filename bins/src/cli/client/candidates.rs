//! What only a server or this person's files know of a command line that is being typed: names to download, nicknames,
//! servers.
//!
//! The server is asked as a visitor asks, so that no nickname is taken and nobody sees it. Whoever waits for the answer
//! has pressed a key: what has not come within [`PATIENCE`] is not offered, and nothing is said about it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};
use tokio::sync::mpsc;

use super::once::Once;
use super::run::{Way, once_only, run};
use super::silence::Silence;
use super::voice::{Style, Voice};
use crate::cli::algorithms::{CONGESTION_NAMES, RECOVERY_NAMES};
use crate::cli::args::{ClientArgs, ClientOptions, Environment};
use crate::cli::generate::line::Line;
use crate::cli::generate::{Question, offering};
use crate::cli::home::Home;
use crate::cli::values::HostPort;
use crate::driver::application::Command;
use crate::net::SystemClock;
use backchat_core::node::DownloadHosts;

/// How long a shell waits for its answer, looking a name up and connecting included.
const PATIENCE: Duration = Duration::from_secs(1);

/// The command line, which can list what belongs at the cursor of the line in question. Nothing is asked of anybody
/// before it is known to belong there.
pub(super) fn command(question: &Question, environment: &Environment) -> clap::Command {
    let line = Arc::new(question.line());
    let server = server(&line, environment);
    let ask = |command: fn() -> Command| {
        let (line, server) = (Arc::clone(&line), server.clone());
        ArgValueCandidates::new(move || match &server {
            // An option is being typed, and no name.
            _ if line.current.starts_with('-') && !line.is_behind_dashes() => Vec::new(),
            Some(server) => offered(&line, list(command(), server)),
            None => Vec::new(),
        })
    };
    let known = known_servers(environment);
    let servers = ArgValueCandidates::new(move || known.iter().map(CompletionCandidate::new).collect());
    let command = with(ClientArgs::command(), "server", &servers);
    command
        .mut_subcommand("get", |get| {
            let get = with(get, "name", &ask(|| Command::Files));
            let get = with(get, "congestion", &offering(&CONGESTION_NAMES));
            with(get, "recovery", &offering(&RECOVERY_NAMES))
        })
        .mut_subcommand("tell", |tell| with(tell, "to", &ask(|| Command::Names)))
}

/// The command, whose argument `id` is completed so. Not by clap's `mut_arg`, which moves the argument behind the others,
/// and so a positional one to another place.
fn with(command: clap::Command, id: &str, candidates: &ArgValueCandidates) -> clap::Command {
    debug_assert!(command.get_arguments().any(|arg| arg.get_id() == id), "{id}");
    command.mut_args(|arg| if arg.get_id() == id { arg.add(candidates.clone()) } else { arg })
}

/// Names as candidates. One that begins with a dash would be read as an option, unless it stands behind `--`.
fn offered(line: &Line, names: Vec<String>) -> Vec<CompletionCandidate> {
    let can_stand = |name: &String| line.is_behind_dashes() || !name.starts_with('-');
    names.into_iter().filter(can_stand).map(CompletionCandidate::new).collect()
}

/// The server that the line names so far, or the one that it would be without; none where that is none.
fn server(line: &Line, environment: &Environment) -> Option<HostPort> {
    let mut said = None;
    let mut words = line.before.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.strip_prefix("--server") {
            Some("") => said = words.next().map(String::as_str),
            Some(rest) => said = rest.strip_prefix('=').or(said),
            None => {}
        }
    }
    let server = said.map(str::parse).transpose().ok()?;
    ClientOptions { server, ..ClientOptions::default() }.server(environment).ok()
}

/// The servers that this person's files and environment name, each once.
fn known_servers(environment: &Environment) -> Vec<String> {
    let home = Home::of(environment);
    let variable = environment.raw("BACKCHAT_SERVER").map(|raw| raw.to_string_lossy().into_owned());
    let chosen = home.preferences().ok().and_then(|preferences| preferences.server);
    let all = [
        chosen,
        home.last().server,
        variable,
        ClientOptions::default().server(&Environment::default()).ok().map(|server| server.to_string()),
    ];
    let mut known: Vec<String> = all.into_iter().flatten().collect();
    known.sort();
    known.dedup();
    known
}

/// What the server lists within [`PATIENCE`]; of a longer list what has come by then.
fn list(command: Command, server: &HostPort) -> Vec<String> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let names = runtime.block_on(async {
        let (_unused, signals) = mpsc::channel(1);
        let voice = Voice::new(Style::Plain, io::sink());
        let mut once =
            Once::new(command, server, voice, signals, Silence::new(PATIENCE).within(Some(PATIENCE)));
        let way = Way {
            server,
            chat: once_only(None),
            comeback: None,
            silence: PATIENCE,
            hosts: DownloadHosts::default(),
        };
        // Whatever ends it, what has been listed by then is right.
        let _ = tokio::time::timeout(PATIENCE, run(way, SystemClock::new(), &mut once)).await;
        once.listed()
    });
    // A name that is being looked up cannot be abandoned.
    runtime.shutdown_background();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str, variables: &[(&str, &str)]) -> Option<String> {
        server(&Line::read(typed), &Environment::of(variables)).map(|server| server.to_string())
    }

    #[test]
    fn the_server_is_the_one_of_the_line_so_far() {
        let variables = [("BACKCHAT_SERVER", "env.example")];
        assert_eq!(of("it get ", &[]).as_deref(), Some("127.0.0.1:55000"));
        assert_eq!(of("it get ", &variables).as_deref(), Some("env.example:55000"));
        assert_eq!(of("it --server a:1 get ", &variables).as_deref(), Some("a:1"));
        assert_eq!(of("it --server=a:1 get --server b:2 ", &variables).as_deref(), Some("b:2"));
        assert_eq!(of("it get -- --server a:1 ", &[]).as_deref(), Some("127.0.0.1:55000"));
        assert_eq!(of("it --server a:b get ", &[]), None);
    }

    #[test]
    fn servers_that_are_known_are_named_once() {
        let variables = [("BACKCHAT_SERVER", "127.0.0.1:55000")];
        assert_eq!(known_servers(&Environment::of(&variables)), ["127.0.0.1:55000"]);
    }
}
