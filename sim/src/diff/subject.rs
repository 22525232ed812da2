//! What a record is about, whatever its time and its place in the file.

use core::fmt;

use super::names::Names;
pub use super::names::Owner;
use crate::trace::{Datagram, Event, Name, Node, Record};

/// Two records with the same subject are about the same thing. Where a run has several, the first of the one is the first
/// of the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Where it happened.
    pub node: Node,
    /// What: an event's name, but [`ARRIVAL`].
    pub what: &'static str,
    /// Whose it is.
    pub of: Option<Owner>,
    /// Which one.
    pub which: Which,
}

/// What became of a copy of a datagram: that it was delivered in one trace and dropped in the other is one difference.
pub const ARRIVAL: &str = "net:arrival";

/// Which one of several things of a kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The next.
    Next,
    /// The next with this number: a wish, an offset, a datagram that nobody knows.
    Number(u64),
    /// The next of this name: a timer, a kind of packet, who said it.
    Named(Name),
    /// This datagram.
    Datagram(Datagram),
    /// This copy of this datagram, from 0.
    Copy(Datagram, u64),
}

impl Subject {
    /// What `record` is about, in a run whose numbers mean `names`.
    pub(super) fn of(record: &Record, names: &Names) -> Self {
        let Record { node, event, .. } = record;
        let what = match event {
            Event::Delivered { .. } | Event::NetDropped { .. } => ARRIVAL,
            other => other.name(),
        };
        Self { node: *node, what, of: names.owner(event), which: which(*node, event, names) }
    }
}

fn which(node: Node, event: &Event, names: &Names) -> Which {
    let sent = |ordinal: u64| names.sent(node, ordinal).map(|sent| sent.what);
    match event {
        Event::Offered { what, .. } => Which::Datagram(*what),
        Event::Injected { ordinal, .. } => Which::Number(*ordinal),
        Event::Duplicated { ordinal, .. } => sent(*ordinal).map_or(Which::Number(*ordinal), Which::Datagram),
        Event::Damaged { ordinal, copy, .. }
        | Event::Delivered { ordinal, copy, .. }
        | Event::NetDropped { ordinal, copy, .. } => {
            sent(*ordinal).map_or(Which::Number(*ordinal), |what| Which::Copy(what, *copy))
        }
        Event::SegmentsSent { start, .. }
        | Event::SegmentReceived { start, .. }
        | Event::SegmentDiscarded { start, .. } => Which::Number(*start),
        Event::Acknowledged { una, .. } => Which::Number(*una),
        Event::Asked { wish, .. }
        | Event::Taken { wish, .. }
        | Event::NotTaken { wish, .. }
        | Event::Answered { wish, .. }
        | Event::DownloadStarted { wish, .. }
        | Event::DownloadFinished { wish, .. }
        | Event::DownloadFailed { wish, .. } => Which::Number(*wish),
        Event::FileShared { name, .. }
        | Event::StateChanged { to: name, .. }
        | Event::PacketSent { kind: name, .. }
        | Event::PacketReceived { kind: name, .. }
        | Event::PacketDropped { reason: name, .. }
        | Event::TransferRefused { file: name, .. }
        | Event::Marked { mark: name, .. }
        | Event::TimerSet { timer: name, .. }
        | Event::TimerStopped { timer: name, .. }
        | Event::TimerExpired { timer: name, .. }
        | Event::ChatSaid { id: Some(name), .. }
        | Event::Message { from: name, .. }
        | Event::Private { from: name, .. }
        | Event::PeerJoined { nick: name }
        | Event::PeerLeft { nick: name, .. }
        | Event::Shown { kind: name, .. } => Which::Named(name.clone()),
        // Of everything else the next is the one.
        _ => Which::Next,
    }
}

/// `server->alice data@12000#2`, or `alice recovery:timer_expired retransmit of alice's 2nd download`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.what == ARRIVAL { "what became of" } else { self.what };
        write!(f, "{} {what}", self.node)?;
        match &self.which {
            Which::Next => {}
            Which::Number(number) => write!(f, " {number}")?,
            Which::Named(name) => write!(f, " {}", backchat_core::text::visible(name))?,
            Which::Datagram(what) | Which::Copy(what, 0) => write!(f, " {what}")?,
            Which::Copy(what, copy) => write!(f, " copy {copy} of {what}")?,
        }
        match self.of {
            Some(Owner { client, download: 1.. }) if client != self.node => write!(f, " of {client}"),
            _ => Ok(()),
        }
    }
}
