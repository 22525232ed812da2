//! A download to standard output, a FIFO or a device: nothing is kept, nothing is taken back.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use backchat_core::node::Have;
use backchat_core::wire::Hash;

use super::Answer;
use super::opening::Opening;
use crate::files::content::{Content, Hasher as _};
use crate::files::disk::Disk;
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

/// Writes in order and hashes along.
pub(super) struct StreamWriter<C: Content> {
    output: Output,
    hasher: C::Hasher,
    position: u64,
    has_failed: bool,
}

enum Output {
    Stdout(Box<dyn Write + Send>),
    /// What has this path; `None` until it is open.
    Path(PathBuf, Option<Box<dyn Write + Send>>),
}

impl<C: Content> StreamWriter<C> {
    pub(super) fn stdout(output: Box<dyn Write + Send>) -> Self {
        Self::new(Output::Stdout(output))
    }

    pub(super) fn at(path: PathBuf) -> Self {
        Self::new(Output::Path(path, None))
    }

    fn new(output: Output) -> Self {
        Self { output, hasher: C::Hasher::default(), position: 0, has_failed: false }
    }

    /// Standard output, if it was that.
    pub(super) fn into_stdout(self) -> Option<Box<dyn Write + Send>> {
        match self.output {
            Output::Stdout(output) => Some(output),
            Output::Path(..) => None,
        }
    }

    /// Opens what is not open yet: for a FIFO that takes until somebody reads it.
    pub(super) fn open(&mut self, disk: &impl Disk) -> Result<Opening, TargetError> {
        if let Output::Path(path, output) = &mut self.output {
            let opened = disk.open_stream(path);
            *output = Some(opened.map_err(|error| TargetError::from_io("open", path, 0, error))?);
        }
        let event = TargetEvent::Opened { path: self.path(), partial: None, resumed_from: 0 };
        Ok(Opening::Open { have: Have { length: 0, hash: Hash::of_nothing() }, event })
    }

    pub(super) fn write(&mut self, buffer: C) -> Answer<C> {
        if self.has_failed {
            return Answer::Dropped;
        }
        match self.output.write_all(&buffer.bytes()) {
            Ok(()) => {
                self.hasher.update(&buffer, 0);
                self.position += buffer.len();
                Answer::Written { through: self.position, buffer }
            }
            Err(error) => {
                self.has_failed = true;
                Answer::Failed(self.explain(error))
            }
        }
    }

    pub(super) fn restart(&mut self) -> Answer<C> {
        if self.position == 0 {
            return Answer::Restarted;
        }
        self.has_failed = true;
        Answer::Failed(TargetError::StreamRestart { path: self.spoken() })
    }

    pub(super) fn digest(&self) -> Hash {
        self.hasher.digest()
    }

    /// What is told when it is given up.
    pub(super) fn closed(&self) -> TargetEvent {
        TargetEvent::Closed { path: self.path() }
    }

    pub(super) fn commit(&mut self) -> Result<TargetEvent, TargetError> {
        match self.output.flush() {
            Ok(()) => Ok(TargetEvent::Committed { path: self.path() }),
            Err(error) => Err(self.explain(error)),
        }
    }

    /// As its user would write it.
    fn path(&self) -> PathBuf {
        match &self.output {
            Output::Stdout(_) => PathBuf::from("-"),
            Output::Path(path, _) => path.clone(),
        }
    }

    /// As it is spoken of.
    fn spoken(&self) -> PathBuf {
        match &self.output {
            Output::Stdout(_) => Path::new("standard output").to_owned(),
            Output::Path(path, _) => path.clone(),
        }
    }

    fn explain(&self, error: io::Error) -> TargetError {
        if error.kind() == io::ErrorKind::BrokenPipe && matches!(self.output, Output::Stdout(_)) {
            return TargetError::StdoutClosed;
        }
        TargetError::from_io("write", &self.spoken(), 0, error)
    }
}

impl Output {
    fn as_write(&mut self) -> io::Result<&mut dyn Write> {
        match self {
            Self::Stdout(output) | Self::Path(_, Some(output)) => Ok(&mut **output),
            Self::Path(_, None) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.as_write()?.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.as_write()?.flush()
    }
}
