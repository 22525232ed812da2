//! What a record is about, whatever its time and its place in the file.

use core::fmt;

use super::names::Names;

pub use super::names::Owner;
use crate::trace::{
    AppEvent, ChatEvent, CoreEvent, Datagram, Event, Name, NetEvent, Node, Record, RunEvent, TransferEvent,
};

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
            Event::Net(NetEvent::Delivered { .. } | NetEvent::Dropped { .. }) => ARRIVAL,
            other => other.name(),
        };
        Self { node: *node, what, of: names.owner(event), which: which(*node, event, names) }
    }
}

fn which(node: Node, event: &Event, names: &Names) -> Which {
    let sent = |ordinal: u64| names.sent(node, ordinal).map(|sent| sent.what);
    let word = |word| Which::Named(Name::of(word));
    match event {
        Event::Core(_, event) => match event {
            CoreEvent::SegmentsSent { range, .. }
            | CoreEvent::SegmentReceived { range }
            | CoreEvent::SegmentDiscarded { range, .. } => Which::Number(range.start),
            CoreEvent::Acknowledged { una, .. } => Which::Number(*una),
            CoreEvent::StateChanged { to, .. } => word(to.name()),
            CoreEvent::PacketSent { kind, .. } | CoreEvent::PacketReceived { kind, .. } => word(kind.name()),
            CoreEvent::Dropped { reason } => word(reason.name()),
            CoreEvent::Marked { mark } => word(mark.name()),
            CoreEvent::TimerSet { timer, .. }
            | CoreEvent::TimerStopped { timer }
            | CoreEvent::TimerExpired { timer } => word(timer.name()),
            CoreEvent::RttUpdated { .. }
            | CoreEvent::WentBack { .. }
            | CoreEvent::WindowChanged { .. }
            | CoreEvent::Paused { .. }
            | CoreEvent::PathChallenged
            | CoreEvent::PathValidated
            | CoreEvent::Ended { .. } => Which::Next,
        },
        Event::Net(event) => match event {
            NetEvent::Offered { what, .. } => Which::Datagram(*what),
            NetEvent::Injected { ordinal, .. } => Which::Number(*ordinal),
            NetEvent::Duplicated { ordinal, .. } => {
                sent(*ordinal).map_or(Which::Number(*ordinal), Which::Datagram)
            }
            NetEvent::Damaged { ordinal, copy, .. }
            | NetEvent::Delivered { ordinal, copy, .. }
            | NetEvent::CongestionExperienced { ordinal, copy }
            | NetEvent::Dropped { ordinal, copy, .. } => {
                sent(*ordinal).map_or(Which::Number(*ordinal), |what| Which::Copy(what, *copy))
            }
            NetEvent::InFlight { .. } => Which::Next,
        },
        Event::App(event) => match event {
            AppEvent::Asked { wish, .. }
            | AppEvent::Taken { wish, .. }
            | AppEvent::NotTaken { wish, .. }
            | AppEvent::Answered { wish, .. }
            | AppEvent::DownloadStarted { wish, .. }
            | AppEvent::DownloadFinished { wish, .. }
            | AppEvent::DownloadFailed { wish, .. } => Which::Number(*wish),
            AppEvent::Message { from: name, .. }
            | AppEvent::Private { from: name, .. }
            | AppEvent::PeerJoined { nick: name }
            | AppEvent::PeerLeft { nick: name, .. } => Which::Named(name.clone()),
            AppEvent::Shown { kind, .. } => word(kind.name()),
            AppEvent::Connected
            | AppEvent::CannotConnect { .. }
            | AppEvent::Joined { .. }
            | AppEvent::Refused { .. }
            | AppEvent::Disconnected { .. }
            | AppEvent::Reconnecting { .. }
            | AppEvent::GaveUp
            | AppEvent::Gap { .. } => Which::Next,
        },
        Event::Chat(ChatEvent::Said { id: Some(id), .. }) => Which::Named(id.to_string().into()),
        Event::Transfer(TransferEvent::Refused { file, .. }) => Which::Named(file.as_str().into()),
        Event::Run(RunEvent::FileShared { name, .. }) => Which::Named(name.clone()),
        // Of everything else the next is the one.
        Event::Chat(_) | Event::Transfer(_) | Event::Run(_) => Which::Next,
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
