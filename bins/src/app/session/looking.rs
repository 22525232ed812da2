//! What others may look at.

use std::path::Path;
use std::time::Duration;

use backchat_core::chat::{FileEntry, Nickname};
use backchat_core::time::Instant;

use super::{Link, Session};
use crate::app::downloads::Downloads;
use crate::app::end::End;
use crate::app::roster::Roster;

impl Session {
    /// When [`Message::Tick`](super::Message::Tick) is wanted.
    pub fn deadline(&self) -> Option<Instant> {
        self.keeping.deadline()
    }

    /// How it ended, once it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Under which nickname we are here, or want to be.
    pub fn nick(&self) -> &Nickname {
        &self.nick
    }

    /// How the connection is.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The server, as it was asked for.
    pub fn server(&self) -> &str {
        self.connection.server()
    }

    /// Who is here.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// What can be downloaded, as far as was asked.
    pub fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// The downloads that run.
    pub fn downloads(&self) -> &Downloads {
        &self.downloads
    }

    /// Where downloads go, if anything was said about it.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Messages that the server has not taken yet.
    pub fn untaken(&self) -> usize {
        self.requests.untaken()
    }

    /// Most bytes in a message.
    pub fn text_limit(&self) -> u32 {
        self.requests.text_limit()
    }

    /// The shortest of the last round trips over the chat's connection.
    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trips.iter().min().copied()
    }

    /// Whether what this nickname says is not wanted.
    pub fn ignores(&self, nick: &Nickname) -> bool {
        self.ignored.contains_key(&nick.key())
    }

    /// Who said something privately last.
    pub fn correspondent(&self) -> Option<&Nickname> {
        self.correspondent.as_ref()
    }

    /// What the system said when the server could not be reached.
    pub fn trouble(&self) -> Option<&str> {
        self.connection.trouble()
    }
}
