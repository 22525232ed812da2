//! The command line of `backchat-server`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory, FromArgMatches, Parser, ValueHint};

use super::{BadVariable, Environment};
use crate::cli::generate::{Asked, Generate};
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
    generate: Option<Generate>,
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

    /// Answer Prometheus there, over HTTP at /metrics; port 0 takes a free one [default: off; port 9464]
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<HostPort>,

    /// Print the configuration that would be used, as TOML, and exit: 0, or 2 where it is wrong
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
    pub fn read<I, T>(words: I) -> Result<Asked<Self>, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words)?;
        let words = ServerWords::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        Ok(words.generate.map_or(Asked::Run(words.args), Asked::Generate))
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
            metrics: environment.value("BACKCHAT_METRICS")?,
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
            metrics: self.metrics.or(lower.metrics),
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
  SIGHUP           read the configuration file and the share again; a file with an error changes nothing

Console:
  On a terminal, commands are taken from standard input; /help lists them.

Exit codes:
  0  done
  1  anything else, such as a port in use or a missing share
  2  usage, or a bad configuration

Environment (an option on the command line wins, the configuration file loses):
  BACKCHAT_LISTEN, BACKCHAT_UDP, BACKCHAT_SHARE, BACKCHAT_CONFIG, BACKCHAT_METRICS, BACKCHAT_GRACE,
  BACKCHAT_LOG_FORMAT
  RUST_LOG  what is logged, such as debug [default: info]

Examples:
  backchat-server --share docs                           this machine alone
  backchat-server --listen 0.0.0.0 --udp 0.0.0.0 --share /srv/files
  backchat-server --share /srv/files --print-config > backchat.toml
  backchat-server --config backchat.toml --check-config";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<ServerArgs, clap::Error> {
        match ServerArgs::read(shlex::split(&format!("backchat-server {line}")).expect("balanced quotes"))? {
            Asked::Run(args) => Ok(args),
            Asked::Generate(what) => panic!("{line} is {what:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        ServerArgs::command().debug_assert();
    }

    #[test]
    fn every_option_is_read() {
        let line = "--listen [::1]:0 --udp localhost:0 --share 'my files' --config c.toml --metrics 127.0.0.1 --check-config --grace 2s \
                    --log-format json";
        let args = read(line).expect("valid");
        assert_eq!(args.listen, "[::1]:0".parse().ok());
        assert_eq!(args.udp, "localhost:0".parse().ok());
        assert_eq!(args.share, Some("my files".into()));
        assert_eq!(args.config, Some("c.toml".into()));
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
