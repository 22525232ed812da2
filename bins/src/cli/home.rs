//! A person's files: what they have chosen, and what is remembered for them.
//!
//! Where the XDG base directory specification says, from the environment alone: `backchat/client.toml` under the
//! configuration, `backchat/last.toml` and the sessions' tokens under the state. Where neither a directory nor a home is
//! known, nothing is read and nothing remembered.
//!
//! - [`preferences`]: the configuration. [`sessions`]: tokens, readable by their owner alone.
//! - [`chatlog`]: what was shown, where a person wants it kept.

pub mod chatlog;
pub mod preferences;
pub mod sessions;

use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::cli::args::Environment;
use crate::cli::private::{self, Durability, create_folder};

/// Where a person's files are.
#[derive(Clone, Debug, Default)]
pub struct Home {
    config: Option<PathBuf>,
    state: Option<PathBuf>,
}

/// What the last chat in a window was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// The server, as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// The nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nick: Option<String>,
    /// Where downloads went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
}

impl Home {
    /// As the environment has it.
    pub fn of(environment: &Environment) -> Self {
        let absolute = |name| absolute(environment, name);
        let home = home_folder(environment);
        let base = |name, below: &str| {
            absolute(name)
                .or_else(|| home.as_ref().map(|home| home.join(below)))
                .map(|base| base.join("backchat"))
        };
        Self { config: base("XDG_CONFIG_HOME", ".config"), state: base("XDG_STATE_HOME", ".local/state") }
    }

    /// The configuration's file.
    fn config_file(&self) -> Option<PathBuf> {
        self.config.as_ref().map(|folder| folder.join("client.toml"))
    }

    /// What the last chat was. A file that cannot be read is one that remembers nothing.
    pub fn last(&self) -> Last {
        let text = self.state.as_ref().and_then(|folder| fs::read_to_string(folder.join("last.toml")).ok());
        text.and_then(|text| toml::from_str(&text).ok()).unwrap_or_default()
    }

    /// Remembers a chat as the last.
    ///
    /// # Errors
    /// It could not be written.
    pub fn remember(&self, last: &Last) -> io::Result<()> {
        let Some(folder) = &self.state else { return Ok(()) };
        let text = toml::to_string(last).map_err(io::Error::other)?;
        replace(folder, "last.toml", text.as_bytes())
    }
}

/// "All paths set in these environment variables must be absolute"; others are to be ignored.
fn absolute(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.raw(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// A person's own folder, which Windows has under another name.
fn home_folder(environment: &Environment) -> Option<PathBuf> {
    let windows = || absolute(environment, "USERPROFILE").filter(|_| cfg!(windows));
    absolute(environment, "HOME").or_else(windows)
}

/// Writes a file whole or not at all, readable by its owner alone.
fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    create_folder(folder)?;
    // Of this process alone: two clients that end at once must not write into each other's.
    let new = folder.join(format!(".{name}.{}", std::process::id()));
    private::replace(&new, &folder.join(name), bytes, Durability::Cached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_where_the_specification_says() {
        let home = |variables: &[(&str, &str)]| Home::of(&Environment::of(variables));
        let it =
            home(&[("HOME", "/home/ann"), ("XDG_CONFIG_HOME", "/etc/ann"), ("XDG_STATE_HOME", "relative")]);
        assert_eq!(it.config_file(), Some("/etc/ann/backchat/client.toml".into()));
        assert_eq!(it.state, Some("/home/ann/.local/state/backchat".into()));
        assert_eq!(home(&[]).config_file(), None);
        assert_eq!(home(&[]).last(), Last::default());
        assert!(home(&[]).remember(&Last::default()).is_ok());
    }

    #[test]
    fn what_was_last_is_read_back_and_readable_by_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home { config: None, state: Some(folder.path().join("state")) };
        let last = Last { server: Some("h:7".into()), nick: Some("ann".into()), folder: Some("/tmp".into()) };
        home.remember(&last).expect("written");
        home.remember(&last).expect("written again");
        assert_eq!(home.last(), last);
        let files: Vec<_> = fs::read_dir(folder.path().join("state")).expect("there").collect();
        assert_eq!(files.len(), 1, "{files:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode =
                fs::metadata(folder.path().join("state/last.toml")).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        fs::write(folder.path().join("state/last.toml"), "nonsense").expect("written");
        assert_eq!(home.last(), Last::default());
    }
}
