//! The files of nodes, with payloads as ranges or as bytes.
//!
//! As bytes they are the shipped ones, [`FolderShare`] and [`FileTargets`], on disks in memory. As ranges they are models of
//! those that do the same things in the same order and hold no bytes: of which file a byte is, and where it stands in that
//! file, says what it is. A run has the same trace with either, and a test holds that.
//!
//! Nothing here takes virtual time: what is asked for is there when the node looks for it next.
//!
//! - `content`: what a file consists of. `disk`: what is on a client's. `share`, `targets`: the two models.

mod content;
mod disk;
mod share;
mod targets;

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use backchat::files::memory::MemoryDisk;
use backchat::files::{
    FileTargets, FolderShare, NotHeld, Share as _, ShareCompletion, TargetCompletion, TargetOp, TargetSpec,
    Targets as _, Where,
};
use backchat_core::chat::FileName;
use backchat_core::node::{DownloadId, ShareRequest};
use backchat_core::wire::Packet;

pub(super) use self::content::Piece;
use self::disk::RangeDisk;
use self::share::RangeShare;
use self::targets::RangeTargets;
use super::flights::{Filling, segment};
use super::outside::Payloads;
use crate::engine::contents::{Contents, SHARE};
use crate::engine::user::{DOWNLOADS, Found};

/// What a completion interface has at this moment.
fn at_once<T>(next: impl Future<Output = T>) -> Option<T> {
    match pin!(next).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(it) => Some(it),
        Poll::Pending => None,
    }
}

/// The server's files.
pub(super) enum Share {
    Ranges(RangeShare),
    Bytes(Box<FolderShare<MemoryDisk>>),
}

impl Share {
    pub(super) fn open(contents: &Contents, payloads: Payloads) -> io::Result<Self> {
        match payloads {
            Payloads::Ranges => Ok(Self::Ranges(RangeShare::default())),
            Payloads::Bytes => {
                let share = FolderShare::open(contents.disk(), SHARE, Where::Inline)?;
                Ok(Self::Bytes(Box::new(share)))
            }
        }
    }

    /// Takes a request.
    pub(super) fn submit(&mut self, request: ShareRequest, contents: &Contents) {
        match self {
            Self::Ranges(share) => share.submit(request, contents),
            Self::Bytes(share) => share.submit(request),
        }
    }

    /// The next answer, if there is one.
    pub(super) fn poll(&mut self, contents: &Contents) -> Option<ShareCompletion> {
        match self {
            Self::Ranges(share) => share.poll(contents),
            Self::Bytes(share) => at_once(share.next()),
        }
    }

    /// What fills a segment.
    pub(super) fn fill(&self, packet: &Packet) -> Result<Filling, NotHeld> {
        let segment = segment(packet).ok_or(NotHeld)?;
        match self {
            Self::Ranges(share) => share.source(segment.transfer(), &segment.range()).map(Filling::Of),
            Self::Bytes(share) => {
                let (mut sealed, mut result) = (Vec::new(), Ok(()));
                segment.write_into(&mut sealed, |range, place| {
                    result = share.copy(segment.transfer(), range, place);
                });
                result.map(|()| Filling::Sealed(sealed))
            }
        }
    }
}

/// A client's disk. It outlives the client.
#[derive(Debug)]
pub(super) enum Disk {
    Ranges(RangeDisk),
    Bytes(MemoryDisk),
}

impl Disk {
    pub(super) fn new(payloads: Payloads) -> Self {
        match payloads {
            Payloads::Ranges => Self::Ranges(RangeDisk::default()),
            Payloads::Bytes => {
                let disk = MemoryDisk::new();
                disk.add_folder(DOWNLOADS);
                Self::Bytes(disk)
            }
        }
    }

    /// What was not synced is gone.
    pub(super) fn lose_power(&mut self) {
        match self {
            Self::Ranges(disk) => disk.lose_power(),
            Self::Bytes(disk) => disk.lose_power(),
        }
    }

    /// What is at `path`, where the shared file `name` should be.
    pub(super) fn look(&self, path: &Path, name: &str, contents: &Contents) -> Found {
        match self {
            Self::Ranges(disk) => disk.look(path, name, contents),
            Self::Bytes(disk) => contents.compare(name, &disk.read(path).unwrap_or_default()),
        }
    }
}

/// The files that one life of a client writes.
pub(super) enum Targets {
    Ranges(RangeTargets),
    Bytes(Box<FileTargets<MemoryDisk>>),
}

/// What a target tells.
#[derive(Debug)]
pub(super) enum Told {
    /// The core waits for it.
    Core(TargetCompletion),
    /// Only an application would want to know.
    Application,
}

impl Targets {
    pub(super) fn new(disk: &Disk) -> Self {
        match disk {
            Disk::Ranges(_) => Self::Ranges(RangeTargets::default()),
            Disk::Bytes(disk) => {
                let targets = FileTargets::new(disk.clone(), Box::new(io::sink()), Where::Inline);
                Self::Bytes(Box::new(targets))
            }
        }
    }

    /// Opens what a download becomes.
    pub(super) fn open(&mut self, download: DownloadId, name: &FileName, spec: TargetSpec, on: &mut On<'_>) {
        match self {
            Self::Ranges(targets) => targets.open(download, name, spec, on),
            Self::Bytes(targets) => targets.open(download, name, spec),
        }
    }

    /// Takes a piece of a file, to be written at `offset`.
    pub(super) fn write(&mut self, download: DownloadId, offset: u64, piece: Piece) {
        match (self, piece) {
            (Self::Ranges(targets), piece) => targets.write(download, offset, piece),
            (Self::Bytes(targets), Piece::Bytes(bytes)) => targets.write(download, offset, &bytes),
            (Self::Bytes(_), Piece::Of { .. }) => debug_assert!(false, "every datagram has its bytes"),
        }
    }

    /// Takes a request about a file that is open.
    pub(super) fn submit(&mut self, download: DownloadId, op: TargetOp, on: &mut On<'_>) {
        match self {
            Self::Ranges(targets) => targets.submit(download, op, on),
            Self::Bytes(targets) => targets.submit(download, op),
        }
    }

    /// What was taken goes to files that are idle.
    pub(super) fn flush(&mut self, on: &mut On<'_>) {
        match self {
            Self::Ranges(targets) => targets.flush(on),
            Self::Bytes(targets) => targets.flush(),
        }
    }

    /// The next answer, if there is one.
    pub(super) fn poll(&mut self, on: &mut On<'_>) -> Option<Told> {
        match self {
            Self::Ranges(targets) => targets.poll(on),
            Self::Bytes(targets) => at_once(targets.next()).map(|completion| match completion {
                TargetCompletion::Event { .. } => Told::Application,
                completion => Told::Core(completion),
            }),
        }
    }

    /// Whether no file is open and everything that happened was told.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Ranges(targets) => targets.is_idle(),
            Self::Bytes(targets) => targets.is_idle(),
        }
    }
}

/// What targets are on.
pub(super) struct On<'a> {
    pub(super) disk: &'a mut Disk,
    pub(super) contents: &'a Contents,
}

impl On<'_> {
    fn ranges(&mut self) -> Option<(&mut RangeDisk, &Contents)> {
        match self.disk {
            Disk::Ranges(disk) => Some((disk, self.contents)),
            Disk::Bytes(_) => None,
        }
    }
}
