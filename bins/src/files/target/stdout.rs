//! A download to standard output: nothing is kept, nothing is taken back.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use backchat_core::node::Have;
use backchat_core::wire::Hash;

use super::Answer;
use super::opening::Opening;
use crate::files::error::{TargetError, TargetEvent};

/// The process' standard output without std's line buffer, which would search each megabyte for line feeds.
///
/// # Errors
/// It is closed.
pub fn stdout() -> io::Result<Box<dyn Write + Send>> {
    #[cfg(unix)]
    let output = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let output = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
    Ok(Box::new(File::from(output)))
}

/// Writes to standard output and hashes along.
pub(super) struct StdoutWriter {
    output: Box<dyn Write + Send>,
    hasher: blake3::Hasher,
    position: u64,
    has_failed: bool,
}

impl StdoutWriter {
    pub(super) fn new(output: Box<dyn Write + Send>) -> Self {
        Self { output, hasher: blake3::Hasher::new(), position: 0, has_failed: false }
    }

    pub(super) fn into_inner(self) -> Box<dyn Write + Send> {
        self.output
    }

    pub(super) fn opening(&mut self) -> Opening {
        Opening::Open {
            have: Have { length: 0, hash: Hash::of_nothing() },
            event: TargetEvent::Opened { path: PathBuf::from("-"), partial: None, resumed_from: 0 },
        }
    }

    pub(super) fn write(&mut self, buffer: Vec<u8>) -> Answer {
        if self.has_failed {
            return Answer::Dropped;
        }
        match self.output.write_all(&buffer) {
            Ok(()) => {
                self.hasher.update(&buffer);
                self.position += buffer.len() as u64;
                Answer::Written { through: self.position, buffer }
            }
            Err(error) => self.fail("write", error),
        }
    }

    pub(super) fn restart(&mut self) -> Answer {
        if self.position == 0 {
            return Answer::Restarted;
        }
        self.has_failed = true;
        Answer::Failed(TargetError::StdoutRestart)
    }

    pub(super) fn digest(&self) -> Hash {
        Hash(*self.hasher.finalize().as_bytes())
    }

    /// What is told when it is given up.
    pub(super) fn closed() -> TargetEvent {
        TargetEvent::Closed { path: PathBuf::from("-") }
    }

    pub(super) fn commit(&mut self) -> Result<TargetEvent, TargetError> {
        match self.output.flush() {
            Ok(()) => Ok(TargetEvent::Committed { path: PathBuf::from("-") }),
            Err(error) => Err(Self::explain("write", error)),
        }
    }

    fn fail(&mut self, doing: &'static str, error: io::Error) -> Answer {
        self.has_failed = true;
        Answer::Failed(Self::explain(doing, error))
    }

    fn explain(doing: &'static str, error: io::Error) -> TargetError {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return TargetError::StdoutClosed;
        }
        TargetError::from_io(doing, Path::new("standard output"), 0, error)
    }
}
