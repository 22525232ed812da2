//! Tokens that a session can be resumed with by another process: after a crash, or a closed window.
//!
//! One file for each server and nickname, readable by its owner alone, and locked while a client uses it: a second client
//! must not push the first out of its session. Leaving in good order removes it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use backchat_core::chat::Nickname;
use backchat_core::chat::client::Comeback;
use serde::{Deserialize, Serialize};

use super::Home;
use crate::cli::private::{create_folder, private};

/// Longest file that is read: a token and a few numbers.
const MAX_BYTES: u64 = 4096;

/// Request ids of one life of the client begin here, times the life: no two lives use the same.
const IDS_A_LIFE: u64 = 1 << 32;

/// Lives after which they begin anew, so that ids stay below 2^53.
const MAX_LIVES: u32 = 1 << 20;

/// What the file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// How many clients have used this session.
    lives: u32,
    token: Option<backchat_core::hex::Hex<16>>,
    epoch: Option<backchat_core::hex::Hex<8>>,
    /// The last message that was there when it was joined.
    seen: u64,
}

/// A session's file, while it is ours.
#[derive(Debug)]
pub struct Keeper {
    path: PathBuf,
    file: File,
    kept: Kept,
}

impl Home {
    /// The file of a session; `None` where another client has it, or nothing can be kept.
    pub fn keeper(&self, server: &str, nick: &Nickname) -> Option<Keeper> {
        let folder = self.state.as_ref()?;
        create_folder(folder).ok()?;
        let name = blake3::hash(format!("{server}\n{}", nick.as_str().to_ascii_lowercase()).as_bytes());
        let path = folder.join(format!("session-{}", name.to_hex().get(..16)?));
        let file = private(OpenOptions::new().read(true).write(true).create(true).truncate(false))
            .open(&path)
            .ok()?;
        file.try_lock().ok()?;
        let mut text = String::new();
        // A file that somebody has damaged is one that keeps nothing.
        let _ = (&file).take(MAX_BYTES).read_to_string(&mut text);
        let mut kept: Kept = serde_json::from_str(&text).unwrap_or_default();
        // Whatever somebody has written there.
        kept.lives = (kept.lives % MAX_LIVES + 1) % MAX_LIVES;
        Some(Keeper { path, file, kept })
    }
}

impl Keeper {
    /// What the session goes on with; `None` where there was none.
    pub fn comeback(&self) -> Option<Comeback> {
        let Kept { lives, token, epoch, seen } = self.kept;
        Some(Comeback { token: token?, epoch: epoch?, seen, requests: u64::from(lives) * IDS_A_LIFE })
    }

    /// The server has given a token.
    ///
    /// # Errors
    /// It could not be written.
    pub fn keep(&mut self, comeback: &Comeback) -> io::Result<()> {
        self.kept.token = Some(comeback.token);
        self.kept.epoch = Some(comeback.epoch);
        self.kept.seen = comeback.seen;
        let text = serde_json::to_string(&self.kept)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// The session is over.
    pub fn forget(self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_once_and_never_to_two() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = Home { config: None, state: Some(folder.path().to_owned()) };
        let nick = Nickname::parse("ann").expect("a nickname");
        let mut keeper = home.keeper("h:7", &nick).expect("free");
        assert_eq!(keeper.comeback(), None);
        let first = Comeback {
            token: backchat_core::hex::Hex([7; 16]),
            epoch: backchat_core::hex::Hex([8; 8]),
            seen: 42,
            requests: 0,
        };
        keeper.keep(&first).expect("written");
        assert!(home.keeper("h:7", &nick).is_none(), "locked");
        assert!(home.keeper("other:7", &nick).is_some(), "another session");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&keeper.path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(keeper);
        let keeper = home.keeper("h:7", &nick).expect("free again");
        let again = keeper.comeback().expect("kept");
        assert_eq!((again.token, again.seen), (first.token, 42));
        assert!(again.requests >= IDS_A_LIFE, "ids of this life are its own");
        keeper.forget();
        assert_eq!(home.keeper("h:7", &nick).expect("free").comeback(), None);
    }
}
