//! How a client's run ends, and what the end of a connection means for it.

use std::time::Duration;

use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};

use crate::cli::exit::Exit;
use crate::cli::failure::Failure;

/// What has lasted for longer than the user wants to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// Nothing of what was asked for has come for so long.
    Silence(Duration),
    /// It has taken so long in all.
    Whole(Duration),
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It did what was asked.
    Done,
    /// The user interrupted.
    Interrupted,
    /// It did not.
    Failed(Failure),
    /// It did not, and that was told already.
    Told(Exit),
}

impl End {
    /// The code that stands for it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Done => Exit::Done,
            Self::Interrupted => Exit::Interrupted,
            Self::Failed(failure) => failure.exit,
            Self::Told(exit) => *exit,
        }
    }
}

/// The end of a run whose application said nothing.
pub fn unanswered() -> End {
    End::Failed(Failure::new(Exit::Connection, "the connection ended before the server had answered"))
}

/// What is known of the connection, for the day it ends.
#[derive(Debug)]
pub struct Connection {
    /// The server, as it was asked for.
    server: String,
    /// What the system said when it could not be reached.
    error: Option<String>,
    /// Why the connection ended last.
    reason: Option<DisconnectReason>,
    /// Whether it was ever there.
    was_there: bool,
}

impl Connection {
    /// To `server`, which was not reached yet.
    pub fn new(server: impl Into<String>) -> Self {
        Self { server: server.into(), error: None, reason: None, was_there: false }
    }

    /// The server could not be reached.
    pub fn on_error(&mut self, error: String) {
        self.error = Some(error);
    }

    /// Learns from an event. A failure is the end of the run: nothing more can come.
    pub fn on_event(&mut self, event: &ClientChatEvent) -> Option<Failure> {
        match event {
            ClientChatEvent::Connected => {
                self.was_there = true;
                self.error = None;
                self.reason = None;
                None
            }
            ClientChatEvent::Disconnected { reason } => {
                self.reason = Some(reason.clone());
                None
            }
            ClientChatEvent::Refused(error) => Some(Failure::refused(error)),
            ClientChatEvent::GaveUp => Some(self.failure()),
            _ => None,
        }
    }

    /// The server, as it was asked for.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What the system said when it could not be reached, last.
    pub fn trouble(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Whether it is there, or was.
    pub fn was_there(&self) -> bool {
        self.was_there
    }

    /// Whether it has ended, or never was.
    pub fn is_over(&self) -> bool {
        self.reason.is_some() || self.error.is_some()
    }

    /// What its end means.
    pub fn failure(&self) -> Failure {
        let Self { server, error, reason, .. } = self;
        match reason {
            None | Some(DisconnectReason::CannotConnect) => {
                let why = error.as_deref().unwrap_or("no answer");
                let text = format!("cannot connect to {server}: {why}; is backchat-server running there?");
                Failure::new(Exit::Connection, text)
            }
            Some(DisconnectReason::Silent) => {
                Failure::new(Exit::TimedOut, format!("{server} was silent for too long"))
            }
            Some(reason @ DisconnectReason::NotNow(_)) => {
                Failure::new(Exit::Refused, format!("{server}: {reason}"))
            }
            Some(reason) => Failure::new(Exit::Connection, format!("{server}: {reason}")),
        }
    }

    /// What it means that something lasted for too long.
    pub fn timed_out(&self, overdue: Overdue) -> Failure {
        let (Overdue::Silence(span) | Overdue::Whole(span)) = overdue;
        let span = humantime::format_duration(span);
        let text = match overdue {
            Overdue::Whole(_) => format!("{}: not done within {span}, as long as it may take", self.server),
            Overdue::Silence(_) if self.was_there => format!("{} did not answer within {span}", self.server),
            Overdue::Silence(_) => format!("{} could not be reached within {span}", self.server),
        };
        Failure::new(Exit::TimedOut, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(events: &[ClientChatEvent]) -> Connection {
        let mut connection = Connection::new("h:7");
        for event in events {
            assert_eq!(connection.on_event(event), None);
        }
        connection
    }

    #[test]
    fn each_end_of_a_connection_has_its_code_and_names_the_server() {
        let ended = |reason| {
            let mut connection =
                connection(&[ClientChatEvent::Connected, ClientChatEvent::Disconnected { reason }]);
            let failure = connection.on_event(&ClientChatEvent::GaveUp).expect("an end");
            (failure.exit.code(), failure.message)
        };
        assert_eq!(ended(DisconnectReason::Lost), (5, "h:7: connection lost".into()));
        assert_eq!(ended(DisconnectReason::Silent), (6, "h:7 was silent for too long".into()));
        assert_eq!(
            ended(DisconnectReason::Closed("bye".into())),
            (5, "h:7: closed by the server: bye".into())
        );
        assert_eq!(ended(DisconnectReason::NotNow("full".into())).0, 4);
    }

    #[test]
    fn a_server_that_is_not_there_is_named_with_what_the_system_said() {
        let mut connection = connection(&[]);
        connection.on_error("connection refused".to_owned());
        let text = "cannot connect to h:7: connection refused; is backchat-server running there?";
        assert_eq!(connection.failure().message, text);
        assert_eq!(connection.failure().exit, Exit::Connection);
        let timed_out = connection.timed_out(Overdue::Silence(Duration::from_secs(60)));
        assert_eq!(
            (timed_out.exit, timed_out.message.as_str()),
            (Exit::TimedOut, "h:7 could not be reached within 1m")
        );
    }
}
