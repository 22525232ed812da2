//! The outside of a loop: everything that it asks of the world, and nothing of how the world does it.
//!
//! The loops ([`super::server::ServerLoop`], [`super::client::ClientLoop`]) are machines without a runtime. Each turn
//! they poll their outside for the next input, hand it to the core and carry out what the core answers. Two outsides
//! exist: [`super::sockets`], over sockets and files under tokio (real ones, or those of a simulated network), and the
//! event queue of the simulator's exact engine. What a loop decides is thereby the same wherever it runs.
//!
//! Every `poll_…` follows the contract of [`Future::poll`]: `Pending` means that the task of `cx` is woken when there
//! is something. An outside that calls the loop again by itself need not look at `cx` at all. No call waits.

use std::io::{self, IoSlice};
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::task::{Context, Poll};

use backchat_core::chat::{FrameError, ServerFrame, StreamId};
use backchat_core::node::{Datagram, DownloadId, Path, Transmit};
use backchat_core::time::{Instant, UnixTime};

use super::application::Application;
use super::server::{Control, Observer};
use crate::files::{Share, Targets};

/// Time.
pub trait Timer {
    /// Now, on the loop's own clock.
    fn now(&self) -> Instant;

    /// The calendar's time, for people.
    fn wall(&self) -> UnixTime;

    /// Ready once it is `until`, or later. The loop has one timer: a call replaces the one before, `None` stops it.
    fn poll_sleep(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<()>;
}

/// A UDP socket.
pub trait Datagrams {
    /// The datagrams that one receive brings.
    type Arrivals: Arrivals;

    /// Returns what has arrived, at least one datagram. Hand it back with [`recycle`](Self::recycle) before the next.
    ///
    /// # Errors
    /// This socket will not receive again.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Arrivals>>;

    /// Takes back what was received, for its memory.
    fn recycle(&mut self, arrivals: Self::Arrivals);

    /// Seals and sends datagrams. Those that cannot be sent and cannot be kept are lost, as on any network, and
    /// counted.
    fn send(&mut self, transmit: Transmit) -> Sent;

    /// Returns true while datagrams wait for room in the socket's buffer.
    fn is_blocked(&self) -> bool;

    /// Ready once everything that waited was taken.
    ///
    /// # Errors
    /// This socket will not send again.
    fn poll_unblocked(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Number of datagrams that were lost here: the buffer was full, or their bytes were not in memory.
    fn datagrams_lost(&self) -> u64;
}

/// Datagrams that arrived together, in groups of one path each.
pub trait Arrivals {
    /// Number of groups.
    fn groups(&self) -> usize;

    /// The path that the datagrams of a group came on.
    fn path(&self, group: usize) -> Path;

    /// The datagrams of a group, in the order in which they arrived.
    fn datagrams(&self, group: usize) -> impl Iterator<Item = Datagram<'_>>;
}

/// Answer of a socket to datagrams that are to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// They are gone; there is room for more.
    Taken,
    /// Some wait for room. Until [`Datagrams::poll_unblocked`] is ready, more would be lost.
    Blocked,
    /// The socket is broken.
    Broken,
}

/// Chat connections, each by the name that the loop has given it.
pub trait Connections {
    /// Names a connection that may have something to read, room to write, or both. It is not named again before
    /// something happens to it, so both must be tried until they answer `Blocked`, or it must be
    /// [queued](Self::queue).
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<StreamId>;

    /// Puts a connection behind those that [`poll_ready`](Self::poll_ready) will name.
    fn queue(&mut self, stream: StreamId);

    /// Replaces `buffer` by what is there to read, some 16 KiB at most.
    fn read(&mut self, stream: StreamId, buffer: &mut Vec<u8>) -> Read;

    /// Writes as much of `slices` as the connection takes at once.
    fn write(&mut self, stream: StreamId, slices: &[IoSlice<'_>]) -> Write;

    /// Tells the peer that nothing more comes. It may still send.
    fn shut_down(&mut self, stream: StreamId);

    /// Gives a connection up. Returns true if there was one of this name.
    fn close(&mut self, stream: StreamId) -> bool;
}

/// Answer of a connection to a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Bytes are in the buffer. There may be more: the connection is queued again.
    Bytes,
    /// Nothing is there now; the connection is named again when that changes.
    Blocked,
    /// The peer sends nothing more. It may still read.
    Finished,
    /// The connection is broken, or there is none of this name.
    Failed,
}

/// Answer of a connection to a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// So many bytes were taken, at least one.
    Taken(usize),
    /// None is taken now; the connection is named again when that changes.
    Blocked,
    /// The connection is broken, or there is none of this name.
    Failed,
}

/// The outside of a server.
pub trait ServerOutside: Timer + Datagrams + Connections + Observer {
    /// The files that can be downloaded.
    type Share: Share;

    /// The files that can be downloaded.
    fn share(&mut self) -> &mut Self::Share;

    /// The next wish of an operator or a signal; `None` when none will come any more.
    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<Option<Control>>;

    /// Takes in the next chat connection under the name `stream`, which is queued at once, and returns its peer's
    /// address.
    ///
    /// # Errors
    /// No connection will come any more.
    fn poll_accept(&mut self, cx: &mut Context<'_>, stream: StreamId) -> Poll<io::Result<IpAddr>>;
}

/// The outside of a client.
pub trait ClientOutside: Timer + Datagrams + Connections + Application {
    /// The files that downloads become.
    type Targets: Targets;

    /// The files that downloads become.
    fn targets(&mut self) -> &mut Self::Targets;

    /// Takes bytes of a datagram, to be written at `offset` of a download's file: the end of what was written before.
    fn write_target(&mut self, download: DownloadId, offset: u64, from: Payload<'_, Self::Arrivals>);

    /// Reads a line of the server's.
    ///
    /// # Errors
    /// It is no frame.
    fn decode(&mut self, line: &[u8]) -> Result<ServerFrame, FrameError> {
        ServerFrame::decode(line)
    }

    /// Begins to connect to the server. An attempt that was under way is given up.
    fn connect(&mut self);

    /// Takes the connection in under the name `stream`, which is queued at once, once it is made, and returns the
    /// address that was reached.
    ///
    /// # Errors
    /// It cannot be made, in the system's words.
    fn poll_connect(&mut self, cx: &mut Context<'_>, stream: StreamId) -> Poll<io::Result<SocketAddr>>;

    /// Gives up an attempt to connect.
    fn cancel_connect(&mut self);

    /// Begins to bind a socket for downloads, of the address family of `server`.
    fn bind(&mut self, server: SocketAddr);

    /// Ready once the socket is bound: returns the bytes that its receive buffer holds, as the system counts them.
    ///
    /// # Errors
    /// There is none to be had, in the system's words.
    fn poll_bind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>>;

    /// Gives up the socket for downloads, and what waits to be sent.
    fn unbind(&mut self);
}

/// Bytes of a datagram that has just arrived.
#[derive(Clone, Debug)]
pub struct Payload<'a, A> {
    /// The datagrams that arrived together.
    pub arrivals: &'a A,
    /// The place of its group among them.
    pub group: usize,
    /// The place of the datagram in its group.
    pub datagram: usize,
    /// The place of the bytes in the datagram.
    pub bytes: Range<usize>,
}
