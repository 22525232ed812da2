//! What a driver holds: a [`Server`] or a [`Client`], the chat and its transfers behind one interface.
//!
//! # Mutate, drain, mutate
//! After each `handle_*` (or command) call `poll_output` until it answers `Timeout`, and carry out each output as it
//! comes. `Timeout` names when `handle_timeout` wants to be called; it may be *now*, which means that more is ready
//! and that the inputs should be looked at first. Calling `handle_timeout` early does no harm.
//!
//! # Bytes of files
//! File bytes stay with the driver. The server's [`ShareRequest::Read`] brings a range into memory, a
//! [`Transmit::Segments`] says which range goes into which segment. The client's [`TargetRequest::Write`] names a
//! payload within the batch that was just handed to [`Client::handle_datagrams`]; it must be carried out (copied)
//! before the next input.

mod client;
mod counters;
mod datagram;
mod deadlines;
mod server;

use std::net::{IpAddr, SocketAddr};

pub use client::{
    Client, ClientConfig, ClientEvent, ClientOutput, DownloadError, DownloadEvent, DownloadHosts, DownloadId,
    FailReason, GetRequest, LocalError, Summary, TargetOp, TargetRequest,
};
pub use counters::Counters;
pub use datagram::Datagram;
pub use server::{
    Answer, Asker, FileError, FileMeta, MIN_MEMORY, Order, Present, ReadDone, Server, ServerConfig,
    ServerEvent, ServerOutput, ShareRequest, Stats, TransferEvent, TransferLimits,
};

pub use crate::chat::Have;
use crate::wire::{Packet, SegmentBatch};

/// The most bytes that an output has. Each is moved from queue to queue on its way to the driver: up to here that is done
/// in registers, above it is a call. What is large and rare is in a box.
const OUTPUT_MAX: usize = 128;

const _: () = assert!(size_of::<ServerOutput>() <= OUTPUT_MAX && size_of::<ClientOutput>() <= OUTPUT_MAX);

/// Where a datagram came from, or goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// The other side.
    pub remote: SocketAddr,
    /// Our own address that was asked, where the socket is bound to all of them: the answer must come from it.
    pub local: Option<IpAddr>,
}

/// How a stream is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// After what waits for it was taken.
    Flushed,
    /// At once; what waits is thrown away.
    Now,
}

/// Datagrams to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// One datagram without bytes of a file: see [`Packet::write_into`].
    Packet {
        /// On this path.
        path: Path,
        /// What it says.
        packet: Packet,
    },
    /// Equal segments of a file: see [`SegmentBatch::write_into`].
    Segments {
        /// On this path.
        path: Path,
        /// Which bytes go into which segment.
        batch: SegmentBatch,
    },
}
