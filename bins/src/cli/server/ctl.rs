//! `backchat-server ctl`: one command for a server that runs, over its control socket.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use backchat_core::text::visible;

use super::control::{Answer, Request};
use super::state::Places;
use crate::cli::args::{CtlArgs, CtlCommand, Environment, ServerArgs};
use crate::cli::config::Config;
use crate::cli::exit::Exit;
use crate::cli::logging;
use crate::paths::shown;

/// How long an answer may take: a ban is on the disk when it is answered.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most bytes of an answer: everybody of the largest server.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// Nobody listens where a server would.
    #[error(
        "no server is there to be asked: nothing listens at {}; --state-dir names the folder that the server was \
         started with",
        list(.0)
    )]
    Nowhere(Vec<PathBuf>),
    /// It is another user's.
    #[error("the control socket {} is not for this user: run this as the one that the server runs as, or as root", shown(.0))]
    Denied(PathBuf),
    /// It closed, or it is something else.
    #[error("the server at {} has gone without an answer{}", shown(.0), .1)]
    Lost(PathBuf, String),
    /// It is stuck.
    #[error("the server at {} has not answered for {} s", shown(.0), PATIENCE.as_secs())]
    Silent(PathBuf),
}

impl Failed {
    const fn exit(&self) -> Exit {
        match self {
            Self::Nowhere(_) | Self::Lost(..) => Exit::Connection,
            Self::Denied(_) => Exit::Refused,
            Self::Silent(_) => Exit::TimedOut,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let all: Vec<String> = paths.iter().map(|path| shown(path)).collect();
    all.join(", ")
}

/// Asks, tells what was answered, and ends as that says.
pub(super) fn run(args: &CtlArgs, environment: &Environment) -> Exit {
    let flags = ServerArgs {
        state_dir: args.state_dir.clone(),
        config: args.config.clone(),
        ..ServerArgs::default()
    };
    let config = match Config::load(&flags, environment) {
        Ok(config) => config,
        Err(error) => {
            logging::complain(&error);
            return Exit::Usage;
        }
    };
    let places = Places::of(config.state_dir.as_deref(), environment, false);
    match ask(&places.sockets(), &args.command) {
        Ok(Some(answer)) => tell(&answer, args.json),
        // The second stop ends the server before it can answer.
        Ok(None) => Exit::Done,
        Err(error) => {
            let exit = error.exit();
            if args.json {
                let answer = super::admin::no_answer(exit, &error.to_string());
                let _ = io::stdout().write_all(format!("{answer}\n").as_bytes());
            } else {
                logging::complain(&error);
            }
            exit
        }
    }
}

/// The answer of the first server that is there.
fn ask(sockets: &[PathBuf], command: &CtlCommand) -> Result<Option<Answer>, Failed> {
    let mut denied = None;
    for path in sockets {
        match UnixStream::connect(path) {
            Ok(stream) => return converse(path, &stream, command),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => denied = Some(path.clone()),
            Err(_) => {}
        }
    }
    Err(denied.map_or_else(|| Failed::Nowhere(sockets.to_owned()), Failed::Denied))
}

fn converse(path: &Path, mut stream: &UnixStream, command: &CtlCommand) -> Result<Option<Answer>, Failed> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Failed::Silent(path.to_owned()),
        _ => Failed::Lost(path.to_owned(), format!(": {error}")),
    };
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    let request = Request { command: command.line() };
    let request = serde_json::to_string(&request).map_err(|error| failed(error.into()))?;
    stream.write_all(format!("{request}\n").as_bytes()).map_err(failed)?;
    let mut line = String::new();
    let mut reader = BufReader::new(io::Read::take(stream, ANSWER_BYTES_MAX));
    if reader.read_line(&mut line).map_err(failed)? == 0 {
        return match command {
            CtlCommand::Stop => Ok(None),
            _ => Err(Failed::Lost(path.to_owned(), String::new())),
        };
    }
    let other = |_| Failed::Lost(path.to_owned(), ": what listens there is no backchat-server".to_owned());
    serde_json::from_str(&line).map(Some).map_err(other)
}

fn tell(answer: &Answer, json: bool) -> Exit {
    let exit = Exit::ALL.into_iter().find(|exit| exit.code() == answer.exit_code).unwrap_or(Exit::Other);
    let mut text = String::new();
    if json {
        text += &crate::cli::render::json::printable(&answer.answer.to_string());
        text.push('\n');
    } else if exit == Exit::Done {
        for line in &answer.lines {
            text += &format!("{}\n", visible(line));
        }
    } else {
        logging::complain(&visible(&answer.lines.join("; ")));
    }
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            logging::complain(&format_args!("cannot write to standard output: {error}"));
            Exit::Local
        }
        // A closed output has been read enough of.
        _ => exit,
    }
}
