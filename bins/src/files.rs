//! Files, seen from the loops: the server's share and the client's targets.
//!
//! Both are *completion interfaces*: a request is handed in and never waits, its answer comes from `poll_next` when
//! it is there, so that a slow disk never stalls the loop. The work itself is plain sequential code over a small
//! [`Disk`], real or in memory, carried out by the disk's [`executor`]: a pool of threads, or on the spot.
//!
//! - [`share`]: reads what the core asks for, keeps it until the core forgets it, and hashes along.
//! - [`target`]: writes into a partial file beside the final one, which gets its name when it is whole.
//! - [`disk`], [`real`], [`memory`]: what is asked of a file system, and two that answer.
//! - [`content`]: what files consist of: bytes, or what stands for them.
//!
//! Nothing here knows a packet or decides when to read: ranges and their order come from the core.

pub mod content;
pub mod disk;
mod error;
pub mod executor;
pub mod memory;
mod partial;
#[cfg_attr(windows, path = "files/windows.rs")]
pub mod real;
pub mod share;
mod spec;
pub mod target;

use std::future::{Future, poll_fn};
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll};

use backchat_core::chat::{FileEntry, FileName};
use backchat_core::node::{
    Client, DownloadId, FileError, FileMeta, Have, LocalError, ReadDone, Server, ShareRequest, TargetOp,
};
use backchat_core::time::Instant;
use backchat_core::wire::{Hash, TransferId};

pub use content::Content;
pub use disk::Disk;
pub use error::{Refusal, TargetError, TargetEvent};
pub use share::{FolderShare, NoShare};
pub use spec::{Existing, Partial, Place, TargetSpec, Time};
pub use target::FileTargets;

/// The server's files.
pub trait Share: Send {
    /// Takes a request. `List`, `Open`, `HashPrefix` and `Read` are answered through [`poll_next`](Self::poll_next), those
    /// of one transfer in their order; after `Close` nothing of that transfer is.
    fn submit(&mut self, request: ShareRequest);

    /// The next answer.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ShareCompletion>;

    /// The next answer; pends while there is none. Cancel safe.
    fn next(&mut self) -> impl Future<Output = ShareCompletion> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    /// Copies bytes that a `Read` brought in and no `Forget` let go. `into` has the length of the range.
    ///
    /// # Errors
    /// [`NotHeld`] when they are not there, which is a mistake of the caller's.
    fn copy(&self, transfer: TransferId, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld>;

    /// Opens the folder anew: another one may be at its path now. Transfers that run keep their files.
    fn reload(&mut self);
}

/// Bytes that are not in memory were to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of this range are not held")]
pub struct NotHeld;

/// The answer to a [`ShareRequest`]. Names as in the core's `Server::handle_*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShareCompletion {
    /// To `List`; empty when the folder cannot be read, which is logged.
    Listing(Arc<[FileEntry]>),
    /// To `Open`.
    Opened {
        /// The transfer that it is about.
        transfer: TransferId,
        /// What is known of the file.
        result: Result<FileMeta, FileError>,
    },
    /// To `HashPrefix`.
    PrefixHashed {
        /// The transfer that it is about.
        transfer: TransferId,
        /// The prefix' hash.
        result: Result<Hash, FileError>,
    },
    /// To `Read`.
    Read {
        /// The transfer that it is about.
        transfer: TransferId,
        /// The range, and with the last one the file's hash.
        result: Result<ReadDone, FileError>,
    },
}

impl ShareCompletion {
    /// Tells the core.
    pub fn tell(self, server: &mut Server, now: Instant) {
        match self {
            Self::Listing(files) => server.handle_listing(now, files),
            Self::Opened { transfer, result } => server.handle_opened(now, transfer, result),
            Self::PrefixHashed { transfer, result } => server.handle_prefix_hashed(now, transfer, result),
            Self::Read { transfer, result } => server.handle_read(now, transfer, result),
        }
    }
}

/// The client's files.
pub trait Targets: Send {
    /// What the files consist of.
    type Content: Content;

    /// Opens what `spec` asks for, for the server's file `name`. Answered by `Opened`.
    fn open(&mut self, download: DownloadId, name: &FileName, spec: TargetSpec);

    /// Takes a copy of a datagram's `part`, to be written at `offset`: the end of what was written before.
    fn write(&mut self, download: DownloadId, offset: u64, part: <Self::Content as Content>::Part<'_>);

    /// Takes a request about a file that is open. Requests and writes of one download are carried out in their
    /// order.
    fn submit(&mut self, download: DownloadId, op: TargetOp);

    /// No more writes for now: what was taken goes to files that are idle. Between two calls writes gather, so
    /// that the system gets few and large ones.
    fn flush(&mut self);

    /// The next answer.
    ///
    /// A caller that waits here for [`is_idle`](Self::is_idle) is woken by it: closing a file is always answered.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<TargetCompletion>;

    /// The next answer; pends while there is none. Cancel safe.
    fn next(&mut self) -> impl Future<Output = TargetCompletion> + Send {
        poll_fn(|cx| self.poll_next(cx))
    }

    /// Whether no file is open and everything that happened was told. An output that takes nothing, such as a pipe
    /// that nobody reads, is not waited for once it was given up: nothing of it is kept.
    ///
    /// It changes only within a call of this trait's other methods, or with what [`poll_next`](Self::poll_next) returns.
    fn is_idle(&self) -> bool;
}

/// The answer to what was asked of a target. Names as in the core's `Client::handle_*`.
#[derive(Debug)]
pub enum TargetCompletion {
    /// To `open`.
    Opened {
        /// The download that it is about.
        download: DownloadId,
        /// What an earlier run left.
        result: Result<Have, LocalError>,
    },
    /// To writes: everything below `through` is with the operating system.
    Written {
        /// The download that it is about.
        download: DownloadId,
        /// The first byte that is not.
        through: u64,
    },
    /// Instead of an answer to a write, `Restart` or `Digest`; nothing more is written to this file.
    Failed {
        /// The download that it is about.
        download: DownloadId,
        /// What went wrong; the text went before it in an event.
        error: LocalError,
    },
    /// To `Digest`.
    Digest {
        /// The download that it is about.
        download: DownloadId,
        /// Of the whole file.
        hash: Hash,
    },
    /// To `Commit`.
    Committed {
        /// The download that it is about.
        download: DownloadId,
        /// Whether it has its final name.
        result: Result<(), LocalError>,
    },
    /// For the application rather than for the core.
    Event {
        /// The download that it is about.
        download: DownloadId,
        /// What happened.
        event: TargetEvent,
    },
}

impl TargetCompletion {
    /// Tells the core; what is not for it, but for the application, comes back.
    pub fn tell(self, client: &mut Client, now: Instant) -> Option<(DownloadId, TargetEvent)> {
        match self {
            Self::Opened { download, result } => client.handle_opened(now, download, result),
            Self::Written { download, through } => client.handle_written(now, download, through),
            Self::Failed { download, error } => client.handle_write_failed(now, download, error),
            Self::Digest { download, hash } => client.handle_digest(now, download, hash),
            Self::Committed { download, result } => client.handle_committed(now, download, result),
            Self::Event { download, event } => return Some((download, event)),
        }
        None
    }
}
