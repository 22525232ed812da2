//! The folders of one server: what it keeps for the next start, and where its control socket is.
//!
//! A server on a fixed port is the same server after a restart; one on a free port (`--listen …:0`) is a passing one,
//! and keeps nothing in its user's home unless somebody names a folder.
//!
//! `bans`: the file of bans.

pub(super) mod bans;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use backchat_core::chat::StoredBan;

use self::bans::BansFile;
use super::binding::Failed;
use super::control::ControlSocket;
use crate::cli::args::{CHAT_PORT, Environment};
use crate::cli::config::Config;
use crate::cli::private::{create_folder, private};
use crate::paths::shown;

/// The socket's name in its folder.
pub(super) const SOCKET: &str = "control.sock";

/// The lock's name in the folder of the state: one server at a time.
const LOCK: &str = "lock";

/// Where systemd's unit of `docs/OPERATING.md` has the socket: `ctl` looks there too.
#[cfg(unix)]
const SERVICE: &str = "/run/backchat";

/// What a server has beside its sockets for strangers.
#[derive(Debug)]
pub(super) struct State {
    /// Nobody else uses the folder.
    _held: Option<Held>,
    /// Where bans are kept.
    pub(super) bans_file: Option<BansFile>,
    /// Those that were.
    pub(super) bans: Vec<StoredBan>,
    /// Where `ctl` comes to.
    pub(super) socket: Option<ControlSocket>,
}

impl State {
    /// Takes the folders that there are for this server, reads what was kept, and listens for `ctl`.
    ///
    /// # Errors
    /// A folder that somebody has named cannot be used, or there are bans that cannot be read.
    pub(super) fn open(config: &Config, environment: &Environment) -> Result<Self, Failed> {
        let is_passing = config.listen.port_or(CHAT_PORT) == 0;
        let places = Places::of(config.state_dir.as_deref(), environment, is_passing);
        let held = places.hold().map_err(Failed::State)?;
        // Who cannot have the folder is not the server that it is about.
        let is_ours = held.is_some() || places.state.is_none();
        let bans_file = places.bans().filter(|_| held.is_some()).map(BansFile::new);
        let bans = match &bans_file {
            Some(file) => file.load().map_err(Failed::Bans)?,
            None => Vec::new(),
        };
        let socket = match places.socket().filter(|_| is_ours).map(|path| ControlSocket::bind(&path)) {
            Some(Ok(socket)) => Some(socket),
            Some(Err(error)) if places.is_asked_for => return Err(Failed::Control(error)),
            Some(Err(error)) => {
                tracing::warn!("{error}: 'backchat-server ctl' cannot be used");
                None
            }
            None => None,
        };
        Ok(Self { _held: held, bans_file, bans, socket })
    }

    /// Tells where it all is.
    pub(super) fn announce(&self) {
        let path = |path: Option<&Path>| path.map(shown);
        tracing::info!(
            control = path(self.socket.as_ref().map(ControlSocket::path)),
            bans = path(self.bans_file.as_ref().map(BansFile::path)),
            banned = self.bans.len(),
            "state"
        );
    }
}

/// Where things are, before anything was created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// What is kept is kept there.
    state: Option<PathBuf>,
    /// The control socket is there.
    runtime: Option<PathBuf>,
    /// Somebody has named the folder: it is an error when it cannot be used.
    is_asked_for: bool,
    /// What is kept there is this server's.
    keeps: bool,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoState {
    /// Another server has it.
    #[error(
        "another server uses {}: stop it, or give this one a folder of its own with --state-dir",
        shown(.0)
    )]
    InUse(PathBuf),
    /// It cannot be made or written.
    #[error(
        "cannot use {} to keep state: {source}; choose another folder with --state-dir",
        shown(.folder)
    )]
    Unusable {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The folder of the state, which no other server uses while this lives.
#[derive(Debug)]
pub(super) struct Held {
    _lock: File,
}

impl Places {
    /// As `--state-dir`, systemd (`STATE_DIRECTORY`, `RUNTIME_DIRECTORY`) or the XDG base directory specification say, in
    /// this order. `is_passing`: the server's port is one that nobody knows beforehand.
    pub(super) fn of(asked: Option<&Path>, environment: &Environment, is_passing: bool) -> Self {
        if let Some(folder) = asked {
            let folder = Some(folder.to_owned());
            return Self { state: folder.clone(), runtime: folder, is_asked_for: true, keeps: true };
        }
        let service = directory(environment, "STATE_DIRECTORY");
        let xdg = base(environment, "XDG_STATE_HOME").map(|base| base.join("backchat/server"));
        let home = || base(environment, "HOME").map(|home| home.join(".local/state/backchat/server"));
        let keeps = service.is_some() || xdg.is_some() || !is_passing;
        let is_asked_for = service.is_some();
        let state = service.or(xdg).or_else(home);
        let runtime = directory(environment, "RUNTIME_DIRECTORY")
            .or_else(|| base(environment, "XDG_RUNTIME_DIR").map(|base| base.join("backchat")))
            .or_else(|| state.clone());
        Self { state, runtime, is_asked_for, keeps }
    }

    /// Takes the folder of the state; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be used, and somebody has named it. Otherwise that is a warning, and the server goes without.
    pub(super) fn hold(&self) -> Result<Option<Held>, NoState> {
        let Some(folder) = &self.state else { return Ok(None) };
        match Held::new(folder) {
            Ok(held) => Ok(Some(held)),
            Err(error) if self.is_asked_for => Err(error),
            Err(error) => {
                tracing::warn!("{error}; this one keeps no bans and has no control socket");
                Ok(None)
            }
        }
    }

    /// The folder that somebody has named, for what is kept.
    pub(super) fn named(&self) -> Option<&Path> {
        self.state.as_deref().filter(|_| self.is_asked_for)
    }

    /// Where the bans are kept, if they are.
    pub(super) fn bans(&self) -> Option<PathBuf> {
        self.state.as_ref().filter(|_| self.keeps).map(|folder| folder.join(bans::NAME))
    }

    /// Where the control socket is, if there is one.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        self.runtime.as_ref().filter(|_| cfg!(unix)).map(|folder| folder.join(SOCKET))
    }

    /// Where `ctl` looks for the socket of a server that was started like this, or as a service.
    #[cfg(unix)]
    pub(super) fn sockets(&self) -> Vec<PathBuf> {
        let service =
            (!self.is_asked_for || self.runtime != self.state).then(|| PathBuf::from(SERVICE).join(SOCKET));
        let beside = self.state.as_ref().map(|folder| folder.join(SOCKET));
        let mut all: Vec<PathBuf> = self.socket().into_iter().chain(beside).chain(service).collect();
        all.dedup();
        all
    }
}

impl Held {
    fn new(folder: &Path) -> Result<Self, NoState> {
        let unusable = |source| NoState::Unusable { folder: folder.to_owned(), source };
        create_folder(folder).map_err(unusable)?;
        let lock = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(folder.join(LOCK))
            .map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(NoState::InUse(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

/// "All paths set in these environment variables must be absolute"; others are to be ignored.
fn base(environment: &Environment, name: &str) -> Option<PathBuf> {
    environment.raw(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// A folder that systemd has made: several are separated by colons, and the first is ours.
fn directory(environment: &Environment, name: &str) -> Option<PathBuf> {
    let all = environment.raw(name)?;
    let first = all.to_string_lossy().split(':').next().map(PathBuf::from);
    first.filter(|path| path.is_absolute())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn places(asked: Option<&str>, variables: &[(&str, &str)], is_passing: bool) -> Places {
        Places::of(asked.map(Path::new), &Environment::of(variables), is_passing)
    }

    #[test]
    fn folders_are_those_that_somebody_names_or_the_system_gives() {
        let home = ("HOME", "/home/ann");
        let of = |asked, variables: &[(&str, &str)], is_passing| {
            let places = places(asked, variables, is_passing);
            let text = |path: Option<PathBuf>| path.map(|path| path.to_string_lossy().into_owned());
            (text(places.bans()), text(places.socket()))
        };
        let some = |bans: &str, socket: &str| (Some(bans.to_owned()), Some(socket.to_owned()));
        assert_eq!(of(Some("/s"), &[home], true), some("/s/bans.jsonl", "/s/control.sock"));
        let systemd = [("STATE_DIRECTORY", "/var/lib/b:/x"), ("RUNTIME_DIRECTORY", "/run/b"), home];
        assert_eq!(of(None, &systemd, true), some("/var/lib/b/bans.jsonl", "/run/b/control.sock"));
        let at_home = "/home/ann/.local/state/backchat/server";
        assert_eq!(
            of(None, &[home], false),
            some(&format!("{at_home}/bans.jsonl"), &format!("{at_home}/control.sock"))
        );
        assert_eq!(of(None, &[home], true), (None, Some(format!("{at_home}/control.sock"))));
        let xdg = [home, ("XDG_STATE_HOME", "/state"), ("XDG_RUNTIME_DIR", "/run/user/7")];
        assert_eq!(
            of(None, &xdg, true),
            some("/state/backchat/server/bans.jsonl", "/run/user/7/backchat/control.sock")
        );
        assert_eq!(of(None, &[("XDG_STATE_HOME", "relative")], false), (None, None));
    }

    #[test]
    fn a_socket_is_looked_for_where_a_server_would_have_it_and_where_the_service_has_it() {
        let sockets = |asked, variables: &[(&str, &str)]| places(asked, variables, false).sockets();
        assert_eq!(sockets(Some("/s"), &[("HOME", "/h")]), [PathBuf::from("/s/control.sock")]);
        let expected = ["/run/user/7/backchat", "/h/.local/state/backchat/server", "/run/backchat"];
        assert_eq!(
            sockets(None, &[("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/7")]),
            expected.map(|folder| Path::new(folder).join(SOCKET))
        );
        assert_eq!(sockets(None, &[]), [Path::new("/run/backchat/control.sock")]);
    }

    #[test]
    fn two_servers_do_not_share_a_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let asked = Places::of(Some(&path), &Environment::of(&[]), true);
        let held = asked.hold().expect("free").expect("named");
        assert!(path.is_dir());
        assert!(matches!(asked.hold(), Err(NoState::InUse(_))));
        let implied = Places { is_asked_for: false, ..asked.clone() };
        assert!(implied.hold().expect("a warning").is_none());
        drop(held);
        assert!(asked.hold().expect("free again").is_some());
        std::fs::write(folder.path().join("file"), "").expect("written");
        let file = Places::of(Some(&folder.path().join("file")), &Environment::of(&[]), true);
        assert!(matches!(file.hold(), Err(NoState::Unusable { .. })));
    }
}
