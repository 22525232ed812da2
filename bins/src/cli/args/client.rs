//! The command line of `backchat-client`.

use std::time::Duration;

use backchat_core::node::DownloadHosts;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use serde::Deserialize;

use super::get::GetArgs;
use super::{BadVariable, CHAT_PORT, Environment};
use crate::app::get::GetOptions;
use crate::cli::exit::Exit;
use crate::cli::generate::{Asked, Generate};
use crate::cli::values::{HostPort, Span, parse_hosts};

/// Chat with others, and download what their server shares.
///
/// Without a command it is the chat: a window on a terminal, else plain lines, one per event, or with --json one object
/// a line; /help there lists what can be typed. With a command it does one thing and exits.
#[derive(Parser)]
#[command(name = "backchat-client", version, propagate_version = true, max_term_width = 100)]
struct ClientWords {
    #[command(flatten)]
    options: ClientOptions,
    #[command(subcommand)]
    verb: Option<Verb>,
}

/// Every command.
#[derive(Subcommand)]
enum Verb {
    #[command(flatten)]
    Do(ClientCommand),
    #[command(flatten)]
    Generate(Generate),
}

/// What the client is to do.
#[derive(Clone, Debug)]
pub struct ClientArgs {
    /// What holds for every command.
    pub options: ClientOptions,
    /// The one thing to do; none is the chat.
    pub command: Option<ClientCommand>,
}

/// Where `--help` lists the options that every command has.
const EVERYWHERE: &str = "Options of every command";

/// The options that stand before or after the command.
#[derive(Args, Clone, Debug, Default)]
pub struct ClientOptions {
    /// The server: a name or an address, and a port where it is not 55000 [default: 127.0.0.1:55000]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "ADDR")]
    pub server: Option<HostPort>,

    /// Your nickname: 1 to 32 ASCII letters, digits and _ - . [ ] [default: your login name]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "NAME")]
    pub nick: Option<String>,

    /// Plain lines, one per event, without escape sequences; what you get anyway without a terminal
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub plain: bool,

    /// One JSON object a line, in and out; 'names' and 'files' print one array
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,

    /// When the chat's window is coloured [default: auto, which heeds NO_COLOR and CLICOLOR_FORCE]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "WHEN")]
    pub color: Option<When>,

    /// Show at most N messages from before you came [default: as many as the server sends, 0 for plain lines from a pipe]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "N")]
    pub history: Option<u32>,

    /// In the chat, hold each download in its middle and ask; without an answer it goes on after 15 s
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub ask_halfway: bool,

    /// Give up when for D, such as 15ms, 10s or 2m, the server brought nothing of what was asked for [default: 60s]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "D")]
    pub timeout: Option<Span>,

    /// Give up when it has taken D in all, whatever the server brings [default: no limit]
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "D")]
    pub max_time: Option<Span>,

    /// Download from HOST too, where the server names this address in place of its chat's own; 'any' is every host
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "HOST", value_parser = parse_hosts)]
    pub udp_host: Option<DownloadHosts>,
}

/// When there are colours.
#[derive(ValueEnum, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Where a terminal shows them and nothing in the environment is against it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// One thing to do.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum ClientCommand {
    /// List who is here
    Names,
    /// List what can be downloaded
    Files,
    /// Send one message to all
    Say {
        /// What to say; several words are joined with spaces
        #[arg(value_name = "TEXT", required = true)]
        text: Vec<String>,
    },
    /// Send one message to one
    Tell {
        /// Whom to tell
        // Not called `nick`: clap takes options and arguments of one name for the same.
        #[arg(value_name = "NICK")]
        to: String,
        /// What to say; several words are joined with spaces
        #[arg(value_name = "TEXT", required = true)]
        text: Vec<String>,
    },
    /// Download a file
    Get(GetArgs),
}

/// How long the server may be silent where nothing was said.
const DEFAULT_TIMEOUT: Span = Span::from_secs(60);

impl ClientArgs {
    /// Reads a command line. An error prints itself and knows its exit code: 2, or 0 for `--help`.
    pub fn read<I, T>(words: I) -> Result<Asked<Self>, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(words)?;
        let ClientWords { options, verb } =
            ClientWords::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        let asked = match verb {
            Some(Verb::Generate(what)) => return Ok(Asked::Generate(what)),
            Some(Verb::Do(command)) => Some(command),
            None => None,
        };
        // clap does not look for conflicts between an option before the command and one behind it.
        if options.plain && options.json {
            let text = "the argument '--plain' cannot be used with '--json'";
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        for (option, span) in [("--timeout", options.timeout), ("--max-time", options.max_time)] {
            if span == Some(Span::default()) {
                let text = format!("invalid value '0s' for '{option} <D>': must be longer than zero");
                return Err(command.error(clap::error::ErrorKind::InvalidValue, text));
            }
        }
        if let Some(ClientCommand::Get(get)) = &asked
            && let Some(text) = GetOptions::from(get.clone()).contradiction()
        {
            return Err(command.error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        Ok(Asked::Run(Self { options, command: asked }))
    }

    /// The command line, for what is generated from it.
    pub fn command() -> clap::Command {
        ClientWords::command().after_help(footer())
    }
}

impl ClientOptions {
    /// The server's host, with its port.
    pub fn server(&self, environment: &Environment) -> Result<HostPort, BadVariable> {
        let server = match &self.server {
            Some(server) => Some(server.clone()),
            None => environment.value("BACKCHAT_SERVER")?,
        };
        Ok(match server {
            Some(server) => server.with_default_port(CHAT_PORT),
            None => HostPort::from(std::net::SocketAddr::from(([127, 0, 0, 1], CHAT_PORT))),
        })
    }

    /// How long the server may be silent.
    pub fn timeout(&self, environment: &Environment) -> Result<Duration, BadVariable> {
        let name = "BACKCHAT_TIMEOUT";
        let span = match self.timeout {
            Some(span) => span,
            None => environment.value(name)?.unwrap_or(DEFAULT_TIMEOUT),
        };
        if span == Span::default() {
            let reason = crate::cli::values::BadSpan::Zero.to_string();
            return Err(BadVariable { name, value: span.to_string(), reason });
        }
        Ok(span.duration())
    }
}

/// What follows the options in `--help`: exit codes, environment, examples.
fn footer() -> String {
    let mut footer = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        footer += &format!("  {:>3}  {}\n", exit.code(), exit.meaning());
    }
    footer += "\n\
Environment (an option on the command line wins):
  BACKCHAT_SERVER   as --server
  BACKCHAT_NICK     as --nick
  BACKCHAT_TIMEOUT  as --timeout
  RUST_LOG          what is logged to standard error, such as debug [default: off]

Examples:
  backchat-client                                   the chat, on this machine
  backchat-client --server example.org --nick ann   the chat, elsewhere
  backchat-client files                             what can be downloaded
  backchat-client get book.bin -d ~/Downloads       download; the same again goes on where it stopped
  backchat-client get book.bin -o - | tar x         download into a pipe
  backchat-client say 'the build is green'          one message to all
  tail -f log | backchat-client --nick log          one message for each line";
    footer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> ClientArgs {
        match ClientArgs::read(words(line)).expect(line) {
            Asked::Run(args) => args,
            Asked::Generate(what) => panic!("{line} is {what:?}"),
        }
    }

    fn words(line: &str) -> Vec<String> {
        shlex::split(&format!("backchat-client {line}")).expect("balanced quotes")
    }

    #[test]
    fn the_command_line_is_consistent() {
        ClientArgs::command().debug_assert();
    }

    #[test]
    fn options_stand_before_or_after_the_command() {
        for line in [
            "--server h:7 --nick ann --json --timeout 5s tell bob hi",
            "tell bob hi --server h:7 --nick ann --json --timeout 5s",
            "--server h:7 --json tell bob --nick ann hi --timeout 5s",
        ] {
            let ClientArgs { options, command } = read(line);
            assert_eq!(options.server, "h:7".parse().ok(), "{line}");
            assert_eq!(options.nick.as_deref(), Some("ann"), "{line}");
            assert!(options.json && !options.plain, "{line}");
            assert_eq!(options.timeout, Some(Span::from_secs(5)), "{line}");
            let tell = ClientCommand::Tell { to: "bob".into(), text: vec!["hi".into()] };
            assert_eq!(command, Some(tell), "{line}");
        }
    }

    #[test]
    fn every_command_is_read() {
        assert_eq!(read("").command, None);
        assert_eq!(read("names").command, Some(ClientCommand::Names));
        assert_eq!(read("files").command, Some(ClientCommand::Files));
        let text = vec!["hello".to_owned(), "world".to_owned()];
        assert_eq!(read("say hello world").command, Some(ClientCommand::Say { text }));
        let Some(ClientCommand::Get(get)) = read("get book.bin").command else { panic!("a download") };
        assert_eq!(GetOptions::from(get), GetOptions::of("book.bin"));
    }

    #[test]
    fn a_wrong_command_line_is_a_usage_error() {
        for line in [
            "dance",
            "say",
            "tell bob",
            "get",
            "get x --congestion cubic",
            "get x --recovery selective",
            "--plain --json",
            "--plain names --json",
            "--timeout 0s",
            "--max-time 0s",
            "--udp-host example.org",
            "get x --min-rate 2M --limit-rate 1M",
            "--timeout 10",
            "--server :55000",
            "--nick",
        ] {
            let error = ClientArgs::read(words(line)).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for line in ["--help", "-h", "--version", "get --help", "get --version"] {
            assert_eq!(ClientArgs::read(words(line)).expect_err(line).exit_code(), 0, "{line}");
        }
        // However wide the terminal is that this runs on.
        let help = ClientArgs::read(words("--help")).expect_err("help").to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for exit in Exit::ALL {
            assert!(help.contains(&format!(" {} {}", exit.code(), exit.meaning())), "{exit:?} in {help}");
        }
        assert!(help.contains("BACKCHAT_NICK") && help.contains("Examples:"), "{help}");
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_both_over_the_default() {
        let variables = [("BACKCHAT_SERVER", "env.example"), ("BACKCHAT_TIMEOUT", "7s")];
        let (environment, empty) = (Environment::of(&variables), Environment::default());
        let zero = Environment::of(&[("BACKCHAT_TIMEOUT", "0")]);
        let server =
            |line, environment| read(line).options.server(environment).map(|server| server.to_string());
        assert_eq!(server("--server flag.example:7", &environment), Ok("flag.example:7".into()));
        assert_eq!(server("", &environment), Ok("env.example:55000".into()));
        assert_eq!(server("", &empty), Ok("127.0.0.1:55000".into()));
        assert_eq!(server("--server ::1", &environment), Ok("[::1]:55000".into()));
        let timeout = |line, environment| read(line).options.timeout(environment);
        assert_eq!(timeout("--timeout 1s", &environment), Ok(Duration::from_secs(1)));
        assert_eq!(timeout("", &environment), Ok(Duration::from_secs(7)));
        assert_eq!(timeout("", &empty), Ok(Duration::from_secs(60)));
        assert!(timeout("", &zero).is_err());
    }
}
