//! Bans that survive a restart: a file of one object a line, written whole or not at all.
//!
//! The server owns the file: it is read at the start and written with each ban. A file with a line that cannot be read
//! is kept aside as it is before anything is written over it, and the lines that can be read hold.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use backchat_core::chat::frame::check_text;
use backchat_core::chat::{AddressRange, Ban, Bans, Nickname, StoredBan, Whom};
use backchat_core::time::UnixTime;
use serde_json::{Map, Value};

use crate::cli::private::{Durability, private, replace};
use crate::paths::shown;

/// The file's name in the folder of the state.
pub(super) const NAME: &str = "bans.jsonl";

/// Most bytes of it: as many bans as are kept, each with the longest reason, have less.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// Most files that are kept aside. With more, somebody has to look at them first.
const ASIDE_MAX: u32 = 100;

/// Most complaints about single lines: the file is kept aside, and has them all.
const COMPLAINTS_MAX: usize = 5;

/// The file.
#[derive(Clone, Debug)]
pub(in crate::cli::server) struct BansFile {
    path: PathBuf,
}

/// Why a server does not start: it would write over what it has not read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli::server) enum Unreadable {
    /// It cannot be read.
    #[error("cannot read the bans in {}: {source}", shown(.path))]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A server would start without what is wrong in it.
    #[error("{}:{complaint}", shown(.path))]
    Broken {
        /// Which file.
        path: PathBuf,
        /// The line, and what is wrong there.
        complaint: String,
    },
    /// It is broken, and cannot be kept.
    #[error("the bans in {} are broken, and cannot be kept aside: {source}", shown(.path))]
    NotKept {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl BansFile {
    /// The file at `path`, which need not be there.
    pub(in crate::cli::server) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it is.
    pub(in crate::cli::server) fn path(&self) -> &Path {
        &self.path
    }

    /// What it says. Complaints about it go to the log.
    ///
    /// # Errors
    /// It is there and cannot be read, or is broken and cannot be kept.
    pub(in crate::cli::server) fn load(&self) -> Result<Vec<StoredBan>, Unreadable> {
        let bytes = self.read()?;
        let (bans, complaints) = parse(&bytes);
        if complaints.is_empty() {
            return Ok(bans);
        }
        let aside =
            self.keep_aside().map_err(|source| Unreadable::NotKept { path: self.path.clone(), source })?;
        for complaint in complaints.iter().take(COMPLAINTS_MAX) {
            tracing::error!("{}:{complaint}", shown(&self.path));
        }
        tracing::error!(
            unreadable = complaints.len(),
            read = bans.len(),
            "not every ban could be read: the file is kept as {}; the others hold",
            shown(&aside)
        );
        Ok(bans)
    }

    /// Finds out whether it can be read, and every line of it.
    ///
    /// # Errors
    /// It is there and cannot be read, or is broken.
    pub(in crate::cli::server) fn check(&self) -> Result<(), Unreadable> {
        let complaints = parse(&self.read()?).1;
        match complaints.into_iter().next() {
            Some(complaint) => Err(Unreadable::Broken { path: self.path.clone(), complaint }),
            None => Ok(()),
        }
    }

    fn read(&self) -> Result<Vec<u8>, Unreadable> {
        let failed = |source| Unreadable::Io { path: self.path.clone(), source };
        let mut bytes = Vec::new();
        match File::open(&self.path) {
            Ok(file) => file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(failed(error)),
        };
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(failed(io::Error::other(format!("it is larger than {FILE_BYTES_MAX} bytes"))));
        }
        Ok(bytes)
    }

    /// Copies the file to a name that nothing has.
    fn keep_aside(&self) -> io::Result<PathBuf> {
        for number in 1..=ASIDE_MAX {
            let aside = self.path.with_file_name(format!("{NAME}.broken-{number}"));
            match private(OpenOptions::new().write(true).create_new(true)).open(&aside) {
                Ok(mut copy) => {
                    io::copy(&mut File::open(&self.path)?, &mut copy)?;
                    copy.sync_all()?;
                    return Ok(aside);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!(
            "there are {ASIDE_MAX} broken files already: look at them, and remove them"
        )))
    }

    /// Writes these in the place of what there was, and returns when they are on the disk.
    ///
    /// # Errors
    /// What there was is still there.
    pub(in crate::cli::server) fn write(&self, bans: &[(Ban, Option<UnixTime>)]) -> io::Result<()> {
        let mut text = String::new();
        for (ban, until) in bans {
            let object = crate::cli::server::admin::ban_object(&ban.whom, *until, ban.reason.as_deref());
            text += &Value::Object(object).to_string();
            text.push('\n');
        }
        // Left by a server that was killed in the middle of this; the lock says that it is no other's.
        let new = self.path.with_extension("new");
        replace(&new, &self.path, text.as_bytes(), Durability::Synced)
    }
}

/// The bans of a file, and what is wrong with it as `LINE: WHAT`.
pub(in crate::cli::server) fn parse(bytes: &[u8]) -> (Vec<StoredBan>, Vec<String>) {
    let (mut bans, mut complaints) = (Vec::new(), Vec::new());
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match ban(line) {
            Ok(_) if bans.len() >= Bans::MOST => {
                complaints.push(format!("{}: no more than {} bans are kept", number + 1, Bans::MOST));
            }
            Ok(ban) => bans.push(ban),
            Err(error) => complaints.push(format!("{}: {error}", number + 1)),
        }
    }
    (bans, complaints)
}

fn ban(line: &[u8]) -> Result<StoredBan, String> {
    let object: Map<String, Value> =
        serde_json::from_slice(line).map_err(|_| "this is no JSON object".to_owned())?;
    let text = |key: &str| match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(format!("{key} is not a text")),
    };
    let whom = match (text("nick")?, text("network")?) {
        (Some(nick), None) => Whom::Nick(Nickname::parse(nick).map_err(|error| error.to_string())?),
        (None, Some(network)) => {
            Whom::Range(network.parse::<AddressRange>().map_err(|error| format!("network: {error}"))?)
        }
        _ => return Err("expected either nick or network".to_owned()),
    };
    let until = match text("until")? {
        None => None,
        Some(until) => {
            let expected = "until: expected a time such as 2026-11-22T12:00:00Z";
            Some(UnixTime::parse(until).ok_or_else(|| expected.to_owned())?)
        }
    };
    let reason = text("reason")?.map(str::to_owned);
    if let Some(reason) = &reason {
        check_text(reason, Bans::MAX_REASON_BYTES).map_err(|error| format!("reason: {error}"))?;
    }
    Ok(StoredBan { whom, until, reason })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn file() -> (tempfile::TempDir, BansFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = BansFile::new(folder.path().join(NAME));
        (folder, file)
    }

    fn network(text: &str) -> Whom {
        Whom::Range(text.parse().expect("a range"))
    }

    #[test]
    fn what_is_written_is_read_back() {
        let (folder, file) = file();
        assert_eq!(file.load().expect("none yet"), []);
        let nick = Whom::Nick(Nickname::parse("Bob").expect("a nickname"));
        let until = Some(UnixTime::from_millis(1_795_348_800_000));
        let ban = |whom: &Whom, reason: Option<&str>| Ban {
            whom: whom.clone(),
            until: None,
            reason: reason.map(str::to_owned),
        };
        let written = [
            (ban(&nick, Some("said \"no\"\u{202e}")), until),
            (ban(&network("10.0.0.0/24"), None), None),
            (ban(&network("2001:db8::1"), None), until),
        ];
        for times in 0..2 {
            file.write(&written).expect("written");
            let read: Vec<_> =
                file.load().expect("read").into_iter().map(|it| (it.whom, it.until, it.reason)).collect();
            let expected = written.clone().map(|(ban, until)| (ban.whom, until, ban.reason));
            assert_eq!(read, expected, "time {times}");
        }
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1, "nothing else is left");
    }

    #[test]
    fn a_broken_file_is_kept_aside_and_its_good_lines_hold() {
        let (folder, file) = file();
        let text = "{\"nick\":\"bob\"}\n\nnonsense\n{\"network\":\"10.0.0.256\"}\n{\"network\":\"10.0.0.1\",\"new\":1}\n\
                    {\"nick\":\"eve\",\"until\":\"soon\"}\n{\"nick\":7}\n{}\n{\"nick\":\"zoe\"";
        for number in 1..=2 {
            fs::write(file.path(), text).expect("written");
            let whom: Vec<String> =
                file.load().expect("some").iter().map(|ban| ban.whom.to_string()).collect();
            assert_eq!(whom, ["bob", "10.0.0.1"]);
            let aside = folder.path().join(format!("{NAME}.broken-{number}"));
            assert_eq!(fs::read_to_string(aside).expect("kept"), text);
        }
    }

    #[test]
    fn complaints_name_the_line_and_what_was_expected_in_plain_words() {
        let (_, complaints) =
            parse(b"[]\n{\"nick\":\"a b\"}\n{\"network\":\"10.0.0.0/40\"}\n{\"nick\":\"x\",\"reason\":\"\"}");
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert_eq!(complaints[0], "1: this is no JSON object");
        assert_eq!(complaints[2], "3: network: expected a number of bits from 8 to 32 behind the slash");
    }

    #[test]
    fn what_cannot_be_written_leaves_what_there_was() {
        let (folder, file) = file();
        file.write(&[]).expect("written");
        fs::write(file.path(), "{\"nick\":\"bob\"}\n").expect("written");
        // A folder that is not empty cannot be removed, so nothing can be created there.
        fs::create_dir_all(folder.path().join("bans.new/x")).expect("a folder");
        assert!(file.write(&[]).is_err());
        assert_eq!(file.load().expect("read").len(), 1);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_bans_and_complaints(bytes: Vec<u8>) {
            let (_, complaints) = parse(&bytes);
            for complaint in complaints {
                proptest::prop_assert!(backchat_core::text::is_printable(&complaint), "{}", complaint);
            }
        }
    }
}
