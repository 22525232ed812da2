//! `--check-config`: what would keep a server from starting, found out without starting it.
//!
//! A server may be running meanwhile, so no port is taken and no folder locked.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use super::binding::{Address, Failed, open_share};
use super::state::bans::BansFile;
use super::state::{NoState, Places};
use crate::cli::args::Environment;
use crate::cli::config::Config;

/// Everything that is wrong with what `config` names, the first first.
pub(super) async fn check(config: &Config, environment: &Environment) -> Vec<Failed> {
    let mut failed = Vec::new();
    if let Some(folder) = &config.share {
        let listed = open_share(folder)
            .and_then(|share| share.list().map(drop).map_err(|error| Failed::share(folder, error)));
        failed.extend(listed.err());
    }
    for address in Address::all(config) {
        failed.extend(bind(&address).await.err());
    }
    let places = Places::of(config.state_dir.as_deref(), environment, false);
    let usable = places.named().map(|folder| {
        is_usable(folder).map_err(|source| NoState::Unusable { folder: folder.to_owned(), source })
    });
    match usable {
        Some(Err(error)) => failed.push(Failed::State(error)),
        Some(Ok(())) | None => {
            failed.extend(places.bans().and_then(|path| BansFile::new(path).check().err()).map(Failed::Bans));
        }
    }
    failed
}

/// Finds the address and takes any port there: whoever uses the one that is meant may be the server that runs.
async fn bind(address: &Address<'_>) -> Result<(), Failed> {
    let mut last = None;
    for found in address.resolve().await? {
        let any = SocketAddr::new(found.ip(), 0);
        let bound =
            if address.is_udp() { UdpSocket::bind(any).map(drop) } else { TcpListener::bind(any).map(drop) };
        match bound {
            Ok(()) => return Ok(()),
            Err(error) => last = Some(address.unbindable(found, error)),
        }
    }
    Err(last.unwrap_or_else(|| address.unresolved()))
}

/// Whether files can be made in a folder, which may be one that would have to be made.
fn is_usable(folder: &Path) -> io::Result<()> {
    let mut there = folder;
    loop {
        match fs::metadata(there) {
            Ok(it) if !it.is_dir() => return Err(io::ErrorKind::NotADirectory.into()),
            Ok(_) => return is_writable(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match there.parent() {
                Some(parent) if parent.as_os_str().is_empty() => there = Path::new("."),
                Some(parent) => there = parent,
                None => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
}

#[cfg(unix)]
fn is_writable(folder: &Path) -> io::Result<()> {
    use rustix::fs::{Access, access};
    Ok(access(folder, Access::WRITE_OK | Access::EXEC_OK)?)
}

/// Only who tries knows.
#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
fn is_writable(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_would_have_to_be_made_is_usable_where_it_can_be() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(is_usable(folder.path()).is_ok());
        assert!(is_usable(&folder.path().join("a/b/c")).is_ok());
        fs::write(folder.path().join("file"), "").expect("written");
        assert!(is_usable(&folder.path().join("file")).is_err());
        assert!(is_usable(&folder.path().join("file/a")).is_err());
        assert!(is_usable(Path::new("relative/folder")).is_ok());
    }

    #[tokio::test]
    async fn everything_that_is_wrong_is_found_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = Config {
            share: Some(folder.path().join("missing")),
            // Documentation's, nobody's: RFC 5737.
            listen: "192.0.2.1:1".parse().expect("an address"),
            udp: "224.0.0.1:1".parse().expect("an address"),
            state_dir: Some("/dev/null/state".into()),
            ..Config::default()
        };
        let found: Vec<String> =
            check(&config, &Environment::of(&[])).await.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 4, "{found:?}");
        for (found, part) in
            found.iter().zip(["does not exist", "224.0.0.1", "cannot use 192.0.2.1:1", "to keep state"])
        {
            assert!(found.contains(part), "{found}");
        }
        assert!(check(&Config::default(), &Environment::of(&[])).await.is_empty());
    }
}
