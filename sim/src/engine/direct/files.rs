//! The files of nodes, with payloads as ranges or as bytes.
//!
//! They are the shipped ones, [`FolderShare`] and [`FileTargets`], on disks in memory. Only what the files consist of
//! differs: bytes, or [`Pieces`], which say of which file a byte is and where it stands in it. A run has the same trace
//! with either, and a test holds that.
//!
//! Nothing here takes virtual time: what is asked for is there when the node looks for it next.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::task::{Context, Poll};

use backchat::files::memory::MemoryDisk;
use backchat::files::{
    self, FileTargets, FolderShare, NotHeld, Share as _, ShareCompletion, TargetCompletion, TargetSpec,
};
use backchat_core::chat::FileName;
use backchat_core::node::{DownloadId, ShareRequest, TargetOp};
use backchat_core::wire::{Packet, TransferId};

use super::environment::Payloads;
use super::flights::{Filling, segment};
use crate::engine::contents::{Contents, SHARE};
use crate::engine::pieces::{Part, Pieces};
use crate::engine::user::{DOWNLOADS, Found};

/// The server's files.
pub(super) enum Share {
    Ranges(Box<FolderShare<MemoryDisk<Pieces>>>),
    Bytes(Box<FolderShare<MemoryDisk>>),
}

impl Share {
    pub(super) fn open(contents: &Contents, payloads: Payloads) -> io::Result<Self> {
        Ok(match payloads {
            Payloads::Ranges => {
                let disk = contents.disk(Pieces::of);
                Self::Ranges(Box::new(FolderShare::open(disk, SHARE)?))
            }
            Payloads::Bytes => {
                let disk = contents.disk(|file| file.bytes().to_vec());
                Self::Bytes(Box::new(FolderShare::open(disk, SHARE)?))
            }
        })
    }

    /// What fills a segment.
    pub(super) fn fill(&self, packet: &Packet) -> Result<Filling, NotHeld> {
        let segment = segment(packet).ok_or(NotHeld)?;
        match self {
            Self::Ranges(share) => {
                let range = segment.range();
                let (mut at, mut file) = (range.start, None);
                share.look(segment.transfer(), range, |pieces, part| {
                    file = pieces.origin(part.start).filter(|(_, place)| *place == at).map(|(file, _)| file);
                    at += part.end - part.start;
                })?;
                file.map(Filling::Of).ok_or(NotHeld)
            }
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

impl files::Share for Share {
    fn submit(&mut self, request: ShareRequest) {
        match self {
            Self::Ranges(share) => share.submit(request),
            Self::Bytes(share) => share.submit(request),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ShareCompletion> {
        match self {
            Self::Ranges(share) => share.poll_next(cx),
            Self::Bytes(share) => share.poll_next(cx),
        }
    }

    fn copy(&self, transfer: TransferId, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld> {
        match self {
            Self::Ranges(share) => share.copy(transfer, range, into),
            Self::Bytes(share) => share.copy(transfer, range, into),
        }
    }

    fn reload(&mut self) {
        match self {
            Self::Ranges(share) => share.reload(),
            Self::Bytes(share) => share.reload(),
        }
    }
}

/// A client's disk. It outlives the client.
#[derive(Debug)]
pub(super) enum Disk {
    Ranges(MemoryDisk<Pieces>),
    Bytes(MemoryDisk),
}

impl Disk {
    pub(super) fn new(payloads: Payloads) -> Self {
        match payloads {
            Payloads::Ranges => {
                let disk = MemoryDisk::default();
                disk.add_folder(DOWNLOADS);
                Self::Ranges(disk)
            }
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
            Self::Ranges(disk) => disk.read(path).unwrap_or_default().found(name, contents),
            Self::Bytes(disk) => contents.compare(name, &disk.read(path).unwrap_or_default()),
        }
    }
}

/// The files that one life of a client writes.
pub(super) enum Targets {
    Ranges(Box<FileTargets<MemoryDisk<Pieces>>>),
    Bytes(Box<FileTargets<MemoryDisk>>),
}

impl Targets {
    pub(super) fn new(disk: &Disk) -> Self {
        let stdout = Box::new(io::sink());
        match disk {
            Disk::Ranges(disk) => Self::Ranges(Box::new(FileTargets::new(disk.clone(), stdout))),
            Disk::Bytes(disk) => Self::Bytes(Box::new(FileTargets::new(disk.clone(), stdout))),
        }
    }
}

impl files::Targets for Targets {
    type Content = Pieces;

    fn open(&mut self, download: DownloadId, name: &FileName, spec: TargetSpec) {
        match self {
            Self::Ranges(targets) => targets.open(download, name, spec),
            Self::Bytes(targets) => targets.open(download, name, spec),
        }
    }

    fn write(&mut self, download: DownloadId, offset: u64, part: Part<'_>) {
        match (self, part) {
            (Self::Ranges(targets), part) => targets.write(download, offset, part),
            (Self::Bytes(targets), Part::Bytes(bytes)) => targets.write(download, offset, bytes),
            (Self::Bytes(_), Part::Of { .. }) => debug_assert!(false, "every datagram has its bytes"),
        }
    }

    fn submit(&mut self, download: DownloadId, op: TargetOp) {
        match self {
            Self::Ranges(targets) => targets.submit(download, op),
            Self::Bytes(targets) => targets.submit(download, op),
        }
    }

    fn flush(&mut self) {
        match self {
            Self::Ranges(targets) => targets.flush(),
            Self::Bytes(targets) => targets.flush(),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<TargetCompletion> {
        match self {
            Self::Ranges(targets) => targets.poll_next(cx),
            Self::Bytes(targets) => targets.poll_next(cx),
        }
    }

    fn is_idle(&self) -> bool {
        match self {
            Self::Ranges(targets) => targets.is_idle(),
            Self::Bytes(targets) => targets.is_idle(),
        }
    }
}
