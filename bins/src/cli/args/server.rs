//! The command line of `backchat-server`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueHint};

use super::{BadVariable, Environment};
use crate::cli::generate::Generate;
use crate::cli::values::{HostPort, Span};

/// Serve a chat, and the files of one folder.
///
/// When it accepts connections it prints one line on standard output:
/// "ready chat=IP:PORT transfer=IP:PORT share=DIR files=N", and with --metrics " metrics=IP:PORT". Everything else goes to standard error.
#[derive(Parser)]
#[command(name = "backchat-server", version, propagate_version = true, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true)]
struct ServerWords {
    #[command(flatten)]
    args: ServerArgs,
    #[command(subcommand)]
    command: Option<ServerCommand>,
}

/// What else the program does.
#[derive(Subcommand)]
enum ServerCommand {
    /// Administer a server that runs on this machine: who is here, bans, the end
    Ctl(CtlArgs),
    #[command(flatten)]
    Generate(Generate),
}

/// What a command line asks for.
#[derive(Clone, Debug)]
pub enum ServerAsked {
    /// A server.
    Run(ServerArgs),
    /// A word with one that runs.
    Ctl(CtlArgs),
    /// Something about the program.
    Generate(Generate),
}

/// A word with a server that runs.
#[derive(Args, Clone, Debug)]
#[command(after_help = CTL_FOOTER)]
pub struct CtlArgs {
    /// The folder that the server was started with [default: where a server looks that is not told, then /run/backchat]
    #[arg(long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<PathBuf>,

    /// The configuration file that the server was started with, for its state_dir
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Print the answer as one JSON object
    #[arg(long, global = true)]
    pub json: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: CtlCommand,
}

/// The console's commands.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum CtlCommand {
    /// List who is here: nickname, address, state, downloads
    Who {
        /// Only those with this in nickname or address
        #[arg(value_name = "PART")]
        part: Option<String>,
    },
    /// End the session of a nickname, and its downloads; its user may come back
    Kick {
        /// The nickname
        #[arg(value_name = "NICK")]
        nick: String,
        /// What its user is told
        #[arg(value_name = "REASON")]
        reason: Vec<String>,
    },
    /// Keep somebody out, and end the sessions that this is about
    Ban {
        /// A nickname, an address, or a range such as 10.0.0.0/24; nick:NAME for a nickname that looks like an address
        #[arg(value_name = "NICK|ADDR|RANGE")]
        whom: String,
        /// For how long, such as 10m, else until it is lifted ('always', before a reason that begins with a number);
        /// then what they are told
        #[arg(value_name = "TIME] [REASON")]
        rest: Vec<String>,
    },
    /// Let somebody in again
    Unban {
        /// The words of the ban
        #[arg(value_name = "NICK|ADDR|RANGE")]
        whom: String,
    },
    /// List who is kept out, until when, and why
    Bans,
    /// Tell everybody who is connected
    Say {
        /// What to say; several words are joined with spaces
        #[arg(value_name = "TEXT", required = true)]
        text: Vec<String>,
    },
    /// Print what was counted, and what there is
    Stats,
    /// Read the configuration and the share again, as after SIGHUP
    Reload,
    /// End as after SIGTERM: downloads may finish; a second stop ends at once
    Stop,
}

impl CtlCommand {
    /// The same as the console reads it.
    pub fn line(&self) -> String {
        let line = |name: &str, words: &[&str], rest: &[String]| {
            let words = words.iter().copied().chain(rest.iter().map(String::as_str));
            [name].into_iter().chain(words).collect::<Vec<_>>().join(" ")
        };
        match self {
            Self::Who { part } => line("/who", part.as_deref().as_slice(), &[]),
            Self::Kick { nick, reason } => line("/kick", &[nick], reason),
            Self::Ban { whom, rest } => line("/ban", &[whom], rest),
            Self::Unban { whom } => line("/unban", &[whom], &[]),
            Self::Bans => "/bans".to_owned(),
            Self::Say { text } => line("/say", &[], text),
            Self::Stats => "/stats".to_owned(),
            Self::Reload => "/reload".to_owned(),
            Self::Stop => "/stop".to_owned(),
        }
    }
}

/// What the server is to do. An option is `None` where nothing was said.
#[derive(Args, Clone, Debug, Default)]
pub struct ServerArgs {
    /// Where the chat listens (TCP); port 0 takes a free one [default: 127.0.0.1:55000]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<HostPort>,

    /// Where downloads are served from (UDP); port 0 takes a free one [default: 127.0.0.1:44000]
    #[arg(long, value_name = "ADDR")]
    pub udp: Option<HostPort>,

    /// The folder whose files can be downloaded: regular files, no hidden ones, no subfolders [default: none, a chat
    /// alone]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub share: Option<PathBuf>,

    /// A configuration file (TOML); --print-config makes one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Where bans are kept, and where the control socket is for 'backchat-server ctl'; created where it is missing
    /// [default: $STATE_DIRECTORY, else backchat/server below $XDG_STATE_HOME or ~/.local/state]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub state_dir: Option<PathBuf>,

    /// Answer Prometheus there, over HTTP at /metrics, and at /healthz whether the server is well; port 0 takes a free one [default: off; port 9464]
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<HostPort>,

    /// A name that the metrics may be asked by, beside that of --metrics, addresses and localhost; may be repeated, or
    /// hold several with commas between
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub metrics_host: Vec<String>,

    /// Print the configuration that would be used, as TOML, and exit: 0, 2 where it is wrong, or 1 where a server could
    /// not start with it: a share that is not there, an address that is not ours
    #[arg(long)]
    pub check_config: bool,

    /// Print the configuration that would be used as a file with every key explained, for --config, and exit
    #[arg(long, conflicts_with = "check_config")]
    pub print_config: bool,

    /// How long downloads may go on after SIGINT or SIGTERM, such as 500ms or 2m [default: 10s]
    #[arg(long, value_name = "D")]
    pub grace: Option<Span>,

    /// How the log on standard error looks: text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json"),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl ServerArgs {
    /// Reads a command line. An error prints itself and knows its exit code: 2, or 0 for `--help`.
    pub fn read<I, T>(words: I) -> Result<ServerAsked, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words)?;
        let words = ServerWords::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok(match words.command {
            None => ServerAsked::Run(words.args),
            Some(ServerCommand::Ctl(args)) => ServerAsked::Ctl(args),
            Some(ServerCommand::Generate(what)) => ServerAsked::Generate(what),
        })
    }

    /// The command line, for what is generated from it.
    pub fn command() -> clap::Command {
        ServerWords::command().after_help(FOOTER)
    }

    /// The same settings from the environment: `BACKCHAT_` and the flag's name in capitals.
    pub fn of_environment(environment: &Environment) -> Result<Self, BadVariable> {
        Ok(Self {
            listen: environment.value("BACKCHAT_LISTEN")?,
            udp: environment.value("BACKCHAT_UDP")?,
            share: environment.raw("BACKCHAT_SHARE").map(PathBuf::from),
            config: environment.raw("BACKCHAT_CONFIG").map(PathBuf::from),
            state_dir: environment.raw("BACKCHAT_STATE_DIR").map(PathBuf::from),
            metrics: environment.value("BACKCHAT_METRICS")?,
            metrics_host: environment.list("BACKCHAT_METRICS_HOST"),
            check_config: false,
            print_config: false,
            grace: environment.value("BACKCHAT_GRACE")?,
            log_format: environment.value("BACKCHAT_LOG_FORMAT")?,
        })
    }

    /// These settings, and `lower`'s where these say nothing.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            listen: self.listen.or(lower.listen),
            udp: self.udp.or(lower.udp),
            share: self.share.or(lower.share),
            config: self.config.or(lower.config),
            state_dir: self.state_dir.or(lower.state_dir),
            metrics: self.metrics.or(lower.metrics),
            metrics_host: if self.metrics_host.is_empty() { lower.metrics_host } else { self.metrics_host },
            check_config: self.check_config || lower.check_config,
            print_config: self.print_config || lower.print_config,
            grace: self.grace.or(lower.grace),
            log_format: self.log_format.or(lower.log_format),
        }
    }
}

/// What follows the options in `--help`.
const FOOTER: &str = "\
Signals:
  SIGINT, SIGTERM  tell the users, let downloads finish (--grace), exit 0; a second one exits at once with 1
  SIGHUP           read the configuration file and the share again; a file with an error changes nothing. From a
                   terminal that was closed: as SIGTERM, unless it was ignored at the start (nohup)

Console:
  On a terminal, commands are taken from standard input; /help lists them. Without one, 'backchat-server ctl' has them.

Exit codes:
  0  done
  1  anything else, such as a port in use or a missing share
  2  usage, or a bad configuration

Environment (an option on the command line wins, the configuration file loses):
  BACKCHAT_LISTEN, BACKCHAT_UDP, BACKCHAT_SHARE, BACKCHAT_CONFIG, BACKCHAT_STATE_DIR, BACKCHAT_METRICS,
  BACKCHAT_METRICS_HOST, BACKCHAT_GRACE, BACKCHAT_LOG_FORMAT
  RUST_LOG  what is logged, such as debug [default: info]

Examples:
  backchat-server --share docs                           this machine alone
  backchat-server --listen 0.0.0.0 --udp 0.0.0.0 --share /srv/files
  backchat-server --share /srv/files --print-config > backchat.toml
  backchat-server --config backchat.toml --check-config
  backchat-server ctl ban bob 1h flooding                a server that runs here";

/// What follows the commands in `ctl --help`.
const CTL_FOOTER: &str = "\
The server is found by its control socket, which only the user that it runs as may open, and root.

Exit codes:
  0  done
  1  anything else, such as a configuration with an error
  2  usage: what looks like an address or a time and is none, too
  3  nobody of that nickname, or no such ban
  4  refused: another user's server, too many bans, a text that cannot be sent
  5  no server is there, or it has gone
  6  it has not answered for 30 s
  8  done, and holds, but could not be written for the next start

Examples:
  backchat-server ctl who
  backchat-server ctl ban 10.0.0.0/24 1h flooding
  backchat-server ctl --json stats
  backchat-server ctl --state-dir /srv/backchat say back at noon";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<ServerArgs, clap::Error> {
        match ServerArgs::read(shlex::split(&format!("backchat-server {line}")).expect("balanced quotes"))? {
            ServerAsked::Run(args) => Ok(args),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        ServerArgs::command().debug_assert();
    }

    #[test]
    fn every_option_is_read() {
        let line = "--listen [::1]:0 --udp localhost:0 --share 'my files' --config c.toml --state-dir here \
                    --metrics 127.0.0.1 --metrics-host a,b --metrics-host c --check-config --grace 2s --log-format json";
        let args = read(line).expect("valid");
        assert_eq!(args.listen, "[::1]:0".parse().ok());
        assert_eq!(args.udp, "localhost:0".parse().ok());
        assert_eq!(args.share, Some("my files".into()));
        assert_eq!(args.config, Some("c.toml".into()));
        assert_eq!(args.state_dir, Some("here".into()));
        assert_eq!(args.metrics_host, ["a", "b", "c"]);
        assert_eq!(args.metrics, "127.0.0.1".parse().ok());
        assert_eq!(args.grace, Some(Span::from_secs(2)));
        assert_eq!(args.log_format, Some(LogFormat::Json));
        assert!(args.check_config);
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error() {
        for line in [
            "serve",
            "--listen",
            "--listen :1",
            "--grace 10",
            "--log-format xml",
            "--port 55000",
            "--check-config --print-config",
        ] {
            assert_eq!(read(line).expect_err(line).exit_code(), 2, "{line}");
        }
        for line in ["--help", "--version"] {
            assert_eq!(read(line).expect_err(line).exit_code(), 0, "{line}");
        }
    }

    #[test]
    fn a_word_with_a_server_that_runs_is_a_line_of_its_console() {
        for (line, typed, json) in [
            ("ctl who", "/who", false),
            ("ctl who --json 192.", "/who 192.", true),
            ("ctl --json --state-dir here kick bob that is enough", "/kick bob that is enough", true),
            ("ctl ban 10.0.0.0/24 1h 'too much'", "/ban 10.0.0.0/24 1h too much", false),
            ("ctl unban bob", "/unban bob", false),
            ("ctl bans", "/bans", false),
            ("ctl say back at noon", "/say back at noon", false),
            ("ctl say -- --json", "/say --json", false),
            ("ctl stats", "/stats", false),
            ("ctl reload", "/reload", false),
            ("ctl stop", "/stop", false),
        ] {
            let words = shlex::split(&format!("backchat-server {line}")).expect("balanced quotes");
            match ServerArgs::read(words).expect(line) {
                ServerAsked::Ctl(args) => {
                    assert_eq!((args.command.line().as_str(), args.json), (typed, json));
                }
                other => panic!("{line} is {other:?}"),
            }
        }
        for line in ["ctl", "ctl whoo", "ctl ban", "ctl say", "ctl stop now", "ctl ban ann -5m"] {
            let words = shlex::split(&format!("backchat-server {line}")).expect("balanced quotes");
            assert_eq!(ServerArgs::read(words).expect_err(line).exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn the_environment_says_what_flags_do_not() {
        let variables = [("BACKCHAT_LISTEN", "h:1"), ("BACKCHAT_SHARE", "there"), ("BACKCHAT_GRACE", "")];
        let lower = ServerArgs::of_environment(&Environment::of(&variables)).expect("valid");
        let args = read("--share here").expect("valid").over(lower);
        assert_eq!(args.listen, "h:1".parse().ok());
        assert_eq!(args.share, Some("here".into()));
        assert_eq!(args.grace, None);
        let error = ServerArgs::of_environment(&Environment::of(&[("BACKCHAT_LOG_FORMAT", "xml")]));
        assert_eq!(
            error.expect_err("no such format").to_string(),
            "environment variable BACKCHAT_LOG_FORMAT is 'xml': expected text or json"
        );
    }
}
